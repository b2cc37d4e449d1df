"""Who a household is: split, merged, under another head, elsewhere, under another code; found, and forgotten."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from ...engine.people import HouseholdChange, HouseholdOrder
from ...foundation.errors import NotFoundError
from ...foundation.messages import fault
from ...persistence import lineage, reading_log, reads
from ...persistence.household_keys import codes_by_identity
from ..acting import IdempotencyKey
from ..asking import Acting, Code, Day, IdentityNumber, OneLine, Reading, UnitPath
from ..once import once

if TYPE_CHECKING:
    from ...persistence.database import Tx
    from ...persistence.lineage import LineageRow
    from ...persistence.rounds import HouseholdRow
    from ..desk import Session

__all__ = ["router"]

router = APIRouter(tags=["households"])
_Code = Annotated[Code, Path(description="The household's code, present or past")]
_Place = Annotated[str, Field(pattern=r"^[1-9][0-9]?$")]
_Relations = Annotated[dict[_Place, OneLine], Field(max_length=50)]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    on: Day = Field(description="The day from which it holds")
    document: OneLine = Field(description="Number of the document that orders it")


class SplitIn(_Order):
    """Members who leave (place → relation to the new head, who comes first; 1 is the present head, who stays)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"on": "2022-10-03", "document": "7/QĐ", "new_code": "18766-02-013", "members": {"2": "chủ hộ"}}
            ]
        }
    )

    new_code: Code
    members: Annotated[dict[_Place, OneLine], Field(min_length=1, max_length=50)]
    unit: UnitPath | None = Field(None, description="The new household's village; default: where it is")


class MergeIn(_Order):
    """The household of which this one becomes part, and what its members are to that one's head, by place."""

    into: Code
    relations: _Relations = Field(default_factory=dict)


class HeadIn(_Order):
    """The place of the member who becomes the head, and what the others are to the new head, by place."""

    head: int = Field(ge=2, le=50)
    relations: _Relations = Field(default_factory=dict)


class MoveIn(_Order):
    """The village to which the household goes."""

    unit: UnitPath


class AreaIn(_Order):
    """The area as which the household is registered from now on."""

    area: Literal["rural", "urban"]


class RecodeIn(_Order):
    """A commune's old and new path; the last part is its code."""

    old: UnitPath
    new: UnitPath


class MergerIn(_Order):
    """The communes that become one, the path it has from now on, and where villages go that get another place."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "on": "2022-10-03", "document": "12/NQ-HĐND", "communes": ["42/446/18766", "42/446/18769"],
                    "new": "42/446/18769", "villages": {"42/446/18766/01": "42/446/18769/11"},
                }
            ]
        }
    )  # fmt: skip

    communes: list[UnitPath] = Field(min_length=2, max_length=50)
    new: UnitPath
    villages: Annotated[dict[UnitPath, UnitPath], Field(max_length=2_000)] = Field(default_factory=dict)
    name: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{0,200}$")] = Field("", description="The new commune's name")


class ChangedOut(BaseModel):
    """The households concerned (id by code), the cases that went along, those withdrawn from their round."""

    households: dict[str, str]
    followed: list[str]
    withdrawn: list[str]

    @classmethod
    def of(cls, done: HouseholdChange) -> ChangedOut:
        """Return a change as JSON shows it."""
        return cls(
            households={code: str(household_id) for code, household_id in done.households.items()},
            followed=[str(case_id) for case_id in done.followed],
            withdrawn=[str(case_id) for case_id in done.withdrawn],
        )


class ErasureIn(BaseModel):
    """Why, and on which document; both stay on record and name nobody."""

    model_config = ConfigDict(extra="forbid")

    reason: OneLine
    document: OneLine


class ErasedOut(BaseModel):
    """What was erased: the household's people, for good. Its cases stay and say so."""

    household: str
    cases: list[str]


class LineageOut(BaseModel):
    """One thing that became of a household. Codes and units outside your mandates are null."""

    kind: Literal["split", "merged", "head", "moved", "recoded", "area"]
    on: date
    old_code: str | None
    new_code: str | None
    old_unit: str | None
    new_unit: str | None
    old_area: str | None
    new_area: str | None
    document: str
    actor: str
    on_behalf_of: str | None


class LineageShown(BaseModel):
    """A household's present code, and all that became of it, oldest first."""

    code: str
    lineage: list[LineageOut]


class FindIn(BaseModel):
    """An identity number to look for, and why."""

    model_config = ConfigDict(extra="forbid")

    identity: IdentityNumber
    purpose: OneLine


class FoundOut(BaseModel):
    """Codes of households."""

    households: list[str]


@router.post("/v1/households/{code}/split", status_code=201)
def split(session: Acting, code: _Code, asked: SplitIn, key: IdempotencyKey = None) -> ChangedOut:
    """Let members found a household of their own (tách hộ)."""
    members = {int(place): relation for place, relation in asked.members.items()}

    def do(tx: Tx) -> ChangedOut:
        _require_seen(tx, session, code)
        if asked.unit is not None:
            _require_village(tx, session, asked.unit)
        order = _order(session, asked)
        return ChangedOut.of(session.desk.registry.split(tx, order, code, asked.new_code, members, asked.unit))

    return once(session, key, f"split.{code}:{','.join(asked.members)}", asked, ChangedOut, do)


@router.post("/v1/households/{code}/merge", status_code=201)
def merge(session: Acting, code: _Code, asked: MergeIn, key: IdempotencyKey = None) -> ChangedOut:
    """Let the household become part of another (nhập hộ); its running case is withdrawn."""
    relations = {int(place): relation for place, relation in asked.relations.items()}

    def do(tx: Tx) -> ChangedOut:
        for each in (code, asked.into):
            _require_seen(tx, session, each)
        return ChangedOut.of(session.desk.registry.merge(tx, _order(session, asked), code, asked.into, relations))

    return once(session, key, f"merge.{code}", asked, ChangedOut, do)


@router.post("/v1/households/{code}/head", status_code=201)
def change_head(session: Acting, code: _Code, asked: HeadIn, key: IdempotencyKey = None) -> ChangedOut:
    """Let another member be the household's head (đổi chủ hộ)."""
    relations = {int(place): relation for place, relation in asked.relations.items()}

    def do(tx: Tx) -> ChangedOut:
        _require_seen(tx, session, code)
        return ChangedOut.of(session.desk.registry.change_head(tx, _order(session, asked), code, asked.head, relations))

    return once(session, key, f"head.{code}", asked, ChangedOut, do)


@router.post("/v1/households/{code}/move", status_code=201)
def move(session: Acting, code: _Code, asked: MoveIn, key: IdempotencyKey = None) -> ChangedOut:
    """Let the household go to another village; beyond its commune its running case is withdrawn."""

    def do(tx: Tx) -> ChangedOut:
        _require_seen(tx, session, code)
        _require_village(tx, session, asked.unit, anywhere=True)
        return ChangedOut.of(session.desk.registry.move(tx, _order(session, asked), code, asked.unit))

    return once(session, key, f"move.{code}", asked, ChangedOut, do)


@router.post("/v1/households/{code}/area", status_code=201)
def change_area(session: Acting, code: _Code, asked: AreaIn, key: IdempotencyKey = None) -> ChangedOut:
    """Register the household's area anew; running cases are told, and keep the one they were opened with."""

    def do(tx: Tx) -> ChangedOut:
        _require_seen(tx, session, code)
        return ChangedOut.of(session.desk.registry.change_area(tx, _order(session, asked), code, asked.area))

    return once(session, key, f"area.{code}", asked, ChangedOut, do)


@router.post("/v1/households/{code}/erasure", status_code=201)
def erase(session: Acting, code: _Code, asked: ErasureIn, key: IdempotencyKey = None) -> ErasedOut:
    """Destroy the key to the household's personal data, for good; its cases and their chains stay and verify."""

    def do(tx: Tx) -> ErasedOut:
        row = _require_seen(tx, session, code)
        session.principal.require_role(session.desk.settings.erasing_roles, row.unit_path, session.today)
        done = session.desk.registry.erase(
            tx, row.code, reason=asked.reason, document=asked.document, actor=session.principal.key,
            on_behalf_of=session.on_behalf_of,
        )  # fmt: skip
        return ErasedOut(household=str(done.household_id), cases=[str(case_id) for case_id in done.case_ids])

    return once(session, key, f"erasure.{code}", asked, ErasedOut, do)


@router.get("/v1/households/{code}/lineage")
def lineage_of(session: Reading, code: _Code) -> LineageShown:
    """Tell what became of a household, by its present code or any it had."""
    with session.facade.queries.read() as tx:
        row = _require_seen(tx, session, code)
        rows = lineage.lineage_of(tx, row.id)
    return LineageShown(code=row.code, lineage=[_line(session, each) for each in rows])


@router.post("/v1/households/find")
def find(session: Reading, asked: FindIn) -> FoundOut:
    """Find the households of one's units whose head has an identity number; each hit is noted as a look."""
    number = session.facade.vault.identity_index(asked.identity)
    with session.writing() as tx:
        rows = [reads.household(tx, session.scope, code) for code in codes_by_identity(tx, number)]
        shown = [row for row in rows if row is not None and session.scope.shows_persons(row.unit_path)]
        ids = session.facade.ids.take(len(shown))
        who = session.principal.key, session.on_behalf_of
        looks = [
            reading_log.PersonalRead(new_id, session.now, *who, row.id, row.unit_path, asked.purpose)
            for new_id, row in zip(ids, shown, strict=True)
        ]
        reading_log.note(tx, looks)
    return FoundOut(households=sorted(row.code for row in shown))


@router.post("/v1/communes/recode", status_code=201, tags=["units"])
def recode(session: Acting, asked: RecodeIn, key: IdempotencyKey = None) -> ChangedOut:
    """Give a commune its new code, with its units, rounds, households and running cases; old codes stay known."""

    def do(tx: Tx) -> ChangedOut:
        if reads.unit(tx, session.scope, asked.old) is None or not session.scope.covers(asked.old):
            raise fault(NotFoundError, "found.no_such_unit", path=asked.old)
        return ChangedOut.of(session.desk.registry.recode(tx, _order(session, asked), asked.old, asked.new))

    return once(session, key, "recode", asked, ChangedOut, do)


@router.post("/v1/communes/merge", status_code=201, tags=["units"])
def merge_communes(session: Acting, asked: MergerIn, key: IdempotencyKey = None) -> ChangedOut:
    """Let communes become one (nhập xã): households keep their identity and cases; mixed-up villages are refused."""

    def do(tx: Tx) -> ChangedOut:
        for path in asked.communes:
            if reads.unit(tx, session.scope, path) is None or not session.scope.covers(path):
                raise fault(NotFoundError, "found.no_such_unit", path=path)
        order, registry = _order(session, asked), session.desk.registry
        done = registry.merge_communes(tx, order, asked.communes, asked.new, villages=asked.villages, name=asked.name)
        return ChangedOut.of(done)

    return once(session, key, "merge-communes", asked, ChangedOut, do)


def _order(session: Session, asked: _Order) -> HouseholdOrder:
    return HouseholdOrder(session.actor, asked.on, asked.document)


def _require_seen(tx: Tx, session: Session, code: str) -> HouseholdRow:
    """Return the household that a code stands for today; there is none outside one's mandates."""
    found = lineage.resolve(tx, code)
    if not session.scope.covers(found.unit_path):
        raise fault(NotFoundError, "found.no_household", code=code)
    return found


def _require_village(tx: Tx, session: Session, path: str, *, anywhere: bool = False) -> None:
    """Refuse a village outside one's units; a household may be sent away to any that exists (`anywhere`)."""
    unit = tx.tables.unit
    found = tx.select(select(unit.c.path).where(unit.c.path == path, unit.c.level == "village"))
    if not found or not (anywhere or session.scope.covers(path)):
        raise fault(NotFoundError, "found.no_such_village", path=path)


def _line(session: Session, row: LineageRow) -> LineageOut:
    before, after = session.scope.covers(row.old_path), session.scope.covers(row.new_path)
    return LineageOut.model_validate(
        {
            "kind": row.kind,
            "on": row.on_day,
            "old_code": row.old_code if before else None,
            "new_code": row.new_code if after else None,
            "old_unit": row.old_path if before else None,
            "new_unit": row.new_path if after else None,
            "old_area": row.old_area if before else None,
            "new_area": row.new_area if after else None,
            "document": row.document,
            "actor": row.actor,
            "on_behalf_of": row.on_behalf_of,
        }
    )
