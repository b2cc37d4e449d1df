"""Values that pass through a decision: who acts, what is asked, what was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ..foundation.messages import Text, text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

__all__ = ["SYSTEM", "ActRequest", "Actor", "Mandate", "Mode", "Refusal"]


@dataclass(frozen=True, slots=True)
class Mandate:
    """A role held in a unit (its path), with its days of validity."""

    role: str
    unit_path: str
    valid_from: date | None = None
    valid_to: date | None = None

    def covers(self, role: str, unit_path: str, day: date) -> bool:
        """Whether this mandate lets its holder act as `role` for a case of `unit_path` on `day`."""
        if role != self.role or (self.valid_from and day < self.valid_from) or (self.valid_to and day > self.valid_to):
            return False
        return unit_path == self.unit_path or unit_path.startswith(self.unit_path + "/")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a staff key (never a name), the mandates held, and on whose behalf (a deputy's principal).

    `everywhere` are roles held in every unit there is: for suppositions, replays and trials, where nobody real acts.
    """

    key: str
    mandates: tuple[Mandate, ...] = ()
    on_behalf_of: str | None = None
    everywhere: frozenset[str] = frozenset()

    def mandate_for(self, roles: tuple[str, ...], unit_path: str, day: date) -> Mandate | None:
        """Return the mandate under which this actor may act for a case of `unit_path`, or None."""
        for role in roles:
            if role in self.everywhere:
                return Mandate(role, unit_path)
            for mandate in self.mandates:
                if mandate.covers(role, unit_path, day):
                    return mandate
        return None


SYSTEM = Actor("system")


class Mode(StrEnum):
    """What a batch does when some cases are refused."""

    ALL = "all"
    EACH = "each"


@dataclass(frozen=True, slots=True)
class ActRequest:
    """One act asked for, over any number of cases.

    `occurred_on` is the day it took legal effect; `body` the act's form, the same for every case;
    `rows` what belongs to one household only (scores, Phiếu A signs), by case id.
    """

    trigger: str
    case_ids: tuple[int, ...]
    occurred_on: date
    actor: Actor
    body: Mapping[str, Any] = field(default_factory=dict)
    rows: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    document: str | None = None
    mode: Mode = Mode.ALL
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an act cannot be done to a case: a stable code, the article, the fields of the sentence."""

    code: str
    article: str = ""
    fields: Mapping[str, object] = field(default_factory=dict)
    case_id: int | None = None

    @property
    def reason(self) -> Text:
        """The sentence in Vietnamese and English, from the message catalogue."""
        return text(self.code, **self.fields)
