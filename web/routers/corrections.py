"""Wrong entries and openings put right by an event, last steps taken back; each may be tried first (`preview`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from ...engine.correcting import Correction, OpeningCorrection, Undo, correct, undo
from ...foundation.errors import NotFoundError
from ...foundation.messages import fault
from ...persistence import reads
from ...persistence.corrections import cases_of_act
from ...persistence.events import acts
from ..acting import IdempotencyKey, OutcomeOut
from ..asking import Acting, Day, IdText, OneLine, id_of
from ..once import once, previewed
from ..problems import refused

if TYPE_CHECKING:
    from collections.abc import Collection

    from ...engine.service import Outcome
    from ...persistence.database import Tx
    from ..desk import Session

__all__ = ["router"]

router = APIRouter(tags=["corrections"])
_Form = dict[str, Any]


class _Decision(BaseModel):
    model_config = ConfigDict(extra="forbid")

    decided_on: Day = Field(description="The day of the decision to correct")
    authority: OneLine = Field(description="Number of the document that orders it")
    reason: OneLine = Field(description="Why; it is kept for ever and names nobody")


class _OfAct(_Decision):
    act: IdText = Field(description="The act in question, as a case's history names it")


class CorrectionIn(_OfAct):
    """What was wrong about an act: fields of its form (null empties one), single households' parts, day, document."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "act": "912183339304593162",
                    "decided_on": "2022-10-12",
                    "authority": "15/QĐ-UBND",
                    "reason": "ghi nhầm số phiếu",
                    "body": {"in_favour": 80},
                }
            ]
        }
    )

    body: _Form = Field(default_factory=dict)
    rows: dict[IdText, _Form] = Field(default_factory=dict, description="By case")
    occurred_on: Day | None = Field(None, description="The day on which it really took effect")
    document: OneLine | None = Field(None, description="The right number of the act's document")


class OpeningCorrectionIn(_Decision):
    """What was wrong about what a case was opened with: facts (null takes one out), the class it came from."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "case": "912183339304593162",
                    "decided_on": "2022-10-12",
                    "authority": "15/QĐ-UBND",
                    "reason": "ghi nhầm diện",
                    "class_before": "poor",
                }
            ]
        }
    )

    case: IdText
    facts: _Form = Field(default_factory=dict)
    class_before: Literal["poor", "near_poor", "average", "none"] | None = None


class UndoIn(_OfAct):
    """An act whose step is taken back: for all its cases, or those named."""

    cases: list[IdText] = Field(default_factory=list, max_length=10_000)


@router.post("/v1/corrections/preview")
def preview_correction(session: Acting, asked: CorrectionIn) -> OutcomeOut:
    """Tell what a correction would do, or what stands in its way; nothing is changed."""
    return previewed(session, lambda tx: _corrected(tx, session, asked))


@router.post("/v1/corrections", status_code=201)
def carry_out_correction(session: Acting, asked: CorrectionIn, key: IdempotencyKey = None) -> OutcomeOut:
    """Correct a wrong entry, and do anew what followed from it: every case it concerns, or none and why not."""
    return once(session, key, "correction", asked, OutcomeOut, lambda tx: _corrected(tx, session, asked))


@router.post("/v1/opening-corrections/preview")
def preview_opening_correction(session: Acting, asked: OpeningCorrectionIn) -> OutcomeOut:
    """Tell what correcting a case's opening would do, or what stands in its way; nothing is changed."""
    return previewed(session, lambda tx: _reopened(tx, session, asked))


@router.post("/v1/opening-corrections", status_code=201)
def carry_out_opening_correction(session: Acting, asked: OpeningCorrectionIn, key: IdempotencyKey = None) -> OutcomeOut:
    """Correct what a case was opened with, and do anew every act that followed; or say what stands in the way."""
    return once(session, key, "opening-correction", asked, OutcomeOut, lambda tx: _reopened(tx, session, asked))


@router.post("/v1/undos/preview")
def preview_undo(session: Acting, asked: UndoIn) -> OutcomeOut:
    """Tell what taking a step back would do, or what was built on it; nothing is changed."""
    return previewed(session, lambda tx: _undone(tx, session, asked))


@router.post("/v1/undos", status_code=201)
def carry_out_undo(session: Acting, asked: UndoIn, key: IdempotencyKey = None) -> OutcomeOut:
    """Take the last step of cases back, or say what was built on it."""
    return once(session, key, "undo", asked, OutcomeOut, lambda tx: _undone(tx, session, asked))


def _corrected(tx: Tx, session: Session, asked: CorrectionIn) -> OutcomeOut:
    rows = {id_of(case, "case"): row for case, row in asked.rows.items()}
    order = Correction(
        id_of(asked.act, "act"),
        session.actor,
        asked.decided_on,
        asked.authority,
        asked.reason,
        body=asked.body,
        rows=rows,
        occurred_on=asked.occurred_on,
        document=asked.document,
    )
    _require_seen(tx, session, order.act_id, () if order.concerns_all else rows)
    return _outcome(correct(tx, session.facade.engine, order))


def _reopened(tx: Tx, session: Session, asked: OpeningCorrectionIn) -> OutcomeOut:
    case_id = id_of(asked.case, "case")
    if not reads.visible_cases(tx, session.scope, [case_id]):
        raise fault(NotFoundError, "found.no_case_id", case_id=asked.case)
    order = OpeningCorrection(
        case_id,
        session.actor,
        asked.decided_on,
        asked.authority,
        asked.reason,
        facts=asked.facts,
        class_before=asked.class_before,
    )
    return _outcome(correct(tx, session.facade.engine, order))


def _undone(tx: Tx, session: Session, asked: UndoIn) -> OutcomeOut:
    only = tuple(id_of(case, "case") for case in asked.cases)
    order = Undo(id_of(asked.act, "act"), session.actor, asked.decided_on, asked.authority, asked.reason, case_ids=only)
    _require_seen(tx, session, order.act_id, only)
    return _outcome(undo(tx, session.facade.engine, order))


def _require_seen(tx: Tx, session: Session, act_id: int, only: Collection[int]) -> None:
    """Let an act be there only for whoever sees each case it concerns (those named, else all it moved)."""
    found = acts(tx, [act_id])
    ids = list(only) or (cases_of_act(tx, found[act_id]) if act_id in found else [])
    if not ids or len(reads.visible_cases(tx, session.scope, ids)) != len(set(ids)):
        raise fault(NotFoundError, "found.no_act", act_id=act_id)


def _outcome(outcome: Outcome) -> OutcomeOut:
    if outcome.refused:
        raise refused(outcome.refused)
    return OutcomeOut.of(outcome)
