"""Rows of administrative units into `Units`: a faulty file is refused whole, each faulty cell named.

The project's own form is TOML (`load_units`). Tables (.csv, .xlsx) come to the same check through
`rasoat.importing.units`.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from .rows import Row, RowError, RowsRefusedError, day_in, read_toml
from .units import DISTRICTS_END, Change, Lineage, Unit, UnitLevel, Units

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.resources.abc import Traversable
    from pathlib import Path

__all__ = ["lineage_rows", "load_units", "sample_units", "unit_rows", "units_of"]

_UNIT_NEEDS, _UNIT_MAY = ("code", "name", "level"), ("valid_from", "parent", "valid_to", "source")
_CHANGE_NEEDS, _CHANGE_MAY = ("change", "from", "to", "on"), ("decision",)
_DAY = timedelta(days=1)
_E = TypeVar("_E", bound=StrEnum)


def load_units(path: Path | Traversable) -> Units:
    """Read units and their lineage from a TOML file (``[[unit]]``, ``[[change]]``).

    `RowsRefusedError` names every faulty row, column and value; nothing is loaded then.
    """
    read = read_toml(path, {"unit": (*_UNIT_NEEDS, *_UNIT_MAY), "change": (*_CHANGE_NEEDS, *_CHANGE_MAY)})
    return units_of(read["unit"], read["change"])


def units_of(unit_rows: Iterable[Row], change_rows: Iterable[Row] = (), *, undated: date | None = None) -> Units:
    """Return the units that rows of text give, checked against each other; errors as `load_units`.

    `undated` is for a list that gives no days (a commune's own, of what stands at its time): every unit stands from
    that day, and how long is not known, of a district neither.
    """
    faults: list[RowError] = []
    read = [_Read(row, unit) for row in unit_rows if (unit := _unit(row, faults, undated))]
    lineage = [(row, change) for row in change_rows if (change := _change(row, faults))]
    if faults:  # what was not read can't be checked against the rest
        raise RowsRefusedError(faults)
    versions: dict[str, list[Unit]] = defaultdict(list)
    for each in read:
        faults += _unit_faults(each, versions, may_last=undated is not None)
        versions[each.unit.code].append(each.unit)
    for each in read:
        faults += _parent_faults(each, versions)
    for row, change in lineage:
        faults += _change_faults(row, change, versions)
    if faults:
        raise RowsRefusedError(faults)
    return Units((each.unit for each in read), (change for _, change in lineage))


@cache
def sample_units() -> Units:
    """Return the sample that comes with the project (one commune of Hà Tĩnh; see the file's notes on its codes)."""
    return load_units(files(__package__) / "data" / "units" / "ha-tinh-sample.toml")


def unit_rows(units: Units) -> list[dict[str, Any]]:
    """Return units as the store keeps them: one row a path, with the name it had last and all the days it stood.

    Their code there is the last part of the path: a village's number within its commune.
    """
    rows: dict[str, dict[str, Any]] = {}
    for unit in units.versions():
        for path, first, last in _stood(units, unit):
            row = rows.setdefault(path, {"path": path, "code": unit.segment, "valid_from": first})
            row |= {"level": unit.level.value, "name": unit.name, "valid_to": last}
    return list(rows.values())


def lineage_rows(units: Units) -> list[dict[str, Any]]:
    """Return what became of units as the store keeps it: by the paths they had before and since."""
    return [
        {
            "old_path": _stored(units, change.origin, change.on - _DAY),
            "new_path": _stored(units, change.result, change.on),
            "kind": change.change.value,
            "on_day": change.on,
            "document": change.decision,
        }
        for change in units.changes()
    ]


def _stood(units: Units, unit: Unit) -> list[tuple[str, date, date | None]]:
    """Return under which paths a version stood, from when and through when: its parents may change above it."""
    days = {unit.valid_from}
    for other in units.versions():
        if unit.valid_from < other.valid_from and (unit.valid_to is None or other.valid_from <= unit.valid_to):
            days.add(other.valid_from)
    found: list[tuple[str, date, date | None]] = []
    for day in sorted(days):
        path = _stored(units, unit.code, day)
        if found and found[-1][0] == path:
            continue
        if found:
            found[-1] = (*found[-1][:2], day - _DAY)
        found.append((path, day, unit.valid_to))
    return found


def _stored(units: Units, code: str, day: date) -> str:
    return units.path(code, day).removeprefix("/")


class _Read(NamedTuple):
    row: Row
    unit: Unit


def _unit(row: Row, faults: list[RowError], undated: date | None) -> Unit | None:
    before = len(faults)
    _require(row, _UNIT_NEEDS, faults)
    level = _choice(row, "level", UnitLevel, faults)
    valid_from, valid_to = undated or day_in(row, "valid_from", faults), day_in(row, "valid_to", faults)
    if valid_from is None and "valid_from" not in row.cells:
        faults.append(row.fault("valid_from", "rows.missing"))
    if len(faults) > before or level is None or valid_from is None:
        return None
    cells = row.cells
    code, parent = cells["code"], cells.get("parent")
    if level is UnitLevel.VILLAGE and parent and "." not in code:
        code = f"{parent}.{code}"  # every commune has its village 01
    return Unit(code, cells["name"], level, parent, valid_from, valid_to, cells.get("source", ""))


def _change(row: Row, faults: list[RowError]) -> Lineage | None:
    before = len(faults)
    _require(row, _CHANGE_NEEDS, faults)
    change, on = _choice(row, "change", Change, faults), day_in(row, "on", faults)
    if len(faults) > before or change is None or on is None:
        return None
    return Lineage(change, row.cells["from"], row.cells["to"], on, row.cells.get("decision", ""))


def _require(row: Row, columns: tuple[str, ...], faults: list[RowError]) -> None:
    faults += [row.fault(column, "rows.missing") for column in columns if column not in row.cells]


def _choice(row: Row, column: str, options: type[_E], faults: list[RowError]) -> _E | None:
    written = row.cells.get(column)
    if written is None:
        return None
    if written not in list(options):
        faults.append(row.fault(column, "rows.choice", options=", ".join(options)))
        return None
    return options(written)


def _unit_faults(read: _Read, versions: dict[str, list[Unit]], *, may_last: bool) -> list[RowError]:
    """Return what is wrong with a unit by itself and against the earlier rows of its code."""
    row, unit = read
    faults: list[RowError] = []
    if unit.valid_to is not None and unit.valid_to < unit.valid_from:
        faults.append(row.fault("valid_to", "units.ends_first"))
    if unit.level is UnitLevel.DISTRICT and not may_last and (unit.valid_to or date.max) > DISTRICTS_END:
        faults.append(row.fault("valid_to", "units.district_ends", day=f"{DISTRICTS_END:%d/%m/%Y}"))
    if any(_overlap(unit, other) for other in versions[unit.code]):
        faults.append(row.fault("code", "units.twice"))
    if "/" in unit.code or (unit.level is not UnitLevel.VILLAGE and "." in unit.code):
        faults.append(row.fault("code", "units.code"))
    return faults


def _parent_faults(read: _Read, versions: dict[str, list[Unit]]) -> list[RowError]:
    row, unit = read
    if unit.parent is None or unit.level is UnitLevel.PROVINCE:
        top = unit.parent is None and unit.level is UnitLevel.PROVINCE
        return [] if top else [row.fault("parent", "units.parent_missing")]
    over = [parent for parent in versions.get(unit.parent, []) if _overlap(unit, parent)]
    if not _covered(unit, over):
        return [row.fault("parent", "units.parent_not_valid")]
    if any(parent.level.rank >= unit.level.rank for parent in over):
        return [row.fault("parent", "units.parent_level")]
    if unit.level is UnitLevel.VILLAGE and unit.code.rpartition(".")[0] != unit.parent:
        return [row.fault("code", "units.village_code", parent=unit.parent)]
    return []


def _change_faults(row: Row, change: Lineage, versions: dict[str, list[Unit]]) -> list[RowError]:
    faults: list[RowError] = []
    if not any(unit.valid_on(change.on - _DAY) for unit in versions.get(change.origin, [])):
        faults.append(row.fault("from", "units.origin", day=f"{change.on - _DAY:%d/%m/%Y}"))
    if not any(unit.valid_on(change.on) for unit in versions.get(change.result, [])):
        faults.append(row.fault("to", "units.result", day=f"{change.on:%d/%m/%Y}"))
    same = change.origin == change.result
    if (change.change is Change.RENAMED and not same) or (change.change is Change.RECODED and same):
        faults.append(row.fault("to", f"units.{change.change}"))
    return faults


def _overlap(one: Unit, other: Unit) -> bool:
    return one.valid_from <= (other.valid_to or date.max) and other.valid_from <= (one.valid_to or date.max)


def _covered(unit: Unit, parents: list[Unit]) -> bool:
    """Whether some version of the parent stands on every day of `unit`."""
    day, last = unit.valid_from, unit.valid_to or date.max
    for parent in sorted(parents, key=lambda parent: parent.valid_from):
        if parent.valid_from > day:
            return False
        end = parent.valid_to or date.max
        if end >= last:
            return True
        day = max(day, end + _DAY)
    return False
