"""A database full of cases at the first schema is upgraded while somebody writes: nothing is lost, and it works on."""

from __future__ import annotations

from benchmarks.upgrade import measure
from rasoat.foundation.ids import CountingIds
from rasoat.persistence.database import Database
from rasoat.persistence.migrating import require_current
from tests.support.reviews import BEATS, Review

CASES = 3000


def test_a_full_database_at_the_first_schema_comes_to_this_release_with_every_row(database_url):
    result = measure(database_url, CASES)
    assert result.cases == CASES
    assert result.conflicts == 0
    database = Database.open(database_url)
    require_current(database)
    review = Review(database, ids=CountingIds(10 * CASES))
    review.run(BEATS, review.open_round(2, villages=1, households=2))
    database.dispose()
