"""What a round and its cases must be before they are opened: in the law's window, of one commune, registered, once.

All of it is refused with what was wrong, where, what was expected and what to do, in Vietnamese and English. The
window is law for the annual review (QĐ 24/2021/QĐ-TTg Điều 3 khoản 1 điểm a); on which day a monthly round may begin
is the setting `round_starts` (doubt D8).
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from .engine.definition import StateKind
from .engine.openings import CLASS_BEFORE, OWN_FACTS, fits, said
from .engine.people import AREAS
from .foundation.errors import InputError, NotFoundError
from .foundation.messages import fault
from .foundation.paths import at_level
from .persistence.cases import load
from .persistence.lineage import cases_of_households
from .persistence.rounds import household_code, rounds, rounds_of, units_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .engine.definition import Workflow
    from .engine.people import Household
    from .engine.service import Engine
    from .persistence.database import Tx
    from .persistence.rounds import HouseholdRow, RoundRow, UnitRow

__all__ = [
    "opening_facts",
    "require_admissible",
    "require_households",
    "require_registered",
    "require_round",
    "require_same_round",
    "require_villages",
    "season_end",
]

_CODE = re.compile(r"[^\x00-\x1f\x7f/]{1,64}")
_BORN = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
_CLASSES = ("none", "poor", "near_poor", "average")
_COMMUNE_DEPTHS = (1, 2)
_VILLAGE_DEPTHS = (2, 3)
_SHOWN = 5
_LONGEST_WAIT = timedelta(days=366)  # no law: what was asked for longer before a round is taken for a slip of the pen
_REGISTERED: Mapping[str, Callable[[HouseholdRow], str]] = {
    "class_before": lambda row: row.class_now,
    "household_class": lambda row: row.class_now,
    "area": lambda row: row.area,
}


def season_end(workflow: Workflow, started_on: date) -> date | None:
    """Return the last day of the season of a round that starts on `started_on`, None if its regime names none."""
    return _in_year(workflow, "season_ends", started_on)


def require_round(tx: Tx, engine: Engine, workflow: Workflow, asked: RoundRow, today: date) -> None:
    """Refuse a round that may not be opened.

    `InputError`: no code, not a commune, a path that lacks a level at which somebody must act, a first day to come or
    outside the window, an end before the beginning or after the season, the commune's second round of one season, a
    commune that did not stand on that day. `NotFoundError`: a commune that is not on record.
    """
    if not _CODE.fullmatch(asked.code) or not asked.code.strip():
        raise fault(InputError, "admission.code", code=asked.code)
    _require_commune(tx, workflow, asked)
    if asked.started_on > today:
        raise fault(InputError, "admission.to_come", round=asked.code, day=asked.started_on, today=today)
    _require_season(workflow, asked)
    _require_round_day(tx, engine, workflow, asked)
    period = _period(workflow, asked)
    for other in rounds_of(tx, asked.unit_path) if period else ():
        if period == _period(engine.library.compiled(other.workflow).workflow, other):
            raise fault(
                InputError, "admission.second_round", round=asked.code, unit=asked.unit_path, other=other.code,
                day=other.started_on,
            )  # fmt: skip


def require_admissible(
    tx: Tx, engine: Engine, opened_in: RoundRow, rows: Sequence[HouseholdRow], opened_on: date, today: date
) -> None:
    """Refuse to open cases of households in a round.

    `InputError`: a household of another commune or that ended, a day to come, long before the round or after its
    season, a household that is under review in another round of the procedure already.
    """
    workflow = engine.library.compiled(opened_in.workflow).workflow
    if opened_on > today:
        raise fault(InputError, "admission.to_come", round=opened_in.code, day=opened_on, today=today)
    last = season_end(workflow, opened_in.started_on)
    earliest = opened_in.started_on - _LONGEST_WAIT
    if opened_on < earliest or (last is not None and opened_on > last):
        raise fault(
            InputError, "admission.opened_outside", round=opened_in.code, day=opened_on, first=earliest,
            last=last or today,
        )  # fmt: skip
    strange = [row.code for row in rows if not row.unit_path.startswith(opened_in.unit_path + "/")]
    if strange:
        raise fault(InputError, "admission.elsewhere", unit=opened_in.unit_path, **_some(strange))
    if ended := [row.code for row in rows if row.valid_to is not None]:
        raise fault(InputError, "admission.ended", **_some(ended))
    _require_idle(tx, engine, workflow, rows)


def require_same_round(known: RoundRow, workflow: str, unit_path: str, started_on: date) -> None:
    """Refuse a code that another round has: `InputError`."""
    if (known.workflow, known.unit_path, known.started_on) != (workflow, unit_path, started_on):
        raise fault(
            InputError, "admission.code_taken", round=known.code, workflow=known.workflow, unit=known.unit_path,
            day=known.started_on, other_workflow=workflow, other_unit=unit_path, other_day=started_on,
        )  # fmt: skip


def require_registered(wanted: Iterable[str], found: Mapping[str, HouseholdRow]) -> None:
    """Refuse codes of households that are not on the register: `NotFoundError` names them."""
    if missing := [code for code in wanted if code not in found]:
        raise fault(NotFoundError, "admission.not_registered", **_some(missing))


def opening_facts(workflow: Workflow, row: HouseholdRow, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts with which a household's case opens: those given, and those it is registered with.

    `InputError` for a fact that the procedure does not open with (it would stand in for what an act must say), that is
    missing, has another value than the procedure knows, or differs from the register.
    """
    registered = {name: read(row) for name, read in _REGISTERED.items() if name in workflow.opens_with}
    asked = {name: values for name, values in workflow.opens_with.items() if name not in registered}
    for name, value in given.items():
        where = {"household": row.code, "fact": name, "found": value, "workflow": workflow.id}
        if name in registered:
            if value != registered[name]:
                raise fault(InputError, "admission.not_as_registered", **where, kept=registered[name])
        elif name not in (known := {**asked, **OWN_FACTS}) or not fits(value, known[name]):
            raise fault(InputError, "admission.fact", **where, expected=said(known))
    if missing := [name for name in asked if name not in given]:
        raise fault(
            InputError, "admission.fact_missing", household=row.code, missing=", ".join(missing), workflow=workflow.id,
            expected=said(asked),
        )  # fmt: skip
    facts = {**given, **registered}
    facts.pop(CLASS_BEFORE, None)  # kept with the case itself
    return facts


def require_households(tx: Tx, households: Sequence[Household], today: date) -> None:
    """Refuse households that cannot be: no code, a code given twice, a place that is no village, values nobody knows.

    `InputError`, or `NotFoundError` for a village that is not on record, or stands no more.
    """
    twice = [code for code, count in Counter(each.code for each in households).items() if count > 1]
    if twice:
        raise fault(InputError, "admission.code_twice", **_some(twice))
    for each in households:
        if not _CODE.fullmatch(each.code) or not each.code.strip():
            raise fault(InputError, "admission.code", code=each.code)
        _require_value(each.code, "area", each.area, AREAS)
        _require_value(each.code, "class_now", each.class_now, _CLASSES)
        if each.unit_path.count("/") not in _VILLAGE_DEPTHS or not all(each.unit_path.split("/")):
            raise fault(InputError, "admission.not_village", household=each.code, unit=each.unit_path)
        for person in each.members:
            if not person.name.strip() or not _BORN.fullmatch(person.born):
                raise fault(InputError, "admission.person", household=each.code, born=person.born)
    require_villages(tx, {each.unit_path: each.code for each in households}, today)


def require_villages(tx: Tx, places: Mapping[str, str], *days: date) -> None:
    """Refuse places (path → household) that are no villages on record, or do not stand on each of the days.

    `NotFoundError`; where a host keeps no units here, any place will do.
    """
    known = units_at(tx, places) if places else None
    for path, household in places.items() if known is not None else ():
        unit = (known or {}).get(path)
        if unit is None or unit.level != "village":
            raise fault(NotFoundError, "admission.village_unknown", household=household, unit=path)
        for day in days:
            if not _stands(unit, day):
                raise fault(NotFoundError, "admission.village_ended", household=household, unit=path, day=day)


def _stands(unit: UnitRow, day: date) -> bool:
    return unit.valid_from <= day and (unit.valid_to is None or day <= unit.valid_to)


def _require_commune(tx: Tx, workflow: Workflow, asked: RoundRow) -> None:
    """Require a commune that stands on the first day, with a place at each level at which the procedure has a desk."""
    where = {"round": asked.code, "unit": asked.unit_path, "workflow": workflow.id}
    if asked.unit_path.count("/") not in _COMMUNE_DEPTHS or not all(asked.unit_path.split("/")):
        raise fault(InputError, "admission.not_commune", **where)
    known = units_at(tx, [asked.unit_path])
    if known is not None and asked.unit_path not in known:
        raise fault(NotFoundError, "admission.commune_unknown", **where)
    if known is not None and known[asked.unit_path].level != "commune":
        raise fault(InputError, "admission.not_commune", **where)
    if known is not None and not _stands(known[asked.unit_path], asked.started_on):
        raise fault(InputError, "admission.commune_ended", **where, day=asked.started_on)
    for role in workflow.roles.values():
        try:
            at_level(f"{asked.unit_path}/-", role.level)
        except InputError as error:
            raise fault(
                InputError, "admission.level_missing", **where, level=role.level, role_vi=role.label.vi,
                role_en=role.label.en,
            ) from error  # fmt: skip


def _require_season(workflow: Workflow, asked: RoundRow) -> None:
    first, last = _in_year(workflow, "season_starts", asked.started_on), season_end(workflow, asked.started_on)
    if (first and asked.started_on < first) or (last and asked.started_on > last):
        refused = fault(InputError, "admission.season", round=asked.code, day=asked.started_on, first=first, last=last)
        refused.article = "QĐ 24/2021/QĐ-TTg Điều 3 khoản 1 điểm a"
        raise refused
    if asked.ends_on and (asked.ends_on < asked.started_on or (last and asked.ends_on > last)):
        raise fault(
            InputError, "admission.end", round=asked.code, day=asked.ends_on, first=asked.started_on, last=last or "…"
        )


def _require_round_day(tx: Tx, engine: Engine, workflow: Workflow, asked: RoundRow) -> None:
    if workflow.round_day is None:
        return
    in_force = engine.settings_in_force(tx, workflow.id, asked.unit_path)
    starts = in_force.get("round_starts", workflow.settings["round_starts"].default)
    day = asked.started_on.replace(day=workflow.round_day)
    last = day
    if starts == "from_day":
        last = day.replace(day=monthrange(day.year, day.month)[1])
    elif starts == "next_working_day":
        calendar = engine.calendar_for(asked.started_on, asked.unit_path)
        day = last = day if calendar.is_working(day) else calendar.add_working_days(day, 1)
    if not day <= asked.started_on <= last:
        raise fault(
            InputError, "admission.round_day", round=asked.code, day=asked.started_on, expected=day, starts=starts
        )


def _require_idle(tx: Tx, engine: Engine, workflow: Workflow, rows: Sequence[HouseholdRow]) -> None:
    """Require that none is under review in the procedure already: it would be decided on, and certified, twice."""
    for case_id, other, state in cases_of_households(tx, [row.id for row in rows]):
        under = engine.library.compiled(other).workflow
        if under.key == workflow.key and under.state(state).kind is not StateKind.END:
            whose = _whose(tx, case_id)
            raise fault(InputError, "admission.under_review", case=case_id, workflow=other, household=whose)


def _whose(tx: Tx, case_id: int) -> str:
    """Return whose case it is and of which round."""
    (case,) = load(tx, [case_id])
    return f"{household_code(tx, case.household_id)} ({rounds(tx, [case.round_id])[case.round_id].code})"


def _period(workflow: Workflow, opened: RoundRow) -> tuple[str, int, int] | None:
    """Return what there is one round of: the annual review once a year, the regular one once a month (Điều 3)."""
    if workflow.round_day is not None:
        return workflow.key, opened.started_on.year, opened.started_on.month
    return (workflow.key, opened.started_on.year, 0) if "season_ends" in workflow.criteria else None


def _in_year(workflow: Workflow, criterion: str, day: date) -> date | None:
    found = workflow.criteria.get(criterion)
    return None if found is None else date(day.year, found["month"], found["day"])


def _require_value(household: str, column: str, found: str, known: tuple[str, ...]) -> None:
    if found not in known:
        raise fault(
            InputError, "admission.value", household=household, column=column, found=found, expected=", ".join(known)
        )


def _some(codes: Sequence[str]) -> dict[str, object]:
    return {"count": len(codes), "households": ", ".join(codes[:_SHOWN]) + ("…" if len(codes) > _SHOWN else "")}
