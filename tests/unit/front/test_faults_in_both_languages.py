"""Faults that are put together of others, or of a validator's, are told in both languages."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from rasoat.foundation.errors import DefinitionError, InputError
from rasoat.foundation.fitting import misfit
from rasoat.foundation.messages import Text, fault, joined, located
from rasoat.web.problems import _on_validation


def misfits(kind: Any, given: object) -> list[dict[str, Any]]:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(given)
    return [dict(each) for each in caught.value.errors()]


def test_a_value_that_does_not_fit_is_told_with_what_was_needed() -> None:
    (found,) = misfits(int, "x")
    assert misfit(found) == Text("cần một số nguyên", str(found["msg"]))


def test_a_fault_of_ours_within_a_validator_s_keeps_both_its_languages() -> None:
    ours = fault(InputError, "keys.same")
    found = {"type": "value_error", "msg": f"Value error, {ours}", "ctx": {"error": ours}}
    assert misfit(found) == Text(str(ours.vi), str(ours))


def test_what_the_catalogue_does_not_know_is_told_as_the_validator_says() -> None:
    assert misfit({"type": "of_no_kind", "msg": "no"}) == Text("no", "no")


def test_a_fault_tells_its_place_in_both_languages() -> None:
    inner = fault(InputError, "keys.same")
    told = located(Text("kênh", "channel"), inner, DefinitionError)
    assert (str(told), told.vi) == (f"channel: {inner}", f"kênh: {inner.vi}")
    assert located("a.toml", InputError("English alone"), InputError).vi is None


def test_sentences_are_joined_in_both_languages() -> None:
    assert joined([Text("một", "one"), Text("hai", "two")]) == Text("một; hai", "one; two")


def test_a_field_of_a_request_that_does_not_fit_is_answered_in_both_languages() -> None:
    error = RequestValidationError([{"type": "int_parsing", "loc": ("body", "day"), "msg": "a valid integer"}])
    answer = asyncio.run(_on_validation(None, error))  # type: ignore[arg-type]  # the handler looks at the error alone
    (found,) = json.loads(bytes(answer.body))["errors"]
    assert found["expected"] == {"vi": "cần một số nguyên", "en": "a valid integer"}
    assert found["place"] == "body.day"
