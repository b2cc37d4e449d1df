"""What goes out: rows as JSON shows them. Identifiers are strings (63 bits do not fit a JavaScript number)."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from ..persistence.types import instant_text
from .problems import TextOut

if TYPE_CHECKING:
    from ..engine.definition import Workflow
    from ..engine.queries import DueLine, StateCount
    from ..persistence.changes import Change
    from ..persistence.deadlines import DeadlineRow, LedgerEntry
    from ..persistence.events import ActRow, EventRow
    from ..persistence.reads import CaseLine, CertificateLine
    from ..persistence.rounds import RoundRow, UnitRow

__all__ = [
    "ActOut",
    "CaseOut",
    "CertificateOut",
    "ChangeOut",
    "DeadlineOut",
    "DueLineOut",
    "EntryOut",
    "EventOut",
    "RoundOut",
    "StateCountOut",
    "UnitOut",
]


class UnitOut(BaseModel):
    """An administrative unit; `path` holds the codes from the province down."""

    path: str
    code: str
    level: str
    name: str
    valid_from: date
    valid_to: date | None

    @classmethod
    def of(cls, row: UnitRow) -> UnitOut:
        """Return a unit as JSON shows it."""
        return cls(**row._asdict())


class RoundOut(BaseModel):
    """A commune's round of a procedure."""

    code: str
    workflow: str
    unit: str
    started_on: date
    ends_on: date | None
    plan: str | None

    @classmethod
    def of(cls, row: RoundRow) -> RoundOut:
        """Return a round as JSON shows it."""
        return cls(
            code=row.code, workflow=row.workflow, unit=row.unit_path,
            started_on=row.started_on, ends_on=row.ends_on, plan=row.plan,
        )  # fmt: skip


class CaseOut(BaseModel):
    """A household's case. `version` is the number of its last event: the entity tag."""

    id: str
    round: str
    household: str
    unit: str
    workflow: str
    state: str
    state_label: TextOut
    desk: str = Field(description="Role on whose desk the case lies; empty once it is decided.")
    version: int
    last_on: date
    class_before: str
    class_after: str | None

    @classmethod
    def of(cls, row: CaseLine, workflow: Workflow) -> CaseOut:
        """Return a case as JSON shows it."""
        state = workflow.state(row.state)
        return cls(
            id=str(row.id), round=row.round_code, household=row.household_code, unit=row.unit_path,
            workflow=row.workflow, state=row.state, state_label=TextOut.of(state.label), desk=state.desk,
            version=row.seq, last_on=row.last_on, class_before=row.class_before, class_after=row.class_after,
        )  # fmt: skip


class ActOut(BaseModel):
    """An act as it was entered, once for all its cases; `body` is its form."""

    id: str
    trigger: str
    form: str
    unit: str
    occurred_on: date
    recorded_at: datetime
    actor: str
    role: str
    on_behalf_of: str | None
    document: str | None
    body: dict[str, Any]
    digest: str

    @classmethod
    def of(cls, row: ActRow) -> ActOut:
        """Return an act as JSON shows it."""
        return cls(
            id=str(row.id), trigger=row.trigger, form=row.form, unit=row.unit_path, occurred_on=row.occurred_on,
            recorded_at=row.recorded_at, actor=row.actor, role=row.role, on_behalf_of=row.on_behalf_of,
            document=row.document, body=json.loads(row.body), digest=row.digest.hex(),
        )  # fmt: skip


class EventOut(BaseModel):
    """One fact about a case: `occurred_on` when it took legal effect, `recorded_at` when it was entered."""

    seq: int
    kind: str
    trigger: str
    label: TextOut | None
    from_state: str
    to_state: str
    occurred_on: date
    recorded_at: datetime
    actor: str
    article: str | None
    payload: dict[str, Any]
    act: ActOut | None
    hash: str

    @classmethod
    def of(cls, row: EventRow, workflow: Workflow, act: ActRow | None) -> EventOut:
        """Return an event as JSON shows it."""
        trigger = workflow.triggers.get(row.trigger)
        return cls(
            seq=row.seq, kind=row.kind, trigger=row.trigger, label=TextOut.of(trigger.label) if trigger else None,
            from_state=row.from_state, to_state=row.to_state, occurred_on=row.occurred_on,
            recorded_at=row.recorded_at, actor=row.actor, article=str(trigger.article) if trigger else None,
            payload=json.loads(row.payload or "{}"), act=ActOut.of(act) if act else None, hash=row.hash.hex(),
        )  # fmt: skip


class DeadlineOut(BaseModel):
    """A deadline: its budget, its last day, what became of it. `overdue` is as of the day of asking."""

    id: str
    subject: str
    subject_id: str
    unit: str
    workflow: str
    rule: str
    kind: str
    owner_role: str
    owner_unit: str
    started_on: date
    length: int
    counted_in: str
    due_on: date
    due_at: datetime
    status: str
    overdue: bool
    provisional: bool
    breached_at: datetime | None
    closed_on: date | None
    cause: str | None
    calendar: str

    @classmethod
    def of(cls, row: DeadlineRow, today: date) -> DeadlineOut:
        """Return a deadline as JSON shows it on the legal day `today`."""
        late = row.status == "open" and row.kind != "minimum" and row.due_on < today
        return cls(
            id=str(row.id), subject=row.subject, subject_id=str(row.subject_id), unit=row.unit_path,
            workflow=row.workflow, rule=row.rule, kind=row.kind, owner_role=row.owner_role, owner_unit=row.owner_path,
            started_on=row.started_on, length=row.length, counted_in=row.unit, due_on=row.due_on, due_at=row.due_at,
            status=row.status, overdue=late, provisional=row.provisional, breached_at=row.breached_at,
            closed_on=row.closed_on, cause=row.cause, calendar=row.calendar,
        )  # fmt: skip


class EntryOut(BaseModel):
    """One line of a deadline's ledger."""

    seq: int
    kind: str
    occurred_on: date
    recorded_at: datetime
    actor: str
    document: str
    detail: dict[str, Any]

    @classmethod
    def of(cls, row: LedgerEntry) -> EntryOut:
        """Return a line of the ledger as JSON shows it."""
        values = {name: value for name, value in row._asdict().items() if name not in {"deadline_id", "detail"}}
        return cls(**values, detail=json.loads(row.detail))


class CertificateOut(BaseModel):
    """A certificate (Giấy chứng nhận hộ nghèo, hộ cận nghèo; Mẫu 03)."""

    number: str
    series: str
    case: str
    household: str
    unit: str
    class_: str = Field(serialization_alias="class")
    issued_on: date
    withdrawn_on: date | None

    @classmethod
    def of(cls, row: CertificateLine) -> CertificateOut:
        """Return a certificate as JSON shows it."""
        return cls(
            number=row.number, series=row.series, case=str(row.case_id), household=row.household_code,
            unit=row.unit_path, class_=row.class_, issued_on=row.issued_on, withdrawn_on=row.withdrawn_on,
        )  # fmt: skip


class DueLineOut(BaseModel):
    """Deadlines of one unit under one rule with one last day. `days`: working days late (negative: still left)."""

    unit: str
    workflow: str
    rule: str
    owner_role: str
    owner_unit: str
    due_on: date
    count: int
    days: int

    @classmethod
    def of(cls, line: DueLine) -> DueLineOut:
        """Return a line as JSON shows it."""
        return cls(
            unit=line.unit_path, workflow=line.workflow, rule=line.rule, owner_role=line.owner_role,
            owner_unit=line.owner_path, due_on=line.due_on, count=line.count, days=line.days,
        )  # fmt: skip


class StateCountOut(BaseModel):
    """How many cases of one unit stand in one state."""

    unit: str
    state: str
    count: int

    @classmethod
    def of(cls, count: StateCount) -> StateCountOut:
        """Return a count as JSON shows it."""
        return cls(unit=count.unit_path, state=count.state, count=count.count)


class ChangeOut(BaseModel):
    """One event of the change feed; `id` names it for ever."""

    id: str
    case: str
    version: int
    household: str
    unit: str
    workflow: str
    kind: str
    trigger: str
    from_state: str
    to_state: str
    occurred_on: date
    recorded_at: str
    actor: str
    act: str | None

    @classmethod
    def of(cls, row: Change) -> ChangeOut:
        """Return a change as JSON shows it."""
        return cls(
            id=f"{row.case_id}.{row.seq}", case=str(row.case_id), version=row.seq, household=row.household_code,
            unit=row.unit_path, workflow=row.workflow, kind=row.kind, trigger=row.trigger, from_state=row.from_state,
            to_state=row.to_state, occurred_on=row.occurred_on, recorded_at=instant_text(row.recorded_at),
            actor=row.actor, act=None if row.act_id is None else str(row.act_id),
        )  # fmt: skip
