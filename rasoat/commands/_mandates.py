"""Mandates as they are typed: ROLE:UNIT_PATH, with the days between which they hold if need be."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from ._speaking import wrong_usage

if TYPE_CHECKING:
    from ..engine.values import Mandate

__all__ = ["mandate"]

_BOUNDS = 2


def mandate(typed: str) -> Mandate:
    """Read ROLE:UNIT_PATH[:FROM[:TO]]; wrong usage for anything else."""
    from ..engine.values import Mandate

    role, _, rest = typed.partition(":")
    unit, *days = rest.split(":")
    try:
        bounds = [date.fromisoformat(day) if day else None for day in days]
    except ValueError as error:
        raise wrong_usage(code="usage.role", role=typed) from error
    if not role or not unit or len(bounds) > _BOUNDS:
        raise wrong_usage(code="usage.role", role=typed)
    return Mandate(role, unit, *bounds)
