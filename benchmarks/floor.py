"""The floor: the driver alone doing the recorded row work, parameters prebuilt, nothing decided, nothing hashed."""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.recording import Work

_FEW = 4


class Floor(Protocol):
    """A raw connection that commits prepared work."""

    def prepare(self, work: Sequence[Work]) -> Callable[[], None]:
        """Build every parameter; return what does the work and commits it."""
        ...


class _Ready(NamedTuple):
    sql: str
    rows: Sequence[Any]
    reads: bool


class SqliteFloor:
    """sqlite3, WAL, synchronous=FULL; prepared statements are the module's own cache."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-65536"):
            self._connection.execute(f"PRAGMA {pragma}")

    def prepare(self, work: Sequence[Work]) -> Callable[[], None]:
        ready = [_Ready(w.compiled.sql, w.compiled.arranged(w.rows), w.reads) for w in work]
        cursor = self._connection.cursor()

        def commit() -> None:
            cursor.execute("BEGIN IMMEDIATE")
            for sql, rows, reads in ready:
                if reads:
                    cursor.execute(sql, rows[0]).fetchall()
                elif len(rows) == 1:
                    cursor.execute(sql, rows[0])
                else:
                    cursor.executemany(sql, rows)
            cursor.execute("COMMIT")

        return commit

    def close(self) -> None:
        self._connection.close()


class PostgresFloor:
    """psycopg: prepared statements for single rows, COPY and one UPDATE over a JSON array for many."""

    def __init__(self, url: str) -> None:
        import psycopg

        self._connection = psycopg.connect(url.replace("+psycopg", ""))

    def prepare(self, work: Sequence[Work]) -> Callable[[], None]:
        cursor = self._connection.cursor()
        steps = [_postgres_step(cursor, w) for w in work]

        def commit() -> None:
            for step in steps:
                step()
            self._connection.commit()

        return commit

    def close(self) -> None:
        self._connection.close()


def _postgres_step(cursor: Any, work: Work) -> Callable[[], object]:
    compiled, rows = work.compiled, work.rows
    if work.reads:
        return lambda: cursor.execute(compiled.sql, compiled.row(rows[0])).fetchall()
    if len(rows) > _FEW and compiled.copy is not None:
        command, types = compiled.copy.command, compiled.copy.types
        return lambda: _copied(cursor, command, types, rows)
    if len(rows) > _FEW and compiled.recordset is not None:
        members = [dict(zip(compiled.params, row, strict=True)) for row in rows]
        document = (json.dumps(members, ensure_ascii=False, default=_in_json),)
        return lambda: cursor.execute(compiled.recordset, document)
    ready = compiled.arranged(rows)
    return lambda: [cursor.execute(compiled.sql, row) for row in ready]


def _copied(cursor: Any, command: str, types: Sequence[str], rows: Sequence[Any]) -> None:
    with cursor.copy(command) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def _in_json(value: Any) -> str:
    return "\\x" + value.hex() if isinstance(value, bytes) else value.isoformat()


@contextmanager
def open_floor(url: str) -> Iterator[Floor]:
    """Connect to the database of `url` with the driver alone."""
    floor = SqliteFloor(url.removeprefix("sqlite:///")) if url.startswith("sqlite") else PostgresFloor(url)
    try:
        yield floor
    finally:
        floor.close()
