"""A definition laid over another: what it inherits, what it leaves out, what it adds. Tables in, table out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..foundation.errors import DefinitionError
from ..foundation.messages import fault

__all__ = ["expand", "resolve"]

_STAGE = "@"


def resolve(table: Mapping[str, Any], base: Mapping[str, Any] | None) -> dict[str, Any]:
    """Lay `table` over `base`.

    Tables merge key by key, everything else is replaced. ``without`` leaves out what is inherited
    (``states.reported``, ``triggers.report``, ``transitions.summarise``: every arrow of that trigger);
    with a state or a trigger go its arrows. ``[add]`` appends to inherited lists.
    """
    own = {key: value for key, value in table.items() if key not in {"without", "add"}}
    merged = _merged(_less(base or {}, table.get("without", [])), own)
    for key, items in table.get("add", {}).items():
        if not isinstance(items, list) or not isinstance(merged.get(key, []), list):
            raise fault(DefinitionError, "definition.add", key=key)
        merged[key] = [*merged.get(key, []), *items]
    return merged


def expand(table: Mapping[str, Any]) -> dict[str, Any]:
    """Write out the groups of states that ``[stages]`` names: in a list, ``"@open"`` stands for members of `open`."""
    stages = table.get("stages", {})
    if not isinstance(stages, Mapping) or not all(isinstance(members, list) for members in stages.values()):
        raise fault(DefinitionError, "definition.stages")
    return {key: _expanded(value, stages) for key, value in table.items() if key != "stages"}


def _expanded(value: Any, stages: Mapping[str, list[Any]]) -> Any:
    if isinstance(value, Mapping):
        return {key: _expanded(inner, stages) for key, inner in value.items()}
    if isinstance(value, list):
        return [one for item in value for one in _members(item, stages)]
    return value


def _members(item: Any, stages: Mapping[str, list[Any]]) -> list[Any]:
    if isinstance(item, str) and item.startswith(_STAGE):
        name = item.removeprefix(_STAGE)
        if name not in stages:
            raise fault(DefinitionError, "definition.stage", item=item, known=", ".join(stages) or "none")
        return [one for member in stages[name] for one in _members(member, stages)]
    return [_expanded(item, stages)]


def _merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(base)
    for key, value in own.items():
        old = found.get(key)
        found[key] = _merged(old, value) if isinstance(value, Mapping) and isinstance(old, Mapping) else value
    return found


def _less(base: Mapping[str, Any], without: list[str]) -> dict[str, Any]:
    found = dict(base)
    for name in without:
        section, _, key = name.partition(".")
        if section != "transitions":
            found[section] = _popped(found, section, key)
        if section in {"transitions", "triggers", "states"}:
            found["transitions"] = _arrows_less(found.get("transitions", []), section, key)
        if section == "states":
            found["stages"] = {k: [m for m in v if m != key] for k, v in found.get("stages", {}).items()}
            found["deadlines"] = {k: _left(v, key) for k, v in found.get("deadlines", {}).items()}
    return found


def _popped(table: Mapping[str, Any], section: str, key: str) -> dict[str, Any]:
    entries = table.get(section)
    if not isinstance(entries, Mapping) or key not in entries:
        there = ", ".join(entries) if isinstance(entries, Mapping) else "nothing"
        raise fault(DefinitionError, "definition.without", section=section, key=key, there=there)
    return {name: value for name, value in entries.items() if name != key}


def _left(rule: Mapping[str, Any], state: str) -> dict[str, Any]:
    return {**rule, "lives_in": [one for one in rule.get("lives_in", []) if one != state]}


def _arrows_less(arrows: list[Mapping[str, Any]], section: str, key: str) -> list[dict[str, Any]]:
    if section != "states":
        return [dict(arrow) for arrow in arrows if arrow.get("trigger") != key]
    kept = ({**arrow, "from": [s for s in arrow.get("from", []) if s != key]} for arrow in arrows)
    return [arrow for arrow in kept if arrow["from"] and arrow.get("to") != key]
