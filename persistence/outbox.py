"""Outbox rows: what someone must be told, written with the fact it tells of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam
from sqlalchemy.dialects import postgresql, sqlite

from .statements import Statement

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from .database import Tx

__all__ = ["OutboxRow", "enqueue"]


class OutboxRow(NamedTuple):
    """One thing to tell one office. `id` is derived from what it says, so a second writing changes nothing."""

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


_VALUES: dict[str, Any] = {name: bindparam(name) for name in OutboxRow._fields}
_INSERT = {
    "sqlite": Statement(
        "enqueue", OutboxRow._fields, lambda t: sqlite.insert(t.outbox).values(_VALUES).on_conflict_do_nothing()
    ),
    "postgresql": Statement(
        "enqueue", OutboxRow._fields, lambda t: postgresql.insert(t.outbox).values(_VALUES).on_conflict_do_nothing()
    ),
}


def enqueue(tx: Tx, rows: Iterable[OutboxRow]) -> None:
    """Queue what must be told; a row whose id is already there is left as it is."""
    tx.many(
        _INSERT[tx.dialect],
        [(*r[:9], tx.instant(r.created_at), tx.instant(r.next_at), None, r.attempts) for r in rows],
    )
