"""Who may act for a case: a role is an office of one unit, at the level that the procedure names for it.

What the law gives to the chair of the district is not for the chair of a village, nor for a district that no longer
has a say (QĐ 24/2021/QĐ-TTg Điều 4 khoản 5). Whether a holder in a higher unit may act for all the offices below it,
as one account for a whole province would, is the setting `mandates_reach_down`, off unless it is set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..foundation.errors import InputError
from ..foundation.paths import at_level
from .definition import SUPERVISOR
from .values import Mandate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from .definition import Workflow
    from .values import Actor

__all__ = ["REACH_DOWN", "may_order", "office", "office_held"]

REACH_DOWN = "mandates_reach_down"


def office(workflow: Workflow, role: str, village_path: str) -> str | None:
    """Return the unit whose office `role` is for a village's cases; None if the path has no such level."""
    try:
        return at_level(village_path, workflow.roles[role].level)
    except InputError:
        return None


def office_held(
    workflow: Workflow, actor: Actor, roles: Iterable[str], village_path: str, day: date, *, reach_down: bool
) -> Mandate | None:
    """Return the mandate by which `actor` holds one of `roles` for a village's cases on `day`, the first that fits.

    A mandate in a unit below the role's level never does; one above it only with `reach_down`.
    """
    for role in roles:
        unit = office(workflow, role, village_path)
        if unit is None:
            continue
        if role in actor.everywhere:
            return Mandate(role, unit)
        for mandate in actor.mandates:
            if mandate.covers(role, unit, day) and (reach_down or mandate.unit_path == unit):
                return mandate
    return None


def may_order(
    workflow: Workflow, settings: Mapping[str, Any], actor: Actor, roles: Iterable[str], village_path: str, day: date
) -> bool:
    """Whether `actor` may order what no procedure knows as an act, of a village's cases and households, on `day`.

    By one of `roles` as far as the procedure has such an office, or as its supervisor, whose power reaches down.
    """
    if actor.mandate_for((SUPERVISOR,), village_path, day) is not None:
        return True
    offices = [role for role in roles if role in workflow.roles]
    reach_down = settings.get(REACH_DOWN) is True
    return office_held(workflow, actor, offices, village_path, day, reach_down=reach_down) is not None
