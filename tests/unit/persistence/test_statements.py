"""Statements of the hot path: one bind for any list, found through an index however large the table."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import bindparam, not_, select

from rasoat.foundation.errors import StorageError
from rasoat.persistence import cases, deadlines, events, rounds
from rasoat.persistence.database import Database
from rasoat.persistence.statements import Statement, compile_for, in_ids, in_texts
from rasoat.persistence.tables import tables_for

TABLES = tables_for()
HOT = [
    cases._LOCK, cases._LOAD, cases._ADVANCE, cases._COUNT[True], cases._COUNT[False], cases._SAMPLES[True],
    deadlines._OPEN_OF, deadlines._CLOSE, deadlines._SET_NEXT,
    events._HISTORY, events._ACTS, rounds._ROUNDS, rounds._SETTINGS, rounds._ANSWERED, rounds._SET_CLASS,
]  # fmt: skip


@pytest.fixture(scope="module")
def connection():
    database = Database.open("sqlite://")
    TABLES.metadata.create_all(database.engine)
    with database.engine.connect() as connection:
        yield connection.connection.cursor()
    database.dispose()


@pytest.mark.parametrize("statement", HOT, ids=lambda s: s.name)
def test_no_hot_statement_reads_a_whole_table(connection, statement):
    sql = compile_for(statement, TABLES, "sqlite").sql
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", [None] * sql.count("?"))]
    assert not [step for step in plan if re.match(r"SCAN rasoat_\w+$", step)], plan
    assert any(step.startswith("SEARCH") for step in plan), plan


def test_a_list_is_one_bind_on_both():
    statement = Statement("x", ("ids",), lambda t: select(t.case.c.id).where(in_ids(t.case.c.id, "ids")))
    assert "IN (SELECT value FROM json_each(?))" in compile_for(statement, TABLES, "sqlite").sql
    assert "= ANY(%s::bigint[])" in compile_for(statement, TABLES, "postgresql").sql
    assert "= 1" not in compile_for(statement, TABLES, "sqlite").sql


def test_its_opposite_finds_the_others(connection):
    unit = TABLES.unit
    statement = Statement("x", ("ids",), lambda t: select(t.unit.c.path).where(not_(in_texts(t.unit.c.path, "ids"))))
    connection.executemany(f"INSERT INTO {unit.name} VALUES (?, '', '', '', '', NULL)", [("42",), ("43",), ("44",)])
    found = connection.execute(compile_for(statement, TABLES, "sqlite").sql, ['["43"]']).fetchall()
    assert sorted(found) == [("42",), ("44",)]


def test_a_parameter_that_is_not_declared_is_refused():
    statement = Statement("x", ("a",), lambda t: select(t.case.c.id).where(t.case.c.id == bindparam("b")))
    with pytest.raises(StorageError, match=r"binds \['b'\], declared \['a'\]"):
        compile_for(statement, TABLES, "sqlite")


def test_values_are_put_into_the_drivers_order():
    compiled = compile_for(cases._ADVANCE, TABLES, "sqlite")
    given = tuple(range(len(cases._ADVANCE.params)))
    assert sorted(compiled.row(given)) == list(given)


def test_another_database_is_refused():
    with pytest.raises(StorageError, match="mysql"):
        compile_for(cases._LOCK, TABLES, "mysql")
