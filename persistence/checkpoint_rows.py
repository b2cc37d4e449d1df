"""Checkpoints in the database: taken over one view of all heads, and what each of them sealed.

A checkpoint's heads are not stored anew each time: a row of ``checkpoint_head`` says that a case's head was first
sealed by that checkpoint, and it stands for every later one until the case moves. A day's checkpoint thus costs what
moved that day, and a case's rows are the anchors its chain is held against.
"""

from __future__ import annotations

import os
import struct
from datetime import timedelta
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Final, NamedTuple

import structlog
from sqlalchemy import bindparam, select

from ..foundation.errors import ConflictError, InputError, NotFoundError
from ..foundation.messages import fault
from .chain import ChainHead
from .chain_rows import FROM_THE_FIRST, LOWEST, case_spans, events_of
from .checkpoints import Checkpoint, InclusionProof, SignedCheckpoint, new_secret, prove_cases, take_checkpoint
from .statements import Statement, in_ids, insertion
from .types import instant_from_text, instant_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path
    from typing import Any

    from ..foundation.clock import Clock
    from .chain_rows import Span
    from .database import Database, Tx
    from .keys import Entropy, KeyProvider
    from .signing import SigningKey
    from .tables import Tables

__all__ = [
    "StoredCheckpoint",
    "anchors_in",
    "anchors_of",
    "export_checkpoint",
    "prove",
    "sealed_heads",
    "stored_checkpoint",
    "stored_checkpoints",
    "take",
    "take_due_checkpoint",
]

log = structlog.get_logger("rasoat.audit")

EVERY: Final = timedelta(days=1)
"""How long a checkpoint may be old before the next one is due."""

_ROWS_AT_ONCE: Final = 10_000
_IN_MEMORY: Final = 16 * 2**20
_PACKED: Final = struct.Struct(">qq32s")


class StoredCheckpoint(NamedTuple):
    """A checkpoint and the secret that salts its leaves."""

    signed: SignedCheckpoint
    secret: bytes


def _anchors(tables: Tables, *conditions: Any) -> Any:
    head = tables.checkpoint_head.c
    query = select(head.case_id, head.number, head.length, head.head).order_by(head.case_id, head.number)
    return query.where(*conditions)


_ANCHORS_BETWEEN = Statement(
    "sealed heads between cases",
    ("after", "upto"),
    lambda t: _anchors(
        t, t.checkpoint_head.c.case_id > bindparam("after"), t.checkpoint_head.c.case_id <= bindparam("upto")
    ),
)
_ANCHORS_BEYOND = Statement(
    "sealed heads beyond a case",
    ("after",),
    lambda t: _anchors(t, t.checkpoint_head.c.case_id > bindparam("after")),
)
_ANCHORS_OF = Statement(
    "sealed heads of cases", ("ids",), lambda t: _anchors(t, in_ids(t.checkpoint_head.c.case_id, "ids"))
)
_NEXT_CASES = Statement(
    "next sealed cases",
    ("after", "size"),
    lambda t: (
        select(t.checkpoint_head.c.case_id)
        .where(t.checkpoint_head.c.case_id > bindparam("after"))
        .distinct()
        .order_by(t.checkpoint_head.c.case_id)
        .limit(bindparam("size"))
        .offset(FROM_THE_FIRST)
    ),
)
_INSERT = insertion(
    "insert checkpoint",
    lambda t: t.checkpoint,
    ("number", "taken_at", "leaf_count", "root", "previous", "key_id", "signature", "secret"),
)
_INSERT_HEADS = insertion(
    "insert sealed heads", lambda t: t.checkpoint_head, ("case_id", "number", "length", "head")
)  # fmt: skip


def stored_checkpoints(tx: Tx, numbers: Iterable[int] | None = None) -> list[StoredCheckpoint]:
    """Return checkpoints by number: all, or those that exist of `numbers`."""
    c = tx.tables.checkpoint.c
    query = select(c.number, c.taken_at, c.leaf_count, c.root, c.previous, c.key_id, c.signature, c.secret)
    query = query.order_by(c.number)
    rows = tx.select(query if numbers is None else query.where(c.number.in_(list(numbers))))
    return [
        StoredCheckpoint(
            SignedCheckpoint(
                Checkpoint(r.number, instant_text(r.taken_at), r.leaf_count, r.root, r.previous, r.key_id), r.signature
            ),
            r.secret,
        )
        for r in rows
    ]


def stored_checkpoint(tx: Tx, number: int | None = None) -> StoredCheckpoint:
    """Return one checkpoint, the last if none is named; `NotFoundError` if it does not exist."""
    wanted = number if number is not None else _last_number(tx)
    found = stored_checkpoints(tx, [wanted])
    if not found:
        if number is None:
            raise fault(NotFoundError, "checkpoint.none_yet")
        raise fault(NotFoundError, "checkpoint.no_number", number=number)
    return found[0]


def anchors_in(tx: Tx, span: Span) -> dict[int, list[ChainHead]]:
    """Return every head that a checkpoint sealed in a span, by case id, earliest first; those of lost cases too."""
    if span.upto is None:
        return _by_case(tx.rows(_ANCHORS_BEYOND, span.after))
    return _by_case(tx.rows(_ANCHORS_BETWEEN, span.after, span.upto))


def anchors_of(tx: Tx, case_ids: Iterable[int]) -> dict[int, list[ChainHead]]:
    """Return every head of these cases that a checkpoint sealed, by case id, earliest first."""
    return _by_case(tx.rows(_ANCHORS_OF, tx.ids(list(case_ids))))


def sealed_heads(tx: Tx) -> Iterator[list[ChainHead]]:
    """Yield for each case, by id, the heads that checkpoints sealed, earliest first; one batch in memory at a time."""
    after = LOWEST
    while found := tx.rows(_NEXT_CASES, after, _ROWS_AT_ONCE // 10):
        upto = found[-1][0]
        yield from _by_case(tx.rows(_ANCHORS_BETWEEN, after, upto)).values()
        after = upto


def take(database: Database, *, now: datetime, key: SigningKey, entropy: Entropy = os.urandom) -> SignedCheckpoint:
    """Seal the heads of all cases as they stand, and store the checkpoint.

    The heads are read in one view without holding up writers; only what moved since the checkpoint before is written.
    `ConflictError` if another process took the same number meanwhile, `InputError` if `now` lies before the last one,
    `IntegrityError` if a case has no head.
    """
    secret = new_secret(entropy)
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as moved:
        with database.read() as tx:
            previous = _previous(tx, now)
            signed = take_checkpoint(
                _noting(tx, moved), previous=previous, taken_at=instant_text(now), secret=secret, key=key
            )
        moved.seek(0)
        with database.begin() as tx:
            _store(tx, signed, secret, moved)
    number, leaves = signed.checkpoint.number, signed.checkpoint.leaf_count
    log.info("checkpoint_taken", number=number, cases=leaves, key=signed.checkpoint.key_id)
    return signed


def take_due_checkpoint(
    database: Database, clock: Clock, keys: KeyProvider, *, every: timedelta = EVERY, folder: Path | None = None
) -> SignedCheckpoint | None:
    """Take a checkpoint if the last one is `every` old or there is none; None if it is not due.

    With `folder` it is also written there, outside the database; one that could not be written when it was taken is
    written by the next call. Of two workers only one takes it.
    """
    now = clock.now()
    with database.read() as tx:
        last = [row.signed for row in stored_checkpoints(tx, [_last_number(tx)])]
    due = not last or instant_from_text(last[0].checkpoint.taken_at) + every <= now
    taken = _taken(database, now, keys) if due else None
    if folder is not None:
        for signed in [taken] if taken is not None else last:
            export_checkpoint(signed, folder)
    return taken


def export_checkpoint(signed: SignedCheckpoint, folder: Path) -> Path:
    """Write a checkpoint to a file of its own in `folder`; `InputError` if another one has its number there."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"checkpoint-{signed.checkpoint.number:06d}.json"
    content = signed.to_json()
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        if path.read_bytes() != content:
            raise fault(InputError, "checkpoint.other", path=path) from None
    return path


def prove(tx: Tx, case_id: int, *, number: int | None = None, with_events: bool = True) -> InclusionProof:
    """Return the proof that one case was under a checkpoint (the last, or `number`), its events up to then with it.

    `NotFoundError` if it was not under it, `IntegrityError` if the stored heads no longer give the signed root.
    """
    signed, secret = stored_checkpoint(tx, number)
    upto = signed.checkpoint.number
    heads = (head for sealed in sealed_heads(tx) if (head := _at(sealed, upto)) is not None)
    (proof,) = prove_cases(heads, [case_id], signed=signed, secret=secret)
    if not with_events:
        return proof
    events = [core for core, _ in events_of(tx, [case_id]).get(case_id, [])]
    return proof._replace(events=tuple(events[: proof.head.length]))


def _taken(database: Database, now: datetime, keys: KeyProvider) -> SignedCheckpoint | None:
    try:
        return take(database, now=now, key=keys.ring().signer())
    except ConflictError:
        log.info("checkpoint_taken_by_another")
        return None


def _at(sealed: list[ChainHead], number: int) -> ChainHead | None:
    """Return the head a case had at a checkpoint, None if it was opened later."""
    return next((head for head in reversed(sealed) if int(head.reference) <= number), None)


def _last_number(tx: Tx) -> int:
    number = tx.tables.checkpoint.c.number
    found = tx.select(select(number).order_by(number.desc()).limit(1))
    return int(found[0][0]) if found else 0


def _previous(tx: Tx, now: datetime) -> Checkpoint | None:
    last = stored_checkpoints(tx, [_last_number(tx)])
    if not last:
        return None
    previous = last[0].signed.checkpoint
    if instant_text(now) < previous.taken_at:
        raise fault(InputError, "checkpoint.clock", number=previous.number, taken_at=previous.taken_at)
    return previous


def _noting(tx: Tx, moved: IO[bytes]) -> Iterator[ChainHead]:
    """Pass the heads of all cases on; write those that no checkpoint has sealed to `moved`."""
    for span in case_spans(tx):
        sealed = anchors_in(tx, span)
        for head, _ in span.cases:
            last = sealed.get(head.case_id)
            yield head  # refused here if it is none
            if last is None or (last[-1].length, last[-1].hash) != (head.length, head.hash):
                moved.write(_PACKED.pack(head.case_id, head.length, head.hash))


def _store(tx: Tx, signed: SignedCheckpoint, secret: bytes, moved: IO[bytes]) -> None:
    c = signed.checkpoint
    taken_at = tx.instant(instant_from_text(c.taken_at))
    tx.run(_INSERT, c.number, taken_at, c.leaf_count, c.root, c.previous, c.key_id, signed.signature, secret)
    while block := moved.read(_PACKED.size * _ROWS_AT_ONCE):
        rows = [(case_id, c.number, length, head) for case_id, length, head in _PACKED.iter_unpack(block)]
        tx.many(_INSERT_HEADS, rows)


def _by_case(rows: Iterable[tuple[Any, ...]]) -> dict[int, list[ChainHead]]:
    found: dict[int, list[ChainHead]] = {}
    for case_id, number, length, head in rows:
        found.setdefault(case_id, []).append(ChainHead(case_id, length, head, str(number)))
    return found
