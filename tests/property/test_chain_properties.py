"""The chain: two ways to the same bytes, and no change that goes unseen."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rasoat.persistence.canonical import LARGEST_INTEGER, canonical_json
from rasoat.persistence.chain import GENESIS, ChainHead, EventCore, StoredEvent, event_hash, event_object, hash_events
from rasoat.persistence.verification import verify_chain

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(['"', "\\", "\x00", "posted"])
IDS = st.integers(0, 2**63 - 1)
EVENTS = st.builds(
    EventCore,
    case_id=IDS,
    seq=st.integers(1, LARGEST_INTEGER),
    kind=TEXT,
    trigger=TEXT,
    from_state=TEXT,
    to_state=TEXT,
    act_id=st.none() | IDS,
    occurred_on=TEXT,
    recorded_at=TEXT,
    actor=TEXT,
    payload=TEXT,
    act_digest=TEXT,
)
CASE = 2**62 + 7


@given(EVENTS, st.binary(min_size=32, max_size=32))
@settings(deadline=None, max_examples=300)
def test_the_quick_text_and_the_canonical_writer_give_the_same_hash(core: EventCore, previous: bytes) -> None:
    expected = sha256(previous + canonical_json(event_object(core))).digest()
    assert event_hash(previous, core) == expected
    assert hash_events({core.case_id: previous}, [core]) == [expected]


@given(st.lists(EVENTS, max_size=12), st.integers(1, 3))
@settings(deadline=None)
def test_a_batch_gives_the_hashes_of_its_events_one_by_one(cores: list[EventCore], cases: int) -> None:
    cores = [core._replace(case_id=i % cases, seq=i + 2) for i, core in enumerate(cores)]
    heads = {case: sha256(bytes([case])).digest() for case in range(cases)}
    expected, current = [], dict(heads)
    for core in cores:
        current[core.case_id] = event_hash(current[core.case_id], core)
        expected.append(current[core.case_id])
    assert hash_events(heads, cores) == expected


@st.composite
def chains(draw: st.DrawFn) -> list[StoredEvent]:
    payloads = draw(st.lists(TEXT, min_size=1, max_size=9))
    cores = [
        EventCore(CASE, i, "step", f"t{i}", f"s{i - 1}", f"s{i}", i, "2022-10-20", "2022-10-21", "a", payload, "")
        for i, payload in enumerate(payloads, start=1)
    ]
    return [StoredEvent(core, digest) for core, digest in zip(cores, hash_events({}, cores), strict=True)]


def head_of(rows: list[StoredEvent]) -> ChainHead:
    return ChainHead(CASE, len(rows), rows[-1].hash)


@given(chains())
@settings(deadline=None)
def test_a_whole_chain_has_no_findings(rows: list[StoredEvent]) -> None:
    assert verify_chain(rows, head_of(rows), anchors=[ChainHead(CASE, 1, rows[0].hash, "1")]) == []


@given(chains(), st.data())
@settings(deadline=None, max_examples=300)
def test_no_tampering_goes_unseen(rows: list[StoredEvent], data: st.DataObject) -> None:
    head = head_of(rows)
    tampered = data.draw(tamperings(rows))
    assert bool(verify_chain(tampered, head)) == (tampered != rows)


@given(chains(), st.data())
@settings(deadline=None, max_examples=200)
def test_one_event_taken_out_is_the_one_named_missing(rows: list[StoredEvent], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(rows) - 1))
    (finding,) = verify_chain(rows[:at] + rows[at + 1 :], head_of(rows))
    if at == len(rows) - 1:
        assert (finding.kind, finding.seq, finding.last) == ("truncated", at, len(rows))
    else:
        assert (finding.kind, finding.seq, finding.last) == ("missing", at + 1, at + 1)


@given(chains(), st.data())
@settings(deadline=None, max_examples=200)
def test_one_event_whose_content_changed_is_the_one_named_altered(rows: list[StoredEvent], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(rows) - 1))
    field = data.draw(st.sampled_from(["kind", "trigger", "occurred_on", "payload", "act_digest"]))
    changed = rows[at].core._replace(**{field: getattr(rows[at].core, field) + "x"})
    (finding,) = verify_chain([*rows[:at], rows[at]._replace(core=changed), *rows[at + 1 :]], head_of(rows))
    assert (finding.kind, finding.seq, finding.where) == ("altered", at + 1, "event")


@st.composite
def tamperings(draw: st.DrawFn, rows: list[StoredEvent]) -> list[StoredEvent]:
    """Do up to four things to a chain: change, drop, double, move, renumber, strip or replace a hash."""
    rows = list(rows)
    for _ in range(draw(st.integers(1, 4))):
        if not rows:
            break
        at = draw(st.integers(0, len(rows) - 1))
        deed = draw(
            st.sampled_from(["change", "drop", "double", "move", "renumber", "strip", "replace", "renumber all"])
        )
        rows = _done(deed, rows, at, draw(st.integers(0, len(rows) - 1)))
    return rows


def _done(deed: str, rows: list[StoredEvent], at: int, other: int) -> list[StoredEvent]:
    row = rows[at]
    change: dict[str, Any] = {
        "change": lambda: [*rows[:at], row._replace(core=row.core._replace(actor="someone else")), *rows[at + 1 :]],
        "drop": lambda: rows[:at] + rows[at + 1 :],
        "double": lambda: [*rows[:at], row, *rows[at:]],
        "move": lambda: [*(rest := rows[:at] + rows[at + 1 :])[:other], row, *rest[other:]],
        "renumber": lambda: [*rows[:at], row._replace(core=row.core._replace(seq=other + 1)), *rows[at + 1 :]],
        "strip": lambda: [*rows[:at], row._replace(hash=None), *rows[at + 1 :]],
        "replace": lambda: [*rows[:at], row._replace(hash=rows[other].hash), *rows[at + 1 :]],
        "renumber all": lambda: [r._replace(core=r.core._replace(seq=i)) for i, r in enumerate(rows, start=1)],
    }
    done: list[StoredEvent] = change[deed]()
    return done


@given(chains(), st.integers(1, 9))
@settings(deadline=None)
def test_a_chain_rewritten_together_with_its_head_is_found_by_an_earlier_checkpoint(
    rows: list[StoredEvent], known: int
) -> None:
    known = min(known, len(rows))
    anchor = ChainHead(CASE, known, rows[known - 1].hash, "3")
    cores = [row.core for row in rows]
    cores[0] = cores[0]._replace(actor="someone else")
    forged = [StoredEvent(core, digest) for core, digest in zip(cores, hash_events({}, cores), strict=True)]
    assert verify_chain(forged, head_of(forged)) == []
    (finding,) = verify_chain(forged, head_of(forged), anchors=[anchor])
    assert (finding.kind, finding.seq, finding.reference) == ("altered", known, "3")
    assert event_hash(GENESIS, cores[0]) == forged[0].hash
