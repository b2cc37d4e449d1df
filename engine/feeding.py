"""Entries of calendar feeds: the open deadlines of a desk, one a village, step and last day."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from ..deadlines.feeds import FeedEntry
from ..foundation.messages import text
from ..persistence.ledger import entries_of
from ..persistence.wakeups import is_open
from .queries import within_unit
from .rounds import rule_label

if TYPE_CHECKING:
    from datetime import date

    from ..foundation.messages import Language
    from ..persistence.database import Tx
    from .service import Engine

__all__ = ["deadline_entries"]


class _Line(NamedTuple):
    """Open deadlines that make one entry; `any_id` is one of them."""

    subject: str
    round_id: int
    unit_path: str
    workflow: str
    rule: str
    started_on: date
    due_on: date
    any_id: int
    deadlines: int


def deadline_entries(tx: Tx, engine: Engine, role: str, unit_path: str, language: Language) -> list[FeedEntry]:
    """Return the open deadlines owned by `role` in a unit or below it, oldest last day first.

    An entry keeps its uid while its deadlines are the same ones, so that a client moves it when their last day moves.
    """
    d = tx.tables.deadline.c
    columns = (d.subject, d.round_id, d.unit_path, d.workflow, d.rule, d.started_on, d.due_on)
    asked = (is_open(tx), d.owner_role == role, *within_unit(d.owner_path, unit_path))
    query = select(*columns, func.min(d.id), func.count()).where(*asked).group_by(*columns)
    lines = [_Line(*row) for row in tx.select(query.order_by(d.due_on, d.unit_path, d.rule, d.started_on))]
    labels = _labels(tx, engine, lines, language)
    names = {row.path: row.name for row in tx.select(select(tx.tables.unit.c.path, tx.tables.unit.c.name))}
    seen: Counter[str] = Counter()
    entries = []
    for line in lines:
        identity = f"{line.round_id}|{line.unit_path}|{line.rule}|{line.started_on}"
        seen[identity] += 1
        uid = sha256(f"{identity}|{seen[identity]}".encode()).hexdigest()[:32]
        place = names.get(line.unit_path, line.unit_path)
        told = text("clock.feed.entry", label=labels[line.any_id], place=place, count=line.deadlines)
        entries.append(FeedEntry(f"{uid}@rasoat", line.due_on, told.within(language), line.unit_path))
    return entries


def _labels(tx: Tx, engine: Engine, lines: list[_Line], language: Language) -> dict[int, str]:
    """Return what each line is about: its rule's label, or what a round's own date was opened with."""
    opening = entries_of(tx, [line.any_id for line in lines if line.subject == "round"])
    found = {}
    for line in lines:
        if line.subject == "round":
            label = rule_label(opening[line.any_id][0])
        else:
            label = engine.library.compiled(line.workflow).workflow.deadline(line.rule).label
        found[line.any_id] = label.within(language)
    return found
