"""Fixed dates (ngày cố định): dates the law names each year or month. They are dates, not terms, and do not roll."""

from __future__ import annotations

import tomllib
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from ..foundation.errors import DefinitionError, InputError
from ..foundation.messages import Text, fault, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .calendar import Calendar, DayFact

__all__ = ["Bound", "FixedDate", "Occurrence", "fixed_dates", "occurrences"]

_FIRST_YEAR, _LAST_YEAR = 1945, 2999

_ANY_COMMON_YEAR = 2001


class Bound(StrEnum):
    """How the law names a date: on it, before it (trước ngày), through its end (đến hết ngày)."""

    ON = "on"
    BEFORE = "before"
    THROUGH = "through"


@dataclass(frozen=True, slots=True)
class FixedDate:
    """A date named for certain months of every year since `since`, by an article.

    It stays where it is on a day off unless `roll` moves it to the next working day (a setting; no text rolls it).
    """

    key: str
    day: int
    months: tuple[int, ...]
    bound: Bound
    article: str
    since: date
    roll: bool = False

    def __post_init__(self) -> None:
        """Refuse a day that one of its months does not have every year."""
        fine = self.months and list(self.months) == sorted(set(self.months) & set(range(1, 13)))
        if not fine or not all(1 <= self.day <= monthrange(_ANY_COMMON_YEAR, month)[1] for month in self.months):
            msg = f"fixed date {self.key!r}: day {self.day} of months {self.months} does not come in every year"
            raise DefinitionError(msg, article=self.article)

    def last_day(self, year: int, month: int, calendar: Calendar) -> date:
        """Return the last valid day of one occurrence: "trước ngày D" ends with D−1, "đến hết ngày D" with D."""
        if month not in self.months:
            raise fault(InputError, "calendar.fixed_month", key=self.key, months=self.months, month=month)
        last = date(year, month, self.day) - timedelta(days=self.bound is Bound.BEFORE)
        return calendar.on_or_after(last) if self.roll else last

    @property
    def name(self) -> Text:
        """Return what falls on the date."""
        return text(f"fixed_date.{self.key}")


class Occurrence(NamedTuple):
    """One fixed date in one year: the last valid day, and what kind of day that is."""

    fixed: FixedDate
    last_day: date
    fact: DayFact


def occurrences(year: int, calendar: Calendar) -> tuple[Occurrence, ...]:
    """Return every fixed date of `year`, in order, as far as its article was in force."""
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise fault(InputError, "term.year", year=year)
    found = [
        Occurrence(fixed, last, calendar.fact(last))
        for fixed in fixed_dates()
        for last in _last_days(fixed, year, calendar)
        if last >= fixed.since
    ]
    return tuple(sorted(found, key=lambda each: (each.last_day, each.fixed.key)))


@cache
def fixed_dates() -> tuple[FixedDate, ...]:
    """Return the fixed dates of the law (`data/fixed_dates.toml`)."""
    table = tomllib.loads((files(__package__) / "data" / "fixed_dates.toml").read_text(encoding="utf-8"))
    try:
        return tuple(
            FixedDate(**{**entry, "months": tuple(entry["months"]), "bound": Bound(entry["bound"])})
            for entry in table["date"]
        )
    except (KeyError, TypeError, ValueError) as fault:
        msg = f"deadlines/data/fixed_dates.toml: {fault}"
        raise DefinitionError(msg) from fault


def _last_days(fixed: FixedDate, year: int, calendar: Calendar) -> Iterator[date]:
    return (fixed.last_day(year, month, calendar) for month in fixed.months)
