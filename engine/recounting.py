"""Where running terms end on the calendar as known now: each question is counted once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ..deadlines.releases import diff
from ..foundation.clock import legal_date
from ..foundation.errors import CalendarError
from ..foundation.messages import fault
from ..persistence.recalendaring import open_terms
from .ledger import held

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from ..deadlines.calendar import Calendar
    from ..deadlines.releases import DayChange, Library
    from ..persistence.database import Tx
    from ..persistence.deadlines import DeadlineRow
    from ..persistence.recalendaring import OpenTerm
    from .definition import DeadlineRule
    from .judging import Held
    from .service import Engine

__all__ = ["Finder", "New"]


class New(NamedTuple):
    """Where a term ends on the calendar as known now."""

    due_on: date
    decision: str
    provisional: bool
    deadlines: int


class Finder:
    """Counts terms on the calendars of the library, each question once."""

    def __init__(self, engine: Engine, library: Library) -> None:
        self._engine = engine
        self._library = library
        self._today = legal_date(engine.clock.now())
        self._calendars: dict[str, Calendar] = {}
        self._dues: dict[tuple[str, str, int, date, str], tuple[date, bool]] = {}
        self._changes: dict[tuple[str, str], tuple[DayChange, ...]] = {}
        self._rules: dict[tuple[str, str], DeadlineRule] = {}

    def calendar(self, unit_path: str) -> Calendar:
        """Return the calendar of a unit as known today."""
        if unit_path not in self._calendars:
            self._calendars[unit_path] = self._library.calendar(as_known_on=self._today, unit=unit_path)
        return self._calendars[unit_path]

    def plan(self, tx: Tx, unit_path: str | None) -> tuple[dict[OpenTerm, New], int]:
        """Return the terms that end elsewhere or became firm, and how many deadlines were looked at."""
        found: dict[OpenTerm, New] = {}
        checked = 0
        for term, count in open_terms(tx, unit_path):
            checked += count
            new = self.new(term, count)
            if new is not None:
                found[term] = new
        return found, checked

    def judged(self, tx: Tx, rows: Sequence[DeadlineRow]) -> list[tuple[Held, New]]:
        """Return those of `rows`, adjusted terms, that end elsewhere or stand otherwise, each by its own ledger."""
        running = [row for row in rows if row.status == "open" and row.subject == "case" and row.kind != "fixed"]
        found = []
        for each in held(tx, self._engine, running):
            calendar = self.calendar(each.row.unit_path)
            due_on = each.counted.due_on(calendar)
            new = self._judged(each.row, due_on, calendar, provisional=each.counted.is_provisional(due_on, calendar))
            if new is not None:
                found.append((each._replace(calendar=calendar), new))
        return found

    def new(self, term: OpenTerm, count: int = 1) -> New | None:
        """Say where a term that nobody suspended or extended ends now; None if nothing changes."""
        calendar = self.calendar(term.unit_path)
        due_on, provisional = self._due(term, calendar)
        new = self._judged(term, due_on, calendar, provisional=provisional)
        return None if new is None else new._replace(deadlines=count)

    def rule(self, workflow: str, rule: str) -> DeadlineRule:
        """Return the rule of a procedure's term."""
        key = (workflow, rule)
        if key not in self._rules:
            self._rules[key] = self._engine.library.compiled(workflow).workflow.deadline(rule)
        return self._rules[key]

    def _judged(
        self, term: OpenTerm | DeadlineRow, due_on: date, calendar: Calendar, *, provisional: bool
    ) -> New | None:
        if (due_on, provisional) == (term.due_on, term.provisional):
            return None
        decision = self._decision(term.calendar, calendar, term.started_on, max(due_on, term.due_on))
        return New(due_on, decision, provisional, 1)

    def _due(self, term: OpenTerm, calendar: Calendar) -> tuple[date, bool]:
        """Return where a term ends, and whether that rests on undecided days."""
        key = (term.workflow, term.rule, term.length, term.started_on, calendar.key)
        if key not in self._dues:
            budget = self.rule(term.workflow, term.rule).term
            if budget is None:
                raise fault(
                    CalendarError, "recounting.no_term", workflow=term.workflow, rule=term.rule, unit=term.unit_path
                )
            counted = replace(budget, length=term.length)
            due_on = counted.due_on(term.started_on, calendar)
            self._dues[key] = due_on, counted.is_provisional(term.started_on, due_on, calendar)
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
