"""What a case may be opened with: the facts its procedure asks for, and those that are known of a household.

A fact beyond them would stand in for what an act must say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..foundation.errors import InputError
from ..foundation.messages import fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .definition import Workflow

__all__ = ["OWN_FACTS", "fits", "require_facts", "said"]

OWN_FACTS: Mapping[str, tuple[Any, ...]] = {"former": (True, False)}
"""Facts that every procedure understands: whether a household was poor or near-poor before (tái nghèo)."""


def require_facts(workflow: Workflow, case_id: int, facts: Mapping[str, Any]) -> None:
    """`InputError` for a fact the procedure does not open with, or a value it does not know; None takes one out."""
    known = {**workflow.opens_with, **OWN_FACTS}
    for name, value in facts.items():
        if name not in known or not (value is None or fits(value, known[name])):
            where = {"case": case_id, "fact": name, "found": value, "workflow": workflow.id}
            raise fault(InputError, "correcting.opening_fact", **where, expected=said(known))


def fits(value: Any, known: Iterable[Any]) -> bool:
    """Whether a value is one of those known; with none named, any text, number or truth."""
    values = tuple(known)
    return any(type(value) is type(each) and value == each for each in values) if values else value is not None


def said(known: Mapping[str, Iterable[Any]]) -> str:
    """Return facts and their values as a message names them."""
    return "; ".join(f"{name}: {', '.join(map(str, values)) or '…'}" for name, values in known.items())
