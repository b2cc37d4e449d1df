"""What is on record stays: the database itself refuses to change it, for the engine's own connection too."""

from __future__ import annotations

import sqlite3
from contextlib import closing, nullcontext

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from rasoat.foundation.errors import ConflictError
from rasoat.persistence.events import acts, insert_act
from rasoat.persistence.migrating import downgrade
from tests.support.reviews import BEATS, Review

FORGED = {"hash": b"x", "digest": b"x", "missed": 1, "detail": "{}"}
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


@pytest.mark.parametrize("name", RECORD)
def test_no_row_of_the_record_is_replaced_on_sqlite_by_any_connection(tmp_path, name):
    review = Review.start(f"sqlite:///{tmp_path / 'test.db'}")
    review.run(BEATS[:5], review.open_round(1, villages=1, households=2))
    with review.database.begin() as tx:
        _fill(tx)
    table = getattr(review.database.tables, name)
    before = rows(review, table)
    with closing(sqlite3.connect(tmp_path / "test.db")) as stranger:
        columns = [column.name for column in table.c]
        [kept] = stranger.execute(f"SELECT {', '.join(columns)} FROM {table.name} LIMIT 1").fetchall()
        forged = dict(zip(columns, kept, strict=True)) | {columns[-1]: FORGED.get(columns[-1], "x")}
        marks = ", ".join("?" * len(columns))
        for verb in ("INSERT OR REPLACE", "REPLACE", "INSERT OR IGNORE", "INSERT"):
            refused = nullcontext() if name == "rung" else pytest.raises(sqlite3.IntegrityError, match="append-only")
            with refused:
                stranger.execute(
                    f"{verb} INTO {table.name} ({', '.join(columns)}) VALUES ({marks})", [*forged.values()]
                )
        stranger.commit()
    assert rows(review, table) == before
    review.database.dispose()


def test_a_key_taken_twice_is_still_a_conflict_to_try_again(review):
    with review.database.read() as tx:
        act = next(iter(acts(tx, [row.id for row in tx.select(select(tx.tables.act.c.id))]).values()))
    with pytest.raises(ConflictError, match="took the same key first"), review.database.begin() as tx:
        insert_act(tx, act)


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
