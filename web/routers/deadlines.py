"""Deadlines: lists, the proof of a last day, what is overdue and what falls due, certificates, the calculator."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ...deadlines.proof import prove
from ...deadlines.releases import calendar
from ...deadlines.terms import Counting, Term, Unit
from ...engine import queries
from ...engine.ledger import held
from ...engine.proving import proof_of
from ...foundation.errors import InputError, NotFoundError
from ...foundation.messages import fault
from ...persistence import reads
from ..asking import Day, IdText, Key, OneLine, Paging, Reading, UnitPath, cursor_of, id_of, position_in
from ..offering import AS_TABLE, Page, listed, next_cursor
from ..representations import CertificateOut, DeadlineOut, DueLineOut, EntryOut, StateCountOut

if TYPE_CHECKING:
    from ...persistence.database import Tx
    from ...persistence.deadlines import DeadlineRow
    from ..desk import Session

__all__ = ["router"]

router = APIRouter(tags=["deadlines"])
_Id = Annotated[IdText, Path(description="The deadline's identifier")]
_Status = Literal["open", "suspended", "met", "met_late", "cancelled", "superseded"]
_SOON = timedelta(days=7)
_LONGEST = 1_000


class DeadlineQuery(Paging):
    """What a list of deadlines is narrowed to."""

    unit: UnitPath | None = None
    rule: Key | None = None
    status: list[_Status] = Field(default_factory=list, max_length=6)
    owner_role: Key | None = None
    due_from: Day | None = None
    due_to: Day | None = None


class ProofOut(BaseModel):
    """Why the last day is that day: each day from the start, counted or not, and why (docs/calendar.md).

    `proof` is null for a date that a rule names outright. Of a term that was suspended or extended,
    `proof` tells the whole term and each change with its document; it is null while the term stands still.
    """

    deadline: DeadlineOut
    article: str
    proof: dict[str, Any] | None
    ledger: list[EntryOut]


class OverdueQuery(BaseModel):
    """What is asked of overdue deadlines."""

    model_config = ConfigDict(extra="forbid")

    unit: UnitPath | None = None
    as_of: Day | None = Field(None, description="As it stood on this legal day; default: today")


class DueSoonQuery(BaseModel):
    """What is asked of deadlines to come; without days, the next seven."""

    model_config = ConfigDict(extra="forbid")

    unit: UnitPath | None = None
    first: Day | None = None
    last: Day | None = None


class UnitOnly(BaseModel):
    """A unit to narrow an answer to."""

    model_config = ConfigDict(extra="forbid")

    unit: UnitPath | None = None


class CertificateQuery(Paging):
    """What a list of certificates is narrowed to."""

    unit: UnitPath | None = None


class DueQuery(BaseModel):
    """A term to be counted: what sets it running, how long it is, and by which rules."""

    model_config = ConfigDict(extra="forbid")

    start: Day
    length: int = Field(ge=1, le=_LONGEST)
    counted_in: Unit = Unit.WORKING_DAYS
    unit: UnitPath | None = Field(None, description="With the local closures of this unit")
    release: Annotated[str, Field(pattern=r"^[0-9A-Za-z/+._-]{1,64}$")] | None = None
    as_known_on: Day | None = None
    article: OneLine | None = None
    count_first_day: bool = False
    roll_end: bool = True
    makeup_counts: bool = True


@router.get("/v1/deadlines", response_model=Page[DeadlineOut], responses=AS_TABLE)
def deadlines(request: Request, session: Reading, asked: Annotated[DeadlineQuery, Query()]) -> Response:
    """List deadlines of one's units, by identifier."""
    (after,) = position_in(asked.cursor, int) or (0,)
    wanted = reads.DeadlineFilter(
        unit_path=asked.unit,
        rule=asked.rule,
        statuses=tuple(asked.status),
        owner_role=asked.owner_role,
        due_from=asked.due_from,
        due_to=asked.due_to,
    )
    with session.facade.queries.read() as tx:
        rows = reads.deadlines(tx, session.scope, wanted, after=after, limit=asked.limit + 1)
    cursor = next_cursor(rows, asked.limit, lambda row: cursor_of(row.id))
    items = [DeadlineOut.of(row, session.today) for row in rows[: asked.limit]]
    return listed(request, DeadlineOut, items, cursor)


@router.get("/v1/deadlines/{deadline_id}")
def deadline(session: Reading, deadline_id: _Id) -> DeadlineOut:
    """Show one deadline."""
    with session.facade.queries.read() as tx:
        return DeadlineOut.of(_seen(tx, session, deadline_id), session.today)


@router.get("/v1/deadlines/{deadline_id}/proof")
def proof(session: Reading, deadline_id: _Id) -> ProofOut:
    """Prove a deadline's last day on the calendar release it was computed on."""
    with session.facade.queries.read() as tx:
        row = _seen(tx, session, deadline_id)
        each = held(tx, session.facade.engine, [row])[0]
    counted = None
    if each.running is not None and not each.running.suspended:
        counted = proof_of(each).as_dict()
    ledger = [EntryOut.of(entry) for entry in each.entries]
    shown = DeadlineOut.of(row, session.today)
    return ProofOut(deadline=shown, article=str(each.rule.article), proof=counted, ledger=ledger)


@router.get("/v1/committee/overdue", response_model=Page[DueLineOut], responses=AS_TABLE, tags=["committee"])
def overdue(request: Request, session: Reading, asked: Annotated[OverdueQuery, Query()]) -> Response:
    """Tell what is (or was, on a past day) overdue, by unit, rule and last day, and on whose desk it lies."""
    day = asked.as_of or session.today
    by_day = partial(session.facade.calendar_for, day)
    with session.facade.queries.read() as tx:
        lines = queries.overdue(tx, day, by_day, unit_path=asked.unit, scope=session.scope, today=session.today)
    return listed(request, DueLineOut, [DueLineOut.of(line) for line in lines], None)


@router.get("/v1/committee/due", response_model=Page[DueLineOut], responses=AS_TABLE, tags=["committee"])
def due_soon(request: Request, session: Reading, asked: Annotated[DueSoonQuery, Query()]) -> Response:
    """Tell what falls due between two days, as things stand today."""
    first = asked.first or session.today
    last = asked.last or first + _SOON
    by_day = partial(session.facade.calendar_for, session.today)
    with session.facade.queries.read() as tx:
        today = session.today
        lines = queries.due_between(
            tx, today, first, last, by_day, unit_path=asked.unit, scope=session.scope, today=today
        )  # fmt: skip
    return listed(request, DueLineOut, [DueLineOut.of(line) for line in lines], None)


@router.get("/v1/committee/states", response_model=Page[StateCountOut], responses=AS_TABLE, tags=["committee"])
def states(request: Request, session: Reading, asked: Annotated[UnitOnly, Query()]) -> Response:
    """Count cases by village and state, over all rounds."""
    with session.facade.queries.read() as tx:
        counts = queries.states_by_unit(tx, unit_path=asked.unit, scope=session.scope)
    return listed(request, StateCountOut, [StateCountOut.of(count) for count in counts], None)


@router.get("/v1/certificates", response_model=Page[CertificateOut], responses=AS_TABLE, tags=["cases"])
def certificates(request: Request, session: Reading, asked: Annotated[CertificateQuery, Query()]) -> Response:
    """List certificates (Mẫu 03) of one's units, withdrawn ones too."""
    after = position_in(asked.cursor, int, str, str) or (0, "", "")
    with session.facade.queries.read() as tx:
        rows = reads.certificates(
            tx, session.scope, unit_path=asked.unit, after=(after[0], after[1], after[2]), limit=asked.limit + 1
        )
    cursor = next_cursor(rows, asked.limit, lambda row: cursor_of(row.case_id, row.series, row.number))
    return listed(request, CertificateOut, [CertificateOut.of(row) for row in rows[: asked.limit]], cursor)


@router.get("/v1/due")
def due(session: Reading, asked: Annotated[DueQuery, Query()]) -> dict[str, Any]:
    """Tell the last day of a term that an event sets running, with the proof of each day."""
    if asked.release is not None and asked.as_known_on is not None:
        raise fault(InputError, "calendar.one_way")
    counting = Counting(
        first_day_excluded=not asked.count_first_day, roll_end=asked.roll_end, makeup_counts=asked.makeup_counts
    )
    term = Term(asked.length, asked.counted_in, counting, asked.article or "")
    known = None if asked.release else asked.as_known_on or session.today
    return prove(term, asked.start, calendar(asked.release, as_known_on=known, unit=asked.unit)).as_dict()


def _seen(tx: Tx, session: Session, deadline_id: str) -> DeadlineRow:
    found = reads.deadline(tx, session.scope, id_of(deadline_id, "deadline"))
    if found is None:
        raise fault(NotFoundError, "found.no_deadline", deadline_id=deadline_id)
    return found
