"""Storm control kept in the database, so that several senders agree: circuit breakers and rate limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, or_, select, update

from .messages import insert_new

if TYPE_CHECKING:
    from datetime import datetime

    from .database import Tx

__all__ = ["CircuitRow", "circuit", "forget_idle", "full_at", "set_circuit", "set_full_at"]


class CircuitRow(NamedTuple):
    """The breaker of one endpoint: failures in a row, and until when it is left alone."""

    failures: int
    rests_until: datetime | None


def circuit(tx: Tx, endpoint: str) -> CircuitRow:
    """Return an endpoint's breaker, locked for this transaction; one that nobody knows is closed."""
    c = tx.tables.circuit
    tx.execute(insert_new(tx, c), {"endpoint": endpoint, "failures": 0, "rests_until": None})
    query = select(c.c.failures, c.c.rests_until).where(c.c.endpoint == endpoint).with_for_update()
    return CircuitRow(*tx.select(query)[0])


def set_circuit(tx: Tx, endpoint: str, row: CircuitRow) -> None:
    """Keep an endpoint's breaker."""
    c = tx.tables.circuit
    tx.execute(update(c).where(c.c.endpoint == endpoint).values(row._asdict()))


def full_at(tx: Tx, recipient: str, channel: str, now: datetime) -> datetime:
    """Return when a recipient's bucket on a channel is full again, locked for this transaction; `now` if unknown."""
    p = tx.tables.pace
    tx.execute(insert_new(tx, p), {"recipient": recipient, "channel": channel, "full_at": now})
    query = select(p.c.full_at).where(p.c.recipient == recipient, p.c.channel == channel).with_for_update()
    found: datetime = tx.select(query)[0][0]
    return found


def set_full_at(tx: Tx, recipient: str, channel: str, instant: datetime) -> None:
    """Keep the state of a recipient's bucket."""
    p = tx.tables.pace
    tx.execute(update(p).where(p.c.recipient == recipient, p.c.channel == channel).values(full_at=instant))


def forget_idle(tx: Tx, before: datetime) -> None:
    """Delete buckets that have been full since before an instant, and closed breakers without failures."""
    p, c = tx.tables.pace, tx.tables.circuit
    tx.execute(delete(p).where(p.c.full_at < before))
    tx.execute(delete(c).where(c.c.failures == 0, or_(c.c.rests_until.is_(None), c.c.rests_until < before)))
