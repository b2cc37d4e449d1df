"""The working calendar: which days are worked, and why. Never a guess outside the days it covers."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from ..foundation.errors import CalendarError
from ..foundation.messages import Text, fault, text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Calendar", "DayFact", "DayKind"]

_SATURDAY = 5


class DayKind(StrEnum):
    """What a day is. Only `WORKING` and `MAKEUP` days are worked."""

    WORKING = "working"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"  # ngày nghỉ lễ, Tết
    IN_LIEU = "in_lieu"  # nghỉ bù
    SWAPPED_OFF = "swapped_off"  # nghỉ hoán đổi
    MAKEUP = "makeup"  # làm bù
    CLOSURE = "closure"  # nghỉ theo quyết định của địa phương


@dataclass(frozen=True, slots=True)
class DayFact:
    """Why a day is what it is.

    `decision` and `decided_on` name the deciding document when the day hangs on one, `source` says
    where the fact was read and `tag` how sure it is (FOUND, FOUND-partial, FOUND-indirect, INFERRED, RECALLED).
    `undecided`: another kind is proposed and nothing decided, so the day counts as what it is without the proposal.
    """

    day: date
    kind: DayKind
    name: Text
    decision: str | None
    decided_on: date | None
    source: str
    tag: str
    undecided: bool = False


class Calendar:
    """Every day from `first_day` through `last_day`, as one fold of calendar releases says it is.

    Immutable. Days after `confirmed_through` are expected only: a date that rests on them is provisional.
    A day outside the calendar raises `CalendarError`.
    """

    __slots__ = (
        "_facts",
        "_undecided",
        "_with_makeup",
        "_without_makeup",
        "confirmed_through",
        "first_day",
        "key",
        "last_day",
    )

    def __init__(
        self, key: str, facts: Mapping[date, DayFact], *, first_day: date, last_day: date, confirmed_through: date
    ) -> None:
        self.key = key
        self.first_day = first_day
        self.last_day = last_day
        self.confirmed_through = confirmed_through
        self._facts = {day: facts[day] for day in sorted(facts) if first_day <= day <= last_day}
        self._undecided = tuple(fact for fact in self._facts.values() if fact.undecided)
        self._with_makeup = _Tally(self, makeup_counts=True)
        self._without_makeup = _Tally(self, makeup_counts=False)

    def __repr__(self) -> str:
        return f"<Calendar {self.key} {self.first_day}..{self.last_day}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Calendar):
            return NotImplemented
        return self is other or (self.key, self.last_day, self._facts) == (other.key, other.last_day, other._facts)

    def __hash__(self) -> int:
        return hash(self.key)

    def fact(self, day: date) -> DayFact:
        """Say what `day` is and why."""
        self._index(day)
        return self._facts.get(day) or _ordinary(day)

    def kind(self, day: date) -> DayKind:
        """Say what `day` is."""
        self._index(day)
        fact = self._facts.get(day)
        return _ordinary_kind(day) if fact is None else fact.kind

    def special_days(self) -> tuple[DayFact, ...]:
        """Return, in order, every day that is not simply a weekday or a weekend."""
        return tuple(self._facts.values())

    def is_working(self, day: date, *, makeup_counts: bool = True) -> bool:
        """Say whether `day` is worked; a make-up day (làm bù) is one if `makeup_counts`."""
        return self._tally(makeup_counts=makeup_counts).is_working(self._index(day))

    def add_working_days(self, start: date, count: int, *, makeup_counts: bool = True) -> date:
        """Return the `count`-th working day after `start` (before it if negative); `start` is not counted.

        A count of 0 returns `start` itself, worked or not.
        """
        index = self._index(start)
        if count == 0:
            return start
        tally = self._tally(makeup_counts=makeup_counts)
        rank = (tally.through(index) if count > 0 else tally.through(index - 1) + 1) + count
        if not 1 <= rank <= len(tally.days):
            raise self._outside(text("calendar.asked.count", count=f"{count:+d}", day=start))
        return tally.days[rank - 1]

    def on_or_after(self, day: date, *, makeup_counts: bool = True) -> date:
        """Return `day` if it is worked, else the next working day."""
        tally = self._tally(makeup_counts=makeup_counts)
        rank = tally.through(self._index(day) - 1)
        if rank == len(tally.days):
            raise self._outside(text("calendar.asked.next", day=day))
        return tally.days[rank]

    def working_days_between(self, after: date, through: date, *, makeup_counts: bool = True) -> int:
        """Count the working days in (`after`, `through`]; negative if `through` lies before `after`."""
        tally = self._tally(makeup_counts=makeup_counts)
        return tally.through(self._index(through)) - tally.through(self._index(after))

    def is_provisional(self, day: date) -> bool:
        """Say whether `day` lies past what has been decided; of a term, ask `Term.is_provisional`."""
        return day > self.confirmed_through

    def undecided_within(self, first: date, last: date) -> tuple[DayFact, ...]:
        """Return the days of [`first`, `last`] for which something else is proposed and nothing decided yet."""
        return tuple(fact for fact in self._undecided if first <= fact.day <= last)

    def _tally(self, *, makeup_counts: bool) -> _Tally:
        return self._with_makeup if makeup_counts else self._without_makeup

    def _index(self, day: date) -> int:
        if isinstance(day, datetime):
            raise fault(CalendarError, "calendar.instant", found=repr(day))
        if not self.first_day <= day <= self.last_day:
            raise self._outside(str(day))
        return day.toordinal() - self.first_day.toordinal()

    def _outside(self, what: str | Text) -> CalendarError:
        return fault(
            CalendarError, "calendar.outside", key=self.key, first=self.first_day, last=self.last_day, asked=what
        )


class _Tally:
    """Running counts of working days, so that every question is one look-up."""

    __slots__ = ("_through", "days")

    def __init__(self, calendar: Calendar, *, makeup_counts: bool) -> None:
        worked = {DayKind.WORKING, DayKind.MAKEUP} if makeup_counts else {DayKind.WORKING}
        self.days: list[date] = []
        self._through = array("l", [0])  # [i + 1]: how many of the first i + 1 days are worked
        for offset in range((calendar.last_day - calendar.first_day).days + 1):
            day = calendar.first_day + timedelta(days=offset)
            if calendar.kind(day) in worked:
                self.days.append(day)
            self._through.append(len(self.days))

    def through(self, index: int) -> int:
        return self._through[index + 1]

    def is_working(self, index: int) -> bool:
        return self._through[index + 1] > self._through[index]


def _ordinary_kind(day: date) -> DayKind:
    return DayKind.WEEKEND if day.weekday() >= _SATURDAY else DayKind.WORKING


def _ordinary(day: date) -> DayFact:
    kind = _ordinary_kind(day)
    return DayFact(day, kind, text(f"calendar.kind.{kind}"), decision=None, decided_on=None, source="", tag="RECALLED")
