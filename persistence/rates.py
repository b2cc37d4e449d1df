"""How units keep their terms: what fell due in a span of days and what of it was done in time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import case, func, select

if TYPE_CHECKING:
    from datetime import date

    from .database import Tx

__all__ = ["Rate", "on_time", "round_labels"]


class Rate(NamedTuple):
    """Deadlines of one unit whose last day lies in the span, and those of them that were met."""

    unit_path: str
    due: int
    met: int


def on_time(tx: Tx, first: date, last: date) -> list[Rate]:
    """Return, by unit, what fell due from `first` to `last` and what was met; a term that stands still is left out."""
    d = tx.tables.deadline
    met = func.sum(case((d.c.status == "met", 1), else_=0))
    query = (
        select(d.c.unit_path, func.count(), met)
        .where(
            d.c.due_on >= first,
            d.c.due_on <= last,
            d.c.kind != "minimum",
            d.c.status.in_(("open", "met", "met_late")),
        )
        .group_by(d.c.unit_path)
        .order_by(d.c.unit_path)
    )
    return [Rate(row[0], row[1], int(row[2])) for row in tx.select(query)]


def round_labels(tx: Tx) -> dict[tuple[str, str], dict[str, str]]:
    """Return what the open dates of rounds are called: (unit path, rule) → label in both languages."""
    d, entry = tx.tables.deadline, tx.tables.deadline_entry
    query = select(d.c.unit_path, d.c.rule, entry.c.detail).join_from(d, entry, entry.c.deadline_id == d.c.id)
    query = query.where(d.c.subject == "round", d.c.closed_on.is_(None), entry.c.kind == "opened")
    return {(row.unit_path, row.rule): json.loads(row.detail)["label"] for row in tx.select(query)}
