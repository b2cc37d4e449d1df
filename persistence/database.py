"""Connections and transactions: the engine's own, or the host's that it joins."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.pool import NullPool, StaticPool

from ..foundation.errors import ConflictError, StorageError
from ..foundation.messages import fault
from .borrowing import Borrowed, driver_of, with_tuples
from .loans import Loan
from .subscribing import Subscribers
from .tables import DEFAULT_PREFIX, tables_for
from .transactions import Tx
from .turns import WriteLine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Engine
    from sqlalchemy.orm import Session

    from .events import EventRow

__all__ = ["Database", "Synchronous", "Tx"]

Synchronous = Literal["FULL", "NORMAL", "OFF"]
_BUSY_MS = 30_000
_IDLE_SECONDS = 20.0


class Database:
    """Where the tables live: an engine of our own, or one the host already has."""

    def __init__(self, engine: Engine, *, schema: str | None = None, prefix: str = DEFAULT_PREFIX) -> None:
        self.engine = engine
        self.schema = schema
        self.prefix = prefix
        self.tables = tables_for(schema, prefix)
        self.subscribers = Subscribers()
        self._borrowed = False
        self._line = WriteLine(engine, patience=_BUSY_MS / 1000) if engine.dialect.name == "sqlite" else None
        self._ours: WeakKeyDictionary[Connection, list[EventRow]] = WeakKeyDictionary()

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
        raise fault(StorageError, "database.url", scheme=url.split("://", maxsplit=1)[0])

    @classmethod
    def around(cls, dbapi_connection: Any, *, schema: str | None = None, prefix: str = DEFAULT_PREFIX) -> Database:
        """Wrap a host's bare DBAPI connection (sqlite3 or psycopg), as Django hands it out.

        It is never committed, rolled back or closed here: `begin` is a savepoint in the host's transaction.
        """
        lent = Borrowed(dbapi_connection)
        # A host's connection is asked nothing at start: the hstore probe would need psycopg's own class.
        options = {"use_native_hstore": False} if driver_of(dbapi_connection) == "postgresql" else {}
        engine = create_engine(
            {"sqlite": "sqlite://", "postgresql": "postgresql+psycopg://"}[driver_of(dbapi_connection)],
            creator=lambda: lent, poolclass=StaticPool, pool_reset_on_return=None, **options,
        )  # fmt: skip
        database = cls(engine, schema=schema, prefix=prefix)
        database._borrowed = True
        return database

    @contextmanager
    def begin(self, *, briefly: bool = False) -> Iterator[Tx]:
        """Open a writing transaction: commit at the end, roll back if anything raises.

        Those who say that they write only `briefly` may share a commit with others who wait for SQLite's one write lock
        meanwhile; each is done or undone by itself all the same, and none returns before the commit.
        """
        if self._borrowed:
            with self.engine.connect() as connection, self.join(connection) as tx:
                yield tx
            return
        with self._line.turn(self._on_loan, brief=briefly) if self._line else self._alone() as tx:
            yield tx
        self.subscribers.tell(tx.events or ())

    @contextmanager
    def _alone(self) -> Iterator[Tx]:
        with Loan(self.engine) as own:
            own.start("BEGIN IMMEDIATE", None)
            try:
                yield self._on_loan(own)
            except BaseException:
                own.end("rollback")
                raise
            own.end("commit")

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Open a reading transaction: one consistent view, nothing written."""
        if self._borrowed:
            with self.engine.connect() as connection:
                yield Tx(connection.connection.cursor(), self.tables, self.engine.dialect.name, lambda: connection)
            return
        with Loan(self.engine) as own:
            own.start("BEGIN", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                yield Tx(own.cursor, self.tables, self.engine.dialect.name, own.core)
            finally:
                own.end("rollback")

    @contextmanager
    def join(self, host: Connection | Session) -> Iterator[Tx]:
        """Work inside the host's transaction, in a savepoint; the host alone commits or rolls back.

        A session is flushed first, so that the engine sees what the host has done.
        """
        if isinstance(host, Connection):
            connection = host
        else:
            host.flush()
            connection = host.connection()
        _ensure_begun(connection)
        cursor = with_tuples(connection.connection.cursor())
        tx = self._tx(cursor, lambda: connection)
        try:
            with tx.savepoint():
                yield tx
        finally:
            cursor.close()
        written = tx.events or []
        if (ours := self._ours.get(connection)) is not None:
            ours += written
        else:
            self.subscribers.tell_after(host, written)

    def _tx(self, cursor: Any, core: Callable[[], Connection]) -> Tx:
        tx = Tx(cursor, self.tables, self.engine.dialect.name, core)
        tx.events = [] if self.subscribers else None
        return tx

    def _on_loan(self, own: Loan) -> Tx:
        tx = self._tx(own.cursor, lambda: self._lent(own.core(), tx))
        return tx

    def _lent(self, core: Connection, tx: Tx) -> Connection:
        """Note that what joins this connection is committed with `tx`."""
        if tx.events is not None:
            self._ours[core] = tx.events
        return core

    def dispose(self) -> None:
        """Close the pool's connections."""
        self.engine.dispose()


def _sqlite_engine(url: str, synchronous: Synchronous) -> Engine:
    in_memory = url in {"sqlite://", "sqlite:///:memory:"}
    pool: Any = {"poolclass": StaticPool} if in_memory else {"poolclass": NullPool} if "mode=memory" in url else {}
    connecting = {"timeout": _BUSY_MS / 1000, "check_same_thread": False}
    engine = create_engine(url, connect_args=connecting, pool_reset_on_return=None, **pool)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # BEGIN is ours to say: IMMEDIATE for a writer
        for pragma in (
            f"busy_timeout={_BUSY_MS}",
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "secure_delete=ON",
            "cache_size=-65536",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        raw = connection.connection.dbapi_connection
        if raw is not None and not raw.in_transaction:
            connection.exec_driver_sql("BEGIN")

    return engine


def _postgresql_engine(url: str, pool_size: int) -> Engine:
    if url.startswith("postgresql://"):
        url = "postgresql+psycopg" + url.removeprefix("postgresql")
    try:
        engine = create_engine(url, pool_size=pool_size, max_overflow=pool_size, pool_reset_on_return=None)
    except ModuleNotFoundError as error:
        raise fault(StorageError, "database.psycopg") from error

    @event.listens_for(engine, "checkin")
    def _note(_connection: Any, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _ping(connection: Any, record: Any, _proxy: Any) -> None:
        # A ping at every checkout would cost a busy writer a round trip per step.
        if time.monotonic() - record.info.get("idle_since", time.monotonic()) < _IDLE_SECONDS:
            return
        try:
            connection.execute("SELECT 1")
            connection.rollback()
        except Exception as error:
            raise DisconnectionError from error  # the pool then opens another

    return engine


def _ensure_begun(connection: Connection) -> None:
    if not connection.in_transaction():
        connection.begin()
    raw = connection.connection.dbapi_connection
    if connection.dialect.name != "sqlite":
        _require_transaction(raw)
        return
    # Without this, sqlite3 would treat our savepoint as the whole transaction and commit at its release.
    if raw is not None and not raw.in_transaction:
        if isinstance(raw, Borrowed) and raw.isolation_level is None:
            _refuse_autocommit()
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError as error:
            msg = f"the host's SQLite transaction could not take the write lock: {error.orig}"
            raise ConflictError(msg) from error


def _require_transaction(raw: Any) -> None:
    if raw.autocommit and raw.info.transaction_status.name == "IDLE":
        _refuse_autocommit()


def _refuse_autocommit() -> None:
    msg = (
        "the host's connection is in autocommit mode and has no transaction open; open one first "
        "(Django: transaction.atomic()), so that the engine's rows and the host's live or die together"
    )
    raise StorageError(msg)
