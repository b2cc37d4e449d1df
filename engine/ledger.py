"""Decisions about running terms: suspend, resume, extend, supersede, cancel, record as met. No transaction of its own.

Each names the deciding document and an official with authority, writes a line into the deadline's ledger and, where the
deadline is a case's, an event into the case's chain, and queues a message to its owner. A refusal is a value; all of an
order is done or none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from ..deadlines.ladder import next_wake
from ..deadlines.ledger import Pause, Running
from ..foundation.clock import end_of, legal_date, start_of
from ..foundation.errors import NotFoundError
from ..foundation.logs import Log
from ..foundation.messages import fault
from ..persistence import deadlines as deadline_rows
from ..persistence.cases import lock
from ..persistence.deadlines import Closing
from ..persistence.ledger import Moved, deadlines_by_id, entries_of, lock_rounds, move
from ..persistence.outbox import enqueue
from .breaches import Entry, enter
from .chaining import Note, note
from .definition import DeadlineKind
from .judging import Held, refusal_of
from .repeating import once
from .rounds import met_on, round_rule, tomorrow
from .settings import setting_of
from .tidings import Decided, term_decided

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from ..deadlines.calendar import Calendar
    from ..persistence.database import Tx
    from ..persistence.deadlines import DeadlineRow, LedgerEntry
    from .definition import DeadlineRule
    from .service import Engine
    from .values import Actor, Refusal

__all__ = [
    "Change",
    "Order",
    "Ruling",
    "cancel",
    "extend",
    "fulfil",
    "held",
    "moved",
    "resume",
    "running",
    "supersede",
    "suspend",
]

log = Log("rasoat.deadlines")


@dataclass(frozen=True, slots=True)
class Order:
    """A decision about deadlines: which, from which day, by whom, on which document.

    `reason` is a short key of the cause (``storm``, ``epidemic``), never a person's name: it is kept for ever. The same
    order under the same `idempotency_key` is done once and answered alike; another one is an `IdempotencyError`.
    """

    deadline_ids: tuple[int, ...]
    occurred_on: date
    actor: Actor
    document: str
    reason: str = ""
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What an order did to one deadline."""

    deadline_id: int
    kind: str
    old_due_on: date
    new_due_on: date
    status: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """The answer to an order: every change, or every refusal and no change."""

    changed: tuple[Change, ...]
    refused: tuple[Refusal, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing was refused."""
        return not self.refused


class _New(NamedTuple):
    """What a deadline becomes: a new last day and status, or its end; `detail` is for the ledger."""

    due_on: date
    status: str
    detail: Mapping[str, Any]
    closing: Closing | None = None
    running: Running | None = None


def suspend(tx: Tx, engine: Engine, order: Order) -> Ruling:
    """Stop terms from `order.occurred_on` on, the first day that is not counted (force majeure)."""

    def new(each: Held) -> _New:
        each.counted.suspend(order.occurred_on, each.calendar)
        return _New(each.row.due_on, "suspended", {})

    return _rule(tx, engine, order, "suspended", new)


def resume(tx: Tx, engine: Engine, order: Order) -> Ruling:
    """Let suspended terms run on with `order.occurred_on`, the first day that counts again."""

    def new(each: Held) -> _New:
        return _counted(each, each.counted.resume(order.occurred_on), "open", {})

    return _rule(tx, engine, order, "resumed", new)


def extend(tx: Tx, engine: Engine, order: Order, by: int) -> Ruling:
    """Lengthen terms by `by` of their own unit, as often as their rule lets the named role do so."""

    def new(each: Held) -> _New:
        return _counted(each, each.counted.extend(by), each.row.status, {"by": by})

    return _rule(tx, engine, order, "extended", new, by=by)


def supersede(tx: Tx, engine: Engine, order: Order, due_on: date) -> Ruling:
    """Put another date in the place of fixed ones, because the plan or the decision that set them was changed."""

    def new(each: Held) -> _New:
        return _New(due_on, each.row.status, {})

    return _rule(tx, engine, order, "superseded", new, due_on=due_on.isoformat())


def cancel(tx: Tx, engine: Engine, order: Order) -> Ruling:
    """End deadlines that should not run: their cases go on without them."""

    def new(each: Held) -> _New:
        row = each.row
        closing = Closing("cancelled", order.occurred_on, row.breached_at, order.reason[:32] or None, row.id)
        return _New(row.due_on, "cancelled", {}, closing)

    return _rule(tx, engine, order, "cancelled", new)


def fulfil(tx: Tx, engine: Engine, order: Order) -> Ruling:
    """Record that fixed dates of a round were met on `order.occurred_on`; a breach on record stays."""

    def new(each: Held) -> _New:
        closing = met_on(each.row, order.occurred_on)
        return _New(each.row.due_on, closing.status, {}, closing)

    return _rule(tx, engine, order, "met", new)


def running(row: DeadlineRow, rule: DeadlineRule, entries: Sequence[LedgerEntry]) -> Running | None:
    """Return a deadline's budget and what its ledger made of it; None for a fixed date, which has no budget."""
    if rule.term is None:
        return None
    pauses: list[Pause] = []
    extra = 0
    for entry in entries:
        if entry.kind == "suspended":
            pauses.append(Pause(entry.occurred_on))
        elif entry.kind == "resumed":
            pauses[-1] = replace(pauses[-1], resumed=entry.occurred_on)
        elif entry.kind == "extended":
            extra += json.loads(entry.detail)["by"]
    return Running(replace(rule.term, length=row.length), row.started_on, tuple(pauses), extra)


def held(tx: Tx, engine: Engine, rows: Sequence[DeadlineRow]) -> list[Held]:
    """Return deadlines with their rules, ledgers and calendars as known now."""
    entries = entries_of(tx, [row.id for row in rows])
    today = legal_date(engine.clock.now())
    calendars: dict[str, Calendar] = {}
    found = []
    for row in rows:
        if row.unit_path not in calendars:
            calendars[row.unit_path] = engine.calendar_for(today, row.unit_path)
        mine = entries.get(row.id, ())
        rule = _rule_of(engine, row, mine)
        found.append(Held(row, rule, mine, running(row, rule, mine), calendars[row.unit_path]))
    return found


def _rule_of(engine: Engine, row: DeadlineRow, entries: Sequence[LedgerEntry]) -> DeadlineRule:
    if row.subject == "round":
        return round_rule(row, entries[0])
    return engine.library.compiled(row.workflow).workflow.deadline(row.rule)


def _rule(tx: Tx, engine: Engine, order: Order, kind: str, new: Callable[[Any], _New], **said: Any) -> Ruling:
    return once(
        tx, order.idempotency_key, lambda: {**_asked(order, kind), **said}, engine.clock,
        lambda: _decide(tx, engine, order, kind, new), write=_written, read=_read, keeps=lambda ruling: ruling.ok,
    )  # fmt: skip


def _decide(tx: Tx, engine: Engine, order: Order, kind: str, new: Callable[[Any], _New]) -> Ruling:
    rows = deadlines_by_id(tx, order.deadline_ids)
    _require_all(order, rows)
    # Cases before deadlines, as every writer does; what was read before the lock is read again.
    cases = lock(tx, sorted({row.subject_id for row in rows if row.subject == "case"}))
    lock_rounds(tx, [row.subject_id for row in rows if row.subject == "round"])
    found = held(tx, engine, deadlines_by_id(tx, order.deadline_ids))
    today = legal_date(engine.clock.now())
    limits = {place: _back_dating(tx, engine, *place) for place in {(e.row.workflow, e.row.unit_path) for e in found}}
    asked = [refusal_of(e, kind, order, today, limits[e.row.workflow, e.row.unit_path]) for e in found]
    refused = tuple(refusal for refusal in asked if refusal is not None)
    if refused:
        log.info("order_refused", kind=kind, count=len(refused), codes=sorted({r.code for r in refused}))
        return Ruling((), refused)
    changes = [(each, new(each)) for each in found]
    _write(tx, engine, order, kind, changes)
    now = engine.clock.now()
    note(tx, cases, [_note(order, kind, each, made) for each, made in changes], order.actor.key, now)
    decided = [Decided(each.rule, each.row, made.due_on) for each, made in changes]
    enqueue(tx, term_decided(kind, order.document, order.occurred_on, decided, now))
    log.info("order_done", kind=kind, count=len(changes), document=order.document)
    return Ruling(
        tuple(Change(each.row.id, kind, each.row.due_on, made.due_on, made.status) for each, made in changes), ()
    )


def _asked(order: Order, kind: str) -> dict[str, Any]:
    return {
        "order": f"deadlines {kind}",
        "deadlines": [str(i) for i in sorted(order.deadline_ids)],
        "occurred_on": order.occurred_on.isoformat(),
        "actor": order.actor.key,
        "on_behalf_of": order.actor.on_behalf_of,
        "document": order.document,
        "reason": order.reason,
    }


def _written(ruling: Ruling) -> dict[str, Any]:
    days = [(change.old_due_on.isoformat(), change.new_due_on.isoformat()) for change in ruling.changed]
    shown = zip(ruling.changed, days, strict=True)
    return {"changed": [[str(c.deadline_id), c.kind, old, new, c.status] for c, (old, new) in shown]}


def _read(answer: Any) -> Ruling:
    days = date.fromisoformat
    return Ruling(tuple(Change(int(i), kind, days(a), days(b), s) for i, kind, a, b, s in answer["changed"]), ())


def _require_all(order: Order, rows: Sequence[DeadlineRow]) -> None:
    missing = sorted(set(order.deadline_ids) - {row.id for row in rows})
    if missing or not rows:
        raise fault(NotFoundError, "found.no_deadlines", ids=", ".join(map(str, missing)) or "was named")


def _back_dating(tx: Tx, engine: Engine, workflow: str, unit_path: str) -> int | None:
    definition = engine.library.compiled(workflow).workflow
    limit: int | None = setting_of(definition, engine.settings_in_force(tx, workflow, unit_path), "back_dating_days")
    return limit


def _write(tx: Tx, engine: Engine, order: Order, kind: str, changes: Sequence[tuple[Held, _New]]) -> None:
    now = engine.clock.now()
    deadline_rows.close(tx, [made.closing for _, made in changes if made.closing is not None])
    move(
        tx, [moved(each, made.due_on, made.status, now, made.running) for each, made in changes if made.closing is None]
    )
    entries = [Entry(each.row.id, kind, order.occurred_on, _detail(order, each, made)) for each, made in changes]
    enter(tx, entries, now, order.actor.key, order.document)


def _counted(each: Held, running: Running, status: str, detail: Mapping[str, Any]) -> _New:
    return _New(running.due_on(each.calendar), status, detail, running=running)


def moved(each: Held, due_on: date, status: str, now: datetime, running: Running | None = None) -> Moved:
    """Return the row of a deadline that now ends on `due_on`; a new last day climbs its ladder anew.

    `running` is its budget with the decision that moves it; without one, as it was before.
    """
    row, calendar = each.row, each.calendar
    counted = each.rule.kind is not DeadlineKind.FIXED
    running = running or each.running
    provisional = calendar.is_provisional(due_on) if running is None else running.is_provisional(due_on, calendar)
    wake = next_wake(each.rule.ladder, due_on, start_of(row.started_on), calendar)
    if row.subject == "round":
        wake = min(wake or tomorrow(now), tomorrow(now))
    return Moved(
        status=status,
        calendar=calendar.key,
        due_on=due_on,
        due_at=end_of(due_on),
        next_at=wake if status == "open" else None,
        provisional=counted and provisional,
        deadline_id=row.id,
    )


def _detail(order: Order, each: Held, made: _New) -> dict[str, Any]:
    detail = {"old_due_on": each.row.due_on.isoformat(), "new_due_on": made.due_on.isoformat(), **made.detail}
    return {**detail, "reason": order.reason} if order.reason else detail


def _note(order: Order, kind: str, each: Held, made: _New) -> Note:
    payload = {
        "deadline": str(each.row.id),
        "rule": each.row.rule,
        "document": order.document,
        **_detail(order, each, made),
    }
    return Note(each.row.subject_id if each.row.subject == "case" else 0, "deadline", kind, order.occurred_on, payload)
