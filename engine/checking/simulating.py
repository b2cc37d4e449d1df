"""One case carried through acts in memory: the real `decide`, the real terms, no database."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ...foundation.clock import legal_date
from ...persistence.canonical import canonical_json
from ...persistence.cases import CaseRow
from ..deciding import decide
from ..terms import compute, opened_row, rules_closed, rules_opened, start_day
from ..values import Actor, ActRequest
from ..views import Census, Context

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from ...deadlines.calendar import Calendar
    from ...persistence.deadlines import DeadlineRow
    from ..deciding import Decision, Step
    from ..definition import DeadlineRule, Workflow
    from ..machine import CompiledWorkflow

__all__ = ["CASE_ID", "VILLAGE", "Simulated", "World", "everyone", "open_case"]

CASE_ID = 1
VILLAGE = {True: "01/001/00001/01", False: "01/00001/01"}  # with and without a district level
_ROUND = 1


@dataclass(frozen=True, slots=True)
class World:
    """What surrounds the case: its workflow, the calendar, the settings, the round's days."""

    compiled: CompiledWorkflow
    calendar: Calendar
    round_days: Mapping[str, date]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def workflow(self) -> Workflow:
        """The workflow under examination."""
        return self.compiled.workflow


@dataclass(frozen=True, slots=True)
class Simulated:
    """A case as it stands, with its open deadlines."""

    case: CaseRow
    deadlines: tuple[DeadlineRow, ...] = ()

    def ask(
        self, world: World, request: ActRequest, now: datetime, behind: Mapping[str, int] | None = None
    ) -> Decision:
        """Decide `request` for this case at `now`; `behind` counts the other cases of its barrier by state."""
        return decide(world.compiled, [self.case], request, _context(world, self, request, now, behind or {}))

    def after(self, world: World, step: Step, request: ActRequest, now: datetime) -> Simulated:
        """Return the case after an accepted step, its deadlines closed and opened as the definition says."""
        closed = rules_closed(world.workflow, self.case.state, step.transition.target)
        context = _context(world, self, request, now, {})
        opened = tuple(
            _deadline(world, self.case, rule, start_day(rule, step, context, request.occurred_on))
            for rule in rules_opened(world.workflow, self.case.state, step.transition.target)
        )
        case = self.case._replace(
            state=step.transition.target,
            seq=self.case.seq + 1,
            last_on=step.last_on(request.occurred_on),
            class_after=step.class_after,
            facts=step.facts_text,
        )
        return replace(self, case=case, deadlines=(*(d for d in self.deadlines if d.rule not in closed), *opened))


def open_case(workflow: Workflow, facts: Mapping[str, Any], opened_on: date) -> Simulated:
    """Return a case as an opening leaves it; `facts` as the definition's ``opens_with`` names them."""
    own = dict(facts)
    class_before = str(own.pop("class_before", "none"))
    has_district = any(role.level == "district" for role in workflow.roles.values())
    return Simulated(
        CaseRow(
            CASE_ID, _ROUND, CASE_ID, VILLAGE[has_district], workflow.id, workflow.initial.key,
            1, opened_on, class_before, None, canonical_json(own).decode(), b"",
        )
    )  # fmt: skip


def everyone(workflow: Workflow) -> Actor:
    """Return an actor who holds every office of the workflow."""
    return Actor("everyone", everywhere=frozenset(workflow.roles))


def _context(
    world: World, simulated: Simulated, request: ActRequest, now: datetime, behind: Mapping[str, int]
) -> Context:
    level = world.compiled.census_levels.get(request.trigger, "")
    case = simulated.case
    key = case.unit_path if level == "village" else str(case.round_id)
    return Context(
        now=now,
        today=legal_date(now),
        calendar=world.calendar,
        settings=world.settings,
        census={key: Census(behind)} if level else {},
        deadlines={case.id: simulated.deadlines},
        round_days={case.round_id: world.round_days},
        census_level=level,
    )


def _deadline(world: World, case: CaseRow, rule: DeadlineRule, start: date) -> DeadlineRow:
    due = compute(rule, start, world.calendar)
    return opened_row(0, rule, world.workflow, case, start, due, world.calendar.key, case.seq + 1)
