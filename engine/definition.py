"""The vocabulary of a procedure: what a definition may say. Values only; `loading` reads them from TOML."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from ..foundation.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from ..deadlines.terms import Term
    from ..foundation.messages import Text

__all__ = [
    "SUPERVISOR",
    "Article",
    "Confidence",
    "DeadlineKind",
    "DeadlineRule",
    "EffectUse",
    "Example",
    "Excuse",
    "Extension",
    "GuardUse",
    "Invariant",
    "Role",
    "Setting",
    "State",
    "StateKind",
    "Transition",
    "Trigger",
    "Workflow",
]

SUPERVISOR = "supervisor"
"""The office above every desk: it is told of breaches, and decides on terms where a rule names no other role."""


class Confidence(StrEnum):
    """How sure the project is of a provision. Only FOUND and SEED are law; the rest are named settings."""

    FOUND = "FOUND"
    SEED = "SEED"
    SETTING = "SETTING"


@dataclass(frozen=True, slots=True)
class Article:
    """A provision: act, article (điều), clause (khoản), point (điểm), and how it is known."""

    act: str
    article: str = ""
    clause: str = ""
    point: str = ""
    tag: Confidence = Confidence.FOUND

    def __str__(self) -> str:
        parts = [self.act]
        parts += [f"Điều {self.article}"] if self.article else []
        parts += [f"khoản {self.clause}"] if self.clause else []
        parts += [f"điểm {self.point}"] if self.point else []
        return " ".join(parts)


class StateKind(StrEnum):
    """What a state is to the procedure."""

    INITIAL = "initial"
    WORK = "work"
    WAITING = "waiting"
    END = "end"


@dataclass(frozen=True, slots=True)
class State:
    """A step in which a case rests. A waiting state has a deadline, or says why it has none."""

    key: str
    label: Text
    kind: StateKind
    article: Article
    desk: str = ""
    no_deadline: Text | None = None


@dataclass(frozen=True, slots=True)
class Role:
    """An office that acts (Ban Chỉ đạo cấp xã, Chủ tịch UBND …) at one level of the unit tree."""

    key: str
    label: Text
    level: str


@dataclass(frozen=True, slots=True)
class Setting:
    """A choice the law leaves open, with its default; `doubt` names the open question. None: not limited."""

    key: str
    label: Text
    default: Any
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class GuardUse:
    """A guard named by a transition, with its parameters."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    article: Article | None = None


@dataclass(frozen=True, slots=True)
class EffectUse:
    """An effect on a case's facts named by a transition, with its parameters."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trigger:
    """An act that can move cases: who may do it, on which form, under which article. No roles: a timer."""

    key: str
    label: Text
    roles: tuple[str, ...]
    form: str
    article: Article

    @property
    def is_timer(self) -> bool:
        """Whether only the worker fires it."""
        return not self.roles


@dataclass(frozen=True, slots=True)
class Transition:
    """One arrow: on `trigger`, from one of `sources` to `target`, if all guards pass."""

    trigger: str
    sources: tuple[str, ...]
    target: str
    guards: tuple[GuardUse, ...]
    effects: tuple[EffectUse, ...]
    article: Article
    follows: str = ""
    cancels: bool = False

    @property
    def key(self) -> str:
        """A name that is unique within its workflow."""
        return f"{self.trigger}:{'|'.join(self.sources)}>{self.target}"


class DeadlineKind(StrEnum):
    """MINIMUM must run out before the step may close; MAXIMUM and FIXED may not be passed."""

    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    FIXED = "fixed"


class Example(NamedTuple):
    """A round in which a term is exceeded: its start, and the working days spent before the first term began."""

    round: date
    preparation: int


@dataclass(frozen=True, slots=True)
class Excuse:
    """Why a lawful course may exceed a term: a cause the case carries (``cause_<cause>``), or ``holidays``."""

    cause: str
    why: Text
    example: Example | None = None


@dataclass(frozen=True, slots=True)
class Invariant:
    """What must have happened before a case enters one of the states `before`, whatever the guards say."""

    key: str
    label: Text
    kind: str
    before: tuple[str, ...]
    params: Mapping[str, Any]
    article: Article


@dataclass(frozen=True, slots=True)
class Extension:
    """How a term may be extended: by which role, how often, and whether still after it has run out."""

    by: str
    times: int = 1
    after_expiry: bool = False


@dataclass(frozen=True, slots=True)
class DeadlineRule:
    """A term of the law and the states through which it runs.

    It opens when a case enters `lives_in` from outside and closes when the case leaves it.
    `counts_from` names a fact (a date) to count from; empty: the day of the act that opened it.
    A `fixed` deadline takes its day from the fact or round date named by `counts_from`.
    `from_settings` names the settings that give what no law gives: the length, or the day to count from.
    `extendable` says how it may be extended (None: never), `suspended_by` which role may suspend it.
    """

    key: str
    label: Text
    kind: DeadlineKind
    term: Term | None
    lives_in: frozenset[str]
    owner: str
    article: Article
    counts_from: str = ""
    on_expiry: str = ""
    ladder: str = "default"
    toward_citizen: bool = False
    causes: tuple[str, ...] = ()
    may_exceed: tuple[Excuse, ...] = ()
    from_settings: tuple[str, ...] = ()
    extendable: Extension | None = None
    suspended_by: str = SUPERVISOR


@dataclass(frozen=True, slots=True, eq=False)
class Workflow:
    """A procedure under one regime, checked and frozen. Identity is `id`, e.g. ``annual@2022``.

    `opens_with` names the facts a case must bring and the values each may have; `round_day` is the day
    of the month on which a monthly round starts; `basis` lists the texts in force and the procedure's code.
    """

    key: str
    regime: str
    label: Text
    article: Article
    effective_from: date
    effective_to: date | None
    states: Mapping[str, State]
    roles: Mapping[str, Role]
    triggers: Mapping[str, Trigger]
    transitions: tuple[Transition, ...]
    deadlines: tuple[DeadlineRule, ...]
    settings: Mapping[str, Setting]
    criteria: Mapping[str, Any]
    fingerprint: str
    subject: str = "household"
    opens_with: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    round_day: int | None = None
    basis: tuple[str, ...] = ()
    invariants: tuple[Invariant, ...] = ()

    @property
    def id(self) -> str:
        """``key@regime``: what cases carry."""
        return f"{self.key}@{self.regime}"

    @property
    def initial(self) -> State:
        """The state in which a case opens."""
        return next(s for s in self.states.values() if s.kind is StateKind.INITIAL)

    def state(self, key: str) -> State:
        """Return a state; `NotFoundError` names the workflow and what it has."""
        try:
            return self.states[key]
        except KeyError:
            msg = f"workflow {self.id} has no state {key!r}; it has {', '.join(self.states)}"
            raise NotFoundError(msg) from None

    def leaving(self, state: str, trigger: str) -> tuple[Transition, ...]:
        """Return the arrows that leave `state` on `trigger`, in the order they are tried."""
        return tuple(t for t in self.transitions if t.trigger == trigger and state in t.sources)

    def deadline(self, key: str) -> DeadlineRule:
        """Return a deadline rule by key."""
        for rule in self.deadlines:
            if rule.key == key:
                return rule
        msg = f"workflow {self.id} has no deadline rule {key!r}"
        raise NotFoundError(msg)
