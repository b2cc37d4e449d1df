"""Procedures: every version, its states, acts, terms and articles, and the forms of its acts as JSON Schema."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel

from ...engine.forms import form
from ...foundation.errors import NotFoundError
from ...foundation.messages import fault
from ..asking import Key, Reading, WorkflowId
from ..problems import TextOut

if TYPE_CHECKING:
    from ...engine.definition import DeadlineRule, State, Trigger, Workflow

__all__ = ["router"]

router = APIRouter(prefix="/v1/workflows", tags=["workflows"])
_Id = Annotated[WorkflowId, Path(description="Procedure and regime, e.g. annual@2022")]


class WorkflowOut(BaseModel):
    """A procedure under one regime."""

    id: str
    key: str
    regime: str
    label: TextOut
    article: str
    effective_from: date
    effective_to: date | None
    fingerprint: str


class RoleOut(BaseModel):
    """An office that acts, at one level of the units."""

    key: str
    label: TextOut
    level: str


class StateOut(BaseModel):
    """A step in which a case rests."""

    key: str
    label: TextOut
    kind: str
    desk: str
    article: str


class TriggerOut(BaseModel):
    """An act: who may do it, on which form, from which states. Without roles it is a timer's."""

    key: str
    label: TextOut
    roles: list[str]
    form: str
    article: str
    sources: list[str]


class TermOut(BaseModel):
    """A deadline rule; `length` is null for a date that the rule names outright."""

    key: str
    label: TextOut
    kind: str
    owner: str
    length: int | None
    counted_in: str | None
    states: list[str]
    article: str


class SettingOut(BaseModel):
    """A choice the law leaves open, with its default."""

    key: str
    label: TextOut
    default: Any


class WorkflowShown(WorkflowOut):
    """A procedure in full."""

    roles: list[RoleOut]
    states: list[StateOut]
    acts: list[TriggerOut]
    terms: list[TermOut]
    settings: list[SettingOut]


class FormOut(BaseModel):
    """An act's form: JSON Schemas of what is said once (`body`) and of each household's own part (`row`)."""

    workflow: str
    trigger: str
    form: str
    label: TextOut
    article: str
    body: dict[str, Any]
    row: dict[str, Any]


@router.get("")
def workflows(session: Reading) -> list[WorkflowOut]:
    """List every version of every procedure."""
    library = session.facade.library
    return [WorkflowOut(**_head(library.workflow(each))) for each in library.ids()]


@router.get("/{workflow_id}")
def workflow(session: Reading, workflow_id: _Id) -> WorkflowShown:
    """Show a procedure: states, acts, roles, terms, settings, each with its article."""
    found = session.facade.library.workflow(workflow_id)
    return WorkflowShown(
        **_head(found),
        roles=[RoleOut(key=r.key, label=TextOut.of(r.label), level=r.level) for r in found.roles.values()],
        states=[_state(state) for state in found.states.values()],
        acts=[_trigger(found, trigger) for trigger in found.triggers.values()],
        terms=[_term(rule) for rule in found.deadlines],
        settings=[SettingOut(key=s.key, label=TextOut.of(s.label), default=s.default) for s in found.settings.values()],
    )


@router.get("/{workflow_id}/forms")
def forms(session: Reading, workflow_id: _Id) -> list[FormOut]:
    """Give the form of every act of a procedure."""
    found = session.facade.library.workflow(workflow_id)
    return [_form(found, trigger) for trigger in found.triggers.values() if not trigger.is_timer]


@router.get("/{workflow_id}/forms/{trigger}")
def form_of(session: Reading, workflow_id: _Id, trigger: Annotated[Key, Path()]) -> FormOut:
    """Give the form of one act."""
    found = session.facade.library.workflow(workflow_id)
    known = found.triggers.get(trigger)
    if known is None or known.is_timer:
        raise fault(NotFoundError, "found.no_act_form", workflow_id=workflow_id, trigger=trigger)
    return _form(found, known)


def _head(found: Workflow) -> dict[str, Any]:
    return {
        "id": found.id,
        "key": found.key,
        "regime": found.regime,
        "label": TextOut.of(found.label),
        "article": str(found.article),
        "effective_from": found.effective_from,
        "effective_to": found.effective_to,
        "fingerprint": found.fingerprint,
    }


def _state(state: State) -> StateOut:
    return StateOut(
        key=state.key, label=TextOut.of(state.label), kind=state.kind, desk=state.desk, article=str(state.article)
    )


def _trigger(found: Workflow, trigger: Trigger) -> TriggerOut:
    sources = {source: None for t in found.transitions if t.trigger == trigger.key for source in t.sources}
    return TriggerOut(
        key=trigger.key,
        label=TextOut.of(trigger.label),
        roles=list(trigger.roles),
        form=trigger.form,
        article=str(trigger.article),
        sources=list(sources),
    )


def _term(rule: DeadlineRule) -> TermOut:
    return TermOut(
        key=rule.key,
        label=TextOut.of(rule.label),
        kind=rule.kind,
        owner=rule.owner,
        length=rule.term.length if rule.term else None,
        counted_in=rule.term.unit if rule.term else None,
        states=sorted(rule.lives_in),
        article=str(rule.article),
    )


def _form(found: Workflow, trigger: Trigger) -> FormOut:
    schema = form(trigger.form).schema()
    return FormOut(
        workflow=found.id,
        trigger=trigger.key,
        form=trigger.form,
        label=TextOut.of(trigger.label),
        article=str(trigger.article),
        body=schema["body"],
        row=schema["row"],
    )
