"""The ladder: who is told how many working days before and after a term's last day. Data, climbed by the worker."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ..foundation.clock import LEGAL_ZONE, end_of
from ..foundation.errors import DefinitionError

if TYPE_CHECKING:
    from .calendar import Calendar

__all__ = ["Ladder", "Rung", "ladder", "next_wake", "rungs_reached"]

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
        msg = f"unknown ladder {key!r}; deadlines/data/ladders.toml has {', '.join(_ladders())}"
        raise DefinitionError(msg) from None


def next_wake(key: str, due_on: date, after: datetime | None, calendar: Calendar) -> datetime | None:
    """Return the first instant later than `after` at which the worker must look: a rung, or the term's end."""
    climbing = ladder(key)
    instants = [climbing.instant(rung, due_on, calendar) for rung in climbing.rungs]
    instants.append(end_of(due_on))
    return min((i for i in instants if after is None or i > after), default=None)


def rungs_reached(key: str, due_on: date, now: datetime, calendar: Calendar) -> list[tuple[Rung, datetime]]:
    """Return the rungs reached by `now`, lowest first, each with its instant."""
    climbing = ladder(key)
    reached = [(rung, climbing.instant(rung, due_on, calendar)) for rung in climbing.rungs]
    return [(rung, instant) for rung, instant in reached if instant <= now]


def was_missed(instant: datetime, now: datetime) -> bool:
    """Whether the worker came to a rung only after the rung's own legal day."""
    return now - instant >= timedelta(days=1)


@cache
def _ladders() -> dict[str, Ladder]:
    text = (files(__package__) / "data" / "ladders.toml").read_text(encoding="utf-8")
    return {key: _ladder(key, table) for key, table in tomllib.loads(text).items()}


def _ladder(key: str, table: dict[str, Any]) -> Ladder:
    rungs = []
    for entry in table["rungs"]:
        if set(entry) != _RUNG_KEYS:
            msg = f"ladder {key!r}: a rung has the keys {sorted(_RUNG_KEYS)}, found {sorted(entry)}"
            raise DefinitionError(msg)
        rungs.append(Rung(**entry))
    steps = [rung.step for rung in rungs]
    if steps != sorted(set(steps)):
        msg = f"ladder {key!r}: rungs must rise, found steps {steps}"
        raise DefinitionError(msg)
    return Ladder(key, table["at"], tuple(rungs))
