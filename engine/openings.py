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

__all__ = ["CLASS_BEFORE", "OWN_FACTS", "fits", "require_class", "require_facts", "said"]

OWN_FACTS: Mapping[str, tuple[Any, ...]] = {"former": (True, False)}
"""Facts that every procedure understands: whether a household was poor or near-poor before (tái nghèo)."""

CLASS_BEFORE = "class_before"
"""What a procedure calls the class from which a household comes."""


def require_class(workflow: Workflow, class_before: str | None) -> None:
    """`InputError` for a class from which no household comes into the procedure; None leaves it as it is."""
    known = workflow.opens_with.get(CLASS_BEFORE, ())
    if class_before is not None and class_before not in known:
        expected = ", ".join(map(str, known)) or "-"
        raise fault(InputError, "correcting.class", class_before=class_before, known=expected)


def require_facts(workflow: Workflow, case_id: int, facts: Mapping[str, Any]) -> None:
    """`InputError` for a fact the procedure does not open with, or a value it does not know; None takes one out.

    The class a household came from is none of them: it is kept with the case itself.
    """
    known = {name: values for name, values in {**workflow.opens_with, **OWN_FACTS}.items() if name != CLASS_BEFORE}
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
    return "; ".join(f"{name}: {', '.join(map(_typed, values)) or '…'}" for name, values in known.items())


def _typed(value: Any) -> str:
    """Return a value as it is typed."""
    return str(value).lower() if isinstance(value, bool) else str(value)
