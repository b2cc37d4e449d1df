"""What a guard or an effect may see: one case, the act, and the day. Nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from ..foundation.clock import end_of
from .values import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..deadlines.calendar import Calendar
    from ..persistence.cases import CaseRow
    from ..persistence.deadlines import DeadlineRow
    from .definition import Article, Transition, Workflow
    from .values import ActRequest

__all__ = ["Behind", "Census", "Context", "View"]


class Behind(NamedTuple):
    """Cases that hold up a barrier: how many, and the first few by id."""

    number: int
    case_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Census:
    """How many other cases of the village or the round stand in each state, with samples."""

    counts: Mapping[str, int] = field(default_factory=dict)
    samples: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def behind(self, states: list[str]) -> Behind:
        """Return the cases that stand in one of `states`."""
        ids = [case_id for state in states for case_id in self.samples.get(state, ())]
        return Behind(sum(self.counts.get(state, 0) for state in states), tuple(sorted(ids)[:5]))


@dataclass(frozen=True, slots=True)
class Context:
    """What a decision needs beside the cases and the act; loaded once for the whole batch."""

    now: datetime
    today: date
    calendar: Calendar
    settings: Mapping[str, Any] = field(default_factory=dict)
    census: Mapping[str, Census] = field(default_factory=dict)
    deadlines: Mapping[int, tuple[DeadlineRow, ...]] = field(default_factory=dict)
    round_days: Mapping[int, Mapping[str, date]] = field(default_factory=dict)
    census_level: str = ""


class View:
    """One case under one act, as guards and effects see it."""

    __slots__ = ("_article", "case", "context", "facts", "request", "row", "workflow")

    def __init__(self, workflow: Workflow, request: ActRequest, context: Context) -> None:
        self.workflow = workflow
        self.request = request
        self.context = context
        self._article: Article = workflow.article

    def turn_to(self, case: CaseRow, facts: Mapping[str, Any]) -> None:
        """Look at another case of the same batch."""
        self.case = case
        self.facts = facts
        self.row: Mapping[str, Any] = self.request.rows.get(case.id, _EMPTY)

    def under(self, transition: Transition, article: Article | None) -> None:
        """Name the provision that a refusal would cite."""
        self._article = article or transition.article

    @property
    def body(self) -> Mapping[str, Any]:
        """The act's form."""
        return self.request.body

    @property
    def actor(self) -> str:
        """The key of who acts."""
        return self.request.actor.key

    @property
    def occurred_on(self) -> date:
        """The day on which the act took legal effect."""
        return self.request.occurred_on

    @property
    def now(self) -> datetime:
        """The instant of the decision."""
        return self.context.now

    @property
    def census(self) -> Census:
        """The count of cases at the barrier's level, for this case's village or round."""
        level = self.context.census_level
        key = self.case.unit_path if level == "village" else str(self.case.round_id)
        return self.context.census.get(key, _NO_CENSUS)

    def given(self, name: str) -> Any:
        """Return a field of the household's own row, else of the act."""
        return self.row[name] if name in self.row else self.request.body.get(name)

    def fact(self, name: str) -> Any:
        """Return what earlier steps left, or a field of the case itself."""
        if name in self.facts:
            return self.facts[name]
        return getattr(self.case, name, None) if name in _CASE_FIELDS else None

    def day_fact(self, name: str) -> date | None:
        """Return a fact that is a day, or a day of the round (``started_on``, ``ends_on``)."""
        found = self.facts.get(name)
        if found is not None:
            return date.fromisoformat(found)
        return self.context.round_days.get(self.case.round_id, _EMPTY).get(name)

    def due(self, rule: str) -> date | None:
        """Return the last day of the case's open deadline under `rule`."""
        for deadline in self.context.deadlines.get(self.case.id, ()):
            if deadline.rule == rule:
                return deadline.due_on
        return None

    def end_of(self, day: date) -> datetime:
        """Return 24:00 of a legal day."""
        return end_of(day)

    def setting(self, key: str) -> Any:
        """Return a setting's value for this workflow."""
        if key in self.context.settings:
            return self.context.settings[key]
        return self.workflow.settings[key].default

    def value(self, given: Any) -> Any:
        """Return a parameter, looked up if it names a setting or a criterion (``@name``)."""
        if isinstance(given, str) and given.startswith("@"):
            name = given[1:]
            return self.workflow.criteria[name] if name in self.workflow.criteria else self.setting(name)
        return given

    def refuse(self, code: str, **fields: object) -> Refusal:
        """Return a refusal of this case under the provision in hand."""
        return Refusal(code, str(self._article), fields, self.case.id)


_EMPTY: Mapping[str, Any] = {}
_NO_CENSUS = Census()
_CASE_FIELDS = frozenset({"class_before", "class_after", "state"})
