"""Households and their members as the lists give them: frozen values, no more and no less than the list says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import date

    from .cells import PartialDate

__all__ = ["Area", "HouseholdClass", "HouseholdRecord", "MemberRecord", "Origin", "Sex"]

HouseholdClass = Literal["poor", "near_poor", "none"]
Area = Literal["rural", "urban"]
Origin = Literal["managed", "request"]
Sex = Literal["male", "female"]


@dataclass(frozen=True, slots=True)
class MemberRecord:
    """One person (thành viên); `identity` is None where the list leaves it blank (children, lost papers)."""

    name: str
    relation: str
    birth: PartialDate
    sex: Sex
    identity: str | None
    ethnicity: str | None
    row: int


@dataclass(frozen=True, slots=True)
class HouseholdRecord:
    """One household (hộ gia đình) of a list; the head (chủ hộ) is the first of `members`.

    `village` is the village's code where the list or the caller names it, else its name. `class_before` is the
    class the household holds now. Scores and decision are those of the managed list (Phụ lục VI), None elsewhere.
    """

    code: str
    village: str
    members: tuple[MemberRecord, ...]
    class_before: HouseholdClass
    area: Area
    origin: Origin
    ethnic_minority: bool
    unable_to_work: bool
    merit: bool
    causes: str | None
    requested_on: date | None
    listed_on: date | None
    decision_number: str | None
    decided_on: date | None
    b1: int | None
    b2: int | None
    file: str
    sheet: str | None
    row: int

    @property
    def head(self) -> MemberRecord:
        """The head of the household."""
        return self.members[0]

    @property
    def persons(self) -> int:
        """The number of persons (nhân khẩu)."""
        return len(self.members)
