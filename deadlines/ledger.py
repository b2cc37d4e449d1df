"""A running term's arithmetic: its budget, what was used of it, and where that puts the last day.

A deadline keeps the budget (the term, its start) and the ledger of what changed it; the last day follows from both,
on any calendar. No text of the law regulates how these terms are suspended: the rule here is the project's own, that
a suspended day is not counted and nothing of the budget is lost (docs/legal-clock.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from ..foundation.errors import InputError
from ..foundation.messages import fault
from .terms import Unit

if TYPE_CHECKING:
    from .calendar import Calendar
    from .terms import Term

__all__ = ["Pause", "Running"]

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pause:
    """A suspension: `first` is its first day, `resumed` the first day that counts again (None: still suspended)."""

    first: date
    resumed: date | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """A term that `start` set running, lengthened by `extra` of its unit, and its suspensions in order.

    A term in months is consumed in days: what remains of it after a suspension is counted in calendar days.
    """

    term: Term
    start: date
    pauses: tuple[Pause, ...] = ()
    extra: int = 0

    @property
    def suspended(self) -> bool:
        """Whether the last suspension still lasts."""
        return bool(self.pauses) and self.pauses[-1].resumed is None

    @property
    def earliest(self) -> date:
        """The first day from which the term can be suspended: the first that counts since it last began to run."""
        resumed = self.pauses[-1].resumed if self.pauses else None
        return self._day_zero + _DAY if resumed is None else resumed

    @property
    def whole(self) -> Term:
        """The term with its extensions."""
        return replace(self.term, length=self.term.length + self.extra)

    def due_on(self, calendar: Calendar) -> date:
        """Return the last day, as far as the term has run: of a suspended one, where it stood when it stopped."""
        due = self.whole.due_on(self.start, calendar)
        for place, pause in enumerate(self.pauses):
            if pause.resumed is not None and pause.first <= due:
                due = self._resumed(pause.resumed, replace(self, pauses=self.pauses[:place]), pause.first, calendar)
        return due

    def is_provisional(self, due_on: date, calendar: Calendar) -> bool:
        """Say whether `due_on` rests on undecided days (`Term.is_provisional`); one of a suspension counts as such."""
        return self.whole.is_provisional(self.start, due_on, calendar)

    def suspend(self, first: date, calendar: Calendar) -> Running:
        """Stop the term with `first`, the first day that is not counted.

        `InputError` if it stands still already, has not begun, had ended by then, or was resumed after that day.
        """
        if self.suspended:
            raise fault(InputError, "term.still_suspended", first=self.pauses[-1].first)
        if first < self.earliest:
            raise fault(InputError, "term.suspend_early", first=first, earliest=self.earliest)
        due = self.due_on(calendar)
        if first > due:
            raise fault(InputError, "term.over", due=due, first=first)
        return replace(self, pauses=(*self.pauses, Pause(first)))

    def resume(self, day: date) -> Running:
        """Let the term run on with `day`, the first day that counts again."""
        if not self.suspended:
            raise fault(InputError, "term.not_suspended")
        if day < self.pauses[-1].first:
            raise fault(InputError, "term.resume_early", first=self.pauses[-1].first, day=day)
        return replace(self, pauses=(*self.pauses[:-1], replace(self.pauses[-1], resumed=day)))

    def extend(self, by: int) -> Running:
        """Lengthen the budget by `by` of its own unit."""
        if by < 1:
            raise fault(InputError, "term.extend_by", by=by)
        return replace(self, extra=self.extra + by)

    def consumed(self, today: date, calendar: Calendar) -> int:
        """Return how much of the budget was used up when `today` ended, in the term's unit (months: in days)."""
        used, since = 0, self._day_zero
        for pause in self.pauses:
            if pause.first > today:
                break
            used += self._counted(since, pause.first - _DAY, calendar)
            if pause.resumed is None:
                return used
            since = pause.resumed - _DAY
        return used + self._counted(since, today, calendar)

    def remaining(self, today: date, calendar: Calendar) -> int:
        """Return what is left after `today`, in the term's own unit: budget − consumed; 0 on the last day.

        Once the last day has passed it is negative, from −1 on. While the term stands still it stays as it is.
        """
        if self.suspended:
            return max(self._budget - self.consumed(today, calendar), 0)
        due = self.due_on(calendar)
        if not self.pauses:
            return self.term.remaining(today, due, calendar)
        if today > due:
            return self._in_days.remaining(today, due, calendar)
        if self.term.unit is Unit.WORKING_DAYS:
            return self._budget - self.consumed(today, calendar)
        return (due - today).days - sum(self._stood_still(pause, today, due) for pause in self.pauses)

    @property
    def _in_days(self) -> Term:
        """The term, in days if it is one in months: what remains of such a term after a suspension is days."""
        return self.term if self.term.unit is Unit.WORKING_DAYS else replace(self.term, unit=Unit.CALENDAR_DAYS)

    @property
    def _day_zero(self) -> date:
        return self.start if self.term.counting.first_day_excluded else self.start - _DAY

    @property
    def _budget(self) -> int:
        if self.term.unit is Unit.WORKING_DAYS:
            return self.whole.length
        return (self.whole.unrolled(self.start) - self._day_zero).days

    def _counted(self, after: date, through: date, calendar: Calendar) -> int:
        if through <= after:
            return 0
        if self.term.unit is Unit.WORKING_DAYS:
            counting = self.term.counting
            return calendar.working_days_between(after, through, makeup_counts=counting.makeup_counts)
        return (through - after).days

    @staticmethod
    def _stood_still(pause: Pause, after: date, through: date) -> int:
        """Return how many days of a suspension lie in (`after`, `through`]."""
        end = through if pause.resumed is None else min(pause.resumed - _DAY, through)
        return max((end - max(pause.first - _DAY, after)).days, 0)

    def _resumed(self, day: date, before: Running, stopped: date, calendar: Calendar) -> date:
        """Return the last day of a term that runs on with `day` and had run as `before` until it was stopped."""
        counting = self.term.counting
        left = self._budget - before.consumed(stopped - _DAY, calendar)
        if self.term.unit is Unit.WORKING_DAYS:
            return calendar.add_working_days(day - _DAY, left, makeup_counts=counting.makeup_counts)
        # Once a last day off has moved the end, nothing of the budget is left: the next working day ends it.
        last = day + (max(left, 1) - 1) * _DAY
        return calendar.on_or_after(last, makeup_counts=counting.makeup_counts) if counting.roll_end else last
