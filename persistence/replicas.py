"""A copy of the database that only answers questions: a PostgreSQL standby, asked by whoever can wait a moment.

What a standby shows is whole (every question gets one snapshot of commits in their order) and may be late. Commands,
the worker and everything a decision rests on ask the primary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from ..foundation.errors import StorageError
from ..foundation.messages import fault
from .database import Database
from .migrating import require_current

if TYPE_CHECKING:
    from datetime import timedelta

    from .database import Tx

__all__ = ["behind", "open_replica", "shows", "written_to"]

_BEHIND = """
SELECT pg_is_in_recovery(), CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN interval '0'
ELSE now() - pg_last_xact_replay_timestamp() END
"""


def open_replica(url: str, primary: Database) -> Database:
    """Open the copy of `primary` at `url`; `StorageError` if it is of another kind or lacks this release's schema."""
    kind = primary.engine.dialect.name
    if not url.startswith(kind):
        raise fault(StorageError, "database.replica", kind=kind, scheme=url.partition(":")[0])
    replica = Database.open(url, schema=primary.schema, prefix=primary.prefix)
    try:
        require_current(replica)
    except BaseException:
        replica.dispose()
        raise
    return replica


def behind(replica: Database) -> timedelta | None:
    """Return by how much a PostgreSQL standby lags behind what it has received; None if it is no standby.

    Zero says that everything received is shown; a standby cut off from its primary cannot know what it misses.
    """
    if replica.engine.dialect.name != "postgresql":
        return None
    with replica.engine.connect() as connection:
        standby, lag = connection.exec_driver_sql(_BEHIND).one()
    return lag if standby else None


def written_to(tx: Tx) -> str | None:
    """Return how far PostgreSQL's primary has written: what is committed by now lies before it; None for SQLite."""
    return None if tx.dialect == "sqlite" else str(tx.select(text("SELECT pg_current_wal_insert_lsn()::text"))[0][0])


def shows(tx: Tx, written: str | None) -> bool:
    """Whether a database shows all that its primary had written; asked in a transaction before that of the question."""
    if written is None:
        return True
    query = text("SELECT NOT pg_is_in_recovery() OR pg_last_wal_replay_lsn() >= CAST(:written AS pg_lsn)")
    return bool(tx.select(query.bindparams(written=written))[0][0])
