"""A calendar release as a file: one decision, or the days off of one year, and what it changes (docs/calendar.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast

from ..foundation.errors import CalendarError
from ..foundation.files import parse_toml
from ..foundation.messages import Text, fault, located, text
from .calendar import DayFact, DayKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet
    from importlib.resources.abc import Traversable
    from pathlib import Path

__all__ = ["NATIONAL", "Release", "Standing", "load_release", "parse_release"]

NATIONAL = "vn"
_SATURDAY = 5
_FIRST_YEAR, _LAST_YEAR = 1990, 2200
_SCOPE = re.compile(r"vn|[0-9A-Za-z_-]+(/[0-9A-Za-z_-]+)*")
_TAG = re.compile(r"FOUND|FOUND-partial|FOUND-indirect|SEED \d|INFERRED|RECALLED")
_REQUIRED = frozenset({"scope", "known_from", "standing", "title", "source", "tag"})
_TABLES = ("holiday", "in_lieu", "swap", "closure", "restored", "proposed")
_OPTIONAL = frozenset({"serial", "years", "decision", "decided_on", *_TABLES})
_DECIDED = frozenset({DayKind.SWAPPED_OFF, DayKind.MAKEUP, DayKind.CLOSURE})
_EVIDENCE = frozenset({"decision", "decided_on", "source", "tag"})


class Standing(StrEnum):
    """Whether the days of a release are decided."""

    OFFICIAL = "official"
    EXPECTED = "expected"  # a draft or a proposal: every date that rests on it is provisional


@dataclass(frozen=True, slots=True)
class Release:
    """One layer of the calendar: which days it names, for whom, and since when that is known.

    `scope` is "vn" or the path of a unit (``42/446``) for a local closure. `known_from` is the day from which the
    release counts as known: the day of its decision where that was found, else the latest it can have been.
    """

    scope: str
    known_from: date
    serial: int
    standing: Standing
    years: tuple[int, ...]
    title: Text
    decision: str | None
    decided_on: date | None
    source: str
    tag: str
    days: tuple[DayFact, ...]
    restored: tuple[date, ...]

    @property
    def key(self) -> str:
        """Return scope and day, ``vn/2025-12-25``; a second release of that day ends in ``.2``."""
        return f"{self.scope}/{self.known_from}" + (f".{self.serial}" if self.serial > 1 else "")

    @property
    def moment(self) -> tuple[date, int]:
        """Return the place of the release in time."""
        return self.known_from, self.serial


def load_release(path: Path | Traversable) -> Release:
    """Read one release file; `CalendarError` names the file, the field and what was expected."""
    try:
        raw = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise fault(CalendarError, "calendar.file", path=path, reason=error) from error
    return parse_release(raw, str(path))


def parse_release(raw: str, where: str) -> Release:
    """Read the text of a release; `where` names it in the error."""
    return _Reader(where, parse_toml(raw, where, CalendarError)).release()


class _Reader:
    """Turns one parsed file into a release, or refuses it whole."""

    def __init__(self, where: str, table: dict[str, Any]) -> None:
        self._where = where
        self._top = table

    def release(self) -> Release:
        self._keys(text("calendar.faulty.file"), self._top, _REQUIRED, _OPTIONAL)
        release = Release(
            scope=self._matching("scope", _SCOPE, text("calendar.faulty.scopes")),
            known_from=self._day(self._top["known_from"], "known_from"),
            serial=self._serial(),
            standing=self._standing(),
            years=self._years(),
            title=self._text(self._top["title"], "title"),
            decision=self._top.get("decision"),
            decided_on=self._day(self._top["decided_on"], "decided_on") if "decided_on" in self._top else None,
            source=str(self._top["source"]),
            tag=self._matching("tag", _TAG, text("calendar.faulty.tags")),
            days=tuple(sorted(self._days(), key=lambda fact: fact.day)),
            restored=tuple(day for entry in self._entries("restored", {"days"}) for day in self._list(entry, "days")),
        )
        self._check(release)
        return release

    def _days(self) -> Iterator[DayFact]:
        for kind in (DayKind.HOLIDAY, DayKind.CLOSURE):
            for entry in self._entries(kind, {"name", "days"}):
                name = self._name(entry["name"], kind)
                yield from (self._fact(entry, day, kind, name) for day in self._list(entry, "days"))
        for entry in self._entries("in_lieu", {"of", "day"}):
            of, day = self._day(entry["of"], "in_lieu.of"), self._day(entry["day"], "in_lieu.day")
            self._expect(of.weekday() >= _SATURDAY, "weekend", field="in_lieu.of", day=of)
            self._expect(day.weekday() < _SATURDAY, "weekday", field="in_lieu.day", day=day)
            yield self._fact(entry, day, DayKind.IN_LIEU, text("calendar.in_lieu", day=f"{of:%d/%m/%Y}"))
        for entry in self._entries("swap", {"off", "worked"}):
            off, worked = self._day(entry["off"], "swap.off"), self._day(entry["worked"], "swap.worked")
            self._expect(off.weekday() < _SATURDAY, "weekday", field="swap.off", day=off)
            self._expect(worked.weekday() >= _SATURDAY, "weekend", field="swap.worked", day=worked)
            yield self._fact(entry, off, DayKind.SWAPPED_OFF, text("calendar.swapped_off", day=f"{worked:%d/%m/%Y}"))
            yield self._fact(entry, worked, DayKind.MAKEUP, text("calendar.makeup", day=f"{off:%d/%m/%Y}"))
        yield from self._proposals()

    def _proposals(self) -> Iterator[DayFact]:
        """Yield the days of proposed swaps: they count as what they are until a release decides otherwise."""
        for entry in self._entries("proposed", {"off", "worked"}):
            off, worked = self._day(entry["off"], "proposed.off"), self._day(entry["worked"], "proposed.worked")
            self._expect(off.weekday() < _SATURDAY, "weekday", field="proposed.off", day=off)
            self._expect(worked.weekday() >= _SATURDAY, "weekend", field="proposed.worked", day=worked)
            for day, kind, other, name in (
                (off, DayKind.WORKING, worked, "off"),
                (worked, DayKind.WEEKEND, off, "worked"),
            ):
                said = text(f"calendar.proposed.{name}", day=f"{other:%d/%m/%Y}")
                yield replace(self._fact(entry, day, kind, said), undecided=True)

    def _fact(self, entry: dict[str, Any], day: date, kind: DayKind, name: Text) -> DayFact:
        decision = entry.get("decision", self._top.get("decision") if kind in _DECIDED else None)
        known = "decided_on" in entry or decision == self._top.get("decision")
        decided_on = entry.get("decided_on", self._top.get("decided_on")) if decision and known else None
        source, tag = entry.get("source", self._top["source"]), entry.get("tag", self._top["tag"])
        self._expect(bool(_TAG.fullmatch(str(tag))), "tag", tag=repr(tag), day=day)
        return DayFact(day, kind, name, decision, decided_on, source, tag)

    def _check(self, release: Release) -> None:
        days = [fact.day for fact in release.days]
        twice = sorted({day for day in days if days.count(day) > 1} | set(days) & set(release.restored))
        self._expect(not twice, "twice", days=", ".join(map(str, twice)))
        self._expect(bool(days or release.restored), "no_day")
        if release.standing is Standing.OFFICIAL:
            self._require_decision(release)
        if release.standing is Standing.EXPECTED:
            named = [fact.day for fact in release.days if not fact.undecided]
            strays = [str(day) for day in named if day.year not in release.years] + list(map(str, release.restored))
            self._expect(not strays, "strays", days=str(strays))
        if release.scope != NATIONAL:
            strays = [str(fact.day) for fact in release.days if fact.kind is not DayKind.CLOSURE]
            local = not strays and not release.years and release.standing is Standing.OFFICIAL
            self._expect(local, "local")

    def _require_decision(self, release: Release) -> None:
        """Refuse official days made by decision alone that name none; holidays and days in lieu come from the law."""
        bare = [fact.day for fact in release.days if fact.kind in _DECIDED and not fact.decision]
        bare += () if release.decision else release.restored
        named = ", ".join(map(str, sorted(bare)))
        self._expect(not bare, "undecided", days=named)

    def _entries(self, kind: str, required: set[str]) -> Iterator[dict[str, Any]]:
        entries = self._top.get(kind, [])
        self._expect(isinstance(entries, list), "tables", kind=kind, found=repr(entries))
        for entry in entries:
            self._expect(isinstance(entry, dict), "tables", kind=kind, found=repr(entry))
            self._keys(f"[[{kind}]]", entry, required, _EVIDENCE)
            if "decided_on" in entry:
                self._day(entry["decided_on"], f"{kind}.decided_on")
            yield entry

    def _keys(self, place: str | Text, table: dict[str, Any], required: AbstractSet[str], more: frozenset[str]) -> None:
        missing, unknown = sorted(required - set(table)), sorted(set(table) - required - more)
        self._expect(not missing, "lacks", place=place, missing_keys=", ".join(missing))
        self._expect(not unknown, "unknown", place=place, keys=", ".join(unknown), known=str(sorted(required | more)))

    def _list(self, entry: dict[str, Any], field: str) -> list[date]:
        values = entry[field]
        self._expect(isinstance(values, list) and bool(values), "dates", field=field, found=repr(values))
        return [self._day(value, field) for value in values]

    def _day(self, value: object, field: str) -> date:
        fine = isinstance(value, date) and not isinstance(value, datetime)
        self._expect(fine, "date", field=field, found=repr(value))
        return cast("date", value)

    def _text(self, value: object, field: str) -> Text:
        whole = isinstance(value, dict) and set(value) == {"vi", "en"} and all(map(str, value.values()))
        self._expect(whole, "text", field=field, found=repr(value))
        said = cast("dict[str, object]", value)
        return Text(str(said["vi"]), str(said["en"]))

    def _name(self, value: object, kind: DayKind) -> Text:
        if kind is DayKind.CLOSURE or not isinstance(value, str):
            return self._text(value, f"{kind}.name")
        return text(f"calendar.holiday.{value}")

    def _matching(self, field: str, pattern: re.Pattern[str], expected: Text) -> str:
        value = self._top[field]
        self._expect(
            isinstance(value, str) and bool(pattern.fullmatch(value)),
            "shape",
            field=field,
            found=repr(value),
            use=expected,
        )
        return str(value)

    def _standing(self) -> Standing:
        value = self._top["standing"]
        self._expect(
            value in set(Standing),
            "shape",
            field="standing",
            found=repr(value),
            use=Text(" hoặc ".join(Standing), " or ".join(Standing)),
        )
        return Standing(value)

    def _serial(self) -> int:
        value = self._top.get("serial", 1)
        self._expect(isinstance(value, int) and value >= 1, "serial", found=repr(value))
        return int(value)

    def _years(self) -> tuple[int, ...]:
        years = self._top.get("years", [])
        fine = isinstance(years, list) and all(isinstance(y, int) and _FIRST_YEAR <= y <= _LAST_YEAR for y in years)
        self._expect(fine and years == sorted(set(years)), "years", found=repr(years))
        return tuple(years)

    def _expect(self, fine: bool, otherwise: str, **fields: object) -> None:  # noqa: FBT001  the fact that must hold
        if not fine:
            raise located(self._where, text(f"calendar.faulty.{otherwise}", **fields), CalendarError)
