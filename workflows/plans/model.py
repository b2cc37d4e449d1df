"""A campaign plan (kế hoạch rà soát) as a value: what its document says, the dates exactly as it writes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, ConfigDict, Field, with_config

from ...foundation.errors import DefinitionError, InputError
from ...foundation.messages import Text, fault, message
from .dates import DateExpression, Kind, parse, vietnamese
from .law import law_of

__all__ = [
    "Act",
    "Duty",
    "LegalDocument",
    "Level",
    "Milestone",
    "MilestoneDeadline",
    "PartialDate",
    "Plan",
    "Remark",
    "Source",
]

_strict = with_config(ConfigDict(extra="forbid"))
_Key = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
_Said = Annotated[str, Field(min_length=1)]


class Level(StrEnum):
    """A level of administration that answers for a milestone."""

    MINISTRY = "ministry"  # Bộ
    PROVINCE = "province"  # tỉnh, thành phố
    DISTRICT = "district"  # huyện, quận, thị xã (through 30/06/2025)
    COMMUNE = "commune"  # xã, phường, thị trấn
    VILLAGE = "village"  # thôn, tổ dân phố


class Act(StrEnum):
    """What is done at a milestone.

    `APPROVAL` (phê duyệt) is the plan's own; `OPINION` and `RECOGNITION` are acts of the law.
    """

    PREPARATION = "preparation"
    TRAINING = "training"
    SEASON = "season"
    REVIEW = "review"
    QUICK_REPORT = "quick_report"
    PRELIMINARY_REPORT = "preliminary_report"
    VERIFICATION = "verification"
    SUMMARY = "summary"
    APPROVAL = "approval"
    OPINION = "opinion"
    RECOGNITION = "recognition"
    OFFICIAL_REPORT = "official_report"
    DATA_ENTRY = "data_entry"
    REGULAR_REVIEW = "regular_review"
    AVERAGE_LIVING = "average_living"
    FOLLOW_UP = "follow_up"

    @property
    def label(self) -> Text:
        """The act's name."""
        return message(f"plan.act.{self.value}")


class PartialDate(NamedTuple):
    """A date of which a document may give only the month or the year ("ngày   tháng 7 năm 2023")."""

    year: int
    month: int | None = None
    day: int | None = None

    def __str__(self) -> str:
        if self.exact:
            return vietnamese(self.exact)
        return f"{self.month}/{self.year}" if self.month else str(self.year)

    @property
    def precision(self) -> str:
        """``day``, ``month`` or ``year``."""
        if self.month is None:
            return "year"
        return "month" if self.day is None else "day"

    @property
    def exact(self) -> date | None:
        """The day, where it is known."""
        return date(self.year, self.month, self.day) if self.month and self.day else None


def _partial(given: object) -> object:
    """Read ``2022-08-31``, ``2023-07`` or ``2023``."""
    if isinstance(given, date):
        return PartialDate(given.year, given.month, given.day)
    try:
        parts = [int(part) for part in str(given).split("-")]
        date(*[*parts, 1, 1][:3])
        return PartialDate(*parts)
    except (TypeError, ValueError):
        raise fault(InputError, "plan.partial", given=repr(given)) from None


@_strict
@dataclass(frozen=True, slots=True)
class LegalDocument:
    """A document by number, date of issue and issuer; each may be missing in the copy at hand."""

    issuer: str
    number: str | None = None
    issued: Annotated[PartialDate | None, BeforeValidator(_partial)] = None
    title: str = ""
    in_force: date | None = None

    def __str__(self) -> str:
        name = self.number or self.title or "…"
        return f"{name} ({self.issued})" if self.issued else name


@_strict
@dataclass(frozen=True, slots=True)
class Source:
    """Where the plan's text was read."""

    title: _Said


@_strict
@dataclass(frozen=True, slots=True)
class Remark:
    """An oddity of the source outside the dates: what stands there, and what to make of it."""

    quote: str
    vi: _Said
    en: _Said


@_strict
@dataclass(frozen=True, slots=True)
class Duty:
    """Who does what at a milestone: levels, the act, the plan's words, and the office within the level."""

    act: Act
    levels: Annotated[tuple[Level, ...], Field(min_length=1)]
    what: _Said
    role: str = "people_committee"


@_strict
@dataclass(frozen=True, slots=True)
class Milestone:
    """A date expression exactly as the document writes it, and the duties it governs.

    `within` names the milestone it lies inside. `read_as` states, with its reason, another expression to
    be read in place of a faulty one: only a person decides that, and the check keeps saying so.
    """

    key: _Key
    text: str
    kind: Kind
    duties: Annotated[tuple[Duty, ...], Field(min_length=1, validation_alias="duty")]
    within: str | None = None
    read_as: str | None = None
    read_as_reason: str | None = None

    def acts(self) -> frozenset[Act]:
        """Return what is done at this milestone."""
        return frozenset(duty.act for duty in self.duties)


class MilestoneDeadline(NamedTuple):
    """A milestone as a fixed-date deadline of one owner, for a round to open.

    `plan` cites the plan, which sets the date; `article` the law behind the act, where there is one.
    """

    key: str
    label: Text
    due_on: date
    level: Level
    role: str
    act: Act
    opens_on: date | None
    plan: str
    article: str | None


@_strict
@dataclass(frozen=True, slots=True)
class Plan:
    """A campaign plan: whose, for which year, on which basis, and its milestones in the document's order."""

    key: _Key
    title: _Said
    province: _Said
    level: Level
    year: Annotated[int, Field(ge=1990, le=2100)]
    document: LegalDocument
    source: Source
    district: str | None = None
    basis: tuple[LegalDocument, ...] = ()
    milestones: Annotated[tuple[Milestone, ...], Field(validation_alias="milestone")] = ()
    remarks: Annotated[tuple[Remark, ...], Field(validation_alias="remark")] = ()

    def expressions(self) -> dict[str, DateExpression]:
        """Return what each milestone's expression says, by milestone key."""
        alone = [parse(m.read_as or m.text, year=self.year, expects=m.kind) for m in self.milestones]
        read: dict[str, DateExpression] = {}
        for place, stone in enumerate(self.milestones):
            following = self._following(place, alone)
            read[stone.key] = parse(
                stone.read_as or stone.text, year=self.year, expects=stone.kind, following=following
            )
        return read

    def milestone_deadlines(self) -> tuple[MilestoneDeadline, ...]:
        """Return one deadline for each dated duty and level; `DefinitionError` while a date is faulty.

        Undated and monthly milestones open no deadline of their own: a round's own clock does.
        """
        read = self.expressions()
        faulty = [f"{m.key} ({m.text!r})" for m in self.milestones if not read[m.key].sound]
        if faulty:
            raise fault(DefinitionError, "plan.faulty_dates", key=self.key, faulty=", ".join(faulty))
        return tuple(
            deadline
            for stone in self.milestones
            for place, duty in enumerate(stone.duties)
            for deadline in self._deadlines(stone, read[stone.key], duty, place)
        )

    def _deadlines(self, stone: Milestone, read: DateExpression, duty: Duty, place: int) -> list[MilestoneDeadline]:
        if read.last is None:
            return []
        law = law_of(self.year)
        return [
            MilestoneDeadline(
                f"{self.key}/{stone.key}/{place}/{level}",
                Text(duty.what, duty.act.label.en),
                read.last,
                level,
                duty.role,
                duty.act,
                read.first,
                str(self.document),
                law.articles.get(duty.act) if law else None,
            )
            for level in duty.levels
        ]

    def _following(self, place: int, alone: list[DateExpression]) -> date | None:
        """Return the first day of the next phase in the document, to suggest a missing end by."""
        begins = alone[place].meant_first
        for later, expression in zip(self.milestones[place + 1 :], alone[place + 1 :], strict=True):
            first = expression.meant_first
            if begins and first and first > begins and later.within is None and Act.SEASON not in later.acts():
                return first
        return None
