"""What an act meets: its cases under lock, their rounds, their running terms, and who else holds up a barrier."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ..foundation.paths import at_level
from ..persistence.cases import CaseRow, census, lock_for_act
from ..persistence.deadlines import open_of
from .views import Census

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from ..persistence.database import Tx
    from ..persistence.deadlines import DeadlineRow
    from .definition import Workflow
    from .machine import CompiledWorkflow
    from .service import Library
    from .values import ActRequest

__all__ = ["Group", "barrier_states", "census_of", "gather"]


class Group(NamedTuple):
    """Locked cases of one workflow and commune, and what surrounds them."""

    compiled: CompiledWorkflow
    commune: str
    cases: Sequence[CaseRow]
    round_days: Mapping[int, Mapping[str, date]]
    running: Mapping[int, tuple[DeadlineRow, ...]]
    settings_stored: bool


def gather(tx: Tx, library: Library, case_ids: Sequence[int]) -> list[Group]:
    """Lock cases and return them by workflow and commune; `NotFoundError` names those that do not exist."""
    standing = lock_for_act(tx, case_ids)
    groups: dict[tuple[str, str], list[CaseRow]] = {}
    for case in standing.cases:
        groups.setdefault((case.workflow, at_level(case.unit_path, "commune")), []).append(case)
    days = {i: {k: day for k, day in found._asdict().items() if day} for i, found in standing.rounds.items()}
    return [
        Group(compiled, commune, cases, days, _running(tx, compiled.workflow, cases), standing.settings_stored)
        for (workflow, commune), cases in groups.items()
        for compiled in (library.compiled(workflow),)
    ]


def census_of(tx: Tx, group: Group, request: ActRequest) -> dict[str, Census]:
    """Count the other cases that hold the act up, by the place of each guard's barrier: a village or the round."""
    compiled, cases = group.compiled, group.cases
    if request.trigger not in compiled.census_levels:
        return {}
    level, waiting = compiled.census_levels[request.trigger], barrier_states(compiled.workflow, request.trigger)
    found: dict[str, Census] = {}
    for case in cases:
        path = case.unit_path if level == "village" else None
        key = path or str(case.round_id)
        if key not in found:
            counted = census(tx, case.round_id, path, waiting, request.case_ids)
            found[key] = Census({s: n for s, (n, _) in counted.items()}, {s: ids for s, (_, ids) in counted.items()})
    return found


def _running(tx: Tx, workflow: Workflow, cases: Sequence[CaseRow]) -> Mapping[int, tuple[DeadlineRow, ...]]:
    """Return the open deadlines of cases, asking only for those that stand where a term runs."""
    states = _states_with_terms(workflow)
    return open_of(tx, waiting) if (waiting := [c.id for c in cases if c.state in states]) else {}


@lru_cache(maxsize=1024)
def _states_with_terms(workflow: Workflow) -> frozenset[str]:
    return frozenset(state for rule in workflow.deadlines for state in rule.lives_in)


@lru_cache(maxsize=1024)
def barrier_states(workflow: Workflow, trigger: str) -> tuple[str, ...]:
    """Return the states that hold up `trigger`, by any of its guards."""
    arrows = [t for t in workflow.transitions if t.trigger == trigger]
    return tuple(sorted({state for t in arrows for g in t.guards for state in g.params.get("waiting", ())}))
