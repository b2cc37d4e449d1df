"""The engine in a host's transaction: it neither commits nor rolls back; each command is a savepoint."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
from psycopg.rows import dict_row
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from rasoat.foundation.errors import StorageError
from rasoat.persistence.database import Database
from tests.support.invariants import broken
from tests.support.reviews import BEATS, Review

LIST = BEATS[0]
HOST = Table("host_note", MetaData(), Column("id", Integer, primary_key=True))


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "host_note"
    id: Mapped[int] = mapped_column(primary_key=True)


class RefusedError(Exception):
    """The host changed its mind."""


@pytest.fixture
def ids(review):
    HOST.metadata.create_all(review.database.engine)
    review.move_to(LIST)
    return review.open_round(1, villages=1, households=3)


@pytest.fixture
def host(database_url):
    """The host's own engine, configured as hosts configure theirs: not at all."""
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


def seen(review):
    """What another connection sees: the host's notes, and how many cases have moved."""
    case = review.database.tables.case
    with review.database.engine.connect() as connection:
        notes = [i for (i,) in connection.execute(text("SELECT id FROM host_note ORDER BY id"))]
        return notes, len(connection.execute(select(case.c.id).where(case.c.state == "listed")).all())


def test_a_connection_decides_alone_over_its_rows_and_ours(review, ids, host):
    with host.connect() as connection:
        connection.execute(HOST.insert(), {"id": 1})
        with review.database.join(connection) as tx:
            review.fire_in(tx, LIST, ids)
        connection.rollback()
    assert seen(review) == ([], 0)
    with host.connect() as connection:
        with review.database.join(connection) as tx:
            review.fire_in(tx, LIST, ids)
        connection.execute(HOST.insert(), {"id": 2})
        assert seen(review) == ([], 0), "nothing shows before the host commits"
        connection.commit()
    assert seen(review) == ([2], 3)
    assert broken(review.database, review.engine.library) == []


def test_a_session_decides_alone_and_its_pending_objects_are_there_first(review, ids, host):
    with Session(host) as session:
        session.add(Note(id=7))
        with review.database.join(session) as tx:
            assert tx.select(text("SELECT id FROM host_note")) == [(7,)]
            review.fire_in(tx, LIST, ids)
        session.rollback()
    assert seen(review) == ([], 0)
    with Session(host) as session, session.begin():
        with review.database.join(session) as tx:
            review.fire_in(tx, LIST, ids)
        session.add(Note(id=8))
    assert seen(review) == ([8], 3)


def test_a_command_that_fails_is_undone_alone(review, ids, host):
    with host.connect() as connection:
        connection.execute(HOST.insert(), {"id": 1})
        with review.database.join(connection) as tx:
            review.fire_in(tx, LIST, ids[:1])
        with pytest.raises(RefusedError), review.database.join(connection) as tx:
            review.fire_in(tx, LIST, ids[1:])
            raise RefusedError
        connection.execute(HOST.insert(), {"id": 2})
        connection.commit()
    assert seen(review) == ([1, 2], 1)
    assert broken(review.database, review.engine.library) == []


def test_a_statement_the_database_refuses_leaves_the_host_able_to_go_on(review, ids, host):
    with host.connect() as connection:
        connection.execute(HOST.insert(), {"id": 1})
        with pytest.raises(StorageError), review.database.join(connection) as tx:
            tx.execute(tx.tables.event.delete())
        connection.execute(HOST.insert(), {"id": 2})
        connection.commit()
    assert seen(review) == ([1, 2], 0)


def test_savepoints_nest_and_undo_only_what_is_inside(review, ids):
    with review.database.begin() as tx:
        with tx.savepoint():
            review.fire_in(tx, LIST, ids[:1])
            with pytest.raises(RefusedError), tx.savepoint():
                review.fire_in(tx, LIST, ids[1:])
                raise RefusedError
        with pytest.raises(RefusedError), tx.savepoint():
            review.fire_in(tx, LIST, ids[1:2])
            raise RefusedError
    assert seen(review) == ([], 1)


def bare(database_url, **options):
    """A driver's connection with a row factory of the host's own."""
    if database_url.startswith("sqlite"):
        connection = sqlite3.connect(database_url.removeprefix("sqlite:///"), **options)
        connection.row_factory = sqlite3.Row
        return connection
    return psycopg.connect(database_url.replace("+psycopg", ""), row_factory=dict_row, **options)


def test_a_bare_connection_decides_alone(review, ids, database_url):
    connection = bare(database_url)
    around = Review(Database.around(connection), ids=review.engine.ids)
    around.move_to(LIST)
    connection.execute("INSERT INTO host_note VALUES (1)")
    around.fire(LIST, ids)
    assert seen(review) == ([], 0), "nothing shows before the host commits"
    connection.rollback()
    assert seen(review) == ([], 0)
    around.fire(LIST, ids[:2])
    connection.execute("INSERT INTO host_note VALUES (2)")
    with pytest.raises(RefusedError), around.database.begin() as tx:
        around.fire_in(tx, LIST, ids[2:])
        raise RefusedError
    with around.database.read() as tx:
        assert len(tx.select(select(tx.tables.event))) == 5
    connection.commit()
    assert seen(review) == ([2], 2)
    around.database.dispose()
    assert tuple(connection.execute("SELECT 1 AS one").fetchone()) in {(1,), ("one",)}, "the host's connection lives on"
    connection.close()


def test_a_bare_connection_in_autocommit_is_refused_unless_a_transaction_is_open(review, ids, database_url):
    sqlite = database_url.startswith("sqlite")
    connection = bare(database_url, **({"isolation_level": None} if sqlite else {"autocommit": True}))
    around = Review(Database.around(connection), ids=review.engine.ids)
    around.move_to(LIST)
    with pytest.raises(StorageError, match="autocommit"):
        around.fire(LIST, ids)
    connection.execute("BEGIN")
    around.fire(LIST, ids)
    connection.execute("COMMIT")
    assert seen(review) == ([], 3)
    around.database.dispose()
    connection.close()


def test_another_drivers_connection_is_refused():
    with pytest.raises(StorageError, match=r"psycopg\.Connection"):
        Database.around(object())
