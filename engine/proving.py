"""Why a deadline's last day is that day, as it stands on record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..deadlines.proof import prove
from ..deadlines.releases import calendar
from ..foundation.errors import CalendarError, InputError
from ..foundation.messages import fault

if TYPE_CHECKING:
    from ..deadlines.calendar import Calendar
    from ..deadlines.proof import Proof
    from .judging import Held

__all__ = ["proof_of"]


def proof_of(each: Held) -> Proof:
    """Return why the last day is that day, each day counted or skipped; of a resumed term, its last stretch.

    It is counted on the calendar on which the deadline rests: what was decided since has not moved it yet, or came when
    it was over. `InputError` for a fixed date, which is not counted, and for a term that stands still.
    """
    counted = each.counted
    if counted.suspended:
        raise fault(InputError, "found.suspended", id=each.row.id)
    on = _on_record(each)
    term, start = counted.last_stretch(on)
    return prove(term, start, on)


def _on_record(each: Held) -> Calendar:
    try:
        return calendar(each.row.calendar)
    except CalendarError:  # a host's own calendar, which only the host knows
        return each.calendar
