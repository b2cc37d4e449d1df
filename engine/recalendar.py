"""A new calendar release: which open deadlines it moves. They are moved on record, with a word to their owners.

A superseded last day stays in the ledger; the deadline keeps its row, so that there is one clock per case and rule
(docs/decisions). Each chunk is a transaction of its own: what a crash left undone is found again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import structlog

from ..persistence.ledger import deadlines_by_id
from ..persistence.recalendaring import adjusted_terms
from .recounting import Finder
from .superseding import supersede_adjusted, supersede_alike

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from ..deadlines.releases import Library
    from ..persistence.database import Database
    from ..persistence.deadlines import DeadlineRow
    from ..persistence.recalendaring import OpenTerm
    from .recounting import New
    from .service import Engine

__all__ = ["Recalendared", "Shift", "recalendar"]

log = structlog.get_logger("rasoat.calendar")
_AT_ONCE = 10_000


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
    """What a calendar change does: the deadlines moved, those that became firm, how many were looked at.

    `provisional` end where they did, but rest on days now that are not decided any more.
    """

    shifts: tuple[Shift, ...]
    firm: int
    checked: int
    provisional: int = 0

    @property
    def moved(self) -> int:
        """How many deadlines move."""
        return sum(shift.count for shift in self.shifts)


def recalendar(
    database: Database, engine: Engine, library: Library, *, unit_path: str | None = None, dry_run: bool = False
) -> Recalendared:
    """Put every running counted term on the calendar that `library` knows now; `dry_run` only says what would change.

    A term that is suspended is left alone: it is counted anew when it runs on.
    """
    finder = Finder(engine, library)
    with database.read() as tx:
        plan, checked = finder.plan(tx, unit_path)
        rows = deadlines_by_id(tx, [deadline for deadline, _ in adjusted_terms(tx, unit_path)])
        adjusted = finder.judged(tx, rows)
    found: list[tuple[OpenTerm | DeadlineRow, New]] = [*plan.items(), *((each.row, new) for each, new in adjusted)]
    stay = [new for row, new in found if new.due_on == row.due_on]
    firm, provisional = (sum(new.deadlines for new in stay if new.provisional is so) for so in (False, True))
    done = Recalendared(_shifts(found), firm, checked + len(rows), provisional)
    if not dry_run:
        for terms in _chunks(plan):
            with database.begin() as tx:
                supersede_alike(tx, engine, finder, terms)
        with database.begin() as tx:
            supersede_adjusted(tx, engine, finder, unit_path)
        log.info("calendar_changed", moved=done.moved, firm=done.firm, checked=done.checked)
    return done


def _shifts(found: Iterable[tuple[OpenTerm | DeadlineRow, New]]) -> tuple[Shift, ...]:
    counts: Counter[tuple[str, str, str, date, date, str]] = Counter()
    for row, new in found:
        if row.due_on != new.due_on:
            counts[row.unit_path, row.workflow, row.rule, row.due_on, new.due_on, new.decision] += new.deadlines
    return tuple(Shift(*key, count) for key, count in sorted(counts.items()))


def _chunks(plan: Mapping[OpenTerm, New]) -> Iterator[list[OpenTerm]]:
    """Yield the terms to change village by village, some thousand deadlines together."""
    chunk: list[OpenTerm] = []
    for _, members in groupby(plan, key=lambda term: term.unit_path):
        chunk += members
        if sum(plan[term].deadlines for term in chunk) >= _AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
