"""The rows of the act files: one frozen type for each kind of file of a round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from .records import Area

__all__ = [
    "ActorRow",
    "ChangeRow",
    "ComplaintRow",
    "DocumentRow",
    "MeetingRow",
    "NoticeRow",
    "PostingRow",
    "ScreeningRow",
    "SurveyRow",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorRow:
    """A role holder, by code alone."""

    code: str
    role: str
    unit: str
    row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningRow:
    """Phiếu A of a household that asked: the number of signs in columns 01–09."""

    household: str
    screened_on: date
    signs: int
    surveyor: str
    reply_number: str | None
    reason: str | None
    row: int

    @property
    def reply(self) -> str | None:
        """The written reply to a household that stays out: its number and the reason given."""
        parts = [part for part in (self.reply_number, self.reason) if part]
        return ": ".join(parts) or None


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRow:
    """Phiếu B: the two totals the enumerator signed. `kind` is survey, resurvey or recheck."""

    code: str
    household: str
    round: int
    surveyed_on: date
    area: Area
    b1: int
    b2: int
    surveyor: str
    respondent: str
    kind: str
    row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingRow:
    """Minutes of a village meeting (Phụ lục V); `household` is named in a re-check, else all listed ones are meant."""

    code: str
    village: str
    round: int
    held_on: date
    attendees: int
    in_favour: int
    households_represented: int
    households_listed: int
    chair: str
    signed_by_chair: bool
    signed_by_secretary: bool
    signed_by_households: bool
    copies: int
    household: str | None
    row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingRow:
    """A posting (niêm yết) of a village's list, or again of one household's result."""

    code: str
    village: str
    household: str | None
    posted_on: date
    at_village_house: bool
    at_commune_office: bool
    radio: bool
    kind: str
    notice: str | None
    row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintRow:
    """A complaint: the day it was received (terms count from it) and the day it was entered."""

    code: str
    household: str
    received_on: date
    entered_on: date
    subject_code: str
    outcome: str
    row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """What befell a household outside the procedure: it moved away, its only member died."""

    household: str
    kind: str
    happened_on: date
    reason: str
    row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow:
    """A paper of the round: plan, summary, report, receipt, opinion, decision. `signer` is an actor's code."""

    code: str
    kind: str
    number: str | None
    issued_on: date
    unit: str
    signer: str
    title: str
    row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow:
    """One line of a public notice of results: how many households and persons in a group."""

    number: str
    posted_on: date
    group: str
    households: int
    persons: int
    row: int
