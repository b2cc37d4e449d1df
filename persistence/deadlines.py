"""Deadline rows: opened and closed with the step, found by the worker through one index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, func, null, select, update

from .statements import Statement, in_ids, insertion, keyed_update

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from .database import Tx
    from .statements import Given
    from .tables import Tables

__all__ = [
    "Closing",
    "DeadlineRow",
    "LedgerEntry",
    "close",
    "insert_deadlines",
    "insert_entries",
    "of_subjects",
    "open_of",
    "set_next",
]


class DeadlineRow(NamedTuple):
    """A deadline: its budget, its start, and what was derived from them."""

    id: int
    subject: str
    subject_id: int
    round_id: int
    unit_path: str
    workflow: str
    rule: str
    kind: str
    owner_role: str
    owner_path: str
    started_on: date
    length: int
    unit: str
    calendar: str
    due_on: date
    due_at: datetime
    next_at: datetime | None
    status: str
    provisional: bool
    opened_seq: int
    breached_at: datetime | None
    closed_on: date | None
    cause: str | None


class Closing(NamedTuple):
    """How an open deadline ends: met, met_late, cancelled, superseded; on which legal day; why."""

    status: str
    closed_on: date
    breached_at: datetime | None
    cause: str | None
    deadline_id: int


class LedgerEntry(NamedTuple):
    """One line of a deadline's ledger: suspended, resumed, extended, superseded or breached."""

    deadline_id: int
    seq: int
    kind: str
    occurred_on: date
    recorded_at: datetime
    actor: str
    document: str
    detail: str


_FIELDS = DeadlineRow._fields


def _where(tables: Tables, *conditions: Any) -> Any:
    return select(*(tables.deadline.c[name] for name in _FIELDS)).where(*conditions)


_INSERT = insertion("insert deadlines", lambda t: t.deadline, _FIELDS)
_OPEN_OF = Statement(
    "open deadlines of cases",
    ("ids",),
    lambda t: _where(t, in_ids(t.deadline.c.subject_id, "ids"), t.deadline.c.closed_on.is_(None)),
)
_OF_SUBJECTS = Statement(
    "deadlines of subjects",
    ("ids",),
    lambda t: _where(t, in_ids(t.deadline.c.subject_id, "ids")).order_by(t.deadline.c.subject_id, t.deadline.c.id),
)


def _closing(tables: Tables, given: Given) -> Any:
    d = tables.deadline.c
    values = {name: given(f"{name}_", d[name]) for name in ("status", "closed_on", "breached_at", "cause")}
    return (
        update(tables.deadline)
        .values(**values, next_at=null())
        .where(d.id == given("id_", d.id), d.closed_on.is_(None))
    )


def _waking(tables: Tables) -> Any:
    d = tables.deadline.c
    breached = func.coalesce(d.breached_at, bindparam("breached", type_=d.breached_at.type))
    values = {"next_at": bindparam("next", type_=d.next_at.type), "breached_at": breached}
    return update(tables.deadline).values(values).where(in_ids(d.id, "ids"))


_CLOSE = keyed_update("close deadlines", ("status_", "closed_on_", "breached_at_", "cause_", "id_"), _closing)
_SET_NEXT = Statement("set next wake-up", ("next", "breached", "ids"), _waking)
_INSERT_ENTRY = insertion("insert ledger entries", lambda t: t.deadline_entry, LedgerEntry._fields)


def insert_deadlines(tx: Tx, rows: Iterable[DeadlineRow]) -> None:
    """Write new deadlines."""
    tx.later(_INSERT, [_stored(tx, row) for row in rows])


def open_of(tx: Tx, subject_ids: Sequence[int]) -> dict[int, tuple[DeadlineRow, ...]]:
    """Return the open and suspended deadlines of cases or rounds, by subject id."""
    found: dict[int, tuple[DeadlineRow, ...]] = {}
    for values in tx.rows(_OPEN_OF, tx.ids(subject_ids)):
        row = _read(tx, values)
        found[row.subject_id] = (*found.get(row.subject_id, ()), row)
    return found


def of_subjects(tx: Tx, subject_ids: Sequence[int]) -> list[DeadlineRow]:
    """Return every deadline of the subjects, closed ones too, in the order they were opened."""
    return [_read(tx, values) for values in tx.rows(_OF_SUBJECTS, tx.ids(subject_ids))]


def close(tx: Tx, closings: Sequence[Closing]) -> None:
    """Close open deadlines."""
    rows = [(c.status, tx.day(c.closed_on), _instant(tx, c.breached_at), c.cause, c.deadline_id) for c in closings]
    tx.later(_CLOSE, rows)


def set_next(tx: Tx, ids: Sequence[int], next_at: datetime | None, *, breached_at: datetime | None = None) -> None:
    """Set when the worker must look at deadlines again, and the instant of a breach where none is on record yet."""
    tx.run(_SET_NEXT, _instant(tx, next_at), _instant(tx, breached_at), tx.ids(ids))


def insert_entries(tx: Tx, entries: Sequence[LedgerEntry]) -> None:
    """Append ledger lines."""
    tx.many(_INSERT_ENTRY, [(*e[:3], tx.day(e.occurred_on), tx.instant(e.recorded_at), *e[5:]) for e in entries])


def _instant(tx: Tx, value: datetime | None) -> Any:
    return None if value is None else tx.instant(value)


def _stored(tx: Tx, row: DeadlineRow) -> Sequence[Any]:
    if tx.dialect != "sqlite":
        return row
    # Spelled out: a village's posting opens a hundred of these at once.
    started, due, closed = row.started_on.isoformat(), row.due_on.isoformat(), _day(tx, row.closed_on)
    due_at, next_at, breached = tx.instant(row.due_at), _instant(tx, row.next_at), _instant(tx, row.breached_at)
    return (*row[:10], started, *row[11:14], due, due_at, next_at, *row[17:20], breached, closed, row.cause)


def _day(tx: Tx, value: date | None) -> Any:
    return None if value is None else tx.day(value)


def _read(tx: Tx, v: tuple[Any, ...]) -> DeadlineRow:
    if tx.dialect != "sqlite":
        return DeadlineRow(*v)
    day, instant = tx.day_from, tx.instant_from
    return DeadlineRow._make((
        *v[:10], day(v[10]), *v[11:14], day(v[14]), instant(v[15]),
        None if v[16] is None else instant(v[16]), v[17], bool(v[18]), v[19],
        None if v[20] is None else instant(v[20]), None if v[21] is None else day(v[21]), v[22],
    ))  # fmt: skip
