"""Facts that wait for a recipient's next digest, and whose digest of which day has been written."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select, update

from .messages import insert_new, inserted
from .statements import in_texts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from .database import Tx

__all__ = ["EVERYBODY", "HeldRow", "claim_day", "hold", "last_day", "release", "waiting", "waiting_count"]

EVERYBODY = ""
"""The recipient under whose name a day is noted once everybody's turn has come."""


class HeldRow(NamedTuple):
    """One fact that waits for one recipient's digest."""

    recipient: str
    outbox_id: str
    held_at: datetime


def hold(tx: Tx, rows: Sequence[HeldRow]) -> None:
    """Keep facts for digests; one that is held for the recipient already stays as it is."""
    if rows:
        tx.execute(insert_new(tx, tx.tables.held_notice), [{**row._asdict(), "settled_at": None} for row in rows])


def waiting(tx: Tx) -> list[HeldRow]:
    """Return every fact that waits for a digest, in the order in which they came."""
    h = tx.tables.held_notice
    query = select(*(h.c[name] for name in HeldRow._fields)).where(h.c.settled_at.is_(None))
    return [HeldRow(*row) for row in tx.select(query.order_by(h.c.held_at, h.c.outbox_id, h.c.recipient))]


def waiting_count(tx: Tx) -> int:
    """Return how many facts wait for a digest."""
    h = tx.tables.held_notice
    count: int = tx.select(select(func.count()).where(h.c.settled_at.is_(None)))[0][0]
    return count


def release(tx: Tx, recipient: str, outbox_ids: Sequence[str], now: datetime) -> None:
    """Note that facts no longer wait for a recipient's digest: it has told them, or somebody else is told."""
    h = tx.tables.held_notice
    mine = (h.c.recipient == recipient, h.c.settled_at.is_(None), in_texts(h.c.outbox_id, "ids"))
    tx.execute(update(h).where(*mine).values(settled_at=now), {"ids": tx.texts(outbox_ids)})


def claim_day(tx: Tx, kind: str, recipient: str, day: date, now: datetime) -> bool:
    """Claim what a recipient gets once on a day; False if any worker did before."""
    row = {"kind": kind, "recipient": recipient, "day": day, "composed_at": now}
    return inserted(tx, tx.tables.notice_day, row)


def last_day(tx: Tx, kind: str) -> date | None:
    """Return the last day on which everybody's turn came."""
    n = tx.tables.notice_day
    query = select(n.c.day).where(n.c.kind == kind, n.c.recipient == EVERYBODY).order_by(n.c.day.desc()).limit(1)
    return next((row.day for row in tx.select(query)), None)
