"""The ladder: who is told how many working days before and after a term's last day. Data, climbed by the worker."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from importlib.resources import files
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from ..foundation.clock import LEGAL_ZONE, end_of, legal_date
from ..foundation.errors import DefinitionError
from ..foundation.messages import fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .calendar import Calendar

__all__ = ["Ladder", "Rung", "ladder", "next_wake", "rungs_reached", "was_missed"]

SEVERITIES = ("info", "warning", "urgent", "breach")
_RUNG_KEYS = {"step", "tell", "levels_up", "severity"}


@dataclass(frozen=True, slots=True)
class Rung:
    """`step` working days after the due day (negative: before); `tell` a role, or "owner"; `levels_up` the tree."""

    step: int
    tell: str
    levels_up: int
    severity: str

    def day(self, due_on: date, calendar: Calendar) -> date:
        """Return the working day on which this rung is reached."""
        return due_on if self.step == 0 else calendar.add_working_days(due_on, self.step)


@dataclass(frozen=True, slots=True)
class Ladder:
    """Rungs in rising order, and the hour of the working day at which they are climbed."""

    key: str
    at: time
    rungs: tuple[Rung, ...]

    def instant(self, rung: Rung, due_on: date, calendar: Calendar) -> datetime:
        """Return the instant at which `rung` is reached for a term that ends on `due_on`."""
        return datetime.combine(rung.day(due_on, calendar), self.at, tzinfo=LEGAL_ZONE)


def ladder(key: str) -> Ladder:
    """Return the ladder called `key`; `DefinitionError` if there is none."""
    try:
        return _ladders()[key]
    except KeyError:
        raise fault(DefinitionError, "definition.ladder", key=key, known=", ".join(_ladders())) from None


def next_wake(key: str, due_on: date, after: datetime | None, calendar: Calendar) -> datetime | None:
    """Return the first instant later than `after` at which the worker must look: a rung, or the term's end.

    Rungs beyond it are not asked for: the calendar need not reach them yet.
    """
    over = end_of(due_on)
    for instant in _instants(ladder(key), due_on, calendar):
        if instant >= over and (after is None or over > after):
            return over
        if after is None or instant > after:
            return instant
    return over if after is None or over > after else None


def rungs_reached(key: str, due_on: date, now: datetime, calendar: Calendar) -> list[tuple[Rung, datetime]]:
    """Return the rungs reached by `now`, lowest first, each with its instant."""
    climbing = ladder(key)
    climbed = zip(climbing.rungs, _instants(climbing, due_on, calendar), strict=False)
    return list(takewhile(lambda rung: rung[1] <= now, climbed))


def was_missed(instant: datetime, now: datetime) -> bool:
    """Whether the worker came to a rung only after the rung's own legal day."""
    return legal_date(now) > legal_date(instant)


def _instants(climbing: Ladder, due_on: date, calendar: Calendar) -> Iterator[datetime]:
    return (climbing.instant(rung, due_on, calendar) for rung in climbing.rungs)


@cache
def _ladders() -> dict[str, Ladder]:
    text = (files(__package__) / "data" / "ladders.toml").read_text(encoding="utf-8")
    return {key: _ladder(key, table) for key, table in tomllib.loads(text).items()}


def _ladder(key: str, table: dict[str, Any]) -> Ladder:
    if set(table) != {"at", "rungs"} or not isinstance(table["at"], time):
        msg = f"ladder {key!r}: expected an hour `at` and a list `rungs`, found {sorted(table)}"
        raise DefinitionError(msg)
    rungs = tuple(_rung(key, entry) for entry in table["rungs"])
    steps = [rung.step for rung in rungs]
    if steps != sorted(set(steps)):
        msg = f"ladder {key!r}: rungs must rise, found steps {steps}"
        raise DefinitionError(msg)
    return Ladder(key, table["at"], rungs)


def _rung(key: str, entry: dict[str, Any]) -> Rung:
    if set(entry) != _RUNG_KEYS or entry["severity"] not in SEVERITIES or entry["levels_up"] < 0:
        msg = (
            f"ladder {key!r}: a rung has the keys {sorted(_RUNG_KEYS)}, a severity out of {', '.join(SEVERITIES)} and "
            f"levels_up from 0, found {entry}"
        )
        raise DefinitionError(msg)
    return Rung(**entry)
