"""An act entered days after it happened: what its term would have raised meanwhile goes on record as missed."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from ..persistence.wakeups import DueGroup
from .climbing import Climb, claim_overtaken

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ..deadlines.calendar import Calendar
    from ..persistence.database import Tx
    from ..persistence.deadlines import DeadlineRow
    from .definition import Workflow

__all__ = ["is_overtaken", "record_overtaken"]


def is_overtaken(row: DeadlineRow, now: datetime) -> bool:
    """Whether a deadline closes before the worker came to what it had to raise."""
    return row.next_at is not None and row.next_at <= now


def record_overtaken(tx: Tx, workflow: Workflow, rows: Sequence[DeadlineRow], calendar: Calendar, now: datetime) -> int:
    """Claim as missed the rungs of closing deadlines that no worker raised; return how many."""
    claimed = 0
    for group, members in groupby(sorted(rows, key=lambda row: (_group(row), row.id)), key=_group):
        rule = workflow.deadline(group.rule)
        claimed += claim_overtaken(tx, Climb(group, rule, list(members), calendar, now))
    return claimed


def _group(row: DeadlineRow) -> DueGroup:
    return DueGroup(row.subject, row.round_id, row.workflow, row.rule, row.unit_path, row.due_on)
