"""SQL written once in Core, compiled once per dialect, run on the DBAPI cursor with plain tuples."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Self, cast

from sqlalchemy import JSON, Text, bindparam, column, func, insert
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import Executable
from sqlalchemy.types import Boolean

from ..foundation.errors import StorageError
from ..foundation.messages import fault

if TYPE_CHECKING:
    from sqlalchemy import FromClause, Table
    from sqlalchemy.engine import Dialect
    from sqlalchemy.sql.compiler import SQLCompiler
    from sqlalchemy.sql.elements import ClauseElement

    from .tables import Tables

__all__ = [
    "Compiled",
    "Copy",
    "Given",
    "Statement",
    "bound_list",
    "compile_for",
    "dbapi_dialect",
    "in_ids",
    "in_texts",
    "insertion",
    "keyed_update",
]

Build = Callable[["Tables"], Executable]
Given = Callable[[str, ColumnElement[Any]], ColumnElement[Any]]


class _In(ColumnElement[bool]):
    """``column IN (a bound list)`` with one bind, whatever the list's length."""

    inherit_cache = True
    type = Boolean()
    kind = ""

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        self.column = column
        self.bind: ColumnElement[Any] = bindparam(name)

    def self_group(self, against: Any = None) -> Self:  # noqa: ARG002  the signature is upstream's
        """Stand as it is: SQLAlchemy would write ``… IN (…) = 1`` for SQLite, which then reads the whole table."""
        return self


class in_ids(_In):  # noqa: N801  reads as an SQL operator where it is used
    """``column IN (a bound list of ids)``; the list as `Tx.ids` gives it."""

    inherit_cache = True
    kind = "bigint"


class in_texts(_In):  # noqa: N801  as `in_ids`
    """``column IN (a bound list of texts)``; the list as `Tx.texts` gives it."""

    inherit_cache = True
    kind = "text"


@compiles(_In, "sqlite")
def _in_sqlite(element: _In, compiler: SQLCompiler, **kw: Any) -> str:
    members = f"SELECT value FROM json_each({compiler.process(element.bind, **kw)})"  # noqa: S608  one compiled bind
    return f"{compiler.process(element.column, **kw)} IN ({members})"


@compiles(_In, "postgresql")
def _in_postgresql(element: _In, compiler: SQLCompiler, **kw: Any) -> str:
    return f"{compiler.process(element.column, **kw)} = ANY({compiler.process(element.bind, **kw)}::{element.kind}[])"


def bound_list(values: Sequence[Any], dialect_name: str) -> Any:
    """Return `values` in the form `in_ids` and `in_texts` bind on this dialect."""
    if dialect_name != "sqlite":
        return list(values)
    return f"[{','.join(map(str, values))}]" if values and type(values[0]) is int else json.dumps(list(values))


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """A statement and the order in which callers give its parameters.

    `into` names the table of a plain insertion of the parameters, `keyed` builds an update anew over given values:
    both tell PostgreSQL how to take many rows at once.
    """

    name: str
    params: tuple[str, ...]
    build: Build
    into: Callable[[Tables], Table] | None = None
    keyed: Callable[[Tables, Given], Executable] | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """How PostgreSQL copies rows into a table: the command and the columns' types."""

    command: str
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compiled:
    """SQL text for one dialect; `arrange` puts a caller's tuple into the driver's order.

    On PostgreSQL `copy` inserts many rows, `recordset` updates by many, given as one JSON array of objects.
    """

    sql: str
    params: tuple[str, ...]
    arrange: Callable[[Sequence[Any]], Sequence[Any]] | None
    dialect: str
    copy: Copy | None = None
    recordset: str | None = None

    def row(self, values: Sequence[Any]) -> Sequence[Any]:
        """Return `values` in the driver's order."""
        return values if self.arrange is None else self.arrange(values)

    def arranged(self, rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
        """Return every row in the driver's order."""
        return rows if self.arrange is None else [self.arrange(row) for row in rows]


def insertion(name: str, into: Callable[[Tables], Table], columns: tuple[str, ...]) -> Statement:
    """Return the statement that inserts rows of `columns` into a table."""
    return Statement(name, columns, lambda t: insert(into(t)).values({c: bindparam(c) for c in columns}), into=into)


def keyed_update(name: str, params: tuple[str, ...], build: Callable[[Tables, Given], Executable]) -> Statement:
    """Return an update of rows by their keys; `build` asks for each value by parameter name and column."""
    return Statement(name, params, lambda t: build(t, lambda param, _column: bindparam(param)), keyed=build)


def dbapi_dialect(name: str) -> Dialect:
    """Return the positional dialect in which statements are compiled."""
    if name == "sqlite":
        return sqlite.dialect(paramstyle="qmark")
    if name == "postgresql":
        from sqlalchemy.dialects.postgresql import psycopg  # noqa: PLC0415  loaded by those who use it

        return psycopg.dialect(paramstyle="format")  # type: ignore[no-untyped-call]  # untyped upstream
    raise fault(StorageError, "database.dialect", name=name)


@lru_cache(maxsize=1024)
def compile_for(statement: Statement, tables: Tables, dialect_name: str) -> Compiled:
    """Compile `statement` for `dialect_name`; `StorageError` if its declared parameters are not those it binds."""
    built = cast("ClauseElement", statement.build(tables))
    compiled = cast("SQLCompiler", built.compile(dialect=dbapi_dialect(dialect_name)))
    order = tuple(compiled.positiontup or ())
    if set(order) != set(statement.params):
        msg = f"statement {statement.name!r} binds {sorted(set(order))}, declared {sorted(statement.params)}"
        raise StorageError(msg)
    many = dialect_name == "postgresql"
    return Compiled(
        str(compiled),
        statement.params,
        _arrangement(order, statement.params),
        dialect_name,
        _copy(statement.into(tables), statement.params) if many and statement.into else None,
        _recordset(statement, tables) if many and statement.keyed else None,
    )


def _copy(table: Table, columns: tuple[str, ...]) -> Copy:
    dialect = dbapi_dialect("postgresql")
    name = dialect.identifier_preparer.format_table(table)
    listed = ", ".join(dialect.identifier_preparer.quote(column) for column in columns)
    types = tuple(_wire_type(table.c[column].type, dialect) for column in columns)
    return Copy(f"COPY {name} ({listed}) FROM STDIN (FORMAT BINARY)", types)


def _wire_type(column: Any, dialect: Dialect) -> str:
    spelled = column.dialect_impl(dialect).compile(dialect=dialect).split("(")[0].split(" COLLATE")[0]
    wire = {"VARCHAR": "text", "TIMESTAMP": "timestamptz", "TIMESTAMP WITH TIME ZONE": "timestamptz"}
    return str(wire.get(spelled, spelled.lower()))


def _recordset(statement: Statement, tables: Tables) -> str:
    """Write the update once more, over the members of a JSON array instead of over binds."""
    if statement.keyed is None:
        msg = f"statement {statement.name!r} updates by no key"
        raise StorageError(msg)
    types: dict[str, Any] = {}

    def noted(param: str, of: ColumnElement[Any]) -> ColumnElement[Any]:
        types[param] = of.type
        return bindparam(param)

    statement.keyed(tables, noted)
    given = _given_rows(types)
    update = statement.keyed(tables, lambda param, _column: given.c[param])
    return str(cast("ClauseElement", update).compile(dialect=dbapi_dialect("postgresql")))


def _given_rows(columns: Mapping[str, Any]) -> FromClause:
    """Return the members of one bound JSON array of objects (parameter ``rows``) as a table of `columns` by type."""
    return (
        func.json_to_recordset(bindparam("rows", type_=Text()).cast(JSON))
        .table_valued(*(column(name, kind) for name, kind in columns.items()), name="given")
        .render_derived(with_types=True)
    )


def _arrangement(order: tuple[str, ...], declared: tuple[str, ...]) -> Callable[[Sequence[Any]], Sequence[Any]] | None:
    if order == declared:
        return None
    places = [declared.index(name) for name in order]
    if len(places) == 1:
        return lambda values: (values[places[0]],)
    return itemgetter(*places)
