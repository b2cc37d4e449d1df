"""Definitions made faulty on purpose: a shipped one, with something changed."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from rasoat.engine.loading import build
from tests.support.cases import library

if TYPE_CHECKING:
    from collections.abc import Callable

    from rasoat.engine.definition import Workflow

__all__ = ["altered", "arrow", "arrows"]


def altered(workflow_id: str, *changes: Callable[[dict[str, Any]], Any]) -> Workflow:
    """Return a shipped definition after `changes` to its table."""
    table = deepcopy(library().table(workflow_id))
    for change in changes:
        change(table)
    return build(table, workflow_id)


def arrows(table: dict[str, Any], trigger: str) -> list[dict[str, Any]]:
    """Return every arrow of a trigger."""
    return [one for one in table["transitions"] if one["trigger"] == trigger]


def arrow(table: dict[str, Any], trigger: str, source: str, target: str | None = None) -> dict[str, Any]:
    """Return the arrow of a trigger from a state (to a state)."""
    return next(one for one in arrows(table, trigger) if source in one["from"] and target in {None, one["to"]})
