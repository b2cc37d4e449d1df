"""Each kind of tampering is found, and found where it was done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rasoat.foundation import messages
from rasoat.persistence.chain import GENESIS, ChainHead, EventCore, StoredEvent, event_hash, hash_events
from rasoat.persistence.verification import Finding, verify_chain

if TYPE_CHECKING:
    from collections.abc import Iterable

CASE = 41


def chain(length: int, case_id: int = CASE) -> list[StoredEvent]:
    cores = [
        EventCore(
            case_id, i, "step", f"t{i}", f"s{i}", f"s{i + 1}", 900 + i, "2022-10-20", "", "a", f'{{"n":{i}}}', "d"
        )
        for i in range(1, length + 1)
    ]
    return [StoredEvent(core, digest) for core, digest in zip(cores, hash_events({}, cores), strict=True)]


def head_of(rows: list[StoredEvent]) -> ChainHead:
    return ChainHead(rows[0].core.case_id, len(rows), rows[-1].hash)


def told(findings: Iterable[Finding]) -> list[str]:
    return [f"{f.kind} {f.where} {f.seq}" for f in findings]


def edited(row: StoredEvent, **changes: Any) -> StoredEvent:
    return row._replace(core=row.core._replace(**changes))


def rehashed(row: StoredEvent, previous: bytes | None) -> StoredEvent:
    return row._replace(hash=event_hash(previous or GENESIS, row.core))


def renumbered(rows: list[StoredEvent]) -> list[StoredEvent]:
    return [edited(row, seq=i) for i, row in enumerate(rows, start=1)]


def test_a_whole_chain_passes() -> None:
    assert verify_chain(chain(7), head_of(chain(7))) == []


def test_a_case_that_has_no_events_yet_passes() -> None:
    assert verify_chain([], ChainHead(CASE, 0, GENESIS)) == []


@pytest.mark.parametrize("at", range(5))
def test_a_changed_event_is_named(at: int) -> None:
    rows = chain(5)
    head = head_of(rows)
    rows[at] = edited(rows[at], payload='{"n":99}')
    assert told(verify_chain(rows, head)) == [f"altered event {at + 1}"]


@pytest.mark.parametrize("at", range(4))
def test_a_changed_event_with_a_hash_computed_anew_breaks_the_join_with_the_next(at: int) -> None:
    rows = chain(5)
    head = head_of(rows)
    rows[at] = rehashed(edited(rows[at], payload='{"n":99}'), rows[at - 1].hash if at else None)
    assert told(verify_chain(rows, head)) == [f"altered event {at + 2}"]


@pytest.mark.parametrize("at", range(5))
@pytest.mark.parametrize("hash_", [bytes(32), b"short", "text"])
def test_a_changed_hash_is_told_from_a_changed_event(at: int, hash_: Any) -> None:
    rows = chain(5)
    head = head_of(rows)
    rows[at] = rows[at]._replace(hash=hash_)
    assert told(verify_chain(rows, head)) == [f"altered hash {at + 1}"]


@pytest.mark.parametrize("at", range(5))
def test_a_missing_hash_is_a_failure(at: int) -> None:
    rows = chain(5)
    head = head_of(rows)
    rows[at] = rows[at]._replace(hash=None)
    assert told(verify_chain(rows, head)) == [f"unhashed event {at + 1}"]


def test_a_record_without_any_hash_fails_event_by_event() -> None:
    rows = [row._replace(hash=None) for row in chain(3)]
    findings = told(verify_chain(rows, ChainHead(CASE, 3, None)))
    assert findings == ["unhashed event 1", "unhashed event 2", "unhashed event 3", "unhashed head 3"]


def test_missing_events_are_named_as_a_run() -> None:
    rows = chain(7)
    (finding,) = verify_chain(rows[:2] + rows[4:], head_of(rows))
    assert (finding.kind, finding.seq, finding.last) == ("missing", 3, 4)


@pytest.mark.parametrize("at", range(4))
def test_a_missing_event_is_found_though_the_rest_was_renumbered(at: int) -> None:
    rows = chain(6)
    gapless = renumbered(rows[:at] + rows[at + 1 :])
    assert told(verify_chain(gapless, head_of(rows))) == [f"missing event {at + 1}"]


def test_two_events_that_changed_places_are_named_with_their_true_ones() -> None:
    rows = chain(6)
    rows[2], rows[3] = edited(rows[3], seq=3), edited(rows[2], seq=4)
    findings = verify_chain(rows, head_of(chain(6)))
    assert told(findings) == ["reordered event 3", "reordered event 4"]
    assert [f.reference for f in findings] == ["4", "3"]


def test_an_event_moved_to_the_front_is_named() -> None:
    rows = chain(5)
    moved = renumbered([rows[3], *rows[:3], rows[4]])
    assert "reordered event 1" in told(verify_chain(moved, head_of(rows)))


def test_events_given_out_of_order_are_reported() -> None:
    rows = chain(4)
    assert told(verify_chain([rows[0], rows[2], rows[1], rows[3]], head_of(rows))) == ["reordered event 2"]


def test_a_whole_chain_given_backwards_is_out_of_order_and_nothing_else() -> None:
    rows = chain(80)
    findings = verify_chain(reversed(rows), head_of(rows))
    assert told(findings) == [f"reordered event {seq}" for seq in range(1, 80)]


def test_a_cut_tail_shows_against_the_head() -> None:
    rows = chain(6)
    (finding,) = verify_chain(rows[:4], head_of(rows))
    assert (finding.kind, finding.seq, finding.last) == ("truncated", 4, 6)


def test_a_tail_cut_together_with_its_head_shows_against_a_checkpoint() -> None:
    rows = chain(6)
    assert verify_chain(rows[:4], head_of(rows[:4])) == []
    (finding,) = verify_chain(rows[:4], head_of(rows[:4]), anchors=[ChainHead(CASE, 6, rows[5].hash, "12")])
    assert (finding.kind, finding.seq, finding.last, finding.reference) == ("truncated", 4, 6, "12")


def test_a_case_emptied_of_its_events_is_truncated() -> None:
    assert told(verify_chain([], head_of(chain(3)))) == ["truncated tail 0"]


@pytest.mark.parametrize("at", range(1, 5))
def test_an_event_put_in_between_is_named(at: int) -> None:
    rows = chain(5)
    foreign = edited(chain(9)[8], payload='{"forged":true}')
    assert told(verify_chain(renumbered([*rows[:at], foreign, *rows[at:]]), head_of(rows))) == [
        f"inserted event {at + 1}"
    ]


@pytest.mark.parametrize("at", range(1, 5))
def test_an_event_put_in_with_a_fitting_hash_is_named(at: int) -> None:
    rows = chain(5)
    forged = rehashed(edited(rows[at], payload='{"forged":true}'), rows[at - 1].hash)
    later = [edited(row, seq=row.core.seq + 1) for row in rows[at:]]
    assert told(verify_chain([*rows[:at], forged, *later], head_of(rows))) == [f"inserted event {at + 1}"]


def test_an_event_with_a_number_already_taken_is_named_inserted() -> None:
    rows = chain(5)
    double = edited(rows[2], payload="{}")
    assert told(verify_chain([*rows[:2], double, *rows[2:]], head_of(rows))) == ["inserted event 3"]


def test_events_beyond_the_head_are_inserted() -> None:
    rows = chain(5)
    assert told(verify_chain(rows, head_of(rows[:3]))) == ["inserted tail 4", "inserted tail 5"]


def test_an_event_of_another_case_is_inserted() -> None:
    rows = chain(3)
    assert told(verify_chain([*rows, chain(1, case_id=77)[0]], head_of(rows))) == ["inserted event 1"]


def test_a_chain_computed_anew_from_the_middle_shows_against_its_head() -> None:
    cores = [row.core for row in chain(5)]
    cores[2] = cores[2]._replace(payload="{}")
    forged = [StoredEvent(core, digest) for core, digest in zip(cores, hash_events({}, cores), strict=True)]
    assert told(verify_chain(forged, head_of(chain(5)))) == ["altered head 5"]


@pytest.mark.parametrize("length", ["5", -1, None])
def test_a_head_that_counts_no_events_is_altered(length: Any) -> None:
    rows = chain(5)
    assert told(verify_chain(rows, head_of(rows)._replace(length=length))) == ["altered head 0"]


@pytest.mark.parametrize("seq", [0, -3, "2", None, 10**15])
def test_an_impossible_number_is_found_and_never_crashes(seq: Any) -> None:
    rows = chain(5)
    head = head_of(rows)
    rows[1] = edited(rows[1], seq=seq)
    assert {f.kind for f in verify_chain(rows, head)} & {"missing", "reordered"}


def test_a_value_of_a_wrong_type_is_altered_and_never_crashes() -> None:
    rows = chain(3)
    head = head_of(rows)
    rows[1] = edited(rows[1], payload=None)
    assert told(verify_chain(rows, head)) == ["altered event 2"]


def test_a_long_chain_broken_throughout_is_judged_without_searching_for_ever() -> None:
    rows = [edited(row, actor="someone else") for row in chain(400)]
    findings = verify_chain(rows, head_of(chain(400)))
    assert {f.kind for f in findings} == {"altered"}
    assert [f.seq for f in findings] == list(range(1, 400))  # the head vouches for the last; nothing sound precedes it


def test_a_changed_act_and_a_lost_act_are_found() -> None:
    rows = chain(3)
    digests = {901: "d", 902: "changed"}
    findings = verify_chain(rows, head_of(rows), act_digest_of=digests.get)
    assert told(findings) == ["altered act 2", "missing act 3"]
    assert [f.reference for f in findings] == ["902", "903"]


def test_every_finding_has_its_sentence_in_both_languages() -> None:
    made = [
        Finding("altered", 7, 3, "event"),
        Finding("altered", 7, 3, "hash"),
        Finding("altered", 7, 3, "act", reference="901"),
        Finding("altered", 7, 3, "head", reference="12"),
        Finding("missing", 7, 3, "event", 4),
        Finding("missing", 7, 3, "act", reference="901"),
        Finding("reordered", 7, 3, "event", reference="4"),
        Finding("truncated", 7, 3, "tail", 5),
        Finding("inserted", 7, 3, "event"),
        Finding("inserted", 7, 3, "tail", 2),
        Finding("inserted", 7, 0, "case"),
        Finding("unhashed", 7, 3, "event"),
        Finding("unhashed", 7, 3, "head"),
        Finding("missing", 7, 0, "case", reference="12"),
        Finding("altered", 7, 3, "case"),
    ]
    written = {code for code in messages.codes() if code.startswith("audit.") and not code.startswith("audit.source.")}
    assert {f"audit.{f.kind}.{f.where}" for f in made} <= written
    assert all("7" in f.text().vi and "7" in f.text().en for f in made)
    assert made[3].text().en.count("checkpoint 12") == 1
    assert made[7].text().vi.count("dòng hồ sơ") == 1
