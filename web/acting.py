"""Acts over HTTP: the request checked against the caller's mandates, fired, and answered case by case."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Header
from pydantic import BaseModel, ConfigDict, Field

from ..engine.values import ActRequest, Mode
from ..foundation.errors import InputError, NotFoundError
from ..persistence import reads
from ..persistence.cases import lock
from .asking import IdText, Key, OneLine, id_of
from .once import key_of
from .problems import ProblemError, RefusalOut, refused

if TYPE_CHECKING:
    from ..engine.service import Outcome
    from .desk import Session

__all__ = ["ActIn", "BatchIn", "IdempotencyKey", "MovedOut", "OutcomeOut", "fire"]

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,100}$",
        description="The same key with the same body is done once and answered alike; keys are each caller's own.",
    ),
]
_Form = dict[str, Any]
_SAMPLE = 5


class ActIn(BaseModel):
    """An act over one case: `body` is the act's form, `row` this household's own part of it."""

    model_config = ConfigDict(extra="forbid")

    trigger: Key
    occurred_on: date = Field(description="The day it took legal effect")
    body: _Form = Field(default_factory=dict)
    row: _Form = Field(default_factory=dict)
    document: OneLine | None = Field(None, description="Number of the signed document")


class BatchIn(BaseModel):
    """One act over many cases: all of them or none, or each that can (`mode`). `rows` is keyed by case."""

    model_config = ConfigDict(extra="forbid")

    trigger: Key
    occurred_on: date = Field(description="The day it took legal effect")
    cases: list[IdText] = Field(min_length=1)
    body: _Form = Field(default_factory=dict)
    rows: dict[IdText, _Form] = Field(default_factory=dict)
    document: OneLine | None = Field(None, description="Number of the signed document")
    mode: Mode = Mode.ALL


class MovedOut(BaseModel):
    """A case after its step."""

    case: str
    from_state: str
    to_state: str


class OutcomeOut(BaseModel):
    """What an act did: `act` is null if it moved nothing; every case is accepted or refused."""

    act: str | None
    accepted: list[MovedOut]
    refused: list[RefusalOut]

    @classmethod
    def of(cls, outcome: Outcome) -> OutcomeOut:
        """Return an outcome as JSON shows it."""
        return cls(
            act=None if outcome.act_id is None else str(outcome.act_id),
            accepted=[
                MovedOut(case=str(m.case_id), from_state=m.from_state, to_state=m.to_state) for m in outcome.accepted
            ],
            refused=RefusalOut.grouped(outcome.refused),
        )


def fire(session: Session, asked: BatchIn, *, key: str | None, version: int | None = None) -> OutcomeOut:
    """Do an act to cases within the caller's mandates.

    `version` is that of a single case, as the client read it. Raises `ProblemError` if nothing was done.
    """
    ids = tuple(dict.fromkeys(id_of(case, "case") for case in asked.cases))
    _require_small(session, ids)
    request = ActRequest(
        asked.trigger,
        ids,
        asked.occurred_on,
        session.actor,
        body=asked.body,
        rows=_rows(asked, ids),
        document=asked.document,
        mode=asked.mode,
        idempotency_key=None if key is None else key_of(session, key),
    )
    with session.writing() as tx:
        seen = reads.visible_cases(tx, session.scope, ids)
        _require_visible(ids, seen)
        if version is not None and lock(tx, ids)[0].seq != version:
            raise ProblemError(412, "web.changed")
        outcome = session.facade.engine.fire_many(tx, request)
    session.desk.metrics.acted(asked.trigger, outcome)
    if outcome.refused and asked.mode is Mode.ALL:
        raise refused(outcome.refused)
    return OutcomeOut.of(outcome)


def _require_small(session: Session, ids: tuple[int, ...]) -> None:
    most = session.desk.settings.largest_batch
    if len(ids) > most:
        raise ProblemError(413, "web.too_large", detail=f"{len(ids)} cases; at most {most} in one act")


def _rows(asked: BatchIn, ids: tuple[int, ...]) -> dict[int, _Form]:
    rows = {id_of(case, "case"): row for case, row in asked.rows.items()}
    strange = [str(case) for case in rows if case not in ids]
    if strange:
        msg = f"rows name cases that are not among the act's: {', '.join(strange[:_SAMPLE])}"
        raise InputError(msg)
    return rows


def _require_visible(ids: tuple[int, ...], seen: dict[int, int]) -> None:
    missing = [str(case) for case in ids if case not in seen]
    if missing:
        msg = f"no case {', '.join(missing[:_SAMPLE])} ({len(missing)} of {len(ids)})"
        raise NotFoundError(msg)
