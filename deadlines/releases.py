"""Calendar releases: the layers that are known on a day, folded into one calendar.

The package ships the national releases; a directory (`RASOAT_CALENDARS`, or named by the caller) adds those imported
since, and the local closures of units. What was known on a past day stays answerable: nothing is overwritten.
"""

from __future__ import annotations

import os
from datetime import date
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..foundation.errors import CalendarError, InputError
from ..foundation.messages import fault, text
from .calendar import Calendar, DayFact, DayKind
from .release_files import NATIONAL, Release, Standing, load_release

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..foundation.messages import Text

__all__ = [
    "CALENDARS_VARIABLE",
    "DayChange",
    "Library",
    "Release",
    "Standing",
    "calendar",
    "diff",
    "install",
    "library",
    "load_release",
    "releases",
]

CALENDARS_VARIABLE = "RASOAT_CALENDARS"
_LOCAL = "+"


class DayChange(NamedTuple):
    """A day that two calendars tell differently; None where one of them does not reach."""

    day: date
    before: DayFact | None
    after: DayFact | None


class Library:
    """A set of releases, and the calendars they fold into."""

    def __init__(self, known: Iterable[Release]) -> None:
        self.releases = tuple(sorted(known, key=lambda release: (release.moment, release.scope)))
        self._is_local = any(release.scope != NATIONAL for release in self.releases)
        self._folded: dict[str, Calendar] = {}

    def calendar(self, key: str | None = None, *, as_known_on: date | None = None, unit: str | None = None) -> Calendar:
        """Return the calendar under `key`; without one, as known on a day or (no day) by all releases.

        `unit` (a path such as ``42/446/18766``) layers in the local closures of every unit it lies in.
        """
        alike = key is None and not self._is_local  # ten thousand communes then share one answer
        return _looked_up(self, key, as_known_on, None if alike else unit)

    def _look_up(self, key: str | None, as_known_on: date | None, unit: str | None) -> Calendar:
        if key is not None and as_known_on is not None:
            raise fault(InputError, "calendar.one_way")
        national, _, local = (key or "").partition(_LOCAL)
        if local and unit is not None:
            raise fault(InputError, "calendar.own_local", key=key)
        layers = self._through(NATIONAL, national) if key else self._by((NATIONAL,), as_known_on)
        if not layers:
            raise self._unknown(key or text("calendar.asked.known_on", day=as_known_on))
        closures = self._through(*_named(local)) if local else self._by(_lineage(unit), as_known_on)
        return self._fold(layers, closures)

    def _through(self, scope: str, key: str) -> tuple[Release, ...]:
        """Return the releases of `scope` and of what it lies in, up to the one under `key`."""
        chain = [r for r in self.releases if r.scope in _lineage(scope)]
        end = next((r.moment for r in chain if _moment(r) == key.rpartition("/")[2]), None)
        if end is None or key.rpartition("/")[0] != scope:
            raise self._unknown(key)
        return tuple(r for r in chain if r.moment <= end)

    def _by(self, scopes: tuple[str, ...], day: date | None) -> tuple[Release, ...]:
        return tuple(r for r in self.releases if r.scope in scopes and (day is None or r.known_from <= day))

    def _fold(self, layers: tuple[Release, ...], closures: tuple[Release, ...]) -> Calendar:
        key = layers[-1].key
        if closures:
            deepest = max((r.scope for r in closures), key=len)
            key += f"{_LOCAL}{deepest}/{_moment(closures[-1])}"
        if key not in self._folded:
            self._folded[key] = _fold(key, layers, closures)
        return self._folded[key]

    def _unknown(self, what: str | Text) -> CalendarError:
        known = ", ".join(r.key for r in self.releases)
        return fault(CalendarError, "calendar.unknown", asked=what, known=known)


@lru_cache(maxsize=16_384)
def _looked_up(library: Library, key: str | None, as_known_on: date | None, unit: str | None) -> Calendar:
    """Every act of every commune asks on every day: folding is done once, looking through the releases too."""
    return library._look_up(key, as_known_on, unit)  # noqa: SLF001  the library's own memory


def calendar(
    key: str | None = None,
    *,
    as_known_on: date | None = None,
    unit: str | None = None,
    directory: Path | None = None,
) -> Calendar:
    """Return a calendar: the latest, the one under `key`, or as known on a day; with a unit's local closures."""
    return library(directory).calendar(key, as_known_on=as_known_on, unit=unit)


def releases(directory: Path | None = None) -> tuple[Release, ...]:
    """Return every release, shipped or imported, in the order in which they became known."""
    return library(directory).releases


def library(directory: Path | None = None) -> Library:
    """Return the shipped releases together with those in `directory` (default: `RASOAT_CALENDARS`, if set)."""
    place = directory or _directory_of_environment()
    if place is None:
        return _shipped()
    if not place.is_dir():
        raise fault(CalendarError, "calendar.no_folder", place=place, variable=CALENDARS_VARIABLE)
    stamps = tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(place.glob("*.toml")))
    return _with_imported(stamps)


def install(source: Path, directory: Path) -> tuple[Release, bool]:
    """Check the release in `source` against all known ones and copy it into `directory`.

    Returns the release and whether anything changed: importing the same release twice changes nothing. A release that
    contradicts a known one, or comes before one in time, is refused (`CalendarError`): a key never changes its meaning.
    """
    release = load_release(source)
    known = library(directory if directory.is_dir() else None)
    twin = next((r for r in known.releases if r.key == release.key), None)
    if twin is not None:
        _require_same(twin, release, str(source))
        return twin, False
    later = [r.key for r in known.releases if _related(r.scope, release.scope) and r.moment > release.moment]
    if later:
        raise fault(CalendarError, "calendar.too_late", source=source, release=release.key, later=", ".join(later))
    _try_out(Library([*known.releases, release]), release)
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / f"{release.key.replace('/', '_')}.toml"
    draft = target.with_suffix(".part")
    draft.write_bytes(source.read_bytes())
    draft.replace(target)
    return release, True


def diff(a: Calendar, b: Calendar) -> tuple[DayChange, ...]:
    """Return, in order, the days that `b` tells otherwise than `a` (kind or name; a new source alone is no change)."""
    days = sorted({fact.day for each in (a, b) for fact in each.special_days()})
    pairs = (DayChange(day, _within(a, day), _within(b, day)) for day in days)
    return tuple(pair for pair in pairs if _told(pair.before) != _told(pair.after))


@lru_cache(maxsize=1)
def _shipped() -> Library:
    place = files(__package__) / "data" / NATIONAL
    return Library(load_release(path) for path in place.iterdir() if path.name.endswith(".toml"))


@lru_cache(maxsize=8)
def _with_imported(stamps: tuple[tuple[Path, int, int], ...]) -> Library:
    known = {release.key: release for release in _shipped().releases}
    for path, _, _ in stamps:
        release = load_release(path)
        if release.key in known:
            _require_same(known[release.key], release, str(path))
        known.setdefault(release.key, release)
    return Library(known.values())


def _directory_of_environment() -> Path | None:
    named = os.environ.get(CALENDARS_VARIABLE)
    return Path(named) if named else None


def _fold(key: str, layers: tuple[Release, ...], closures: tuple[Release, ...]) -> Calendar:
    covering = _covering(layers)
    facts: dict[date, DayFact] = {}
    for release in layers + closures:
        for day in release.restored:
            if facts.pop(day, None) is None:
                raise fault(CalendarError, "calendar.restores", release=release.key, day=day)
        for fact in release.days:
            if fact.undecided or release.standing is Standing.OFFICIAL or covering[fact.day.year] is release:
                _lay(facts, fact, release)
    firm = [year for year, release in covering.items() if release.standing is Standing.OFFICIAL]
    if not firm:
        raise fault(CalendarError, "calendar.no_official", key=key)
    return Calendar(
        key,
        facts,
        first_day=date(min(covering), 1, 1),
        last_day=date(max(covering), 12, 31),
        confirmed_through=date(_end_of_run(sorted(firm)), 12, 31),
    )


def _covering(layers: tuple[Release, ...]) -> dict[int, Release]:
    """Return the release that covers each year: the official one, else the latest expectation."""
    covering: dict[int, Release] = {}
    for release in layers:
        for year in release.years:
            held = covering.get(year)
            if held is not None and held.standing is Standing.OFFICIAL:
                if release.standing is Standing.EXPECTED:
                    continue
                raise fault(CalendarError, "calendar.year_again", release=release.key, year=year, held=held.key)
            covering[year] = release
    gaps = [year + 1 for year, following in pairwise(sorted(covering)) if following != year + 1]
    if gaps:
        raise fault(CalendarError, "calendar.gap", gaps=", ".join(map(str, gaps)))
    return covering


def _lay(facts: dict[date, DayFact], fact: DayFact, release: Release) -> None:
    held = facts.get(fact.day)
    if held is None or held.undecided or held.kind is DayKind.MAKEUP:
        facts[fact.day] = fact
    elif fact.kind is not DayKind.CLOSURE:
        raise fault(CalendarError, "calendar.day_again", release=release.key, day=fact.day, kind=held.kind)


def _end_of_run(years: list[int]) -> int:
    return next((year for year, following in pairwise(years) if following != year + 1), years[-1])


def _lineage(unit: str | None) -> tuple[str, ...]:
    parts = unit.split("/") if unit else []
    return tuple("/".join(parts[: depth + 1]) for depth in range(len(parts)))


def _named(local: str) -> tuple[str, str]:
    return local.rpartition("/")[0], local


def _related(one: str, other: str) -> bool:
    return one in _lineage(other) or other in _lineage(one)


def _moment(release: Release) -> str:
    return release.key.rpartition("/")[2]


def _require_same(known: Release, other: Release, where: str) -> None:
    before, after = _meaning(known), _meaning(other)
    differing = [field for field in before if before[field] != after[field]]
    if differing:
        raise fault(
            CalendarError, "calendar.other_days", where=where, release=other.key, differing=", ".join(differing)
        )


def _meaning(release: Release) -> dict[str, object]:
    """Return what two files of one release must agree on, by the words of the file format."""
    return {
        "days": {fact.day: fact.kind for fact in release.days},
        "names": {fact.day: fact.name for fact in release.days},
        "decisions": {fact.day: (fact.decision, fact.decided_on) for fact in release.days},
        "restored": set(release.restored),
        "years": release.years,
        "standing": release.standing,
        "decision": release.decision,
        "decided_on": release.decided_on,
    }


def _try_out(candidate: Library, release: Release) -> None:
    candidate.calendar(unit=None if release.scope == NATIONAL else release.scope)


def _within(calendar: Calendar, day: date) -> DayFact | None:
    return calendar.fact(day) if calendar.first_day <= day <= calendar.last_day else None


def _told(fact: DayFact | None) -> tuple[DayKind, str] | None:
    return None if fact is None else (fact.kind, fact.name.vi)
