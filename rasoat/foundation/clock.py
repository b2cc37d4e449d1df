"""The one clock. Aware instants only; the legal day is the day in Asia/Ho_Chi_Minh."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from .errors import InputError
from .messages import fault

__all__ = [
    "LEGAL_ZONE",
    "Clock",
    "FrozenClock",
    "SystemClock",
    "end_of",
    "legal_date",
    "require_aware",
    "require_day",
    "start_of",
]

LEGAL_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


class Clock(Protocol):
    """Tells the present instant."""

    def now(self) -> datetime:
        """Return the present instant, aware."""
        ...


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        return datetime.now(UTC)


class FrozenClock:
    """A clock that moves only when told to; it never goes back."""

    def __init__(self, instant: datetime) -> None:
        self._instant = require_aware(instant)

    def now(self) -> datetime:
        """Return the instant that was last set."""
        return self._instant

    def move_to(self, instant: datetime) -> None:
        """Move forward to `instant`; `InputError` if that lies in the clock's past."""
        if require_aware(instant) < self._instant:
            msg = f"the clock stands at {self._instant.isoformat()} and cannot go back to {instant.isoformat()}"
            raise InputError(msg)
        self._instant = instant

    def advance(self, step: timedelta) -> None:
        """Move forward by `step`."""
        self.move_to(self._instant + step)


def require_aware(instant: datetime) -> datetime:
    """Return `instant` unchanged; `InputError` if it carries no time zone."""
    if instant.tzinfo is None or instant.utcoffset() is None:
        msg = f"{instant.isoformat()} has no time zone; give an aware datetime, e.g. 2022-10-27T17:00:00+07:00"
        raise InputError(msg)
    return instant


def legal_date(instant: datetime) -> date:
    """Return the legal day (Asia/Ho_Chi_Minh) on which `instant` falls."""
    try:
        return require_aware(instant).astimezone(LEGAL_ZONE).date()
    except OverflowError:
        raise fault(InputError, "clock.out_of_range", instant=instant.isoformat()) from None


def require_day(value: object, name: str) -> date:
    """Return a day unchanged; `InputError` for a datetime, whose legal day is not for us to guess, or anything else."""
    if not isinstance(value, date) or isinstance(value, datetime):
        raise fault(InputError, "clock.day_expected", name=name, value=repr(value))
    return value


def start_of(day: date) -> datetime:
    """Return 00:00 of the legal day, aware, in Asia/Ho_Chi_Minh."""
    return datetime.combine(day, time.min, tzinfo=LEGAL_ZONE)


def end_of(day: date) -> datetime:
    """Return 24:00 of the legal day: the instant at which a term ending on `day` is over (BLDS 2015 Đ148)."""
    return start_of(day + timedelta(days=1))
