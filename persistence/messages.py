"""Messages stored before they are sent, the claims of senders on them, and every attempt at delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, exists, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ..foundation.errors import ConflictError
from .statements import in_texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Table

    from .database import Tx

__all__ = [
    "AttemptRow",
    "MessageRow",
    "attempts_of",
    "begin_attempt",
    "claimable",
    "counts",
    "end_attempt",
    "facts_of",
    "forget",
    "ids_like",
    "insert_new",
    "inserted",
    "listed",
    "lists_since",
    "message_by_id",
    "messages_of",
    "next_at",
    "oldest_unsent",
    "postpone",
    "put_off",
    "requeue",
    "settle",
    "store",
    "try_again",
]


class MessageRow(NamedTuple):
    """A message for one recipient over one channel, as it will be sent on every attempt."""

    id: str
    kind: str
    severity: str
    recipient: str
    channel: str
    endpoint: str
    envelope: str
    title: str
    text: str
    html: str
    data: str
    created_at: datetime
    status: str
    next_at: datetime
    lease_until: datetime | None
    attempts: int
    forgiven: int
    settled_at: datetime | None = None
    problem: str | None = None


class AttemptRow(NamedTuple):
    """One attempt at delivery. Without an end, the sender died before it could say what became of it."""

    message_id: str
    number: int
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    detail: str
    handle: str | None


def insert_new(tx: Tx, table: Table) -> Any:
    """Return an insertion that leaves a row alone whose key is there already."""
    return (sqlite if tx.dialect == "sqlite" else postgresql).insert(table).on_conflict_do_nothing()


def inserted(tx: Tx, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert a row whose key may be there already; return whether it was new.

    Asked by RETURNING: the row count of an insertion that met a conflict is not told alike by every driver.
    """
    return bool(tx.select(insert_new(tx, table).values(dict(row)).returning(*table.primary_key.columns)))


def store(tx: Tx, rows: Sequence[MessageRow], facts: Sequence[tuple[str, str]]) -> None:
    """Keep messages and which outbox rows each of them tells (message id, outbox id)."""
    t = tx.tables
    if rows:
        tx.execute(insert_new(tx, t.message), [row._asdict() for row in rows])
    if facts:
        links = [{"message_id": message, "outbox_id": fact} for message, fact in dict.fromkeys(facts)]
        tx.execute(insert_new(tx, t.message_fact), links)


def claimable(tx: Tx, now: datetime, limit: int, only: str | None = None) -> list[MessageRow]:
    """Return queued messages whose time has come and that no sender holds, locked, the longest waiting first.

    Messages to an endpoint that rests are passed over. `only` names the one message that is asked for.
    """
    m, circuit = tx.tables.message, tx.tables.circuit
    free = or_(m.c.lease_until.is_(None), m.c.lease_until <= now)
    resting = exists().where(circuit.c.endpoint == m.c.endpoint, circuit.c.rests_until > now)
    wanted = [m.c.id == only] if only is not None else []
    query = _select(m).where(m.c.status == "queued", m.c.next_at <= now, free, ~resting, *wanted)
    query = query.order_by(m.c.next_at, m.c.id).limit(limit).with_for_update(skip_locked=True)
    return [MessageRow(*row) for row in tx.select(query)]


def next_at(tx: Tx) -> datetime | None:
    """Return when the next message or outbox row that nobody holds wants to go out."""
    found = []
    for table in (tx.tables.message, tx.tables.outbox):
        query = select(table.c.next_at).where(table.c.status == "queued", table.c.lease_until.is_(None))
        found += [row.next_at for row in tx.select(query.order_by(table.c.next_at).limit(1))]
    return min(found, default=None)


def begin_attempt(tx: Tx, row: MessageRow, now: datetime, until: datetime) -> int:
    """Lease a message `until` then and put the attempt on record; return its number."""
    m, number = tx.tables.message, row.attempts + 1
    tx.execute(update(m).where(m.c.id == row.id).values(lease_until=until, attempts=number))
    attempt = AttemptRow(row.id, number, now, None, None, "", None)
    tx.execute(insert(tx.tables.message_attempt), attempt._asdict())
    return number


def end_attempt(tx: Tx, attempt: AttemptRow) -> None:
    """Record what became of an attempt."""
    a = tx.tables.message_attempt
    values = {name: getattr(attempt, name) for name in ("ended_at", "outcome", "detail", "handle")}
    tx.execute(update(a).where(a.c.message_id == attempt.message_id, a.c.number == attempt.number).values(values))


def postpone(tx: Tx, message_id: str, until: datetime) -> None:
    """Let a queued message wait; no attempt was made."""
    m = tx.tables.message
    tx.execute(update(m).where(m.c.id == message_id, m.c.status == "queued").values(next_at=until))


def put_off(tx: Tx, fact_ids: Sequence[str], until: datetime, *, lease: datetime) -> None:
    """Give outbox rows held under `lease` back until then; `ConflictError` if another composer has one by now."""
    o = tx.tables.outbox
    mine = (in_texts(o.c.id, "ids"), o.c.status == "queued", o.c.lease_until == lease)
    values = {"next_at": until, "lease_until": None}
    if fact_ids and tx.execute(update(o).where(*mine).values(values), {"ids": tx.texts(fact_ids)}) != len(fact_ids):
        msg = "the lease on outbox rows ran out and another composer took them; nothing of this composition was kept"
        raise ConflictError(msg)


def try_again(tx: Tx, attempt: AttemptRow, at: datetime) -> bool:
    """Give a message back after a failure; False if its lease ran out and another sender has it by now."""
    m = tx.tables.message
    mine = (m.c.id == attempt.message_id, m.c.status == "queued", m.c.attempts == attempt.number)
    values = {"next_at": at, "lease_until": None, "problem": attempt.detail}
    return bool(tx.execute(update(m).where(*mine).values(values)))


def settle(tx: Tx, message_id: str, status: str, now: datetime, problem: str | None = None) -> bool:
    """End a message as sent, dead or discarded; False if it was sent before: that is never undone."""
    m = tx.tables.message
    values = {"status": status, "settled_at": now, "lease_until": None, "problem": problem}
    return bool(tx.execute(update(m).where(m.c.id == message_id, m.c.status != "sent").values(values)))


def requeue(tx: Tx, message_id: str, now: datetime, envelope: str, endpoint: str) -> bool:
    """Queue a dead or discarded message again, its failures forgiven; False if it is neither."""
    m = tx.tables.message
    values = {
        "status": "queued", "next_at": now, "lease_until": None, "settled_at": None,
        "forgiven": m.c.attempts, "envelope": envelope, "endpoint": endpoint,
    }  # fmt: skip
    gone = (m.c.id == message_id, m.c.status.in_(("dead", "discarded")))
    return bool(tx.execute(update(m).where(*gone).values(values)))


def message_by_id(tx: Tx, message_id: str) -> MessageRow | None:
    """Return a message, None if there is none with this id."""
    m = tx.tables.message
    found = tx.select(_select(m).where(m.c.id == message_id))
    return MessageRow(*found[0]) if found else None


def listed(tx: Tx, *, status: str | None = None, channel: str | None = None, limit: int = 50) -> list[MessageRow]:
    """Return the newest messages, narrowed to a status or a channel."""
    m = tx.tables.message
    wanted = [column == value for column, value in ((m.c.status, status), (m.c.channel, channel)) if value is not None]
    query = _select(m).where(*wanted).order_by(m.c.created_at.desc(), m.c.id).limit(limit)
    return [MessageRow(*row) for row in tx.select(query)]


def attempts_of(tx: Tx, message_id: str) -> list[AttemptRow]:
    """Return every attempt at a message, in order."""
    a = tx.tables.message_attempt
    columns = (a.c[name] for name in AttemptRow._fields)
    return [
        AttemptRow(*row) for row in tx.select(select(*columns).where(a.c.message_id == message_id).order_by(a.c.number))
    ]


def facts_of(tx: Tx, message_id: str) -> list[str]:
    """Return the ids of the outbox rows a message tells."""
    f = tx.tables.message_fact
    query = select(f.c.outbox_id).where(f.c.message_id == message_id).order_by(f.c.outbox_id)
    return [row.outbox_id for row in tx.select(query)]


def messages_of(tx: Tx, fact_id: str) -> list[MessageRow]:
    """Return the messages that tell an outbox row."""
    m, f = tx.tables.message, tx.tables.message_fact
    told = select(f.c.message_id).where(f.c.outbox_id == fact_id)
    return [MessageRow(*row) for row in tx.select(_select(m).where(m.c.id.in_(told)).order_by(m.c.created_at, m.c.id))]


def lists_since(tx: Tx, instant: datetime) -> list[tuple[str, str, str]]:
    """Return recipient, channel and data of the lists (digests, catch-ups) written since then and not given up."""
    m = tx.tables.message
    wanted = (m.c.kind == "digest", m.c.created_at >= instant, m.c.status.in_(("queued", "sent")))
    return [(row[0], row[1], row[2]) for row in tx.select(select(m.c.recipient, m.c.channel, m.c.data).where(*wanted))]


def ids_like(tx: Tx, beginning: str) -> list[str]:
    """Return up to two ids of messages or outbox rows that begin so: one means it is clear which is meant."""
    m, o = tx.tables.message.c.id, tx.tables.outbox.c.id
    found = [tx.select(select(c).where(c.startswith(beginning, autoescape=True)).limit(2)) for c in (m, o)]
    return [row[0] for rows in found for row in rows][:2]


def counts(tx: Tx) -> dict[str, int]:
    """Return how many messages have each status."""
    m = tx.tables.message
    return {row[0]: row[1] for row in tx.select(select(m.c.status, func.count()).group_by(m.c.status))}


def oldest_unsent(tx: Tx) -> datetime | None:
    """Return when the oldest message that is still queued was written."""
    m = tx.tables.message
    query = select(m.c.created_at).where(m.c.status == "queued").order_by(m.c.created_at).limit(1)
    return next((row.created_at for row in tx.select(query)), None)


def forget(tx: Tx, before: datetime, limit: int) -> tuple[int, int]:
    """Delete what was settled for good before an instant: messages sent or discarded, then facts nobody refers to.

    Queued and dead messages stay whatever their age, and so do facts a message or a digest still needs. At most `limit`
    of each go at once. Returns how many messages and how many outbox rows went.
    """
    t = tx.tables
    m, o = t.message, t.outbox
    done = select(m.c.id).where(m.c.status.in_(("sent", "discarded")), m.c.settled_at < before)
    ids = {"ids": tx.texts([row.id for row in tx.select(done.order_by(m.c.settled_at, m.c.id).limit(limit))])}
    for link in (t.message_fact, t.message_attempt):
        tx.execute(delete(link).where(in_texts(link.c.message_id, "ids")), ids)
    messages = tx.execute(delete(m).where(in_texts(m.c.id, "ids")), ids)
    tx.execute(delete(t.held_notice).where(t.held_notice.c.settled_at < before))
    needed = or_(
        exists().where(t.message_fact.c.outbox_id == o.c.id), exists().where(t.held_notice.c.outbox_id == o.c.id)
    )
    over = (o.c.status.in_(("told", "moot", "discarded")), o.c.settled_at < before, ~needed)
    spent = [row.id for row in tx.select(select(o.c.id).where(*over).order_by(o.c.settled_at, o.c.id).limit(limit))]
    return messages, tx.execute(delete(o).where(in_texts(o.c.id, "ids")), {"ids": tx.texts(spent)})


def _select(m: Table) -> Any:
    return select(*(m.c[name] for name in MessageRow._fields))
