"""decide(): which cases an act moves, and why it does not move the others. No database, no wall clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from json import JSONDecoder
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..persistence.canonical import canonical_text
from .effects import effect_spec
from .offices import REACH_DOWN, office_held
from .settings import setting_of
from .values import Refusal
from .views import Context, View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ..persistence.cases import CaseRow
    from .definition import Transition
    from .effects import Change
    from .machine import Choice, CompiledWorkflow
    from .values import ActRequest

__all__ = ["Decision", "Step", "decide", "follow"]

_parse: Final[Callable[[str, int], tuple[Any, int]]] = JSONDecoder().scan_once  # type: ignore[attr-defined]  # absent from typeshed
"""Facts are canonical text, without space around it: `json.loads` would look for some, for a third of its time."""


class Step(NamedTuple):
    """One case moved: the arrow it takes and the facts it carries after."""

    case: CaseRow
    transition: Transition
    facts: Mapping[str, Any]
    facts_text: str
    role: str

    @property
    def class_after(self) -> str | None:
        """The class that the scores give, once there are scores."""
        return self.facts.get("class_after")

    def last_on(self, day: date) -> date:
        """Return the day before which no later act may lie, after this step of `day`.

        What sends a case back from a later day (a complaint in time, entered late) begins there anew: the acts that
        followed it on paper may be entered too.
        """
        sent_back = self.transition.follows and self.transition.target != self.case.state
        return day if sent_back else max(day, self.case.last_on)


@dataclass(frozen=True, slots=True)
class Decision:
    """What an act does: the steps it makes and the refusals it meets."""

    accepted: tuple[Step, ...]
    refused: tuple[Refusal, ...]


def decide(workflow: CompiledWorkflow, cases: Sequence[CaseRow], request: ActRequest, context: Context) -> Decision:
    """Decide `request` over `cases` of one workflow.

    Every case is answered: it is among the accepted steps or among the refusals, never both.
    """
    trigger = workflow.workflow.triggers.get(request.trigger)
    if trigger is None:
        known = ", ".join(workflow.workflow.triggers)
        refusal = Refusal("refused.unknown_trigger", fields={"trigger": request.trigger, "known": known})
        return Decision((), tuple(_for(refusal, case) for case in cases))
    deciding = _Deciding(workflow, request, context)
    for case in cases:
        deciding.case(case)
    return Decision(tuple(deciding.accepted), tuple(deciding.refused))


def follow(
    workflow: CompiledWorkflow, case: CaseRow, transition: Transition, request: ActRequest, context: Context
) -> Step:
    """Return the step that an arrow on record makes. Its guards are not asked: it was decided when it was entered."""
    return _Deciding(workflow, request, context).follow(case, transition)


class _Deciding:
    """The running state of one decision: answers already given for a whole group of cases."""

    def __init__(self, compiled: CompiledWorkflow, request: ActRequest, context: Context) -> None:
        self.compiled = compiled
        self.workflow = compiled.workflow
        self.trigger = self.workflow.triggers[request.trigger]
        self.request = request
        self.context = context
        self.view = View(self.workflow, request, context)
        self._back_dating_days = self._setting("back_dating_days")
        self.accepted: list[Step] = []
        self.refused: list[Refusal] = []
        self._choices: dict[tuple[str, str], Choice] = {}
        self._roles: dict[str, str | None] = {}
        self._gates: dict[tuple[str, str], Refusal | None] = {}
        self._changes: dict[int, list[tuple[Change, Mapping[str, Any]]]] = {}
        self._parsed: dict[str, Mapping[str, Any]] = {}

    def case(self, case: CaseRow) -> None:
        """Answer for one case."""
        refusal = self._before(case)
        if refusal is not None:
            self.refused.append(_for(refusal, case))
            return
        facts = self._facts_of(case)
        self.view.turn_to(case, facts)
        choice = self._choice(case)
        if choice.transition is None:
            self.refused.extend(_for(r, case) for r in choice.refusals)
            return
        late = self._out_of_order(case, choice.transition, facts)
        if late is not None:
            self.refused.append(_for(late, case))
            return
        changed, text = self._after(case, choice.transition, facts)
        self.accepted.append(Step(case, choice.transition, changed, text, self._roles[case.unit_path] or ""))

    def follow(self, case: CaseRow, transition: Transition) -> Step:
        """Take an arrow without asking."""
        facts = self._facts_of(case)
        self.view.turn_to(case, facts)
        changed, text = self._after(case, transition, facts)
        return Step(case, transition, changed, text, "")

    def _before(self, case: CaseRow) -> Refusal | None:
        """Say why this act cannot be done to any case of this state in this village, if so."""
        gate = (case.state, case.unit_path)
        if gate not in self._gates:
            self._gates[gate] = self._gate(case)
        return self._gates[gate]

    def _gate(self, case: CaseRow) -> Refusal | None:
        if not self.compiled.leaves(case.state, self.trigger.key):
            return self._wrong_state(case)
        if self._role(case.unit_path) is None:
            return self._no_mandate(case)
        return self._bad_day()

    def _role(self, unit_path: str) -> str | None:
        if unit_path not in self._roles:
            self._roles[unit_path] = self._find_role(unit_path)
        return self._roles[unit_path]

    def _find_role(self, unit_path: str) -> str | None:
        if self.trigger.is_timer:
            return "system" if self.request.actor.key == "system" else None
        held = office_held(
            self.workflow, self.request.actor, self.trigger.roles, unit_path, self.request.occurred_on,
            reach_down=self._setting(REACH_DOWN) is True,
        )  # fmt: skip
        return held.role if held else None

    def _setting(self, key: str) -> Any:
        return setting_of(self.workflow, self.context.settings, key)

    def _wrong_state(self, case: CaseRow) -> Refusal:
        state, trigger = self.workflow.state(case.state).label, self.trigger.label
        return Refusal(
            "refused.state",
            str(self.trigger.article),
            {"state_vi": state.vi, "state_en": state.en, "trigger_vi": trigger.vi, "trigger_en": trigger.en},
        )

    def _no_mandate(self, case: CaseRow) -> Refusal:
        roles = [self.workflow.roles[key].label for key in self.trigger.roles]
        return Refusal(
            "refused.role",
            str(self.trigger.article),
            {
                "actor": self.request.actor.key,
                "unit": case.unit_path,
                "roles_vi": ", ".join(r.vi for r in roles) or "hệ thống",
                "roles_en": ", ".join(r.en for r in roles) or "the system",
            },
        )

    def _bad_day(self) -> Refusal | None:
        occurred, today = self.request.occurred_on, self.context.today
        if occurred > today:
            return Refusal("refused.future", fields={"day": occurred, "today": today})
        limit = self._back_dating_days
        if limit is not None and not self.trigger.is_timer and (today - occurred).days > limit:
            return Refusal("refused.too_old", fields={"day": occurred, "today": today, "limit": limit})
        return None

    def _out_of_order(self, case: CaseRow, transition: Transition, facts: Mapping[str, Any]) -> Refusal | None:
        if self.trigger.is_timer:
            return None  # a term runs out on its own last day, whatever was entered since
        earlier = case.last_on
        if transition.follows and facts.get(transition.follows):
            earlier = date.fromisoformat(facts[transition.follows])
        if self.request.occurred_on >= earlier:
            return None
        return Refusal(
            "refused.before_previous",
            str(transition.article),
            {"day": self.request.occurred_on, "previous": earlier},
        )

    def _choice(self, case: CaseRow) -> Choice:
        if self.compiled.asks_each(case.state, self.trigger.key):
            return self.compiled.choose_each(case.state, self.trigger.key, self.view)
        group = (case.state, self._group_of(case))
        if group not in self._choices:
            self._choices[group] = self.compiled.choose(case.state, self.trigger.key, self.view)
        return self._choices[group]

    def _group_of(self, case: CaseRow) -> str:
        level = self.context.census_level
        return "" if not level else case.unit_path if level == "village" else str(case.round_id)

    def _facts_of(self, case: CaseRow) -> Mapping[str, Any]:
        found = self._parsed.get(case.facts)
        if found is None:
            found = self._parsed[case.facts] = _parse(case.facts, 0)[0]
        return found

    def _after(self, case: CaseRow, transition: Transition, facts: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
        if not transition.effects:
            return facts, case.facts
        changed = dict(facts)
        for change, params in self._changes_of(transition):
            changed.update(change(self.view, params))
            self.view.facts = changed
        if None in changed.values():
            changed = {key: value for key, value in changed.items() if value is not None}
        return changed, canonical_text(changed)

    def _changes_of(self, transition: Transition) -> list[tuple[Change, Mapping[str, Any]]]:
        found = self._changes.get(id(transition))
        if found is None:
            found = [(effect_spec(use.name, use.params).change, use.params) for use in transition.effects]
            self._changes[id(transition)] = found
        return found


def _for(refusal: Refusal, case: CaseRow) -> Refusal:
    if refusal.case_id == case.id:
        return refusal
    return Refusal(refusal.code, refusal.article, refusal.fields, case.id)


def refusal_counts(refusals: Iterable[Refusal]) -> dict[str, int]:
    """Return how many cases were refused for each code."""
    counts: dict[str, int] = {}
    for refusal in refusals:
        counts[refusal.code] = counts.get(refusal.code, 0) + 1
    return counts
