"""Every history a definition allows, walked with the real `decide`; its invariants judged on each.

What is bounded and abstracted: one case at a time, its barrier either clear or, under a form's first sample, held up
by one case in each state in turn; a calendar on which every day is worked; acts on the days that some guard can tell
apart; forms filled in with their samples. Histories that differ only in facts nobody reads any more, or by which days
lie how far apart, are one.
"""

from __future__ import annotations

import json
from collections import deque
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from ...deadlines.calendar import Calendar, DayFact, DayKind
from ...foundation.clock import LEGAL_ZONE, end_of
from ...foundation.messages import Text
from ..definition import DeadlineKind
from ..forms import Sampled, form
from ..values import SYSTEM, ActRequest
from .conditions import CONDITIONS, Deed, Memory
from .findings import Finding, PathLine, Severity
from .names import facts_read, reachable
from .simulating import CASE_ID, Simulated, World, everyone, open_case

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..deciding import Step
    from ..definition import Invariant, Transition, Workflow
    from ..machine import CompiledWorkflow

__all__ = ["explored"]

_START = date(2030, 1, 7)
_FAR = 12  # days beyond which it no longer matters how long ago something was
_MANY = 2
_SATURDAY = 5
_DAY_PARAMS = ("day", "start", "end")


class _Node(NamedTuple):
    simulated: Simulated
    memories: tuple[Memory, ...]
    line: PathLine | None
    before: _Node | None


class _Try(NamedTuple):
    request: ActRequest
    now: datetime
    behind: Mapping[str, int]


def explored(compiled: CompiledWorkflow) -> Iterator[Finding]:
    """Yield each invariant that some history breaks, with that history, and each arrow that no history takes."""
    exploration = _Exploration(compiled)
    for opening in _openings(compiled.workflow):
        exploration.run(opening)
    yield from exploration.broken.values()
    yield from exploration.dead_arrows()
    yield from exploration.unsampled()


class _Abstraction:
    """What tells two histories apart from here on: facts that some later step reads, deadlines that it asks."""

    def __init__(self, workflow: Workflow) -> None:
        reads: dict[str, set[str]] = {state: set() for state in workflow.states}
        for arrow, facts in facts_read(workflow):
            for source in arrow.sources:
                reads[source] |= facts
        for arrow in workflow.transitions:
            judged = {i.params.get("fact", "class_after") for i in workflow.invariants if arrow.target in i.before}
            starts = {rule.counts_from for rule in workflow.deadlines if arrow.target in rule.lives_in}
            for source in arrow.sources:
                reads[source] |= judged | starts
        self._live = {
            state: frozenset().union(*(reads[later] for later in reachable(workflow, state)))
            for state in workflow.states
        }
        asked = {g.params["deadline"] for t in workflow.transitions for g in t.guards if "deadline" in g.params}
        self._deadlines = asked | {rule.key for rule in workflow.deadlines if rule.kind is DeadlineKind.MINIMUM}

    def key(self, node: _Node) -> object:
        """Return what two nodes must share to have the same future."""
        case, memories = node.simulated.case, node.memories
        live = self._live[case.state]
        if not live:
            return case.state
        facts = json.loads(case.facts)
        return (
            case.state,
            case.class_before if "class_before" in live else "",
            _apart(_START, case.last_on, near=_MANY) if "started_on" in live else 0,
            tuple((fact, _abstract(facts[fact], case.last_on)) for fact in sorted(live & set(facts))),
            tuple(
                (d.rule, _apart(d.due_on, case.last_on)) for d in node.simulated.deadlines if d.rule in self._deadlines
            ),
            tuple(_abstract(memory, case.last_on) for memory in memories),
        )


class _Exploration:
    def __init__(self, compiled: CompiledWorkflow) -> None:
        self.world = World(
            compiled, _every_day_worked(), {"started_on": _START, "ends_on": _START + timedelta(days=90)}
        )
        self.workflow = compiled.workflow
        self.broken: dict[str, Finding] = {}
        self._abstraction = _Abstraction(self.workflow)
        self._taken: set[int] = set()  # identities: two arrows may say the same
        self._everyone = everyone(self.workflow)
        self._samples = {key: self._fitted(trigger.form) for key, trigger in self.workflow.triggers.items()}
        self._leaving = {
            state: tuple(dict.fromkeys(t.trigger for t in self.workflow.transitions if state in t.sources))
            for state in self.workflow.states
        }
        self._seen: set[object] = set()

    def _fitted(self, key: str) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Return a form's samples as the engine would hand them to `decide`; those it refuses never get there."""
        shape = form(key)
        if not isinstance(shape, Sampled):
            return [({}, {})]
        fitted = [(shape.body(body), shape.row(row)) for body, row in shape.samples]
        return [(body, row) for (body, faults), (row, row_faults) in fitted if not faults and not row_faults]

    def run(self, opening: Mapping[str, Any]) -> None:
        case = open_case(self.workflow, opening, _START - timedelta(days=1))
        nodes = deque([_Node(case, (None,) * len(self.workflow.invariants), None, None)])
        while nodes:
            node = nodes.popleft()
            for attempt in self._attempts(node.simulated):
                following = self._follow(node, attempt)
                if following is None:
                    continue
                key = self._abstraction.key(following)
                if key not in self._seen:
                    self._seen.add(key)
                    nodes.append(following)

    def _follow(self, node: _Node, attempt: _Try) -> _Node | None:
        try:
            decision = node.simulated.ask(self.world, attempt.request, attempt.now, attempt.behind)
            step = decision.accepted[0] if decision.accepted else None
            after = node.simulated.after(self.world, step, attempt.request, attempt.now) if step else node.simulated
        except Exception as fault:  # noqa: BLE001 - whatever a definition makes the engine do wrong is the finding
            self._broke_down(node, attempt, fault)
            return None
        if step is None:
            return None
        self._taken.add(id(step.transition))
        deed = Deed(
            attempt.request.trigger,
            attempt.request.occurred_on,
            attempt.now,
            {**attempt.request.body, **attempt.request.rows.get(CASE_ID, {})},
            attempt.behind,
            step.facts,
            self.world.calendar,
        )
        memories = tuple(
            CONDITIONS[i.kind].watch(i, memory, deed)
            for i, memory in zip(self.workflow.invariants, node.memories, strict=True)
        )
        following = _Node(after, memories, self._line(step, attempt), node)
        for invariant, memory in zip(self.workflow.invariants, memories, strict=True):
            if step.transition.target in invariant.before and invariant.key not in self.broken:
                self._judge(invariant, memory, deed, following)
        return following

    def _broke_down(self, node: _Node, attempt: _Try, fault: Exception) -> None:
        where = f"triggers.{attempt.request.trigger}"
        told = {"fault": f"{type(fault).__name__}: {fault}"}
        self.broken.setdefault(where, Finding("check.breaks_down", Severity.ERROR, where, told, _path(node)))

    def _judge(self, invariant: Invariant, memory: Memory, deed: Deed, node: _Node) -> None:
        if CONDITIONS[invariant.kind].holds(invariant.params, memory, deed):
            return
        state = node.simulated.case.state
        self.broken[invariant.key] = Finding(
            "check.invariant_broken",
            Severity.ERROR,
            f"invariants.{invariant.key}",
            {
                "label_vi": invariant.label.vi,
                "label_en": invariant.label.en,
                "article": str(invariant.article),
                "state": state,
            },
            _path(node),
        )

    def _attempts(self, simulated: Simulated) -> Iterator[_Try]:
        for trigger in self._leaving[simulated.case.state]:
            arrows = self.workflow.leaving(simulated.case.state, trigger)
            if all(_waits_for_setting(self.workflow, arrow) for arrow in arrows):
                continue
            actor = SYSTEM if self.workflow.triggers[trigger].is_timer else self._everyone
            said = list(product(self._samples[trigger], self._moments(simulated, trigger, arrows)))
            held_up = [(one, behind) for behind in self._barriers(arrows) for one in said[:1]]
            for ((body, row), (day, now)), behind in [*((one, {}) for one in said), *held_up]:
                yield _Try(ActRequest(trigger, (CASE_ID,), day, actor, body, {CASE_ID: row}), now, behind)

    def _moments(
        self, simulated: Simulated, trigger: str, arrows: tuple[Transition, ...]
    ) -> Iterator[tuple[date, datetime]]:
        last = simulated.case.last_on
        back_dated = any(arrow.follows for arrow in arrows)
        is_timer = self.workflow.triggers[trigger].is_timer
        for day in sorted({last, *self._days_told_apart(simulated, arrows)}):
            if day < last and not back_dated:
                continue
            yield day, end_of(max(day, last))
            if is_timer:
                yield day, datetime.combine(day, time(12), LEGAL_ZONE)

    def _days_told_apart(self, simulated: Simulated, arrows: tuple[Transition, ...]) -> Iterator[date]:
        facts = json.loads(simulated.case.facts)
        dues = {d.rule: d.due_on for d in simulated.deadlines}
        for arrow in arrows:
            for guard in arrow.guards:
                named = [facts.get(guard.params.get(p)) or self._round_day(guard.params.get(p)) for p in _DAY_PARAMS]
                days = [date.fromisoformat(d) if isinstance(d, str) else d for d in named if d]
                days += [dues[guard.params["deadline"]]] if guard.params.get("deadline") in dues else []
                for day in days:
                    yield from (day - timedelta(days=1), day, day + timedelta(days=1))

    def _round_day(self, name: str | None) -> date | None:
        return self.world.round_days.get(name) if name else None

    def _barriers(self, arrows: tuple[Transition, ...]) -> list[Mapping[str, int]]:
        judged = [i for i in self.workflow.invariants if i.params.get("act") == arrows[0].trigger]
        behind = {s for i in judged for s in i.params.get("behind", ())}
        behind |= {s for t in arrows for g in t.guards for s in g.params.get("waiting", ())}
        return [{state: 1} for state in sorted(behind)]

    def _line(self, step: Step, attempt: _Try) -> PathLine:
        trigger = self.workflow.triggers[step.transition.trigger].label
        target = self.workflow.states[step.transition.target].label
        said = ", ".join(f"{k}={v}" for k, v in {**attempt.request.body, **attempt.request.rows[CASE_ID]}.items())
        said = f" ({said})" if said else ""
        return PathLine(
            attempt.request.occurred_on, Text(f"{trigger.vi}{said} → {target.vi}", f"{trigger.en}{said} → {target.en}")
        )

    def dead_arrows(self) -> Iterator[Finding]:
        """Yield the arrows no history took, those apart that wait for a setting other than its default."""
        for arrow in self.workflow.transitions:
            if id(arrow) not in self._taken and not _waits_for_setting(self.workflow, arrow):
                yield Finding("check.arrow_dead", Severity.WARNING, f"transitions.{arrow.key}", {"arrow": arrow.key})

    def unsampled(self) -> Iterator[Finding]:
        """Yield the forms that offer nothing to explore with."""
        for key in dict.fromkeys(trigger.form for trigger in self.workflow.triggers.values()):
            if not isinstance(form(key), Sampled):
                yield Finding("check.unsampled", Severity.NOTE, f"forms.{key}", {"form": key})


def _waits_for_setting(workflow: Workflow, arrow: Transition) -> bool:
    return any(
        g.name == "setting_is" and workflow.settings[g.params["setting"]].default != g.params["value"]
        for g in arrow.guards
    )


def _openings(workflow: Workflow) -> Iterator[Mapping[str, Any]]:
    names = list(workflow.opens_with)
    for values in product(*workflow.opens_with.values()):
        yield dict(zip(names, values, strict=True))


def _abstract(value: Any, day: date) -> Any:
    """Return what matters of a fact: how far off a day is, whether a count is none, one or many."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return min(value, _MANY)
    if isinstance(value, date):
        return _apart(value, day)
    try:
        return _apart(date.fromisoformat(value), day)
    except ValueError:
        return value


def _apart(one: date, other: date, near: int = _FAR) -> int:
    return max(-near, min(near, (one - other).days))


def _path(node: _Node) -> tuple[PathLine, ...]:
    lines: list[PathLine] = []
    at: _Node | None = node
    while at is not None and at.line is not None:
        lines.append(at.line)
        at = at.before
    return tuple(reversed(lines))


@cache
def _every_day_worked() -> Calendar:
    days = [_START + timedelta(days=n) for n in range(-40, 1200)]
    name = Text("ngày làm việc", "working day")
    facts = {d: DayFact(d, DayKind.WORKING, name, None, None, "", "") for d in days if d.weekday() >= _SATURDAY}
    return Calendar("every-day", facts, first_day=days[0], last_day=days[-1], confirmed_through=days[-1])
