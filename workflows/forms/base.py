"""What every form is: two pydantic models, one for the act and one for each household's row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ...engine.forms import FormFault
from ...foundation.fitting import expected
from ...foundation.text import nfc

__all__ = ["Count", "Empty", "FormModel", "ModelForm", "Some", "Words"]

Count = Annotated[int, Field(ge=0, le=100_000, strict=True)]
Some = Annotated[int, Field(ge=1, le=100_000, strict=True)]
Words = Annotated[str, Field(min_length=1, max_length=2_000)]

Sample = tuple[Mapping[str, Any], Mapping[str, Any]]


class FormModel(BaseModel):
    """A form's fields: unknown ones are refused, Vietnamese text is stored in NFC."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _normalise(cls, given: Any) -> Any:
        if isinstance(given, Mapping):
            return {key: nfc(value) if isinstance(value, str) else value for key, value in given.items()}
        return given


class Empty(FormModel):
    """A part of an act that says nothing."""


class ModelForm:
    """A form made of two pydantic models: the act's body, and one household's row.

    `samples` are (body, row) pairs that stand for every answer the guards can tell apart, the first without a fault;
    `rasoat workflows check` explores a procedure with them.
    """

    def __init__(
        self,
        key: str,
        body: type[BaseModel] = Empty,
        row: type[BaseModel] = Empty,
        samples: tuple[Sample, ...] = (({}, {}),),
    ) -> None:
        self.key = key
        self.body_model = body
        self.row_model = row
        self.samples = samples

    def body(self, given: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[FormFault, ...]]:
        """Return the act's body in canonical form, and its faults."""
        if not given and self.body_model is Empty:
            return {}, ()
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
            FormFault(place + ".".join(map(str, e["loc"])), _found(e["type"], e["loc"], e["input"]), expected(e))
            for e in error.errors(include_url=False)
        )


def _found(kind: str, place: tuple[int | str, ...], given: Any) -> Any:
    """Return what stood there: for a field that is not given, or the form as a whole, nothing."""
    return "" if kind == "missing" or not place else given
