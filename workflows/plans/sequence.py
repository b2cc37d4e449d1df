"""How a plan's phases follow one another: gaps, overlaps, shared days, nesting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from .dates import DateExpression, Kind, vietnamese
from .findings import Finding, finding
from .model import Act, Milestone, Plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Phase", "check_sequence", "days_between", "phases"]

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Phase:
    """A milestone's days, both included. `assumed`: they rest on a suggested reading."""

    milestone: Milestone
    expression: DateExpression
    first: date
    last: date
    assumed: bool

    @property
    def title(self) -> str:
        """The milestone's own words."""
        return self.milestone.text

    @property
    def days(self) -> str:
        """The days, as a person writes them."""
        return days_between(self.first, self.last)

    def holds(self, other: Phase) -> bool:
        """Whether `other` lies wholly within this phase."""
        return self.first <= other.first and other.last <= self.last


def days_between(first: date, last: date) -> str:
    """Return "31/8/2024", or "01/9/2024–14/12/2024"."""
    return vietnamese(first) if first == last else f"{vietnamese(first)}–{vietnamese(last)}"


def phases(plan: Plan, read: Mapping[str, DateExpression]) -> tuple[Phase, ...]:
    """Return the dated phases of `plan` in the order of their days; the stated season is none.

    A milestone that names only its end ("trước ngày 29/10") runs from the day after the last phase that
    ended before it; with none before it, it is that last day alone.
    """
    found: list[Phase] = []
    for stone in sorted(_phase_milestones(plan), key=lambda stone: read[stone.key].meant_last or date.max):
        expression = read[stone.key]
        last = expression.meant_last
        if last is None:
            continue
        ended = [phase.last for phase in found if phase.last < last and phase.milestone.within is None]
        bridged = max(ended) + _DAY if ended else last
        first = expression.meant_first or bridged
        found.append(Phase(stone, expression, first, last, not expression.sound))
    return tuple(sorted(found, key=lambda phase: (phase.first, -phase.last.toordinal())))


def check_sequence(plan: Plan, read: Mapping[str, DateExpression]) -> Iterator[Finding]:
    """Yield what is odd in the order of the phases."""
    found = phases(plan, read)
    by_key = {phase.milestone.key: phase for phase in found}
    top = [phase for phase in found if phase.milestone.within is None]
    yield from _gaps(top)
    yield from _pairs(top)
    for inner in found:
        outer = by_key.get(inner.milestone.within or "")
        if outer is not None:
            yield _declared(inner, outer)


def _phase_milestones(plan: Plan) -> list[Milestone]:
    return [stone for stone in plan.milestones if stone.kind is not Kind.MONTHLY and Act.SEASON not in stone.acts()]


def _gaps(top: list[Phase]) -> Iterator[Finding]:
    if not top:
        return
    before = top[0]
    for after in top[1:]:
        if after.first > before.last + _DAY:
            yield _gap(before, after)
        if after.last > before.last:
            before = after


def _gap(before: Phase, after: Phase) -> Finding:
    last = after.first - _DAY
    return finding(
        "sequence.gap",
        milestone=before.milestone.key,
        replacement=vietnamese(last),
        assumed=before.assumed or after.assumed,
        days=days_between(before.last + _DAY, last),
        before=before.title,
        after=after.title,
    )


def _pairs(top: list[Phase]) -> Iterator[Finding]:
    for place, first in enumerate(top):
        for second in top[place + 1 :]:
            if second.first <= first.last:
                yield _meeting(first, second)
    for first, second in pairwise(top):
        if first.expression.end_excluded and second.first == first.last + _DAY and second.expression.first:
            yield _adjoining(first, second)


def _meeting(first: Phase, second: Phase) -> Finding:
    assumed = first.assumed or second.assumed
    if first.holds(second):
        return _nested(second, first)
    if second.first == first.last:
        day = vietnamese(first.last)
        return finding(
            "sequence.touching",
            milestone=second.milestone.key,
            assumed=assumed,
            day=day,
            first=first.title,
            second=second.title,
        )
    return finding(
        "sequence.overlap",
        milestone=second.milestone.key,
        replacement=vietnamese(second.first - _DAY),
        assumed=assumed,
        days=days_between(second.first, first.last),
        first=first.title,
        second=second.title,
    )


def _adjoining(first: Phase, second: Phase) -> Finding:
    return finding(
        "sequence.adjoining",
        milestone=second.milestone.key,
        assumed=first.assumed or second.assumed,
        day=vietnamese(second.first),
        last=vietnamese(first.last),
        first=first.title,
        second=second.title,
    )


def _declared(inner: Phase, outer: Phase) -> Finding:
    starts_inside = inner.expression.meant_first is None or outer.first <= inner.first
    if starts_inside and outer.first <= inner.last <= outer.last:
        return _nested(inner, outer)
    return finding(
        "sequence.outside_parent",
        milestone=inner.milestone.key,
        assumed=inner.assumed or outer.assumed,
        days=inner.days,
        inner=inner.title,
        outer=outer.title,
    )


def _nested(inner: Phase, outer: Phase) -> Finding:
    return finding(
        "sequence.nested",
        milestone=inner.milestone.key,
        replacement=None if inner.milestone.within else outer.milestone.key,
        assumed=inner.assumed or outer.assumed,
        inner=inner.title,
        outer=outer.title,
    )
