"""The forms of acts: what an official fills in, one model for the act and one for each household's row.

A row never names a person: who the household is stands in the register, sealed.
"""

from __future__ import annotations

from datetime import date  # noqa: TC003 - pydantic reads the annotation at run time
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from .base import Count, FormModel, Some, Words

__all__ = [
    "AppraisalRow",
    "Complaint",
    "Decision",
    "Document",
    "ExitRequest",
    "IncomeRow",
    "Listing",
    "Meeting",
    "Posting",
    "Refusal",
    "RefusalRow",
    "Request",
    "ScreeningRow",
    "Summary",
    "SurveyRow",
    "WithdrawalRow",
]


class Request(FormModel):
    """Giấy đề nghị rà soát (Mẫu 01): its number in the register and the way it came in."""

    number: Words | None = None
    channel: Literal["direct", "post", "portal"] = "direct"


class ExitRequest(Request):
    """Giấy đề nghị công nhận hộ thoát nghèo, hộ thoát cận nghèo (Mẫu 04)."""


class Listing(FormModel):
    """Danh sách hộ gia đình cần rà soát (Phụ lục I): the list's number, if it has one."""

    list_number: Words | None = None


class ScreeningRow(FormModel):
    """Phiếu A of one household: how many of the nine signs it shows; the written reply if it stays out."""

    signs: Annotated[int, Field(ge=0, le=9, strict=True)]
    reply: Words | None = None


class SurveyRow(FormModel):
    """Phiếu B of one household: the two totals the enumerator signed, and who answered.

    B2 is 10 points a deprived indicator, 12 indicators (NĐ 07/2021/NĐ-CP; KH 523/KH-UBND Bắc Ninh 2021 III.1.1).
    """

    b1: Annotated[int, Field(ge=0, le=1_000, strict=True)]
    b2: Annotated[int, Field(ge=0, le=120, multiple_of=10, strict=True)]
    area: Literal["rural", "urban"]
    respondent: Literal["head", "member"]
    surveyor: Words | None = None
    income: Annotated[int, Field(ge=0, strict=True)] | None = None


class IncomeRow(FormModel):
    """Phụ lục VIII: income per head and month over the 12 months before, social aid left out, in đồng."""

    income: Annotated[int, Field(ge=0, le=1_000_000_000, strict=True)]
    area: Literal["rural", "urban"]
    respondent: Literal["head", "member"]
    surveyor: Words | None = None


class Meeting(FormModel):
    """Biên bản họp dân (Phụ lục V): who was there, who agreed, who signed, in how many copies."""

    attendees: Some
    in_favour: Count
    households_represented: Count | None = None
    households_listed: Count | None = None
    households_in_favour: Count | None = None
    committee_present: Count | None = None
    organisations_present: Count | None = None
    fatherland_front_present: Count | None = None
    enumerators_present: Count | None = None
    place: Words | None = None
    copies: Count
    signed_by_chair: bool
    signed_by_secretary: bool
    signed_by_households: bool

    @model_validator(mode="after")
    def _no_more_votes_than_voters(self) -> Meeting:
        for part, whole in _PARTS:
            some, every = getattr(self, part), getattr(self, whole)
            if some is not None and every is not None and some > every:
                bound = {"le": f"{part} ({some}) ≤ {whole} ({every})"}
                found = PydanticCustomError("part", "a part cannot exceed its whole", bound)
                raise found
        return self


_PARTS = (
    ("in_favour", "attendees"),
    ("households_in_favour", "households_represented"),
    ("households_represented", "households_listed"),
)


class Posting(FormModel):
    """Niêm yết công khai: where, and on the radio if the commune has one."""

    at_commune_office: bool
    at_village_house: bool = False
    radio: bool | None = None
    notice: Words | None = None


class Complaint(FormModel):
    """Khiếu nại: a code for what it is about; the complainant's words stay in the paper file."""

    subject_code: Words
    received_by: Words | None = None


class Summary(FormModel):
    """Danh sách sau rà soát (Phụ lục VI) as the committee hands it to the chair."""

    list_number: Words | None = None


class Document(FormModel):
    """A signed document: report, receipt, opinion."""

    number: Words | None = None
    remarks: Words | None = None


class Decision(FormModel):
    """Quyết định công nhận (Mẫu 02): its number, and the opinion it takes into account."""

    number: Words | None = None
    opinion: Words | None = None
    effective_on: date | None = None


class Refusal(FormModel):
    """Văn bản từ chối: its number; the reason ("nêu rõ lý do") for all households or each in its row."""

    number: Words | None = None
    reason: Words | None = None


class RefusalRow(FormModel):
    """The reason that concerns one household only."""

    reason: Words | None = None


class AppraisalRow(FormModel):
    """Phiếu B of 2016–2020 with the class the commune found: its limits are not in the project's sources.

    `kind` keeps the two kinds of poor of QĐ 59/2015/QĐ-TTg apart: by income, or short of services (ten indicators).
    """

    class_found: Literal["poor", "near_poor", "none"] | None = None
    kind: Literal["income", "services"] | None = None
    b1: Annotated[int, Field(ge=0, le=1_000, strict=True)] | None = None
    b2: Annotated[int, Field(ge=0, le=100, multiple_of=10, strict=True)] | None = None
    area: Literal["rural", "urban"]
    respondent: Literal["head", "member"] | None = None
    surveyor: Words | None = None


class WithdrawalRow(FormModel):
    """Why a household leaves the round."""

    reason: Words
