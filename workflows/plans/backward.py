"""Backward planning: from a last day to the latest day of each earlier step, over the working calendar.

Two days for each step. *Safe*: offices act on working days, everyone may use the whole of every term, and the last
step still falls on or before the end. *Possible*: only what must pass has passed (postings); opinions and re-checks
come at once, even on a day off. Once a step's possible day is over without it, no lawful way leads to the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from ...foundation.errors import InputError
from ...foundation.messages import fault
from .steps import Binding, Opens, Step

if TYPE_CHECKING:
    from ...deadlines.calendar import Calendar

__all__ = ["LatestDay", "Outlook", "becomes_impossible_on", "chain", "forward", "latest_days", "outlook"]

_Done = Mapping[str, date]
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LatestDay:
    """The latest days on which `step` may begin."""

    step: Step
    safe: date
    possible: date


@dataclass(frozen=True, slots=True)
class Outlook:
    """Where a village stands: the step that decides, its latest days, and from when it is too late.

    `step` is the one still to come, or the one that came too late (`missed`).
    """

    village: str
    step: Step
    safe: date
    possible: date
    impossible_from: date
    missed: bool

    def lost(self, today: date) -> bool:
        """Whether it is certain on `today` that the village can't make it."""
        return today >= self.impossible_from

    def standing(self, today: date) -> str:
        """Return ``lost``, ``at_risk`` (past the safe day) or ``safe``."""
        if self.lost(today):
            return "lost"
        return "at_risk" if today > self.safe else "safe"


def chain(steps: Sequence[Step], *, complaint: bool) -> tuple[Step, ...]:
    """Return the steps of a village with, or without, a complaint."""
    return tuple(step for step in steps if complaint or not step.after_complaint)


def latest_days(end: date, steps: Sequence[Step], calendar: Calendar, *, complaint: bool) -> tuple[LatestDay, ...]:
    """Return the latest days of each step, in order, so that the last one is over by `end` (included).

    With `complaint`, one is received on the last day of the posting, the worst there is.
    `CalendarError` if the calendar does not reach.
    """
    row = chain(steps, complaint=complaint)
    safe = _backward(end, row, calendar, hurried=False)
    possible = _backward(end, row, calendar, hurried=True)
    return tuple(LatestDay(step, safe[step.key], possible[step.key]) for step in row)


def forward(
    start: date, steps: Sequence[Step], calendar: Calendar, *, hurried: bool = False
) -> dict[str, tuple[date, date]]:
    """Return the first and last day of each step when the first begins on `start`.

    Every term is used in full and each step waits for a working day, unless `hurried`: then only minimum
    terms pass, and no step waits for anything else.
    """
    days: dict[str, tuple[date, date]] = {}
    day = start
    for place, step in enumerate(steps):
        closing = _closing(step, day, calendar, hurried=hurried)
        days[step.key] = (day, closing)
        if place + 1 < len(steps):
            day = _opening(steps[place + 1], closing, calendar, hurried=hurried)
    return days


def outlook(village: str, done: _Done, end: date, steps: Sequence[Step], calendar: Calendar) -> Outlook | None:
    """Return what decides whether `village` makes it, ``None`` once its last step was made in time.

    `done` gives the day on which each step made so far began. A step before the last one made counts as made.
    """
    _require_known(village, done, steps)
    bounds = _bounds(end, steps, calendar)
    complaint = _complaint_day(done, steps)
    for step in steps:
        bound = bounds[step.key]
        if step.key in done and done[step.key] > bound.possible:
            return _outlook(village, bound, complaint, missed=True)
    row = chain(steps, complaint=complaint is not None)
    made = [place for place, step in enumerate(row) if step.key in done]
    pending = row[made[-1] + 1 :] if made else row
    return _outlook(village, bounds[pending[0].key], complaint, missed=False) if pending else None


def becomes_impossible_on(
    progress: Mapping[str, _Done], end: date, steps: Sequence[Step], calendar: Calendar
) -> date | None:
    """Return the day on which it is certain that the round can't make `end`, if nothing more happens.

    `progress` gives for each village the day on which each step made so far began. A round waits for
    every village, so the first to be lost decides. ``None``: every village has made it.
    """
    outlooks = [outlook(village, done, end, steps, calendar) for village, done in progress.items()]
    return min((each.impossible_from for each in outlooks if each), default=None)


def _backward(end: date, row: Sequence[Step], calendar: Calendar, *, hurried: bool) -> dict[str, date]:
    latest: dict[str, date] = {}
    limit, following = end, None
    for step in reversed(row):
        limit = _latest_opening(step, following, limit, calendar, hurried=hurried)
        latest[step.key] = limit
        following = step
    return latest


def _latest_opening(step: Step, following: Step | None, limit: date, calendar: Calendar, *, hurried: bool) -> date:
    """Return the last day on which `step` may begin so that `following` begins, or it ends, by `limit`."""
    day = limit
    while True:
        if hurried or calendar.is_working(day):
            reached = _closing(step, day, calendar, hurried=hurried)
            if following is not None:
                reached = _opening(following, reached, calendar, hurried=hurried)
            if reached <= limit:
                return day
        day -= _DAY


def _closing(step: Step, day: date, calendar: Calendar, *, hurried: bool) -> date:
    if step.term is None or (hurried and step.binding is Binding.MAXIMUM):
        return day
    return step.term.due_on(day, calendar)


def _opening(step: Step, closed: date, calendar: Calendar, *, hurried: bool) -> date:
    earliest = closed if step.opens is Opens.SAME_DAY else closed + _DAY
    return earliest if hurried else calendar.on_or_after(earliest)


def _bounds(end: date, steps: Sequence[Step], calendar: Calendar) -> dict[str, LatestDay]:
    """Return each step's latest days; a step that comes with or without a complaint has those without.

    Until a complaint is received nobody can know of it, and one on the first day of posting costs less than one
    on the last: only the days without it are certain.
    """
    with_complaint = latest_days(end, steps, calendar, complaint=True)
    without = latest_days(end, steps, calendar, complaint=False)
    return {latest.step.key: latest for latest in (*with_complaint, *without)}


def _complaint_day(done: _Done, steps: Sequence[Step]) -> date | None:
    return min((done[step.key] for step in steps if step.after_complaint and step.key in done), default=None)


def _outlook(village: str, bound: LatestDay, complaint: date | None, *, missed: bool) -> Outlook:
    certain = bound.possible + _DAY
    if bound.step.after_complaint and complaint is not None:
        certain = max(certain, complaint)  # before the complaint there was still a way without one
    return Outlook(village, bound.step, bound.safe, bound.possible, certain, missed)


def _require_known(village: str, done: _Done, steps: Sequence[Step]) -> None:
    keys = [step.key for step in steps]
    unknown = sorted(set(done) - set(keys))
    if unknown:
        raise fault(InputError, "plan.no_step", village=village, steps=", ".join(unknown), known=", ".join(keys))
