"""Administrative units, and who one is."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Body, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ...foundation.errors import NotFoundError, PermissionDeniedError
from ...foundation.messages import fault
from ...foundation.paths import parent
from ...persistence import reads
from ...persistence.rounds import units as all_units
from ..asking import Administering, Day, OneLine, Paging, Reading, UnitPath, cursor_of, position_in
from ..offering import AS_TABLE, Page, listed, next_cursor
from ..representations import UnitOut

if TYPE_CHECKING:
    from ..desk import Session

__all__ = ["router"]

router = APIRouter(tags=["units"])
_SAMPLE = 5
_Level = Annotated[str, Field(pattern="^(province|district|commune|village)$")]


class MandateOut(BaseModel):
    """A role held in a unit."""

    role: str
    unit: str
    valid_from: date | None
    valid_to: date | None


class MeOut(BaseModel):
    """Who calls, as the credentials say; what may be seen today."""

    key: str
    scopes: list[str]
    mandates: list[MandateOut]
    acts_for: list[str]
    sees: list[str]
    sees_persons: list[str]


class UnitIn(BaseModel):
    """A unit to be registered; `parent` is the code of the unit above, null for a province."""

    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, Field(pattern=r"^[0-9A-Za-z.-]{1,24}$")]
    name: OneLine
    level: _Level
    parent: Annotated[str, Field(pattern=r"^[0-9A-Za-z.-]{1,24}$")] | None = None
    valid_from: Day = date(1900, 1, 1)
    valid_to: Day | None = None


class UnitsRegistered(BaseModel):
    """How many units were given, and how many of them were new."""

    units: int
    new: int


class UnitQuery(Paging):
    """What a list of units is narrowed to."""

    under: UnitPath | None = None
    level: _Level | None = None
    on: Day | None = Field(None, description="Only units valid on this day")


@router.get("/v1/me")
def me(session: Reading) -> MeOut:
    """Say who the credentials make of the caller."""
    who, scope = session.principal, session.scope
    return MeOut(
        key=who.key,
        scopes=sorted(who.scopes),
        mandates=[
            MandateOut(role=m.role, unit=m.unit_path, valid_from=m.valid_from, valid_to=m.valid_to)
            for m in who.mandates
        ],
        acts_for=sorted(who.acts_for),
        sees=list(scope.paths),
        sees_persons=list(scope.personal),
    )


@router.get("/v1/units", response_model=Page[UnitOut], responses=AS_TABLE)
def units(request: Request, session: Reading, asked: Annotated[UnitQuery, Query()]) -> Response:
    """List the units of one's mandates, and those above them, by path."""
    (after,) = position_in(asked.cursor, str) or ("",)
    with session.facade.queries.read() as tx:
        rows = reads.units(
            tx,
            session.scope,
            under=asked.under,
            level=asked.level,
            on=asked.on,
            after=after,
            limit=asked.limit + 1,
        )
    cursor = next_cursor(rows, asked.limit, lambda row: cursor_of(row.path))
    return listed(request, UnitOut, [UnitOut.of(row) for row in rows[: asked.limit]], cursor)


@router.get("/v1/units/{path:path}")
def unit(session: Reading, path: Annotated[UnitPath, Path()]) -> UnitOut:
    """Show one unit."""
    with session.facade.queries.read() as tx:
        found = reads.unit(tx, session.scope, path)
    if found is None:
        raise fault(NotFoundError, "found.no_such_unit", path=path)
    return UnitOut.of(found)


@router.post("/v1/units", status_code=201)
def register(
    session: Administering, units: Annotated[list[UnitIn], Body(min_length=1, max_length=20_000)]
) -> UnitsRegistered:
    """Register administrative units, parents and children in one list; known paths stay as they are.

    A new unit lies below one of your mandates; a province, which lies below nothing, is one of them.
    """
    with session.writing() as tx:
        known = {row.path for row in all_units(tx)}
        new = session.facade.register_units([given.model_dump() for given in units], connection=tx.connection)
        _require_own(session, {row.path for row in all_units(tx)} - known)
    return UnitsRegistered(units=len(units), new=new)


def _require_own(session: Session, new: set[str]) -> None:
    strange = sorted(path for path in new if not session.scope.covers(parent(path) or path))
    if strange:
        raise fault(PermissionDeniedError, "mandate.units", count=len(strange), units=", ".join(strange[:_SAMPLE]))
