"""What falls due: postings that close by themselves, rungs of the ladder, breaches. Each group one transaction.

Exactly once, however many workers run and wherever one of them is killed: a group's cases (or its round) are locked
first and its deadlines read again under the lock, every rung is claimed by unique insert, and what was done commits
with the rows that say so. Wiping the scheduler loses nothing: `next_at` of each open deadline is all there is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from ..deadlines.ladder import next_wake
from ..foundation.clock import legal_date
from ..foundation.errors import ConflictError
from ..foundation.logs import Log
from ..persistence import deadlines as deadline_rows
from ..persistence.cases import lock
from ..persistence.ledger import entries_of, lock_rounds
from ..persistence.outbox import enqueue
from ..persistence.wakeups import due_groups, subjects_of, take_group
from .breaches import breach_notes, causes_carried, enter_breaches
from .chaining import note
from .climbing import Climb, climb
from .definition import SUPERVISOR, DeadlineKind
from .rounds import ended_on, finished, met_on, round_rule, tomorrow
from .tidings import breach_found, stalled
from .values import SYSTEM, ActRequest, Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from ..deadlines.calendar import Calendar
    from ..persistence.cases import CaseRow
    from ..persistence.database import Database, Tx
    from ..persistence.deadlines import DeadlineRow
    from ..persistence.wakeups import DueGroup
    from .definition import DeadlineRule
    from .service import Engine

__all__ = ["Ran", "run_due"]

log = Log("rasoat.timers")
_GROUPS_AT_ONCE = 200
_TRY_AGAIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Ran:
    """What one run did. `stopped_short` says that more is due: the bound was reached, or the run was told to stop.

    `conflicts` are groups that another writer held, `failed` those that a fault kept from being done; both stay due.
    """

    fired: int = 0
    rungs: int = 0
    breaches: int = 0
    met: int = 0
    groups: int = 0
    conflicts: int = 0
    failed: int = 0
    refused: int = 0
    stopped_short: bool = False

    def plus(self, more: Ran) -> Ran:
        """Return what both runs did together."""
        counts = {name: getattr(self, name) + getattr(more, name) for name in self.__slots__ if name != "stopped_short"}
        return Ran(**counts, stopped_short=self.stopped_short or more.stopped_short)


class _Due(NamedTuple):
    """A group under its locks: the cases, their deadlines that are due, and what to judge them by."""

    group: DueGroup
    rule: DeadlineRule
    cases: Sequence[CaseRow]
    rows: Sequence[DeadlineRow]
    calendar: Calendar
    now: datetime


def run_due(
    database: Database, engine: Engine, *, max_groups: int = 10_000, stop: Callable[[], bool] = lambda: False
) -> Ran:
    """Do everything that is due at the engine's clock, at most `max_groups` villages' worth.

    A crash between groups loses nothing: what was not done is still due. `stop` is asked between groups.
    """
    ran = Ran()
    passed: set[DueGroup] = set()
    while ran.groups < max_groups:
        with database.read() as tx:
            found = due_groups(tx, engine.clock.now(), _GROUPS_AT_ONCE + len(passed))
        groups = [group for group in found if group not in passed][: max_groups - ran.groups]
        if not groups:
            return ran
        for group in groups:
            if stop():
                return replace(ran, stopped_short=True)
            done = _one(database, engine, group)
            ran = ran.plus(done)
            if not done.fired + done.rungs + done.breaches + done.met:
                passed.add(group)
    return replace(ran, stopped_short=True)


def _one(database: Database, engine: Engine, group: DueGroup) -> Ran:
    try:
        with database.begin() as tx:
            return _run_group(tx, engine, group)
    except ConflictError as error:
        # Another writer holds the village; its rows stay due and the next run takes them.
        log.warning("due_group_busy", rule=group.rule, unit=group.unit_path, error=str(error))
        return Ran(groups=1, conflicts=1)
    except Exception as error:
        # One village that cannot be done must neither hold up all the others nor go unnoticed.
        log.exception("due_group_failed", rule=group.rule, unit=group.unit_path)
        with database.begin() as tx:
            enqueue(tx, [stalled(group.rule, SUPERVISOR, group.unit_path, str(error), engine.clock.now())])
        return Ran(groups=1, failed=1)


def _run_group(tx: Tx, engine: Engine, group: DueGroup) -> Ran:
    now = engine.clock.now()
    if not take_group(tx, group):
        return Ran(groups=1, conflicts=1)
    subjects = subjects_of(tx, group)
    # Cases before deadlines, as every writer does: the other order could deadlock with them.
    cases = lock(tx, subjects) if group.subject == "case" else []
    if group.subject == "round":
        lock_rounds(tx, subjects)
    rows = [row for rows in deadline_rows.open_of(tx, subjects).values() for row in rows if _is_due(row, group, now)]
    if not rows:
        return Ran(groups=1)
    calendar = engine.calendar_for(legal_date(now), group.unit_path)
    if group.subject == "round":
        return _round(tx, engine, group, rows, calendar)
    rule = engine.library.compiled(group.workflow).workflow.deadline(group.rule)
    due = _Due(group, rule, cases, rows, calendar, now)
    return _expire(tx, engine, due) if rule.on_expiry else _press(tx, due)


def _is_due(row: DeadlineRow, group: DueGroup, now: datetime) -> bool:
    same = row.rule == group.rule and row.due_on == group.due_on and row.status == "open"
    return same and row.next_at is not None and row.next_at <= now


def _round(tx: Tx, engine: Engine, group: DueGroup, rows: Sequence[DeadlineRow], calendar: Calendar) -> Ran:
    """Look at a round's own date: met if the last case has ended, else press on as with any other term."""
    now = engine.clock.now()
    opening = entries_of(tx, [row.id for row in rows])
    ended = ended_on(tx, engine.library, group.round_id)
    over = [row for row in rows if ended is not None and finished(opening[row.id][0])]
    if ended is not None:
        deadline_rows.close(tx, [met_on(row, ended) for row in over])
    running = [row for row in rows if row not in over]
    if not running:
        return Ran(met=len(over), groups=1)
    due = _Due(group, round_rule(running[0], opening[running[0].id][0]), [], running, calendar, now)
    return replace(_press(tx, due), met=len(over))


def _press(tx: Tx, due: _Due) -> Ran:
    """Climb the ladder of terms that may not be passed, and record those that were, in the order of the hours."""
    late = _late(due)
    before, after = climb(tx, Climb(due.group, due.rule, due.rows, due.calendar, due.now))
    enqueue(tx, before.told)
    if late:
        note(tx, due.cases, breach_notes(late), SYSTEM.key, due.now)
        carried = causes_carried(due.rule, late, {case.id: json.loads(case.facts) for case in due.cases})
        causes = enter_breaches(tx, late, due.now, SYSTEM.key, "worker", carried)
        enqueue(tx, breach_found([(due.rule, row) for row in late], due.now, causes))
        log.info("deadline_breached", rule=due.rule.key, unit=due.group.unit_path, count=len(late))
    enqueue(tx, after.told)
    _wake_again(tx, due)
    return Ran(rungs=before.claimed + after.claimed, breaches=len(late), groups=1)


def _late(due: _Due) -> list[DeadlineRow]:
    if due.rule.kind is DeadlineKind.MINIMUM:
        return []
    return [row for row in due.rows if row.due_at <= due.now and row.breached_at is None]


def _expire(tx: Tx, engine: Engine, due: _Due) -> Ran:
    """Let a minimum term that has run out close its step, on its own last day whenever the worker comes."""
    before, after = climb(tx, Climb(due.group, due.rule, due.rows, due.calendar, due.now))
    enqueue(tx, [*before.told, *after.told])
    _wake_again(tx, due)
    ran = Ran(rungs=before.claimed + after.claimed, groups=1)
    over = [row for row in due.rows if row.due_at <= due.now]
    if not over:
        return ran
    request = ActRequest(
        due.rule.on_expiry, tuple(row.subject_id for row in over), due.group.due_on, SYSTEM, mode=Mode.EACH
    )
    outcome = engine.fire_many(tx, request)
    refused = {refusal.case_id for refusal in outcome.refused}
    if refused:
        _refused(tx, due, [row for row in over if row.subject_id in refused], outcome.refused[0].code)
    return replace(ran, fired=len(outcome.accepted), refused=len(refused))


def _refused(tx: Tx, due: _Due, rows: Sequence[DeadlineRow], code: str) -> None:
    """Keep a timer that the procedure refused: wake again later, and tell the desk, once a day."""
    log.error("timer_refused", trigger=due.rule.on_expiry, unit=due.group.unit_path, count=len(rows), code=code)
    again = due.now + _TRY_AGAIN
    deadline_rows.set_next(tx, [row.id for row in rows], again)
    problem = f"{due.rule.on_expiry}: {code} ({len(rows)})"
    enqueue(tx, [stalled(due.rule.key, due.rule.owner, due.rows[0].owner_path, problem, due.now)])


def _wake_again(tx: Tx, due: _Due) -> None:
    """Set each deadline's next wake-up: the next rung, the end of the term, or never; a round's each morning."""
    now, of_round = due.now, due.group.subject == "round"
    wake = next_wake(due.rule.ladder, due.group.due_on, now, due.calendar)  # the rows of a group end on one day
    if of_round:
        wake = min(wake or tomorrow(now), tomorrow(now))
    passes = due.rule.kind is not DeadlineKind.MINIMUM
    breached = now if passes and due.rows[0].due_at <= now else None
    deadline_rows.set_next(tx, [row.id for row in due.rows], wake, breached_at=breached)
