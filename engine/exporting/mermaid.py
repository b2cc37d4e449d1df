"""A workflow as a Mermaid state diagram, for pages that draw Mermaid themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..definition import StateKind
from .wording import Wording, arrows_of, leaves_anywhere

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...foundation.messages import Language
    from ..definition import Workflow

__all__ = ["mermaid"]

# Mermaid reads these as its own marks; its entity codes stand for them.
_ENTITIES = str.maketrans({"#": "#35;", ";": "#59;", '"': "#quot;", ":": "#58;", "<": "#lt;", ">": "#gt;"})
_CURRENT = "fill:#ffd166,stroke:#c2410c,stroke-width:4px"


def mermaid(workflow: Workflow, language: Language = "vi", *, current: str | None = None) -> str:
    """Return the workflow as a ``stateDiagram-v2``; the state `current` is highlighted."""
    wording = Wording(workflow, language)
    lines = ["stateDiagram-v2", "    direction TB"]
    lines += [f"    {line}" for line in _states(workflow, wording)]
    lines += [f"    {line}" for line in _arrows(workflow, wording)]
    lines += [f"    {line}" for line in _notes(workflow, wording)]
    if current is not None:
        lines += [
            "    classDef current fill:#ffd166,stroke:#c2410c,stroke-width:4px",
            f"    class {_id(current)} current",
        ]
    return "\n".join(lines) + "\n"


def _id(state: str) -> str:
    return f"s_{state}"  # never one of Mermaid's own words


def _text(given: str) -> str:
    return given.translate(_ENTITIES)


def _states(workflow: Workflow, wording: Wording) -> Iterable[str]:
    for state in workflow.states.values():
        yield f'state "{_text(wording.state(state.key))}" as {_id(state.key)}'
    yield f"[*] --> {_id(workflow.initial.key)}"


def _arrows(workflow: Workflow, wording: Wording) -> Iterable[str]:
    for arrow in arrows_of(workflow):
        if not leaves_anywhere(workflow, arrow):
            trigger = workflow.triggers[arrow.transition.trigger]
            clock = "◷ " if trigger.is_timer else ""
            label = f"{clock}{wording.trigger(trigger.key)} ({wording.provision(arrow.transition.article)})"
            yield f"{_id(arrow.source)} --> {_id(arrow.target)} : {_text(label)}"
    for state in workflow.states.values():
        if state.kind is StateKind.END:
            yield f"{_id(state.key)} --> [*]"


def _notes(workflow: Workflow, wording: Wording) -> Iterable[str]:
    for state in workflow.states.values():
        running = [rule for rule in workflow.deadlines if state.key in rule.lives_in]
        terms = [f"◷ {rule.label.within(wording.language)}" for rule in running]
        if terms:
            yield from _note(state.key, [*terms, wording.provision(state.article)])
    leaving = [arrow for arrow in arrows_of(workflow) if leaves_anywhere(workflow, arrow)]
    for target in dict.fromkeys(arrow.target for arrow in leaving):
        here = [arrow for arrow in leaving if arrow.target == target]
        acts = [f"{wording.trigger(a.transition.trigger)} ({wording.provision(a.transition.article)})" for a in here]
        steps = ", ".join(wording.state(arrow.source) for arrow in here)
        yield from _note(target, [*dict.fromkeys(acts), wording.say("from_steps", steps=steps)])


def _note(state: str, lines: list[str]) -> Iterable[str]:
    yield f"note right of {_id(state)}"
    yield from (f"    {_text(line)}" for line in lines)
    yield "end note"
