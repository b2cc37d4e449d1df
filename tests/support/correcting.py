"""What tests of corrections ask of a review: which act to correct, what is on record of a case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rasoat.engine.correcting import Correction, Undo, correct, undo
from rasoat.foundation.clock import legal_date
from rasoat.persistence import certificates, deadlines
from rasoat.persistence.cases import load
from rasoat.persistence.events import acts, history
from tests.support.reviews import officials

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from rasoat.engine.service import Outcome
    from rasoat.persistence.cases import CaseRow
    from rasoat.persistence.deadlines import DeadlineRow
    from rasoat.persistence.events import ActRow, EventRow
    from tests.support.reviews import Review

__all__ = [
    "AUTHORITY",
    "REASON",
    "act_of",
    "case_row",
    "certificate",
    "codes",
    "events_of",
    "fix",
    "take_back",
    "terms",
]

AUTHORITY = "15/QĐ-UBND"
REASON = "ghi nhầm số phiếu"


def events_of(review: Review, case_id: int) -> list[EventRow]:
    """Every event of a case."""
    with review.database.read() as tx:
        return history(tx, [case_id])


def case_row(review: Review, case_id: int) -> CaseRow:
    """A case as it stands."""
    with review.database.read() as tx:
        return load(tx, [case_id])[0]


def act_of(review: Review, case_id: int, trigger: str) -> ActRow:
    """The latest act of a case under a trigger."""
    found = [e.act_id for e in events_of(review, case_id) if e.trigger == trigger and e.act_id is not None]
    with review.database.read() as tx:
        return acts(tx, [found[-1]])[found[-1]]


def terms(review: Review, case_id: int, rule: str) -> list[DeadlineRow]:
    """Every term of a case under a rule, oldest first."""
    with review.database.read() as tx:
        return [row for row in deadlines.of_subjects(tx, [case_id]) if row.rule == rule]


def certificate(review: Review, case_id: int) -> str | None:
    """The certificate in force of a case."""
    with review.database.read() as tx:
        return certificates.of_cases(tx, [case_id]).get(case_id)


def fix(review: Review, case_id: int, trigger: str, **changes: Any) -> Outcome:
    """Correct the latest act of a case under a trigger, today."""
    order: dict[str, Any] = {"authority": AUTHORITY, "reason": REASON, "decided_on": _today(review), **changes}
    order.setdefault("actor", officials())
    wanted = Correction(act_of(review, case_id, trigger).id, **order)
    with review.database.begin() as tx:
        return correct(tx, review.engine, wanted)


def take_back(review: Review, case_id: int, trigger: str, only: Sequence[int] = (), **changes: Any) -> Outcome:
    """Undo the latest act of a case under a trigger, today."""
    order: dict[str, Any] = {"authority": AUTHORITY, "reason": REASON, "decided_on": _today(review), **changes}
    order.setdefault("actor", officials())
    wanted = Undo(act_of(review, case_id, trigger).id, case_ids=tuple(only), **order)
    with review.database.begin() as tx:
        return undo(tx, review.engine, wanted)


def codes(outcome: Outcome) -> set[str]:
    """Why an order was refused; each reason can be read in both languages."""
    for refusal in outcome.refused:
        assert refusal.reason.vi
        assert refusal.reason.en
    return {refusal.code for refusal in outcome.refused}


def _today(review: Review) -> date:
    return legal_date(review.clock.now())
