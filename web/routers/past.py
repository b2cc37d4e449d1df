"""The record as of a past day, as it was known at a past instant: what stood then, and what one could know of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ...engine import history
from ...foundation.clock import end_of
from ...foundation.errors import NotFoundError
from ...foundation.messages import fault
from ...persistence import reads
from ..asking import Code, Day, IdText, Instant, Paging, Reading, UnitPath, cursor_of, id_of, position_in
from ..offering import AS_TABLE, Page, listed, next_cursor
from ..problems import TextOut
from ..representations import DeadlineOut, StateCountOut

if TYPE_CHECKING:
    from ...engine.history import PastCase
    from ..desk import Session

__all__ = ["router"]

router = APIRouter(prefix="/v1/past", tags=["cases"])
_Id = Annotated[IdText, Path(description="The case's identifier")]


class _When(BaseModel):
    model_config = ConfigDict(extra="forbid")

    as_of: Day | None = Field(None, description="As it stood when this legal day ended; default: today")
    known_on: Day | None = Field(None, description="As known when this day ended; default: now")
    known_at: Instant | None = Field(None, description="As known at this instant, in the place of `known_on`")


class PastQuery(Paging, _When):
    """Which cases, and which past."""

    round: Code | None = None
    unit: UnitPath | None = Field(None, description="The unit in which the case lies today")


class PastStatesQuery(_When):
    """Which villages, and which past."""

    unit: UnitPath | None = Field(None, description="The unit in which the cases lay then")


class PastCaseLine(BaseModel):
    """A case as it stood."""

    id: str
    household: str
    unit: str
    workflow: str
    state: str
    state_label: TextOut
    class_before: str
    class_after: str | None
    certificate: str | None
    as_of: date
    known_at: datetime


class PastCaseShown(PastCaseLine):
    """A case as it stood, with the facts it carried, its terms, and how many of today's events counted then."""

    facts: dict[str, Any]
    deadlines: list[DeadlineOut]
    events: int


@router.get("/cases", response_model=Page[PastCaseLine], responses=AS_TABLE)
def past_cases(request: Request, session: Reading, asked: Annotated[PastQuery, Query()]) -> Response:
    """List cases of one's units as they stood; a page leaves out those that were not open then."""
    (after,) = position_in(asked.cursor, int) or (0,)
    wanted = reads.CaseFilter(round_code=asked.round, unit_path=asked.unit)
    day, instant = _when(session, asked)
    with session.facade.queries.read() as tx:
        rows = reads.cases(tx, session.scope, wanted, after=after, limit=asked.limit + 1)
        shown = rows[: asked.limit]
        codes = {row.id: row.household_code for row in shown}
        found = history.past_cases(tx, session.facade.engine, list(codes), day, instant)
        items = [PastCaseLine(**_line(session, past, codes[past.case.id])) for past in found]
    cursor = next_cursor(rows, asked.limit, lambda row: cursor_of(row.id))
    return listed(request, PastCaseLine, [item for item in items if session.scope.covers(item.unit)], cursor)


@router.get("/cases/{case_id}")
def past_case(session: Reading, case_id: _Id, asked: Annotated[_When, Query()]) -> PastCaseShown:
    """Show one case as it stood; 404 if it was not open then, or not known to be."""
    day, instant = _when(session, asked)
    with session.facade.queries.read() as tx:
        row = reads.case(tx, session.scope, id_of(case_id, "case"))
        if row is None:
            raise fault(NotFoundError, "found.no_case_id", case_id=case_id)
        past = history.case_as_of(tx, session.facade.engine, row.id, day, instant)
    if not session.scope.covers(past.case.unit_path):
        raise fault(NotFoundError, "found.no_case_id", case_id=case_id)
    terms = [DeadlineOut.of(each, day) for each in past.deadlines]
    line = _line(session, past, row.household_code)
    return PastCaseShown(**line, facts=dict(past.facts), deadlines=terms, events=len(past.events))


@router.get("/states", response_model=Page[StateCountOut], responses=AS_TABLE)
def past_states(request: Request, session: Reading, asked: Annotated[PastStatesQuery, Query()]) -> Response:
    """Count cases by state, and by the village in which they lay then."""
    day, instant = _when(session, asked)
    with session.facade.queries.read() as tx:
        counts = [
            count for path in _places(session, asked.unit)
            for count in history.states_as_of(tx, day, instant, unit_path=path)
        ]  # fmt: skip
    return listed(request, StateCountOut, [StateCountOut.of(count) for count in counts], None)


def _places(session: Session, unit: str | None) -> list[str]:
    """Return the subtrees to be counted: of those the caller may see, what lies in a unit."""
    if unit is not None and session.scope.covers(unit):
        return [unit]
    return sorted(path for path in session.scope.paths if unit is None or path.startswith(unit + "/"))


def _when(session: Session, asked: _When) -> tuple[date, datetime]:
    known = asked.known_at or (end_of(asked.known_on) if asked.known_on else session.now)
    return asked.as_of or session.today, known


def _line(session: Session, past: PastCase, household: str) -> dict[str, Any]:
    case = past.case
    state = session.facade.library.workflow(case.workflow).state(case.state)
    return {
        "id": str(case.id),
        "household": household,
        "unit": case.unit_path,
        "workflow": case.workflow,
        "state": case.state,
        "state_label": TextOut.of(state.label),
        "class_before": case.class_before,
        "class_after": case.class_after,
        "certificate": past.certificate,
        "as_of": past.as_of,
        "known_at": past.known_at,
    }
