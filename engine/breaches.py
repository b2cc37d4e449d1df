"""A term that was passed: an event in the case's chain and a line in the deadline's ledger, which nothing erases."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from ..foundation.clock import end_of, legal_date
from ..persistence.canonical import canonical_json
from ..persistence.deadlines import LedgerEntry, insert_entries
from ..persistence.ledger import entered_on, last_entries
from .chaining import Note

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from ..persistence.database import Tx
    from ..persistence.deadlines import DeadlineRow
    from .definition import DeadlineRule

__all__ = ["ENTERED_LATE", "Entry", "breach_notes", "causes_carried", "enter", "enter_breaches"]

ENTERED_LATE = "entered_late"
"""The cause of a breach that the office could not have kept from happening once it knew of the act."""


class Entry(NamedTuple):
    """What a ledger line says; its number follows from the ledger."""

    deadline_id: int
    kind: str
    occurred_on: date
    detail: Mapping[str, Any]


def enter(tx: Tx, entries: Sequence[Entry], now: datetime, actor: str, document: str = "") -> None:
    """Append lines to the ledgers of deadlines whose subjects are locked."""
    if not entries:
        return
    numbers = last_entries(tx, [entry.deadline_id for entry in entries])
    lines = []
    written: dict[int, str] = {}
    for entry in entries:
        seq = numbers[entry.deadline_id] = numbers.get(entry.deadline_id, 0) + 1
        # Entries that share one mapping, as those of a calendar change do, share its text.
        detail = written.get(id(entry.detail)) or canonical_json(dict(entry.detail)).decode()
        written[id(entry.detail)] = detail
        lines.append(LedgerEntry(entry.deadline_id, seq, entry.kind, entry.occurred_on, now, actor, document, detail))
    insert_entries(tx, lines)


def enter_breaches(
    tx: Tx,
    late: Sequence[DeadlineRow],
    now: datetime,
    actor: str,
    found_by: str,
    known: Mapping[int, str] = MappingProxyType({}),
) -> dict[int, str]:
    """Write each breach into the deadline's ledger, with the delay of entry where the act was entered late.

    `known` are causes of lateness by deadline. Returns all that can be named by now: these, else ``entered_late`` where
    the term was over when the act that began it was entered.
    """
    if not late:
        return {}
    entered = entered_on(tx, [row.id for row in late if row.subject == "case"])
    causes: dict[int, str] = {}
    entries = []
    for row in late:
        delay = _delay(row, entered)
        cause = known.get(row.id) or (ENTERED_LATE if delay.get("over_at_entry") else None)
        causes |= {row.id: cause} if cause else {}
        named = {"cause": cause} if cause else {}
        entries.append(Entry(row.id, "breached", row.due_on, {"found_by": found_by, **delay, **named}))
    enter(tx, entries, now, actor)
    return causes


def causes_carried(
    rule: DeadlineRule, rows: Sequence[DeadlineRow], facts: Mapping[int, Mapping[str, Any]]
) -> dict[int, str]:
    """Return, by deadline, the cause of lateness its case carries (``cause_<cause>``) and its rule knows."""
    found: dict[int, str] = {}
    for row in rows:
        mine = facts.get(row.subject_id, {}) if row.subject == "case" else {}
        cause = next((cause for cause in rule.causes if mine.get(f"cause_{cause}")), None)
        found |= {row.id: cause} if cause else {}
    return found


def breach_notes(late: Sequence[DeadlineRow]) -> list[Note]:
    """Return what the chains of the cases say of breached deadlines."""
    return [
        Note(
            row.subject_id,
            "breach",
            row.rule,
            row.due_on,
            {"deadline": str(row.id), "due_on": row.due_on.isoformat(), "rule": row.rule},
        )
        for row in late
        if row.subject == "case"
    ]


def _delay(row: DeadlineRow, entered: Mapping[int, tuple[date, datetime]]) -> dict[str, Any]:
    """Say how late the act was entered that set the term running, and whether the term was over by then."""
    if row.id not in entered:
        return {}
    occurred_on, recorded_at = entered[row.id]
    days = (legal_date(recorded_at) - occurred_on).days
    if days == 0:
        return {}
    over = recorded_at >= end_of(row.due_on)
    return {"entered_on": legal_date(recorded_at).isoformat(), "entered_days_late": days, "over_at_entry": over}
