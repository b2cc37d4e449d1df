"""Open terms by what decides their last day: a hundred thousand deadlines are a few thousand questions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, or_, select

from ..foundation.paths import below
from .statements import in_texts
from .wakeups import is_open

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from .database import Tx

__all__ = ["ADJUSTING", "OpenTerm", "adjusted_terms", "open_terms", "subjects_of"]

ADJUSTING = ("suspended", "resumed", "extended")
"""Ledger lines after which a term has an arithmetic of its own."""


class OpenTerm(NamedTuple):
    """Running deadlines of one village that share rule, start and budget, and were put on the same last day."""

    workflow: str
    rule: str
    unit_path: str
    started_on: date
    length: int
    calendar: str
    due_on: date
    provisional: bool


def open_terms(tx: Tx, unit_path: str | None = None) -> list[tuple[OpenTerm, int]]:
    """Return the running counted terms of cases that no decision has changed, each with how many there are."""
    d = tx.tables.deadline
    columns = [d.c[name] for name in OpenTerm._fields]
    query = select(*columns, func.count().label("deadlines")).where(*_running(tx, unit_path), ~_is_adjusted(tx))
    rows = tx.select(query.group_by(*columns).order_by(d.c.unit_path, d.c.rule, d.c.started_on, d.c.due_on))
    return [(OpenTerm(*row[:-1]), row[-1]) for row in rows]


def adjusted_terms(tx: Tx, unit_path: str | None = None) -> list[int]:
    """Return the ids of running counted terms that were suspended or extended: each has an arithmetic of its own."""
    d = tx.tables.deadline
    rows = tx.select(select(d.c.id).where(*_running(tx, unit_path), _is_adjusted(tx)).order_by(d.c.id))
    return [row.id for row in rows]


def subjects_of(tx: Tx, terms: Sequence[OpenTerm]) -> list[int]:
    """Return the cases in which one of `terms` runs."""
    d = tx.tables.deadline
    wanted = {(term.unit_path, term.rule, term.started_on, term.due_on) for term in terms}
    villages = sorted({term.unit_path for term in terms})
    query = select(d.c.subject_id, d.c.unit_path, d.c.rule, d.c.started_on, d.c.due_on)
    rows = tx.select(query.where(*_running(tx, None), in_texts(d.c.unit_path, "paths")), {"paths": tx.texts(villages)})
    return sorted({row[0] for row in rows if tuple(row[1:]) in wanted})


def _running(tx: Tx, unit_path: str | None) -> list[Any]:
    d = tx.tables.deadline
    found: list[Any] = [is_open(tx), d.c.subject == "case", d.c.kind != "fixed"]
    if unit_path:
        low, high = below(unit_path)
        found.append(or_(d.c.unit_path == unit_path, (d.c.unit_path >= low) & (d.c.unit_path < high)))
    return found


def _is_adjusted(tx: Tx) -> Any:
    d, entry = tx.tables.deadline, tx.tables.deadline_entry
    return select(entry.c.seq).where(entry.c.deadline_id == d.c.id, entry.c.kind.in_(ADJUSTING)).exists()
