"""The forms of acts: validators registered by name, so that the engine needs none of their contents.

`workflows.forms` registers the forms of the law (Mẫu 01–04, Phụ lục I, V, VI); a host may add its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from ..foundation.errors import DefinitionError
from ..foundation.messages import fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Form", "FormFault", "Sampled", "form", "forms", "register"]


class FormFault(NamedTuple):
    """One field that does not fit: where (``attendees`` or ``rows.17.b2``), what stood there, what was expected."""

    field: str
    value: object
    expected: str


class Form(Protocol):
    """Validates an act's body and each household's row."""

    key: str

    def body(self, given: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[FormFault, ...]]:
        """Return the body in canonical form, and its faults."""
        ...

    def row(self, given: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[FormFault, ...]]:
        """Return one household's row in canonical form, and its faults."""
        ...

    def schema(self) -> Mapping[str, Any]:
        """Return the JSON Schema of body and row."""
        ...


@runtime_checkable
class Sampled(Protocol):
    """A form that offers (body, row) pairs to explore a procedure with: every answer its guards can tell apart."""

    samples: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]


_FORMS: dict[str, Form] = {}


def register(new: Iterable[Form]) -> None:
    """Make forms known by their keys."""
    for one in new:
        _FORMS[one.key] = one


def form(key: str) -> Form:
    """Return the form called `key`; `DefinitionError` if no room registered it."""
    try:
        return _FORMS[key]
    except KeyError:
        raise fault(DefinitionError, "definition.form", key=key, known=", ".join(sorted(_FORMS)) or "none") from None


def forms() -> Mapping[str, Form]:
    """Return every registered form."""
    return dict(_FORMS)
