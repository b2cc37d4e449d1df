"""One case's history with one act corrected or taken out: what of the later acts stands, and what becomes of its terms.

Pure. Acts before the corrected one are retraced as they stand; it and all later ones are decided anew. Terms that run
out by themselves do so again on the days that follow from the corrected ones.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ..deadlines.ladder import next_wake
from ..persistence.deadlines import Closing
from .replaying import STEPS, Track, lines_of, origin_of, retrace
from .values import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from ..deadlines.calendar import Calendar
    from ..persistence.cases import CaseRow
    from ..persistence.deadlines import DeadlineRow, LedgerEntry
    from ..persistence.events import ActRow, EventRow
    from .definition import DeadlineRule
    from .replaying import Line, Recorded
    from .surroundings import Stored
    from .values import ActRequest

__all__ = ["Adopting", "OnRecord", "Restated", "TermChanges", "place_of", "restate", "stood_on"]

_BY_HAND = {"suspended", "resumed", "extended"}


class OnRecord(NamedTuple):
    """All that is on record of one case: its row, what counts of its history, its terms with their ledgers."""

    case: CaseRow
    events: tuple[EventRow, ...]
    lines: tuple[Line, ...]
    terms: tuple[DeadlineRow, ...]
    ledgers: Mapping[int, tuple[LedgerEntry, ...]]

    @classmethod
    def of(
        cls,
        case: CaseRow,
        events: Sequence[EventRow],
        counting: Sequence[EventRow],
        acts: Mapping[int, ActRow],
        terms: Sequence[DeadlineRow],
        ledgers: Mapping[int, tuple[LedgerEntry, ...]],
    ) -> OnRecord:
        """Gather one case's record; `counting` are the events in force."""
        return cls(case, tuple(events), tuple(lines_of(counting, acts)), tuple(terms), ledgers)


class TermChanges(NamedTuple):
    """What becomes of a case's terms: those that end, those set aside, those that take their place (and whose)."""

    closings: tuple[Closing, ...]
    aside: tuple[DeadlineRow, ...]
    inserted: tuple[tuple[DeadlineRow, DeadlineRow | None], ...]


@dataclass(frozen=True, slots=True)
class Restated:
    """A case with its history restated: `base` where it stood before the corrected act, `steps` what follows anew."""

    case: CaseRow
    base: CaseRow
    from_seq: int
    old: Track
    new: Track
    steps: tuple[Recorded, ...]
    terms: TermChanges
    brought: CaseRow

    @property
    def opening(self) -> Mapping[str, Any]:
        """What the case brought when it was opened, as it should have been entered."""
        brought: dict[str, Any] = json.loads(self.brought.facts)
        return {**brought, "class_before": self.brought.class_before}

    @property
    def facts_before(self) -> Mapping[str, Any]:
        """What the case carried until now."""
        found: dict[str, Any] = json.loads(self.case.facts)
        return found

    @property
    def facts_after(self) -> Mapping[str, Any]:
        """What it carries from now on."""
        found: dict[str, Any] = json.loads(self.new.case.facts)
        return found


class Adopting:
    """The surroundings of one case whose terms on record are taken over where they begin as they did."""

    def __init__(self, stored: Stored, terms: Sequence[DeadlineRow], today: date) -> None:
        self._stored = stored
        self._today = today
        self._left = [row for row in terms if row.status != "superseded"]
        self.compiled = stored.compiled
        self.settings = stored.settings
        self.round_days = stored.round_days

    def calendar(self, _known_on: date, unit_path: str) -> Calendar:
        """Return the calendar as it is known now: what is counted anew is counted on it."""
        return self._stored.calendar(self._today, unit_path)

    def term(self, _case: CaseRow, rule: DeadlineRule, start: date) -> DeadlineRow | None:
        """Return the term on record that began on `start`, running again; each is taken over once."""
        for row in self._left:
            if row.rule == rule.key and row.started_on == start:
                self._left.remove(row)
                status = row.status if row.closed_on is None else "open"
                return row._replace(status=status, closed_on=None, cause=None)
        return None


def place_of(record: OnRecord, act_id: int) -> int | None:
    """Return where an act stands among the lines that count, None if it does not count (any more)."""
    return next((i for i, line in enumerate(record.lines) if line.event.act_id == act_id), None)


def restate(
    stored: Stored,
    record: OnRecord,
    place: int,
    corrected: ActRequest | None,
    now: datetime,
    today: date,
    origin: CaseRow | None = None,
) -> Restated | Refusal:
    """Return a case with the act at `place` corrected (None: taken out), or what stands in the way.

    At place 0, its opening, `origin` is the case as it should have been opened.
    """
    moved = next((line for line in record.lines[place:] if line.event.kind == "migration"), None)
    if moved is not None:
        fields = {"plan": moved.event.trigger, "day": moved.event.occurred_on}
        return Refusal("correcting.migrated", "", fields, record.case.id)
    old = retrace(Adopting(stored, record.terms, today), record.case, record.events, record.lines)
    brought = origin or origin_of(record.case, record.events)
    new = Track(Adopting(stored, record.terms, today), brought)
    for line in record.lines[1:place]:
        new.retrace(line)
    base, before = new.case, len(new.done)
    # The correction itself takes the next number; what it restates goes on from there.
    new.case = base._replace(seq=record.case.seq + 1, unit_path=record.case.unit_path)
    refusal = _again(new, record.lines[place:], corrected, now)
    if refusal is not None:
        return refusal
    terms = _term_changes(record, new, now)
    if isinstance(terms, Refusal):
        return terms
    # Its opening is the one event that no correction takes back.
    first = record.lines[place].event.seq if place else record.lines[0].event.seq + 1
    return Restated(record.case, base, first, old, new, tuple(new.done[before:]), terms, brought)


def stood_on(track: Track, day: date) -> str:
    """Return the state in which a rebuilt case stood when `day` ended."""
    by_then = [each.step.transition.target for each in track.done if each.request.occurred_on <= day]
    return by_then[-1] if by_then else track.done[0].step.case.state if track.done else track.case.state


def _again(track: Track, lines: Sequence[Line], corrected: ActRequest | None, now: datetime) -> Refusal | None:
    """Do the acts of `lines` again, the first one as `corrected`; return what can no longer be done, or None."""
    for place, line in enumerate(lines):
        event = line.event
        if event.kind not in STEPS or (place == 0 and corrected is None):
            continue  # where the case lies is kept as it is now
        if track.workflow.triggers[event.trigger].is_timer:
            track.run_out(event.recorded_at)
            continue
        request = line.request(track.workflow) if place or corrected is None else corrected
        track.run_out(now, before=request.occurred_on)
        entered = event.recorded_at if place else now
        decision = track.ask(request, entered)
        if decision.refused:
            return _stands_in_the_way(track, request, decision.refused[0], itself=place == 0)
        track.take(decision.accepted[0], request, entered, line)
    return None


def _stands_in_the_way(track: Track, request: ActRequest, why: Refusal, *, itself: bool) -> Refusal:
    label = track.workflow.triggers[request.trigger].label
    code = "correcting.itself" if itself else "correcting.later_act"
    fields = {
        "act_vi": label.vi,
        "act_en": label.en,
        "day": request.occurred_on,
        "code": why.code,
        "reason_vi": why.reason.vi,
        "reason_en": why.reason.en,
    }
    return Refusal(code, why.article, fields, track.case.id)


def _term_changes(record: OnRecord, new: Track, now: datetime) -> TermChanges | Refusal:
    on_record = {row.id: row for row in record.terms}
    lives = [_said_right(row, record) for row in new.terms]
    kept = {life.id for life in lives if life.id and _same(on_record[life.id], life)}
    ending = {
        life.id: Closing(life.status, life.closed_on, life.breached_at, life.cause, life.id)
        for life in lives
        if life.id and life.id not in kept and life.closed_on and on_record[life.id].closed_on is None
    }
    standing = kept | set(ending)
    aside = [row for row in record.terms if row.status != "superseded" and row.id not in standing]
    fresh = [life for life in lives if life.id not in standing]
    adjusted = _adjusted(record, fresh, aside)
    if adjusted is not None:
        return Refusal("correcting.term_adjusted", "", {"rule": adjusted.rule, "due": adjusted.due_on}, record.case.id)
    return TermChanges(
        tuple(ending.values()),
        tuple(aside),
        tuple(_in_place_of(new, life, aside, now) for life in fresh),
    )


def _said_right(life: DeadlineRow, record: OnRecord) -> DeadlineRow:
    """Take back a breach that only the wrong entry had brought to light; what the worker found on the day stays."""
    if life.status != "met" or life.breached_at is None:
        return life
    found = [json.loads(e.detail) for e in record.ledgers.get(life.id, ()) if e.kind == "breached"]
    if any(detail["found_by"] == "worker" for detail in found):
        return life
    return life._replace(breached_at=None, cause=None)


def _same(row: DeadlineRow, life: DeadlineRow) -> bool:
    breached = (row.breached_at is None) == (life.breached_at is None)
    return breached and (row.status, row.closed_on, row.cause) == (life.status, life.closed_on, life.cause)


def _adjusted(record: OnRecord, fresh: Sequence[DeadlineRow], aside: Sequence[DeadlineRow]) -> DeadlineRow | None:
    """Return a term that an authority suspended or extended and that would have to be counted anew."""
    rules = {life.rule for life in fresh if not life.id}
    for row in aside:
        if row.rule in rules and any(entry.kind in _BY_HAND for entry in record.ledgers.get(row.id, ())):
            return row
    return None


def _in_place_of(
    new: Track, life: DeadlineRow, aside: Sequence[DeadlineRow], now: datetime
) -> tuple[DeadlineRow, DeadlineRow | None]:
    """Return the term to insert, and the one whose rungs it takes over because its last day is the same."""
    before = next((row for row in aside if (row.rule, row.due_on) == (life.rule, life.due_on)), None)
    if life.closed_on is not None or before is None:
        return life._replace(id=0), before
    calendar = new.world.calendar(life.started_on, life.unit_path)
    wake = next_wake(new.workflow.deadline(life.rule).ladder, life.due_on, now, calendar)
    return life._replace(id=0, next_at=wake or life.due_at), before
