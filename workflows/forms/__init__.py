"""The forms of the law as pydantic models, registered with the engine under the names definitions use.

Mẫu 01–04 of QĐ 24/2021/QĐ-TTg; Phụ lục I, V, VI, VIII of TT 07/2021/TT-BLĐTBXH.
"""

from __future__ import annotations

from typing import Any

from ...engine.forms import register
from . import acts, papers
from .base import ModelForm

__all__ = ["FORMS", "ModelForm", "register_all"]


def _survey(b1: int, b2: int, surveyor: str) -> dict[str, Any]:
    return {"b1": b1, "b2": b2, "area": "rural", "respondent": "head", "surveyor": surveyor}


def _income(income: int, surveyor: str) -> dict[str, Any]:
    return {"income": income, "area": "rural", "respondent": "head", "surveyor": surveyor}


def _minutes(attendees: int, in_favour: int, **other: Any) -> dict[str, Any]:
    signed = {"signed_by_chair": True, "signed_by_secretary": True, "signed_by_households": True}
    return {"attendees": attendees, "in_favour": in_favour, "copies": 2, **signed, **other}


_NOTHING: dict[str, Any] = {}
_NUMBERED = ({"number": "1"}, _NOTHING)

FORMS: tuple[ModelForm, ...] = (
    ModelForm("none"),
    ModelForm("request", acts.Request, samples=(_NUMBERED,)),
    ModelForm("exit_request", acts.ExitRequest, samples=(_NUMBERED,)),
    ModelForm("listing", acts.Listing),
    ModelForm(
        "screening",
        row=acts.ScreeningRow,
        samples=((_NOTHING, {"signs": 3}), (_NOTHING, {"signs": 4}), (_NOTHING, {"signs": 4, "reply": "1"})),
    ),
    ModelForm(
        "survey",
        row=acts.SurveyRow,
        samples=tuple(
            (_NOTHING, _survey(b1, b2, who)) for b1, b2 in ((140, 30), (140, 20), (141, 120)) for who in ("1", "2")
        ),
    ),
    ModelForm(
        "income_survey",
        row=acts.IncomeRow,
        samples=tuple(
            (_NOTHING, _income(income, who)) for income in (1_500_001, 2_250_000, 2_250_001) for who in ("1", "2")
        ),
    ),
    ModelForm(
        "appraisal",
        row=acts.AppraisalRow,
        samples=tuple(
            (_NOTHING, {"class_found": found, "area": "rural"} if found else {"area": "rural"})
            for found in ("poor", "near_poor", "none", None)
        ),
    ),
    ModelForm(
        "meeting",
        acts.Meeting,
        samples=tuple(
            (minutes, _NOTHING)
            for minutes in (
                _minutes(10, 5),
                _minutes(9, 4),
                _minutes(10, 10, signed_by_chair=False),
                _minutes(10, 10, copies=1),
            )
        ),
    ),
    ModelForm(
        "posting",
        acts.Posting,
        samples=tuple(
            ({"at_commune_office": office, "at_village_house": house}, _NOTHING)
            for office in (True, False)
            for house in (True, False)
        ),
    ),
    ModelForm("complaint", acts.Complaint, samples=(({"subject_code": "1"}, _NOTHING),)),
    ModelForm("summary", acts.Summary),
    ModelForm("document", acts.Document, samples=(_NUMBERED, (_NOTHING, _NOTHING))),
    ModelForm(
        "decision",
        acts.Decision,
        samples=(
            ({"number": "1", "opinion": "1"}, _NOTHING),
            ({"number": "1", "opinion": "2"}, _NOTHING),
            _NUMBERED,
            ({"opinion": "1"}, _NOTHING),
        ),
    ),
    ModelForm(
        "refusal",
        acts.Refusal,
        acts.RefusalRow,
        samples=(({"number": "1", "reason": "1"}, _NOTHING), _NUMBERED, (_NOTHING, _NOTHING)),
    ),
    ModelForm("withdrawal", row=acts.WithdrawalRow, samples=((_NOTHING, {"reason": "1"}),)),
    ModelForm("review_list", row=papers.ReviewListEntry, samples=()),
    ModelForm("poor_list", row=papers.PoorListEntry, samples=()),
    ModelForm("exit_list", row=papers.ListEntry, samples=()),
    ModelForm("certificate", papers.CertificatePaper, samples=()),
)


def register_all() -> None:
    """Make the law's forms known to the engine."""
    register(FORMS)
