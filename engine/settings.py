"""Settings: what the law leaves open. Which a deployment may set, and which are part of a definition.

A term's own settings (how its days are counted, a length or a start that no law gives) are read when a definition is
loaded: its fingerprint covers them, and every proof of a last day rests on them. A value stored for a unit could
not reach them, so it is refused; who wants another value loads a regime that states it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..foundation.errors import InputError
from ..foundation.messages import fault
from .offices import REACH_DOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .definition import Workflow

__all__ = ["ENGINE_SETTINGS", "fixed_settings", "require_changeable", "require_setting", "setting_of"]

COUNTING = frozenset({"count_first_day", "makeup_days_count", "roll_end"})
"""How days of terms are counted; read by the loader for every term of a definition."""

ENGINE_SETTINGS = frozenset({"back_dating_days", "correction_roles", REACH_DOWN})
"""What the engine reads of any procedure, named by its definition or not."""

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "agreement_base": ("attendees", "households"),
    "round_starts": ("on_day", "next_working_day", "from_day"),
}


def fixed_settings(workflow: Workflow) -> frozenset[str]:
    """Return the settings that are part of the definition: no stored value reaches them."""
    return COUNTING | {name for rule in workflow.deadlines for name in rule.from_settings}


def setting_of(workflow: Workflow, in_force: Mapping[str, Any], key: str) -> Any:
    """Return a setting: as given or stored for the unit, else as the definition has it; None if neither says."""
    declared = workflow.settings.get(key)
    return in_force.get(key, declared.default if declared else None)


def require_changeable(workflow: Workflow, given: Iterable[str]) -> None:
    """Refuse values for settings that are part of the definition; `InputError` names them in both languages."""
    fixed = sorted(fixed_settings(workflow) & set(given))
    if fixed:
        raise fault(InputError, "settings.fixed", settings=", ".join(fixed), workflow=workflow.id)


def require_setting(workflows: Iterable[Workflow], key: str, value: Any) -> None:
    """Refuse a setting that none of `workflows` knows, that is part of one of them, or a value of another sort.

    `InputError` says which, in both languages.
    """
    known: Mapping[str, Any] = {}
    asked = list(workflows)
    for workflow in asked:
        require_changeable(workflow, [key])
        known = {**known, **{name: setting.default for name, setting in workflow.settings.items()}}
    if key not in known and key not in ENGINE_SETTINGS:
        there = ", ".join(sorted({*known, *ENGINE_SETTINGS} - {n for w in asked for n in fixed_settings(w)}))
        raise fault(InputError, "settings.unknown", setting=key, known=there)
    if not _fits(key, known.get(key), value):
        raise fault(InputError, "settings.sort", setting=key, value=value, default=known.get(key))


def _fits(key: str, default: Any, value: Any) -> bool:
    if key == "back_dating_days":
        return value is None or (type(value) is int and value >= 0)
    if key == "correction_roles":
        return isinstance(value, list | tuple) and bool(value) and all(isinstance(role, str) for role in value)
    if key in _CHOICES:
        return value in _CHOICES[key]
    return type(value) is type(default)
