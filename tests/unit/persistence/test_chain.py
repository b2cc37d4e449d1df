"""The hash of an event: what it covers, what it refuses."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from rasoat.foundation.errors import InputError, IntegrityError
from rasoat.persistence.canonical import canonical_json
from rasoat.persistence.chain import GENESIS, EventCore, act_hash, event_hash, event_object, hash_events

EVENT = EventCore(
    case_id=2**62 + 1,
    seq=1,
    kind="step",
    trigger="list",
    from_state="",
    to_state="listed",
    act_id=2**61 + 1,
    occurred_on="2022-09-05",
    recorded_at="2022-09-06T01:02:03.000004Z",
    actor="collector",
    payload='{"b1":120,"lý do":"mới"}',
    act_digest="ab" * 32,
)


def test_the_hash_is_sha_256_over_the_previous_hash_and_the_canonical_object() -> None:
    text = (
        '{"act_digest":"' + "ab" * 32 + '","act_id":"2305843009213693953","actor":"collector",'
        '"case_id":"4611686018427387905","form":"rasoat.event/1","from_state":"","kind":"step",'
        '"occurred_on":"2022-09-05","payload":"{\\"b1\\":120,\\"lý do\\":\\"mới\\"}",'
        '"recorded_at":"2022-09-06T01:02:03.000004Z","seq":1,"to_state":"listed","trigger":"list"}'
    )
    assert event_hash(GENESIS, EVENT) == sha256(bytes(32) + text.encode()).digest()
    assert canonical_json(event_object(EVENT)) == text.encode()


@pytest.mark.parametrize("field", EventCore._fields)
def test_a_change_of_any_member_changes_the_hash(field: str) -> None:
    old: Any = getattr(EVENT, field)
    change: dict[str, Any] = {field: old + 1 if isinstance(old, int) else old + "x"}
    changed = EVENT._replace(**change)
    assert event_hash(GENESIS, changed) != event_hash(GENESIS, EVENT)


def test_an_event_without_an_act_differs_from_one_with_the_act_null() -> None:
    assert event_hash(GENESIS, EVENT._replace(act_id=None)) != event_hash(GENESIS, EVENT._replace(act_id=0))


def test_a_change_of_the_past_changes_the_hash() -> None:
    assert event_hash(bytes(31) + b"\1", EVENT) != event_hash(GENESIS, EVENT)


def test_a_batch_chains_each_case_on_its_own_head() -> None:
    other = EVENT._replace(case_id=7, seq=5)
    head = sha256(b"head of case 7").digest()
    heads = {7: head}
    second = EVENT._replace(seq=2)
    first_hash, other_hash, second_hash = hash_events(heads, [EVENT, other, second])
    assert first_hash == event_hash(GENESIS, EVENT)
    assert other_hash == event_hash(head, other)
    assert second_hash == event_hash(first_hash, second)
    assert heads == {7: head}


def test_a_case_without_a_known_head_must_begin_with_event_one() -> None:
    with pytest.raises(InputError, match="follows no known head"):
        hash_events({}, [EVENT._replace(seq=2)])


@pytest.mark.parametrize("head", [b"", bytes(31), bytes(33), "0" * 32, None])
def test_a_head_that_is_no_digest_is_never_chained_on(head: Any) -> None:
    with pytest.raises(IntegrityError, match="no digest"):
        hash_events({EVENT.case_id: head}, [EVENT._replace(seq=2)])
    with pytest.raises(IntegrityError, match="no digest"):
        event_hash(head, EVENT)


@pytest.mark.parametrize(
    "change",
    [
        {"seq": "1"},
        {"seq": 1.0},
        {"case_id": "7"},
        {"case_id": None},
        {"act_id": 1.5},
        {"payload": None},
        {"payload": b"{}"},
        {"actor": None},
        {"actor": "\ud800"},
        {"payload": "\udc00"},
    ],
)
def test_an_event_without_a_canonical_form_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="cannot be hashed"):
        event_hash(GENESIS, EVENT._replace(**change))
    with pytest.raises(InputError, match="cannot be hashed"):
        hash_events({}, [EVENT, EVENT._replace(**{"case_id": 9, **change})])


def test_an_acts_hash_covers_each_of_its_members_and_no_order() -> None:
    act = {"trigger": "meet", "body": '{"in_favour":4}', "document": None}
    assert act_hash(act) == act_hash(dict(reversed(act.items())))
    assert act_hash(act) == sha256(
        b'rasoat.act/1\n{"body":"{\\"in_favour\\":4}","document":null,"trigger":"meet"}'
    ).digest()  # fmt: skip
    for name in act:
        assert act_hash({**act, name: "other"}) != act_hash(act)
