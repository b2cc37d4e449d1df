"""Acts over HTTP: the request checked against the caller's mandates, fired, and answered case by case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Header
from pydantic import BaseModel, ConfigDict, Field

from ..engine.service import BRIEF
from ..engine.values import SYSTEM, ActRequest, Mode
from ..foundation.errors import InputError, NotFoundError
from ..foundation.messages import fault
from ..persistence import reads
from ..persistence.cases import lock
from ..persistence.deadlines import open_of
from ..persistence.events import history
from .asking import Day, IdText, Key, OneLine, id_of
from .once import key_of
from .problems import ProblemError, RefusalOut, refused

if TYPE_CHECKING:
    from ..engine.service import Outcome
    from ..persistence.database import Tx
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


class _OvertakenError(Exception):
    """A term that was over moved the case on before the act met it."""


class ActIn(BaseModel):
    """An act over one case: `body` is the act's form, `row` this household's own part of it."""

    model_config = ConfigDict(extra="forbid")

    trigger: Key
    occurred_on: Day = Field(description="The day it took legal effect")
    body: _Form = Field(default_factory=dict)
    row: _Form = Field(default_factory=dict)
    document: OneLine | None = Field(None, description="Number of the signed document")


class BatchIn(BaseModel):
    """One act over many cases: all of them or none, or each that can (`mode`). `rows` is keyed by case."""

    model_config = ConfigDict(extra="forbid")

    trigger: Key
    occurred_on: Day = Field(description="The day it took legal effect")
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
    try:
        with session.writing(briefly=len(ids) <= BRIEF) as tx:
            _require_visible(ids, reads.visible_cases(tx, session.scope, ids))
            outcome = _fired(session, tx, request, version)
    except _OvertakenError:
        # The client reads the case anew next: it must find it where the act found it, whenever the worker comes.
        _let_terms_end(session, ids[0])
        raise ProblemError(412, "web.changed") from None
    session.desk.metrics.acted(asked.trigger, outcome)
    if outcome.refused and asked.mode is Mode.ALL:
        raise refused(outcome.refused)
    return OutcomeOut.of(outcome)


def _fired(session: Session, tx: Tx, request: ActRequest, version: int | None) -> Outcome:
    """Do an act; where a version was named, only upon that one, or again if it was done upon that one before."""
    if version is None:
        return session.facade.engine.fire_many(tx, request)
    case_id = request.case_ids[0]
    before = lock(tx, [case_id])[0].seq
    outcome = session.facade.engine.fire_many(tx, request)
    if outcome.act_id is not None:
        step = next(e for e in history(tx, [case_id]) if e.seq > version and e.kind == "step")
        if step.act_id == outcome.act_id and (before == version or step.seq <= before):
            return outcome
        if before == version:
            raise _OvertakenError
    if before != version:
        raise ProblemError(412, "web.changed")
    return outcome


def _let_terms_end(session: Session, case_id: int) -> None:
    """Let the terms of a case that are over close their step, as the worker would."""
    engine = session.facade.engine
    with session.writing() as tx:
        (case,) = lock(tx, [case_id])
        workflow = engine.library.compiled(case.workflow).workflow
        for row in open_of(tx, [case_id]).get(case_id, ()):
            timer = workflow.deadline(row.rule).on_expiry
            if timer and row.status == "open" and row.due_at <= session.now:
                engine.fire_many(tx, ActRequest(timer, (case_id,), row.due_on, SYSTEM, mode=Mode.EACH))


def _require_small(session: Session, ids: tuple[int, ...]) -> None:
    most = session.desk.settings.largest_batch
    if len(ids) > most:
        raise ProblemError(413, "web.too_large", detail=f"{len(ids)} cases; at most {most} in one act")


def _rows(asked: BatchIn, ids: tuple[int, ...]) -> dict[int, _Form]:
    rows = {id_of(case, "case"): row for case, row in asked.rows.items()}
    strange = [str(case) for case in rows if case not in ids]
    if strange:
        raise fault(InputError, "web.rows_strange", cases=", ".join(strange[:_SAMPLE]))
    return rows


def _require_visible(ids: tuple[int, ...], seen: dict[int, int]) -> None:
    missing = [str(case) for case in ids if case not in seen]
    if missing:
        raise fault(
            NotFoundError, "found.no_cases", cases=", ".join(missing[:_SAMPLE]), lacking=len(missing), count=len(ids)
        )
