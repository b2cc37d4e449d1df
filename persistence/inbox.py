"""The in-app inbox: one row for each message, whoever delivers it and however often."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import and_, delete, func, or_, select, update

from .messages import inserted
from .statements import in_texts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from .database import Tx

__all__ = ["InboxRow", "forget_read", "letters", "mark_read", "put", "unread"]


class InboxRow(NamedTuple):
    """A message as its reader finds it."""

    message_id: str
    address: str
    kind: str
    severity: str
    title: str
    text: str
    html: str
    created_at: datetime
    read_at: datetime | None


def put(tx: Tx, row: InboxRow) -> bool:
    """Keep a message; False, changing nothing, if its id is there already."""
    return inserted(tx, tx.tables.inbox, row._asdict())


def letters(
    tx: Tx, address: str, *, unread_only: bool = False, after: tuple[datetime, str] | None = None, limit: int = 50
) -> list[InboxRow]:
    """Return the messages of one inbox, the newest first; `after` names the last one seen (its instant and id)."""
    i = tx.tables.inbox
    conditions = [i.c.address == address, *([i.c.read_at.is_(None)] if unread_only else [])]
    if after is not None:
        instant, message_id = after
        conditions.append(or_(i.c.created_at < instant, and_(i.c.created_at == instant, i.c.message_id > message_id)))
    query = select(*(i.c[name] for name in InboxRow._fields)).where(*conditions)
    return [InboxRow(*row) for row in tx.select(query.order_by(i.c.created_at.desc(), i.c.message_id).limit(limit))]


def unread(tx: Tx, address: str) -> int:
    """Return how many messages of an inbox nobody has opened."""
    i = tx.tables.inbox
    count: int = tx.select(select(func.count()).where(i.c.address == address, i.c.read_at.is_(None)))[0][0]
    return count


def mark_read(tx: Tx, address: str, ids: Sequence[str], now: datetime) -> int:
    """Note that messages of an inbox were opened; return how many were new to the reader."""
    i = tx.tables.inbox
    mine = (i.c.address == address, i.c.read_at.is_(None), in_texts(i.c.message_id, "ids"))
    return tx.execute(update(i).where(*mine).values(read_at=now), {"ids": tx.texts(ids)})


def forget_read(tx: Tx, before: datetime) -> int:
    """Delete messages read before an instant; what nobody has read stays."""
    i = tx.tables.inbox
    return tx.execute(delete(i).where(i.c.read_at < before))
