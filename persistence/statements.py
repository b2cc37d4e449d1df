"""SQL written once in Core, compiled once per dialect, run on the DBAPI cursor with plain tuples."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, bindparam
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import Executable
from sqlalchemy.types import Boolean

from ..foundation.errors import StorageError

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect
    from sqlalchemy.sql.compiler import SQLCompiler

    from .tables import Tables

__all__ = ["Compiled", "Statement", "compile_for", "dbapi_dialect", "id_list", "in_ids"]

Build = Callable[["Tables"], Executable]


class in_ids(ColumnElement[bool]):  # noqa: N801  reads as an SQL operator where it is used
    """``column IN (a bound list of ids)`` with one bind, whatever the list's length."""

    inherit_cache = True
    type = Boolean()

    def __init__(self, column: ColumnElement[int], name: str) -> None:
        self.column = column
        self.bind: ColumnElement[Any] = bindparam(name)


@compiles(in_ids, "sqlite")  # type: ignore[no-untyped-call, misc]  # untyped upstream
def _in_ids_sqlite(element: in_ids, compiler: SQLCompiler, **kw: Any) -> str:
    return f"{compiler.process(element.column, **kw)} IN (SELECT value FROM json_each({compiler.process(element.bind, **kw)}))"


@compiles(in_ids, "postgresql")  # type: ignore[no-untyped-call, misc]  # untyped upstream
def _in_ids_postgresql(element: in_ids, compiler: SQLCompiler, **kw: Any) -> str:
    return f"{compiler.process(element.column, **kw)} = ANY({compiler.process(element.bind, **kw)}::bigint[])"


def id_list(ids: Sequence[int], dialect_name: str) -> str | list[int]:
    """Return `ids` in the form `in_ids` binds on this dialect."""
    return json.dumps(list(ids)) if dialect_name == "sqlite" else list(ids)


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """A statement and the order in which callers give its parameters."""

    name: str
    params: tuple[str, ...]
    build: Build


@dataclass(frozen=True, slots=True)
class Compiled:
    """SQL text for one dialect; `arrange` puts a caller's tuple into the driver's order."""

    sql: str
    arrange: Callable[[Sequence[Any]], Sequence[Any]] | None

    def row(self, values: Sequence[Any]) -> Sequence[Any]:
        """Return `values` in the driver's order."""
        return values if self.arrange is None else self.arrange(values)


def dbapi_dialect(name: str) -> Dialect:
    """Return the positional dialect in which statements are compiled."""
    if name == "sqlite":
        return sqlite.dialect(paramstyle="qmark")  # type: ignore[no-untyped-call]  # untyped upstream
    if name == "postgresql":
        from sqlalchemy.dialects.postgresql import psycopg

        return psycopg.dialect(paramstyle="format")  # type: ignore[no-untyped-call]  # untyped upstream
    msg = f"database dialect {name!r} is not supported; use sqlite or postgresql (psycopg)"
    raise StorageError(msg)


@lru_cache(maxsize=1024)
def compile_for(statement: Statement, tables: Tables, dialect_name: str) -> Compiled:
    """Compile `statement` for `dialect_name`; `StorageError` if its declared parameters are not those it binds."""
    compiled = statement.build(tables).compile(dialect=dbapi_dialect(dialect_name))
    order = tuple(compiled.positiontup or ())  # type: ignore[attr-defined]  # SQLCompiler has it
    if set(order) != set(statement.params):
        msg = f"statement {statement.name!r} binds {sorted(set(order))}, declared {sorted(statement.params)}"
        raise StorageError(msg)
    return Compiled(str(compiled), _arrangement(order, statement.params))


def _arrangement(order: tuple[str, ...], declared: tuple[str, ...]) -> Callable[[Sequence[Any]], Sequence[Any]] | None:
    if order == declared:
        return None
    places = [declared.index(name) for name in order]
    if len(places) == 1:
        return lambda values: (values[places[0]],)
    return itemgetter(*places)


def bigint(name: str) -> ColumnElement[Any]:
    """Return a bind of 64-bit integer type."""
    return bindparam(name, type_=BigInteger())
