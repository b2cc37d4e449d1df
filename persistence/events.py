"""Events: one row per step of a case, never changed, never deleted; and the acts they refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select

from .chain import act_hash
from .statements import Statement, in_ids, insertion
from .types import instant_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from .database import Tx
    from .tables import Tables

__all__ = ["ActRow", "EventRow", "act_digest", "act_members", "acts", "history", "insert_act", "insert_events"]


class EventRow(NamedTuple):
    """A fact about one case. `kind`: opened, step, breach, correction, migration."""

    case_id: int
    seq: int
    kind: str
    trigger: str
    from_state: str
    to_state: str
    act_id: int | None
    occurred_on: date
    recorded_at: datetime
    actor: str
    payload: str
    hash: bytes


class ActRow(NamedTuple):
    """An act as it was entered, once for all its cases."""

    id: int
    trigger: str
    form: str
    unit_path: str
    occurred_on: date
    recorded_at: datetime
    actor: str
    role: str
    on_behalf_of: str | None
    document: str | None
    body: str
    digest: bytes


def act_digest(act: ActRow) -> bytes:
    """Return the hash of an act's row, which every event of the act carries."""
    return act_hash(act_members(act, act.occurred_on.isoformat(), instant_text(act.recorded_at)))


def act_members(values: Sequence[Any], occurred_on: str, recorded_at: str) -> dict[str, object]:
    """Return what an act's hash covers: its row's `values` without the digest, its days and instants as text."""
    members: dict[str, object] = dict(zip(ActRow._fields, values, strict=True))
    del members["digest"]
    return {**members, "id": str(members["id"]), "occurred_on": occurred_on, "recorded_at": recorded_at}


def _events_of(tables: Tables) -> Any:
    event = tables.event
    columns = [event.c[name] for name in EventRow._fields]
    return select(*columns).where(in_ids(event.c.case_id, "ids")).order_by(event.c.case_id, event.c.seq)


_INSERT = insertion("insert events", lambda t: t.event, EventRow._fields)
_INSERT_ACT = insertion("insert act", lambda t: t.act, ActRow._fields)
_HISTORY = Statement("history", ("ids",), _events_of)
_ACTS = Statement(
    "acts", ("ids",), lambda t: select(*(t.act.c[name] for name in ActRow._fields)).where(in_ids(t.act.c.id, "ids"))
)


def insert_events(tx: Tx, rows: Iterable[EventRow]) -> None:
    """Append events."""
    kept = list(rows)
    tx.later(_INSERT, [(*r[:7], tx.day(r.occurred_on), tx.instant(r.recorded_at), *r[9:]) for r in kept])
    tx.wrote(kept)


def insert_act(tx: Tx, row: ActRow) -> None:
    """Append an act."""
    tx.later(_INSERT_ACT, [(*row[:4], tx.day(row.occurred_on), tx.instant(row.recorded_at), *row[6:])])


def history(tx: Tx, case_ids: Sequence[int]) -> list[EventRow]:
    """Return all events of the cases, by case and sequence."""
    return [
        EventRow._make((*v[:7], tx.day_from(v[7]), tx.instant_from(v[8]), *v[9:]))
        for v in tx.rows(_HISTORY, tx.ids(case_ids))
    ]  # fmt: skip


def acts(tx: Tx, act_ids: Sequence[int]) -> dict[int, ActRow]:
    """Return acts by id."""
    rows = tx.rows(_ACTS, tx.ids(act_ids))
    return {v[0]: ActRow._make((*v[:4], tx.day_from(v[4]), tx.instant_from(v[5]), *v[6:])) for v in rows}
