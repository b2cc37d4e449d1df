"""A step's few rows travel to PostgreSQL as one statement, and are the rows that many would be."""

from __future__ import annotations

from unittest import mock

import pytest

from rasoat.persistence import combining, transactions
from rasoat.persistence.cases import Advance, advance, load
from tests.support.invariants import broken
from tests.support.reviews import BEATS

POSTGRES = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)  # fmt: skip

JOURNEYS = {"give_opinion": 2, "recognise": 2}
"""Steps that must ask something halfway: which rungs nobody had raised, which certificate number comes next."""


@pytest.fixture
def journeys():
    """The names of the writes that went together, one list for each statement."""
    made = []

    def noted(cursor, writes):
        made.append([write.name for write in writes])
        combining.write_together(cursor, writes)

    with mock.patch.object(transactions, "write_together", noted):
        yield made


@POSTGRES
def test_every_step_of_one_household_is_one_statement(review, journeys):
    ids = review.open_round(1, villages=1, households=1)
    for beat in BEATS:
        journeys.clear()
        review.run([beat], ids)
        assert len(journeys) <= JOURNEYS.get(beat.trigger, 1), beat.trigger
        assert {"insert act", "advance cases", "insert events"} <= {name for each in journeys for name in each}
    assert broken(review.database, review.engine.library) == []


@POSTGRES
def test_observers_see_the_act_before_its_steps_are_written(review):
    ids = review.open_round(1, villages=1, households=1)
    seen = []
    review.engine.observers = (lambda tx, _request, _steps: seen.append(tx.select(tx.tables.act.select())),)
    review.run(BEATS[:1], ids)
    assert [len(rows) for rows in seen] == [1]


def test_what_waits_is_written_before_anything_else_is_asked(review):
    (case_id,) = review.open_round(1, villages=1, households=1)
    with review.database.begin() as tx:
        case = load(tx, [case_id])[0]
        with tx.together():
            advance(tx, [_next(case)])
            assert load(tx, [case_id])[0].seq == case.seq + 1
            assert tx.select(tx.tables.case.select())[0].seq == case.seq + 1


def test_the_same_row_written_twice_is_written_in_order(review):
    (case_id,) = review.open_round(1, villages=1, households=1)
    with review.database.begin() as tx:
        case = load(tx, [case_id])[0]
        with tx.together():
            advance(tx, [_next(case)])
            advance(tx, [_next(case._replace(seq=case.seq + 1))])
    with review.database.read() as tx:
        assert load(tx, [case_id])[0].seq == case.seq + 2


def test_what_a_savepoint_undoes_is_not_written_later(review):
    kept, undone = review.open_round(1, villages=1, households=2)
    with review.database.begin() as tx:
        first, second = load(tx, [kept, undone])
        with tx.together():
            advance(tx, [_next(first)])
            with pytest.raises(KeyError), tx.savepoint():
                advance(tx, [_next(second)])
                raise KeyError
    with review.database.read() as tx:
        assert [case.seq for case in load(tx, [kept, undone])] == [first.seq + 1, second.seq]


def _next(case):
    return Advance(
        case.state, case.seq + 1, case.last_on, case.class_after, case.facts, case.head, case.id, case.seq
    )  # fmt: skip
