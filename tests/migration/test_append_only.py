"""What is on record stays: the database itself refuses to change it, for the engine's own connection too."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from rasoat.persistence.migrating import downgrade
from tests.support.reviews import BEATS, Review

RECORD = ("event", "act", "deadline_entry", "rung")


@pytest.fixture
def review(database_url):
    review = Review.start(database_url)
    review.run(BEATS[:5], review.open_round(1, villages=1, households=2))
    with review.database.begin() as tx:
        _fill(tx)
    yield review
    review.database.dispose()


def _fill(tx):
    """One row in each table of the record, whatever the round left there."""
    deadline_id, due_on, due_at = tx.select(select(*(tx.tables.deadline.c[n] for n in ("id", "due_on", "due_at"))))[0]
    rung = {"deadline_id": deadline_id, "due_on": due_on, "step": 99, "claimed_at": due_at, "missed": False}
    entry = {"deadline_id": deadline_id, "seq": 99, "kind": "extended", "occurred_on": due_on, "recorded_at": due_at}
    tx.execute(insert(tx.tables.rung), rung)
    tx.execute(insert(tx.tables.deadline_entry), entry | {"actor": "cb01", "document": "12/QĐ", "detail": "{}"})


@pytest.mark.parametrize("name", RECORD)
@pytest.mark.parametrize("verb", ["update", "delete"])
def test_no_row_of_the_record_is_changed_or_deleted(review, name, verb):
    table = getattr(review.database.tables, name)
    before = rows(review, table)
    statement = delete(table) if verb == "delete" else update(table).values({c.name: c for c in list(table.c)[-1:]})
    with pytest.raises(DBAPIError, match="append-only"), review.database.engine.begin() as connection:
        connection.execute(statement)
    assert rows(review, table) == before
    assert before


@pytest.mark.postgres
@pytest.mark.parametrize("name", RECORD)
def test_no_table_of_the_record_is_emptied(postgres_url, name):
    review = Review.start(postgres_url)
    try:
        table = getattr(review.database.tables, name)
        with pytest.raises(DBAPIError, match="append-only"), review.database.engine.begin() as connection:
            connection.exec_driver_sql(f"TRUNCATE {table.name} CASCADE")
    finally:
        review.database.dispose()


def test_without_the_second_migration_nothing_would_stop_it(review):
    downgrade(review.database, "0001")
    with review.database.engine.begin() as connection:
        connection.execute(delete(review.database.tables.event))
    assert rows(review, review.database.tables.event) == []


def rows(review, table):
    with review.database.engine.connect() as connection:
        return sorted(map(str, connection.execute(select(table))))
