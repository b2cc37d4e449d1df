"""What moving cases to another definition means: the plan, its faults, and what it does to one case. Pure.

A plan is data (`workflows/data/migrations/*.toml`). `engine.moving` carries it out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from ..foundation.errors import InputError
from ..foundation.messages import Text, fault, text
from .definition import Article, DeadlineKind, DeadlineRule, StateKind, Workflow
from .terms import Computed, compute, owner_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..deadlines.calendar import Calendar
    from ..persistence.cases import CaseRow
    from ..persistence.deadlines import DeadlineRow

__all__ = [
    "Begun",
    "Blocked",
    "CaseMove",
    "Choice",
    "Continued",
    "DeadlineMove",
    "Ended",
    "MigrationPlan",
    "Option",
    "Situation",
    "Treatment",
    "UnitChange",
    "check_plan",
    "move_of",
    "settled",
]

_LONGEST_KEY = 32
_LEVELS_WITH_DISTRICT = {"province": 1, "district": 2, "commune": 3, "village": 4}


class Treatment(StrEnum):
    """What becomes of a running term: its last day stays, it starts anew, or it is counted again from its own start."""

    KEEP = "keep"
    RESTART = "restart"
    RECOMPUTE = "recompute"


class Option(NamedTuple):
    """One answer to a question the law leaves open: what it changes in the plan's maps."""

    key: str
    label: Text
    states: Mapping[str, str]
    deadlines: Mapping[str, Treatment]


@dataclass(frozen=True, slots=True)
class Choice:
    """A question the law leaves open (`doubt`), its answers, and the one taken if nobody chooses."""

    key: str
    label: Text
    doubt: str
    default: str
    options: Mapping[str, Option]


@dataclass(frozen=True, slots=True)
class UnitChange:
    """What becomes of unit paths: a level that is dropped, communes that get another path.

    Several communes may get one path: they merge. A village that would then be taken for another is named too.
    """

    drops_district: bool = False
    recoded: Mapping[str, str] = field(default_factory=dict)

    def path(self, old: str, level: str) -> str:
        """Return the new path of a unit of `level`; a path that has no district already stays."""
        if old in self.recoded:
            return self.recoded[old]
        parts = old.split("/")
        commune = "/".join(parts[:3])
        if commune in self.recoded:
            return "/".join([self.recoded[commune], *parts[3:]])
        if self.drops_district and len(parts) == _LEVELS_WITH_DISTRICT[level]:
            return "/".join([parts[0], *parts[2:]])
        return old

    def villages(self, commune: str) -> dict[str, str]:
        """Return the villages of a commune that are named: old path → new path."""
        return {old: new for old, new in self.recoded.items() if old.startswith(commune + "/")}

    def merges(self, commune: str) -> bool:
        """Whether a commune becomes part of one that others become part of too."""
        return list(self.recoded.values()).count(self.path(commune, "commune")) > 1


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    """How running cases of one definition go on under another from day `on`.

    A state that `states` does not name keeps its key; a term that `deadlines` does not name keeps its last day.
    """

    key: str
    label: Text
    source: str
    target: str
    on: date
    document: str
    article: Article
    states: Mapping[str, str]
    deadlines: Mapping[str, Treatment]
    units: UnitChange
    choices: Mapping[str, Choice]
    fingerprint: str
    chosen: Mapping[str, str] = field(default_factory=dict)

    def state(self, old: str) -> str:
        """Return the state in which a case goes on that stands in `old`."""
        return self.states.get(old, old)

    def treatment(self, rule: str) -> Treatment:
        """Return what becomes of a running term."""
        return self.deadlines.get(rule, Treatment.KEEP)


class Situation(NamedTuple):
    """What one case's move is judged by: both definitions, its running terms, the days of its round, now."""

    old: Workflow
    new: Workflow
    deadlines: tuple[DeadlineRow, ...]
    changed_by_hand: frozenset[int]
    round_days: Mapping[str, date]
    calendar: Calendar
    now: datetime


class Continued(NamedTuple):
    """A term that runs on under `rule`: with its last day kept, or counted again from its own start."""

    row: DeadlineRow
    rule: DeadlineRule
    treatment: Treatment
    due: Computed
    owner_path: str

    @property
    def how(self) -> str:
        """What becomes of it, in a word."""
        return self.treatment.value


class Begun(NamedTuple):
    """A term that begins with the migration, in place of `before` if one was running (restart)."""

    rule: DeadlineRule
    started_on: date
    due: Computed
    owner_path: str
    before: DeadlineRow | None = None

    @property
    def how(self) -> str:
        """What becomes of it, in a word."""
        return Treatment.RESTART.value if self.before else "opened"


class Ended(NamedTuple):
    """A term that the new state does not have."""

    row: DeadlineRow

    @property
    def how(self) -> str:
        """What becomes of it, in a word."""
        return "ended"


DeadlineMove = Continued | Begun | Ended


class CaseMove(NamedTuple):
    """Where a case goes on, from which legal day, and with which terms."""

    case: CaseRow
    state: str
    unit_path: str
    day: date
    deadlines: tuple[DeadlineMove, ...]


class Blocked(NamedTuple):
    """Why a case cannot be moved: a stable code and the fields of its sentence."""

    case_id: int
    code: str
    fields: Mapping[str, object]

    @property
    def reason(self) -> Text:
        """The sentence in both languages."""
        return text(f"migration.blocked.{self.code}", **self.fields)


def settled(plan: MigrationPlan, chosen: Mapping[str, str]) -> MigrationPlan:
    """Return the plan with every open question answered: as `chosen`, else by its default.

    `InputError` names a question or an answer that the plan does not have.
    """
    if unknown := set(chosen) - set(plan.choices):
        raise fault(
            InputError,
            "migrating.no_choice",
            plan=plan.key,
            asked=", ".join(sorted(unknown)),
            known=", ".join(plan.choices) or "none",
        )
    states, deadlines = dict(plan.states), dict(plan.deadlines)
    answers: dict[str, str] = {}
    for choice in plan.choices.values():
        answer = answers[choice.key] = chosen.get(choice.key, choice.default)
        if answer not in choice.options:
            raise fault(
                InputError,
                "migrating.answer",
                plan=plan.key,
                choice=choice.key,
                answer=answer,
                known=", ".join(choice.options),
            )
        states |= choice.options[answer].states
        deadlines |= choice.options[answer].deadlines
    return replace(plan, states=states, deadlines=deadlines, chosen=answers)


def check_plan(plan: MigrationPlan, old: Workflow, new: Workflow) -> list[Text]:
    """Return every fault of a plan under every answer to its questions; empty if it can be carried out."""
    faults = _heads(plan, old, new)
    if faults:
        return faults
    variants = [settled(plan, {}), *(_answered(plan, c, o) for c in plan.choices.values() for o in c.options.values())]
    for variant in variants:
        faults += [f for f in _maps(variant, old, new) if f not in faults]
    return faults


def move_of(plan: MigrationPlan, case: CaseRow, situation: Situation) -> CaseMove | Blocked:
    """Say where a running case goes on, or why it cannot be moved. The plan's questions are answered."""
    old, new = situation.old, situation.new
    state = plan.state(case.state)
    if state not in new.states or case.state not in old.states:
        return Blocked(case.id, "state", {"state": case.state, "target": new.id})
    for row in situation.deadlines:
        if row.kind == DeadlineKind.MINIMUM and row.status == "open" and row.due_at <= situation.now:
            return Blocked(case.id, "timer_due", {"rule": row.rule, "due": row.due_on})
    try:
        return _moved(plan, case, state, situation)
    except _CannotError as reason:
        return reason.why


class _CannotError(Exception):
    def __init__(self, why: Blocked) -> None:
        super().__init__(why.code)
        self.why = why


def _moved(plan: MigrationPlan, case: CaseRow, state: str, situation: Situation) -> CaseMove:
    day = max(plan.on, case.last_on)
    path = plan.units.path(case.unit_path, "village")
    running = {row.rule: row for row in situation.deadlines}
    moves: list[DeadlineMove] = []
    for rule in situation.new.deadlines:
        if state in rule.lives_in:
            owner = _owner(rule, situation.new, path, case)
            row = running.pop(rule.key, None)
            moves.append(_goes_on(plan, rule, row, (case, day, owner), situation))
    return CaseMove(case, state, path, day, (*moves, *(Ended(row) for row in running.values())))


def _owner(rule: DeadlineRule, workflow: Workflow, path: str, case: CaseRow) -> str:
    try:
        return owner_path(rule, workflow, path)
    except InputError:
        level = workflow.roles[rule.owner].level
        raise _CannotError(Blocked(case.id, "level", {"unit": path, "level": level, "rule": rule.key})) from None


def _goes_on(
    plan: MigrationPlan,
    rule: DeadlineRule,
    row: DeadlineRow | None,
    place: tuple[CaseRow, date, str],
    at: Situation,
) -> DeadlineMove:
    case, day, owner = place
    if row is None:
        start = _start(rule, case, day, at)
        return Begun(rule, start, compute(rule, start, at.calendar), owner)
    treatment = plan.treatment(rule.key)
    if treatment is not Treatment.KEEP and row.id in at.changed_by_hand:
        raise _CannotError(Blocked(case.id, "changed_by_hand", {"rule": rule.key, "treatment": treatment.value}))
    if treatment is Treatment.RESTART:
        return Begun(rule, day, compute(rule, day, at.calendar), owner, row)
    kept = Computed(row.due_on, row.due_at, row.next_at, row.provisional)
    due = kept if treatment is Treatment.KEEP else compute(rule, row.started_on, at.calendar)
    return Continued(row, rule, treatment, due, owner)


def _start(rule: DeadlineRule, case: CaseRow, day: date, at: Situation) -> date:
    if not rule.counts_from:
        return day
    facts: Mapping[str, Any] = json.loads(case.facts)
    if rule.counts_from in facts:
        return date.fromisoformat(facts[rule.counts_from])
    if rule.counts_from in at.round_days:
        return at.round_days[rule.counts_from]
    raise _CannotError(Blocked(case.id, "fact", {"rule": rule.key, "fact": rule.counts_from}))


def _answered(plan: MigrationPlan, choice: Choice, option: Option) -> MigrationPlan:
    return settled(plan, {choice.key: option.key})


def _heads(plan: MigrationPlan, old: Workflow, new: Workflow) -> list[Text]:
    """Faults of the plan as a whole."""
    faults = []
    if len(plan.key) > _LONGEST_KEY:
        faults.append(_fault("key_too_long", key=plan.key, longest=_LONGEST_KEY))
    if old.id == new.id:
        faults.append(_fault("same", workflow=old.id))
    if old.key != new.key or old.subject != new.subject:
        faults.append(_fault("other_procedure", source=old.id, target=new.id))
    if plan.on < new.effective_from or (new.effective_to and plan.on > new.effective_to):
        faults.append(_fault("not_in_force", target=new.id, day=plan.on))
    return faults + [
        _fault("no_such_option", choice=choice.key, option=choice.default)
        for choice in plan.choices.values()
        if choice.default not in choice.options
    ]


def _maps(plan: MigrationPlan, old: Workflow, new: Workflow) -> list[Text]:
    faults = [_fault("unknown_source", state=s, workflow=old.id) for s in plan.states if s not in old.states]
    for state in old.states.values():
        target = new.states.get(plan.state(state.key))
        if state.kind is StateKind.END:
            if state.key in plan.states:
                faults.append(_fault("ended", state=state.key))
        elif target is None:
            faults.append(_fault("no_target", state=state.key, target=plan.state(state.key), workflow=new.id))
        elif target.kind is StateKind.END:
            faults.append(_fault("into_end", state=state.key, target=target.key))
    known = {rule.key for rule in old.deadlines} & {rule.key for rule in new.deadlines}
    faults += [_fault("unknown_deadline", rule=rule) for rule in plan.deadlines if rule not in known]
    return [*faults, *_kinds(plan, old, new)]


def _kinds(plan: MigrationPlan, old: Workflow, new: Workflow) -> list[Text]:
    """Find terms that change their kind while they run: who waits and who hurries would be exchanged."""
    before = {rule.key: rule for rule in old.deadlines}
    return [
        _fault("other_kind", rule=rule.key, old=before[rule.key].kind.value, new=rule.kind.value)
        for rule in new.deadlines
        if rule.key in before and before[rule.key].kind is not rule.kind
        if plan.treatment(rule.key) is not Treatment.RESTART
    ]


def _fault(code: str, **fields: object) -> Text:
    return text(f"migration.fault.{code}", **fields)
