"""The files' rows as acts in the order they were recorded; which cases an act concerns is asked when it is due."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from ..engine.values import Actor, ActRequest, Mandate
from ..foundation.clock import LEGAL_ZONE
from ..workflows.unit_files import unit_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .files import RoundFiles

__all__ = ["Happening", "happenings", "paths_of"]

# The hour at which each act of a day is entered, so that one day's acts follow one another as they must.
_HOURS = {
    "list_managed": 8,
    "screen": 9,
    "survey": 10,
    "withdraw": 11,
    "meet": 14,
    "post": 15,
    "complain": 16,
    "summarise": 8,
    "report": 9,
    "receive_report": 10,
    "give_opinion": 11,
    "recognise": 14,
}
_DOCUMENTS = {
    "summary": ("summarise", "settled"),
    "report": ("report", "summarised"),
    "report_received": ("receive_report", "reported"),
    "opinion": ("give_opinion", "awaiting_opinion"),
    "decision": ("recognise", "opined"),
}


@dataclass(frozen=True, slots=True)
class Happening:
    """One act of the files: when it was entered, what it is, and over whom.

    `households` names them; None means every case of `village` (or of the commune) that stands in one of `states`.
    """

    recorded_at: datetime
    occurred_on: date
    trigger: str
    actor: str
    body: Mapping[str, Any]
    rows: Mapping[str, Mapping[str, Any]]
    households: tuple[str, ...] | None
    village: str | None = None
    states: tuple[str, ...] = ()
    document: str | None = None

    def request(self, case_ids: Mapping[str, int], actor: Actor) -> ActRequest:
        """Return the act over `case_ids` (by household code)."""
        rows = {case_ids[code]: row for code, row in self.rows.items() if code in case_ids}
        return ActRequest(
            self.trigger,
            tuple(sorted(case_ids.values())),
            self.occurred_on,
            actor,
            body=self.body,
            rows=rows,
            document=self.document,
        )


def paths_of(files: RoundFiles) -> dict[str, str]:
    """Return each unit's path by its code."""
    return {row["code"]: row["path"] for row in unit_rows(files.units)}


def actors_of(files: RoundFiles, paths: Mapping[str, str]) -> dict[str, Actor]:
    """Return the actors with their mandates, by code."""
    mandates: dict[str, list[Mandate]] = defaultdict(list)
    for row in files.actors:
        mandates[row.code].append(Mandate(row.role, paths[row.unit]))
    return {code: Actor(code, tuple(held)) for code, held in mandates.items()}


def happenings(files: RoundFiles) -> list[Happening]:
    """Return every act of the files in the order of entry."""
    found = [h for source in _SOURCES for h in source(files)]
    return sorted(found, key=lambda h: h.recorded_at)


def _committee(files: RoundFiles) -> str:
    return next(row.code for row in files.actors if row.role == "committee")


def _listings(files: RoundFiles) -> Iterator[Happening]:
    groups: dict[tuple[str, date], list[str]] = defaultdict(list)
    for h in files.listed:
        if h.origin == "managed" and h.listed_on is not None:
            groups[h.village, h.listed_on].append(h.code)
    for (village, day), codes in groups.items():
        yield _happening("list_managed", day, _committee(files), households=codes, village=village)


def _screenings(files: RoundFiles) -> Iterator[Happening]:
    groups: dict[tuple[date, str], dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in files.screenings:
        groups[row.screened_on, row.surveyor][row.household] = {"signs": row.signs, "reply": row.reply}
    for (day, actor), rows in groups.items():
        yield _happening("screen", day, actor, rows=rows, households=list(rows))


def _surveys(files: RoundFiles) -> Iterator[Happening]:
    groups: dict[tuple[date, str, str], dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in files.surveys:
        groups[row.surveyed_on, row.surveyor, row.kind][row.household] = {
            "b1": row.b1,
            "b2": row.b2,
            "area": row.area,
            "respondent": row.respondent,
            "surveyor": row.surveyor,
        }
    for (day, actor, _), rows in groups.items():
        yield _happening("survey", day, actor, rows=rows, households=list(rows))


def _meetings(files: RoundFiles) -> Iterator[Happening]:
    for row in files.meetings:
        body = {
            "attendees": row.attendees,
            "in_favour": row.in_favour,
            "households_represented": row.households_represented,
            "households_listed": row.households_listed,
            "copies": row.copies,
            "signed_by_chair": row.signed_by_chair,
            "signed_by_secretary": row.signed_by_secretary,
            "signed_by_households": row.signed_by_households,
        }
        whom = {"households": [row.household]} if row.household else {"states": ("surveyed",)}
        yield _happening("meet", row.held_on, row.chair, body=body, village=row.village, document=row.code, **whom)


def _postings(files: RoundFiles) -> Iterator[Happening]:
    for row in files.postings:
        body = {
            "at_village_house": row.at_village_house,
            "at_commune_office": row.at_commune_office,
            "radio": row.radio,
            "notice": row.notice,
        }
        whom = {"households": [row.household]} if row.household else {"states": ("agreed",)}
        document = row.notice
        yield _happening(
            "post", row.posted_on, _committee(files), body=body, village=row.village, document=document, **whom
        )


def _complaints(files: RoundFiles) -> Iterator[Happening]:
    for row in files.complaints:
        body = {"subject_code": row.subject_code}
        yield _happening(
            "complain",
            row.received_on,
            _committee(files),
            body=body,
            households=[row.household],
            document=row.code,
            entered_on=row.entered_on,
        )


def _changes(files: RoundFiles) -> Iterator[Happening]:
    for row in files.changes:
        rows = {row.household: {"reason": row.reason}}
        yield _happening("withdraw", row.happened_on, _committee(files), rows=rows, households=[row.household])


def _documents(files: RoundFiles) -> Iterator[Happening]:
    opinion = next((d.number for d in files.documents if d.kind == "opinion"), None)
    for row in files.documents:
        if row.kind not in _DOCUMENTS:
            continue
        trigger, state = _DOCUMENTS[row.kind]
        body = {"list_number": row.number} if trigger == "summarise" else {"number": row.number}
        body |= {"opinion": opinion} if trigger == "recognise" else {}
        yield _happening(trigger, row.issued_on, row.signer, body=body, states=(state,), document=row.number)


_SOURCES: tuple[Callable[[RoundFiles], Iterator[Happening]], ...] = (
    _listings,
    _screenings,
    _surveys,
    _changes,
    _meetings,
    _postings,
    _complaints,
    _documents,
)


def _happening(  # noqa: PLR0913  one keyword for each part of an act
    trigger: str,
    day: date,
    actor: str,
    *,
    body: Mapping[str, Any] | None = None,
    rows: Mapping[str, Mapping[str, Any]] | None = None,
    households: list[str] | None = None,
    village: str | None = None,
    states: tuple[str, ...] = (),
    document: str | None = None,
    entered_on: date | None = None,
) -> Happening:
    late = entered_on is not None and entered_on > day
    # What comes to the desk from an earlier day is entered first thing in the morning.
    hour = min(_HOURS.values()) if late else _HOURS[trigger]
    entered = datetime.combine(entered_on or day, time(hour), tzinfo=LEGAL_ZONE)
    given = {key: value for key, value in (body or {}).items() if value is not None}
    kept = {code: {k: v for k, v in row.items() if v is not None} for code, row in (rows or {}).items()}
    whom = None if households is None else tuple(households)
    return Happening(entered, day, trigger, actor, given, kept, whom, village, states, document)
