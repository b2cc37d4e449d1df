"""Drafts a year that is not published yet from the `holidays` package, as an expected release to be checked by hand.

What that package computes is a guess about decisions not yet made, so a draft is never official. Its traps are met:
names are asked for in Vietnamese, days in lieu are kept, and a year it knows nothing of is refused instead of being
drafted without holidays.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

import holidays

from ..foundation.errors import CalendarError
from ..foundation.messages import fault

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["draft"]

_NAMES = {
    "Tết Dương lịch": "new_year",
    "Ngày Giỗ Tổ Hùng Vương": "ancestors",
    "Ngày Chiến thắng": "victory",
    "Ngày Quốc tế Lao động": "labour",
    "Quốc khánh": "national",
    "Ngày Văn hóa Việt Nam": "culture",
}
_TET = re.compile(r"Giao thừa Tết|Tết Nguyên Đán|\d\d Tết|Mùng ")
_GUESS = re.compile(r" \((?:nghỉ bù, )?dự kiến\)")
_IN_LIEU = " (nghỉ bù)"
_SWAP = re.compile(r"Ngày nghỉ \(thay cho ngày (\d\d/\d\d/\d{4})\)")
_TET_DAYS = 5  # Bộ luật Lao động Đ112
_STATUTORY = Counter(new_year=1, tet=_TET_DAYS, ancestors=1, victory=1, labour=1, national=2, culture=1)
_SINCE = 2026  # the first year with all of them
_SATURDAY = 5


@dataclass(slots=True)
class _Year:
    """The days off of one year, by what they are."""

    holidays: dict[str, list[date]] = field(default_factory=dict)
    in_lieu: list[tuple[date, date]] = field(default_factory=list)
    swaps: list[tuple[date, date]] = field(default_factory=list)


def draft(year: int, known_from: date) -> str:
    """Return the text of an expected release for `year`, drafted on `known_from`; `CalendarError` if it can't be."""
    if year < _SINCE:
        raise fault(CalendarError, "calendar.draft_year", year=year, since=_SINCE)
    drafted = _read(year)
    counts = Counter({name: len(days) for name, days in drafted.holidays.items()})
    if counts != _STATUTORY:
        wrong = sorted(name for name in _STATUTORY | counts if counts[name] != _STATUTORY[name])
        raise fault(CalendarError, "calendar.draft_days", year=year, package=_package(), days=", ".join(wrong))
    return "\n".join(_toml(year, known_from, drafted)) + "\n"


def _read(year: int) -> _Year:
    known = holidays.country_holidays("VN", years=year, language="vi")
    found, tet, lieu = _Year(), [], []
    named = ((day, name) for day in sorted(known) if day.year == year for name in known.get_list(day))
    for day, name in named:
        plain = _GUESS.sub(lambda guess: _IN_LIEU if "bù" in guess[0] else "", name)
        if swap := _SWAP.fullmatch(plain):
            found.swaps.append((day, datetime.strptime(swap[1], "%d/%m/%Y").date()))  # noqa: DTZ007  a day, no instant
        elif plain in _NAMES:
            found.holidays.setdefault(_NAMES[plain], []).append(day)
        elif _TET.match(plain):
            tet.append(day)
        elif plain.removesuffix(_IN_LIEU) in _NAMES:
            lieu.append((day, _NAMES[plain.removesuffix(_IN_LIEU)]))
        else:
            raise fault(CalendarError, "calendar.draft_name", day=day, package=_package(), name=name)
    _settle_tet(found, tet)
    _settle_lieu(found, lieu)
    return found


def _settle_tet(found: _Year, days: list[date]) -> None:
    """Take the first five days of the block as Tết; the weekdays after them stand in lieu of its weekend days."""
    found.holidays["tet"] = days[:_TET_DAYS]
    weekend = [day for day in days[:_TET_DAYS] if day.weekday() >= _SATURDAY]
    after = [day for day in days[_TET_DAYS:] if day.weekday() < _SATURDAY]
    found.in_lieu += zip(weekend, after, strict=False)


def _settle_lieu(found: _Year, lieu: list[tuple[date, str]]) -> None:
    for day, name in lieu:
        of = max(d for d in found.holidays[name] if d < day and d.weekday() >= _SATURDAY)
        found.in_lieu.append((of, day))


def _package() -> str:
    return f"holidays {version('holidays')}"


def _toml(year: int, known_from: date, drafted: _Year) -> Iterator[str]:
    yield f"# Expected days off of {year}: a draft. Check every day; an official release of the year replaces it."
    yield from ('scope = "vn"', f"known_from = {known_from}", 'standing = "expected"', f"years = [{year}]")
    titles = f"Lịch nghỉ lễ, Tết dự kiến năm {year} (bản thảo)", f"Public holidays expected in {year} (draft)"
    yield 'title = {{ vi = "{}", en = "{}" }}'.format(*titles)
    yield from (f'source = "Dự kiến; soạn từ gói {_package()}"', 'tag = "INFERRED"')
    for name in _STATUTORY:
        days = ", ".join(map(str, sorted(drafted.holidays[name])))
        yield from ("", "[[holiday]]", f'name = "{name}"', f"days = [{days}]")
    for of, day in sorted(drafted.in_lieu):
        yield from ("", "[[in_lieu]]", f"of = {of}", f"day = {day}")
    for off, worked in drafted.swaps:
        yield from ("", "[[swap]]", f"off = {off}", f"worked = {worked}")
