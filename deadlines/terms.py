"""Terms (thời hạn): from a start day to the last day, by a counting rule that is data.

Source of the defaults: Bộ luật Dân sự 2015 Đ147 (the day of the event is not counted) and Đ148 (a term whose
last day is a day off ends with the next working day; a term in months that meets no such day ends on the
last day of that month).
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from ..foundation.errors import DefinitionError, InputError
from ..foundation.messages import fault
from .calendar import DayKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .calendar import Calendar, DayFact

__all__ = ["Counting", "Move", "Term", "Unit", "moved"]

_MONTHS = 12


class Unit(StrEnum):
    """What a term is counted in."""

    WORKING_DAYS = "working_days"  # ngày làm việc
    CALENDAR_DAYS = "calendar_days"  # ngày
    MONTHS = "months"  # tháng


@dataclass(frozen=True, slots=True)
class Counting:
    """How a term is counted; the defaults are those of the civil code.

    `first_day_excluded`: the day of the event is day 0 (Đ147). `roll_end`: a last day that is a day off moves to the
    next working day (Đ148). `makeup_counts`: a Saturday worked in exchange counts (a setting: no text says it).
    """

    first_day_excluded: bool = True
    roll_end: bool = True
    makeup_counts: bool = True


@dataclass(frozen=True, slots=True)
class Term:
    """A length in a unit, counted by a rule, set by an article."""

    length: int
    unit: Unit
    counting: Counting = field(default_factory=Counting)
    article: str = ""

    def __post_init__(self) -> None:
        """Refuse a term of no length."""
        if self.length < 1:
            msg = f"a term lasts at least 1 of its unit, not {self.length} {self.unit}"
            raise DefinitionError(msg, article=self.article or None)

    def due_on(self, start: date, calendar: Calendar) -> date:
        """Return the last day of the term that `start` sets running; it is over at that day's 24:00."""
        if self.unit is not Unit.WORKING_DAYS:
            last = self.unrolled(start)
            counting = self.counting
            return calendar.on_or_after(last, makeup_counts=counting.makeup_counts) if counting.roll_end else last
        day_zero = start if self.counting.first_day_excluded else start - timedelta(days=1)
        return calendar.add_working_days(day_zero, self.length, makeup_counts=self.counting.makeup_counts)

    def due_many(self, starts: Sequence[date], calendar: Calendar) -> list[date]:
        """Return `due_on` of every start, in order. A million starts share a few thousand distinct days."""
        due = {start: self.due_on(start, calendar) for start in set(starts)}
        return [due[start] for start in starts]

    def undecided(self, start: date, due_on: date, calendar: Calendar) -> tuple[DayFact, ...]:
        """Return the days on which `due_on` rests and which are proposed to be otherwise, without a decision yet."""
        if self.unit is Unit.WORKING_DAYS:
            first = start + timedelta(days=self.counting.first_day_excluded)
        elif self.counting.roll_end:
            first = self.unrolled(start)
        else:
            return ()
        found = calendar.undecided_within(first, due_on)
        return tuple(fact for fact in found if fact.kind is DayKind.WORKING or self.counting.makeup_counts)

    def is_provisional(self, start: date, due_on: date, calendar: Calendar) -> bool:
        """Say whether `due_on` rests on what is not decided: days past the horizon, or days under a proposal."""
        return calendar.is_provisional(due_on) or bool(self.undecided(start, due_on, calendar))

    def remaining(self, today: date, due_on: date, calendar: Calendar) -> int:
        """Return what is left at `today`, in the term's own unit: 0 on the last day, negative once it has passed.

        Overdue is never shown as 0: until the first unit of delay is full, it is -1. Months are whole months.
        """
        if self.unit is Unit.MONTHS:
            return _whole_months(today, due_on)
        if self.unit is Unit.CALENDAR_DAYS:
            return (due_on - today).days
        left = calendar.working_days_between(today, due_on, makeup_counts=self.counting.makeup_counts)
        return left if today <= due_on else min(left, -1)

    def unrolled(self, start: date) -> date:
        """Return the last day of a term in calendar days or months before any day off moves it."""
        excluded = self.counting.first_day_excluded
        try:
            if self.unit is Unit.MONTHS:
                return _months_later(start, self.length, first_day_excluded=excluded)
            if self.unit is Unit.CALENDAR_DAYS:
                return start + timedelta(days=self.length - (not excluded))
        except (OverflowError, ValueError):
            raise fault(
                InputError, "term.too_long", length=self.length, counted_in=str(self.unit), start=f"{start:%d/%m/%Y}"
            ) from None
        msg = "a term in working days ends on a working day; it has no last day without a calendar"
        raise InputError(msg)


class Move(NamedTuple):
    """A last day that another calendar puts elsewhere."""

    start: date
    old_due: date
    new_due: date


def moved(term: Term, starts: Iterable[date], old: Calendar, new: Calendar) -> tuple[Move, ...]:
    """Return, by start day, the last days of `term` that `new` moves away from where `old` had them."""
    days = sorted(set(starts))
    dues = zip(days, term.due_many(days, old), term.due_many(days, new), strict=True)
    return tuple(Move(start, before, after) for start, before, after in dues if before != after)


def _months_later(start: date, months: int, *, first_day_excluded: bool) -> date:
    year, month0 = divmod(start.year * _MONTHS + start.month - 1 + months, _MONTHS)
    length = monthrange(year, month0 + 1)[1]
    if start.day > length:
        return date(year, month0 + 1, length)
    return date(year, month0 + 1, start.day) - timedelta(days=not first_day_excluded)


def _whole_months(today: date, due_on: date) -> int:
    months = (due_on.year - today.year) * _MONTHS + due_on.month - today.month
    return months - (_months_later(today, months, first_day_excluded=True) > due_on)
