"""Rungs of the ladder, claimed before they act: who is told that a term runs out, or has run out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..deadlines.ladder import rungs_reached, was_missed
from ..foundation.clock import end_of, start_of
from ..foundation.paths import parent
from ..persistence.wakeups import claim_rung
from .tidings import tiding, what

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ..deadlines.calendar import Calendar
    from ..deadlines.ladder import Rung
    from ..persistence.database import Tx
    from ..persistence.deadlines import DeadlineRow
    from ..persistence.outbox import OutboxRow
    from ..persistence.wakeups import DueGroup
    from .definition import DeadlineRule

__all__ = ["Climb", "Climbed", "claim_overtaken", "climb"]


class Climb(NamedTuple):
    """One group of deadlines under one rule with one last day, and the instant at which it is looked at."""

    group: DueGroup
    rule: DeadlineRule
    rows: Sequence[DeadlineRow]
    calendar: Calendar
    now: datetime


class Climbed(NamedTuple):
    """How many rungs of single deadlines were claimed, and what is told about them, in the order of the rungs."""

    claimed: int
    told: list[OutboxRow]


class _Claimed(NamedTuple):
    """A rung, its instant, and the deadlines of which nobody had claimed it before."""

    rung: Rung
    instant: datetime
    rows: Sequence[DeadlineRow]


def climb(tx: Tx, at: Climb) -> tuple[Climbed, Climbed]:
    """Claim the rungs reached, and tell the office each of them names, once for the whole group.

    Returns what lies before the end of the term and what lies after it. A rung whose day was over when the worker
    came is claimed as missed and told all the same.
    """
    claimed = _claim(tx, at, missed=None)
    over = end_of(at.group.due_on)
    before = _told(at, [each for each in claimed if each.instant < over])
    after = _told(at, [each for each in claimed if each.instant >= over])
    return before, after


def claim_overtaken(tx: Tx, at: Climb) -> int:
    """Put on record, as missed, the rungs that a closing overtook before the worker came; nobody is told any more."""
    return sum(len(claimed.rows) for claimed in _claim(tx, at, missed=True))


def _claim(tx: Tx, at: Climb, *, missed: bool | None) -> list[_Claimed]:
    """Claim the rungs reached of each deadline, those that lie within its term, not before its beginning.

    Without `missed`, a rung is missed whose day is over.
    """
    begun = {day: start_of(day) for day in {row.started_on for row in at.rows}}
    found = []
    for rung, instant in rungs_reached(at.rule.ladder, at.group.due_on, at.now, at.calendar):
        within = {row.id: row for row in at.rows if instant >= begun[row.started_on]}
        late = was_missed(instant, at.now) if missed is None else missed
        ids = claim_rung(tx, list(within), rung.step, at.now, missed=late)
        found.append(_Claimed(rung, instant, [row for row in within.values() if row.id in ids]))
    return found


def _told(at: Climb, claimed: Sequence[_Claimed]) -> Climbed:
    told = [_tiding(at, each.rung, each.instant, each.rows) for each in claimed if each.rows]
    return Climbed(sum(len(each.rows) for each in claimed), told)


def _tiding(at: Climb, rung: Rung, instant: datetime, rows: Sequence[DeadlineRow]) -> OutboxRow:
    group, owner = at.group, rows[0].owner_path
    path = owner
    for _ in range(rung.levels_up):
        path = parent(path) or path
    found = tiding(
        "deadline",
        rung.severity,
        at.rule.owner if rung.tell == "owner" else rung.tell,
        path,
        group.unit_path,
        f"{group.round_id}:{group.unit_path}:{group.rule}:{group.due_on}:{rung.step}:{min(r.id for r in rows)}",
        {
            **what(at.rule, rows[0], len(rows)),
            "step": rung.step,
            "missed": was_missed(instant, at.now),
            "provisional": rows[0].provisional,
        },
        at.now,
    )
    # What waited longest is told first, also after a long downtime.
    return found._replace(next_at=instant)
