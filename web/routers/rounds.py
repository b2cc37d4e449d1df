"""Rounds: a commune's review season, who is in it, who was left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ...engine.queries import states_by_unit
from ...foundation.errors import InputError, NotFoundError
from ...foundation.messages import fault
from ...persistence import reads
from ...persistence.rounds import households_by_code, round_by_code
from ..asking import Acting, Code, Day, Key, Paging, Reading, UnitPath, WorkflowId, cursor_of, position_in
from ..offering import AS_TABLE, Page, listed, next_cursor
from ..planned import plan_for
from ..representations import RoundOut, StateCountOut

if TYPE_CHECKING:
    from ...persistence.database import Tx
    from ...persistence.rounds import RoundRow
    from ..desk import Session

__all__ = ["router"]

router = APIRouter(prefix="/v1/rounds", tags=["rounds"])
_RoundCode = Annotated[Code, Path(description="The round's code")]


class RoundQuery(Paging):
    """What a list of rounds is narrowed to."""

    unit: UnitPath | None = None
    workflow: WorkflowId | None = None


class RoundIn(BaseModel):
    """A round to be opened, under the regime in force on `started_on`."""

    model_config = ConfigDict(extra="forbid")

    code: Code
    procedure: Key
    unit: UnitPath
    started_on: Day
    ends_on: Day | None = Field(None, description="The season's last day; default: what the regime says")
    plan: Code | None = Field(None, description="A campaign plan of the round's province (and district) and year")


class PutForwardIn(BaseModel):
    """Households put forward: code → facts that the procedure asks for at the opening (``origin`` …)."""

    model_config = ConfigDict(extra="forbid")

    households: dict[Code, dict[Key, str | bool | int]] = Field(min_length=1, max_length=10_000)
    opened_on: Day


class PutForwardOut(BaseModel):
    """Case ids by household code; `new` counts those opened by this call."""

    cases: dict[str, str]
    new: int


class LeftOut(BaseModel):
    """A managed household that the round does not hold."""

    household: str


@router.get("", response_model=Page[RoundOut], responses=AS_TABLE)
def rounds(request: Request, session: Reading, asked: Annotated[RoundQuery, Query()]) -> Response:
    """List rounds of one's units, by identifier."""
    (after,) = position_in(asked.cursor, int) or (0,)
    with session.facade.queries.read() as tx:
        rows = reads.rounds(
            tx, session.scope, unit_path=asked.unit, workflow=asked.workflow, after=after, limit=asked.limit + 1
        )
    cursor = next_cursor(rows, asked.limit, lambda row: cursor_of(row.id))
    return listed(request, RoundOut, [RoundOut.of(row) for row in rows[: asked.limit]], cursor)


@router.post("", status_code=201)
def open_round(session: Acting, asked: RoundIn) -> RoundOut:
    """Open a round; the same round asked for again comes back as it is."""
    session.require_registrar(asked.unit)
    with session.facade.database.read() as tx:
        known = round_by_code(tx, asked.code)
    if known is not None and known.unit_path != asked.unit:
        raise fault(InputError, "rounds.code_taken", code=asked.code)
    if asked.plan is not None:
        plan_for(session, asked.plan, asked.code, asked.unit, asked.started_on)
    ends_on = asked.ends_on or session.facade.season_end(asked.procedure, asked.started_on)
    opened = session.facade.open_round(
        asked.code, asked.procedure, asked.unit, asked.started_on, ends_on=ends_on, plan=asked.plan
    )
    return RoundOut.of(opened)


@router.get("/{code}")
def show(session: Reading, code: _RoundCode) -> RoundOut:
    """Show one round."""
    with session.facade.queries.read() as tx:
        return RoundOut.of(_seen(tx, session, code))


@router.post("/{code}/cases", status_code=201)
def put_forward(session: Acting, code: _RoundCode, asked: PutForwardIn) -> PutForwardOut:
    """Open a case for each household; one that has a case in the round keeps it."""
    with session.facade.database.read() as tx:
        opened_in = _seen(tx, session, code)
        _require_seen(tx, session, list(asked.households))
    session.require_registrar(opened_in.unit_path)
    opened = session.facade.put_forward(code, asked.households, asked.opened_on, actor=session.principal.key)
    asked_for = {household: str(opened.case_ids[household]) for household in asked.households}
    return PutForwardOut(cases=asked_for, new=opened.new)


@router.get("/{code}/states")
def states(session: Reading, code: _RoundCode) -> list[StateCountOut]:
    """Count the round's cases by village and state."""
    with session.facade.queries.read() as tx:
        opened_in = _seen(tx, session, code)
        return [StateCountOut.of(n) for n in states_by_unit(tx, round_id=opened_in.id, scope=session.scope)]


@router.get("/{code}/left-out", response_model=Page[LeftOut], responses=AS_TABLE)
def left_out(request: Request, session: Reading, code: _RoundCode, asked: Annotated[Paging, Query()]) -> Response:
    """List managed households that the round does not hold ("không bỏ sót"), by code."""
    (after,) = position_in(asked.cursor, str) or ("",)
    with session.facade.queries.read() as tx:
        found = reads.left_out(tx, session.scope, _seen(tx, session, code), after=after, limit=asked.limit + 1)
    cursor = next_cursor(found, asked.limit, cursor_of)
    return listed(request, LeftOut, [LeftOut(household=each) for each in found[: asked.limit]], cursor)


def _seen(tx: Tx, session: Session, code: str) -> RoundRow:
    found = reads.round_seen(tx, session.scope, code)
    if found is None:
        raise fault(NotFoundError, "found.no_round", code=code)
    return found


def _require_seen(tx: Tx, session: Session, codes: list[str]) -> None:
    """Each household is in scope: of others it is not even said that they are there."""
    found = households_by_code(tx, codes)
    missing = [c for c in codes if c not in found or not session.scope.covers(found[c].unit_path)]
    if missing:
        raise fault(NotFoundError, "rounds.unregistered", count=len(missing), households=", ".join(missing[:5]))
