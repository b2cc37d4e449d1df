"""Cases: listed, shown with their version, their history and deadlines; and acts over one of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BaseModel, Field

from ...engine.values import Mode
from ...foundation.errors import NotFoundError
from ...foundation.messages import fault
from ...persistence import deadlines, events, reads
from ...persistence.database import Tx
from ..acting import ActIn, BatchIn, IdempotencyKey, OutcomeOut, fire
from ..asking import (
    Acting,
    Code,
    IdText,
    Key,
    Paging,
    Reading,
    UnitPath,
    WorkflowId,
    cursor_of,
    id_of,
    is_known,
    position_in,
    version_in,
)
from ..desk import Session
from ..offering import AS_TABLE, Page, listed, next_cursor
from ..problems import TextOut
from ..representations import CaseOut, CertificateOut, DeadlineOut, EventOut

__all__ = ["router"]

router = APIRouter(prefix="/v1/cases", tags=["cases"])
_Id = Annotated[IdText, Path(description="The case's identifier")]
_ETAG = {"ETag": {"description": "The case's version", "schema": {"type": "string"}}}
_MOST_CERTIFICATES = 100


class CaseQuery(Paging):
    """What a list of cases is narrowed to."""

    round: Code | None = None
    unit: UnitPath | None = None
    state: list[Key] = Field(default_factory=list, max_length=50)
    workflow: WorkflowId | None = None
    household: Code | None = None
    class_after: Key | None = None
    overdue: bool = Field(default=False, description="Only cases with a deadline past its last day")


class NextAct(BaseModel):
    """An act that may leave the case's state, and the roles that may do it; `form` is under the workflow."""

    trigger: str
    label: TextOut
    roles: list[str]
    form: str
    article: str


class CaseShown(CaseOut):
    """A case with its certificates and the acts that may follow."""

    certificates: list[CertificateOut]
    next: list[NextAct]


@router.get("", response_model=Page[CaseOut], responses=AS_TABLE)
def cases(request: Request, session: Reading, asked: Annotated[CaseQuery, Query()]) -> Response:
    """List cases of one's units, by identifier."""
    (after,) = position_in(asked.cursor, int) or (0,)
    wanted = reads.CaseFilter(
        round_code=asked.round,
        unit_path=asked.unit,
        states=tuple(asked.state),
        workflow=asked.workflow,
        household_code=asked.household,
        class_after=asked.class_after,
        overdue_on=session.today if asked.overdue else None,
    )
    with session.facade.queries.read() as tx:
        rows = reads.cases(tx, session.scope, wanted, after=after, limit=asked.limit + 1)
    library = session.facade.library
    items = [CaseOut.of(row, library.workflow(row.workflow)) for row in rows[: asked.limit]]
    return listed(request, CaseOut, items, next_cursor(rows, asked.limit, lambda row: cursor_of(row.id)))


@router.get(
    "/{case_id}",
    response_model=CaseShown,
    responses={200: {"headers": _ETAG}, 304: {"description": "The case has not changed"}},
)
def show(
    session: Reading, case_id: _Id, response: Response, if_none_match: Annotated[str | None, Header()] = None
) -> CaseShown | Response:
    """Show a case; its version is the entity tag."""
    with session.facade.queries.read() as tx:
        row = _seen(tx, session, case_id)
        given = reads.certificates(tx, session.scope, case_id=row.id, limit=_MOST_CERTIFICATES)
    tag = {"ETag": f'"{row.seq}"'}
    if is_known(if_none_match, tag["ETag"]):
        return Response(status_code=304, headers=tag)
    response.headers.update(tag)
    shown = CaseOut.of(row, session.facade.library.workflow(row.workflow))
    certificates = [CertificateOut.of(each) for each in given]
    return CaseShown(**shown.model_dump(), certificates=certificates, next=_next_acts(session, row))


@router.get("/{case_id}/history")
def history(session: Reading, case_id: _Id) -> list[EventOut]:
    """Tell a case's whole life: every event with its act, both its times, and its hash."""
    with session.facade.queries.read() as tx:
        row = _seen(tx, session, case_id)
        found = events.history(tx, [row.id])
        acts = events.acts(tx, [event.act_id for event in found if event.act_id is not None])
    workflow = session.facade.library.workflow(row.workflow)
    return [EventOut.of(event, workflow, acts.get(event.act_id or 0)) for event in found]


@router.get("/{case_id}/deadlines")
def deadlines_of(session: Reading, case_id: _Id) -> list[DeadlineOut]:
    """List a case's deadlines, closed ones too, in the order they began."""
    with session.facade.queries.read() as tx:
        row = _seen(tx, session, case_id)
        found = deadlines.of_subjects(tx, [row.id])
    return [DeadlineOut.of(deadline, session.today) for deadline in found]


@router.post("/{case_id}/acts", status_code=201)
def act(
    session: Acting,
    case_id: _Id,
    asked: ActIn,
    key: IdempotencyKey = None,
    if_match: Annotated[str | None, Header(description="The version the client has read")] = None,
) -> OutcomeOut:
    """Do an act to one case. A refusal is a problem with its code, its reason and the article."""
    batch = BatchIn(
        trigger=asked.trigger,
        occurred_on=asked.occurred_on,
        cases=[case_id],
        body=asked.body,
        rows={case_id: asked.row} if asked.row else {},
        document=asked.document,
        mode=Mode.ALL,
    )
    return fire(session, batch, key=key, version=version_in(if_match))


def _seen(tx: Tx, session: Session, case_id: str) -> reads.CaseLine:
    found = reads.case(tx, session.scope, id_of(case_id, "case"))
    if found is None:
        raise fault(NotFoundError, "found.no_case_id", case_id=case_id)
    return found


def _next_acts(session: Session, row: reads.CaseLine) -> list[NextAct]:
    workflow = session.facade.library.workflow(row.workflow)
    return [
        NextAct(
            trigger=trigger.key,
            label=TextOut.of(trigger.label),
            roles=list(trigger.roles),
            form=trigger.form,
            article=str(trigger.article),
        )
        for trigger in workflow.triggers.values()
        if not trigger.is_timer and workflow.leaving(row.state, trigger.key)
    ]
