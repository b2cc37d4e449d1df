"""What an arrow, a term, a guard and a provision are called in a picture or a table, in one language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...foundation.errors import NotFoundError
from ...foundation.messages import message, text
from ..definition import StateKind

if TYPE_CHECKING:
    from ...foundation.messages import Language
    from ..definition import Article, DeadlineRule, GuardUse, State, Transition, Workflow

__all__ = ["Arrow", "Wording", "arrows_of", "leaves_anywhere", "story"]

_CIRCLED_ONE = 0x2460


class Arrow:
    """What leads from one state to another: one transition out of one of its sources."""

    __slots__ = ("source", "target", "transition")

    def __init__(self, source: str, transition: Transition) -> None:
        self.source = source
        self.target = transition.target
        self.transition = transition

    def __repr__(self) -> str:
        return f"<Arrow {self.source} –{self.transition.trigger}→ {self.target}>"

    @property
    def stays(self) -> bool:
        """Whether the case remains where it is."""
        return self.source == self.target


def arrows_of(workflow: Workflow) -> list[Arrow]:
    """Return every arrow of a workflow, one for each source of each transition, in the definition's order."""
    return [Arrow(source, t) for t in workflow.transitions for source in t.sources]


def leaves_anywhere(workflow: Workflow, arrow: Arrow) -> bool:
    """Whether an arrow calls the whole procedure off (a withdrawal): drawn once, not from every step."""
    return arrow.transition.cancels and workflow.states[arrow.target].kind is StateKind.END


def story(workflow: Workflow) -> list[str]:
    """Return the states in the order in which a case meets them.

    A state comes after all that lead to it; where they go round in a circle, the definition's own order says which
    comes first. States that only a withdrawal reaches come last.
    """
    into: dict[str, set[str]] = {key: set() for key in workflow.states}
    for arrow in arrows_of(workflow):
        if not arrow.stays and not leaves_anywhere(workflow, arrow):
            into[arrow.target].add(arrow.source)
    told = [workflow.initial.key]
    while True:
        met = [key for key in into if key not in told and into[key] & set(told)]
        if not met:
            return told + [key for key in into if key not in told]
        told.append(next((key for key in met if into[key] <= set(told)), met[0]))


class Wording:
    """A workflow's words in one language."""

    def __init__(self, workflow: Workflow, language: Language) -> None:
        self.workflow = workflow
        self.language = language

    def say(self, code: str, **fields: object) -> str:
        """Return a sentence of the catalogue."""
        return text(f"export.{code}", **fields).within(self.language)

    def state(self, key: str) -> str:
        """Return a state's label."""
        return self.workflow.states[key].label.within(self.language)

    def role(self, key: str) -> str:
        """Return a role's label."""
        return self.workflow.roles[key].label.within(self.language)

    def desk(self, state: State) -> str:
        """Return whose desk a case in `state` lies on; empty for an end."""
        return self.role(state.desk) if state.desk else ""

    def trigger(self, key: str) -> str:
        """Return the label of an act."""
        return self.workflow.triggers[key].label.within(self.language)

    def actors(self, trigger: str) -> str:
        """Return who may do an act; the system for a timer."""
        roles = self.workflow.triggers[trigger].roles
        return ", ".join(self.role(role) for role in roles) or self.say("by_itself")

    def term(self, rule: DeadlineRule) -> str:
        """Return a rule's length in words: at least, at most, or on a fixed day."""
        if rule.term is None:
            return self.say("term.fixed", day=rule.counts_from)
        length = self.say(f"unit.{rule.term.unit.value}", length=rule.term.length)
        return self.say(f"term.{rule.kind.value}", length=length)

    def terms(self, state: str) -> list[str]:
        """Return the terms that run while a case is in `state`."""
        return [self.term(rule) for rule in self.workflow.deadlines if state in rule.lives_in]

    def mark(self, rule: DeadlineRule) -> str:
        """Return the number in a circle under which a rule is explained beside a picture."""
        return chr(_CIRCLED_ONE + self.workflow.deadlines.index(rule))

    def provision(self, article: Article) -> str:
        """Return a provision in short: the act is left out if it is the workflow's own."""
        place = [
            self.say(f"place.{part}", number=number)
            for part, number in (("article", article.article), ("clause", article.clause), ("point", article.point))
            if number
        ]
        own = article.act == self.workflow.article.act and place
        return " ".join(place) if own else " ".join([article.act, *place])

    def guard(self, use: GuardUse) -> str:
        """Return what a guard asks, in words; one that no catalogue knows is shown with its parameters."""
        code = f"export.guard.{use.name}"
        fields = {key: self._value(key, value) for key, value in use.params.items()}
        try:
            template = message(code).within(self.language)
        except NotFoundError:
            return f"{use.name}({', '.join(f'{k}={v}' for k, v in fields.items())})"
        return template.format_map(fields)

    def guards(self, transition: Transition) -> list[str]:
        """Return what a transition asks, in words."""
        return [self.guard(use) for use in transition.guards]

    def _value(self, name: str, given: Any) -> str:
        """Return a guard's parameter in words; a fact, field or value that only a host's procedure knows, as it is."""
        if isinstance(given, list | tuple):
            return ", ".join(self._value(name, one) for one in given)
        if isinstance(given, str) and given.startswith("@"):
            found = self.workflow.criteria.get(given[1:])
            return self._setting(given[1:]) if found is None else self._value(name, found)
        if isinstance(given, Mapping) and {"day", "month"} == set(given):
            return f"{given['day']:02}/{given['month']:02}"
        known = self._named(name, str(given))
        return self._word(str(given).lower()) if known is None else f"“{known}”"

    def _named(self, name: str, given: str) -> str | None:
        """Return what the definition itself calls a state, a setting or a term that a parameter names."""
        if name == "waiting":
            return self.state(given)
        if name == "setting":
            return self._setting(given)
        if name == "deadline":
            return self.workflow.deadline(given).label.within(self.language)
        return None

    def _word(self, given: str) -> str:
        try:
            return message(f"export.word.{given or 'blank'}").within(self.language)
        except NotFoundError:
            return given

    def _setting(self, key: str) -> str:
        setting = self.workflow.settings.get(key)
        return setting.label.within(self.language) if setting else key
