"""Webhook subscriptions: kept, listed, and how far each has come in what the outbox tells."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, insert, select, tuple_, update

from .outbox import OutboxRow
from .scoping import Scope
from .types import Code, Instant

if TYPE_CHECKING:
    from datetime import datetime

    from .database import Tx

__all__ = [
    "WebhookRow",
    "advance",
    "change",
    "facts_for",
    "keep",
    "queued",
    "remove",
    "settled_through",
    "webhook",
    "webhooks",
    "working",
]


_AT_ONCE = 1_000


class WebhookRow(NamedTuple):
    """A subscription: facts about `unit_path` and below, of these kinds (none: all), go to `url`."""

    id: int
    owner: str
    url: str
    unit_path: str
    kinds: tuple[str, ...]
    status: str
    created_at: datetime
    secret_number: int
    rotated_at: datetime
    seen_at: datetime
    seen_id: str


def keep(tx: Tx, row: WebhookRow) -> None:
    """Write a new subscription."""
    tx.execute(insert(tx.tables.webhook), row._asdict() | {"kinds": json.dumps(row.kinds)})


def webhooks(tx: Tx, scope: Scope, *, after: int = 0, limit: int) -> list[WebhookRow]:
    """Return the subscriptions to units in scope, by id."""
    table = tx.tables.webhook
    query = select(table).where(scope.within(table.c.unit_path), table.c.id > after).order_by(table.c.id).limit(limit)
    return [_row(row) for row in tx.select(query)]


def webhook(tx: Tx, webhook_id: int) -> WebhookRow | None:
    """Return a subscription by its id."""
    table = tx.tables.webhook
    found = tx.select(select(table).where(table.c.id == webhook_id))
    return _row(found[0]) if found else None


def working(tx: Tx) -> list[int]:
    """Return the ids of the subscriptions that are not paused."""
    table = tx.tables.webhook.c
    return [row.id for row in tx.select(select(table.id).where(table.status == "active").order_by(table.id))]


def change(tx: Tx, webhook_id: int, **values: object) -> None:
    """Write what changed of a subscription."""
    table = tx.tables.webhook
    tx.execute(update(table).where(table.c.id == webhook_id).values(**values))


def remove(tx: Tx, webhook_id: int) -> None:
    """End a subscription; what was queued for it is not sent any more."""
    table = tx.tables.webhook
    tx.execute(delete(table).where(table.c.id == webhook_id))


def advance(tx: Tx, row: WebhookRow, seen_at: datetime, seen_id: str) -> bool:
    """Note how far a subscription has come; False if somebody else has moved it since `row` was read."""
    table = tx.tables.webhook
    mine = (table.c.id == row.id, table.c.seen_at == row.seen_at, table.c.seen_id == row.seen_id)
    return bool(tx.execute(update(table).where(*mine).values(seen_at=seen_at, seen_id=seen_id)))


def facts_for(tx: Tx, row: WebhookRow, before: datetime, limit: int) -> list[OutboxRow]:
    """Return the next facts a subscription is to be told, written before an instant, in the order of writing."""
    o = tx.tables.outbox
    key = tuple_(o.c.created_at, o.c.id, types=[Instant(), Code])
    conditions = [
        key > tuple_(row.seen_at, row.seen_id, types=[Instant(), Code]),
        o.c.created_at < before,
        Scope((row.unit_path,)).within(o.c.about_path),
        *([o.c.kind.in_(row.kinds)] if row.kinds else []),
    ]
    query = select(*(o.c[name] for name in OutboxRow._fields)).where(*conditions)
    return [OutboxRow(*found) for found in tx.select(query.order_by(o.c.created_at, o.c.id).limit(limit))]


def settled_through(tx: Tx, row: WebhookRow, before: datetime) -> tuple[datetime, str] | None:
    """Return the last fact of any kind written before an instant that lies ahead of a subscription; None for none."""
    o = tx.tables.outbox
    key = tuple_(o.c.created_at, o.c.id, types=[Instant(), Code])
    ahead = key > tuple_(row.seen_at, row.seen_id, types=[Instant(), Code])
    query = select(o.c.created_at, o.c.id).where(ahead, o.c.created_at < before)
    found = tx.select(query.order_by(o.c.created_at.desc(), o.c.id.desc()).limit(1))
    return (found[0].created_at, found[0].id) if found else None


def queued(tx: Tx, channel: str, now: datetime) -> list[str]:
    """Return the ids of the messages over a channel whose time has come, the longest waiting first."""
    m = tx.tables.message.c
    due = select(m.id).where(m.channel == channel, m.status == "queued", m.next_at <= now)
    return [row.id for row in tx.select(due.order_by(m.next_at, m.id).limit(_AT_ONCE))]


def _row(row: object) -> WebhookRow:
    found = WebhookRow(*row)  # type: ignore[misc]  # a row of the table, in the order of its columns
    return found._replace(kinds=tuple(json.loads(str(found.kinds))))
