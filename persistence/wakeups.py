"""What the worker asks: which deadlines need it now, when the next one will, and whose rung this is."""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, func, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite

from .statements import Statement, in_ids
from .types import instant_from_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import ColumnElement

    from .database import Tx
    from .tables import Tables

__all__ = [
    "DueGroup",
    "claim_rung",
    "due_groups",
    "is_open",
    "next_wake_at",
    "subjects_of",
    "take_group",
    "top_units",
]


class DueGroup(NamedTuple):
    """Deadlines of one village that need the worker for the same reason: same round, rule and last day."""

    subject: str
    round_id: int
    workflow: str
    rule: str
    unit_path: str
    due_on: date


def is_open(tx: Tx) -> ColumnElement[bool]:
    """Return the condition that a deadline runs, as a literal: the partial indexes are used for nothing less."""
    return tx.tables.deadline.c.status == literal_column("'open'")


def due_groups(tx: Tx, now: datetime, limit: int) -> list[DueGroup]:
    """Return the groups of open deadlines whose wake-up has come, the longest waiting first, at most `limit`."""
    d = tx.tables.deadline
    columns = (d.c.subject, d.c.round_id, d.c.workflow, d.c.rule, d.c.unit_path, d.c.due_on)
    query = (
        select(*columns)
        .where(is_open(tx), d.c.next_at <= now)
        .group_by(*columns)
        .order_by(func.min(d.c.next_at), d.c.round_id, d.c.unit_path, d.c.rule)
        .limit(limit)
    )
    return [DueGroup(*row) for row in tx.select(query)]


def subjects_of(tx: Tx, group: DueGroup) -> list[int]:
    """Return the cases (or the round) whose deadlines make up a due group.

    Not asked by their wake-up: its index would make every group read all that is due.
    """
    d = tx.tables.deadline
    query = select(d.c.subject_id).where(
        is_open(tx),
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
    found: Any = tx.select(select(func.min(d.c.next_at)).where(is_open(tx)))[0][0]
    return instant_from_text(found) if isinstance(found, str) else found


def top_units(tx: Tx) -> list[str]:
    """Return the paths of the provinces on record, or of those that have a round where no unit is registered."""
    unit, opened = tx.tables.unit, tx.tables.round
    found = [row.path for row in tx.select(select(unit.c.path).where(unit.c.path.not_like("%/%")))]
    if not found:
        found = [row.unit_path.partition("/")[0] for row in tx.select(select(opened.c.unit_path).distinct())]
    return sorted(set(found))


def take_group(tx: Tx, group: DueGroup) -> bool:
    """Take a due group for this transaction; False if another worker has it. SQLite has one writer at a time anyway."""
    if tx.dialect == "sqlite":
        return True
    named = "|".join(map(str, (tx.tables.deadline, *group)))
    key = int.from_bytes(sha256(named.encode()).digest()[:8], signed=True)
    return bool(tx.select(select(func.pg_try_advisory_xact_lock(key)))[0][0])


def _claim(tables: Tables, dialect: str) -> Any:
    d, rung = tables.deadline, tables.rung
    said = [bindparam(name, type_=rung.c[name].type).label(name) for name in ("step", "claimed_at", "missed")]
    insert = (sqlite if dialect == "sqlite" else postgresql).insert
    # SQLite cannot tell this ON CONFLICT from a join's ON unless a WHERE stands between them.
    return (
        insert(rung)
        .from_select(
            ("deadline_id", "due_on", "step", "claimed_at", "missed"),
            select(d.c.id, d.c.due_on, *said).where(in_ids(d.c.id, "ids")),
        )
        .on_conflict_do_nothing()
        .returning(rung.c.deadline_id)
    )


_GIVEN = ("step", "claimed_at", "missed", "ids")
_CLAIM = {kind: Statement("claim rungs", _GIVEN, partial(_claim, dialect=kind)) for kind in ("sqlite", "postgresql")}


def claim_rung(tx: Tx, deadline_ids: Sequence[int], step: int, now: datetime, *, missed: bool) -> set[int]:
    """Claim one rung of many deadlines' ladders by unique insert; return the ids of those nobody had claimed before."""
    if not deadline_ids:
        return set()
    found = tx.rows(_CLAIM[tx.dialect], step, tx.instant(now), missed, tx.ids(deadline_ids))
    return {deadline_id for (deadline_id,) in found}
