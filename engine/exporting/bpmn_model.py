"""A workflow in the terms of BPMN 2.0: tasks, gateways, timers and ends, with what leads from one to another.

Each state in which a case rests is a user task in the lane of the office whose act it waits for. What was
done there is the variable ``act``; where one act may lead to several states, ``outcome`` says to which.
A term that closes its step by itself interrupts the task, any other only reports that it was passed; their
last days are the variables ``due_<rule>``, since BPMN knows no working days.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from ..definition import DeadlineKind, StateKind
from .wording import Arrow, Wording, arrows_of, leaves_anywhere, story

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...foundation.messages import Language
    from ..definition import DeadlineRule, State, Workflow

__all__ = ["Flow", "Kind", "Node", "Process", "process_of"]


class Kind(StrEnum):
    """What a node is; the value is its element's name."""

    START = "startEvent"
    TASK = "userTask"
    CHOICE = "exclusiveGateway"
    TIMER = "boundaryEvent"
    END = "endEvent"


@dataclass(frozen=True, slots=True)
class Node:
    """An element of the process. `state` is the state it belongs to, `due` the variable a timer waits for."""

    key: str
    kind: Kind
    name: str
    lane: str
    state: str
    note: str = ""
    due: str = ""
    interrupts: bool = False


@dataclass(frozen=True, slots=True)
class Flow:
    """A sequence flow; `condition` is empty where there is no choice."""

    key: str
    source: str
    target: str
    name: str = ""
    condition: str = ""


@dataclass(slots=True)
class Process:
    """A workflow's nodes and flows; lanes are role keys in the definition's order."""

    workflow: Workflow
    wording: Wording
    nodes: dict[str, Node] = field(default_factory=dict)
    flows: list[Flow] = field(default_factory=list)

    @property
    def lanes(self) -> dict[str, list[Node]]:
        """Return the nodes of each lane that has any."""
        found = {role: [n for n in self.nodes.values() if n.lane == role] for role in self.workflow.roles}
        return {role: nodes for role, nodes in found.items() if nodes}


def process_of(workflow: Workflow, language: Language = "vi") -> Process:
    """Return the process of a workflow, its names in one language."""
    return _Builder(workflow, Wording(workflow, language)).build()


class _Builder:
    def __init__(self, workflow: Workflow, wording: Wording) -> None:
        self.workflow = workflow
        self.wording = wording
        self.process = Process(workflow, wording)
        self.order = {key: i for i, key in enumerate(story(workflow))}
        self.arrows: Mapping[str, list[Arrow]] = {
            key: [a for a in arrows_of(workflow) if a.source == key] for key in workflow.states
        }
        self.lane_of = {key: self._lane(state) for key, state in workflow.states.items()}

    def build(self) -> Process:
        first = self.workflow.initial.key
        self._node(Node("start", Kind.START, self.wording.state(first), self.lane_of[first], first))
        self._flow("start", f"task_{first}")
        for state in self.workflow.states.values():
            self._end(state) if state.kind is StateKind.END else self._step(state)
        return self.process

    def _node(self, node: Node) -> str:
        self.process.nodes[node.key] = node
        return node.key

    def _flow(self, source: str, target: str, name: str = "", condition: str = "") -> None:
        key = f"flow_{len(self.process.flows) + 1}"
        self.process.flows.append(Flow(key, source, target, name, condition))

    def _end(self, state: State) -> None:
        # An end that is reached from anywhere is drawn beside each step instead.
        if any(a.target == state.key and not leaves_anywhere(self.workflow, a) for a in arrows_of(self.workflow)):
            self._node(
                Node(f"end_{state.key}", Kind.END, self.wording.state(state.key), self.lane_of[state.key], state.key)
            )

    def _step(self, state: State) -> None:
        lane = self.lane_of[state.key]
        task = self._node(
            Node(f"task_{state.key}", Kind.TASK, self._task_name(state), lane, state.key, self._note(state))
        )
        acts = [a for a in self.arrows[state.key] if not self.workflow.triggers[a.transition.trigger].is_timer]
        self._leave(task, state, acts, "choice")
        for rule in self.workflow.deadlines:
            if state.key in rule.lives_in:
                self._timer(state, rule)

    def _leave(self, source: str, state: State, arrows: list[Arrow], kind: str) -> None:
        """Lead from `source` to where each act leads: straight if there is one way, else through a gateway."""
        ways = {(a.transition.trigger, a.target): a for a in arrows}
        if len(ways) > 1:
            gateway = self._node(
                Node(f"{kind}_{state.key}", Kind.CHOICE, self.wording.say("choice"), self.lane_of[state.key], state.key)
            )
            self._flow(source, gateway)
            source = gateway
        for (trigger, target), arrow in ways.items():
            several = sum(t == trigger for t, _ in ways) > 1
            condition = f'act == "{trigger}"' + (f' and outcome == "{target}"' if several else "")
            name = self._flow_name(arrow, several=several)
            self._flow(source, self._entry(arrow, state), name, condition if len(ways) > 1 else "")

    def _flow_name(self, arrow: Arrow, *, several: bool) -> str:
        name = self.wording.trigger(arrow.transition.trigger)
        return f"{name} → {self.wording.state(arrow.target)}" if several and not arrow.stays else name

    def _entry(self, arrow: Arrow, state: State) -> str:
        """Return the node at which a case arrives; an end reached from anywhere is one of the step's own."""
        target = self.workflow.states[arrow.target]
        if leaves_anywhere(self.workflow, arrow):
            lane = self.lane_of[state.key]
            name = self.wording.state(target.key)
            return self._node(Node(f"end_{target.key}__{state.key}", Kind.END, name, lane, state.key))
        return f"end_{target.key}" if target.kind is StateKind.END else f"task_{target.key}"

    def _timer(self, state: State, rule: DeadlineRule) -> None:
        lane, due = self.lane_of[state.key], f"due_{rule.key}"
        name = rule.label.within(self.wording.language)
        key = f"timer_{state.key}__{rule.key}"
        arrows = [a for a in self.arrows[state.key] if rule.on_expiry and a.transition.trigger == rule.on_expiry]
        if arrows:
            self._node(Node(key, Kind.TIMER, self.wording.term(rule), lane, state.key, name, due, interrupts=True))
            self._leave(key, state, arrows, "expiry")
        elif rule.kind is not DeadlineKind.MINIMUM:
            self._node(Node(key, Kind.TIMER, self.wording.term(rule), lane, state.key, name, due))
            overdue = f"{self.wording.say('overdue')}: {name}"
            self._flow(key, self._node(Node(f"overdue_{state.key}__{rule.key}", Kind.END, overdue, lane, state.key)))

    def _main(self, state: State) -> list[str]:
        """Return the acts for which a case waits in a state: those that bring it forward."""
        return list(
            dict.fromkeys(
                a.transition.trigger
                for a in self.arrows[state.key]
                if self.workflow.triggers[a.transition.trigger].roles
                and self.order[a.target] > self.order[state.key]
                and not a.transition.cancels
            )
        )

    def _task_name(self, state: State) -> str:
        timed = any(self.workflow.triggers[a.transition.trigger].is_timer for a in self.arrows[state.key])
        main = self._main(state)
        if timed or not main:
            return self.wording.state(state.key)
        return " / ".join(self.wording.trigger(trigger) for trigger in main)

    def _lane(self, state: State) -> str:
        """Return the role whose act a case in `state` waits for; an end lies where the act that ends it is done."""
        into = [a for a in arrows_of(self.workflow) if a.target == state.key and not a.stays]
        acts = self._main(state) if state.kind is not StateKind.END else [a.transition.trigger for a in into]
        roles = [role for act in acts for role in self.workflow.triggers[act].roles]
        return state.desk if state.desk in roles else next(iter(roles), state.desk or next(iter(self.workflow.roles)))

    def _note(self, state: State) -> str:
        wording = self.wording
        lines = [f"{wording.state(state.key)} ({state.article})"]
        for arrow in self.arrows[state.key]:
            transition = arrow.transition
            asked = "; ".join(wording.guards(transition))
            act = f"{wording.trigger(transition.trigger)} [{wording.actors(transition.trigger)}]"
            lines.append(
                f"{act} → {wording.state(arrow.target)} ({transition.article})" + (f": {asked}" if asked else "")
            )
        return "\n".join(lines)
