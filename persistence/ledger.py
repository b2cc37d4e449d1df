"""The ledger of each deadline, and the changes of a running one: suspended, moved, made firm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select, update

from .deadlines import DeadlineRow, LedgerEntry
from .statements import Statement, in_ids, keyed_update

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from .database import Tx
    from .statements import Given
    from .tables import Tables

__all__ = ["Moved", "deadlines_by_id", "entered_on", "entries_of", "last_entries", "lock_rounds", "move"]

_FIELDS = DeadlineRow._fields


class Moved(NamedTuple):
    """A running deadline after something changed it; its start and its budget stay."""

    status: str
    calendar: str
    due_on: date
    due_at: datetime
    next_at: datetime | None
    provisional: bool
    deadline_id: int


def _moving(tables: Tables, given: Given) -> Any:
    d = tables.deadline.c
    values = {name: given(f"{name}_", d[name]) for name in Moved._fields[:-1]}
    return update(tables.deadline).values(**values).where(d.id == given("id_", d.id), d.closed_on.is_(None))


def _entries(tables: Tables) -> Any:
    entry = tables.deadline_entry.c
    columns = [entry[name] for name in LedgerEntry._fields]
    return select(*columns).where(in_ids(entry.deadline_id, "ids")).order_by(entry.deadline_id, entry.seq)


def _entered(tables: Tables) -> Any:
    d, event = tables.deadline.c, tables.event.c
    opened = (event.case_id == d.subject_id) & (event.seq == d.opened_seq)
    return (
        select(d.id, event.occurred_on, event.recorded_at)
        .join_from(tables.deadline, tables.event, opened)
        .where(d.subject == "case", in_ids(d.id, "ids"))
    )


_MOVE = keyed_update("move deadlines", (*(f"{name}_" for name in Moved._fields[:-1]), "id_"), _moving)
_ENTRIES = Statement("ledger entries", ("ids",), _entries)


def deadlines_by_id(tx: Tx, ids: Sequence[int]) -> list[DeadlineRow]:
    """Return deadlines by their own ids, open or not, in id order; unknown ids are absent."""
    d = tx.tables.deadline
    query = select(*(d.c[name] for name in _FIELDS)).where(in_ids(d.c.id, "ids")).order_by(d.c.id)
    return [DeadlineRow(*row) for row in tx.select(query, {"ids": tx.ids(ids)})]


def entries_of(tx: Tx, ids: Sequence[int]) -> dict[int, tuple[LedgerEntry, ...]]:
    """Return the ledgers of deadlines, oldest entry first, by deadline id; one without entries is absent."""
    found: dict[int, tuple[LedgerEntry, ...]] = {}
    for v in tx.rows(_ENTRIES, tx.ids(ids)):
        entry = LedgerEntry._make((*v[:3], tx.day_from(v[3]), tx.instant_from(v[4]), *v[5:]))
        found[entry.deadline_id] = (*found.get(entry.deadline_id, ()), entry)
    return found


def last_entries(tx: Tx, ids: Sequence[int]) -> dict[int, int]:
    """Return the number of the last entry in each deadline's ledger; one without entries is absent."""
    entry = tx.tables.deadline_entry.c
    query = select(entry.deadline_id, func.max(entry.seq)).where(in_ids(entry.deadline_id, "ids"))
    return {i: seq for i, seq in tx.select(query.group_by(entry.deadline_id), {"ids": tx.ids(ids)})}  # noqa: C416  rows are not pairs of the right type


def move(tx: Tx, rows: Sequence[Moved]) -> int:
    """Write what changed of running deadlines; return how many were still running."""
    return tx.many(_MOVE, [_stored(tx, row) for row in rows])


def entered_on(tx: Tx, ids: Sequence[int]) -> dict[int, tuple[date, datetime]]:
    """Return when the act that opened each deadline of a case took effect, and when it was entered."""
    return {row.id: (row.occurred_on, row.recorded_at) for row in tx.select(_entered(tx.tables), {"ids": tx.ids(ids)})}


def lock_rounds(tx: Tx, ids: Sequence[int]) -> None:
    """Keep other writers away from the rounds' own deadlines until this transaction ends."""
    table = tx.tables.round
    tx.select(select(table.c.id).where(table.c.id.in_(sorted(set(ids)))).order_by(table.c.id).with_for_update())


def _stored(tx: Tx, row: Moved) -> tuple[Any, ...]:
    next_at = None if row.next_at is None else tx.instant(row.next_at)
    return (*row[:2], tx.day(row.due_on), tx.instant(row.due_at), next_at, *row[5:])
