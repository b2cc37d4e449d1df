"""Fields of an act's form as they are typed: NAME=VALUE, each read as what the form takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._speaking import wrong_usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..api import Rasoat
    from ..engine.definition import Workflow

__all__ = ["read_fields", "texts_of"]

_WORDS: dict[str, Any] = {"true": True, "false": False}


def read_fields(given: Sequence[str] | None, texts: frozenset[str]) -> dict[str, Any]:
    """Read NAME=VALUE pairs: numbers, true and false as what they are, but a field that is text stays as typed."""
    return dict(_field(pair, texts) for pair in given or [])


def texts_of(engine: Rasoat, trigger: str, case_ids: Iterable[int] = ()) -> frozenset[str]:
    """Return the fields that hold text in the form of an act: of these cases' procedure, else of every one."""
    first = next(iter(case_ids), None)
    if first is not None:
        return _texts(engine.case(first).workflow, trigger)
    return frozenset().union(*(_texts(engine.library.workflow(each), trigger) for each in engine.library.ids()))


def _field(pair: str, texts: frozenset[str]) -> tuple[str, Any]:
    name, equals, value = pair.partition("=")
    if not equals:
        raise wrong_usage(code="usage.pair", pair=pair)
    if name in texts:
        return name, value
    return name, _WORDS.get(value, int(value) if value.isascii() and value.isdecimal() else value)


def _texts(workflow: Workflow, trigger: str) -> frozenset[str]:
    from ..engine.forms import form

    found = workflow.triggers.get(trigger)
    if found is None:
        return frozenset()
    parts = form(found.form).schema().values()
    return frozenset(name for part in parts for name, of in part.get("properties", {}).items() if _takes_text(of))


def _takes_text(of: Mapping[str, Any]) -> bool:
    kinds = {each.get("type") for each in (of, *of.get("anyOf", ()))}
    return "string" in kinds and not kinds & {"integer", "number", "boolean"}
