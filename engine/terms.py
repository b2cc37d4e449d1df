"""Which deadlines a step opens and closes. Pure; `applying` writes what this finds."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ..deadlines.ladder import next_wake
from ..foundation.clock import end_of, start_of
from ..foundation.errors import DefinitionError
from ..foundation.paths import at_level
from ..persistence.deadlines import Closing, DeadlineRow
from .definition import DeadlineKind, DeadlineRule, Workflow

if TYPE_CHECKING:
    from ..deadlines.calendar import Calendar
    from ..persistence.cases import CaseRow
    from .deciding import Step
    from .views import Context

__all__ = [
    "Computed",
    "closing",
    "compute",
    "opened_row",
    "owner_path",
    "rules_closed",
    "rules_opened",
    "start_day",
]


class Computed(NamedTuple):
    """A due day computed on a calendar, once for all cases that share rule and start."""

    due_on: date
    due_at: datetime
    next_at: datetime | None
    provisional: bool


@lru_cache(maxsize=4096)
def rules_opened(workflow: Workflow, source: str, target: str) -> tuple[DeadlineRule, ...]:
    """Return the rules whose term begins when a case goes from `source` to `target`."""
    return tuple(r for r in workflow.deadlines if target in r.lives_in and source not in r.lives_in)


@lru_cache(maxsize=4096)
def rules_closed(workflow: Workflow, source: str, target: str) -> frozenset[str]:
    """Return the keys of the rules whose term ends when a case goes from `source` to `target`."""
    return frozenset(r.key for r in workflow.deadlines if source in r.lives_in and target not in r.lives_in)


def start_day(rule: DeadlineRule, step: Step, context: Context, occurred_on: date) -> date:
    """Return the day from which `rule` counts for this case."""
    if not rule.counts_from:
        return occurred_on
    fact = step.facts.get(rule.counts_from)
    if fact is not None:
        return date.fromisoformat(fact)
    day = context.round_days.get(step.case.round_id, {}).get(rule.counts_from)
    if day is None:
        msg = f"deadline {rule.key!r} counts from {rule.counts_from!r}: case {step.case.id} and its round lack it"
        raise DefinitionError(msg)
    return day


def compute(rule: DeadlineRule, start: date, calendar: Calendar) -> Computed:
    """Return the due day of `rule` counted from `start` on `calendar`."""
    due_on = start if rule.term is None else rule.term.due_on(start, calendar)
    due_at = end_of(due_on)
    wake = next_wake(rule.ladder, due_on, start_of(start), calendar)
    return Computed(due_on, due_at, wake, is_provisional(rule, start, due_on, calendar))


def is_provisional(rule: DeadlineRule, start: date, due_on: date, calendar: Calendar) -> bool:
    """Say whether the last day of `rule` counted from `start` rests on days that are not decided yet."""
    if rule.term is None:
        return calendar.is_provisional(due_on)
    return rule.term.is_provisional(start, due_on, calendar)


def owner_path(rule: DeadlineRule, workflow: Workflow, village_path: str) -> str:
    """Return the path of the unit whose office owns the deadline."""
    return at_level(village_path, workflow.roles[rule.owner].level)


def opened_row(
    new_id: int,
    rule: DeadlineRule,
    workflow: Workflow,
    case: CaseRow,
    start: date,
    due: Computed,
    calendar: str,
    seq: int,
) -> DeadlineRow:
    """Return the row of a term that begins with event `seq` of a case."""
    return DeadlineRow(
        id=new_id,
        subject="case",
        subject_id=case.id,
        round_id=case.round_id,
        unit_path=case.unit_path,
        workflow=case.workflow,
        rule=rule.key,
        kind=rule.kind.value,
        owner_role=rule.owner,
        owner_path=owner_path(rule, workflow, case.unit_path),
        started_on=start,
        length=rule.term.length if rule.term else 0,
        unit=rule.term.unit.value if rule.term else "fixed",
        calendar=calendar,
        due_on=due.due_on,
        due_at=due.due_at,
        next_at=due.next_at,
        status="open",
        provisional=due.provisional,
        opened_seq=seq,
        breached_at=None,
        closed_on=None,
        cause=None,
    )


def closing(rule: DeadlineRule, row: DeadlineRow, step: Step, occurred_on: date, now: datetime) -> Closing:
    """Say how an open deadline ends with this step."""
    if step.transition.cancels:
        return Closing("cancelled", occurred_on, row.breached_at, step.transition.trigger, row.id)
    running = row.status != "suspended"  # a term that stands still does not run out
    if rule.kind is DeadlineKind.MINIMUM:
        ran_out = running and occurred_on >= row.due_on and now >= row.due_at
        return Closing(
            "met" if ran_out else "cancelled", occurred_on, None, None if ran_out else step.transition.trigger, row.id
        )
    late = running and occurred_on > row.due_on
    # A breach that was recorded stays, even when a late entry shows that the act itself was in time.
    breached = row.breached_at or (now if late else None)
    cause = _lateness_cause(rule, step) if late else ("entered_late" if row.breached_at else None)
    return Closing("met_late" if late else "met", occurred_on, breached, cause, row.id)


def _lateness_cause(rule: DeadlineRule, step: Step) -> str | None:
    return next((cause for cause in rule.causes if step.facts.get(f"cause_{cause}")), None)
