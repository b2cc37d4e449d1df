"""The effects a definition may name: what a step leaves for later steps. Pure: facts in, facts out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..foundation.errors import DefinitionError
from ..foundation.messages import fault

if TYPE_CHECKING:
    from .views import View

__all__ = ["EFFECTS", "EffectSpec", "classify", "effect", "effect_spec"]

Change = Callable[["View", Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class EffectSpec:
    """An effect: its function and the parameters a definition must give (None: any names)."""

    name: str
    change: Change
    required: frozenset[str] | None


EFFECTS: dict[str, EffectSpec] = {}


def effect(name: str, *, required: tuple[str, ...] | None = ()) -> Callable[[Change], Change]:
    """Register an effect under `name`; `required=None` takes parameters of any name."""

    def register(change: Change) -> Change:
        EFFECTS[name] = EffectSpec(name, change, None if required is None else frozenset(required))
        return change

    return register


def effect_spec(name: str, params: Mapping[str, Any]) -> EffectSpec:
    """Return the effect called `name`; `DefinitionError` if unknown or its parameters do not fit."""
    spec = EFFECTS.get(name)
    if spec is None:
        raise fault(DefinitionError, "definition.effect", name=name, known=", ".join(sorted(EFFECTS)))
    if spec.required is not None and spec.required != set(params):
        raise fault(
            DefinitionError,
            "definition.effect_parameters",
            name=name,
            wanted=sorted(spec.required),
            given=sorted(params),
        )
    return spec


def classify(b1: int, b2: int, area: str, criteria: Mapping[str, Any]) -> str:
    """Return ``poor``, ``near_poor`` or ``none`` for the two scores of Phiếu B.

    B1 ≤ 140 (rural) / 175 (urban) and B2 ≥ 30 is poor, B2 < 30 near-poor; the limits belong to
    the class below them (TT 07/2021/TT-BLĐTBXH as restated by KH 523/KH-UBND Bắc Ninh 2021, III.1.1).
    """
    if b1 > criteria[f"b1_limit_{area}"]:
        return "none"
    return "poor" if b2 >= criteria["b2_poor_from"] else "near_poor"


@effect("remember", required=None)
def _remember(view: View, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Keep values under new names: ``act.field``, ``row.field``, ``day``, ``actor``, ``due.rule`` or a literal.

    ``who.field`` is the person the field names, else the actor.
    """
    return {name: _source(view, source) for name, source in params.items()}


@effect("forget", required=("facts",))
def _forget(_view: View, params: Mapping[str, Any]) -> Mapping[str, Any]:
    return dict.fromkeys(params["facts"])


@effect("count", required=("fact",))
def _count(view: View, params: Mapping[str, Any]) -> Mapping[str, Any]:
    return {params["fact"]: (view.facts.get(params["fact"]) or 0) + 1}


@effect("score", required=())
def _score(view: View, _params: Mapping[str, Any]) -> Mapping[str, Any]:
    b1, b2, area = view.given("b1"), view.given("b2"), view.given("area")
    return {"b1": b1, "b2": b2, "area": area, "class_after": classify(b1, b2, area, view.workflow.criteria)}


@effect("income_band", required=("inside",))
def _income_band(view: View, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Class `inside` if the 12-month income per head and month (đồng) lies in the area's band, else ``none``."""
    income, area, criteria = view.given("income"), view.given("area"), view.workflow.criteria
    above, upto = criteria[f"income_above_{area}"], criteria[f"income_upto_{area}"]
    found = view.value(params["inside"]) if above < income <= upto else "none"
    return {"income": income, "area": area, "class_after": found}


@effect("change", required=())
def _change(view: View, _params: Mapping[str, Any]) -> Mapping[str, Any]:
    before, after = view.case.class_before, view.fact("class_after")
    return {"change": _changes(before, after, former=view.facts.get("former") is True)}


@effect("settle", required=())
def _settle(view: View, _params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Let the decision's class become the household's own from now on; `applying` writes it."""
    return {"settled_class": view.fact("class_after")}


@effect("certify", required=("classes", "style"))
def _certify(view: View, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Mark who is given a certificate; `applying` numbers it, since numbers are drawn from the commune's series."""
    certified = view.fact("class_after")
    return {"certified": certified} if certified in params["classes"] else {}


def _changes(before: str, after: str, *, former: bool) -> str:
    # The average-living class is another list: on the lists of the poor such a household stood nowhere.
    before = before if before in {"poor", "near_poor"} else "none"
    if after == before:
        return "unchanged"
    if after == "none":
        return {"poor": "escaped_poverty", "near_poor": "escaped_near_poverty"}[before]
    if before == "poor":
        return "escaped_to_near_poor"
    if before == "near_poor":
        return "fell_to_poor"
    return "fell_back" if former else "newly_arisen"


@lru_cache(maxsize=1024)
def _reader(source: str) -> Callable[[View], Any]:
    """Return what reads a source, found out once for all households."""
    kind, _, name = source.partition(".")
    readers: Mapping[str, Callable[[View], Any]] = {
        "day": lambda view: view.occurred_on,
        "actor": lambda view: view.actor,
        "act": lambda view: view.body.get(name),
        "row": lambda view: view.given(name),
        "who": lambda view: view.given(name) or view.actor,
        "due": lambda view: view.due(name),
        "fact": lambda view: view.fact(name),
    }
    bare = kind in {"day", "actor"}
    return readers[kind] if kind in readers and bare is not bool(name) else lambda _view: source


def _source(view: View, source: Any) -> Any:
    if not isinstance(source, str):
        return source
    found = _reader(source)(view)
    return found.isoformat() if isinstance(found, date) else found
