"""Connections and transactions: the engine's own, or the host's that it joins."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool, StaticPool

from ..foundation.errors import ConflictError, RasoatError, StorageError
from .statements import Statement, compile_for, id_list
from .tables import DEFAULT_PREFIX, Tables, tables_for
from .types import instant_from_text, instant_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from sqlalchemy import Executable
    from sqlalchemy.engine import Connection, Engine, Row

__all__ = ["Database", "Synchronous", "Tx"]

Synchronous = Literal["FULL", "NORMAL", "OFF"]
_BUSY_MS = 30_000
_RETRYABLE_SQLSTATES = {"40001", "40P01", "55P03", "57014"}
_WRITE = "rasoat_write"


class Tx:
    """One transaction: hot statements on the DBAPI cursor, queries through Core on the same connection."""

    __slots__ = ("_cursor", "_sqlite", "connection", "dialect", "tables")

    def __init__(self, connection: Connection, tables: Tables) -> None:
        self.connection = connection
        self.tables = tables
        self.dialect = connection.dialect.name
        self._sqlite = self.dialect == "sqlite"
        self._cursor = connection.connection.cursor()

    def rows(self, statement: Statement, *values: Any) -> list[tuple[Any, ...]]:
        """Run a query; return its rows as stored (dates and instants as `day_from` and `instant_from` read them)."""
        compiled = compile_for(statement, self.tables, self.dialect)
        with translated(statement.name):
            self._cursor.execute(compiled.sql, compiled.row(values))
            return self._cursor.fetchall()  # type: ignore[no-any-return]  # DBAPI cursors are untyped

    def run(self, statement: Statement, *values: Any) -> int:
        """Run one statement; return the number of rows it touched."""
        compiled = compile_for(statement, self.tables, self.dialect)
        with translated(statement.name):
            self._cursor.execute(compiled.sql, compiled.row(values))
            return self._cursor.rowcount  # type: ignore[no-any-return]  # DBAPI cursors are untyped

    def many(self, statement: Statement, rows: Sequence[Sequence[Any]]) -> int:
        """Run one statement for every row; return the number of rows touched in all."""
        if not rows:
            return 0
        compiled = compile_for(statement, self.tables, self.dialect)
        arranged = rows if compiled.arrange is None else [compiled.arrange(row) for row in rows]
        with translated(statement.name):
            self._cursor.executemany(compiled.sql, arranged)
            return self._cursor.rowcount  # type: ignore[no-any-return]  # DBAPI cursors are untyped

    def select(self, query: Executable, values: dict[str, Any] | None = None) -> Sequence[Row[Any]]:
        """Run a Core query off the hot path; rows carry Python dates and aware instants."""
        with translated("query"):
            return self.connection.execute(query, values or {}).all()

    def execute(self, query: Executable, values: Any = None) -> int:
        """Run a Core statement off the hot path; return the number of rows it touched."""
        with translated("statement"):
            return self.connection.execute(query, values if values is not None else {}).rowcount

    def ids(self, ids: Sequence[int]) -> str | list[int]:
        """Return `ids` as `in_ids` binds them here."""
        return id_list(ids, self.dialect)

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
        with self.connection.begin_nested():
            yield


class Database:
    """Where the tables live: an engine of our own, or one the host already has."""

    def __init__(self, engine: Engine, *, schema: str | None = None, prefix: str = DEFAULT_PREFIX) -> None:
        self.engine = engine
        self.schema = schema
        self.prefix = prefix
        self.tables = tables_for(schema, prefix)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        schema: str | None = None,
        prefix: str = DEFAULT_PREFIX,
        synchronous: Synchronous = "FULL",
        pool_size: int = 5,
    ) -> Database:
        """Connect to `url` (``sqlite:///file.db`` or ``postgresql+psycopg://…``).

        `synchronous` is SQLite's: FULL (default) keeps every commit through a power loss.
        Raises `StorageError` for another kind of database.
        """
        if url.startswith("sqlite"):
            return cls(_sqlite_engine(url, synchronous), schema=schema, prefix=prefix)
        if url.startswith("postgresql"):
            return cls(_postgresql_engine(url, pool_size), schema=schema, prefix=prefix)
        msg = f"database URL {url.split('://', maxsplit=1)[0]!r}: expected sqlite:///… or postgresql+psycopg://…"
        raise StorageError(msg)

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        """Open a writing transaction: commit at the end, roll back if anything raises."""
        with translated("connect"), self.engine.connect().execution_options(**{_WRITE: True}) as connection:
            with connection.begin():
                yield Tx(connection, self.tables)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Open a reading transaction: one consistent view, nothing written."""
        with translated("connect"), self.engine.connect() as connection:
            try:
                yield Tx(connection, self.tables)
            finally:
                connection.rollback()

    @contextmanager
    def join(self, connection: Connection) -> Iterator[Tx]:
        """Work inside the host's transaction, in a savepoint; the host alone commits or rolls back."""
        _ensure_begun(connection)
        with connection.begin_nested():
            yield Tx(connection, self.tables)

    def dispose(self) -> None:
        """Close the pool's connections."""
        self.engine.dispose()

    @staticmethod
    def around(dbapi_connection: Any, *, schema: str | None = None, prefix: str = DEFAULT_PREFIX) -> Database:
        """Wrap a host's bare DBAPI connection (sqlite3 or psycopg), as Django hands it out. It is never closed here."""
        kind = "sqlite" if type(dbapi_connection).__module__.startswith(("sqlite3", "django")) else "postgresql+psycopg"
        engine = create_engine(
            f"{kind}://", creator=lambda: dbapi_connection, poolclass=StaticPool, pool_reset_on_return=None
        )
        return Database(engine, schema=schema, prefix=prefix)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn a driver's error into one of ours: lost races are `ConflictError`, the rest `StorageError`."""
    try:
        yield
    except RasoatError:
        raise
    except Exception as error:
        fault = _fault(error, doing)
        if fault is None:
            raise
        raise fault from error


def _fault(error: Exception, doing: str) -> StorageError | None:
    original = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(error, DBAPIError) and type(original).__module__.split(".")[0] not in {"sqlite3", "psycopg"}:
        return None
    state = getattr(original, "sqlstate", None)
    if state in _RETRYABLE_SQLSTATES or "database is locked" in str(original):
        return ConflictError(f"{doing}: another writer holds the rows ({original}); try the same call again")
    return StorageError(f"{doing}: the database refused: {original}")


def _sqlite_engine(url: str, synchronous: Synchronous) -> Engine:
    in_memory = url in {"sqlite://", "sqlite:///:memory:"}
    pool: Any = {"poolclass": StaticPool} if in_memory else {"poolclass": NullPool} if "mode=memory" in url else {}
    engine = create_engine(url, connect_args={"timeout": _BUSY_MS / 1000, "check_same_thread": False}, **pool)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # BEGIN is ours to say: IMMEDIATE for a writer
        for pragma in (
            f"busy_timeout={_BUSY_MS}",
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "cache_size=-65536",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        write = connection.get_execution_options().get(_WRITE, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _postgresql_engine(url: str, pool_size: int) -> Engine:
    if url.startswith("postgresql://"):
        url = "postgresql+psycopg" + url.removeprefix("postgresql")
    try:
        return create_engine(url, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        msg = "PostgreSQL needs the psycopg driver: pip install 'rasoat[postgres]'"
        raise StorageError(msg) from error


def _ensure_begun(connection: Connection) -> None:
    if not connection.in_transaction():
        connection.begin()
    if connection.dialect.name != "sqlite":
        return
    raw = connection.connection.dbapi_connection
    # Without this, sqlite3 would treat our savepoint as the whole transaction and commit at its release.
    if raw is not None and not raw.in_transaction:
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError as error:
            msg = f"the host's SQLite transaction could not take the write lock: {error.orig}"
            raise ConflictError(msg) from error
