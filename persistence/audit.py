"""Is the whole record what it was? Cases stream by span by span; heads and sealed heads are held against them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..foundation.errors import NotFoundError, RasoatError
from ..foundation.messages import fault
from .chain_rows import act_digests, case_spans, events_in, events_of, heads_of, round_spans
from .checkpoint_rows import anchors_in, anchors_of, sealed_heads, stored_checkpoints
from .checkpoints import CheckpointFinding, case_leaf, verify_checkpoints
from .marking import is_trial
from .merkle import TreeBuilder
from .tampering import Finding
from .verification import clock_findings, verify_chain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from .chain import ChainHead, StoredEvent
    from .chain_rows import ActDigests, CaseHead
    from .checkpoint_rows import StoredCheckpoint
    from .checkpoints import SignedCheckpoint
    from .database import Tx

__all__ = ["AnyFinding", "Audit"]

AnyFinding = Finding | CheckpointFinding


class _Gathered(NamedTuple):
    """What a batch of cases is judged by."""

    events: Mapping[int, list[StoredEvent]]
    anchors: Mapping[int, list[ChainHead]]
    acts: Mapping[int, ActDigests]


class Audit:
    """One audit in one reading transaction. Counts what it has read; yields what is wrong as it meets it.

    `public_keys` are those of everyone who signs or has signed, by id. `outside` are checkpoints that were kept
    elsewhere: they must be in the database, word for word. `recent` bounds for how many of the last checkpoints the
    root is computed anew from the stored heads (None: all; each costs one leaf per case). `now` is the present
    instant: with it, instants of entry that run backwards or are yet to come are findings; a database for trials,
    whose clock may be told, has none to find.
    """

    def __init__(
        self,
        tx: Tx,
        public_keys: Mapping[str, bytes],
        *,
        outside: Sequence[SignedCheckpoint] = (),
        recent: int | None = None,
        progress: Callable[[int], None] = lambda _: None,
        now: datetime | None = None,
    ) -> None:
        self.cases = 0
        self.events = 0
        self.checkpoints = 0
        self._tx = tx
        self._keys = public_keys
        self._outside = outside
        self._recent = recent
        self._progress = progress
        self.trial = is_trial(tx)
        self._until = None if now is None or self.trial else now

    def everything(self) -> Iterator[AnyFinding]:
        """Verify the checkpoints and every case; find cases that were taken away, and events of no case."""
        yield from self._seals()
        for span in case_spans(self._tx):
            gathered = self._gathered(events_in(self._tx, span), anchors_in(self._tx, span))
            known = {case.head.case_id for case in span.cases}
            yield from _lost(gathered.anchors, known)
            yield from (Finding("inserted", stray, 0, "case") for stray in gathered.events if stray not in known)
            yield from self._judged(span.cases, gathered)

    def round(self, round_id: int) -> Iterator[AnyFinding]:
        """Verify the checkpoints and a round's cases."""
        yield from self._seals()
        for cases in round_spans(self._tx, round_id):
            yield from self._some(cases)

    def case(self, case_id: int) -> Iterator[AnyFinding]:
        """Verify the checkpoints and one case; `NotFoundError` if neither its row nor any trace of it is there."""
        yield from self._seals()
        found = heads_of(self._tx, [case_id])
        if found:
            yield from self._some(found)
            return
        anchors, strays = anchors_of(self._tx, [case_id]), events_of(self._tx, [case_id])
        if not anchors and not strays:
            raise fault(NotFoundError, "found.no_case_id", case_id=case_id)
        yield from _lost(anchors, set())
        yield from (Finding("inserted", stray, 0, "case") for stray in strays)

    def _some(self, cases: Sequence[CaseHead]) -> Iterator[Finding]:
        ids = [case.head.case_id for case in cases]
        gathered = self._gathered(events_of(self._tx, ids), anchors_of(self._tx, ids))
        yield from self._judged(cases, gathered)

    def _gathered(
        self, events: Mapping[int, list[StoredEvent]], anchors: Mapping[int, list[ChainHead]]
    ) -> _Gathered:  # fmt: skip
        named = {core.act_id for rows in events.values() for core, _ in rows if core.act_id is not None}
        return _Gathered(events, anchors, act_digests(self._tx, named))

    def _judged(self, cases: Sequence[CaseHead], gathered: _Gathered) -> Iterator[Finding]:
        for case in cases:
            rows = gathered.events.get(case.head.case_id, [])
            findings = _case_findings(case, rows, gathered)
            yield from findings
            if self._until is not None and not findings:
                yield from clock_findings(rows, self._until)
            self.events += len(rows)
        self.cases += len(cases)
        self._progress(self.cases)

    def _seals(self) -> Iterator[CheckpointFinding]:
        stored = stored_checkpoints(self._tx)
        self.checkpoints = len(stored)
        yield from verify_checkpoints([row.signed for row in stored], self._keys)
        yield from _held_against(stored, self._outside)
        yield from _unfounded(self._tx, stored if self._recent is None else stored[-self._recent :])


def _case_findings(case: CaseHead, rows: list[StoredEvent], gathered: _Gathered) -> list[Finding]:
    head, anchors, acts = case.head, gathered.anchors.get(case.head.case_id, ()), gathered.acts
    findings = verify_chain(rows, head, anchors=anchors)
    spoiled = [i for i, act in acts.items() if act.stored != act.fresh]
    if findings and spoiled:
        # Of an act's digest and its content one was changed; the chain tells which of the two it was written with.
        other = verify_chain(_with_fresh_acts(rows, acts), head, anchors=anchors)
        findings = min(findings, other, key=len)
    findings += _act_findings(rows, acts)
    missing = {f.seq for f in findings if (f.kind, f.where) == ("missing", "act")}
    findings = [f for f in findings if not (f.seq in missing and (f.kind, f.where) == ("altered", "event"))]
    if not findings and rows and rows[-1].core.to_state != case.state:
        findings.append(Finding("altered", head.case_id, rows[-1].core.seq, "case"))
    return findings


def _act_findings(rows: Sequence[StoredEvent], acts: Mapping[int, ActDigests]) -> Iterator[Finding]:
    for core, _ in rows:
        if core.act_id is None:
            continue
        act = acts.get(core.act_id)
        if act is None:
            yield Finding("missing", core.case_id, core.seq, "act", reference=str(core.act_id))
        elif act.stored != act.fresh:
            yield Finding("altered", core.case_id, core.seq, "act", reference=str(core.act_id))


def _with_fresh_acts(rows: Sequence[StoredEvent], acts: Mapping[int, ActDigests]) -> list[StoredEvent]:
    def fresh(row: StoredEvent) -> StoredEvent:
        act = acts.get(row.core.act_id) if row.core.act_id is not None else None
        return row if act is None else row._replace(core=row.core._replace(act_digest=act.fresh))

    return [fresh(row) for row in rows]


def _lost(anchors: Mapping[int, Sequence[ChainHead]], known: set[int]) -> Iterator[Finding]:
    for case_id, sealed in anchors.items():
        if case_id not in known:
            yield Finding("missing", case_id, 0, "case", reference=sealed[-1].reference)


def _held_against(
    stored: Sequence[StoredCheckpoint], outside: Sequence[SignedCheckpoint]
) -> Iterator[CheckpointFinding]:  # fmt: skip
    kept = {row.signed.checkpoint.number: row.signed for row in stored}
    for signed in outside:
        number = signed.checkpoint.number
        if number not in kept:
            yield CheckpointFinding("lost", number)
        elif kept[number] != signed:
            yield CheckpointFinding("replaced", number)


def _unfounded(tx: Tx, stored: Sequence[StoredCheckpoint]) -> Iterator[CheckpointFinding]:
    """Compute each checkpoint's root anew from the stored heads, all in one pass."""
    growing = [_Growing(row) for row in stored]
    for sealed in sealed_heads(tx) if growing else ():
        numbers = [int(head.reference) for head in sealed]
        for tree in growing:
            tree.add(sealed, numbers)
    yield from (CheckpointFinding("unfounded", tree.number) for tree in growing if not tree.holds())


class _Growing:
    """A checkpoint's tree on its way to the root."""

    def __init__(self, stored: StoredCheckpoint) -> None:
        self._checkpoint = stored.signed.checkpoint
        self._secret = stored.secret
        self._tree = TreeBuilder()
        self._spoiled = False

    @property
    def number(self) -> int:
        return self._checkpoint.number

    def add(self, sealed: Sequence[ChainHead], numbers: Sequence[int]) -> None:
        """Take in the head a case had at this checkpoint."""
        at = next((i for i in reversed(range(len(numbers))) if numbers[i] <= self.number), None)
        if at is None:
            return
        try:
            self._tree.add(case_leaf(sealed[at], self._secret))
        except (RasoatError, OverflowError):
            self._spoiled = True

    def holds(self) -> bool:
        tree = self._tree.finish()
        return not self._spoiled and (tree.size, tree.root) == (self._checkpoint.leaf_count, self._checkpoint.root)
