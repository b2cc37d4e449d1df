"""A connection of our own pool, on loan for one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

from sqlalchemy.engine import Connection

from ..foundation.errors import StorageError
from ..foundation.messages import fault
from .borrowing import with_tuples
from .transactions import raise_translated

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine
    from sqlalchemy.pool import PoolProxiedConnection

__all__ = ["Loan"]


class Loan:
    """A connection of our own pool, on loan for one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._core: Connection | None = None
        self._open = False

    def __enter__(self) -> Self:
        try:
            self._raw: PoolProxiedConnection = self._engine.raw_connection()
        except Exception as error:  # noqa: BLE001  whatever a driver raises is translated, everything else re-raised
            raise_translated(error, "connect")
        self.cursor: Any = with_tuples(self._raw.cursor())
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._open:  # a connection that is shared, as in memory, may hold another's transaction
                self._raw.rollback()
            self.cursor.close()
        except Exception:  # noqa: BLE001  whatever a driver says of a connection that is gone
            self._raw.invalidate()  # the pool opens another
        (self._core or self._raw).close()

    def start(self, sqlite: str, postgresql: str | None) -> None:
        """Begin by the dialect's own words; psycopg says BEGIN itself before the first statement."""
        command = sqlite if self._engine.dialect.name == "sqlite" else postgresql
        try:
            if command is not None:
                self.cursor.execute(command)
        except Exception as error:  # noqa: BLE001  as above
            raise_translated(error, "begin")
        self._open = True

    def core(self) -> Connection:
        """Return the SQLAlchemy connection over this loan; made on first use, since hot paths need none."""
        if self._core is None:
            self._core = Connection(self._engine, connection=self._raw)
        return self._core

    @property
    def in_transaction(self) -> bool:
        """Whether SQLite still has the transaction open."""
        try:
            raw: Any = self._raw.dbapi_connection
            return bool(raw.in_transaction)
        except Exception:  # noqa: BLE001  closed, detached or invalidated: it has none
            return False

    def require_transaction(self) -> None:
        """Raise `StorageError` if SQLite gave the transaction up by itself, as it does when a disk is full."""
        if not self.in_transaction:
            raise fault(StorageError, "database.gave_up")

    def end(self, how: Literal["commit", "rollback"]) -> None:
        """Commit or roll back, through Core where Core has looked on."""
        ending = self._core if self._core is not None and self._core.in_transaction() else self._raw
        try:
            getattr(ending, how)()
        except Exception as error:  # noqa: BLE001  as above
            raise_translated(error, how)
        self._open = False
