"""What the worker asks: which deadlines need it now, when the next one will, and whose rung this is."""

from __future__ import annotations

import json
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, literal_column, select, true
from sqlalchemy.dialects import postgresql, sqlite

from .statements import Statement, json_rows
from .types import instant_from_text, instant_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import ColumnElement

    from .database import Tx
    from .tables import Tables

__all__ = [
    "DueGroup",
    "RungRow",
    "claim_rungs",
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


class RungRow(NamedTuple):
    """A claimed rung of one deadline's ladder."""

    deadline_id: int
    due_on: date
    step: int
    claimed_at: datetime
    missed: bool


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
    rung = tables.rung
    given = json_rows(dialect, {name: rung.c[name].type for name in RungRow._fields})
    insert = (sqlite if dialect == "sqlite" else postgresql).insert
    # SQLite cannot tell this ON CONFLICT from a join's ON unless a WHERE stands between them.
    return (
        insert(rung)
        .from_select(RungRow._fields, select(*(given.c[name] for name in RungRow._fields)).where(true()))
        .on_conflict_do_nothing()
        .returning(rung.c.deadline_id, rung.c.step)
    )


_CLAIM = {kind: Statement("claim rungs", ("rows",), partial(_claim, dialect=kind)) for kind in ("sqlite", "postgresql")}


def claim_rungs(tx: Tx, rows: Sequence[RungRow]) -> set[tuple[int, int]]:
    """Claim rungs by unique insert; return the (deadline id, step) that nobody had claimed before."""
    if not rows:
        return set()
    stamps = {row.claimed_at: instant_text(row.claimed_at) for row in rows}
    members = [
        {**row._asdict(), "due_on": row.due_on.isoformat(), "claimed_at": stamps[row.claimed_at]} for row in rows
    ]
    return set(tx.rows(_CLAIM[tx.dialect], json.dumps(members)))
