"""Outbox rows: what someone must be told, written with the fact it tells of; taken by one composer at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ..foundation.errors import ConflictError
from .statements import Statement, in_ids, in_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from .database import Tx

__all__ = [
    "OutboxRow",
    "cases_waiting",
    "claim_facts",
    "count_facts",
    "discard_fact",
    "enqueue",
    "facts_by_id",
    "household_codes",
    "list_facts",
    "oldest_queued",
    "open_terms_of",
    "requeue_fact",
    "settle_facts",
    "unit_names",
]


class OutboxRow(NamedTuple):
    """One thing to tell one office. `id` is derived from what it says, so a second writing changes nothing.

    `settled_at` and `problem` say when it was settled, and why it could not be told.
    """

    id: str
    kind: str
    severity: str
    role: str
    unit_path: str
    about_path: str
    subject: str
    data: str
    status: str
    created_at: datetime
    next_at: datetime
    lease_until: datetime | None
    attempts: int
    settled_at: datetime | None = None
    problem: str | None = None


_WRITTEN = OutboxRow._fields[:-2]
_VALUES: dict[str, Any] = {name: bindparam(name) for name in _WRITTEN}
_INSERT = {
    "sqlite": Statement(
        "enqueue", _WRITTEN, lambda t: sqlite.insert(t.outbox).values(_VALUES).on_conflict_do_nothing()
    ),
    "postgresql": Statement(
        "enqueue", _WRITTEN, lambda t: postgresql.insert(t.outbox).values(_VALUES).on_conflict_do_nothing()
    ),
}


def enqueue(tx: Tx, rows: Iterable[OutboxRow]) -> None:
    """Queue what must be told; a row whose id is already there is left as it is."""
    tx.later(
        _INSERT[tx.dialect],
        [(*r[:9], tx.instant(r.created_at), tx.instant(r.next_at), None, r.attempts) for r in rows],
    )


def claim_facts(tx: Tx, now: datetime, until: datetime, limit: int) -> list[OutboxRow]:
    """Take up to `limit` queued rows whose time has come, the longest waiting first, leased `until` then.

    Rows that another composer holds are passed over. A lease that ran out may be taken again.
    """
    o = tx.tables.outbox
    free = or_(o.c.lease_until.is_(None), o.c.lease_until <= now)
    due = (
        select(o.c.id)
        .where(o.c.status == "queued", o.c.next_at <= now, free)
        .order_by(o.c.next_at, o.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = [row.id for row in tx.select(due)]
    if not ids:
        return []
    taken = update(o).where(in_texts(o.c.id, "ids")).values(lease_until=until, attempts=o.c.attempts + 1)
    tx.execute(taken, {"ids": tx.texts(ids)})
    return facts_by_id(tx, ids)


def facts_by_id(tx: Tx, ids: Sequence[str]) -> list[OutboxRow]:
    """Return rows by id, the longest waiting first; ids that do not exist are left out."""
    o = tx.tables.outbox
    query = select(*(o.c[name] for name in OutboxRow._fields)).where(in_texts(o.c.id, "ids"))
    return [OutboxRow(*row) for row in tx.select(query.order_by(o.c.next_at, o.c.id), {"ids": tx.texts(ids)})]


def settle_facts(
    tx: Tx, ids: Sequence[str], status: str, now: datetime, *, lease: datetime, problem: str | None = None
) -> None:
    """Settle rows held under `lease`; `ConflictError`, and nothing may be kept, if another composer has one by now."""
    if not ids:
        return
    o = tx.tables.outbox
    mine = (in_texts(o.c.id, "ids"), o.c.status == "queued", o.c.lease_until == lease)
    values = {"status": status, "settled_at": now, "lease_until": None, "problem": problem}
    if tx.execute(update(o).where(*mine).values(values), {"ids": tx.texts(ids)}) != len(ids):
        msg = "the lease on outbox rows ran out and another composer took them; nothing of this composition was kept"
        raise ConflictError(msg)


def list_facts(tx: Tx, *, status: str | None = None, limit: int = 50) -> list[OutboxRow]:
    """Return the newest rows, narrowed to a status."""
    o = tx.tables.outbox
    query = select(*(o.c[name] for name in OutboxRow._fields)).order_by(o.c.created_at.desc(), o.c.id).limit(limit)
    return [OutboxRow(*row) for row in tx.select(query if status is None else query.where(o.c.status == status))]


def count_facts(tx: Tx) -> dict[str, int]:
    """Return how many rows have each status."""
    o = tx.tables.outbox
    return {row[0]: row[1] for row in tx.select(select(o.c.status, func.count()).group_by(o.c.status))}


def oldest_queued(tx: Tx) -> datetime | None:
    """Return when the oldest row that waits to be told was written."""
    o = tx.tables.outbox
    query = select(o.c.created_at).where(o.c.status == "queued").order_by(o.c.created_at).limit(1)
    return next((row.created_at for row in tx.select(query)), None)


def requeue_fact(tx: Tx, fact_id: str, now: datetime) -> bool:
    """Queue a dead, unreachable or discarded row again; False if it is none of these."""
    o = tx.tables.outbox
    gone = (o.c.id == fact_id, o.c.status.in_(("dead", "unreachable", "discarded")))
    values = {"status": "queued", "next_at": now, "settled_at": None, "problem": None}
    return bool(tx.execute(update(o).where(*gone).values(values)))


def discard_fact(tx: Tx, fact_id: str, now: datetime) -> bool:
    """Give up telling a row; False if it has been told or given up before."""
    o = tx.tables.outbox
    left = (o.c.id == fact_id, o.c.status.in_(("queued", "dead", "unreachable")))
    values = {"status": "discarded", "settled_at": now, "lease_until": None}
    return bool(tx.execute(update(o).where(*left).values(values)))


def open_terms_of(tx: Tx, rounds: Sequence[int], paths: Sequence[str]) -> dict[tuple[int, str, str, date], int]:
    """Return how many deadlines run in rounds and units: (round, unit path, rule, last day) → number."""
    d = tx.tables.deadline
    key = (d.c.round_id, d.c.unit_path, d.c.rule, d.c.due_on)
    query = (
        select(*key, func.count())
        .where(in_texts(d.c.unit_path, "paths"), in_ids(d.c.round_id, "rounds"), d.c.status == "open")
        .group_by(*key)
    )
    found = tx.select(query, _places(tx, rounds, paths))
    return {(row[0], row[1], row[2], row[3]): row[4] for row in found}


def cases_waiting(tx: Tx, rounds: Sequence[int], paths: Sequence[str]) -> dict[tuple[int, str, str], int]:
    """Return how many cases stand in each state of rounds and units: (round, unit path, state) → number."""
    c = tx.tables.case
    key = (c.c.round_id, c.c.unit_path, c.c.state)
    query = (
        select(*key, func.count())
        .where(in_texts(c.c.unit_path, "paths"), in_ids(c.c.round_id, "rounds"))
        .group_by(*key)
    )
    return {(row[0], row[1], row[2]): row[3] for row in tx.select(query, _places(tx, rounds, paths))}


def household_codes(tx: Tx, case_ids: Sequence[int]) -> list[str]:
    """Return the codes of the households of cases, in the order of the codes."""
    c, h = tx.tables.case, tx.tables.household
    query = select(h.c.code).join_from(c, h, h.c.id == c.c.household_id).where(in_ids(c.c.id, "ids")).order_by(h.c.code)
    return [row.code for row in tx.select(query, {"ids": tx.ids(case_ids)})]


def unit_names(tx: Tx, paths: Iterable[str]) -> dict[str, str]:
    """Return the names of units and of all units above them, by path."""
    u = tx.tables.unit
    wanted = {
        "/".join(parts[:depth]) for path in paths for parts in [path.split("/")] for depth in range(1, len(parts) + 1)
    }
    query = select(u.c.path, u.c.name).where(in_texts(u.c.path, "paths"))
    return {row.path: row.name for row in tx.select(query, {"paths": tx.texts(sorted(wanted))})}


def _places(tx: Tx, rounds: Sequence[int], paths: Sequence[str]) -> dict[str, Any]:
    return {"paths": tx.texts(sorted(set(paths))), "rounds": tx.ids(sorted(set(rounds)))}
