"""A copy of a caseload in memory: what can be tried out without touching the real one, nor holding anybody up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from ..foundation.paths import below
from .database import Database

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .database import Tx

__all__ = ["copy_caseload"]

_AT_ONCE = 5_000


def copy_caseload(source: Database, unit_paths: Sequence[str] = ()) -> Database:
    """Copy the rounds of these units, with all their cases and deadlines, into a database of its own in memory.

    Without units: every round. Read in one consistent view, without locks. What is not needed to decide and to count
    stays out: households and their personal data, acts, events (each case carries its chain's head), messages.
    """
    copy = Database.open("sqlite://")
    with source.read() as tx, copy.begin() as into:
        copy.tables.metadata.create_all(into.connection)
        rounds = _rounds(tx, unit_paths)
        for name, query in _queries(tx, rounds).items():
            _fill(into, name, [row._mapping for row in tx.select(query)])  # noqa: SLF001  SQLAlchemy's public name
    return copy


def _rounds(tx: Tx, unit_paths: Sequence[str]) -> Any:
    """Return the query for the rounds that lie in one of the units, or hold one of them."""
    opened = tx.tables.round
    conditions = []
    for path in unit_paths:
        low, high = below(path)
        parts = path.split("/")
        above = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
        conditions += [opened.c.unit_path.in_(above), (opened.c.unit_path >= low) & (opened.c.unit_path < high)]
    query = select(opened.c.id)
    return query.where(or_(*conditions)) if conditions else query


def _queries(tx: Tx, rounds: Any) -> dict[str, Any]:
    t = tx.tables
    deadlines = select(t.deadline.c.id).where(t.deadline.c.round_id.in_(rounds))
    return {
        "round": select(t.round).where(t.round.c.id.in_(rounds)),
        "case": select(t.case).where(t.case.c.round_id.in_(rounds)),
        "deadline": select(t.deadline).where(t.deadline.c.round_id.in_(rounds)),
        "deadline_entry": select(t.deadline_entry).where(t.deadline_entry.c.deadline_id.in_(deadlines)),
        "rung": select(t.rung).where(t.rung.c.deadline_id.in_(deadlines)),
        "setting": select(t.setting),
    }


def _fill(into: Tx, name: str, rows: Sequence[Any]) -> None:
    table = getattr(into.tables, name)
    for start in range(0, len(rows), _AT_ONCE):
        into.execute(table.insert(), [dict(row) for row in rows[start : start + _AT_ONCE]])
