"""How a person wishes to be reached: which channels for which severity, at once or in the digest, quiet hours."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from ..foundation.clock import LEGAL_ZONE, require_aware, start_of
from ..foundation.errors import InputError
from ..foundation.messages import fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, time

    from .model import Severity

__all__ = ["Delivery", "Preferences", "QuietHours", "Route", "next_allowed"]

Delivery = Literal["immediate", "digest"]

_FURTHEST = 60


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Local hours in which nothing is sent: from `start` up to, not including, `end`, across midnight if start > end.

    With `days_off`, days that are not working days are quiet as a whole. A message of a severity in
    `except_for` is sent all the same. Equal `start` and `end` mean no quiet hours.
    """

    start: time
    end: time
    days_off: bool = False
    except_for: frozenset[Severity] = frozenset()

    def __post_init__(self) -> None:
        """Refuse hours that carry a zone of their own."""
        if self.start.tzinfo or self.end.tzinfo:
            raise fault(InputError, "sending.quiet")

    def covers(self, local: time) -> bool:
        """Return whether `local` lies in the quiet hours."""
        if self.start <= self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end


@dataclass(frozen=True, slots=True)
class Route:
    """What happens to messages of one severity: at once or in the digest, over which channels."""

    delivery: Delivery
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preferences:
    """A person's wishes. A severity without a route takes the default: `info` in the digest, the rest at once."""

    channels: tuple[str, ...]
    routes: Mapping[Severity, Route] = field(default_factory=dict)
    quiet: QuietHours | None = None

    def route(self, severity: Severity) -> Route:
        """Return how messages of `severity` reach this person."""
        default = Route("digest" if severity == "info" else "immediate", self.channels)
        return self.routes.get(severity, default)


def next_allowed(
    now: datetime, quiet: QuietHours | None, severity: Severity, is_working_day: Callable[[date], bool]
) -> datetime:
    """Return the first instant, `now` or later, at which a message of `severity` may be sent.

    `InputError` if that would be more than 60 days away: the calendar given is then without working days.
    """
    require_aware(now)
    if quiet is None or severity in quiet.except_for:
        return now
    local = now.astimezone(LEGAL_ZONE)
    for _ in range(2 * _FURTHEST):
        if quiet.days_off and not is_working_day(local.date()):
            local = start_of(local.date() + timedelta(days=1))
        elif quiet.covers(local.time()):
            local = _after_quiet(local, quiet)
        else:
            return max(now, local)
    raise fault(InputError, "sending.always_quiet", days=_FURTHEST, now=now.isoformat())


def _after_quiet(local: datetime, quiet: QuietHours) -> datetime:
    over_night = quiet.start > quiet.end and local.time() >= quiet.start
    day = local.date() + timedelta(days=1) if over_night else local.date()
    return datetime.combine(day, quiet.end, tzinfo=LEGAL_ZONE)
