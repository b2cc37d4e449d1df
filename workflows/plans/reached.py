"""Which steps a case has reached, and on which days, from the states it went through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...engine.definition import StateKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from ...engine.definition import Workflow
    from .steps import Step

__all__ = ["reached"]


def reached(steps: Sequence[Step], workflow: Workflow, course: Iterable[tuple[str, date]]) -> dict[str, date] | None:
    """Return the day on which each step that still counts began, in the order of the steps.

    `course` gives the states a case entered and the days, oldest first; what a correction took back is not in it. A
    case that falls back (a complaint after the report) has not made what lay behind that. ``None``: it ended without
    needing the steps (screened out, withdrawn).
    """
    done: dict[str, date] = {}
    away = False
    for state, day in course:
        places = [place for place, step in enumerate(steps) if state in step.states]
        away = not places and workflow.state(state).kind is StateKind.END
        if not places:
            done.clear()
            continue
        _enter(done, steps, places, state, day)
    return None if away else done


def _enter(done: dict[str, date], steps: Sequence[Step], places: Sequence[int], state: str, day: date) -> None:
    """Note that a state of the steps at `places` was entered; what lies behind the step it belongs to falls."""
    begun = [place for place in places if steps[place].key in done]
    here = begun[-1] if begun else places[0]
    later = [step.key for step in steps[here + 1 :] if step.key in done]
    for key in later:
        del done[key]
    if not begun or (later and state == steps[here].states[0]):
        done[steps[here].key] = day
