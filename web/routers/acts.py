"""Acts over many cases: a village meeting, a commune's report, a decision."""

from __future__ import annotations

from fastapi import APIRouter

from ..acting import BatchIn, IdempotencyKey, OutcomeOut, fire
from ..asking import Acting

__all__ = ["router"]

router = APIRouter(prefix="/v1/acts", tags=["acts"])


@router.post("", status_code=201)
def act(session: Acting, asked: BatchIn, key: IdempotencyKey = None) -> OutcomeOut:
    """Do one act to many cases, stored once.

    With mode ``all`` a single refusal stops everything and is answered as a problem that lists every refused case.
    With mode ``each`` the cases that can move do; the answer tells each case's outcome.
    """
    return fire(session, asked, key=key)
