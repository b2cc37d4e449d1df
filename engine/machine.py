"""The one place that knows `transitions`: a single shared machine per workflow version.

The machine never holds a case. A probe carries the state in question through it, its conditions ask
our guards, and the probe remembers which arrow was taken or why none was.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple, cast

from transitions import EventData, Machine

from .guards import Scope, guard_spec

if TYPE_CHECKING:
    from .definition import Transition, Workflow
    from .values import Refusal
    from .views import View

__all__ = ["Choice", "CompiledWorkflow"]

# The library logs every callback at INFO, which a host with a root handler pays for fourfold.
logging.getLogger("transitions").setLevel(logging.WARNING)


class Choice(NamedTuple):
    """What the machine answered: the arrow taken, or the refusals of every arrow tried."""

    transition: Transition | None
    refusals: tuple[Refusal, ...]


class _Probe:
    __slots__ = ("chosen", "refusals", "state", "view")

    def __init__(self, state: str, view: View) -> None:
        self.state = state
        self.view = view
        self.chosen: Transition | None = None
        self.refusals: list[tuple[int, Refusal]] = []


class CompiledWorkflow:
    """A workflow with its machine, built once and shared by every case and thread."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        self._machine = Machine(
            model=None,
            states=list(workflow.states),
            initial=workflow.initial.key,
            transitions=[_Arrow(t).definition() for t in workflow.transitions],
            auto_transitions=False,
            send_event=True,
        )
        self._arrows: dict[tuple[str, str], tuple[_Arrow, ...]] = {
            (source, name): tuple(cast("_Arrow", arrow.conditions[0].func) for arrow in arrows)
            for name, event in self._machine.events.items()
            for source, arrows in event.transitions.items()
        }
        self._per_case = {
            (source, t.trigger): any(guard_spec(g.name, g.params).scope is Scope.CASE for g in t.guards)
            or (
                len(workflow.leaving(source, t.trigger)) > 1
                and any(
                    guard_spec(g.name, g.params).scope is Scope.CASE
                    for other in workflow.leaving(source, t.trigger)
                    for g in other.guards
                )
            )
            for t in workflow.transitions
            for source in t.sources
        }
        self.census_levels = {
            t.trigger: spec.needs_census
            for t in workflow.transitions
            for g in t.guards
            if (spec := guard_spec(g.name, g.params)).needs_census
        }

    def leaves(self, state: str, trigger: str) -> bool:
        """Whether any arrow leaves `state` on `trigger`."""
        return (state, trigger) in self._per_case

    def asks_each(self, state: str, trigger: str) -> bool:
        """Whether the answer depends on the household, so that a group cannot be answered at once."""
        return self._per_case[state, trigger]

    def choose(self, state: str, trigger: str, view: View) -> Choice:
        """Ask which arrow a case in `state` takes on `trigger`; the caller has seen that one leaves."""
        probe = _Probe(state, view)
        self._machine.events[trigger].trigger(probe)
        return _answer(probe)

    def choose_each(self, state: str, trigger: str, view: View) -> Choice:
        """Answer as `choose` does, for one household of many: the machine's arrows are asked in the machine's order.

        What the machine does around a question (events, callbacks, entering and leaving) costs ten times the question.
        """
        probe = _Probe(state, view)
        for arrow in self._arrows[state, trigger]:
            if arrow.ask(probe):
                break
        return _answer(probe)


def _answer(probe: _Probe) -> Choice:
    if probe.chosen is not None:
        return Choice(probe.chosen, ())
    # The arrow that got furthest is the one that was meant: why the others do not apply would only mislead.
    furthest = max(passed for passed, _ in probe.refusals)
    unique = {r.code: r for passed, r in reversed(probe.refusals) if passed == furthest}
    return Choice(None, tuple(reversed(unique.values())))


class _Arrow:
    """The condition under which the machine takes an arrow: that none of its guards refuses."""

    __slots__ = ("_checks", "_transition")

    def __init__(self, transition: Transition) -> None:
        self._transition = transition
        self._checks = [
            (passed, guard_spec(g.name, g.params).check, g.params, g.article)
            for passed, g in enumerate(transition.guards)
        ]

    def __call__(self, event: EventData) -> bool:
        return self.ask(cast("_Probe", event.model))

    def ask(self, probe: _Probe) -> bool:
        """Whether the probe may pass; it remembers the arrow it took, or how far it came and why no further."""
        view, transition = probe.view, self._transition
        for passed, check, params, article in self._checks:
            view.under(transition, article)
            refusal = check(view, params)
            if refusal is not None:
                probe.refusals.append((passed, refusal))
                return False
        probe.chosen = transition
        return True

    def definition(self) -> dict[str, object]:
        """Return the arrow as `transitions` takes it."""
        arrow = self._transition
        return {"trigger": arrow.trigger, "source": list(arrow.sources), "dest": arrow.target, "conditions": self}
