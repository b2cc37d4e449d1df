"""Is a case's record whole? Reads the chain once, and asks `tampering` where it is broken only if it is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ..foundation.errors import RasoatError
from .chain import GENESIS, ChainHead, StoredEvent, event_hash
from .tampering import Finding, Kind, diagnose
from .types import instant_from_text, instant_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

__all__ = ["CLOCK_SKEW", "Finding", "clock_findings", "verify_chain"]

CLOCK_SKEW: Final = timedelta(minutes=2)
"""How far apart the clocks of two machines that write to one database may be."""


def verify_chain(
    events: Iterable[StoredEvent],
    head: ChainHead,
    *,
    anchors: Iterable[ChainHead] = (),
    act_digest_of: Callable[[int], str | None] | None = None,
) -> list[Finding]:
    """Return everything wrong with one case's record; empty if it is whole.

    `events` are the case's, by number; `head` is what the case's own row says. `anchors` are earlier heads that are
    known from elsewhere, a signed checkpoint above all: they find a chain that was rewritten together with its head.
    `act_digest_of` computes the digest of a stored act anew (`act_hash`, hexadecimal) or gives None if the act is
    gone; it is asked once for each event that names an act.
    """
    rows = list(events)
    findings = _head_faults(head)
    if findings:
        head = head._replace(length=len(rows))
    if not _is_intact(rows, head):
        findings += diagnose(rows, head)
    for anchor in anchors:
        findings += _against(anchor, rows)
    if act_digest_of is not None:
        findings += _act_faults(rows, act_digest_of)
    return findings


def clock_findings(rows: Sequence[StoredEvent], now: datetime) -> Iterator[Finding]:
    """Yield the events whose instant of entry lies before that of the event before, or after `now`.

    A difference within `CLOCK_SKEW` is that of two machines' clocks, and no finding.
    """
    latest = instant_text(now + CLOCK_SKEW)
    for at, (core, _) in enumerate(rows):
        if core.recorded_at > latest:
            yield Finding("to_come", core.case_id, core.seq, "event")
        if at and core.recorded_at < rows[at - 1].core.recorded_at and _skew(rows[at - 1], rows[at]) > CLOCK_SKEW:
            yield Finding("backwards", core.case_id, core.seq, "event", rows[at - 1].core.seq)


def _skew(before: StoredEvent, after: StoredEvent) -> timedelta:
    return instant_from_text(before.core.recorded_at) - instant_from_text(after.core.recorded_at)


def _is_intact(rows: Sequence[StoredEvent], head: ChainHead) -> bool:
    previous = GENESIS
    for seq, (core, stored) in enumerate(rows, start=1):
        if core.seq != seq or core.case_id != head.case_id or stored is None:
            return False
        try:
            if event_hash(previous, core) != stored:
                return False
        except RasoatError:
            return False
        previous = stored
    return len(rows) == head.length and previous == head.hash


def _head_faults(head: ChainHead) -> list[Finding]:
    if type(head.length) is int and head.length >= 0:
        return []
    return [Finding("altered", head.case_id, 0, "head", reference=head.reference)]


def _against(anchor: ChainHead, rows: Sequence[StoredEvent]) -> list[Finding]:
    if anchor.length == 0:
        return []
    at = [stored for core, stored in rows if core.seq == anchor.length]
    if not at:
        return [Finding("truncated", anchor.case_id, len(rows), "tail", anchor.length, anchor.reference)]
    if anchor.hash not in at:
        return [Finding("altered", anchor.case_id, anchor.length, "head", reference=anchor.reference)]
    return []


def _act_faults(rows: Sequence[StoredEvent], act_digest_of: Callable[[int], str | None]) -> Iterator[Finding]:
    for core, _ in rows:
        if core.act_id is None:
            continue
        found = act_digest_of(core.act_id)
        if found != core.act_digest:
            kind: Kind = "missing" if found is None else "altered"
            yield Finding(kind, core.case_id, core.seq, "act", reference=str(core.act_id))
