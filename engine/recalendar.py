"""A new calendar release: which open deadlines it moves. They are moved on record, with a word to their owners.

A superseded last day stays in the ledger; the deadline keeps its row, so that there is one clock per case and rule
(docs/decisions). Each chunk is a transaction of its own: what a crash left undone is found again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import structlog

from ..deadlines.releases import diff
from ..foundation.clock import legal_date
from ..foundation.errors import CalendarError
from ..persistence.cases import lock
from ..persistence.deadlines import open_of
from ..persistence.ledger import Moved, deadlines_by_id, entries_of, move
from ..persistence.outbox import enqueue
from ..persistence.recalendaring import ADJUSTING, adjusted_terms, open_terms, subjects_of
from .breaches import Entry, enter
from .chaining import Note, note
from .judging import Held
from .ledger import held, moved
from .tidings import tiding, what
from .values import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    from ..deadlines.calendar import Calendar
    from ..deadlines.releases import DayChange, Library
    from ..persistence.database import Database, Tx
    from ..persistence.deadlines import DeadlineRow
    from ..persistence.outbox import OutboxRow
    from ..persistence.recalendaring import OpenTerm
    from .definition import DeadlineRule
    from .service import Engine

__all__ = ["Recalendared", "Shift", "recalendar"]

log = structlog.get_logger("rasoat.calendar")
_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Shift:
    """Deadlines of one village under one rule that a release moves from one last day to another."""

    unit_path: str
    workflow: str
    rule: str
    old_due_on: date
    new_due_on: date
    decision: str
    count: int


@dataclass(frozen=True, slots=True)
class Recalendared:
    """What a calendar change does: the deadlines moved, those that became firm, how many were looked at."""

    shifts: tuple[Shift, ...]
    firm: int
    checked: int

    @property
    def moved(self) -> int:
        """How many deadlines move."""
        return sum(shift.count for shift in self.shifts)


class _New(NamedTuple):
    """Where a term ends on the calendar as known now."""

    due_on: date
    decision: str
    provisional: bool
    deadlines: int


def recalendar(
    database: Database, engine: Engine, library: Library, *, unit_path: str | None = None, dry_run: bool = False
) -> Recalendared:
    """Put every running counted term on the calendar that `library` knows now; `dry_run` only says what would change.

    A term that is suspended is left alone: it is counted anew when it runs on.
    """
    finder = _Finder(engine, library)
    with database.read() as tx:
        plan, checked = finder.plan(tx, unit_path)
        rows = deadlines_by_id(tx, adjusted_terms(tx, unit_path))
        adjusted = finder.judged(tx, rows)
    found: list[tuple[OpenTerm | DeadlineRow, _New]] = [*plan.items(), *((each.row, new) for each, new in adjusted)]
    firm = sum(new.deadlines for row, new in found if new.due_on == row.due_on)
    done = Recalendared(_shifts(found), firm, checked + len(rows))
    if not dry_run:
        for terms in _chunks(plan):
            with database.begin() as tx:
                _apply(tx, engine, finder, subjects_of(tx, terms))
        with database.begin() as tx:
            _apply(tx, engine, finder, [each.row.subject_id for each, _ in adjusted])
        log.info("calendar_changed", moved=done.moved, firm=done.firm, checked=done.checked)
    return done


class _Finder:
    """Counts terms on the calendars of the library, each question once."""

    def __init__(self, engine: Engine, library: Library) -> None:
        self._engine = engine
        self._library = library
        self._today = legal_date(engine.clock.now())
        self._calendars: dict[str, Calendar] = {}
        self._dues: dict[tuple[str, str, int, date, str], date] = {}
        self._changes: dict[tuple[str, str], tuple[DayChange, ...]] = {}
        self._found: dict[tuple[object, ...], _New | None] = {}
        self._rules: dict[tuple[str, str], DeadlineRule] = {}

    def calendar(self, unit_path: str) -> Calendar:
        """Return the calendar of a unit as known today."""
        if unit_path not in self._calendars:
            self._calendars[unit_path] = self._library.calendar(as_known_on=self._today, unit=unit_path)
        return self._calendars[unit_path]

    def plan(self, tx: Tx, unit_path: str | None) -> tuple[dict[OpenTerm, _New], int]:
        """Return the terms that end elsewhere or became firm, and how many deadlines were looked at."""
        found: dict[OpenTerm, _New] = {}
        checked = 0
        for term, count in open_terms(tx, unit_path):
            checked += count
            calendar = self.calendar(term.unit_path)
            new = self._new(term, self._due(term, calendar), calendar, count)
            if new is not None:
                found[term] = new
        return found, checked

    def judged(self, tx: Tx, rows: Sequence[DeadlineRow]) -> list[tuple[Held, _New]]:
        """Return those of `rows` that end elsewhere or became firm, each by its own ledger."""
        counted = [row for row in rows if row.status == "open" and row.subject == "case" and row.kind != "fixed"]
        entries = entries_of(tx, [row.id for row in counted])
        adjusted = {row.id for row in counted if any(e.kind in ADJUSTING for e in entries.get(row.id, ()))}
        found = [self._plain(row) for row in counted if row.id not in adjusted]
        for each in held(tx, self._engine, [row for row in counted if row.id in adjusted]):
            calendar = self.calendar(each.row.unit_path)
            new = self._new(each.row, each.counted.due_on(calendar), calendar, 1)
            found.append((each._replace(calendar=calendar), new))
        return [(each, new) for each, new in found if new is not None]

    def _plain(self, row: DeadlineRow) -> tuple[Held, _New | None]:
        """Judge a term that nobody suspended or extended: the same answer for all that rest on the same."""
        calendar = self.calendar(row.unit_path)
        key = (
            row.workflow,
            row.rule,
            row.length,
            row.started_on,
            row.calendar,
            row.due_on,
            row.provisional,
            calendar.key,
        )
        if key not in self._found:
            self._found[key] = self._new(row, self._due(row, calendar), calendar, 1)
        return Held(row, self._rule(row), (), None, calendar), self._found[key]

    def _rule(self, row: DeadlineRow) -> DeadlineRule:
        key = (row.workflow, row.rule)
        if key not in self._rules:
            self._rules[key] = self._engine.library.compiled(row.workflow).workflow.deadline(row.rule)
        return self._rules[key]

    def _new(self, term: OpenTerm | DeadlineRow, due_on: date, calendar: Calendar, count: int) -> _New | None:
        firm = term.provisional and not calendar.is_provisional(due_on)
        if due_on == term.due_on and not firm:
            return None
        decision = self._decision(term.calendar, calendar, term.started_on, max(due_on, term.due_on))
        return _New(due_on, decision, calendar.is_provisional(due_on), count)

    def _due(self, term: OpenTerm | DeadlineRow, calendar: Calendar) -> date:
        key = (term.workflow, term.rule, term.length, term.started_on, calendar.key)
        if key not in self._dues:
            counted = self._engine.library.compiled(term.workflow).workflow.deadline(term.rule).term
            if counted is None:
                msg = f"{term.workflow} counts no term under {term.rule!r}, but deadlines of it run in {term.unit_path}"
                raise CalendarError(msg)
            self._dues[key] = replace(counted, length=term.length).due_on(term.started_on, calendar)
        return self._dues[key]

    def _decision(self, old_key: str, new: Calendar, start: date, last: date) -> str:
        """Name the decisions behind the days that the two calendars tell differently within a term."""
        key = (old_key, new.key)
        if key not in self._changes:
            try:
                self._changes[key] = diff(self._library.calendar(old_key), new)
            except CalendarError:  # counted on a host's own calendar, which only the host knows
                self._changes[key] = ()
        facts = [c.after or c.before for c in self._changes[key] if start <= c.day <= last]
        named = dict.fromkeys(fact.decision for fact in facts if fact is not None and fact.decision)
        return "; ".join(named) or new.key


def _shifts(found: Iterable[tuple[OpenTerm | DeadlineRow, _New]]) -> tuple[Shift, ...]:
    counts: Counter[tuple[str, str, str, date, date, str]] = Counter()
    for row, new in found:
        if row.due_on != new.due_on:
            counts[row.unit_path, row.workflow, row.rule, row.due_on, new.due_on, new.decision] += new.deadlines
    return tuple(Shift(*key, count) for key, count in sorted(counts.items()))


def _chunks(plan: Mapping[OpenTerm, _New]) -> Iterator[list[OpenTerm]]:
    """Yield the terms to change village by village, some thousand deadlines together."""
    chunk: list[OpenTerm] = []
    for _, members in groupby(plan, key=lambda term: term.unit_path):
        chunk += members
        if sum(plan[term].deadlines for term in chunk) >= _AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _apply(tx: Tx, engine: Engine, finder: _Finder, subjects: Sequence[int]) -> None:
    """Change the deadlines of some cases, decided anew under their locks."""
    cases = lock(tx, sorted(set(subjects)))
    changes = finder.judged(tx, [row for rows in open_of(tx, subjects).values() for row in rows])
    now = engine.clock.now()
    today = legal_date(now)
    waking = _Waking(now)
    said = _Said()
    move(tx, [waking.row(each, new) for each, new in changes])
    enter(tx, [_entry(each, new, said, today) for each, new in changes], now, SYSTEM.key)
    shifted = [(each, new) for each, new in changes if new.due_on != each.row.due_on]
    note(tx, cases, [_note(each, new, said, today) for each, new in shifted], SYSTEM.key, now)
    enqueue(tx, _tidings(shifted, now))


class _Waking:
    """Rows to write, with the first wake-up of a new last day computed once for all that share it."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._known: dict[tuple[str, str, date, date], Moved] = {}

    def row(self, each: Held, new: _New) -> Moved:
        """Return the changed row; one that only became firm keeps its wake-up."""
        row = each.row
        if new.due_on == row.due_on:
            calendar = each.calendar.key
            return Moved(row.status, calendar, row.due_on, row.due_at, row.next_at, new.provisional, row.id)
        key = (each.rule.ladder, each.calendar.key, row.started_on, new.due_on)
        if key not in self._known:
            self._known[key] = moved(each, new.due_on, "open", self._now)
        return self._known[key]._replace(deadline_id=row.id)


class _Said:
    """What ledger and chain say of a change, written once for all deadlines that change alike."""

    def __init__(self) -> None:
        self._known: dict[tuple[date, str, str, _New], dict[str, str]] = {}

    def of(self, each: Held, new: _New) -> dict[str, str]:
        """Return the details of one deadline's change; not to be altered."""
        key = (each.row.due_on, each.row.calendar, each.calendar.key, new)
        if key not in self._known:
            self._known[key] = {
                "old_due_on": each.row.due_on.isoformat(),
                "new_due_on": new.due_on.isoformat(),
                "old_calendar": each.row.calendar,
                "new_calendar": each.calendar.key,
                "decision": new.decision,
            }
        return self._known[key]


def _entry(each: Held, new: _New, said: _Said, today: date) -> Entry:
    kind = "firm" if new.due_on == each.row.due_on else "superseded"
    return Entry(each.row.id, kind, today, said.of(each, new))


def _note(each: Held, new: _New, said: _Said, today: date) -> Note:
    payload = {"deadline": str(each.row.id), "rule": each.row.rule, **said.of(each, new)}
    return Note(each.row.subject_id, "deadline", "superseded", today, payload)


def _tidings(shifted: Sequence[tuple[Held, _New]], now: datetime) -> list[OutboxRow]:
    """Tell each owner once per village, rule and pair of last days."""
    groups: dict[tuple[object, ...], list[tuple[Held, _New]]] = {}
    for each, new in shifted:
        row = each.row
        key = (row.round_id, row.unit_path, row.owner_path, row.rule, row.due_on, new.due_on, new.decision)
        groups.setdefault(key, []).append((each, new))
    return [_tiding(group, now) for group in groups.values()]


def _tiding(group: Sequence[tuple[Held, _New]], now: datetime) -> OutboxRow:
    each, new = group[0]
    row = each.row
    data = {
        **what(each.rule, row, len(group)),
        "old_due_on": row.due_on.isoformat(),
        "due_on": new.due_on.isoformat(),
        "decision": new.decision,
    }
    first = min(other.row.id for other, _ in group)
    subject = f"{row.round_id}:{row.unit_path}:{row.rule}:{row.due_on}>{new.due_on}:{each.calendar.key}:{first}"
    severity = "urgent" if new.due_on < row.due_on else "warning"
    return tiding("calendar_change", severity, row.owner_role, row.owner_path, row.unit_path, subject, data, now)
