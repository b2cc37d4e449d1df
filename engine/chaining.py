"""Facts about a case's deadlines, appended to its chain; the case stays in its state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..persistence.canonical import canonical_json
from ..persistence.cases import Advance, advance
from ..persistence.chain import EventCore, hash_events
from ..persistence.events import EventRow, insert_events
from ..persistence.types import instant_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from ..persistence.cases import CaseRow
    from ..persistence.database import Tx

__all__ = ["Note", "note"]


class Note(NamedTuple):
    """One fact: `kind` is the event's (``deadline``, ``breach``), `trigger` what happened, `payload` the details."""

    case_id: int
    kind: str
    trigger: str
    occurred_on: date
    payload: Mapping[str, Any]


def note(tx: Tx, cases: Sequence[CaseRow], notes: Sequence[Note], actor: str, now: datetime) -> None:
    """Append `notes` to the chains of locked `cases`, in order; notes on other subjects are passed over."""
    by_id = {case.id: case for case in cases}
    numbers = {case.id: case.seq for case in cases}
    cores: list[EventCore] = []
    kept = [each for each in notes if each.case_id in by_id]
    stamp = instant_text(now)
    for each in kept:
        numbers[each.case_id] += 1
        cores.append(_core(each, by_id[each.case_id].state, numbers[each.case_id], actor, stamp))
    hashes = hash_events({case.id: case.head for case in cases}, cores)
    heads = {core.case_id: digest for core, digest in zip(cores, hashes, strict=True)}
    advance(tx, [_advanced(by_id[i], numbers[i], head) for i, head in heads.items()])
    insert_events(
        tx,
        [
            EventRow(*core[:7], each.occurred_on, now, actor, core.payload, digest)
            for each, core, digest in zip(kept, cores, hashes, strict=True)
        ],
    )


def _core(each: Note, state: str, seq: int, actor: str, stamp: str) -> EventCore:
    payload = canonical_json(dict(each.payload)).decode()
    return EventCore(
        each.case_id, seq, each.kind, each.trigger, state, state, None,
        each.occurred_on.isoformat(), stamp, actor, payload, "",
    )  # fmt: skip


def _advanced(case: CaseRow, seq: int, head: bytes) -> Advance:
    return Advance(case.state, seq, case.last_on, case.class_after, case.facts, head, case.id, case.seq)
