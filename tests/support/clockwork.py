"""What tests of the legal clock ask of a database, and how they let time pass in it."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from rasoat.engine.timers import Ran, run_due
from rasoat.foundation.clock import LEGAL_ZONE
from rasoat.persistence.deadlines import DeadlineRow
from rasoat.persistence.ledger import entries_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rasoat.persistence.deadlines import LedgerEntry
    from tests.support.reviews import Review

__all__ = ["at", "deadlines", "events", "ledger", "rungs", "told", "work_at"]


def at(day: date, hour: int = 9, minute: int = 0) -> datetime:
    """An instant of a legal day."""
    return datetime.combine(day, time(hour, minute), tzinfo=LEGAL_ZONE)


def work_at(review: Review, instant: datetime, **options: Any) -> Ran:
    """Let the clock stand at `instant` and the worker run once."""
    review.clock.move_to(instant)
    return run_due(review.database, review.engine, **options)


def deadlines(review: Review, rule: str | None = None) -> list[DeadlineRow]:
    """Every deadline, or those of one rule, in id order."""
    d = review.database.tables.deadline
    query = select(*(d.c[name] for name in DeadlineRow._fields)).order_by(d.c.id)
    with review.database.read() as tx:
        return [DeadlineRow(*row) for row in tx.select(query if rule is None else query.where(d.c.rule == rule))]


def ledger(review: Review, ids: Sequence[int]) -> dict[int, tuple[LedgerEntry, ...]]:
    """The ledgers of deadlines."""
    with review.database.read() as tx:
        return entries_of(tx, ids)


def rungs(review: Review) -> list[tuple[int, int, bool]]:
    """Every claimed rung: deadline, step, missed."""
    r = review.database.tables.rung
    with review.database.read() as tx:
        return [tuple(row) for row in tx.select(select(r.c.deadline_id, r.c.step, r.c.missed).order_by(*r.primary_key))]


def told(review: Review, kind: str) -> list[dict[str, Any]]:
    """What was queued of one kind, in the order in which it is told: role, unit and data in one."""
    o = review.database.tables.outbox
    query = select(o.c.role, o.c.unit_path, o.c.data).where(o.c.kind == kind).order_by(o.c.next_at, o.c.id)
    with review.database.read() as tx:
        return [{"role": row.role, "unit": row.unit_path, **json.loads(row.data)} for row in tx.select(query)]


def events(review: Review, kind: str) -> list[Any]:
    """Every event of one kind."""
    e = review.database.tables.event
    with review.database.read() as tx:
        return list(tx.select(select(e).where(e.c.kind == kind).order_by(e.c.case_id, e.c.seq)))
