"""A command is one transaction: whichever of its statements fails, nothing of it is left."""

from __future__ import annotations

from unittest import mock

import pytest

from rasoat.foundation.errors import ConflictError, StorageError
from rasoat.persistence.transactions import Tx
from tests.support.invariants import broken, counts
from tests.support.reviews import BEATS, Review

STATEMENTS = ("rows", "run", "many", "later", "flush")


class InjectedError(Exception):
    """The machine gave up here."""


@pytest.fixture
def review(database_url):
    review = Review.start(database_url)
    yield review
    review.database.dispose()


class Failing:
    """Lets a transaction's statements pass until the given one, which fails after it was done."""

    def __init__(self, at):
        self.at = at
        self.seen = 0

    def wrap(self, method):
        def counted(tx, *args):
            done = method(tx, *args)
            self.seen += 1
            if self.seen == self.at:
                raise InjectedError
            return done

        return counted

    def patched(self):
        return mock.patch.multiple(Tx, **{name: self.wrap(getattr(Tx, name)) for name in STATEMENTS})


@pytest.mark.parametrize("households", [1, 6], ids=["few", "many"])  # few are written together, many in bulk
@pytest.mark.parametrize("beat", BEATS, ids=lambda beat: beat.trigger)
def test_a_failure_at_any_statement_leaves_nothing(review, beat, households):
    ids = review.open_round(1, villages=1, households=households)
    review.run(BEATS[: BEATS.index(beat)], ids)
    before = counts(review.database)
    review.move_to(beat)
    at = 1
    while True:
        failing = Failing(at)
        with failing.patched():
            try:
                review.fire(beat, ids, idempotency_key=f"{beat.trigger}-1")
            except InjectedError:
                pass
            else:
                break
        assert counts(review.database) == before, f"statement {at}"
        assert broken(review.database, review.engine.library) == []
        at += 1
    assert at > 6, "a command is more than its lock and its update"
    assert counts(review.database)["rasoat_event"] == before["rasoat_event"] + len(ids)
    assert broken(review.database, review.engine.library) == []


def test_a_failing_opening_leaves_nothing(review):
    before = counts(review.database)
    for at in range(1, 4):
        with Failing(at).patched(), pytest.raises(InjectedError):
            review.open_round(1, villages=1, households=6)
        assert counts(review.database) == before


def test_an_observer_that_vetoes_undoes_everything_and_its_own_rows_too(review):
    ids = review.open_round(1, villages=1, households=3)
    before = counts(review.database)

    def veto(tx, _request, _steps):
        tx.execute(tx.tables.setting.insert(), {"unit_path": "", "workflow": "", "key": "seen", "value": "1"})
        raise InjectedError

    review.engine.observers = (veto,)
    with pytest.raises(InjectedError):
        review.fire(BEATS[0], ids)
    assert counts(review.database) == before


@pytest.mark.parametrize("households", [3, 6])
def test_a_case_moved_meanwhile_is_a_conflict_and_nothing_is_written(review, households):
    ids = review.open_round(1, villages=1, households=households)
    real, before = Tx.later, counts(review.database)

    def meanwhile(tx, statement, rows, told=None):
        if statement.name == "advance cases":
            rows = [(*row[:-1], row[-1] + 1) for row in rows]  # as if each had a step more than was read
        return real(tx, statement, rows, told)

    of_all = f"{households} of {households} cases"
    with mock.patch.object(Tx, "later", meanwhile), pytest.raises(ConflictError, match=of_all):
        review.fire(BEATS[0], ids)
    assert counts(review.database) == before


def test_what_a_driver_refuses_is_a_fault_of_ours(review):
    review.open_round(1, villages=1, households=1)
    with pytest.raises(StorageError):
        review.open_round(1, villages=1, households=1)
    with pytest.raises(StorageError, match="append-only"), review.database.begin() as tx:
        tx.execute(tx.tables.event.delete())
