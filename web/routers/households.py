"""Households: listed, shown, registered one list at a time, uploaded as the file the commune keeps."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, File, Form, Path, Query, Request, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field

from ...engine import people
from ...engine.people import Duplicate, Household, Person, require_as_registered
from ...foundation.errors import NotFoundError
from ...foundation.messages import fault, text
from ...foundation.paths import parent
from ...persistence import reading_log, reads
from ...persistence.database import Tx
from ...persistence.rounds import RoundRow, UnitRow, households_by_code, units
from ..asking import Acting, Born, Code, IdentityNumber, OneLine, Paging, Reading, UnitPath, cursor_of, position_in
from ..desk import Session
from ..offering import AS_TABLE, Page, listed, next_cursor
from ..ports import ListedHousehold, ListRead, RowFault
from ..problems import ProblemError, TextOut
from ..revealing import HouseholdOut, households_for, look
from ..unpacking import require_bounded

__all__ = ["router"]

router = APIRouter(prefix="/v1/households", tags=["households"])
_Class = Literal["poor", "near_poor", "none"]
_Area = Literal["rural", "urban"]
_Code = Annotated[Code, Path(description="The household's code")]
_SHOW = "Show members, to a role that may see them; `purpose` must say why"
_MOST_FAULTS = 1_000
_WHY = "Why names are looked at; it is noted with the look"


class _Look(BaseModel):
    model_config = ConfigDict(extra="forbid")

    personal: bool = Field(default=False, description=_SHOW)
    purpose: OneLine | None = Field(None, description=_WHY)


class HouseholdQuery(Paging, _Look):
    """What a list of households is narrowed to."""

    unit: UnitPath | None = None
    class_now: _Class | None = None


class PersonIn(BaseModel):
    """A member: birth as exact as it is known (2001-05-17, 2001-05 or 2001)."""

    model_config = ConfigDict(extra="forbid")

    name: OneLine
    relation: OneLine
    born: Born
    sex: Literal["male", "female"]
    identity: IdentityNumber | None = None


class HouseholdIn(BaseModel):
    """A household to be registered in a village, its head first."""

    model_config = ConfigDict(extra="forbid")

    code: Code
    unit: UnitPath
    area: _Area
    class_now: _Class = "none"
    members: list[PersonIn] = Field(min_length=1, max_length=50)


class DoubleOut(BaseModel):
    """What looks like a household registered before. `other_code` is null if that one lies outside your mandates."""

    code: str
    other_code: str | None
    by: str


class DifferenceOut(BaseModel):
    """Where the list differs from the register, which stays as it is; what is personal is named and not shown."""

    code: str
    column: str
    member: int | None
    kept: str | None
    given: str | None


class Registered(BaseModel):
    """What a registration did. `refused`: same identity number, not written; `flagged`: same name, birth, commune."""

    households: int
    new: int
    refused: list[DoubleOut]
    flagged: list[DoubleOut]
    differing: list[DifferenceOut]


class Uploaded(Registered):
    """What an upload did; `cases` counts those opened, if a round was named, `errors` the rows left out."""

    cases: int | None
    errors: list[dict[str, Any]]
    errors_left_out: int = Field(description="Faulty rows beyond those listed")


class PersonalReadOut(BaseModel):
    """One look at a household's personal data."""

    read_at: datetime
    actor: str
    on_behalf_of: str | None
    purpose: str


@dataclass(frozen=True, slots=True)
class _Upload:
    """A list as it came in, and what the list itself does not say."""

    file: UploadFile
    area: str | None
    partial: bool
    round: str | None
    unit: str | None
    keep_registered: bool


def _upload_of(
    *,
    file: Annotated[UploadFile, File(description="The list: .xlsx or .csv")],
    area: Annotated[_Area | None, Form(description="For a list that does not say")] = None,
    partial: Annotated[bool, Form(description="Register the sound rows; without it one faulty row stops all")] = False,
    opened_in: Annotated[
        Code | None, Form(alias="round", description="Put the households forward in this round too")
    ] = None,
    unit: Annotated[UnitPath | None, Form(description="The commune whose list it is; default: the round's")] = None,
    keep_registered: Annotated[
        bool, Form(description="Open cases with what is registered, where the list says another village, area or class")
    ] = False,
) -> _Upload:
    return _Upload(file, area, partial, opened_in, unit, keep_registered)


@router.get("", response_model=Page[HouseholdOut], responses=AS_TABLE)
def households(request: Request, session: Reading, asked: Annotated[HouseholdQuery, Query()]) -> Response:
    """List households of one's units, by identifier; members stay sealed unless asked for with a purpose."""
    (after,) = position_in(asked.cursor, int) or (0,)
    rows, shown = look(
        session,
        lambda tx: reads.households(
            tx, session.scope, unit_path=asked.unit, class_now=asked.class_now, after=after, limit=asked.limit + 1
        ),
        personal=asked.personal,
        purpose=asked.purpose,
    )
    cursor = next_cursor(rows, asked.limit, lambda row: cursor_of(row.id))
    return listed(request, HouseholdOut, households_for(session, rows[: asked.limit], shown), cursor)


@router.get("/{code}")
def household(session: Reading, code: _Code, asked: Annotated[_Look, Query()]) -> HouseholdOut:
    """Show one household; its members only with a purpose, and to a role that may see them."""
    rows, shown = look(
        session,
        lambda tx: [row for row in [reads.household(tx, session.scope, code)] if row is not None],
        personal=asked.personal,
        purpose=asked.purpose,
    )
    if not rows:
        raise _unknown(code)
    return households_for(session, rows, shown)[0]


@router.get("/{code}/looks", response_model=Page[PersonalReadOut], responses=AS_TABLE)
def looks(request: Request, session: Reading, code: _Code, asked: Annotated[Paging, Query()]) -> Response:
    """List who looked at the household's personal data, when and why."""
    (after,) = position_in(asked.cursor, int) or (0,)
    with session.facade.queries.read() as tx:
        row = reads.household(tx, session.scope, code)
        if row is None:
            raise _unknown(code)
        found = reading_log.noted(tx, session.scope, household_id=row.id, after=after, limit=asked.limit + 1)
    cursor = next_cursor(found, asked.limit, lambda each: cursor_of(each.id))
    items = [
        PersonalReadOut(read_at=each.read_at, actor=each.actor, on_behalf_of=each.on_behalf_of, purpose=each.purpose)
        for each in found[: asked.limit]
    ]
    return listed(request, PersonalReadOut, items, cursor)


@router.post("", status_code=201)
def register(session: Acting, given: Annotated[list[HouseholdIn], Body(min_length=1, max_length=5_000)]) -> Registered:
    """Register households; a known code stays as it is."""
    wanted = [_given(each) for each in given]
    _require_villages(session, {each.unit_path for each in wanted})
    elsewhere = _elsewhere(session, wanted)
    if faults := [_strange(each.code, None, n) for n, each in enumerate(wanted, 1) if each.code in elsewhere]:
        raise _rows_refused(faults)
    return Registered(**_told(session, wanted, session.facade.register_households(wanted)))


@router.post("/upload", status_code=201)
def upload(session: Acting, form: Annotated[_Upload, Depends(_upload_of)]) -> Uploaded:
    """Register a household list from its file; faulty rows are answered with place, value and what was expected."""
    opened_in = None if form.round is None else _round(session, form.round)
    if opened_in is not None:
        session.require_registrar(opened_in.unit_path)
    read = _read(session, form, form.unit or (opened_in and opened_in.unit_path))
    _require_villages(session, {each.household.unit_path for each in read.households})
    found = _of_their_communes(session, read, opened_in)
    if found.faults and not (form.partial and found.households):
        raise _rows_refused(found.faults)
    wanted = [each.household for each in found.households]
    with session.facade.transaction() as tx:
        done = session.facade.register_households(wanted, connection=tx.connection)
        if opened_in is not None and not form.keep_registered:
            require_as_registered(done)
        cases = None if opened_in is None else _put_forward(session, tx, opened_in, found.households, done)
    shown = [_fault_out(fault) for fault in found.faults[:_MOST_FAULTS]]
    left_out = len(found.faults) - len(shown)
    return Uploaded(**_told(session, wanted, done), cases=cases, errors=shown, errors_left_out=left_out)


def _read(session: Session, form: _Upload, commune: str | None) -> ListRead:
    with session.facade.database.read() as tx:
        seen = [unit for unit in units(tx) if _stands(session, unit) and session.scope.covers(unit.path)]
    suffix = FilePath(form.file.filename or "").suffix.lower()
    with tempfile.TemporaryDirectory() as folder:
        # The reader goes by the suffix; the client's own file name never becomes a path.
        file = FilePath(folder, f"list{suffix if suffix in {'.xlsx', '.csv'} else '.unknown'}")
        with file.open("wb") as copy:
            shutil.copyfileobj(form.file.file, copy)
        require_bounded(file, session.desk.settings)
        return session.desk.registry.read(file, seen, form.area, commune)


def _told(session: Session, wanted: Sequence[Household], done: people.Registered) -> dict[str, Any]:
    """Return what a registration did, once it is committed."""
    return {
        "households": len(wanted),
        "new": done.new,
        "refused": _doubles(session, done.refused),
        "flagged": _doubles(session, done.flagged),
        "differing": [DifferenceOut(**asdict(each)) for each in done.differing],
    }


def _require_villages(session: Session, paths: set[str]) -> None:
    with session.facade.database.read() as tx:
        known = {unit.path for unit in units(tx) if _stands(session, unit)}
    for path in sorted(paths):
        if path not in known or not session.scope.covers(path):
            raise fault(NotFoundError, "found.no_such_village", path=path)
        session.require_registrar(path)


def _stands(session: Session, unit: UnitRow) -> bool:
    """Whether a unit is a village today: one that was merged or recoded away takes in nobody."""
    begun = unit.valid_from <= session.today
    return unit.level == "village" and begun and (unit.valid_to is None or session.today <= unit.valid_to)


def _of_their_communes(session: Session, read: ListRead, opened_in: RoundRow | None) -> ListRead:
    """Leave out rows whose code is another commune's household, or whose village is not of the round's commune."""
    elsewhere = _elsewhere(session, [each.household for each in read.households])
    sound, faults = [], list(read.faults)
    for each in read.households:
        place = each.household.unit_path
        if each.household.code in elsewhere or (opened_in and not place.startswith(opened_in.unit_path + "/")):
            faults.append(_strange(each.household.code, each.sheet, each.row))
        else:
            sound.append(each)
    return ListRead(tuple(sound), tuple(faults))


def _elsewhere(session: Session, wanted: Sequence[Household]) -> set[str]:
    """Return the codes that are households of another commune than the one in which they are given."""
    with session.facade.database.read() as tx:
        known = households_by_code(tx, [each.code for each in wanted])
    return {
        each.code for each in wanted
        if each.code in known and parent(known[each.code].unit_path) != parent(each.unit_path)
    }  # fmt: skip


def _strange(code: str, sheet: str | None, row: int) -> RowFault:
    return RowFault(sheet, row, None, code, "web.household_elsewhere", text("web.household_elsewhere"))


def _rows_refused(faults: Sequence[RowFault]) -> ProblemError:
    shown = [_fault_out(fault) for fault in faults[:_MOST_FAULTS]]
    return ProblemError(422, "web.rows_refused", errors=shown, errors_left_out=len(faults) - len(shown))


def _doubles(session: Session, found: Sequence[Duplicate]) -> list[DoubleOut]:
    with session.facade.database.read() as tx:
        seen = {d.other_code for d in found if reads.household(tx, session.scope, d.other_code) is not None}
    return [DoubleOut(code=d.code, other_code=d.other_code if d.other_code in seen else None, by=d.by) for d in found]


def _round(session: Session, code: str) -> RoundRow:
    with session.facade.database.read() as tx:
        opened_in = reads.round_seen(tx, session.scope, code)
    if opened_in is None:
        raise fault(NotFoundError, "found.no_round", code=code)
    return opened_in


def _put_forward(
    session: Session, tx: Tx, opened_in: RoundRow, wanted: Sequence[ListedHousehold], done: people.Registered
) -> int:
    out = {double.code for double in done.refused}
    asks_origin = "origin" in session.facade.library.workflow(opened_in.workflow).opens_with
    facts: Mapping[str, Mapping[str, Any]] = {
        each.household.code: {"origin": each.origin} if asks_origin else {}
        for each in wanted
        if each.household.code not in out
    }
    day, actor = opened_in.started_on, session.principal.key
    return session.facade.put_forward(opened_in.code, facts, day, actor=actor, connection=tx.connection).new


def _given(given: HouseholdIn) -> Household:
    members = tuple(Person(**member.model_dump()) for member in given.members)
    return Household(given.code, given.unit, members, given.area, given.class_now)


def _fault_out(fault: RowFault) -> dict[str, Any]:
    return {
        "sheet": fault.sheet,
        "row": fault.row,
        "column": fault.column,
        "value": fault.value,
        "code": fault.code,
        "expected": TextOut.of(fault.expected).model_dump(),
    }


def _unknown(code: str) -> NotFoundError:
    return NotFoundError(f"no household {code!r}")
