"""What the worker asks: which deadlines need it now, when the next one will, and whose rung this is."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from .types import instant_from_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .database import Tx

__all__ = ["DueGroup", "RungRow", "claim_rungs", "due_groups", "next_wake_at", "subjects_of"]


class DueGroup(NamedTuple):
    """Deadlines of one village that need the worker for the same reason: same round, rule and last day."""

    subject: str
    round_id: int
    workflow: str
    rule: str
    unit_path: str
    due_on: date


class RungRow(NamedTuple):
    """A claimed rung of one deadline's ladder."""

    deadline_id: int
    due_on: date
    step: int
    claimed_at: datetime
    missed: bool


def due_groups(tx: Tx, now: datetime, limit: int) -> list[DueGroup]:
    """Return the groups of open deadlines whose wake-up has come, the longest waiting first, at most `limit`."""
    d = tx.tables.deadline
    columns = (d.c.subject, d.c.round_id, d.c.workflow, d.c.rule, d.c.unit_path, d.c.due_on)
    query = (
        select(*columns)
        .where(d.c.status == "open", d.c.next_at <= now)
        .group_by(*columns)
        .order_by(func.min(d.c.next_at), d.c.round_id, d.c.unit_path, d.c.rule)
        .limit(limit)
    )
    return [DueGroup(*row) for row in tx.select(query)]


def subjects_of(tx: Tx, group: DueGroup, now: datetime) -> list[int]:
    """Return the cases (or the round) whose deadlines make up a due group."""
    d = tx.tables.deadline
    query = select(d.c.subject_id).where(
        d.c.status == "open",
        d.c.next_at <= now,
        d.c.subject == group.subject,
        d.c.round_id == group.round_id,
        d.c.rule == group.rule,
        d.c.unit_path == group.unit_path,
        d.c.due_on == group.due_on,
    )
    return sorted({row.subject_id for row in tx.select(query)})


def next_wake_at(tx: Tx) -> datetime | None:
    """Return the next instant at which any open deadline needs the worker."""
    d = tx.tables.deadline
    found: Any = tx.select(select(func.min(d.c.next_at)).where(d.c.status == "open"))[0][0]
    return instant_from_text(found) if isinstance(found, str) else found


def claim_rungs(tx: Tx, rows: Sequence[RungRow]) -> set[tuple[int, int]]:
    """Claim rungs by unique insert; return the (deadline id, step) that nobody had claimed before."""
    if not rows:
        return set()
    table = tx.tables.rung
    insert = (sqlite if tx.dialect == "sqlite" else postgresql).insert
    statement = (
        insert(table)
        .values([row._asdict() for row in rows])
        .on_conflict_do_nothing()
        .returning(table.c.deadline_id, table.c.step)
    )
    return {(deadline_id, step) for deadline_id, step in tx.select(statement)}
