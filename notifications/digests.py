"""The morning digest and the committee's weekly summary, as data for their templates. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..foundation.clock import LEGAL_ZONE, legal_date
from ..foundation.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date, datetime, time

    from ..foundation.messages import Text
    from .alerts import Notice

__all__ = [
    "Entry",
    "Line",
    "UnitRate",
    "catch_up",
    "digest",
    "digest_due",
    "lines_told",
    "not_told",
    "summary_due",
    "weekly_summary",
]

Line = tuple[str, str, str, str]
"""What a line of a list is about: step, village, desk, last day."""

SOON = 2
"""Working days ahead that a digest looks."""
RECKONED = frozenset({"deadline", "breach"})
"""Kinds told by the days left; the others are changes."""
MAX_ROWS = 40
"""Rows a section lists; what is beyond is counted, not listed."""
_DAYS = 7


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a digest: so many households at one step of one village. `days_left` in working days."""

    kind: str
    count: int
    counting: str
    village: str
    step: Text
    desk: Text
    due_on: date | None
    days_left: int | None

    @classmethod
    def of(cls, notice: Notice, days_left: int | None) -> Entry:
        """Return the line that tells `notice`."""
        like = notice.like
        return cls(like.kind, notice.count, like.counting, like.village, like.step, like.desk, like.due_on, days_left)


@dataclass(frozen=True, slots=True)
class UnitRate:
    """One unit's week: steps whose last day fell in it, those done on time, and what is overdue now."""

    name: str
    due: int
    on_time: int
    overdue: int

    def __post_init__(self) -> None:
        """Refuse counts that contradict each other."""
        if not 0 <= self.on_time <= self.due or self.overdue < 0:
            msg = f"{self.name}: {self.on_time} of {self.due} on time, {self.overdue} overdue cannot be"
            raise InputError(msg)


def digest(day: date, due: Iterable[Entry], changed: Iterable[Entry] = ()) -> dict[str, Any] | None:
    """Return the data of the digest for `day`, or None when there is nothing to tell.

    `due` is told by what is left: overdue, due today, due within two working days; what lies further
    ahead is left out. `changed` is told as it is. Entries on the same step, village, desk and last day
    are one line.
    """
    near = [entry for entry in due if _section(entry) != "changed"]
    told = _sections(near, changed)
    return {"day": day.isoformat(), "catch_up": False, "sections": told} if told else None


def catch_up(day: date, backlog: Iterable[Entry]) -> dict[str, Any]:
    """Return the data of the one list in which a `backlog` reaches its recipient. It leaves nothing out."""
    return {"day": day.isoformat(), "catch_up": True, "sections": _sections(backlog, ())}


def lines_told(data: Mapping[str, Any]) -> dict[Line, int]:
    """Return the lines that a digest or catch-up lists by what is left of their terms, with their counts."""
    items = (item for part in data["sections"] if part["name"] != "changed" for item in part["items"])
    return {(i["step"]["vi"], i["village"], i["desk"]["vi"], i["due_on"]): i["count"] for i in items}


def not_told(entries: Iterable[Entry], told: Mapping[Line, int]) -> list[Entry]:
    """Return the entries that a list of the same day has not told already, of as many households or more."""
    return [entry for entry in entries if _section(entry) == "changed" or told.get(_line(entry), 0) < entry.count]


def _line(entry: Entry) -> Line:
    return entry.step.vi, entry.village, entry.desk.vi, str(entry.due_on)


def weekly_summary(first: date, last: date, units: Sequence[UnitRate]) -> dict[str, Any]:
    """Return the data of the summary of the week, or the missed weeks too, `first` to `last`; units in their order."""
    total = UnitRate("", sum(u.due for u in units), sum(u.on_time for u in units), sum(u.overdue for u in units))
    return {
        "first": first.isoformat(),
        "last": last.isoformat(),
        "weeks": ((last - first).days + _DAYS) // _DAYS,
        "units": [_rate(unit) for unit in units],
        "total": _rate(total),
    }


def digest_due(now: datetime, last_sent: date | None, at: time, is_working_day: Callable[[date], bool]) -> bool:
    """Return whether the digest of today is to be sent now: a working morning, once a day, from `at` on (local)."""
    today = legal_date(now)
    return is_working_day(today) and last_sent != today and _local_time(now) >= at


def summary_due(now: datetime, last_sent: date | None, at: time, is_working_day: Callable[[date], bool]) -> bool:
    """Return whether last week's summary is to be sent now: from the first working day on, once, on a working day."""
    today = legal_date(now)
    monday = today - timedelta(days=today.weekday())
    if last_sent is not None and last_sent >= monday:
        return False
    if not is_working_day(today):
        return False
    is_first = not any(is_working_day(monday + timedelta(days=i)) for i in range(today.weekday()))
    return not is_first or _local_time(now) >= at


def _local_time(now: datetime) -> time:
    return now.astimezone(LEGAL_ZONE).time()


def _sections(due: Iterable[Entry], changed: Iterable[Entry]) -> list[dict[str, Any]]:
    sections: dict[str, list[Entry]] = {"overdue": [], "today": [], "soon": [], "changed": list(changed)}
    for entry in _distinct(due):
        sections[_section(entry)].append(entry)
    return [_told(name, entries) for name, entries in sections.items() if entries]


def _distinct(due: Iterable[Entry]) -> Iterable[Entry]:
    lines: dict[tuple[object, ...], Entry] = {}
    for entry in due:
        reckoned = _section(entry) != "changed"
        key = (entry.step, entry.village, entry.desk, entry.due_on, reckoned or entry.kind)
        lines[key] = max(lines.get(key, entry), entry, key=lambda line: line.count)
    return lines.values()


def _section(entry: Entry) -> str:
    left = entry.days_left
    if entry.kind not in RECKONED or left is None or left > SOON:
        return "changed"
    if left < 0:
        return "overdue"
    return "soon" if left else "today"


def _told(name: str, entries: list[Entry]) -> dict[str, Any]:
    ordered = sorted(entries, key=_urgency)
    countings = {entry.counting for entry in entries}
    as_changes = name == "changed"
    return {
        "name": name,
        "count": len(entries) if as_changes else sum(entry.count for entry in entries),
        "counting": "change" if as_changes else countings.pop() if len(countings) == 1 else "case",
        "items": [_item(entry) for entry in ordered[:MAX_ROWS]],
        "more": max(0, len(entries) - MAX_ROWS),
    }


def _urgency(entry: Entry) -> tuple[bool, int, int, str]:
    return (entry.days_left is None, entry.days_left or 0, -entry.count, entry.village)


def _item(entry: Entry) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "count": entry.count,
        "counting": entry.counting,
        "village": entry.village,
        "step": entry.step._asdict(),
        "desk": entry.desk._asdict(),
        "due_on": entry.due_on.isoformat() if entry.due_on else None,
        "days_left": entry.days_left,
    }


def _rate(unit: UnitRate) -> dict[str, Any]:
    return {"name": unit.name, "due": unit.due, "on_time": unit.on_time, "overdue": unit.overdue}
