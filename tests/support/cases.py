"""One case driven by `decide` alone, for tests that ask what an act does or why it is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, time
from functools import cache
from typing import TYPE_CHECKING, Any

from rasoat.deadlines.releases import calendar
from rasoat.engine.checking.simulating import CASE_ID, World, everyone, open_case
from rasoat.engine.forms import form
from rasoat.engine.values import SYSTEM, ActRequest
from rasoat.foundation.clock import LEGAL_ZONE, end_of
from rasoat.workflows.library import WorkflowLibrary

if TYPE_CHECKING:
    from rasoat.engine.machine import CompiledWorkflow
    from rasoat.engine.values import Actor, Refusal

__all__ = ["MINUTES", "POSTED", "Walk", "compiled", "library", "survey_row"]

MINUTES = {
    "attendees": 10, "in_favour": 5, "copies": 2,
    "signed_by_chair": True, "signed_by_secretary": True, "signed_by_households": True,
}  # fmt: skip
POSTED = {"at_commune_office": True, "at_village_house": True}


@cache
def library() -> WorkflowLibrary:
    """The shipped procedures, loaded once a run."""
    return WorkflowLibrary()


def compiled(workflow_id: str) -> CompiledWorkflow:
    """A shipped procedure with its machine."""
    return library().compiled(workflow_id)


def survey_row(b1: int = 120, b2: int = 40, *, surveyor: str = "RSV-1", **other: Any) -> dict[str, Any]:
    """Phiếu B of one household; poor unless told otherwise."""
    return {"b1": b1, "b2": b2, "area": "rural", "respondent": "head", "surveyor": surveyor, **other}


class Walk:
    """A case on its way. `does` expects the act to be accepted, `refused` to be refused."""

    def __init__(
        self,
        workflow: str | CompiledWorkflow,
        started_on: date,
        *,
        opened_on: date | None = None,
        settings: dict[str, Any] | None = None,
        **facts: Any,
    ) -> None:
        own = compiled(workflow) if isinstance(workflow, str) else workflow
        self.world = World(own, calendar(), {"started_on": started_on}, settings or {})
        self.simulated = open_case(own.workflow, facts, opened_on or started_on)
        self.behind: dict[str, int] = {}
        self.actor: Actor = everyone(own.workflow)

    @property
    def state(self) -> str:
        return self.simulated.case.state

    @property
    def facts(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.simulated.case.facts)
        return found

    def due(self, rule: str) -> date:
        """The last day of the open deadline under `rule`."""
        return next(d.due_on for d in self.simulated.deadlines if d.rule == rule)

    def open_rules(self) -> set[str]:
        """The rules whose deadlines are open."""
        return {d.rule for d in self.simulated.deadlines}

    def does(
        self, trigger: str, day: date, body: dict[str, Any] | None = None, row: dict[str, Any] | None = None, **how: Any
    ) -> str:
        """Do an act that must be accepted; return the state it leads to."""
        request, now, decision = self._ask(trigger, day, body, row, **how)
        assert not decision.refused, [(r.code, dict(r.fields)) for r in decision.refused]
        self.simulated = self.simulated.after(self.world, decision.accepted[0], request, now)
        return self.state

    def refused(
        self, trigger: str, day: date, body: dict[str, Any] | None = None, row: dict[str, Any] | None = None, **how: Any
    ) -> Refusal:
        """Do an act that must be refused for one reason; return it. The case must stand where it stood."""
        _, _, decision = self._ask(trigger, day, body, row, **how)
        assert not decision.accepted, decision.accepted[0].transition.key
        assert len(decision.refused) == 1, [r.code for r in decision.refused]
        refusal = decision.refused[0]
        assert refusal.reason.vi
        assert refusal.reason.en
        return refusal

    def code(self, trigger: str, day: date, body: Any = None, row: Any = None, **how: Any) -> str:
        """The code under which an act is refused."""
        return self.refused(trigger, day, body, row, **how).code

    def timer(self, trigger: str, rule: str) -> str:
        """Let the term under `rule` run out."""
        return self.does(trigger, self.due(rule))

    def _ask(
        self,
        trigger: str,
        day: date,
        body: dict[str, Any] | None,
        row: dict[str, Any] | None,
        *,
        entered: datetime | None = None,
        actor: Actor | None = None,
    ) -> tuple[ActRequest, datetime, Any]:
        known = self.world.workflow.triggers.get(trigger)
        timer = known is not None and known.is_timer
        request = ActRequest(
            trigger,
            (CASE_ID,),
            day,
            actor or (SYSTEM if timer else self.actor),
            body=body or {},
            rows={CASE_ID: row or {}},
        )
        if known is not None:
            shape = form(known.form)
            fitted = replace(request, body=shape.body(request.body)[0], rows={CASE_ID: shape.row(row or {})[0]})
            request = fitted
        latest = max(day, self.simulated.case.last_on)
        now = entered or (end_of(latest) if timer else datetime.combine(latest, time(17), LEGAL_ZONE))
        return request, now, self.simulated.ask(self.world, request, now, self.behind)
