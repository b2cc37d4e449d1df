"""Why a deadline's last day is that day, as it stands on record."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from ..deadlines.ledger import Running
from ..deadlines.proof import Change, prove
from ..deadlines.releases import calendar
from ..deadlines.terms import Unit
from ..foundation.errors import CalendarError, InputError
from ..foundation.messages import fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..deadlines.calendar import Calendar
    from ..deadlines.proof import Proof
    from .judging import Held

__all__ = ["proof_of"]


def proof_of(each: Held) -> Proof:
    """Return why the last day is that day, each day counted or not, and each decision that moved it.

    It is counted on the calendar on which the deadline rests: what was decided since has not moved it yet, or came when
    it was over. `InputError` for a fixed date, which is not counted, and for a term that stands still.
    """
    counted = each.counted
    if counted.suspended:
        raise fault(InputError, "found.suspended", id=each.row.id)
    on = _on_record(each)
    return prove(counted.whole, counted.start, on, pauses=counted.pauses, changes=tuple(_changes(each, on)))


def _changes(each: Held, on: Calendar) -> Iterator[Change]:
    """Yield what the ledger says about the budget, in the order in which it was decided."""
    counted, pauses = each.counted, 0
    in_days = counted.term.unit if counted.term.unit is Unit.WORKING_DAYS else Unit.CALENDAR_DAYS
    for entry in each.entries:
        if entry.kind == "suspended":
            before = Running(counted.whole, counted.start, counted.pauses[:pauses])
            used = before.consumed(entry.occurred_on - timedelta(days=1), on)
            pauses += 1
            yield Change(entry.kind, entry.occurred_on, entry.document, used, in_days)
        elif entry.kind == "resumed":
            yield Change(entry.kind, entry.occurred_on, entry.document)
        elif entry.kind == "extended":
            by = json.loads(entry.detail)["by"]
            yield Change(entry.kind, entry.occurred_on, entry.document, by, counted.term.unit)


def _on_record(each: Held) -> Calendar:
    try:
        return calendar(each.row.calendar)
    except CalendarError:  # a host's own calendar, which only the host knows
        return each.calendar
