"""The past of cases: as of any legal day, as known at any instant. Computed from events; nothing of it is stored.

Two times: a fact took effect on its legal day and was on record from its entry on. What was entered late, or corrected
later, is part of the answer only from the instant at which it was known.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from ..foundation.clock import LEGAL_ZONE, end_of
from ..foundation.errors import NotFoundError
from ..foundation.messages import Text, fault
from ..persistence import deadlines as deadline_rows
from ..persistence.cases import load
from ..persistence.events import acts, history
from ..persistence.historical import cases_on, standing
from ..persistence.ledger import entries_of
from .queries import StateCount
from .replaying import in_force, lines_of, retrace
from .surroundings import Stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from ..persistence.cases import CaseRow
    from ..persistence.database import Tx
    from ..persistence.deadlines import DeadlineRow, LedgerEntry
    from ..persistence.events import EventRow
    from .definition import DeadlineRule
    from .replaying import Line
    from .service import Engine

__all__ = ["PastCase", "case_as_of", "cases_as_of", "past_cases", "states_as_of"]

_CASES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class PastCase:
    """A case as it stood when `as_of` ended, as known at `known_at`: its row, what counted, its terms, its paper."""

    case: CaseRow
    as_of: date
    known_at: datetime
    events: tuple[EventRow, ...]
    deadlines: tuple[DeadlineRow, ...]
    certificate: str | None

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the case carried."""
        found: dict[str, Any] = json.loads(self.case.facts)
        return found


def case_as_of(tx: Tx, engine: Engine, case_id: int, as_of: date, known_at: datetime) -> PastCase:
    """Return one case of the past; `NotFoundError` if it was not open then, or not known to be."""
    found = list(past_cases(tx, engine, [case_id], as_of, known_at))
    if not found:
        known = Text(f"{known_at.astimezone(LEGAL_ZONE):%d/%m/%Y %H:%M}", known_at.isoformat())
        raise fault(NotFoundError, "history.not_yet", case=case_id, day=as_of, known=known)
    return found[0]


def cases_as_of(
    tx: Tx,
    engine: Engine,
    as_of: date,
    known_at: datetime,
    *,
    round_id: int | None = None,
    unit_path: str | None = None,
) -> Iterator[PastCase]:
    """Stream the cases that a round held, or that lay in a unit then, a few hundred in memory at a time."""
    ids = [row[0] for row in cases_on(tx, as_of, known_at, round_id=round_id, unit_path=unit_path)]
    for start in range(0, len(ids), _CASES_AT_ONCE):
        yield from past_cases(tx, engine, ids[start : start + _CASES_AT_ONCE], as_of, known_at)


def states_as_of(
    tx: Tx, as_of: date, known_at: datetime, *, round_id: int | None = None, unit_path: str | None = None
) -> list[StateCount]:
    """Return how many cases stood in each state, by the village in which they lay then: one query over events."""
    return [StateCount(*row) for row in standing(tx, as_of, known_at, round_id=round_id, unit_path=unit_path)]


def past_cases(tx: Tx, engine: Engine, ids: Sequence[int], as_of: date, known_at: datetime) -> Iterator[PastCase]:
    """Return some cases as they stood, by id; those not open then, or not known to be, are left out."""
    events: dict[int, list[EventRow]] = defaultdict(list)
    for event in history(tx, ids):
        events[event.case_id].append(event)
    known = acts(tx, sorted({e.act_id for rows in events.values() for e in rows if e.act_id is not None}))
    terms: dict[int, list[DeadlineRow]] = defaultdict(list)
    for row in deadline_rows.of_subjects(tx, ids):
        terms[row.subject_id].append(row)
    ledgers = entries_of(tx, [row.id for rows in terms.values() for row in rows])
    stored = Stored(tx, engine)
    for case in load(tx, ids):
        lines = lines_of([e for e in in_force(events[case.id], known_at) if e.occurred_on <= as_of], known)
        if lines:
            then = _Then(stored, terms[case.id], ledgers, as_of, known_at)
            yield then.case(case, events[case.id], lines)


class _Then:
    """The surroundings of one case as they were known: its terms with the last days they had then."""

    def __init__(
        self,
        stored: Stored,
        terms: Sequence[DeadlineRow],
        ledgers: Mapping[int, tuple[LedgerEntry, ...]],
        as_of: date,
        known_at: datetime,
    ) -> None:
        self._left = list(terms)
        self._ledgers = ledgers
        self._as_of = as_of
        self._known_at = known_at
        self.compiled = stored.compiled
        self.calendar = stored.calendar
        self.settings = stored.settings
        self.round_days = stored.round_days

    def case(self, case: CaseRow, events: Sequence[EventRow], lines: Sequence[Line]) -> PastCase:
        """Return the case as `lines` leave it."""
        track = retrace(self, case, events, lines, self._known_at)
        running = [self._ordered(row) for row in track.running]
        papers = [line.certificate for line in lines if line.certificate]
        certified = json.loads(track.case.facts).get("certified")
        return PastCase(
            track.case._replace(head=lines[-1].event.hash),
            self._as_of,
            self._known_at,
            tuple(line.event for line in lines),
            tuple(row._replace(next_at=None) for row in (*track.ended, *running)),
            papers[-1] if papers and certified else None,
        )

    def term(self, _case: CaseRow, rule: DeadlineRule, start: date) -> DeadlineRow | None:
        """Return the term on record that began on `start` with the last day it had then, running."""
        for row in self._left:
            if row.rule == rule.key and row.started_on == start:
                self._left.remove(row)
                return self._as_it_ran(row)
        return None

    def _as_it_ran(self, row: DeadlineRow) -> DeadlineRow:
        entries = self._ledgers.get(row.id, ())
        due_on = next((day for e in entries if not self._counts(e) and (day := _due_before(e))), row.due_on)
        found = (e.recorded_at for e in entries if e.kind == "breached" and self._counts(e) and _by_worker(e))
        return row._replace(
            status="open",
            due_on=due_on,
            due_at=end_of(due_on),
            breached_at=next(found, None),
            closed_on=None,
            cause=None,
        )

    def _ordered(self, row: DeadlineRow) -> DeadlineRow:
        """Apply what an authority had ordered of a running term by then."""
        for entry in self._ledgers.get(row.id, ()):
            if not self._counts(entry):
                continue
            if entry.kind in {"suspended", "resumed"}:
                row = row._replace(status="suspended" if entry.kind == "suspended" else "open")
            elif entry.kind == "cancelled":
                row = row._replace(status="cancelled", closed_on=entry.occurred_on)
        return row

    def _counts(self, entry: LedgerEntry) -> bool:
        return entry.occurred_on <= self._as_of and entry.recorded_at <= self._known_at


def _due_before(entry: LedgerEntry) -> date | None:
    """Return the last day that a change of a term took away, None if the entry changed none."""
    if entry.kind in {"corrected", "breached"}:
        return None
    said = json.loads(entry.detail)
    found = said.get("old_due_on") or said.get("due_from")
    return None if found is None else date.fromisoformat(found)


def _by_worker(entry: LedgerEntry) -> bool:
    return bool(json.loads(entry.detail)["found_by"] == "worker")
