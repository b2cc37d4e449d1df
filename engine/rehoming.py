"""What a migration writes of a batch of cases: one event each, their terms, and who must be told."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ..foundation.clock import legal_date
from ..foundation.paths import at_level
from ..persistence import deadlines as deadline_rows
from ..persistence.canonical import canonical_json
from ..persistence.chain import EventCore, hash_events
from ..persistence.deadlines import Closing, DeadlineRow
from ..persistence.events import EventRow, insert_events
from ..persistence.moves import Rehomed, Remade, rehome, remake
from ..persistence.outbox import enqueue
from ..persistence.types import instant_text
from .breaches import Entry, enter
from .migrating import Begun, Continued, Ended, Treatment
from .tidings import tiding

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ..deadlines.calendar import Calendar
    from ..persistence.database import Tx
    from ..persistence.outbox import OutboxRow
    from .definition import Workflow
    from .migrating import CaseMove, DeadlineMove, MigrationPlan
    from .service import Engine

__all__ = ["write_moves"]


def write_moves(
    tx: Tx,
    engine: Engine,
    plan: MigrationPlan,
    workflows: tuple[Workflow, Workflow],
    found: Sequence[CaseMove],
    actor: str,
) -> None:
    """Write the moves of locked cases. The caller owns the transaction."""
    now = engine.clock.now()
    stamp = instant_text(now)
    cores = [_core(plan, move, stamp, actor) for move in found]
    hashes = hash_events({move.case.id: move.case.head for move in found}, cores)
    rehome(
        tx,
        [
            Rehomed(plan.target, m.unit_path, m.state, m.case.seq + 1, m.day, digest, m.case.id, m.case.seq)
            for m, digest in zip(found, hashes, strict=True)
        ],
    )
    insert_events(
        tx,
        [
            EventRow(*core[:7], move.day, now, actor, core.payload, digest)
            for move, core, digest in zip(found, cores, hashes, strict=True)
        ],
    )
    calendar = engine.calendar_for(legal_date(now), at_level(found[0].unit_path, "commune"))
    _write_deadlines(tx, engine, plan, found, calendar, actor)
    enqueue(tx, _told(plan, workflows[1], found, now))


def _core(plan: MigrationPlan, move: CaseMove, stamp: str, actor: str) -> EventCore:
    payload = {
        "plan": plan.key,
        "fingerprint": plan.fingerprint,
        "document": plan.document,
        "chosen": dict(plan.chosen),
        "from": plan.source,
        "to": plan.target,
        "unit_from": move.case.unit_path,
        "unit_to": move.unit_path,
        "deadlines": [_said(d) for d in move.deadlines],
    }
    return EventCore(
        move.case.id, move.case.seq + 1, "migration", plan.key, move.case.state, move.state, None,
        move.day.isoformat(), stamp, actor, canonical_json(payload).decode(), "",
    )  # fmt: skip


def _said(move: DeadlineMove) -> dict[str, Any]:
    """Return what the event and the ledger say of one term."""
    before = move.before if isinstance(move, Begun) else move.row
    said = {"rule": move.row.rule if isinstance(move, Ended) else move.rule.key, "how": move.how}
    if before:
        said |= {"due_from": before.due_on.isoformat(), "owner_from": f"{before.owner_role}@{before.owner_path}"}
    if not isinstance(move, Ended):
        said |= {"due_to": move.due.due_on.isoformat(), "owner_to": f"{move.rule.owner}@{move.owner_path}"}
    return said


def _write_deadlines(
    tx: Tx, engine: Engine, plan: MigrationPlan, found: Sequence[CaseMove], calendar: Calendar, actor: str
) -> None:
    both = [(case, move) for case in found for move in case.deadlines]
    remake(tx, [_remade(plan, c, m, calendar) for c, m in both if isinstance(m, Continued)])
    superseded = [_closed(c, m.before, "superseded") for c, m in both if isinstance(m, Begun) and m.before]
    ended = [_closed(c, m.row, "cancelled") for c, m in both if isinstance(m, Ended)]
    deadline_rows.close(tx, [*superseded, *ended])
    begun = [(c, m) for c, m in both if isinstance(m, Begun)]
    new_ids = engine.ids.take(len(begun))
    rows = [_opened(plan, new_id, c, m, calendar) for new_id, (c, m) in zip(new_ids, begun, strict=True)]
    deadline_rows.insert_deadlines(tx, rows)
    ran = [(c, m, m.before if isinstance(m, Begun) else m.row) for c, m in both]
    lines = [Entry(row.id, "migrated", c.day, {"plan": plan.key, **_said(m)}) for c, m, row in ran if row]
    enter(tx, lines, engine.clock.now(), actor, plan.document)


def _remade(plan: MigrationPlan, case: CaseMove, move: Continued, calendar: Calendar) -> Remade:
    row, term = move.row, move.rule.term
    counted = move.treatment is Treatment.RECOMPUTE
    return Remade(
        workflow=plan.target,
        unit_path=case.unit_path,
        owner_role=move.rule.owner,
        owner_path=move.owner_path,
        length=term.length if counted and term else row.length,
        unit=term.unit.value if counted and term else row.unit,
        calendar=calendar.key if counted else row.calendar,
        due_on=move.due.due_on,
        due_at=move.due.due_at,
        next_at=move.due.next_at,
        provisional=move.due.provisional,
        deadline_id=row.id,
    )


def _closed(case: CaseMove, row: DeadlineRow, status: str) -> Closing:
    return Closing(status, case.day, row.breached_at, "migration", row.id)


def _opened(plan: MigrationPlan, new_id: int, case: CaseMove, move: Begun, calendar: Calendar) -> DeadlineRow:
    rule = move.rule
    return DeadlineRow(
        id=new_id,
        subject="case",
        subject_id=case.case.id,
        round_id=case.case.round_id,
        unit_path=case.unit_path,
        workflow=plan.target,
        rule=rule.key,
        kind=rule.kind.value,
        owner_role=rule.owner,
        owner_path=move.owner_path,
        started_on=move.started_on,
        length=rule.term.length if rule.term else 0,
        unit=rule.term.unit.value if rule.term else "fixed",
        calendar=calendar.key,
        due_on=move.due.due_on,
        due_at=move.due.due_at,
        next_at=move.due.next_at,
        status="open",
        provisional=move.due.provisional,
        opened_seq=case.case.seq + 1,
        breached_at=None,
        closed_on=None,
        cause=None,
    )


def _told(plan: MigrationPlan, new: Workflow, found: Sequence[CaseMove], now: datetime) -> list[OutboxRow]:
    """Tell the office on whose desk the cases lie now, once per round, village and office of this batch."""
    counts: Counter[tuple[int, str, str]] = Counter()
    first: dict[tuple[int, str, str], int] = {}
    for move in found:
        desk = new.states[move.state].desk or new.initial.desk
        place = (move.case.round_id, move.unit_path, desk)
        counts[place] += 1
        first.setdefault(place, move.case.id)
    return [
        tiding(
            "migration_done",
            "info",
            desk,
            at_level(path, new.roles[desk].level),
            path,
            f"{plan.key}:{round_id}:{path}:{first[round_id, path, desk]}",
            {
                "plan": plan.label._asdict(),
                "from_version": plan.source,
                "to_version": plan.target,
                "moved": count,
                "refused": 0,
                "article": str(plan.article),
                "workflow": plan.target,
                "round": str(round_id),
                "count": count,
            },
            now,
        )
        for (round_id, path, desk), count in counts.items()
    ]
