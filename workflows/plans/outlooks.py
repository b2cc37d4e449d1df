"""Where a round stands against the dates that its last case must meet: from its cases, as they are on record.

A round that can no longer make its season is lost from the day on which no lawful way leads to the end, however fast
everybody works (see `backward`). Its desk and the supervisor are told on that day, once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from ...engine.definition import SUPERVISOR
from ...engine.replaying import in_force
from ...engine.rounds import finished, rule_label
from ...engine.tidings import tiding, tiding_id
from ...foundation.clock import legal_date
from ...persistence.deadlines import open_of
from ...persistence.events import history
from ...persistence.ledger import entries_of
from ...persistence.outbox import enqueue, facts_by_id
from ...persistence.rounds import RoundRow, rounds
from ...persistence.wakeups import is_open
from .backward import latest_days, outlook
from .reached import reached
from .steps import steps_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime

    from ...deadlines.calendar import Calendar
    from ...engine.service import Engine, Library
    from ...foundation.messages import Text
    from ...persistence.database import Database, Tx
    from ...persistence.deadlines import DeadlineRow
    from ...persistence.events import EventRow
    from ...persistence.outbox import OutboxRow
    from .backward import Outlook
    from .steps import Step

__all__ = ["RoundOutlook", "VillageOutlook", "flag_lost", "open_rounds", "round_outlooks"]

_CASES_AT_ONCE = 500


class VillageOutlook(NamedTuple):
    """The cases of a village that decide: their steps, how many share them, what that leaves (None: made in time)."""

    unit_path: str
    cases: int
    done: Mapping[str, date]
    outlook: Outlook | None


@dataclass(frozen=True, slots=True)
class RoundOutlook:
    """A round against one date by which its last case must have ended (the season's end, a milestone of its plan)."""

    round: RoundRow
    deadline: DeadlineRow
    label: Text
    article: str
    villages: tuple[VillageOutlook, ...]

    @property
    def end(self) -> date:
        """The last day."""
        return self.deadline.due_on

    @property
    def impossible_on(self) -> date | None:
        """The day from which it is certain that the round can't make it if nothing more happens; None: it has."""
        return min((v.outlook.impossible_from for v in self.villages if v.outlook), default=None)

    def lost(self, today: date) -> tuple[VillageOutlook, ...]:
        """Return the villages that can't make it any more on `today`, the first to be lost first."""
        gone = [v for v in self.villages if v.outlook and v.outlook.lost(today)]
        return tuple(sorted(gone, key=lambda v: (v.outlook.impossible_from if v.outlook else today, v.unit_path)))


class _End(NamedTuple):
    """A date that a round's last case must meet, and the steps that lead there."""

    round: RoundRow
    deadline: DeadlineRow
    label: Text
    article: str
    steps: tuple[Step, ...]


def open_rounds(tx: Tx) -> list[int]:
    """Return the ids of the rounds of which a date of their own still runs."""
    d = tx.tables.deadline
    query = select(d.c.subject_id).where(is_open(tx), d.c.subject == "round").distinct().order_by(d.c.subject_id)
    return [row.subject_id for row in tx.select(query)]


def round_outlooks(tx: Tx, engine: Engine, round_id: int) -> tuple[RoundOutlook, ...]:
    """Return how a round stands against each running date that its last case must meet, the earliest first.

    Empty for a procedure whose rounds have no season to make. Days are the legal days of the acts on record now.
    """
    ends = _ends(tx, engine.library, round_id)
    if not ends:
        return ()
    courses = _courses(tx, engine.library, round_id, ends[0].steps)
    calendar_for = _calendars(engine)
    return tuple(_judge(end, courses or {(end.round.unit_path, ()): 0}, calendar_for) for end in ends)


def flag_lost(
    database: Database, engine: Engine, round_ids: Sequence[int], *, stop: Callable[[], bool] = lambda: False
) -> int:
    """Tell of each round that can't make one of its dates any more, once for each date; return how many were new.

    However many workers ask, and however often: what is told carries an id that follows from the round, the date's
    name and its last day.
    """
    flagged = 0
    for round_id in round_ids:
        if stop():
            break
        with database.read() as tx:
            found = _newly_lost(tx, engine, round_id)
        if found:
            with database.begin() as tx:
                enqueue(tx, found)
            flagged += len({row.subject for row in found})
    return flagged


def _newly_lost(tx: Tx, engine: Engine, round_id: int) -> list[OutboxRow]:
    now = engine.clock.now()
    today = legal_date(now)
    calendar_for = _calendars(engine)
    untold = [e for e in _ends(tx, engine.library, round_id) if not facts_by_id(tx, [_told_id(e.deadline)])]
    places = _villages(tx, round_id) if untold else []
    at_stake = {e.deadline.id for e in untold if today > _earliest(e, [e.round.unit_path, *places], calendar_for)}
    if not at_stake:
        return []
    judged = [each for each in round_outlooks(tx, engine, round_id) if each.deadline.id in at_stake]
    return [row for each in judged if each.lost(today) for row in _tidings(each, today, now)]


def _villages(tx: Tx, round_id: int) -> list[str]:
    case = tx.tables.case
    return [row.unit_path for row in tx.select(select(case.c.unit_path).where(case.c.round_id == round_id).distinct())]


def _earliest(end: _End, paths: Sequence[str], calendar_for: Callable[[str], Calendar]) -> date:
    """Return the last day on which nothing can be certain yet, whatever has been done: cases need not be read."""
    calendars = {calendar.key: calendar for calendar in map(calendar_for, paths)}
    rows = (
        latest_days(end.deadline.due_on, end.steps, calendar, complaint=complaint)
        for calendar in calendars.values()
        for complaint in (False, True)
    )
    return min(each.possible for row in rows for each in row)


def _tidings(judged: RoundOutlook, today: date, now: datetime) -> list[OutboxRow]:
    row, lost = judged.deadline, judged.lost(today)
    first = lost[0]
    assert first.outlook is not None  # noqa: S101  `lost` keeps only villages that have one
    data = {
        "workflow": judged.round.workflow,
        "rule": row.rule,
        "label": judged.label._asdict(),
        "article": judged.article,
        "due_on": row.due_on.isoformat(),
        "count": 1,
        "round": str(judged.round.id),
        "subject": "round",
        "owner_role": row.owner_role,
        "owner_path": row.owner_path,
        "certain_on": first.outlook.impossible_from.isoformat(),
        "village": first.unit_path,
        "villages": len({v.unit_path for v in lost}),
        "pending": first.outlook.step.label._asdict(),
    }
    return [
        tiding("season_lost", "breach", role, row.owner_path, judged.round.unit_path, _subject(row), data, now)
        for role in (row.owner_role, SUPERVISOR)
    ]


def _subject(row: DeadlineRow) -> str:
    return f"{row.round_id}:{row.rule}:{row.due_on}"


def _told_id(row: DeadlineRow) -> str:
    return tiding_id("season_lost", _subject(row), row.owner_role, row.owner_path)


def _ends(tx: Tx, library: Library, round_id: int) -> list[_End]:
    opened = rounds(tx, [round_id])[round_id]
    workflow = library.compiled(opened.workflow).workflow
    steps = steps_of(workflow.key)
    running = [row for row in open_of(tx, [round_id]).get(round_id, ()) if row.subject == "round"]
    opening = entries_of(tx, [row.id for row in running])
    return [
        _End(opened, row, rule_label(opening[row.id][0]), str(workflow.article), steps)
        for row in sorted(running, key=lambda row: (row.due_on, row.rule))
        if steps and row.status == "open" and finished(opening[row.id][0])
    ]


def _courses(
    tx: Tx, library: Library, round_id: int, steps: Sequence[Step]
) -> Counter[tuple[str, tuple[tuple[str, date], ...]]]:
    """Count the cases of a round that need the steps by village and by the days on which they reached them."""
    found: Counter[tuple[str, tuple[tuple[str, date], ...]]] = Counter()
    table = tx.tables.case
    query = select(table.c.id, table.c.unit_path, table.c.workflow).where(table.c.round_id == round_id)
    cases = tx.select(query)
    for start in range(0, len(cases), _CASES_AT_ONCE):
        chunk = cases[start : start + _CASES_AT_ONCE]
        events: dict[int, list[EventRow]] = defaultdict(list)
        for event in history(tx, [case.id for case in chunk]):
            events[event.case_id].append(event)
        for case in chunk:
            course = [(e.to_state, e.occurred_on) for e in in_force(events[case.id]) if e.from_state != e.to_state]
            done = reached(steps, library.compiled(case.workflow).workflow, course)
            if done is not None:
                found[case.unit_path, tuple(done.items())] += 1
    return found


def _judge(
    end: _End, courses: Mapping[tuple[str, tuple[tuple[str, date], ...]], int], calendar_for: Callable[[str], Calendar]
) -> RoundOutlook:
    """Judge each village by those of its cases that are lost first: it waits for every one of them."""
    villages: dict[str, VillageOutlook] = {}
    for (path, course), count in sorted(courses.items()):
        done = dict(course)
        found = outlook(path, done, end.deadline.due_on, end.steps, calendar_for(path))
        judged = VillageOutlook(path, count, done, found)
        before = villages.get(path)
        if before is None or _sooner(judged, before):
            villages[path] = judged
    return RoundOutlook(end.round, end.deadline, end.label, end.article, tuple(villages.values()))


def _sooner(one: VillageOutlook, other: VillageOutlook) -> bool:
    if one.outlook is None or other.outlook is None:
        return other.outlook is None and one.outlook is not None
    return one.outlook.impossible_from < other.outlook.impossible_from


def _calendars(engine: Engine) -> Callable[[str], Calendar]:
    """Return the calendar of each unit as it is known today, each built once."""
    today = legal_date(engine.clock.now())
    found: dict[str, Calendar] = {}

    def calendar_for(path: str) -> Calendar:
        if path not in found:
            found[path] = engine.calendar_for(today, path)
        return found[path]

    return calendar_for
