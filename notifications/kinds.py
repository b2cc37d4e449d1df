"""Every kind of message there is, and what an alert of each kind must bring along."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal, get_args

from ..engine.tidings import TOLD
from ..foundation.clock import require_aware
from ..foundation.errors import InputError

__all__ = ["DATED", "DETAILS", "KINDS", "Kind", "check_details"]

Kind = Literal[
    "deadline",  # a rung of the ladder: T-2, T-1, T, T+1, T+3, T+5, told by the working days left
    "breach",  # a term ran out unmet; an event that nothing erases
    "calendar_change",  # a calendar release moved the last day
    "term_decision",  # a running term was suspended, resumed, extended, superseded or cancelled
    "season_lost",  # a round can no longer make its season, or a date of its plan
    "act_waiting",  # a case waits for someone's act
    "migration_done",  # cases were moved to another definition
    "job_stalled",  # a job of the worker failed or has not run
    "unreachable",  # nobody up to the top holds an office that had to be told
    "digest",  # the morning's list, or the catch-up after a backlog
    "weekly_summary",  # on-time rates by unit, for the committee
    "delay_notice",  # phiếu xin lỗi và hẹn lại ngày trả kết quả, drafted for signature
    "channel_test",  # sent by hand to try a channel
]
KINDS: tuple[Kind, ...] = get_args(Kind)

DATED: frozenset[Kind] = frozenset(
    {"deadline", "breach", "season_lost", "calendar_change", "term_decision", "delay_notice"}
)
"""Kinds that are about a last day: their alerts carry `due_on`."""

Sort = Literal["text", "label", "day", "instant", "count", "decision"]

DETAILS: Mapping[Kind, Mapping[str, tuple[Sort, bool]]] = {
    "deadline": {},
    "breach": {"cause": ("label", False)},
    "calendar_change": {"old_due_on": ("day", True), "decision": ("text", True)},
    "term_decision": {
        "decided": ("decision", True),
        "document": ("text", True),
        "decided_on": ("day", True),
        "old_due_on": ("day", True),
    },
    "season_lost": {
        "certain_on": ("day", True),
        "first_village": ("text", True),
        "villages": ("count", True),
        "pending": ("label", True),
    },
    "act_waiting": {"act": ("label", True), "since": ("day", True)},
    "migration_done": {
        "plan": ("label", True),
        "from_version": ("text", True),
        "to_version": ("text", True),
        "moved": ("count", True),
        "refused": ("count", True),
    },
    "job_stalled": {"job": ("text", True), "last_success": ("instant", False), "problem": ("text", True)},
    "unreachable": {"office": ("label", True), "unit_name": ("text", True)},
    "delay_notice": {
        "unit_name": ("text", True),
        "place": ("text", False),
        "case": ("text", False),
        "addressee": ("text", False),
        "procedure": ("label", True),
        "received_on": ("day", True),
        "new_due_on": ("day", True),
        "reason": ("label", False),
        "signer": ("label", True),
    },
}
"""What an alert's `details` hold, by kind: sort of value, and whether it may not be null. Every key is present."""


def check_details(kind: Kind, details: Mapping[str, Any]) -> None:
    """Refuse `details` that the message of `kind` could not be written from; `InputError` says what is wrong.

    Checked when the alert is raised, so that no message fails when it is due.
    """
    if kind not in DETAILS:
        msg = f"kind {kind!r} is not raised by an alert; expected one of {', '.join(DETAILS)}"
        raise InputError(msg)
    wanted = DETAILS[kind]
    if set(details) != set(wanted):
        msg = f"{kind} alert: details are {sorted(details)}, expected exactly {sorted(wanted)}"
        raise InputError(msg)
    for key, (sort, needed) in wanted.items():
        value = details[key]
        if (value is None and needed) or (value is not None and not _is(sort, value)):
            msg = f"{kind} alert: {key} = {value!r} is not a {sort}"
            raise InputError(msg)


def _is(sort: Sort, value: Any) -> bool:
    match sort:
        case "label":
            return isinstance(value, Mapping) and all(isinstance(value.get(code), str) for code in ("vi", "en"))
        case "count":
            return isinstance(value, int) and not isinstance(value, bool) and value >= 0
        case "decision":
            return value in TOLD
        case "text":
            return isinstance(value, str)
        case "day" | "instant":
            return isinstance(value, str) and _reads(sort, value)


def _reads(sort: Literal["day", "instant"], iso: str) -> bool:
    try:
        if sort == "day":
            date.fromisoformat(iso)
        else:
            require_aware(datetime.fromisoformat(iso))
    except ValueError:
        return False
    return True
