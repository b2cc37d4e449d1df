"""A round's events as process mining reads them: one trace a case, streamed. No personal data is in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...persistence.cases import load
from ...persistence.events import acts, history
from ..definition import StateKind
from ..replaying import MOVING, STEPS, in_force

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime

    from ...persistence.cases import CaseRow
    from ...persistence.database import Tx
    from ...persistence.events import ActRow, EventRow
    from ..definition import Workflow
    from ..service import Library

__all__ = ["LogEvent", "Trace", "traces"]

_CASES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One event of a trace: what happened, when it took effect and when it was entered, who acted."""

    seq: int
    activity: str
    label: str
    kind: str
    workflow: str
    from_state: str
    to_state: str
    occurred_on: date
    recorded_at: datetime
    actor: str
    role: str
    act_id: int | None


@dataclass(frozen=True, slots=True)
class Trace:
    """One case and its events in order."""

    case: CaseRow
    events: tuple[LogEvent, ...]


def traces(tx: Tx, library: Library, case_ids: Sequence[int], *, finished: bool = False) -> Iterator[Trace]:
    """Stream the traces of cases, a few hundred in memory at a time; `finished`: of those that have ended only."""
    for start in range(0, len(case_ids), _CASES_AT_ONCE):
        ids = case_ids[start : start + _CASES_AT_ONCE]
        by_case: dict[int, list[EventRow]] = {i: [] for i in ids}
        for event in history(tx, ids):
            by_case[event.case_id].append(event)
        known = acts(tx, sorted({e.act_id for rows in by_case.values() for e in rows if e.act_id is not None}))
        for case in load(tx, ids):
            workflow = library.compiled(case.workflow).workflow
            if not finished or workflow.states[case.state].kind is StateKind.END:
                yield Trace(case, tuple(_events(case, by_case[case.id], known, library)))


def _events(
    case: CaseRow, events: Sequence[EventRow], known: dict[int, ActRow], library: Library
) -> Iterator[LogEvent]:
    workflow_id = _first_workflow(case, events)
    for event in _that_happened(events):
        if event.kind == "migration":
            workflow_id = json.loads(event.payload)["to"]
        workflow = library.compiled(workflow_id).workflow
        act = known.get(event.act_id) if event.act_id is not None else None
        yield LogEvent(
            seq=event.seq,
            activity=_activity(event),
            label=_label(event, workflow),
            kind=event.kind,
            workflow=workflow_id,
            from_state=event.from_state,
            to_state=event.to_state,
            occurred_on=event.occurred_on,
            recorded_at=event.recorded_at,
            actor=event.actor,
            role=act.role if act else "",
            act_id=event.act_id,
        )


def _that_happened(events: Sequence[EventRow]) -> list[EventRow]:
    """Return a case's events without what a correction took back: a log tells what holds, in its own order."""
    counting = {event.seq for event in in_force(events)}
    return [e for e in events if e.seq in counting or (e.kind not in MOVING and e.kind != "correction")]


def _first_workflow(case: CaseRow, events: Sequence[EventRow]) -> str:
    """Return the definition under which a case was opened: its present one, unless it was moved since."""
    moved = next((json.loads(e.payload) for e in events if e.kind == "migration"), None)
    return str(moved["from"]) if moved else case.workflow


def _activity(event: EventRow) -> str:
    if event.kind == "opened":
        return "opened"
    return event.trigger if event.kind in STEPS else f"{event.kind}:{event.trigger}"


def _label(event: EventRow, workflow: Workflow) -> str:
    if event.kind in STEPS and event.trigger in workflow.triggers:
        return workflow.triggers[event.trigger].label.vi
    rule = next((r for r in workflow.deadlines if event.kind == "breach" and r.key == event.trigger), None)
    return rule.label.vi if rule else workflow.states[event.to_state].label.vi
