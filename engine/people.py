"""Households as values: who is in one, what a registration, a change of it and an erasure answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..foundation.errors import InputError
from ..foundation.messages import fault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from .values import Actor

__all__ = [
    "AREAS",
    "Difference",
    "Duplicate",
    "Erased",
    "Household",
    "HouseholdChange",
    "HouseholdOrder",
    "Person",
    "Registered",
    "require_as_registered",
]

AREAS = ("rural", "urban")
"""The areas by which thresholds of income differ (NĐ 07/2021/NĐ-CP Điều 3); registered as told, never derived."""
_DECIDING = frozenset({"unit", "area", "class_now"})
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Person:
    """A member of a household: personal data, stored only sealed."""

    name: str
    relation: str
    born: str
    sex: str
    identity: str | None = None


@dataclass(frozen=True, slots=True)
class Household:
    """A household as it is registered: its code, its village's path, its members (the head first)."""

    code: str
    unit_path: str
    members: tuple[Person, ...]
    area: str
    class_now: str = "none"


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two registrations of what looks like one household: same identity number, or same name, birth and commune."""

    code: str
    other_code: str
    by: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a household as it was given again differs from the register, which stays as it is.

    `column` is ``unit``, ``area``, ``class_now``, ``persons``, or a member's ``name``, ``relation``, ``born``, ``sex``,
    ``identity``, with the member's place (1 is the head). What is personal is named and not told: `kept` is None there.
    """

    code: str
    column: str
    member: int | None = None
    kept: str | None = None
    given: str | None = None

    @property
    def deciding(self) -> bool:
        """Whether a case that opens with what is registered would be judged by it."""
        return self.column in _DECIDING


@dataclass(frozen=True, slots=True)
class Registered:
    """What a registration did: ids by code, how many were new, what was refused or flagged as double, what differs."""

    ids: Mapping[str, int]
    new: int
    refused: tuple[Duplicate, ...]
    flagged: tuple[Duplicate, ...]
    differing: tuple[Difference, ...] = ()


def require_as_registered(registered: Registered) -> None:
    """Refuse to go on where a list says another village, area or class than the register; `InputError` names each."""
    found = [f"{d.code}: {d.column} {d.kept} → {d.given}" for d in registered.differing if d.deciding]
    if found:
        shown = "; ".join(found[:_SHOWN]) + ("…" if len(found) > _SHOWN else "")
        raise fault(InputError, "registry.differs", count=len(found), differences=shown)


@dataclass(frozen=True, slots=True)
class HouseholdOrder:
    """Who changes a household, from which day, on which document. Members are named by their place; 1 is the head.

    The same order under the same `idempotency_key` is done once and answered alike.
    """

    actor: Actor
    on: date
    document: str
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class HouseholdChange:
    """What was done: the households concerned (id by code), the cases that went along, those withdrawn."""

    households: Mapping[str, int]
    followed: tuple[int, ...] = ()
    withdrawn: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased: the household, and the cases whose chains say so."""

    household_id: int
    case_ids: tuple[int, ...]
