"""Timed soundness: the lawful courses that, with everybody prompt, still exceed a term that spans others.

An office that has no term of its own for a step is taken to act at once (the next working day, if need be); a posting
lasts its full time; a term the law grants is used to its last day; a complaint may come on any day it is allowed.
Each arrow is walked once a course. What then lies past a spanning term (the 15 days of the monthly review) lies in
the law's own terms: the definition must say so (``may_exceed``), or the check fails with the course as a dated path.
Days off are those of the calendar given; the built-in cause ``holidays`` is believed only if the same course would
have fitted into plain weeks.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from ...deadlines.calendar import Calendar
from ...foundation.messages import Text, text
from ..definition import DeadlineKind, DeadlineRule, StateKind
from .findings import Finding, PathLine, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..definition import Excuse, Transition, Workflow

__all__ = ["Course", "exceeding", "timed"]

HOLIDAYS = "holidays"
_LONGEST = 90  # days a course may reach past the round's start
_DAYS_A_YEAR = 365


class Course(NamedTuple):
    """A lawful course that passes the last day of a spanning term."""

    rule: DeadlineRule
    round: date
    due: date
    done: date
    causes: frozenset[str]
    lines: tuple[PathLine, ...]

    @property
    def days(self) -> int:
        """By how many days the term is exceeded."""
        return (self.done - self.due).days


@dataclass(frozen=True, slots=True)
class _At:
    """A case on its way: where, on which day, what runs, what it carries."""

    state: str
    day: date
    named: Mapping[str, date]
    over: bool = False  # the day itself is over: a term ended at its 24:00
    running: Mapping[str, date] = field(default_factory=dict)
    causes: frozenset[str] = frozenset()
    walked: frozenset[int] = frozenset()
    lines: tuple[PathLine, ...] = ()
    prepared: bool = False


def timed(workflow: Workflow, calendar: Calendar) -> Iterator[Finding]:
    """Yield, for each spanning term, the worst course no excuse covers, what each excuse covers, and idle excuses."""
    for rule in workflow.deadlines:
        if not _spans(workflow, rule):
            continue
        courses = [c for start in _starts(workflow, calendar) for c in exceeding(workflow, rule, start, calendar)]
        bare = [course for course in courses if _excuse(workflow, course, calendar) is None]
        if bare:
            yield _finding("check.term_exceeded", Severity.ERROR, max(bare, key=lambda c: c.days))
        for excuse in rule.may_exceed:
            yield _covered(workflow, rule, excuse, courses, calendar)


def exceeding(
    workflow: Workflow, rule: DeadlineRule, start: date, calendar: Calendar, preparation: int = 0
) -> Iterator[Course]:
    """Yield the courses of the round of `start` that pass the last day of `rule`.

    `preparation` working days are spent before the first term that is not spanning begins (a posting).
    """
    for opened in _openings(workflow, start):
        walk = _Walk(workflow, rule, start, calendar, preparation)
        yield from walk.go(_At(workflow.initial.key, opened, named={"started_on": start}))


def _spans(workflow: Workflow, rule: DeadlineRule) -> bool:
    """Whether a maximum term runs over states in which other terms run."""
    return rule.kind is DeadlineKind.MAXIMUM and any(
        other.lives_in < rule.lives_in for other in workflow.deadlines if other is not rule
    )


def _starts(workflow: Workflow, calendar: Calendar) -> list[date]:
    """Return the days on which a round, or a case, may start: those of the regime that the calendar covers."""
    first = max(workflow.effective_from, calendar.first_day + timedelta(days=_LONGEST))
    last = min(workflow.effective_to or calendar.last_day, calendar.last_day - timedelta(days=_LONGEST))
    every = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    if workflow.round_day is None:
        return every[-_DAYS_A_YEAR:]
    return [day for day in every if day.day == workflow.round_day]


def _openings(workflow: Workflow, start: date) -> list[date]:
    """Return the days on which the first act is looked at: the day before the round, and a round earlier."""
    if workflow.round_day is None:
        return [start]
    earlier = (start.replace(day=1) - timedelta(days=1)).replace(day=start.day)
    return [start - timedelta(days=1), earlier]


class _Walk:
    """All courses of one round."""

    def __init__(
        self, workflow: Workflow, rule: DeadlineRule, start: date, calendar: Calendar, preparation: int
    ) -> None:
        self.workflow = workflow
        self.rule = rule
        self.start = start
        self.calendar = calendar
        self.preparation = preparation
        self.spanning = {r.key for r in workflow.deadlines if _spans(workflow, r)}

    def go(self, at: _At) -> Iterator[Course]:
        if self.workflow.states[at.state].kind is StateKind.END:
            return
        for i, arrow in enumerate(self.workflow.transitions):
            if at.state in arrow.sources and i not in at.walked and self._lawful(arrow, at.state):
                for day, over in self._days(at, arrow):
                    after = self._after(at, arrow, day, over=over)
                    yield from self._judged(at, after)
                    yield from self.go(replace(after, walked=at.walked | {i}))

    def _lawful(self, arrow: Transition, state: str) -> bool:
        """Leave out what is entered late, given up, or not open by default."""
        shut = any(
            g.name == "setting_is" and self.workflow.settings[g.params["setting"]].default != g.params["value"]
            for g in arrow.guards
        )
        return not (arrow.follows or arrow.cancels or shut or arrow.target == state)

    def _days(self, at: _At, arrow: Transition) -> list[tuple[date, bool]]:
        """Return the days on which the arrow may be taken: (day, whether that day is then over)."""
        minimum = [r for r in self.workflow.deadlines if r.kind is DeadlineKind.MINIMUM and at.state in r.lives_in]
        if self.workflow.triggers[arrow.trigger].is_timer:
            return [(at.running[r.key], True) for r in minimum if r.on_expiry == arrow.trigger]
        bounds = [r for r in self.workflow.deadlines if r.key in at.running and r.key not in self.spanning]
        maximum = [r for r in bounds if r.kind is DeadlineKind.MAXIMUM and arrow.target not in r.lives_in]
        soonest = self._soonest(at, arrow)
        if minimum:
            last = min(at.running[r.key] for r in minimum)
            return [(day, False) for day in self._working_days(soonest, last)]
        return [(max([soonest, *(at.running[r.key] for r in maximum)]), False)]

    def _soonest(self, at: _At, arrow: Transition) -> date:
        day = at.day + timedelta(days=1) if at.over else at.day
        for guard in arrow.guards:
            named = at.named.get(guard.params.get("day", ""))
            if named and guard.name in {"from_day", "after"}:
                day = max(day, named + timedelta(days=guard.name == "after"))
        if not self._prepared(at, arrow):
            return self.calendar.add_working_days(self.calendar.on_or_after(day), self.preparation)
        # What an office gets it may get on any day; it acts on working days.
        return day if arrow.sources == (self.workflow.initial.key,) else self.calendar.on_or_after(day)

    def _prepared(self, at: _At, arrow: Transition) -> bool:
        return at.prepared or not self.preparation or not self._first_term(arrow)

    def _first_term(self, arrow: Transition) -> bool:
        return any(arrow.target in r.lives_in and r.key not in self.spanning for r in self.workflow.deadlines)

    def _working_days(self, first: date, last: date) -> list[date]:
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        return [day for day in days if self.calendar.is_working(day)]

    def _after(self, at: _At, arrow: Transition, day: date, *, over: bool) -> _At:
        left = {k: v for k, v in at.running.items() if arrow.target in self.workflow.deadline(k).lives_in}
        named = {**at.named, **self._remembered(at, arrow, day)}
        for rule in self.workflow.deadlines:
            if arrow.target in rule.lives_in and at.state not in rule.lives_in and rule.term is not None:
                left[rule.key] = rule.term.due_on(named.get(rule.counts_from, day), self.calendar)
        trigger, target = self.workflow.triggers[arrow.trigger].label, self.workflow.states[arrow.target].label
        line = PathLine(day, Text(f"{trigger.vi} → {target.vi}", f"{trigger.en} → {target.en}"))
        return replace(
            at,
            state=arrow.target,
            day=day,
            over=over,
            running=left,
            named=named,
            causes=at.causes | _causes(arrow),
            lines=(*at.lines, line),
            prepared=at.prepared or self._first_term(arrow),
        )

    def _remembered(self, at: _At, arrow: Transition, day: date) -> dict[str, date]:
        found: dict[str, date] = {}
        for use in arrow.effects:
            for name, source in use.params.items() if use.name == "remember" else ():
                if source == "day":
                    found[name] = day
                elif isinstance(source, str) and source.startswith("due."):
                    found[name] = at.running[source[4:]]
        return found

    def _judged(self, before: _At, after: _At) -> Iterator[Course]:
        """Yield the course if the step just made ends the term after its last day."""
        due = before.running.get(self.rule.key)
        if due is not None and self.rule.key not in after.running and after.day > due:
            yield Course(self.rule, self.start, due, after.day, after.causes, _dated(self, after, due))


def _dated(walk: _Walk, after: _At, due: date) -> tuple[PathLine, ...]:
    limit = PathLine(due, text("check.path.limit", deadline_vi=walk.rule.label.vi, deadline_en=walk.rule.label.en))
    rounds = [PathLine(walk.start, text("check.path.round"))] if walk.workflow.round_day is not None else []
    return tuple(sorted([*rounds, *after.lines, limit], key=lambda line: line.day or walk.start))


def _causes(arrow: Transition) -> frozenset[str]:
    return frozenset(
        name.removeprefix("cause_")
        for use in arrow.effects
        for name, value in use.params.items()
        if use.name == "remember" and name.startswith("cause_") and value is True
    )


def _excuse(workflow: Workflow, course: Course, calendar: Calendar) -> Excuse | None:
    for excuse in course.rule.may_exceed:
        if excuse.cause in course.causes:
            return excuse
        if excuse.cause == HOLIDAYS and _fits_plain_weeks(workflow, course, calendar):
            return excuse
    return None


def _fits_plain_weeks(workflow: Workflow, course: Course, calendar: Calendar) -> bool:
    plain = _plain_weeks(calendar.first_day, calendar.last_day)
    return not any(other.causes <= course.causes for other in exceeding(workflow, course.rule, course.round, plain))


def _covered(
    workflow: Workflow, rule: DeadlineRule, excuse: Excuse, courses: list[Course], calendar: Calendar
) -> Finding:
    """Show what an excuse covers: its example if it gives one, else the worst course; or that it covers nothing."""
    mine = [c for c in courses if _excuse(workflow, c, calendar) is excuse]
    if excuse.example is not None:
        asked = excuse.example
        found = exceeding(workflow, rule, asked.round, calendar, asked.preparation)
        mine = [c for c in found if excuse.cause in c.causes or excuse.cause == HOLIDAYS]
    if not mine:
        fields = {"deadline": rule.key, "cause": excuse.cause}
        return Finding("check.excuse_unneeded", Severity.WARNING, f"deadlines.{rule.key}.may_exceed", fields)
    worst = max(mine, key=lambda c: (c.days, -len(c.causes), c.lines[0].day or c.round))
    return _finding("check.term_exceeded_known", Severity.NOTE, worst, excuse)


def _finding(code: str, severity: Severity, course: Course, excuse: Excuse | None = None) -> Finding:
    fields: dict[str, object] = {
        "deadline_vi": course.rule.label.vi,
        "deadline_en": course.rule.label.en,
        "due": course.due,
        "done": course.done,
        "days": course.days,
    }
    if excuse is not None:
        fields |= {"cause": excuse.cause, "why_vi": excuse.why.vi, "why_en": excuse.why.en}
    return Finding(code, severity, f"deadlines.{course.rule.key}", fields, course.lines)


@cache
def _plain_weeks(first: date, last: date) -> Calendar:
    return Calendar("plain-weeks", {}, first_day=first, last_day=last, confirmed_through=last)
