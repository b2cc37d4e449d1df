"""Decisions about running terms: stopped, run on, lengthened, put on another day, ended, recorded as met."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ...engine import ledger
from ...foundation.errors import NotFoundError
from ...foundation.messages import fault
from ...persistence.ledger import deadlines_by_id
from ..acting import IdempotencyKey
from ..asking import Acting, Day, IdText, OneLine, id_of
from ..once import once
from ..problems import refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...persistence.database import Tx
    from ..desk import Session

__all__ = ["router"]

router = APIRouter(prefix="/v1/rulings", tags=["deadlines"])
_SAMPLE = 5
_Reason = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{0,32}$")]


class RulingIn(BaseModel):
    """A decision: which deadlines, from which day, on which document. `reason` is a short word, never a name."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"deadlines": ["912183339304593162"], "on": "2022-10-25", "document": "15/QĐ-UBND", "reason": "storm"}
            ]
        },
    )

    deadlines: list[IdText] = Field(min_length=1, max_length=1_000)
    on: Day = Field(description="The day from which it holds")
    document: OneLine = Field(description="Number of the deciding document")
    reason: _Reason = ""


class ExtensionIn(RulingIn):
    """A decision that lengthens terms by `by` of their own unit."""

    by: int = Field(ge=1, le=1_000)


class NewDayIn(RulingIn):
    """A decision that puts another day in the place of fixed dates."""

    due_on: Day


class DeadlineChange(BaseModel):
    """What a decision did to one deadline."""

    deadline: str
    kind: str
    old_due_on: date
    new_due_on: date
    status: str


class RulingOut(BaseModel):
    """Every change; a refusal is a problem, and then nothing was changed."""

    changed: list[DeadlineChange]

    @classmethod
    def of(cls, ruling: ledger.Ruling) -> RulingOut:
        """Return a ruling as JSON shows it; its refusals are raised."""
        if not ruling.ok:
            problem = refused(ruling.refused)
            problem.more["deadlines"] = {str(each.fields["deadline"]): each.code for each in ruling.refused}
            raise problem
        return cls(
            changed=[
                DeadlineChange(
                    deadline=str(change.deadline_id),
                    kind=change.kind,
                    old_due_on=change.old_due_on,
                    new_due_on=change.new_due_on,
                    status=change.status,
                )
                for change in ruling.changed
            ]
        )


@router.post("/suspend", status_code=201)
def suspend(session: Acting, asked: RulingIn, key: IdempotencyKey = None) -> RulingOut:
    """Stop terms (force majeure): from the day given on nothing is counted."""
    return _ruled(session, key, "suspend", asked, lambda tx, order: ledger.suspend(tx, session.facade.engine, order))


@router.post("/resume", status_code=201)
def resume(session: Acting, asked: RulingIn, key: IdempotencyKey = None) -> RulingOut:
    """Let suspended terms run on with the day given, the first that counts again."""
    return _ruled(session, key, "resume", asked, lambda tx, order: ledger.resume(tx, session.facade.engine, order))


@router.post("/extend", status_code=201)
def extend(session: Acting, asked: ExtensionIn, key: IdempotencyKey = None) -> RulingOut:
    """Lengthen terms, where their rule lets that role do it."""
    engine = session.facade.engine
    return _ruled(session, key, "extend", asked, lambda tx, order: ledger.extend(tx, engine, order, asked.by))


@router.post("/supersede", status_code=201)
def supersede(session: Acting, asked: NewDayIn, key: IdempotencyKey = None) -> RulingOut:
    """Put another day in the place of fixed dates, because what set them was changed."""
    engine = session.facade.engine
    return _ruled(session, key, "supersede", asked, lambda tx, order: ledger.supersede(tx, engine, order, asked.due_on))


@router.post("/cancel", status_code=201)
def cancel(session: Acting, asked: RulingIn, key: IdempotencyKey = None) -> RulingOut:
    """End deadlines that should not run; their cases go on."""
    return _ruled(session, key, "cancel", asked, lambda tx, order: ledger.cancel(tx, session.facade.engine, order))


@router.post("/met", status_code=201)
def met(session: Acting, asked: RulingIn, key: IdempotencyKey = None) -> RulingOut:
    """Record that fixed dates of a round were met on the day given."""
    return _ruled(session, key, "met", asked, lambda tx, order: ledger.fulfil(tx, session.facade.engine, order))


def _ruled(
    session: Session,
    key: str | None,
    what: str,
    asked: RulingIn,
    rule: Callable[[Tx, ledger.Order], ledger.Ruling],
) -> RulingOut:
    ids = tuple(dict.fromkeys(id_of(each, "deadline") for each in asked.deadlines))
    order = ledger.Order(ids, asked.on, session.actor, asked.document, asked.reason)

    def do(tx: Tx) -> RulingOut:
        _require_seen(tx, session, ids)
        return RulingOut.of(rule(tx, order))

    return once(session, key, f"ruling.{what}", asked, RulingOut, do)


def _require_seen(tx: Tx, session: Session, ids: tuple[int, ...]) -> None:
    seen = {row.id for row in deadlines_by_id(tx, ids) if session.scope.covers(row.unit_path)}
    missing = [str(each) for each in ids if each not in seen]
    if missing:
        raise fault(
            NotFoundError,
            "found.no_deadlines_of",
            deadlines=", ".join(missing[:_SAMPLE]),
            lacking=len(missing),
            count=len(ids),
        )
