"""The first run over a round that is long over: each desk is told of each term once, and every rung is on record."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING

import pytest

from rasoat.engine.rounds import open_season_end
from rasoat.notifications.composing import Settings
from rasoat.notifications.directory_file import parse
from rasoat.notifications.dispatch import dispatch
from rasoat.notifications.model import Receipt
from rasoat.notifications.setup import Notify
from rasoat.persistence.rounds import rounds
from rasoat.workflows.plans.outlooks import flag_lost, open_rounds
from tests.support.clockwork import at, rungs, work_at
from tests.support.post import facts, messages
from tests.support.reviews import BEATS, COMMUNE, DISTRICT, Review

if TYPE_CHECKING:
    from collections.abc import Iterator

SEASON_ENDS = date(2022, 12, 14)
OF_A_TERM = {"deadline", "breach", "season_lost"}
PEOPLE = {
    "bcd": ("committee", COMMUNE),
    "ct": ("commune_chair", COMMUNE),
    "huyen": ("superior_chair", DISTRICT),
    "gs": ("supervisor", "42"),
}
DIRECTORY = parse(
    {
        "person": [{"key": key, "name": key, "addresses": {"inbox": key}} for key in PEOPLE],
        "post": [{"person": key, "role": role, "unit": unit} for key, (role, unit) in PEOPLE.items()],
    }
)


class Kept:
    """A channel that takes everything."""

    name = "inbox"
    guarantee = "exactly once"

    def send(self, message: object) -> Receipt:
        return Receipt(str(message), "kept")


@pytest.fixture
def late(database_url: str) -> Iterator[Review]:
    """Two households are left where the report is awaited; the worker first runs a week after the season's end."""
    review = Review.start(database_url)
    ids = review.open_round(1, villages=1, households=2)
    with review.database.begin() as tx:
        open_season_end(tx, review.engine, rounds(tx, [1])[1])
    review.run(BEATS[:8], ids)
    review.clock.move_to(at(date(2022, 12, 21)))
    yield review
    review.database.dispose()


def test_a_desk_is_told_of_a_term_once_however_much_there_is_to_tell_of_it(late):
    work_at(late, at(date(2022, 12, 21)))
    with late.database.read() as tx:
        open_now = open_rounds(tx)
    assert flag_lost(late.database, late.engine, open_now) == 1
    queued = Counter(json.loads(fact.data)["rule"] for fact in facts(late.database) if fact.kind in OF_A_TERM)
    assert queued["season_end"] > 4
    notify = Notify(DIRECTORY, {"inbox": Kept()}, settings=Settings(burst=50))
    dispatch(late.database, late.engine, notify, chance=lambda: 0.5)
    told = [row for row in messages(late.database) if row.kind in OF_A_TERM]
    about = Counter((row.recipient, json.loads(row.data)["step"]["en"], json.loads(row.data)["due_on"]) for row in told)
    assert {key for key, times in about.items() if times > 1} == set()
    season = [(row.recipient, row.kind) for row in told if json.loads(row.data)["due_on"] == SEASON_ENDS.isoformat()]
    assert sorted(season) == [("bcd", "breach"), ("gs", "season_lost")]
    status = Counter(fact.status for fact in facts(late.database) if fact.kind in OF_A_TERM)
    assert set(status) == {"told"}
    assert status["told"] > len(told)
    assert len(rungs(late)) > len(told)
