"""One transaction: hot statements on the DBAPI cursor, queries through Core on the same connection.

Who begins and ends it is `database`'s business; a `Tx` only works in it.
"""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from sqlalchemy.exc import DBAPIError

from ..foundation.errors import ConflictError, RasoatError, StorageError
from ..foundation.messages import fault
from . import bulk
from .combining import FEW, Write, write_together
from .statements import Statement, bound_list, compile_for
from .types import instant_from_text, instant_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Executable
    from sqlalchemy.engine import Connection, Row

    from .events import EventRow
    from .tables import Tables

__all__ = ["Tx", "fault_of", "raise_translated", "translated"]

# Serialization failure, deadlock, lock timeout, statement cancelled: the same call may succeed later.
_RETRYABLE_SQLSTATES = {"40001", "40P01", "55P03", "57014"}
_UNIQUE_VIOLATION = "23505"
_DRIVERS = {"sqlite3", "psycopg"}


class Tx:
    """A transaction somebody else begins and ends."""

    __slots__ = ("_core", "_cursor", "_pending", "_savepoints", "_sqlite", "_together", "dialect", "events", "tables")

    def __init__(self, cursor: Any, tables: Tables, dialect: str, core: Callable[[], Connection]) -> None:
        self.tables = tables
        self.dialect = dialect
        self.events: list[EventRow] | None = None  # kept only while somebody wants to be told of them
        self._sqlite = dialect == "sqlite"
        self._cursor = cursor
        self._core = core
        self._savepoints = itertools.count(1)
        self._together = False
        self._pending: list[Write] = []

    @property
    def connection(self) -> Connection:
        """The SQLAlchemy connection of this transaction, for Core queries and migrations."""
        self.flush()
        return self._core()

    def wrote(self, events: Sequence[EventRow]) -> None:
        """Note what is to be told once it is committed."""
        if self.events is not None:
            self.events += events

    def rows(self, statement: Statement, *values: Any) -> list[tuple[Any, ...]]:
        """Run a query; return its rows as stored (dates and instants as `day_from` and `instant_from` read them)."""
        self.flush()
        compiled = compile_for(statement, self.tables, self.dialect)
        try:
            self._cursor.execute(compiled.sql, compiled.row(values))
            return self._cursor.fetchall()  # type: ignore[no-any-return]  # DBAPI cursors are untyped
        except Exception as error:  # noqa: BLE001  whatever a driver raises is translated, everything else re-raised
            self._fail(error, statement.name)

    def run(self, statement: Statement, *values: Any) -> int:
        """Run one statement; return the number of rows it touched."""
        self.flush()
        compiled = compile_for(statement, self.tables, self.dialect)
        try:
            self._cursor.execute(compiled.sql, compiled.row(values))
            return self._cursor.rowcount  # type: ignore[no-any-return]  # noqa: TRY300  DBAPI cursors are untyped
        except Exception as error:  # noqa: BLE001  as in `rows`
            self._fail(_lost_race(error, statement.name), statement.name)

    def many(self, statement: Statement, rows: Sequence[Sequence[Any]]) -> int:
        """Run one statement for every row, the quickest way there is; return the number of rows touched in all."""
        if not rows:
            return 0
        self.flush()
        compiled = compile_for(statement, self.tables, self.dialect)
        try:
            return bulk.run_many(self._cursor, compiled, rows)
        except Exception as error:  # noqa: BLE001  as in `rows`
            self._fail(_lost_race(error, statement.name), statement.name)

    def later(
        self, statement: Statement, rows: Sequence[Sequence[Any]], told: Callable[[int], None] | None = None
    ) -> None:
        """Run one statement for every row; `together`, a few rows wait until something else is asked or it ends.

        `told` learns how many rows were touched in all.
        """
        if not rows:
            return
        if not self._together or len(rows) > FEW:
            touched = self.many(statement, rows)
            if told is not None:
                told(touched)
            return
        compiled = compile_for(statement, self.tables, self.dialect)
        if any(write.compiled is compiled for write in self._pending):
            self.flush()  # it may touch the same rows
        self._pending.append(Write(statement.name, compiled, rows, told))

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let what is written `later` inside travel to PostgreSQL as one statement, as far as it may.

        None of it may build on another's rows but by foreign keys, or touch the same row by another statement.
        """
        self._together = not self._sqlite
        try:
            yield
            self.flush()
        finally:
            self._together, self._pending = False, []

    def flush(self) -> None:
        """Write what waits to be written together."""
        if not self._pending:
            return
        writes, self._pending = self._pending, []
        names = ", ".join(write.name for write in writes)
        try:
            write_together(self._cursor, writes)
        except Exception as error:  # noqa: BLE001  as in `rows`
            self._fail(_lost_race(error, names), names)

    def select(self, query: Executable, values: dict[str, Any] | None = None) -> Sequence[Row[*tuple[Any, ...]]]:
        """Run a Core query off the hot path; rows carry Python dates and aware instants."""
        self.flush()
        with translated("query"):
            return self._core().execute(query, values or {}).all()

    def execute(self, query: Executable, values: Any = None) -> int:
        """Run a Core statement off the hot path; return the number of rows it touched."""
        self.flush()
        try:
            return self._core().execute(query, values if values is not None else {}).rowcount
        except Exception as error:  # noqa: BLE001  as in `rows`
            raise_translated(_lost_race(error, "statement"), "statement")

    def ids(self, ids: Sequence[int]) -> Any:
        """Return `ids` as `in_ids` binds them here."""
        return bound_list(ids, self.dialect)

    def texts(self, texts: Sequence[str]) -> Any:
        """Return `texts` as `in_texts` binds them here."""
        return bound_list(texts, self.dialect)

    def day(self, value: date) -> Any:
        """Return a legal day as this database stores it."""
        return value.isoformat() if self._sqlite else value

    def instant(self, value: datetime) -> Any:
        """Return an instant as this database stores it."""
        return instant_text(value) if self._sqlite else value

    def day_from(self, stored: Any) -> date:
        """Read a stored legal day."""
        return date.fromisoformat(stored) if self._sqlite else stored

    def instant_from(self, stored: Any) -> datetime:
        """Read a stored instant."""
        return instant_from_text(stored) if self._sqlite else stored

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what is done inside if it raises, keeping the transaction."""
        self.flush()
        name = f"rasoat_{next(self._savepoints)}_{id(self):x}"
        before = len(self.events or ())
        with translated("savepoint"):
            self._cursor.execute(f"SAVEPOINT {name}")
        try:
            yield
            self.flush()
        except BaseException:
            self._pending = []
            self._undo_to(name)
            del (self.events or [])[before:]
            raise
        with translated("savepoint"):
            self._cursor.execute(f"RELEASE SAVEPOINT {name}")

    def _undo_to(self, savepoint: str) -> None:
        try:
            self._cursor.execute(f"ROLLBACK TO SAVEPOINT {savepoint}")
            self._cursor.execute(f"RELEASE SAVEPOINT {savepoint}")
        except Exception:  # noqa: BLE001  the transaction is gone, and why it is says more than that its savepoint is too
            self._cursor = _Gone()

    def _fail(self, error: Exception, doing: str) -> NoReturn:
        """Raise our name for a driver's error; where SQLite gave the transaction up, nothing may follow in it."""
        held = getattr(self._cursor, "connection", None)
        if self._sqlite and held is not None and not held.in_transaction:
            self._cursor = _Gone()
        raise_translated(error, doing)


class _Gone:
    """In place of the cursor of a transaction that is no more: another statement would be a transaction of its own."""

    connection = None

    def execute(self, *_: object) -> NoReturn:
        """Refuse."""
        raise fault(StorageError, "database.gave_up")

    executemany = execute


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn a driver's error into one of ours: lost races are `ConflictError`, the rest `StorageError`."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  as in `Tx.rows`
        raise_translated(error, doing)


def fault_of(error: Exception, doing: str) -> StorageError | None:
    """Return our name for a driver's error; None if it is no driver's."""
    original = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(error, DBAPIError) and type(original).__module__.split(".")[0] not in _DRIVERS:
        return None
    if getattr(original, "sqlstate", None) in _RETRYABLE_SQLSTATES or "database is locked" in str(original):
        return fault(ConflictError, "database.held", doing=doing, reason=original)
    return fault(StorageError, "database.refused", doing=doing, reason=original)


def _lost_race(error: Exception, doing: str) -> Exception:
    """Ids, certificate numbers and idempotency keys are drawn anew by a retry, codes looked up: taken is a conflict."""
    original = error.orig if isinstance(error, DBAPIError) else error
    if getattr(original, "sqlstate", None) != _UNIQUE_VIOLATION and "UNIQUE constraint failed" not in str(original):
        return error
    conflict = fault(ConflictError, "database.key_taken", doing=doing, reason=original)
    conflict.__cause__ = error
    return conflict


def raise_translated(error: Exception, doing: str) -> NoReturn:
    """Raise our name for a driver's error, or the error itself if it is no driver's."""
    found = None if isinstance(error, RasoatError) else fault_of(error, doing)
    if found is None:
        raise error
    raise found from error
