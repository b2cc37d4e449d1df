"""Whoever changes the tables behind the engine's back is found, and where. On SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from rasoat.persistence.chain import GENESIS, event_hash
from rasoat.persistence.chain_rows import events_of
from rasoat.persistence.checkpoints import CheckpointFinding
from rasoat.persistence.tampering import Finding

EVENT = "UPDATE rasoat_event SET"
LENGTH = 11  # the opening and ten acts


def test_a_record_that_nobody_touched_is_whole(record):
    assert record.findings() == []
    assert record.of_round() == []
    assert record.of_case(record.ids[0]) == []


@pytest.mark.parametrize(
    "change",
    [
        "to_state = 'excluded'",
        "actor = 'cb99'",
        "occurred_on = '2022-09-30'",
        "recorded_at = '2022-09-30T00:00:00.000000Z'",
        "payload = '{}'",
        "kind = 'step2'",
        "act_id = NULL",
    ],
)
def test_an_altered_event_is_named(record, change):
    case = record.ids[2]
    record.tamper(f"{EVENT} {change} WHERE case_id = {case} AND seq = 3")
    assert record.findings() == [Finding("altered", case, 3, "event")]
    assert record.of_case(case) == [Finding("altered", case, 3, "event")]
    assert record.of_round() == [Finding("altered", case, 3, "event")]


def test_an_altered_hash_is_named(record):
    case = record.ids[0]
    zeros = "x'" + "00" * 32 + "'" if record.database.engine.dialect.name == "sqlite" else "'\\x" + "00" * 32 + "'"
    record.tamper(f"{EVENT} hash = {zeros} WHERE case_id = {case} AND seq = 4")
    assert record.findings() == [Finding("altered", case, 4, "hash")]


def test_an_altered_act_is_named_in_each_case_it_decided(record):
    act = record.value("SELECT act_id FROM rasoat_event WHERE trigger = 'meet' AND case_id = 10")
    record.tamper(f"UPDATE rasoat_act SET body = replace(body, '85', '58') WHERE id = {act}")
    assert record.findings() == [Finding("altered", case, 4, "act", reference=str(act)) for case in record.ids]


def test_an_act_whose_digest_alone_was_changed_is_named(record):
    act = record.value("SELECT act_id FROM rasoat_event WHERE trigger = 'meet' AND case_id = 10")
    record.tamper(f"UPDATE rasoat_act SET digest = (SELECT hash FROM rasoat_event WHERE case_id = 10 AND seq = 1) "
                  f"WHERE id = {act}")  # fmt: skip
    assert record.findings() == [Finding("altered", case, 4, "act", reference=str(act)) for case in record.ids]


def test_an_act_that_was_altered_together_with_its_digest_breaks_every_case_it_decided(record):
    other = record.value("SELECT act_id FROM rasoat_event WHERE trigger = 'survey' AND case_id = 10")
    act = record.value("SELECT act_id FROM rasoat_event WHERE trigger = 'post' AND case_id = 10")
    record.tamper(f"{EVENT} act_id = {other} WHERE act_id = {act}")
    assert record.findings() == [Finding("altered", case, 5, "event") for case in record.ids]


def test_a_missing_act_is_named(record):
    act = record.value("SELECT act_id FROM rasoat_event WHERE trigger = 'meet' AND case_id = 10")
    record.tamper(f"DELETE FROM rasoat_act WHERE id = {act}")
    assert record.findings() == [Finding("missing", case, 4, "act", reference=str(act)) for case in record.ids]


def test_missing_events_are_named(record):
    case = record.ids[1]
    record.tamper(f"DELETE FROM rasoat_event WHERE case_id = {case} AND seq IN (5, 6)")
    assert Finding("missing", case, 5, "event", 6) in record.findings()


def test_events_that_changed_places_are_named(record):
    case = record.ids[1]
    move = [f"{EVENT} seq = {new} WHERE case_id = {case} AND seq = {old}" for old, new in ((5, 99), (6, 5), (99, 6))]
    record.tamper(*move)
    assert record.findings() == [
        Finding("reordered", case, 5, "event", reference="6"),
        Finding("reordered", case, 6, "event", reference="5"),
    ]


def test_a_chain_that_was_cut_off_is_named_even_if_its_row_was_set_back(record):
    case = record.ids[3]
    back = f"(SELECT hash FROM rasoat_event WHERE case_id = {case} AND seq = {LENGTH - 1})"
    record.tamper(f"DELETE FROM rasoat_event WHERE case_id = {case} AND seq = {LENGTH}")
    assert Finding("truncated", case, LENGTH - 1, "tail", LENGTH) in record.findings()
    record.tamper(f"UPDATE rasoat_case SET seq = {LENGTH - 1}, head = {back}, state = 'opined' WHERE id = {case}")
    assert record.findings() == [Finding("truncated", case, LENGTH - 1, "tail", LENGTH, "1")]


def test_an_event_put_in_between_is_named(record):
    case = record.ids[0]
    columns = "kind, trigger, from_state, to_state, act_id, occurred_on, recorded_at, actor, payload, hash"
    record.tamper(
        f"{EVENT} seq = seq + 100 WHERE case_id = {case} AND seq > 5",
        f"{EVENT} seq = seq - 99 WHERE case_id = {case} AND seq > 100",
        f"INSERT INTO rasoat_event (case_id, seq, {columns}) SELECT {case}, 6, {columns} FROM rasoat_event "
        f"WHERE case_id = {record.ids[1]} AND seq = 6",
    )
    assert Finding("inserted", case, 6, "event") in record.findings()
    assert {finding.case_id for finding in record.findings()} == {case}


def test_an_event_beyond_the_end_is_named(record):
    case = record.ids[0]
    columns = "kind, trigger, from_state, to_state, act_id, occurred_on, recorded_at, actor, payload, hash"
    record.tamper(
        f"INSERT INTO rasoat_event (case_id, seq, {columns}) SELECT case_id, {LENGTH + 1}, {columns} "
        f"FROM rasoat_event WHERE case_id = {case} AND seq = {LENGTH}"
    )
    assert Finding("inserted", case, LENGTH + 1, "event") in record.findings()


def test_events_of_no_case_are_named_wherever_their_ids_lie(record):
    columns = "seq, kind, trigger, from_state, to_state, act_id, occurred_on, recorded_at, actor, payload, hash"
    strays = [-7, 5, 999_999_999]
    record.tamper(
        *(f"INSERT INTO rasoat_event (case_id, {columns}) SELECT {stray}, {columns} FROM rasoat_event "
          f"WHERE case_id = {record.ids[0]}" for stray in strays)
    )  # fmt: skip
    assert record.findings() == [Finding("inserted", stray, 0, "case") for stray in strays]


def test_an_event_without_a_hash_is_a_failure(record):
    case = record.ids[0]
    empty = "x''" if record.database.engine.dialect.name == "sqlite" else "''"
    record.tamper(f"{EVENT} hash = {empty} WHERE case_id = {case} AND seq = 7")
    assert record.findings() == [Finding("unhashed", case, 7, "event")]


def test_a_case_without_a_head_is_a_failure(record):
    case = record.ids[0]
    empty = "x''" if record.database.engine.dialect.name == "sqlite" else "''"
    record.tamper(f"UPDATE rasoat_case SET head = {empty} WHERE id = {case}")
    assert Finding("unhashed", case, LENGTH, "head") in record.findings()


def test_a_case_that_was_taken_away_with_all_its_events_is_missed_by_the_checkpoint(record):
    case = record.ids[1]
    record.tamper(f"DELETE FROM rasoat_event WHERE case_id = {case}", f"DELETE FROM rasoat_case WHERE id = {case}")
    assert record.findings() == [Finding("missing", case, 0, "case", reference="1")]
    assert record.of_case(case) == [Finding("missing", case, 0, "case", reference="1")]


def test_a_state_written_into_the_cases_row_alone_is_named(record):
    case = record.ids[1]
    record.tamper(f"UPDATE rasoat_case SET state = 'excluded' WHERE id = {case}")
    assert record.findings() == [Finding("altered", case, LENGTH, "case")]


def test_a_chain_written_anew_from_start_to_end_is_given_away_by_the_checkpoint(record):
    case = record.ids[2]
    rewrite(record, case)
    assert record.findings() == [Finding("altered", case, LENGTH, "head", reference="1")]


def test_whoever_rewrites_the_sealed_head_too_breaks_the_signed_root(record):
    case = record.ids[2]
    head = rewrite(record, case)
    record.tamper(f"UPDATE rasoat_checkpoint_head SET head = {head} WHERE case_id = {case}")
    assert record.findings() == [CheckpointFinding("unfounded", 1)]


def test_whoever_seals_the_rewritten_record_again_is_given_away_by_the_checkpoint_before(record):
    case = record.ids[2]
    head = rewrite(record, case)
    record.tamper(f"UPDATE rasoat_checkpoint_head SET head = {head} WHERE case_id = {case}")
    record.seal()
    assert record.findings() == [CheckpointFinding("unfounded", 1)]
    assert record.findings(recent=1) == [], "the last one alone was sealed over the rewritten record"


def test_a_checkpoint_that_was_replaced_or_taken_away_is_known_by_the_copy_kept_outside(record):
    kept = [record.seal(), record.seal()]
    assert record.findings(outside=kept) == []
    record.tamper("DELETE FROM rasoat_checkpoint WHERE number = 3")
    assert record.findings() == [], "the last one leaves no trace inside"
    assert record.findings(outside=kept) == [CheckpointFinding("lost", 3)]
    other = record.seal()
    assert other.checkpoint.number == 3
    assert record.findings(outside=kept) == [CheckpointFinding("replaced", 3)]


def test_a_signature_by_an_unknown_key_is_named(record):
    assert record.findings(known={}) == [CheckpointFinding("unknown_key", 1)]


def test_a_checkpoint_dated_otherwise_is_forged(record):
    record.tamper("UPDATE rasoat_checkpoint SET taken_at = '2022-01-01T00:00:00.000000Z'")
    assert record.findings() == [CheckpointFinding("forged", 1)]


def rewrite(record, case):
    """Change an event and compute every hash after it anew, as whoever can write every row could."""
    binary = "x'{}'" if record.database.engine.dialect.name == "sqlite" else "'\\x{}'"
    with record.database.read() as tx:
        events = events_of(tx, [case])[case]
    previous, statements = GENESIS, []
    for core, _ in events:
        told = core._replace(actor="cb99") if core.seq == 3 else core
        previous = event_hash(previous, told)
        statements.append(
            f"{EVENT} actor = '{told.actor}', hash = {binary.format(previous.hex())} "
            f"WHERE case_id = {case} AND seq = {core.seq}"
        )
    head = binary.format(previous.hex())
    record.tamper(*statements, f"UPDATE rasoat_case SET head = {head} WHERE id = {case}")
    return head
