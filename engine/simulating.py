"""What would happen: a clock that jumps from one event to the next, and what-if on a copy that changes nothing.

The copy lives in memory and holds the rounds asked about; the real caseload is read once, in one view, and not locked.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import select

from ..foundation.clock import FrozenClock, end_of, legal_date, start_of
from ..foundation.errors import InputError, NotFoundError
from ..foundation.ids import CountingIds
from ..foundation.messages import fault
from ..persistence.trial import copy_caseload
from ..persistence.wakeups import next_wake_at
from .queries import within_unit
from .service import Engine
from .timers import Ran, run_due
from .values import Actor, ActRequest, Mode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..persistence.database import Database, Tx

__all__ = ["FallsDue", "Supposition", "WhatIf", "fast_forward", "what_if"]

_FIRST_ID = 1 << 61
_OFFICE_HOURS_END = 17
HORIZON: Final = timedelta(days=366)
"""How far ahead suppositions are played out: open rounds wake the worker every morning, and calendars end anyway."""
_HOUR = timedelta(hours=1)
_Key = tuple[date, str, str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Supposition:
    """Suppose that `trigger` happens to the cases in these villages.

    On the day `on`, or on the `working_day`-th working day of the term that runs for a case. Only the first
    `households` of each village, if given. `body` and `row` are the act's forms.
    """

    trigger: str
    unit_paths: tuple[str, ...]
    on: date | None = None
    working_day: int | None = None
    households: int | None = None
    body: Mapping[str, Any] = field(default_factory=dict)
    row: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a supposition that names no day, or two."""
        if (self.on is None) == (self.working_day is None):
            raise fault(InputError, "simulating.day", trigger=self.trigger)


@dataclass(frozen=True, slots=True, order=True)
class FallsDue:
    """Deadlines of one village with one last day: on whose desk, and what became of them in the simulation."""

    due_on: date
    unit_path: str
    workflow: str
    rule: str
    owner_role: str
    owner_path: str
    outcome: str  # open, breached, or how it was closed
    count: int


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What falls due through `until` as things stand (`expected`) and with the suppositions (`supposed`).

    `moved` counts the cases that the supposed acts moved, `refused` those they did not, by code.
    """

    until: date
    expected: tuple[FallsDue, ...]
    supposed: tuple[FallsDue, ...]
    moved: int
    refused: Mapping[str, int]

    @property
    def added(self) -> tuple[FallsDue, ...]:
        """What falls due only because of the suppositions."""
        return _without(self.supposed, self.expected)

    @property
    def removed(self) -> tuple[FallsDue, ...]:
        """What would have fallen due without them."""
        return _without(self.expected, self.supposed)


class _Case(NamedTuple):
    id: int
    unit_path: str
    workflow: str
    started_on: date


class _Act(NamedTuple):
    at: datetime
    day: date
    supposition: Supposition
    cases: tuple[_Case, ...]


def fast_forward(database: Database, engine: Engine, clock: FrozenClock, until: datetime) -> Ran:
    """Let time pass until `until`: the clock jumps to each instant at which the worker is needed, and it runs there."""
    total = Ran()
    while (wake := _next_wake(database)) is not None and wake <= until:
        if wake > clock.now():
            clock.move_to(wake)
        elif total.groups:
            # What is still due after a run is tried again an hour later, as a worker would.
            clock.move_to(min(clock.now() + _HOUR, until))
        total = total.plus(run_due(database, engine))
        if clock.now() >= until:
            break
    if clock.now() < until:
        clock.move_to(until)
    return total


def _next_wake(database: Database) -> datetime | None:
    with database.read() as tx:
        return next_wake_at(tx)


def what_if(
    database: Database,
    engine: Engine,
    suppositions: Sequence[Supposition],
    until: date,
    *,
    unit_paths: Sequence[str] = (),
) -> WhatIf:
    """Try `suppositions` on a copy of the caseload, and let time pass until the end of `until` with nobody else acting.

    The copy holds the rounds of the villages supposed about and of `unit_paths`; without either, every round.
    """
    today = legal_date(engine.clock.now())
    if not today <= until <= today + HORIZON:
        raise fault(InputError, "simulating.until", today=today, last=today + HORIZON, until=until)
    units = sorted({*unit_paths, *(path for each in suppositions for path in each.unit_paths)})
    expected, *_ = _tried(database, engine, (), until, units)
    supposed, moved, refused = _tried(database, engine, suppositions, until, units)
    return WhatIf(until, expected, supposed, moved, refused)


def _tried(
    database: Database, engine: Engine, suppositions: Sequence[Supposition], until: date, units: Sequence[str]
) -> tuple[tuple[FallsDue, ...], int, Mapping[str, int]]:
    copy = copy_caseload(database, units)
    try:
        clock = FrozenClock(engine.clock.now())
        trial = Engine(engine.library, engine.calendar_for, clock, CountingIds(_FIRST_ID), settings=engine.settings)
        with copy.read() as tx:
            acts = [act for each in suppositions for act in _acts(tx, trial, each)]
        moved, refused = 0, Counter[str]()
        for act in sorted(acts, key=lambda act: act.at):
            fast_forward(copy, trial, clock, max(act.at, clock.now()))
            with copy.begin() as tx:
                outcome = trial.fire_many(tx, _request(act, trial))
            moved += len(outcome.accepted)
            refused.update(refusal.code for refusal in outcome.refused)
        fast_forward(copy, trial, clock, max(end_of(until), clock.now()))
        with copy.read() as tx:
            return _falls_due(tx, legal_date(engine.clock.now()), until), moved, dict(refused)
    finally:
        copy.dispose()


def _acts(tx: Tx, engine: Engine, supposition: Supposition) -> list[_Act]:
    """Return the supposed acts, one for each village and day."""
    found: dict[tuple[str, date], list[_Case]] = {}
    taken: Counter[str] = Counter()
    for path in supposition.unit_paths:
        cases = _cases(tx, path, counted=supposition.working_day is not None)
        if not cases:
            raise fault(NotFoundError, "simulating.nothing", trigger=supposition.trigger, path=path)
        for case in cases:
            taken[case.unit_path] += 1
            if supposition.households is None or taken[case.unit_path] <= supposition.households:
                found.setdefault((case.unit_path, _day(engine, supposition, case)), []).append(case)
    return [
        _Act(start_of(day) + _OFFICE_HOURS_END * _HOUR, day, supposition, tuple(cases))
        for (_, day), cases in found.items()
    ]


def _cases(tx: Tx, path: str, *, counted: bool) -> list[_Case]:
    """Return the cases of a unit, each with the start of the term that runs for it (else of its round)."""
    case, d, opened = tx.tables.case, tx.tables.deadline, tx.tables.round
    source = case.join(opened, opened.c.id == case.c.round_id)
    if counted:
        source = source.join(d, (d.c.subject_id == case.c.id) & d.c.closed_on.is_(None) & (d.c.subject == "case"))
    start = d.c.started_on if counted else opened.c.started_on
    query = select(case.c.id, case.c.unit_path, case.c.workflow, start).select_from(source)
    rows = tx.select(query.where(*within_unit(case.c.unit_path, path)).order_by(case.c.id))
    return list({row[0]: _Case(row[0], row[1], row[2], row[3]) for row in rows}.values())


def _day(engine: Engine, supposition: Supposition, case: _Case) -> date:
    if supposition.on is not None:
        return supposition.on
    calendar = engine.calendar_for(legal_date(engine.clock.now()), case.unit_path)
    return calendar.add_working_days(case.started_on, supposition.working_day or 0)


def _request(act: _Act, engine: Engine) -> ActRequest:
    """Return the supposed act, done by somebody who holds every office."""
    supposition = act.supposition
    workflows = {case.workflow for case in act.cases}
    roles = {role for workflow in workflows for role in engine.library.compiled(workflow).workflow.roles}
    actor = Actor("what-if", everywhere=frozenset(roles))
    ids = tuple(case.id for case in act.cases)
    rows = dict.fromkeys(ids, supposition.row) if supposition.row else {}
    return ActRequest(supposition.trigger, ids, act.day, actor, body=supposition.body, rows=rows, mode=Mode.EACH)


def _falls_due(tx: Tx, first: date, last: date) -> tuple[FallsDue, ...]:
    d = tx.tables.deadline.c
    columns = (d.due_on, d.unit_path, d.workflow, d.rule, d.owner_role, d.owner_path, d.status, d.breached_at)
    rows = tx.select(select(*columns).where(d.due_on >= first, d.due_on <= last))
    counts: Counter[_Key] = Counter(
        (row[0], row[1], row[2], row[3], row[4], row[5], _outcome(row.status, row.breached_at)) for row in rows
    )
    return tuple(sorted(FallsDue(*key, count) for key, count in counts.items()))


def _outcome(status: str, breached_at: datetime | None) -> str:
    return "breached" if status == "open" and breached_at is not None else status


def _without(lines: Sequence[FallsDue], others: Sequence[FallsDue]) -> tuple[FallsDue, ...]:
    known = {_key(line): line.count for line in others}
    more = [(line, line.count - known.get(_key(line), 0)) for line in lines]
    return tuple(FallsDue(*_key(line), count) for line, count in more if count > 0)


def _key(line: FallsDue) -> _Key:
    return line.due_on, line.unit_path, line.workflow, line.rule, line.owner_role, line.owner_path, line.outcome
