"""Rungs of the ladder, claimed before they act: who is told that a term runs out, or has run out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..deadlines.ladder import rungs_reached, was_missed
from ..foundation.clock import end_of, start_of
from ..foundation.paths import parent
from ..persistence.wakeups import RungRow, claim_rungs
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


def climb(tx: Tx, at: Climb) -> tuple[Climbed, Climbed]:
    """Claim the rungs reached, and tell the office each of them names, once for the whole group.

    Returns what lies before the end of the term and what lies after it. A rung whose day was over when the worker
    came is claimed as missed and told all the same.
    """
    reached = rungs_reached(at.rule.ladder, at.group.due_on, at.now, at.calendar)
    claimed = claim_rungs(tx, _claims(at, reached))
    over = end_of(at.group.due_on)
    before = _told(at, [each for each in reached if each[1] < over], claimed)
    after = _told(at, [each for each in reached if each[1] >= over], claimed)
    return before, after


def claim_overtaken(tx: Tx, at: Climb) -> int:
    """Put on record, as missed, the rungs that a closing overtook before the worker came; nobody is told any more."""
    reached = rungs_reached(at.rule.ladder, at.group.due_on, at.now, at.calendar)
    return len(claim_rungs(tx, [claim._replace(missed=True) for claim in _claims(at, reached)]))


def _claims(at: Climb, reached: Sequence[tuple[Rung, datetime]]) -> list[RungRow]:
    """Return what to claim: of each deadline the rungs that lie within its term, not before its beginning."""
    begun = {day: start_of(day) for day in {row.started_on for row in at.rows}}
    return [
        RungRow(row.id, row.due_on, rung.step, at.now, missed)
        for rung, instant, missed in ((rung, instant, was_missed(instant, at.now)) for rung, instant in reached)
        for row in at.rows
        if instant >= begun[row.started_on]
    ]


def _told(at: Climb, reached: Sequence[tuple[Rung, datetime]], claimed: set[tuple[int, int]]) -> Climbed:
    told, count = [], 0
    for rung, instant in reached:
        mine = [row for row in at.rows if (row.id, rung.step) in claimed]
        count += len(mine)
        if mine:
            told.append(_tiding(at, rung, instant, mine))
    return Climbed(count, told)


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
