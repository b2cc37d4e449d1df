"""The conditions an invariant may put on a history, judged on what was done and never on the guards.

Each watches the acts as they come and keeps the least it must remember; `holds` is asked when a case enters
one of the invariant's states. Parameters: `since` the acts that change the result, `act` the act in question.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from ...foundation.clock import end_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ...deadlines.calendar import Calendar
    from ..definition import Invariant

__all__ = ["CONDITIONS", "Condition", "Deed"]

Memory = bool | date | None


class Deed(NamedTuple):
    """One act as it was done: what it said, when it was entered, which cases of its barrier stood behind."""

    trigger: str
    occurred_on: date
    now: datetime
    said: Mapping[str, Any]
    behind: Mapping[str, int]
    facts: Mapping[str, Any]
    calendar: Calendar


@dataclass(frozen=True, slots=True)
class Condition:
    """A kind of invariant: its parameters, what it remembers of an act, whether a history satisfies it."""

    params: frozenset[str]
    remember: Callable[[Mapping[str, Any], Deed], Memory]
    holds: Callable[[Mapping[str, Any], Memory, Deed], bool]

    def watch(self, invariant: Invariant, memory: Memory, deed: Deed) -> Memory:
        """Return what is remembered after `deed`."""
        if deed.trigger in invariant.params.get("since", ()):
            memory = None
        return self.remember(invariant.params, deed) if deed.trigger == invariant.params.get("act") else memory


def _share(params: Mapping[str, Any], deed: Deed) -> Memory:
    favour, counted = deed.said.get(params["favour"]), deed.said.get(params["of"])
    return bool(counted) and favour is not None and favour * 100 >= counted * params["percent"]


def _posted_long_enough(params: Mapping[str, Any], memory: Memory, deed: Deed) -> bool:
    if not isinstance(memory, date):
        return False
    last = deed.calendar.add_working_days(memory, params["working_days"])
    return deed.occurred_on > last and deed.now >= end_of(last)


def _was_true(_params: Mapping[str, Any], memory: Memory, _deed: Deed) -> bool:
    return memory is True


def _certified(params: Mapping[str, Any], _memory: Memory, deed: Deed) -> bool:
    given = deed.facts.get("certified")
    return given is None or (given in params["classes"] and deed.facts.get("class_after") == given)


CONDITIONS: Mapping[str, Condition] = {
    # The act said that at least `percent` of `of` were in `favour`.
    "share": Condition(frozenset({"since", "act", "favour", "of", "percent"}), _share, _was_true),
    # The act was done and `working_days` have passed in full since: what is decided bears a later day.
    "posted": Condition(
        frozenset({"since", "act", "working_days"}), lambda _, deed: deed.occurred_on, _posted_long_enough
    ),
    # The act was done, and said yes to every field.
    "said": Condition(
        frozenset({"since", "act", "fields"}), lambda p, deed: all(deed.said.get(f) for f in p["fields"]), _was_true
    ),
    # The act was done.
    "done": Condition(frozenset({"since", "act"}), lambda _p, _deed: True, _was_true),
    # When the act was done, no other case stood in one of the states `behind`.
    "alone": Condition(
        frozenset({"since", "act", "behind"}),
        lambda p, deed: not any(deed.behind.get(state) for state in p["behind"]),
        _was_true,
    ),
    # A certificate names the class found, and only one of `classes`.
    "certificate": Condition(frozenset({"classes"}), lambda _p, _deed: None, _certified),
    # The fact has one of these values.
    "fact": Condition(
        frozenset({"fact", "values"}),
        lambda _p, _deed: None,
        lambda p, _memory, deed: deed.facts.get(p["fact"]) in p["values"],
    ),
}
