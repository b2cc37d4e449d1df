"""Recorded cases under another definition, calendar or setting: what would have differed. Nothing is written.

The acts that count are decided again, in the order in which they were entered, by the same `decide`; terms that
close by themselves run out on the days the rehearsed calendar gives them. A corrected act is replayed as corrected, in
the place of the one it stands for; a case that was moved or recoded lies where it lay then. A case that was migrated is
replayed from its beginning under the one definition that is asked for, or under the one it has now.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ..foundation.clock import legal_date, start_of
from ..foundation.messages import Text, text
from ..foundation.paths import at_level
from ..persistence.cases import CaseRow, load
from ..persistence.deadlines import of_subjects
from ..persistence.events import acts, history
from ..persistence.rounds import rounds
from .checking.simulating import Simulated, World
from .definition import DeadlineKind
from .moving import untold
from .replaying import MOVING, STEPS, in_force, origin_of
from .terms import closing, rules_closed
from .values import SYSTEM, Actor, ActRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime

    from ..deadlines.calendar import Calendar
    from ..persistence.database import Tx
    from ..persistence.deadlines import DeadlineRow
    from ..persistence.events import ActRow, EventRow
    from .deciding import Step
    from .machine import CompiledWorkflow
    from .service import Engine

__all__ = ["Difference", "Rehearsal", "Under", "rehearse"]

_REPLAYED = MOVING | {"breach", "deadline", "correction"}
_OVER = {"met", "met_late", "cancelled"}


class Under(NamedTuple):
    """What the rehearsal takes instead of what was in force: a definition, a calendar, settings. None: as recorded."""

    workflow: str | None = None
    calendar: Calendar | None = None
    settings: Mapping[str, Any] | None = None


class Difference(NamedTuple):
    """One thing that would have been otherwise.

    `kind` is ``state`` (another step), ``refused`` (not accepted), ``due`` (another last day), ``owner``
    (another desk), ``outcome`` (in time or late), ``term`` (a term that only one of the two has).
    """

    case_id: int
    kind: str
    what: str
    recorded: str
    rehearsed: str


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The answer: how many cases were replayed, what differed, and which could not be replayed and why."""

    cases: int
    differences: tuple[Difference, ...]
    left_out: Mapping[int, Text]

    @property
    def unchanged(self) -> int:
        """How many cases would have gone exactly as they went."""
        return self.cases - len({d.case_id for d in self.differences})

    def summary(self) -> Counter[tuple[str, str, str, str]]:
        """Count the differences by kind, subject, what was recorded and what was rehearsed."""
        return Counter(tuple(d[1:]) for d in self.differences)  # type: ignore[misc]  # the last four fields of five


def rehearse(
    tx: Tx, engine: Engine, case_ids: Sequence[int], under: Under, progress: Callable[[int], object] = untold
) -> Rehearsal:
    """Replay the recorded acts of cases (a whole round, so that barriers are judged as they were).

    `progress` is told how many acts were replayed.
    """
    found: list[Difference] = []
    left_out: dict[int, Text] = {}
    stage = _Stage(tx, engine, under)
    by_case: dict[int, list[EventRow]] = defaultdict(list)
    for event in history(tx, case_ids):
        by_case[event.case_id].append(event)
    for case in load(tx, case_ids):
        why = _obstacle(by_case[case.id])
        if why is None:
            stage.enter(case, by_case[case.id])
        else:
            left_out[case.id] = why
    stage.play({i: by_case[i] for i in stage.players}, found, progress)
    _compare(stage, of_subjects(tx, list(stage.players)), found)
    return Rehearsal(len(stage.players), tuple(found), left_out)


def _obstacle(events: Sequence[EventRow]) -> Text | None:
    """Return why a case cannot be replayed: it was put back to another step, which no act of anybody did."""
    for event in events:
        if event.kind not in _REPLAYED:
            return text("migration.left_out.unknown", kind=event.kind)
        if event.kind == "migration" and event.from_state != event.to_state:
            return text("migration.left_out.put_back", plan=event.trigger, old=event.from_state, new=event.to_state)
    return None


def _entered(by_case: Mapping[int, Sequence[EventRow]], known: Mapping[int, ActRow]) -> dict[int, datetime]:
    """Return the instant at which each act is replayed: its entry, for a correcting act that of the one it corrects."""
    found = {act_id: act.recorded_at for act_id, act in known.items()}
    for events in by_case.values():
        numbered = {event.seq: event for event in events}
        for event in events:
            if event.kind != "correction":
                continue
            wrong = numbered[json.loads(event.payload)["from_seq"]]
            instant = found.get(wrong.act_id or 0, wrong.recorded_at)
            anew = (e.act_id for e in events if e.kind == "restated" and e.recorded_at == event.recorded_at)
            for act_id in anew:
                if act_id is not None and known[act_id].recorded_at == event.recorded_at:
                    found[act_id] = instant
    return {i: max(instant, start_of(known[i].occurred_on)) for i, instant in found.items()}


@dataclass(slots=True)
class _Player:
    """One rehearsed case: where it stands, every term it ever had, and how those that ended did."""

    now: Simulated
    compiled: CompiledWorkflow
    terms: list[DeadlineRow] = field(default_factory=list)
    outcomes: dict[int, str] = field(default_factory=dict)
    diverged: bool = False


class _Stage:
    def __init__(self, tx: Tx, engine: Engine, under: Under) -> None:
        self.tx = tx
        self.engine = engine
        self.under = under
        self.players: dict[int, _Player] = {}
        self._settings: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._days: dict[int, Mapping[str, date]] = {}

    def enter(self, case: CaseRow, events: Sequence[EventRow]) -> None:
        """Put a case back to where it was opened."""
        compiled = self.engine.library.compiled(self.under.workflow or case.workflow)
        start = origin_of(case, events)._replace(workflow=compiled.workflow.id, state=compiled.workflow.initial.key)
        self.players[case.id] = _Player(Simulated(start), compiled)

    def play(
        self, by_case: Mapping[int, Sequence[EventRow]], found: list[Difference], progress: Callable[[int], object]
    ) -> None:
        """Let every act that counts happen again, in the order of entry; terms run out by themselves in between."""
        recorded: dict[int, list[EventRow]] = defaultdict(list)
        moves: list[EventRow] = []
        for events in by_case.values():
            for event in in_force(events):
                if event.kind in STEPS and event.act_id is not None:
                    recorded[event.act_id].append(event)
                elif event.kind in {"moved", "migration"}:
                    moves.append(event)
        known = acts(self.tx, sorted({e.act_id for events in by_case.values() for e in events if e.act_id is not None}))
        entered = _entered(by_case, known)
        moves.sort(key=lambda event: event.recorded_at, reverse=True)
        in_order = sorted((known[i] for i in recorded), key=lambda act: (entered[act.id], act.id))
        for done, act in enumerate(in_order, 1):
            while moves and moves[-1].recorded_at <= entered[act.id]:
                self._move(moves.pop())
            self._let_terms_run_out(entered[act.id], found)
            if act.actor != SYSTEM.key:
                self._act(act, entered[act.id], recorded[act.id], found)
            progress(done)
        self._let_terms_run_out(self.engine.clock.now(), found)

    def _move(self, event: EventRow) -> None:
        """Let a case lie elsewhere from now on; under a definition that knows districts it keeps its own."""
        player = self.players[event.case_id]
        path = json.loads(event.payload)["unit_to"]
        levels = {role.level for role in player.compiled.workflow.roles.values()}
        if event.kind == "moved" or "district" not in levels:
            player.now = replace(player.now, case=player.now.case._replace(unit_path=path))

    def _act(self, act: ActRow, now: datetime, events: Sequence[EventRow], found: list[Difference]) -> None:
        request = _request(act, events)
        together = {event.case_id for event in events}
        steps = []
        for event in events:
            player = self.players[event.case_id]
            world = self._world(player, now)
            behind = self._behind(player, act.trigger, together)
            decision = player.now.ask(world, request, now, behind)
            steps.append((player, world, decision))
            self._tell(event, player, decision.accepted, [r.code for r in decision.refused], found)
        for player, world, decision in steps:
            for step in decision.accepted:
                self._step(player, world, step, request, now)

    def _tell(
        self, event: EventRow, player: _Player, accepted: Sequence[Step], codes: Sequence[str], found: list[Difference]
    ) -> None:
        """Record where a case first goes another way; what follows from that is no news."""
        target = accepted[0].transition.target if accepted else ""
        if player.diverged or target == event.to_state:
            return
        player.diverged = True
        kind = "state" if target else "refused"
        found.append(Difference(event.case_id, kind, event.trigger, event.to_state, target or ", ".join(codes)))

    def _step(self, player: _Player, world: World, step: Step, request: ActRequest, now: datetime) -> None:
        before = player.now
        for rule in rules_closed(world.workflow, before.case.state, step.transition.target):
            for row in before.deadlines:
                if row.rule == rule:
                    ending = closing(world.workflow.deadline(rule), row, step, request.occurred_on, now)
                    player.outcomes[row.id] = ending.status
        after = before.after(world, step, request, now)
        known = {id(row) for row in before.deadlines}
        numbered = []
        for row in after.deadlines:
            kept = row if id(row) in known else row._replace(id=len(player.terms) + 1)
            if kept is not row:
                player.terms.append(kept)
            numbered.append(kept)
        player.now = replace(after, deadlines=tuple(numbered))

    def _let_terms_run_out(self, until: datetime, found: list[Difference]) -> None:
        """Fire every timer whose term ended by `until`, on its own last day."""
        for player in self.players.values():
            while (row := _over(player, until)) is not None:
                trigger = player.compiled.workflow.deadline(row.rule).on_expiry
                request = ActRequest(trigger, (player.now.case.id,), row.due_on, SYSTEM)
                world = self._world(player, until)
                decision = player.now.ask(world, request, max(until, row.due_at))
                if not decision.accepted:
                    codes = ", ".join(r.code for r in decision.refused)
                    found.append(Difference(player.now.case.id, "refused", trigger, "", codes))
                    player.now = replace(player.now, deadlines=tuple(d for d in player.now.deadlines if d is not row))
                for step in decision.accepted:
                    self._step(player, world, step, request, until)

    def _world(self, player: _Player, now: datetime) -> World:
        case = player.now.case
        commune = at_level(case.unit_path, "commune")
        calendar = self.under.calendar or self.engine.calendar_for(legal_date(now), commune)
        return World(player.compiled, calendar, self._round_days(case.round_id), self._in_force(player, commune))

    def _in_force(self, player: _Player, commune: str) -> Mapping[str, Any]:
        key = (player.compiled.workflow.id, commune)
        if key not in self._settings:
            own = self.engine.settings_in_force(self.tx, *key)
            self._settings[key] = {**own, **(self.under.settings or {})}
        return self._settings[key]

    def _round_days(self, round_id: int) -> Mapping[str, date]:
        if round_id not in self._days:
            place = rounds(self.tx, [round_id])[round_id]
            self._days[round_id] = {"started_on": place.started_on} | (
                {"ends_on": place.ends_on} if place.ends_on else {}
            )
        return self._days[round_id]

    def _behind(self, player: _Player, trigger: str, together: set[int]) -> Mapping[str, int]:
        """Count the other cases of the barrier's village or round by the state they are rehearsed in."""
        level = player.compiled.census_levels.get(trigger, "")
        if not level:
            return {}
        own = player.now.case
        others = (p.now.case for i, p in self.players.items() if i not in together)
        return Counter(
            c.state
            for c in others
            if c.round_id == own.round_id and (level != "village" or c.unit_path == own.unit_path)
        )


def _request(act: ActRow, events: Sequence[EventRow]) -> ActRequest:
    """Return the recorded act as it was asked for; its actor holds the office under which it was accepted."""
    rows = {
        e.case_id: {k: v for k, v in json.loads(e.payload).items() if k != "certificate"} for e in events if e.payload
    }
    return ActRequest(
        act.trigger,
        tuple(e.case_id for e in events),
        act.occurred_on,
        Actor(act.actor, (), act.on_behalf_of, frozenset({act.role})),
        body=json.loads(act.body),
        rows=rows,
        document=act.document,
    )


def _over(player: _Player, until: datetime) -> DeadlineRow | None:
    rules = player.compiled.workflow
    for row in player.now.deadlines:
        if row.kind == DeadlineKind.MINIMUM and row.due_at <= until and rules.deadline(row.rule).on_expiry:
            return row
    return None


def _compare(stage: _Stage, recorded: Sequence[DeadlineRow], found: list[Difference]) -> None:
    """Set the recorded terms of each case beside the rehearsed ones: the first of a rule with the first, and so on."""
    was: dict[tuple[int, str], list[DeadlineRow]] = defaultdict(list)
    would: dict[tuple[int, str], list[DeadlineRow]] = defaultdict(list)
    for row in recorded:
        if row.status == "superseded":
            continue  # another one took its place
        was[row.subject_id, row.rule].append(row)
    for case_id, player in stage.players.items():
        for row in player.terms:
            would[case_id, row.rule].append(row)
    for case_id, rule in sorted({*was, *would}):
        pairs = list(zip(was[case_id, rule], would[case_id, rule], strict=False))
        for one, other in pairs:
            outcome = stage.players[case_id].outcomes.get(other.id, "open")
            found += _differing(case_id, one, other, outcome)
        spare = len(was[case_id, rule]) - len(would[case_id, rule])
        if spare:
            ways = (str(spare), "") if spare > 0 else ("", str(-spare))
            found.append(Difference(case_id, "term", rule, *ways))


def _differing(case_id: int, was: DeadlineRow, would: DeadlineRow, outcome: str) -> list[Difference]:
    sides = {
        "due": (was.due_on.isoformat(), would.due_on.isoformat()),
        "owner": (f"{was.owner_role}@{was.owner_path}", f"{would.owner_role}@{would.owner_path}"),
    }
    if was.status in _OVER and outcome in _OVER:
        sides["outcome"] = (was.status, outcome)
    return [Difference(case_id, kind, was.rule, a, b) for kind, (a, b) in sides.items() if a != b]
