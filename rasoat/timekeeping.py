"""What the legal clock can be asked and told: decisions, calendar changes, what-if, feeds. Part of `Rasoat`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from .deadlines.feeds import icalendar_text
from .deadlines.releases import library as releases_library
from .engine import ledger
from .engine import queries as questions
from .engine.feeding import deadline_entries
from .engine.proving import proof_of
from .engine.punctuality import By, Punctuality, punctuality
from .engine.recalendar import Recalendared, recalendar
from .engine.rounds import FixedDate, open_fixed
from .engine.simulating import Supposition, WhatIf, what_if
from .foundation.clock import legal_date
from .foundation.errors import NotFoundError
from .foundation.messages import fault
from .foundation.paths import level_of
from .persistence import rounds
from .persistence.ledger import deadlines_by_id
from .workflows.plans.outlooks import flag_lost, open_rounds, round_outlooks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from datetime import date

    from .deadlines.calendar import Calendar
    from .deadlines.proof import Proof
    from .deadlines.releases import Library
    from .engine.judging import Held
    from .engine.ledger import Order, Ruling
    from .engine.service import Engine
    from .foundation.clock import Clock
    from .foundation.messages import Language
    from .opening import HostConnection
    from .persistence.database import Database, Tx
    from .workflows.plans.model import MilestoneDeadline, Plan
    from .workflows.plans.outlooks import RoundOutlook

__all__ = ["DeadlineView", "Timekeeping"]


@dataclass(frozen=True, slots=True)
class DeadlineView:
    """A deadline with rule and ledger; what remains is in the term's own unit, None for a fixed or closed one."""

    held: Held
    remaining: int | None
    consumed: int | None

    def proof(self) -> Proof:
        """Return why the last day is that day, each day counted or skipped; of a resumed term, its last stretch.

        It is counted on the calendar on which the deadline rests. `InputError` for a fixed date, which is not counted,
        and for a term that stands still.
        """
        return proof_of(self.held)


class Timekeeping:
    """The legal clock of an engine's database."""

    database: Database
    queries: Database
    engine: Engine
    clock: Clock
    calendar_for: Callable[[date, str], Calendar]

    if TYPE_CHECKING:

        def transaction(self, connection: HostConnection | None = None) -> AbstractContextManager[Tx]:
            """Open a writing transaction, or join the host's."""
            ...

    def suspend(self, order: Order, *, connection: HostConnection | None = None) -> Ruling:
        """Stop terms: from the order's day on nothing is counted."""
        with self.transaction(connection) as tx:
            return ledger.suspend(tx, self.engine, order)

    def resume(self, order: Order, *, connection: HostConnection | None = None) -> Ruling:
        """Let suspended terms run on with the order's day."""
        with self.transaction(connection) as tx:
            return ledger.resume(tx, self.engine, order)

    def extend(self, order: Order, by: int, *, connection: HostConnection | None = None) -> Ruling:
        """Lengthen terms by `by` of their own unit, where their rule lets it be done."""
        with self.transaction(connection) as tx:
            return ledger.extend(tx, self.engine, order, by)

    def supersede(self, order: Order, due_on: date, *, connection: HostConnection | None = None) -> Ruling:
        """Put another day in the place of fixed dates."""
        with self.transaction(connection) as tx:
            return ledger.supersede(tx, self.engine, order, due_on)

    def cancel(self, order: Order, *, connection: HostConnection | None = None) -> Ruling:
        """End deadlines that should not run."""
        with self.transaction(connection) as tx:
            return ledger.cancel(tx, self.engine, order)

    def fulfil(self, order: Order, *, connection: HostConnection | None = None) -> Ruling:
        """Record that fixed dates of a round were met."""
        with self.transaction(connection) as tx:
            return ledger.fulfil(tx, self.engine, order)

    def deadline(self, deadline_id: int) -> DeadlineView:
        """Return a deadline with its ledger and what is left of it; `NotFoundError` if there is none."""
        with self.queries.read() as tx:
            rows = deadlines_by_id(tx, [deadline_id])
            if not rows:
                raise fault(NotFoundError, "found.no_deadline", deadline_id=deadline_id)
            (held,) = ledger.held(tx, self.engine, rows)
        running, today = held.running, legal_date(self.clock.now())
        if running is None or held.row.closed_on is not None:
            return DeadlineView(held, None, None)
        return DeadlineView(held, running.remaining(today, held.calendar), running.consumed(today, held.calendar))

    def open_milestones(self, round_code: str, plan: Plan, *, connection: HostConnection | None = None) -> int:
        """Open the dates that a campaign plan sets for the level of a round's unit; return how many were new.

        Those of the villages belong to their commune's round. `DefinitionError` while the plan has a faulty date.
        """
        with self.transaction(connection) as tx:
            opened = _opened(tx, round_code)
            roles = self.engine.library.compiled(opened.workflow).workflow
            desk = roles.initial.desk or next(iter(roles.roles))
            return open_fixed(tx, self.engine, opened, _dates(plan, opened, desk))

    def outlooks(self, round_code: str | None = None) -> list[RoundOutlook]:
        """Return how a round stands against each date its last case must meet; None: of every round that runs.

        A procedure whose rounds have no season to make (the monthly reviews) has none. `NotFoundError` if there is no
        such round.
        """
        with self.queries.read() as tx:
            ids = open_rounds(tx) if round_code is None else [_opened(tx, round_code).id]
            return [each for round_id in ids for each in round_outlooks(tx, self.engine, round_id)]

    def flag_lost(self, *, stop: Callable[[], bool] = lambda: False) -> int:
        """Tell of the rounds that can't make their season any more, each once; return how many were new."""
        with self.database.read() as tx:
            ids = open_rounds(tx)
        return flag_lost(self.database, self.engine, ids, stop=stop)

    def agenda(
        self, *, working_days: int = 3, unit_path: str | None = None, only: questions.Only | None = None
    ) -> list[questions.DueLine]:
        """Return what is overdue, due today and due within the next working days."""
        today = legal_date(self.clock.now())
        calendar = partial(self.calendar_for, today)
        with self.queries.read() as tx:
            return questions.agenda(
                tx, today, calendar, working_days=working_days, unit_path=unit_path, only=only or questions.Only()
            )

    def punctuality(
        self,
        *,
        by: By = By.COMMUNE,
        since: date | None = None,
        through: date | None = None,
        unit_path: str | None = None,
        only: questions.Only | None = None,
    ) -> list[Punctuality]:
        """Return on-time rates and days late by unit and step, of terms whose last day lies in a period."""
        today = legal_date(self.clock.now())
        calendar = partial(self.calendar_for, today)
        with self.queries.read() as tx:
            return punctuality(tx, today, calendar, by=by, since=since, through=through, unit_path=unit_path, only=only)

    def recalendar(
        self, *, library: Library | None = None, unit_path: str | None = None, dry_run: bool = False
    ) -> Recalendared:
        """Move the open deadlines that the calendar as known now puts elsewhere; `dry_run` only says which."""
        known = library or releases_library()
        return recalendar(self.database, self.engine, known, unit_path=unit_path, dry_run=dry_run)

    def what_if(self, suppositions: Sequence[Supposition], until: date, *, unit_paths: Sequence[str] = ()) -> WhatIf:
        """Say what falls due when, and on whose desk, if something happened; nothing is changed."""
        return what_if(self.queries, self.engine, suppositions, until, unit_paths=unit_paths)

    def desk_feed(self, role: str, unit_path: str, language: Language = "vi") -> str:
        """Return an iCalendar feed of the open deadlines that lie on the desk of `role` in a unit or below it."""
        with self.queries.read() as tx:
            entries = deadline_entries(tx, self.engine, role, unit_path, language)
        return icalendar_text(f"{role} {unit_path}", entries, self.clock.now())


def _opened(tx: Tx, code: str) -> rounds.RoundRow:
    found = rounds.round_by_code(tx, code)
    if found is None:
        raise fault(NotFoundError, "found.no_round", code=code)
    return found


def _dates(plan: Plan, opened: rounds.RoundRow, desk: str) -> list[FixedDate]:
    # Districts ended on 30/06/2025; a path of three parts is a commune with one, of two a commune without.
    level = level_of(opened.unit_path, districts=plan.year < _WITHOUT_DISTRICTS)
    wanted = {level, "village"} if level == "commune" else {level}
    dates: dict[str, FixedDate] = {}
    for stone in plan.milestone_deadlines():
        if stone.level in wanted:
            fixed = _date(stone, opened, desk)
            dates.setdefault(fixed.rule, fixed)
    return list(dates.values())


_WITHOUT_DISTRICTS = 2025


def _date(stone: MilestoneDeadline, opened: rounds.RoundRow, desk: str) -> FixedDate:
    _, key, place, _ = stone.key.rsplit("/", 3)
    return FixedDate(
        rule=f"{key}.{place}",
        label=stone.label,
        due_on=stone.due_on,
        owner_role=desk,
        owner_path=opened.unit_path,
        opens_on=min(stone.opens_on or opened.started_on, stone.due_on),
        article=stone.article or "",
        source=stone.plan,
        ends_round=stone.act in {"recognition", "season"},
    )
