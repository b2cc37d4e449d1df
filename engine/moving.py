"""A migration carried out: batch by batch, each in a transaction of its own, told from the cases alone.

A case that was moved carries the new definition, so a run that was cut short is finished by running it again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from ..foundation.clock import legal_date
from ..foundation.errors import DefinitionError, InputError
from ..foundation.messages import fault, joined, located, text
from ..foundation.paths import at_level
from ..persistence import deadlines as deadline_rows
from ..persistence import moves
from ..persistence.cases import load, lock
from ..persistence.ledger import entries_of
from ..persistence.rounds import rounds
from .definition import StateKind
from .migrating import Begun, Blocked, CaseMove, Ended, MigrationPlan, Situation, check_plan, move_of
from .queries import within_unit
from .rehoming import write_moves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date

    from ..persistence.cases import CaseRow
    from ..persistence.database import Database, Tx
    from ..persistence.deadlines import DeadlineRow
    from ..persistence.rounds import RoundRow
    from .migrating import DeadlineMove
    from .service import Engine

__all__ = ["DeadlineLine", "Migration", "MigrationReport", "Scope", "untold"]

log = structlog.get_logger("rasoat.migration")
_BATCH = 500
_BY_HAND = {"suspended", "resumed", "extended"}


def untold(_: int) -> None:
    """Tell nobody how far a long command has come."""


class Scope(NamedTuple):
    """Which cases: of one round, of one unit, or all."""

    round_id: int | None = None
    unit_path: str | None = None


class DeadlineLine(NamedTuple):
    """What becomes of one village's terms under one rule: whose they were and are, their last day before and after."""

    unit_path: str
    rule: str
    how: str
    owner_from: tuple[str, str] | None
    owner_to: tuple[str, str] | None
    due_from: date | None
    due_to: date | None


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What a migration does, or did: cases by where they go, terms by what becomes of them, what is blocked and why."""

    plan: MigrationPlan
    written: bool
    states: Mapping[tuple[str, str], int]
    deadlines: Mapping[DeadlineLine, int]
    rounds: Mapping[str, tuple[str, str]]
    blocked: tuple[Blocked, ...]
    finished: int = 0
    stopped_short: bool = False

    @property
    def moved(self) -> int:
        """How many cases move."""
        return sum(self.states.values())


@dataclass(slots=True)
class _Tally:
    """A report while it is being gathered."""

    plan: MigrationPlan
    written: bool
    states: Counter[tuple[str, str]] = field(default_factory=Counter)
    deadlines: Counter[DeadlineLine] = field(default_factory=Counter)
    rounds: dict[str, tuple[str, str]] = field(default_factory=dict)
    blocked: list[Blocked] = field(default_factory=list)

    def report(self, *, finished: int = 0, stopped_short: bool = False) -> MigrationReport:
        """Return what was gathered."""
        return MigrationReport(
            self.plan, self.written, dict(self.states), dict(self.deadlines), dict(self.rounds), tuple(self.blocked),
            finished, stopped_short,
        )  # fmt: skip


class Migration:
    """One plan with its questions answered (`settled`), over the cases of one scope."""

    def __init__(self, database: Database, engine: Engine, plan: MigrationPlan, scope: Scope = Scope()) -> None:  # noqa: B008  an immutable value
        self.database = database
        self.engine = engine
        self.plan = plan
        self.scope = scope
        self.old = engine.library.compiled(plan.source).workflow
        self.new = engine.library.compiled(plan.target).workflow
        faults = check_plan(plan, self.old, self.new)
        if faults:
            raise located(text("migrating.faulty", plan=plan.key), joined(faults), DefinitionError)

    def dry_run(self, *, progress: Callable[[int], object] = untold) -> MigrationReport:
        """Judge every case and write nothing; `progress` is told how many were judged."""
        tally, seen = _Tally(self.plan, written=False), 0
        with self.database.read() as tx:
            for ids in self._pages(tx):
                self._judge(tx, load(tx, ids), tally)
                seen += len(ids)
                progress(seen)
            return tally.report(finished=self._finished(tx))

    def apply(
        self,
        actor: str,
        *,
        batch: int = _BATCH,
        max_batches: int | None = None,
        progress: Callable[[int], object] = untold,
    ) -> MigrationReport:
        """Move every case that can be moved, in batches of whole villages; run again after a crash to move the rest.

        A batch ends with the village that fills it: what a village's meeting or posting asks of all its households
        must find them in one place. `InputError` before the plan's day. Blocked cases stay and are told in the report.
        `progress` is told after each batch how many cases were looked at.
        """
        self._require_day()
        tally = _Tally(self.plan, written=True)
        after, done, seen = ("", 0), 0, 0
        while max_batches is None or done < max_batches:
            with self.database.begin() as tx:
                page = self._page(tx, after, batch)
                if not page:
                    return tally.report(finished=self._finished(tx))
                self._batch(tx, [case_id for _, case_id in page], actor, tally)
            after, done, seen = page[-1], done + 1, seen + len(page)
            progress(seen)
        return tally.report(stopped_short=True)

    def _require_day(self) -> None:
        today = legal_date(self.engine.clock.now())
        if today < self.plan.on:
            raise fault(InputError, "migrating.not_yet", plan=self.plan.key, on=self.plan.on, today=today)

    def _batch(self, tx: Tx, ids: Sequence[int], actor: str, tally: _Tally) -> None:
        cases = [case for case in lock(tx, ids) if self._runs(case)]
        places = rounds(tx, sorted({case.round_id for case in cases}))
        for place in places.values():
            self._move_round(tx, place, tally)
        found = self._judge(tx, cases, tally)
        if found:
            write_moves(tx, self.engine, self.plan, (self.old, self.new), found, actor)
        log.info("cases_migrated", plan=self.plan.key, moved=len(found), seen=len(cases))

    def _runs(self, case: CaseRow) -> bool:
        """Whether a case is still the plan's business now that it is locked."""
        return case.workflow == self.old.id and self.old.state(case.state).kind is not StateKind.END

    def _judge(self, tx: Tx, cases: Sequence[CaseRow], tally: _Tally) -> list[CaseMove]:
        open_rows = deadline_rows.open_of(tx, [case.id for case in cases])
        ledgers = entries_of(tx, [row.id for rows in open_rows.values() for row in rows])
        by_hand = frozenset(i for i, lines in ledgers.items() if any(line.kind in _BY_HAND for line in lines))
        places = rounds(tx, sorted({case.round_id for case in cases}))
        found: list[CaseMove | Blocked] = []
        for case in cases:
            place = places[case.round_id]
            if not tally.written:
                self._tell_round(place, tally)
            found.append(move_of(self.plan, case, self._situation(case, place, open_rows, by_hand)))
        moving, blocked = _by_village(cases, found)
        tally.blocked += blocked
        for move in moving:
            tally.states[move.case.state, move.state] += 1
            tally.deadlines.update(_line(move.case, term) for term in move.deadlines)
        return moving

    def _situation(
        self, case: CaseRow, place: RoundRow, rows: Mapping[int, tuple[DeadlineRow, ...]], by_hand: frozenset[int]
    ) -> Situation:
        now = self.engine.clock.now()
        calendar = self.engine.calendar_for(legal_date(now), at_level(case.unit_path, "commune"))
        days = {"started_on": place.started_on} | ({"ends_on": place.ends_on} if place.ends_on else {})
        return Situation(self.old, self.new, rows.get(case.id, ()), by_hand, days, calendar, now)

    def _tell_round(self, place: RoundRow, tally: _Tally) -> str:
        path = self.plan.units.path(place.unit_path, "commune")
        if place.workflow == self.old.id:
            tally.rounds[place.code] = (place.unit_path, path)
        return path

    def _move_round(self, tx: Tx, place: RoundRow, tally: _Tally) -> None:
        """Let the round itself go on under the new definition; later households open there."""
        if place.workflow != self.old.id:
            return
        path = self._tell_round(place, tally)
        moves.move_round(tx, place, self.new.id, path)
        moves.move_settings(tx, (self.old.id, self.new.id), lambda unit: self._setting_path(unit, place.unit_path))
        if path != place.unit_path:
            self._move_units(tx, place.unit_path)
            moves.move_households(tx, place.unit_path, path, self.plan.units.villages(place.unit_path))

    def _move_units(self, tx: Tx, commune: str) -> None:
        units = self.plan.units

        def path_of(unit: str) -> str:
            return units.path(unit, "commune" if unit == commune else "village")

        kind = "merged" if units.merges(commune) else "recoded"
        moves.move_units(tx, commune, path_of, self.plan.on, self.plan.document, kind=kind)

    def _setting_path(self, unit: str, commune: str) -> str | None:
        """Return where a setting of `unit` holds from now on: everywhere, in the province, in this commune."""
        if not unit or unit == _province(commune):
            return unit
        if unit == commune:
            return self.plan.units.path(unit, "commune")
        return self.plan.units.path(unit, "village") if unit.startswith(commune + "/") else None

    def _pages(self, tx: Tx) -> Iterator[list[int]]:
        after = ("", 0)
        while page := self._page(tx, after, _BATCH):
            yield [case_id for _, case_id in page]
            after = page[-1]

    def _page(self, tx: Tx, after: tuple[str, int], limit: int) -> list[tuple[str, int]]:
        """Return the next cases, `limit` and whatever else belongs to the village of the last."""
        ends, inside = self._ends(), self._inside(tx)
        page = moves.cases_under(tx, self.old.id, ends, inside=inside, after=after, limit=limit)
        if len(page) == limit:
            village = [*inside, tx.tables.case.c.unit_path == page[-1][0]]
            page += moves.cases_under(tx, self.old.id, ends, inside=village, after=page[-1])
        return page

    def _finished(self, tx: Tx) -> int:
        return moves.count_in_states(tx, self.old.id, self._ends(), inside=self._inside(tx))

    def _ends(self) -> list[str]:
        return [state.key for state in self.old.states.values() if state.kind is StateKind.END]

    def _inside(self, tx: Tx) -> list[Any]:
        case = tx.tables.case.c
        of_round = [case.round_id == self.scope.round_id] if self.scope.round_id is not None else []
        return [*of_round, *within_unit(case.unit_path, self.scope.unit_path)]


def _by_village(cases: Sequence[CaseRow], found: Sequence[CaseMove | Blocked]) -> tuple[list[CaseMove], list[Blocked]]:
    """Let a village's cases of one round go together: where one is blocked, the others wait for it."""
    holding: dict[tuple[int, str], int] = {}
    for case, answer in zip(cases, found, strict=True):
        if isinstance(answer, Blocked):
            holding.setdefault((case.round_id, case.unit_path), case.id)
    moving: list[CaseMove] = []
    blocked: list[Blocked] = []
    for case, answer in zip(cases, found, strict=True):
        held_by = holding.get((case.round_id, case.unit_path))
        if isinstance(answer, Blocked):
            blocked.append(answer)
        elif held_by is not None:
            blocked.append(Blocked(case.id, "village", {"unit": case.unit_path, "case": held_by}))
        else:
            moving.append(answer)
    return moving, blocked


def _line(case: CaseRow, move: DeadlineMove) -> DeadlineLine:
    before = move.before if isinstance(move, Begun) else move.row
    after = None if isinstance(move, Ended) else move
    return DeadlineLine(
        case.unit_path,
        after.rule.key if after else before.rule if before else "",
        move.how,
        (before.owner_role, before.owner_path) if before else None,
        (after.rule.owner, after.owner_path) if after else None,
        before.due_on if before else None,
        after.due.due_on if after else None,
    )


def _province(path: str) -> str:
    """Return the province's part of any path."""
    return path.split("/", maxsplit=1)[0]
