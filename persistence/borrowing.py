"""A host's bare DBAPI connection, lent to us: we may work on it, never end its transaction."""

from __future__ import annotations

from typing import Any, Literal

from ..foundation.errors import StorageError

__all__ = ["Borrowed", "driver_of", "with_tuples"]


class Borrowed:
    """Stands before the host's connection; commit, rollback and close do nothing, the rest is the connection's own."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def commit(self) -> None:
        """Leave committing to the host."""

    def rollback(self) -> None:
        """Leave rolling back to the host."""

    def close(self) -> None:
        """Leave closing to the host."""

    def cursor(self, *args: Any, **options: Any) -> Any:
        """Return a cursor that gives tuples, whatever row factory the host has set."""
        return with_tuples(self._connection.cursor(*args, **options))


def driver_of(connection: Any) -> Literal["sqlite", "postgresql"]:
    """Return the kind of database behind a DBAPI connection; `StorageError` for another driver's."""
    module = type(connection).__module__.split(".", maxsplit=1)[0]
    if module == "sqlite3":
        return "sqlite"
    if module == "psycopg":
        return "postgresql"
    msg = (
        f"a connection of {type(connection).__module__}.{type(connection).__qualname__} cannot be used; give a "
        "sqlite3.Connection or a psycopg.Connection (Django: django.db.connection.connection)"
    )
    raise StorageError(msg)


def with_tuples(cursor: Any) -> Any:
    """Let a cursor give plain tuples, whatever row factory a host has set on its connection."""
    factory = None
    if type(cursor).__module__.startswith("psycopg"):
        from psycopg.rows import tuple_row  # noqa: PLC0415  the driver is an extra

        factory = tuple_row
    cursor.row_factory = factory
    return cursor
