"""The forms of acts as pydantic models, registered with the engine under the names definitions use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..engine.forms import FormFault, register
from ..foundation.text import nfc

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["FORMS", "ModelForm", "register_all"]

Count = Annotated[int, Field(ge=0, le=100_000, strict=True)]
Words = Annotated[str, Field(min_length=1, max_length=2_000)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _normalise(cls, given: Any) -> Any:
        if isinstance(given, Mapping):
            return {key: nfc(value) if isinstance(value, str) else value for key, value in given.items()}
        return given


class Empty(_Model):
    """A part of an act that says nothing."""


class Listing(_Model):
    """Danh sách hộ gia đình cần rà soát (Phụ lục I): the list's number, if it has one."""

    list_number: Words | None = None


class ScreeningRow(_Model):
    """Phiếu A of one household: how many of the nine signs it shows; the written reply if it stays out."""

    signs: Annotated[int, Field(ge=0, le=9, strict=True)]
    reply: Words | None = None


class SurveyRow(_Model):
    """Phiếu B of one household: the two totals the enumerator signed, and who answered.

    B2 is 10 points a deprived indicator, 12 indicators (NĐ 07/2021/NĐ-CP; KH 523/KH-UBND Bắc Ninh 2021 III.1.1).
    """

    b1: Annotated[int, Field(ge=0, le=1_000, strict=True)]
    b2: Annotated[int, Field(ge=0, le=120, multiple_of=10, strict=True)]
    area: Literal["rural", "urban"]
    respondent: Literal["head", "member"]
    surveyor: Words | None = None
    income: Annotated[int, Field(ge=0, strict=True)] | None = None


class IncomeRow(_Model):
    """Phụ lục VIII: income per head and month over the 12 months before, social aid left out, in đồng."""

    income: Annotated[int, Field(ge=0, le=1_000_000_000, strict=True)]
    area: Literal["rural", "urban"]
    respondent: Literal["head", "member"]
    surveyor: Words | None = None


class Meeting(_Model):
    """Biên bản họp dân (Phụ lục V): who was there, who agreed, who signed, in how many copies."""

    attendees: Count
    in_favour: Count
    households_represented: Count | None = None
    households_listed: Count | None = None
    copies: Count
    signed_by_chair: bool
    signed_by_secretary: bool
    signed_by_households: bool

    @model_validator(mode="after")
    def _no_more_votes_than_people(self) -> Meeting:
        if self.in_favour > self.attendees:
            msg = f"in_favour ({self.in_favour}) cannot exceed attendees ({self.attendees})"
            raise ValueError(msg)
        return self


class Posting(_Model):
    """Niêm yết công khai: where, and on the radio if the commune has one."""

    at_commune_office: bool
    at_village_house: bool = False
    radio: bool | None = None
    notice: Words | None = None


class Complaint(_Model):
    """Khiếu nại: a code for what it is about; the complainant's words stay in the paper file."""

    subject_code: Words
    received_by: Words | None = None


class Summary(_Model):
    """Danh sách sau rà soát (Phụ lục VI) as the committee hands it to the chair."""

    list_number: Words | None = None


class Document(_Model):
    """A signed document: report, receipt, opinion."""

    number: Words | None = None
    remarks: Words | None = None


class Decision(_Model):
    """Quyết định công nhận (Mẫu 02): its number, and the opinion it takes into account."""

    number: Words | None = None
    opinion: Words | None = None
    effective_on: date | None = None


class WithdrawalRow(_Model):
    """Why a household leaves the round."""

    reason: Words


class ModelForm:
    """A form made of two pydantic models: the act's body, and one household's row."""

    def __init__(self, key: str, body: type[BaseModel] = Empty, row: type[BaseModel] = Empty) -> None:
        self.key = key
        self.body_model = body
        self.row_model = row

    def body(self, given: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[FormFault, ...]]:
        """Return the act's body in canonical form, and its faults."""
        return _fit(self.body_model, given, "")

    def row(self, given: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[FormFault, ...]]:
        """Return one household's row in canonical form, and its faults."""
        if not given and self.row_model is Empty:
            return {}, ()
        return _fit(self.row_model, given, "row.")

    def schema(self) -> Mapping[str, Any]:
        """Return the JSON Schema of body and row."""
        return {"body": self.body_model.model_json_schema(), "row": self.row_model.model_json_schema()}


def _fit(
    model: type[BaseModel], given: Mapping[str, Any], place: str
) -> tuple[Mapping[str, Any], tuple[FormFault, ...]]:
    try:
        return model.model_validate(dict(given)).model_dump(mode="json", exclude_none=True), ()
    except ValidationError as error:
        return dict(given), tuple(
            FormFault(place + ".".join(map(str, e["loc"])), e["input"] if e["loc"] else "", e["msg"])
            for e in error.errors(include_url=False, include_context=False)
        )


FORMS: Iterable[ModelForm] = (
    ModelForm("none"),
    ModelForm("listing", Listing),
    ModelForm("screening", row=ScreeningRow),
    ModelForm("survey", row=SurveyRow),
    ModelForm("income_survey", row=IncomeRow),
    ModelForm("meeting", Meeting),
    ModelForm("posting", Posting),
    ModelForm("complaint", Complaint),
    ModelForm("summary", Summary),
    ModelForm("document", Document),
    ModelForm("decision", Decision),
    ModelForm("withdrawal", row=WithdrawalRow),
)


def register_all() -> None:
    """Make the law's forms known to the engine."""
    register(FORMS)
