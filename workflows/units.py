"""Administrative units (đơn vị hành chính) with validity and lineage, asked as of a day.

The district level (cấp huyện) ended with 30/06/2025 (NĐ 131/2025/NĐ-CP: two levels of local government from
01/07/2025). A code names a unit as of a day: after a change of parent or name it has a further version.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from ..foundation.errors import InputError, NotFoundError
from ..foundation.messages import fault

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DISTRICTS_END", "Change", "Lineage", "Unit", "UnitLevel", "Units"]

DISTRICTS_END = date(2025, 6, 30)
_DAY = timedelta(days=1)


class UnitLevel(StrEnum):
    """The levels, from the top."""

    PROVINCE = "province"  # tỉnh, thành phố
    DISTRICT = "district"  # huyện, quận, thị xã
    COMMUNE = "commune"  # xã, phường, thị trấn
    VILLAGE = "village"  # thôn, tổ dân phố

    @property
    def rank(self) -> int:
        """0 at the top."""
        return list(UnitLevel).index(self)


class Change(StrEnum):
    """How one unit became another."""

    MERGED = "merged"  # nhập
    SPLIT = "split"  # chia, tách
    RENAMED = "renamed"  # đổi tên
    RECODED = "recoded"  # đổi mã


@dataclass(frozen=True, slots=True)
class Unit:
    """One version of a unit, valid from `valid_from` through `valid_to` (both included; None: still valid).

    A village's code is its commune's code, a dot, and its number within the commune ("18739.01").
    """

    code: str
    name: str
    level: UnitLevel
    parent: str | None
    valid_from: date
    valid_to: date | None = None
    source: str = ""

    @property
    def segment(self) -> str:
        """The unit's part of a path."""
        return self.code.rpartition(".")[2]

    def valid_on(self, day: date) -> bool:
        """Whether this version stands on `day`."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Lineage:
    """From day `on`, what was `origin` is (or is part of) `result`, by `decision`."""

    change: Change
    origin: str
    result: str
    on: date
    decision: str = ""


class Units:
    """A set of units that was found consistent (`unit_files.units_of` checks it), and the questions to it."""

    def __init__(self, units: Iterable[Unit], lineage: Iterable[Lineage] = ()) -> None:
        self._versions: dict[str, list[Unit]] = defaultdict(list)
        self._children: dict[str, list[Unit]] = defaultdict(list)
        self._changes: dict[str, list[Lineage]] = defaultdict(list)
        for unit in sorted(units, key=lambda unit: (unit.code, unit.valid_from)):
            self._versions[unit.code].append(unit)
            if unit.parent is not None:
                self._children[unit.parent].append(unit)
        for change in sorted(lineage, key=lambda change: (change.on, change.result)):
            self._changes[change.origin].append(change)

    def __len__(self) -> int:
        return len(self._versions)

    def versions(self) -> tuple[Unit, ...]:
        """Return every version of every unit, by code and from the earliest."""
        return tuple(unit for versions in self._versions.values() for unit in versions)

    def changes(self) -> tuple[Lineage, ...]:
        """Return every change on record, by the unit it began with."""
        return tuple(change for changes in self._changes.values() for change in changes)

    def on(self, day: date) -> tuple[Unit, ...]:
        """Return every unit that stands on `day`, by code."""
        return tuple(unit for versions in self._versions.values() for unit in versions if unit.valid_on(day))

    def at(self, code: str, day: date) -> Unit:
        """Return the unit `code` as of `day`; `NotFoundError` says whether it stood on other days."""
        versions = self._versions.get(code, [])
        for unit in versions:
            if unit.valid_on(day):
                return unit
        stood = "; ".join(f"{unit.valid_from} – {unit.valid_to or '…'}" for unit in versions)
        raise fault(
            NotFoundError,
            "unit.stood" if stood else "unit.none",
            code=code,
            day=day,
            **{"stood": stood} if stood else {},
        )

    def ancestors(self, code: str, day: date) -> tuple[Unit, ...]:
        """Return the units above `code` as of `day`, the province first."""
        above: list[Unit] = []
        unit = self.at(code, day)
        while unit.parent is not None:
            unit = self.at(unit.parent, day)
            above.append(unit)
        return tuple(reversed(above))

    def path(self, code: str, day: date) -> str:
        """Return the unit's path as of `day`: "/42/446/18739/01", without a district from 01/07/2025."""
        chain = (*self.ancestors(code, day), self.at(code, day))
        return "".join(f"/{unit.segment}" for unit in chain)

    def subtree(self, code: str, day: date) -> tuple[Unit, ...]:
        """Return the unit and all below it as of `day`, each above what it holds."""
        found = [self.at(code, day)]
        for child in self._children.get(code, []):
            if child.valid_on(day):
                found += self.subtree(child.code, day)
        return tuple(found)

    def successors(self, code: str, day: date, *, since: date) -> tuple[Unit, ...]:
        """Return the units of `day` into which the unit that was `code` on `since` has gone: itself if nothing changed.

        An empty answer means that it ended and no successor is known.
        """
        if day < since:
            raise fault(InputError, "unit.successors", day=day, since=since)
        self.at(code, since)
        codes = self._followed(code, since, day)
        return tuple(unit for each in sorted(codes) for unit in self._versions[each] if unit.valid_on(day))

    def _followed(self, code: str, since: date, day: date) -> set[str]:
        later = [change for change in self._changes.get(code, []) if since < change.on <= day]
        if not later:
            return {code} if self._unbroken(code, since, day) else set()
        results = {change.result for change in later if change.on == later[0].on}
        return {end for result in results for end in self._followed(result, later[0].on, day)}

    def _unbroken(self, code: str, since: date, day: date) -> bool:
        """Whether the unit `code` stood on every day between: a code given out anew is another unit."""
        while since <= day:
            version = next((unit for unit in self._versions[code] if unit.valid_on(since)), None)
            if version is None:
                return False
            if version.valid_to is None:
                return True
            since = version.valid_to + _DAY
        return True
