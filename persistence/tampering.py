"""Where a broken chain is broken, and how: the slow half of `verification`, reached only when something is wrong.

Each stored event is given its true place: the one where its stored hash fits its content and the hash before it, or
the one at which another event's hash, or the head, vouches for it. What the places leave open is missing; what has no
place was altered or inserted; places out of order were reordered.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from ..foundation.errors import RasoatError
from ..foundation.messages import Text, message, text
from .chain import DIGEST_BYTES, GENESIS, ChainHead, EventCore, StoredEvent, event_hash

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Finding", "Kind", "Where", "diagnose"]

Kind = Literal["altered", "missing", "reordered", "truncated", "inserted", "unhashed", "backwards", "to_come"]
Where = Literal["event", "hash", "act", "head", "tail", "case"]

_WINDOW: Final = 16
"""How many places away from where it stands an event's true place is looked for."""
_SEARCHED_EVENTS: Final = 64
"""For how many events it is looked for; in a chain broken more often each event simply counts as altered."""


class Finding(NamedTuple):
    """One thing wrong with a case's record.

    `seq` is the event concerned (0: the case as a whole), `last` the last of a run of events or the number expected,
    `reference` an act's id, the true place of a moved event, or the checkpoint that says otherwise (empty: the case).
    """

    kind: Kind
    case_id: int
    seq: int
    where: Where
    last: int = 0
    reference: str = ""

    def text(self) -> Text:
        """Return the sentence an auditor reads, in both languages."""
        said = text("audit.source.checkpoint", number=self.reference) if self.reference else text("audit.source.case")
        template, fields = message(f"audit.{self.kind}.{self.where}"), self._asdict()
        return Text(template.vi.format(**fields, source=said.vi), template.en.format(**fields, source=said.en))


class _Row:
    """A stored event on its way to its true place."""

    __slots__ = ("core", "fits", "fresh", "place", "reported", "stored")

    def __init__(self, core: EventCore, stored: bytes | None) -> None:
        self.core = core
        self.stored = stored
        self.fresh: bytes | None = None  # its hash recomputed where it stands
        self.fits = False  # its stored hash is right at its place
        self.place: int | None = None
        self.reported = stored is None

    @property
    def seq(self) -> int:
        return self.core.seq

    def hashes(self) -> tuple[bytes, ...]:
        """Return what the next event may have been chained to."""
        return tuple(h for h in (self.stored, self.fresh) if h is not None)


def diagnose(events: Iterable[StoredEvent], head: ChainHead) -> list[Finding]:
    """Return what is wrong with one case's events, in the order of the record; empty if nothing is."""
    diagnosis = _Diagnosis(head)
    diagnosis.read(events)
    diagnosis.place()
    diagnosis.compare()
    diagnosis.count()
    return sorted(diagnosis.findings, key=lambda finding: finding.seq)


class _Diagnosis:
    def __init__(self, head: ChainHead) -> None:
        self.head = head
        self.rows: list[_Row] = []
        self.findings: list[Finding] = []
        self.vouched: dict[bytes, int] = {}  # hash → the place of the event that another one, or the head, rests on

    def find(self, kind: Kind, seq: int, where: Where, last: int = 0, reference: str = "") -> None:
        self.findings.append(Finding(kind, self.head.case_id, seq, where, last, reference))

    def read(self, events: Iterable[StoredEvent]) -> None:
        """Take in what can be read; report what lacks a hash, lies out of order, or belongs elsewhere."""
        highest = 0
        for core, stored in events:
            if core.case_id != self.head.case_id or type(core.seq) is not int or core.seq < 1:
                self.find("inserted", core.seq if type(core.seq) is int else 0, "event")
                continue
            if core.seq < highest:
                self.find("reordered", core.seq, "event", reference=str(core.seq))
            highest = max(highest, core.seq)
            self.rows.append(_Row(core, self._digest(core.seq, stored)))
        self.rows.sort(key=lambda row: row.seq)

    def _digest(self, seq: int, stored: bytes | None) -> bytes | None:
        if stored is None:
            self.find("unhashed", seq, "event")
        elif type(stored) is not bytes or len(stored) != DIGEST_BYTES:
            self.find("altered", seq, "hash")
            return None
        return stored

    def place(self) -> None:
        """Give each event its true place, as far as hashes tell it."""
        if self.head.hash is None:
            self.find("unhashed", self.head.length, "head")
        else:
            self.vouched[self.head.hash] = self.head.length
        self._place_where_they_stand()
        lost = [row for row in self.rows if row.place is None and row.stored is not None]
        for row in lost[:_SEARCHED_EVENTS]:
            self._search(row)
        for row in self.rows:
            if row.place is None:
                row.place = next((self.vouched[h] for h in row.hashes() if h in self.vouched), None)
        self._drop_doubles()

    def _place_where_they_stand(self) -> None:
        before: dict[int, list[_Row]] = {}
        for row in self.rows:
            candidates = [h for r in before.get(row.seq - 1, ()) for h in r.hashes()] if row.seq > 1 else [GENESIS]
            for previous in candidates:
                fresh = _hash(previous, row.core)
                row.fresh = row.fresh or fresh
                if fresh is not None and fresh == row.stored:
                    self._settle(row, row.seq, previous)
                    break
            before.setdefault(row.seq, []).append(row)

    def _settle(self, row: _Row, place: int, previous: bytes) -> None:
        row.place, row.fits = place, True
        if place > 1:
            self.vouched[previous] = place - 1

    def _search(self, row: _Row) -> None:
        """Look for the place at which the event's stored hash would be right."""
        at = self.rows.index(row)
        near = self.rows[max(0, at - _WINDOW) : at + _WINDOW + 1]
        hashes = [GENESIS, *(h for r in near for h in r.hashes())]
        places = range(max(1, row.seq - _WINDOW), row.seq + _WINDOW + 1)
        for place, previous in product(places, hashes):
            if (place == 1) == (previous == GENESIS) and _hash(previous, row.core._replace(seq=place)) == row.stored:
                self._settle(row, place, previous)
                return

    def _drop_doubles(self) -> None:
        """Of two events that claim one place keep the one others rest on, else the one that fits; report the other."""
        claims: dict[int, list[_Row]] = {}
        for row in self.rows:
            if row.place is not None:
                claims.setdefault(row.place, []).append(row)
        for rows in claims.values():
            rows.sort(key=lambda row: (any(h in self.vouched for h in row.hashes()), row.fits), reverse=True)
            for extra in rows[1:]:
                self.find("inserted", extra.seq, "event")
                self.rows.remove(extra)

    def compare(self) -> None:
        """Report each placed event whose content does not fit its hash, and each that was moved."""
        placed = {row.place: row for row in self.rows if row.place is not None}
        for place, row in placed.items():
            previous = (GENESIS,) if place == 1 else placed[place - 1].hashes() if place - 1 in placed else ()
            right = [_hash(p, row.core._replace(seq=place)) for p in previous]
            if right and not row.reported and row.stored not in right:
                row.reported = True
                self.find("altered", row.seq, "hash" if any(h in self.vouched for h in right if h) else "event")
        order = [row.place for row in self.rows if row.place is not None]
        if order != sorted(order):
            for row in self.rows:
                if row.place not in (None, row.seq):
                    self.find("reordered", row.seq, "event", reference=str(row.place))

    def count(self) -> None:
        """Report what the places leave open, and what has none."""
        rows = sorted(self.rows, key=lambda row: (row.place or row.seq, row.place is not None))
        last, unplaced = 0, list[_Row]()
        for row in rows:
            if row.place is None:
                unplaced.append(row)
            elif row.place > self.head.length:
                self.find("inserted", row.seq, "tail", self.head.length, self.head.reference)
            else:
                self._between(last, row.place, unplaced)
                last, unplaced = row.place, []
        self._after(last, unplaced)

    def _between(self, last: int, following: int, unplaced: list[_Row]) -> None:
        free = following - last - 1
        self._judge(unplaced, free)
        if free > len(unplaced):
            taken = {row.seq for row in unplaced}
            first = next(place for place in range(last + 1, following) if place not in taken)
            self.find("missing", first, "event", first + free - len(unplaced) - 1)

    def _after(self, last: int, unplaced: list[_Row]) -> None:
        free = self.head.length - last
        self._judge(unplaced, free)
        if free > len(unplaced):
            self.find("truncated", last + len(unplaced), "tail", self.head.length, self.head.reference)
        elif not self.findings and self.head.hash != (self.rows[-1].stored if self.rows else GENESIS):
            self.find("altered", self.head.length, "head", reference=self.head.reference)

    def _judge(self, unplaced: list[_Row], free: int) -> None:
        for i, row in enumerate(unplaced):
            if i >= free:
                self.find("inserted", row.seq, "event")
            elif not row.reported:
                self.find("altered", row.seq, "event")


def _hash(previous: bytes, core: EventCore) -> bytes | None:
    """Return the event's hash, or None if what is stored has no canonical form at all."""
    try:
        return event_hash(previous, core)
    except RasoatError:
        return None
