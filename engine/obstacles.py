"""What others built on an entry, so that it can no longer be corrected: barriers passed, classes handed on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..persistence import certificates
from ..persistence.corrections import later_cases, passed_by_others
from ..persistence.historical import cases_on
from .gathering import barrier_states
from .restating import stood_on
from .values import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..persistence.corrections import Passed
    from ..persistence.database import Tx
    from ..persistence.events import ActRow
    from .restating import Restated
    from .service import Engine
    from .values import ActRequest

__all__ = ["obstacles"]


def obstacles(
    tx: Tx, engine: Engine, act: ActRow | None, restated: Sequence[Restated], requests: Mapping[int, ActRequest] | None
) -> list[Refusal]:
    """Return why restated cases cannot be written, though each by itself could; empty if nothing stands in the way."""
    return [
        *_barriers(tx, engine, act, restated, requests),
        *_handed_on(tx, restated),
        *(_papers(tx, restated) if requests is None else ()),
        *(_not_yet(tx, engine, act, restated, requests) if act is not None else ()),
    ]


def _barriers(
    tx: Tx, engine: Engine, act: ActRow | None, restated: Sequence[Restated], requests: Mapping[int, ActRequest] | None
) -> list[Refusal]:
    """Find barriers that other cases passed and that a restated case would have held up on that day."""
    found: list[Refusal] = []
    ids = [each.case.id for each in restated]
    first = [each.brought.last_on for each in restated] if act is None else [act.occurred_on]
    since = min([*first, *(request.occurred_on for request in (requests or {}).values())])
    for round_id in sorted({each.case.round_id for each in restated}):
        mine = [each for each in restated if each.case.round_id == round_id]
        levels = engine.library.compiled(mine[0].case.workflow).census_levels
        for passed in passed_by_others(tx, round_id, sorted(levels), since, ids) if levels else ():
            found += _held_up(engine, passed, mine)
    return found


def _held_up(engine: Engine, passed: Passed, restated: Sequence[Restated]) -> list[Refusal]:
    compiled = engine.library.compiled(passed.workflow)
    level, waiting = compiled.census_levels.get(passed.trigger), barrier_states(compiled.workflow, passed.trigger)
    label = compiled.workflow.triggers[passed.trigger].label
    fields = {"act_vi": label.vi, "act_en": label.en, "day": passed.occurred_on, "unit": passed.unit_path}
    return [
        Refusal("correcting.barrier", "", fields, each.case.id)
        for each in restated
        if level == "round" or each.case.unit_path == passed.unit_path
        if stood_on(each.new, passed.occurred_on) in waiting and stood_on(each.old, passed.occurred_on) not in waiting
    ]


def _handed_on(tx: Tx, restated: Sequence[Restated]) -> list[Refusal]:
    """Find households whose class changes though a later review began from it."""
    changing = {
        each.case.household_id: each.case.id
        for each in restated
        if each.facts_before.get("settled_class") != each.facts_after.get("settled_class")
    }
    later = later_cases(tx, changing) if changing else {}
    return [
        Refusal("correcting.later_case", "", {"later": later[household]}, case_id)
        for household, case_id in changing.items()
        if household in later
    ]


def _papers(tx: Tx, restated: Sequence[Restated]) -> list[Refusal]:
    """Find cases whose certificate was handed out: that is corrected, never undone."""
    numbers = certificates.of_cases(tx, [each.case.id for each in restated])
    return [
        Refusal("correcting.certificate", "", {"number": numbers[each.case.id]}, each.case.id)
        for each in restated
        if each.case.id in numbers and not each.facts_after.get("certified")
    ]


def _not_yet(
    tx: Tx, engine: Engine, act: ActRow, restated: Sequence[Restated], requests: Mapping[int, ActRequest] | None
) -> list[Refusal]:
    """Find others that had not come far enough by the corrected day of an act that waits for a village or round."""
    if requests is None:
        return []
    found: list[Refusal] = []
    mine = {each.case.id for each in restated}
    for each in _one_a_place(engine, act, restated):
        day = requests[each.case.id].occurred_on
        compiled = engine.library.compiled(each.case.workflow)
        waiting = barrier_states(compiled.workflow, act.trigger)
        village = each.case.unit_path if compiled.census_levels[act.trigger] == "village" else None
        if day == act.occurred_on:
            continue
        stood = cases_on(tx, day, engine.clock.now(), round_id=each.case.round_id, unit_path=village)
        behind = [case_id for case_id, _, state in stood if state in waiting and case_id not in mine]
        if behind:
            found.append(Refusal("correcting.behind", "", {"day": day, "count": len(behind)}, each.case.id))
    return found


def _one_a_place(engine: Engine, act: ActRow, restated: Sequence[Restated]) -> list[Restated]:
    """Return one case for each village or round whose other cases the act waits for."""
    places: dict[tuple[int, str], Restated] = {}
    for each in restated:
        level = engine.library.compiled(each.case.workflow).census_levels.get(act.trigger)
        if level:
            places.setdefault((each.case.round_id, each.case.unit_path if level == "village" else ""), each)
    return list(places.values())
