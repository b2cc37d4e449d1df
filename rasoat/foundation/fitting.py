"""What a value should have been that does not fit a model: a validator's faults in the words of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import RasoatError
from .messages import Text, codes, text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["expected", "misfit"]

_BOUNDS = ("ge", "gt", "le", "lt", "min_length", "max_length", "expected", "multiple_of")
"""What pydantic calls the limit that was crossed."""


def expected(error: Mapping[str, Any]) -> str:
    """Return what was expected, as the catalogue has it under ``value.expected``; else in pydantic's own words."""
    kind, bounds = error["type"], error.get("ctx", {})
    bound = next((bounds[name] for name in _BOUNDS if name in bounds), "")
    if f"value.expected.{kind}" not in codes():
        return str(error["msg"])
    return f"{kind}={bound}" if bound != "" else str(kind)


def misfit(error: Mapping[str, Any]) -> Text:
    """Return what is wrong with a value: in English as pydantic says it, in Vietnamese where the catalogue can."""
    said = str(error["msg"])
    ours = error.get("ctx", {}).get("error")
    if isinstance(ours, RasoatError):
        return Text(ours.vi or str(ours), str(ours))
    wanted = expected(error)
    return Text(said if wanted == said else text("fit.expected", expected=wanted).vi, said)
