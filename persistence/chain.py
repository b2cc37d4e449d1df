"""The event chain: each event's hash covers the event, the act behind it, and everything before it in its case.

hash(event) = SHA-256( hash of the event before, 32 bytes ‖ canonical JSON of the event ); before the first event stand
32 zero bytes. Ids are 63-bit and so travel as decimal strings. `docs/audit.md` describes the whole record.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

from ..foundation.errors import InputError, IntegrityError
from .canonical import canonical_json, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "DIGEST_BYTES",
    "EVENT_FORM",
    "GENESIS",
    "ChainHead",
    "EventCore",
    "StoredEvent",
    "act_hash",
    "event_hash",
    "event_object",
    "hash_events",
]

DIGEST_BYTES: Final = 32
GENESIS: Final = bytes(DIGEST_BYTES)
"""What stands before a case's first event."""

EVENT_FORM: Final = "rasoat.event/1"
_ACT_FORM: Final = b"rasoat.act/1\n"

_Frame = tuple[str, str, str, str]


class EventCore(NamedTuple):
    """What an event's hash covers.

    `occurred_on` is an ISO date, `recorded_at` an ISO instant in UTC with microseconds and ``Z``
    (`rasoat.persistence.types.instant_text`), `payload` canonical JSON text or empty, `act_digest` the act's
    `act_hash` in hexadecimal or empty. Personal data stands in none of them unless sealed.
    """

    case_id: int
    seq: int
    kind: str
    trigger: str
    from_state: str
    to_state: str
    act_id: int | None
    occurred_on: str
    recorded_at: str
    actor: str
    payload: str
    act_digest: str


class StoredEvent(NamedTuple):
    """An event as the store returned it, with the hash it keeps (None: the store has none)."""

    core: EventCore
    hash: bytes | None


class ChainHead(NamedTuple):
    """Where a case's chain is said to end: `length` events, the last with `hash`.

    `reference` is the number of the checkpoint that says so, empty if it is the case's own row.
    """

    case_id: int
    length: int
    hash: bytes | None
    reference: str = ""


def hash_events(previous: Mapping[int, bytes], cores: Iterable[EventCore]) -> list[bytes]:
    """Return the hash of each event of a batch, in order.

    `previous` gives each case's head by case id and is left as it is; a case it lacks must begin with event 1.
    Several events of one case chain on one another. `InputError` if an event has no canonical form or does not
    follow anything, `IntegrityError` if a head is no digest.
    """
    heads = dict(previous)
    _require_digests(heads)
    frames: dict[tuple[str | int | None, ...], _Frame] = {}
    hashes: list[bytes] = []
    for core in cores:
        # An act decides for a whole village: what its events share is written out once.
        case_id, seq, kind, trigger, from_state, to_state, act_id, occurred_on, recorded_at, actor, payload, act = core
        shared = (kind, trigger, from_state, to_state, act_id, occurred_on, recorded_at, actor, act)
        try:
            frame = frames.get(shared)
            if frame is None:
                frame = frames[shared] = _frame(core)
            before_case, before_payload, before_seq, end = frame
            text = f"{before_case}{case_id:d}{before_payload}{quoted(payload)}{before_seq}{seq:d}{end}".encode()
        except (TypeError, ValueError):
            _refuse(core)
        head = heads.get(case_id)
        if head is None:
            head = _first(core)
        heads[case_id] = digest = sha256(head + text).digest()
        hashes.append(digest)
    return hashes


def event_hash(previous: bytes, core: EventCore) -> bytes:
    """Return the hash of one event after `previous` (32 bytes, `GENESIS` before the first); errors as `hash_events`."""
    _require_digests({core.case_id: previous})
    try:
        before_case, before_payload, before_seq, end = _frame(core)
        text = f"{before_case}{core.case_id:d}{before_payload}{quoted(core.payload)}{before_seq}{core.seq:d}{end}"
        return sha256(previous + text.encode()).digest()
    except (TypeError, ValueError):
        _refuse(core)


def event_object(core: EventCore) -> dict[str, str | int | None]:
    """Return the JSON object whose canonical form the hash of `core` covers."""
    members: dict[str, str | int | None] = {**core._asdict(), "form": EVENT_FORM}
    members["case_id"] = f"{core.case_id:d}"
    members["act_id"] = None if core.act_id is None else f"{core.act_id:d}"
    return members


def act_hash(act: Mapping[str, object]) -> bytes:
    """Return the hash of an act; `EventCore.act_digest` is its hexadecimal.

    `act` holds everything the act's row says but the digest itself: trigger, form, unit, dates, actor, role, document
    and body, with ids as decimal strings. `InputError` if something has no canonical form.
    """
    return sha256(_ACT_FORM + canonical_json(dict(act))).digest()


def _frame(core: EventCore) -> _Frame:
    """Return the canonical text of an event without case id, payload and number, in its four pieces.

    Quoting is the canonical writer's own, so any text comes out right; the names stand in canonical order.
    """
    act_id = "null" if core.act_id is None else f'"{core.act_id:d}"'
    states = f'"from_state":{quoted(core.from_state)},"kind":{quoted(core.kind)}'
    return (
        f'{{"act_digest":{quoted(core.act_digest)},"act_id":{act_id},"actor":{quoted(core.actor)},"case_id":"',
        f'","form":"{EVENT_FORM}",{states},"occurred_on":{quoted(core.occurred_on)},"payload":',
        f',"recorded_at":{quoted(core.recorded_at)},"seq":',
        f',"to_state":{quoted(core.to_state)},"trigger":{quoted(core.trigger)}}}',
    )


def _first(core: EventCore) -> bytes:
    if core.seq == 1:
        return GENESIS
    msg = f"event {core.seq} of case {core.case_id} follows no known head; give the case's head, or begin with event 1"
    raise InputError(msg)


def _require_digests(heads: Mapping[int, bytes]) -> None:
    for case_id, head in heads.items():
        if type(head) is not bytes or len(head) != DIGEST_BYTES:
            msg = f"case {case_id}: its head is no digest of {DIGEST_BYTES} bytes; verify the case's chain"
            raise IntegrityError(msg)


def _refuse(core: EventCore) -> NoReturn:
    """Let the canonical writer say which member has no canonical form."""
    where = f"event {core.seq!r} of case {core.case_id!r}"
    try:
        canonical_json(event_object(core))
    except (TypeError, ValueError) as error:  # InputError is a ValueError
        msg = f"{where} cannot be hashed: {error}"
        raise InputError(msg) from None
    msg = f"{where} cannot be hashed: its ids and its number must be integers, everything else text"
    raise InputError(msg)
