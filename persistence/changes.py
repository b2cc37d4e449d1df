"""The change feed: every event once, in an order that never changes behind a reader's back.

Events are ordered by the instant of entry. A transaction that is still running may yet commit events with an earlier
instant than those already visible, so the feed ends where the oldest running transaction began: what lies before is
settled, and a reader who remembers its last position misses nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select, text, tuple_

from .types import Instant

if TYPE_CHECKING:
    from datetime import date, datetime

    from .database import Tx
    from .scoping import Scope

__all__ = ["START", "Change", "Position", "changes", "settled_before"]

# How far the clocks of two API processes may stand apart.
_SKEW = timedelta(seconds=1)
# A transaction that has not written yet takes no xid; one that stays idle longer than this is a reader (a dump).
_OLDEST_RUNNING = text(
    "SELECT clock_timestamp() - min(xact_start) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL "
    "AND (backend_xid IS NOT NULL OR xact_start > clock_timestamp() - interval '5 minutes')"
)


class Position(NamedTuple):
    """Where a reader stands: at the last event it has seen."""

    recorded_at: datetime | None
    case_id: int
    seq: int


START = Position(None, 0, 0)


class Change(NamedTuple):
    """One event as the feed tells it."""

    recorded_at: datetime
    case_id: int
    seq: int
    kind: str
    trigger: str
    from_state: str
    to_state: str
    occurred_on: date
    actor: str
    act_id: int | None
    unit_path: str
    workflow: str
    household_code: str

    @property
    def position(self) -> Position:
        """Where a reader stands who has seen this."""
        return Position(*self[:3])


def settled_before(tx: Tx, now: datetime) -> datetime:
    """Return the instant before which no event can still be committed; `now` is the clock's present instant.

    SQLite has one writer, who stamps its events while it alone may write. On PostgreSQL the oldest transaction in
    progress sets the bound.
    """
    if tx.dialect == "sqlite":
        return now
    running = tx.select(_OLDEST_RUNNING)[0][0]
    return now - _SKEW - (running or timedelta(0))


def changes(tx: Tx, scope: Scope, after: Position, before: datetime, *, limit: int) -> list[Change]:
    """Return the events in scope after a position and entered before an instant, in order."""
    t = tx.tables
    event, case = t.event.c, t.case.c
    query = (
        select(event.recorded_at, event.case_id, event.seq, event.kind, event.trigger, event.from_state)
        .add_columns(event.to_state, event.occurred_on, event.actor, event.act_id)
        .add_columns(case.unit_path, case.workflow, t.household.c.code)
        .join_from(t.event, t.case, case.id == event.case_id)
        .join(t.household, t.household.c.id == case.household_id)
        .where(scope.within(case.unit_path), event.recorded_at < before)
        .order_by(event.recorded_at, event.case_id, event.seq)
        .limit(limit)
    )
    if after.recorded_at is not None:
        key = tuple_(event.recorded_at, event.case_id, event.seq, types=[Instant(), event.case_id.type, event.seq.type])
        query = query.where(key > tuple_(*after, types=[Instant(), event.case_id.type, event.seq.type]))
    return [Change(*row) for row in tx.select(query)]
