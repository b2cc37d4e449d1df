"""A case rebuilt from its record: what is on record is retraced, what is asked anew is decided by the real `decide`.

What later events took back does not count (`in_force`). Pure: rows in, rows out; a history that is corrected, asked
about as of a past day, or rehearsed under other rules goes through here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ..foundation.clock import end_of, legal_date
from ..foundation.errors import IntegrityError
from ..foundation.messages import fault
from ..persistence.canonical import canonical_json
from ..persistence.cases import CaseRow
from .deciding import decide, follow
from .terms import Computed, closing, compute, is_provisional, opened_row, rules_closed, rules_opened, start_day
from .values import SYSTEM, Actor, ActRequest
from .views import Context

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..deadlines.calendar import Calendar
    from ..persistence.deadlines import DeadlineRow
    from ..persistence.events import ActRow, EventRow
    from .deciding import Decision, Step
    from .definition import DeadlineRule, Transition, Workflow
    from .machine import CompiledWorkflow

__all__ = ["MOVING", "STEPS", "Line", "Recorded", "Track", "World", "in_force", "lines_of", "origin_of", "retrace"]

STEPS = frozenset({"step", "restated"})
MOVING = frozenset({"opened", "migration", "moved"}) | STEPS
"""The kinds of events that say where a case stands; all others are facts about its terms."""

_ON_RECORD_ONLY = {"certificate"}


class World(Protocol):
    """What surrounds a case while it is rebuilt."""

    def compiled(self, workflow_id: str) -> CompiledWorkflow:
        """Return a definition."""
        ...

    def calendar(self, known_on: date, unit_path: str) -> Calendar:
        """Return the calendar of a unit as it was known on a day."""
        ...

    def settings(self, workflow_id: str, unit_path: str) -> Mapping[str, Any]:
        """Return the settings in force."""
        ...

    def round_days(self, round_id: int) -> Mapping[str, date]:
        """Return the days of a round (``started_on``, ``ends_on``)."""
        ...

    def term(self, case: CaseRow, rule: DeadlineRule, start: date) -> DeadlineRow | None:
        """Return the term on record that began on `start` under `rule`, to be taken over; None: count it anew."""
        ...


class Line(NamedTuple):
    """One event that counts, and the act behind it."""

    event: EventRow
    act: ActRow | None

    @property
    def row(self) -> dict[str, Any]:
        """The household's own part of the act."""
        own: dict[str, Any] = json.loads(self.event.payload) if self.event.payload else {}
        return {key: value for key, value in own.items() if key not in _ON_RECORD_ONLY}

    @property
    def certificate(self) -> str | None:
        """The number of the certificate that was given with it."""
        return json.loads(self.event.payload).get("certificate") if self.event.payload else None

    def request(self, workflow: Workflow) -> ActRequest:
        """Return the act as it was asked for. Who might do it was judged when it was entered."""
        event, act = self.event, self.act
        body = json.loads(act.body) if act else {}
        document = act.document if act else None
        who = _actor_on_record(workflow, event, act)
        rows = {event.case_id: self.row}
        return ActRequest(event.trigger, (event.case_id,), event.occurred_on, who, body, rows, document)


class Recorded(NamedTuple):
    """A step of a rebuilt case: its arrow, its act, the line it stands for (None: a term that ran out), its number.

    `breached` are the terms whose breach the step brings to light.
    """

    step: Step
    request: ActRequest
    line: Line | None
    seq: int
    breached: tuple[DeadlineRow, ...]


def in_force(events: Sequence[EventRow], known_at: datetime | None = None) -> list[EventRow]:
    """Return the events that say where one case stands, as known at an instant (None: now), oldest first.

    A ``correction`` takes back every step from its ``from_seq`` on; what it lets stand it states again. Where a case
    lies (``moved``) is not taken back.
    """
    kept: list[EventRow] = []
    for event in events:
        if known_at is not None and event.recorded_at > known_at:
            continue
        if event.kind == "correction":
            first = json.loads(event.payload)["from_seq"]
            kept = [each for each in kept if each.seq < first or each.kind == "moved"]
        elif event.kind in MOVING:
            kept.append(event)
    return kept


def lines_of(events: Sequence[EventRow], acts: Mapping[int, ActRow]) -> list[Line]:
    """Return events with the acts behind them."""
    return [Line(event, None if event.act_id is None else acts[event.act_id]) for event in events]


def origin_of(case: CaseRow, events: Sequence[EventRow], known_at: datetime | None = None) -> CaseRow:
    """Return a case as it was opened: under its first definition, in its first place, with what it brought.

    What it brought is what the latest correction of its opening says, as known at an instant (None: now).
    """
    opened = events[0]
    if opened.kind != "opened":
        raise fault(IntegrityError, "record.first_event", case=case.id, kind=opened.kind)
    facts = _brought(events, known_at)
    class_before = facts.pop("class_before")
    workflow, path = case.workflow, case.unit_path
    for event in reversed(events):
        said = json.loads(event.payload) if event.kind in {"migration", "moved"} else {}
        workflow, path = said.get("from", workflow), said.get("unit_from", path)
    return CaseRow(
        case.id, case.round_id, case.household_id, path, workflow, opened.to_state,
        opened.seq, opened.occurred_on, class_before, None, canonical_json(facts).decode(), opened.hash,
    )  # fmt: skip


def _brought(events: Sequence[EventRow], known_at: datetime | None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(events[0].payload)
    for event in events:
        if event.kind == "correction" and (known_at is None or event.recorded_at <= known_at):
            found = json.loads(event.payload).get("opening", found)
    return found


@dataclass(slots=True)
class Track:
    """A case on its way through its history; `done` are its steps, `ended` the terms that are over."""

    world: World
    case: CaseRow
    running: list[DeadlineRow] = field(default_factory=list)
    ended: list[DeadlineRow] = field(default_factory=list)
    done: list[Recorded] = field(default_factory=list)

    @property
    def workflow(self) -> Workflow:
        """The definition under which the case stands now."""
        return self.world.compiled(self.case.workflow).workflow

    @property
    def terms(self) -> list[DeadlineRow]:
        """Every term of the case, over or running."""
        return [*self.ended, *self.running]

    def retrace(self, line: Line) -> None:
        """Let an event on record have its effect; nothing is judged."""
        event = line.event
        if event.kind in STEPS:
            request = line.request(self.workflow)
            context = self.context(request, event.recorded_at)
            compiled = self.world.compiled(self.case.workflow)
            step = follow(compiled, self.case, _arrow(self.workflow, event), request, context)
            self._go(step, request, context, line, event.seq)
        elif event.kind == "moved":
            self.case = self.case._replace(unit_path=json.loads(event.payload)["unit_to"], seq=event.seq)
        elif event.kind == "migration":
            self._migrate(event)

    def ask(self, request: ActRequest, now: datetime) -> Decision:
        """Decide an act for this case as it stands; how other cases stand is not asked here."""
        compiled = self.world.compiled(self.case.workflow)
        return decide(compiled, [self.case], request, self.context(request, now))

    def take(self, step: Step, request: ActRequest, now: datetime, line: Line | None) -> None:
        """Make a step that was decided; breaches that it brings to light take numbers before it."""
        self._go(step, request, self.context(request, now), line, None)

    def run_out(self, now: datetime, before: date | None = None) -> None:
        """Let terms that close by themselves do so: those over at `now`, and over before the day `before` began."""
        while (row := self._over(now, before)) is not None:
            rule = self.workflow.deadline(row.rule)
            request = ActRequest(rule.on_expiry, (self.case.id,), row.due_on, SYSTEM)
            at = max(now, row.due_at)
            decision = self.ask(request, at)
            if decision.refused:
                return
            self.take(decision.accepted[0], request, at, None)

    def context(self, request: ActRequest, now: datetime) -> Context:
        """Return what a decision needs beside the case: as it was at `now`."""
        case, compiled = self.case, self.world.compiled(self.case.workflow)
        today = legal_date(now)
        # How late something was entered is no question of what was lawful on its day.
        settings = {**self.world.settings(case.workflow, case.unit_path), "back_dating_days": None}
        return Context(
            now=now,
            today=today,
            calendar=self.world.calendar(today, case.unit_path),
            settings=settings,
            deadlines={case.id: tuple(self.running)},
            round_days={case.round_id: self.world.round_days(case.round_id)},
            census_level=compiled.census_levels.get(request.trigger, ""),
        )

    def _over(self, now: datetime, before: date | None) -> DeadlineRow | None:
        for row in self.running:
            if row.status != "open" or not self.workflow.deadline(row.rule).on_expiry or row.due_at > now:
                continue
            if before is None or row.due_on < before:
                return row
        return None

    def _go(self, step: Step, request: ActRequest, context: Context, line: Line | None, seq: int | None) -> None:
        workflow, day = self.workflow, request.occurred_on
        over = rules_closed(workflow, self.case.state, step.transition.target)
        before = [row for row in self.running if row.rule in over]
        closed = tuple(_ended(workflow, row, step, day, context.now) for row in before)
        breached = tuple(new for old, new in zip(before, closed, strict=True) if new.breached_at != old.breached_at)
        number = self.case.seq + len(breached) + 1 if seq is None else seq
        opened = tuple(
            self._term(rule, step, context, day, number)
            for rule in rules_opened(workflow, self.case.state, step.transition.target)
        )
        self.done.append(Recorded(step, request, line, number, breached))
        self.running = [*(row for row in self.running if row not in before), *opened]
        self.ended += closed
        self.case = self.case._replace(
            state=step.transition.target,
            seq=number,
            last_on=step.last_on(day),
            class_after=step.class_after,
            facts=step.facts_text,
        )

    def _term(self, rule: DeadlineRule, step: Step, context: Context, day: date, seq: int) -> DeadlineRow:
        start = start_day(rule, step, context, day)
        known = self.world.term(self.case, rule, start)
        if known is not None:
            return known
        due = compute(rule, start, context.calendar)
        return opened_row(0, rule, self.workflow, self.case, start, due, context.calendar.key, seq)

    def _migrate(self, event: EventRow) -> None:
        said = json.loads(event.payload)
        self.case = self.case._replace(
            workflow=said["to"],
            unit_path=said["unit_to"],
            state=event.to_state,
            seq=event.seq,
            last_on=max(event.occurred_on, self.case.last_on),
        )
        for term in said["deadlines"]:
            self._migrate_term(event, term)

    def _migrate_term(self, event: EventRow, said: Mapping[str, Any]) -> None:
        row = next((row for row in self.running if row.rule == said["rule"]), None)
        if row is not None:
            self.running.remove(row)
        if said["how"] in {"ended", "restart"} and row is not None:
            status = "cancelled" if said["how"] == "ended" else "superseded"
            self.ended.append(row._replace(status=status, closed_on=event.occurred_on, next_at=None, cause="migration"))
        if said["how"] == "ended":
            return
        self.running.append(self._migrated_term(event, said, row))

    def _migrated_term(self, event: EventRow, said: Mapping[str, Any], row: DeadlineRow | None) -> DeadlineRow:
        rule, due_on = self.workflow.deadline(said["rule"]), date.fromisoformat(said["due_to"])
        start = self._begun(rule, event)
        if row is None or said["how"] == "restart":
            row = self.world.term(self.case, rule, start)
        if row is None:
            calendar = self.world.calendar(legal_date(event.recorded_at), self.case.unit_path)
            due = Computed(due_on, end_of(due_on), None, is_provisional(rule, start, due_on, calendar))
            row = opened_row(0, rule, self.workflow, self.case, start, due, calendar.key, event.seq)
        role, _, path = said["owner_to"].partition("@")
        owned = row._replace(
            workflow=self.case.workflow, unit_path=self.case.unit_path, owner_role=role, owner_path=path
        )
        # A term taken over from the store is already what the migration made of it.
        return owned if row.id else owned._replace(due_on=due_on, due_at=end_of(due_on))

    def _begun(self, rule: DeadlineRule, event: EventRow) -> date:
        """Return the day from which a term counts that began with a migration."""
        fact = json.loads(self.case.facts).get(rule.counts_from)
        if fact is not None:
            return date.fromisoformat(fact)
        return self.world.round_days(self.case.round_id).get(rule.counts_from, event.occurred_on)


def retrace(
    world: World, case: CaseRow, events: Sequence[EventRow], lines: Sequence[Line], known_at: datetime | None = None
) -> Track:
    """Return a case as `lines` (events that count, the opening first) leave it, as known at an instant (None: now)."""
    track = Track(world, origin_of(case, events, known_at))
    for line in lines[1:]:
        track.retrace(line)
    return track


def _actor_on_record(workflow: Workflow, event: EventRow, act: ActRow | None) -> Actor:
    """Return the actor of a recorded act with every office that may do it; the system for a term that ran out."""
    trigger = workflow.triggers.get(event.trigger)
    if trigger is None or trigger.is_timer or act is None:
        return SYSTEM
    return Actor(act.actor, (), act.on_behalf_of, frozenset(trigger.roles))


def _ended(workflow: Workflow, row: DeadlineRow, step: Step, day: date, now: datetime) -> DeadlineRow:
    end = closing(workflow.deadline(row.rule), row, step, day, now)
    return row._replace(
        status=end.status, closed_on=end.closed_on, breached_at=end.breached_at, cause=end.cause, next_at=None
    )


def _arrow(workflow: Workflow, event: EventRow) -> Transition:
    for transition in workflow.leaving(event.from_state, event.trigger):
        if transition.target == event.to_state:
            return transition
    raise fault(
        IntegrityError,
        "record.no_arrow",
        case_id=event.case_id,
        seq=event.seq,
        workflow=workflow.id,
        trigger=event.trigger,
        from_state=event.from_state,
        to_state=event.to_state,
    )
