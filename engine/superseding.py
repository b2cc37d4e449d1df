"""Running terms put on another calendar, on record: ledger, chain of the case, and a word to each owner's desk.

What many deadlines share is written for all of them together; a term that was suspended or extended has an arithmetic
of its own and is written alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..deadlines.ladder import next_wake
from ..foundation.clock import end_of, legal_date, start_of
from ..persistence.canonical import canonical_json
from ..persistence.cases import lock
from ..persistence.ledger import Moved, deadlines_by_id, move
from ..persistence.outbox import enqueue
from ..persistence.recalendaring import (
    Line,
    adjusted_terms,
    lay,
    locked_terms,
    note_alike,
    restand,
)
from .breaches import Entry, enter
from .chaining import Note, note
from .judging import Held
from .ledger import moved
from .tidings import tiding, what
from .values import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    from ..deadlines.calendar import Calendar
    from ..persistence.database import Tx
    from ..persistence.outbox import OutboxRow
    from ..persistence.recalendaring import Alike, OpenTerm
    from .recounting import Finder, New
    from .service import Engine

__all__ = ["supersede_adjusted", "supersede_alike"]

_SUPERSEDED = "superseded"


class _Fate(NamedTuple):
    """What becomes of deadlines that differ in nothing it depends on, whatever their village."""

    workflow: str
    rule: str
    state: str
    started_on: date
    old_due_on: date
    old_calendar: str
    calendar: Calendar
    new: New

    @property
    def details(self) -> dict[str, str]:
        """What ledger and chain say of it."""
        return _details(self.old_due_on, self.old_calendar, self.calendar, self.new)

    @property
    def kind(self) -> str:
        return _kind(self.old_due_on, self.new)


class _Word(NamedTuple):
    """What one desk is told about: deadlines of one village, step and pair of last days."""

    round_id: int
    unit_path: str
    owner_path: str
    rule: str
    old_due_on: date
    new_due_on: date
    decision: str


def supersede_alike(tx: Tx, engine: Engine, finder: Finder, terms: Sequence[OpenTerm]) -> None:
    """Change what runs like `terms`, decided anew under the locks of the cases."""
    now = engine.clock.now()
    fates: dict[_Fate, list[tuple[int, int]]] = {}
    words: dict[_Word, list[int]] = {}
    for alike, pairs in locked_terms(tx, terms).items():
        new = finder.new(alike.term)
        if new is None:
            continue
        fates.setdefault(_fate(finder, alike, new), []).extend(pairs)
        if new.due_on != alike.term.due_on:
            words.setdefault(_word(alike, new), []).extend(deadline for deadline, _ in pairs)
    enqueue(tx, _told_alike(tx, finder, words, now))  # while the rows still say what they said
    for fate, pairs in fates.items():
        for batch in _once_each(sorted(pairs)):
            _write(tx, finder, fate, batch, now)


def supersede_adjusted(tx: Tx, engine: Engine, finder: Finder, unit_path: str | None) -> None:
    """Change the terms that were suspended or extended, each by its own ledger."""
    found = adjusted_terms(tx, unit_path)
    cases = lock(tx, sorted({case_id for _, case_id in found}))
    changes = finder.judged(tx, deadlines_by_id(tx, [deadline for deadline, _ in found]))
    now = engine.clock.now()
    today = legal_date(now)
    move(tx, [_moved(each, new, now) for each, new in changes])
    entries = [Entry(each.row.id, _kind(each.row.due_on, new), today, _details_of(each, new)) for each, new in changes]
    enter(tx, entries, now, SYSTEM.key)
    shifted = [(each, new) for each, new in changes if new.due_on != each.row.due_on]
    note(tx, cases, [_note(each, new, today) for each, new in shifted], SYSTEM.key, now)
    enqueue(tx, _told(shifted, now))


def _fate(finder: Finder, alike: Alike, new: New) -> _Fate:
    term = alike.term
    calendar = finder.calendar(term.unit_path)
    return _Fate(
        term.workflow, term.rule, alike.state, term.started_on, term.due_on, term.calendar, calendar,
        new._replace(deadlines=0),
    )  # fmt: skip


def _word(alike: Alike, new: New) -> _Word:
    term = alike.term
    return _Word(
        alike.round_id, term.unit_path, alike.owner_path, term.rule, term.due_on, new.due_on, new.decision
    )  # fmt: skip


def _once_each(pairs: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Yield pairs of deadline and case in batches in which no case stands twice: its events follow one another."""
    left = list(pairs)
    while left:
        batch = {case_id: deadline for deadline, case_id in reversed(left)}
        yield sorted((deadline, case_id) for case_id, deadline in batch.items())
        left = [(deadline, case_id) for deadline, case_id in left if batch[case_id] != deadline]


def _write(tx: Tx, finder: Finder, fate: _Fate, pairs: Sequence[tuple[int, int]], now: datetime) -> None:
    ids = [deadline for deadline, _ in pairs]
    new = fate.new
    line = Line(fate.kind, legal_date(now), now, SYSTEM.key, canonical_json(fate.details).decode())
    if fate.kind != _SUPERSEDED:
        restand(tx, ids, fate.calendar.key, line, provisional=new.provisional)
        return
    note_alike(tx, pairs, _SUPERSEDED, fate.state, line, {"rule": fate.rule, **fate.details})
    rule = finder.rule(fate.workflow, fate.rule)
    wake = next_wake(rule.ladder, new.due_on, start_of(fate.started_on), fate.calendar)
    key = fate.calendar.key
    lay(tx, ids, Moved("open", key, new.due_on, end_of(new.due_on), wake, new.provisional, 0), line)


def _kind(old_due_on: date, new: New) -> str:
    if new.due_on != old_due_on:
        return _SUPERSEDED
    return "provisional" if new.provisional else "firm"


def _details(old_due_on: date, old_calendar: str, calendar: Calendar, new: New) -> dict[str, str]:
    return {
        "old_due_on": old_due_on.isoformat(),
        "new_due_on": new.due_on.isoformat(),
        "old_calendar": old_calendar,
        "new_calendar": calendar.key,
        "decision": new.decision,
    }


def _details_of(each: Held, new: New) -> dict[str, str]:
    return _details(each.row.due_on, each.row.calendar, each.calendar, new)


def _moved(each: Held, new: New, now: datetime) -> Moved:
    """Return the changed row; one that ends where it did keeps its wake-up."""
    row = each.row
    if new.due_on != row.due_on:
        return moved(each, new.due_on, "open", now)._replace(provisional=new.provisional)
    return Moved(row.status, each.calendar.key, row.due_on, row.due_at, row.next_at, new.provisional, row.id)


def _note(each: Held, new: New, today: date) -> Note:
    payload = {"deadline": str(each.row.id), "rule": each.row.rule, **_details_of(each, new)}
    return Note(each.row.subject_id, "deadline", _SUPERSEDED, today, payload)


def _told_alike(tx: Tx, finder: Finder, words: Mapping[_Word, Sequence[int]], now: datetime) -> list[OutboxRow]:
    firsts = {min(ids): (word, len(ids)) for word, ids in words.items()}
    found = []
    for row in deadlines_by_id(tx, sorted(firsts)):
        word, count = firsts[row.id]
        held = Held(row, finder.rule(row.workflow, row.rule), (), None, finder.calendar(row.unit_path))
        found.append(_tiding(held, word.new_due_on, word.decision, count, now))
    return found


def _told(shifted: Sequence[tuple[Held, New]], now: datetime) -> list[OutboxRow]:
    groups: dict[_Word, list[Held]] = {}
    for each, new in shifted:
        row = each.row
        key = _Word(
            row.round_id, row.unit_path, row.owner_path, row.rule, row.due_on, new.due_on, new.decision
        )  # fmt: skip
        groups.setdefault(key, []).append(each)
    return [
        _tiding(min(group, key=lambda each: each.row.id), word.new_due_on, word.decision, len(group), now)
        for word, group in groups.items()
    ]


def _tiding(each: Held, due_on: date, decision: str, count: int, now: datetime) -> OutboxRow:
    """Tell an owner of `count` deadlines of which `each` is the first."""
    row = each.row
    data: dict[str, Any] = {
        **what(each.rule, row, count),
        "old_due_on": row.due_on.isoformat(),
        "due_on": due_on.isoformat(),
        "decision": decision,
    }
    subject = f"{row.round_id}:{row.unit_path}:{row.rule}:{row.due_on}>{due_on}:{each.calendar.key}:{row.id}"
    severity = "urgent" if due_on < row.due_on else "warning"
    return tiding("calendar_change", severity, row.owner_role, row.owner_path, row.unit_path, subject, data, now)
