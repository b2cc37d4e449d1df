"""What falls due: postings that close by themselves, rungs of the ladder, breaches. Each group one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import structlog

from ..deadlines.ladder import Rung, next_wake, rungs_reached, was_missed
from ..foundation.clock import legal_date
from ..foundation.errors import ConflictError
from ..foundation.paths import parent
from ..persistence import deadlines as deadline_rows
from ..persistence.cases import Advance, CaseRow, advance, lock
from ..persistence.chain import hash_events
from ..persistence.deadlines import DeadlineRow, LedgerEntry
from ..persistence.events import EventRow, insert_events
from ..persistence.outbox import OutboxRow, enqueue
from ..persistence.types import instant_text
from ..persistence.wakeups import DueGroup, RungRow, claim_rungs, due_groups, subjects_of
from .applying import breach_core
from .definition import DeadlineKind, DeadlineRule, Workflow
from .tidings import breach_found, tiding
from .values import SYSTEM, ActRequest, Mode

if TYPE_CHECKING:
    from ..deadlines.calendar import Calendar
    from ..persistence.database import Database, Tx
    from .service import Engine

__all__ = ["Ran", "run_due"]

log = structlog.get_logger("rasoat.timers")
_GROUPS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Ran:
    """What one run did. `stopped_short` says that more is due and the bound was reached."""

    fired: int = 0
    rungs: int = 0
    breaches: int = 0
    groups: int = 0
    conflicts: int = 0
    stopped_short: bool = False


class _Due(NamedTuple):
    """A group under its locks: the cases, their deadlines that are due, and what to judge them by."""

    group: DueGroup
    workflow: Workflow
    rule: DeadlineRule
    cases: Sequence[CaseRow]
    rows: Sequence[DeadlineRow]
    calendar: Calendar
    now: datetime


def run_due(database: Database, engine: Engine, *, max_groups: int = 10_000) -> Ran:
    """Do everything that is due at the engine's clock, at most `max_groups` villages' worth.

    A crash between groups loses nothing: what was not done is still due. Two workers at once do
    each thing once: cases are locked first, and every rung is claimed by unique insert.
    """
    ran = Ran()
    skipped: set[DueGroup] = set()
    while ran.groups < max_groups:
        with database.read() as tx:
            found = due_groups(tx, engine.clock.now(), _GROUPS_AT_ONCE + len(skipped))
        groups = [group for group in found if group not in skipped][: max_groups - ran.groups]
        if not groups:
            return ran
        for group in groups:
            ran = _one(database, engine, group, ran, skipped)
    return replace(ran, stopped_short=True)


def _one(database: Database, engine: Engine, group: DueGroup, ran: Ran, skipped: set[DueGroup]) -> Ran:
    try:
        with database.begin() as tx:
            fired, rungs, breaches = _run_group(tx, engine, group)
    except ConflictError as error:
        # Another writer holds the village; its rows stay due and the next run takes them.
        log.warning("due_group_busy", rule=group.rule, unit=group.unit_path, error=str(error))
        skipped.add(group)
        return replace(ran, groups=ran.groups + 1, conflicts=ran.conflicts + 1)
    if not fired + rungs + breaches:
        skipped.add(group)
    return replace(
        ran, fired=ran.fired + fired, rungs=ran.rungs + rungs, breaches=ran.breaches + breaches, groups=ran.groups + 1
    )


def _run_group(tx: Tx, engine: Engine, group: DueGroup) -> tuple[int, int, int]:
    now = engine.clock.now()
    subjects = subjects_of(tx, group, now)
    if not subjects:
        return 0, 0, 0
    # Cases before deadlines, as every writer does: the other order could deadlock with them.
    cases = lock(tx, subjects) if group.subject == "case" else []
    rows = [row for rows in deadline_rows.open_of(tx, subjects).values() for row in rows if _is_due(row, group, now)]
    workflow = engine.library.compiled(group.workflow).workflow
    calendar = engine.calendar_for(legal_date(now), group.unit_path)
    due = _Due(group, workflow, workflow.deadline(group.rule), cases, rows, calendar, now)
    rungs = _climb(tx, due)
    if due.rule.on_expiry:
        return _expire(tx, engine, due), rungs, 0
    breaches = _breach(tx, due)
    _wake_again(tx, due)
    return 0, rungs, breaches


def _is_due(row: DeadlineRow, group: DueGroup, now: datetime) -> bool:
    same = row.rule == group.rule and row.due_on == group.due_on and row.status == "open"
    return same and row.next_at is not None and row.next_at <= now


def _expire(tx: Tx, engine: Engine, due: _Due) -> int:
    """Let a minimum term that has run out close its step, on its own last day whenever the worker comes."""
    over = [row for row in due.rows if row.due_at <= due.now]
    _wake_again(tx, due)
    if not over:
        return 0
    outcome = engine.fire_many(
        tx,
        ActRequest(
            due.rule.on_expiry,
            tuple(row.subject_id for row in over),
            due.group.due_on,
            SYSTEM,
            mode=Mode.EACH,
        ),
    )
    for refusal in outcome.refused:
        log.error("timer_refused", trigger=due.rule.on_expiry, case=refusal.case_id, code=refusal.code)
    return len(outcome.accepted)


def _climb(tx: Tx, due: _Due) -> int:
    """Claim the rungs reached and tell the office each of them names, once for the whole group."""
    reached = rungs_reached(due.rule.ladder, due.group.due_on, due.now, due.calendar)
    claims = [
        RungRow(row.id, row.due_on, rung.step, due.now, was_missed(instant, due.now))
        for row in due.rows
        for rung, instant in reached
    ]
    claimed = claim_rungs(tx, claims)
    told = []
    for rung, instant in reached:
        mine = [row for row in due.rows if (row.id, rung.step) in claimed]
        if mine:
            told.append(_rung_tiding(due, rung, mine, missed=was_missed(instant, due.now)))
    enqueue(tx, told)
    return len(claimed)


def _rung_tiding(due: _Due, rung: Rung, rows: Sequence[DeadlineRow], *, missed: bool) -> OutboxRow:
    group, path = due.group, rows[0].owner_path
    for _ in range(rung.levels_up):
        path = parent(path) or path
    return tiding(
        "deadline",
        rung.severity,
        due.rule.owner if rung.tell == "owner" else rung.tell,
        path,
        group.unit_path,
        f"{group.round_id}:{group.unit_path}:{group.rule}:{group.due_on.isoformat()}:{rung.step}:{rows[0].id}",
        {
            "workflow": group.workflow,
            "rule": group.rule,
            "due_on": group.due_on.isoformat(),
            "step": rung.step,
            "count": len(rows),
            "round": str(group.round_id),
            "subject": group.subject,
            "missed": missed,
            "provisional": rows[0].provisional,
            "owner_role": due.rule.owner,
            "owner_path": rows[0].owner_path,
            "toward_citizen": due.rule.toward_citizen,
        },
        due.now,
    )


def _breach(tx: Tx, due: _Due) -> int:
    """Record that a maximum or fixed term was passed: an event in each case's chain, a line in each ledger."""
    late = [row for row in due.rows if row.due_at <= due.now and row.breached_at is None]
    if not late or due.rule.kind is DeadlineKind.MINIMUM:
        return 0
    _chain_breaches(tx, due, late)
    deadline_rows.insert_entries(
        tx,
        [
            LedgerEntry(row.id, 1, "breached", row.due_on, due.now, SYSTEM.key, "", '{"found_by":"worker"}')
            for row in late
        ],
    )
    enqueue(tx, breach_found(due.workflow, [(due.rule, row) for row in late], due.now))
    log.info("deadline_breached", rule=due.rule.key, unit=due.group.unit_path, count=len(late))
    return len(late)


def _chain_breaches(tx: Tx, due: _Due, late: Sequence[DeadlineRow]) -> None:
    cases = {case.id: case for case in due.cases}
    stamp, day = instant_text(due.now), due.group.due_on.isoformat()
    in_cases = [(row, cases[row.subject_id]) for row in late if row.subject_id in cases]
    cores = [breach_core(row, case.state, case.seq + 1, day, stamp, SYSTEM.key) for row, case in in_cases]
    hashes = hash_events({case.id: case.head for _, case in in_cases}, cores)
    advance(
        tx,
        [
            Advance(case.state, case.seq + 1, case.last_on, case.class_after, case.facts, digest, case.id, case.seq)
            for (_, case), digest in zip(in_cases, hashes, strict=True)
        ],
    )
    insert_events(
        tx,
        [
            EventRow(*core[:7], due.group.due_on, due.now, core.actor, core.payload, digest)
            for core, digest in zip(cores, hashes, strict=True)
        ],
    )


def _wake_again(tx: Tx, due: _Due) -> None:
    """Set each deadline's next wake-up: the next rung, the end of the term, or never."""
    rows = []
    for row in due.rows:
        passed = row.due_at <= due.now and due.rule.kind is not DeadlineKind.MINIMUM
        breached = row.breached_at or (due.now if passed else None)
        rows.append((next_wake(due.rule.ladder, row.due_on, due.now, due.calendar), breached, row.id))
    deadline_rows.set_next(tx, rows)
