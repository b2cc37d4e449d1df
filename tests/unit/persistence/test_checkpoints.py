"""A checkpoint seals every case at once; a proof shows one of them."""

from __future__ import annotations

import json
from hashlib import sha256
from hmac import new as hmac_new
from typing import Any

import pytest

from rasoat.foundation import messages
from rasoat.foundation.errors import InputError, IntegrityError, NotFoundError
from rasoat.persistence.chain import GENESIS, ChainHead, EventCore, hash_events
from rasoat.persistence.checkpoints import (
    CheckpointFinding,
    SignedCheckpoint,
    checkpoint_from_json,
    leaf_salt,
    new_secret,
    prove_cases,
    take_checkpoint,
    verify_checkpoints,
)
from rasoat.persistence.merkle import leaf_hash, verify_inclusion
from rasoat.persistence.signing import SigningKey

KEY = SigningKey(b"\1" * 32)
KNOWN = {KEY.id: KEY.public}
SECRET = b"\2" * 32
NOON = "2022-10-27T05:00:00.000000Z"
LATER = "2022-11-27T05:00:00.000000Z"


def heads(count: int) -> list[ChainHead]:
    return [ChainHead(2**62 + i, i % 9 + 1, sha256(bytes([i])).digest()) for i in range(count)]


def sealed(count: int = 20, previous: SignedCheckpoint | None = None, taken_at: str = NOON) -> SignedCheckpoint:
    before = previous.checkpoint if previous is not None else None
    return take_checkpoint(heads(count), previous=before, taken_at=taken_at, secret=SECRET, key=KEY)


def test_the_signed_bytes_are_the_documented_ones() -> None:
    checkpoint = sealed().checkpoint
    assert checkpoint.signed_bytes().decode() == (
        f'{{"form":"rasoat.checkpoint/1","key_id":"{KEY.id}","leaf_count":20,"number":1,"previous":"{"0" * 64}",'
        f'"root":"{checkpoint.root.hex()}","taken_at":"{NOON}"}}'
    )
    assert checkpoint.digest() == sha256(checkpoint.signed_bytes()).digest()


def test_a_leaf_is_salted_with_an_hmac_of_its_case_under_the_checkpoints_secret() -> None:
    (head,) = heads(1)
    salt = hmac_new(SECRET, head.case_id.to_bytes(8, "big"), sha256).digest()
    assert leaf_salt(SECRET, head.case_id) == salt
    data = salt + head.case_id.to_bytes(8, "big") + head.length.to_bytes(8, "big") + (head.hash or b"")
    assert sealed(1).checkpoint.root == leaf_hash(data)


def test_checkpoints_follow_one_another() -> None:
    first = sealed()
    second = sealed(25, first, LATER)
    assert (second.checkpoint.number, second.checkpoint.previous) == (2, first.checkpoint.digest())
    assert verify_checkpoints([first, second], KNOWN) == []
    assert verify_checkpoints([second], KNOWN, after=first.checkpoint) == []


def test_a_database_without_cases_can_be_sealed() -> None:
    assert verify_checkpoints([sealed(0)], KNOWN) == []


def test_a_change_of_any_head_changes_the_root() -> None:
    root = sealed().checkpoint.root
    for i in range(20):
        for change in ({"length": 77}, {"hash": bytes(32)}, {"case_id": heads(20)[i].case_id - (i == 0)}):
            changed = heads(20)
            changed[i] = changed[i]._replace(**change)
            other = take_checkpoint(changed, previous=None, taken_at=NOON, secret=SECRET, key=KEY)
            assert (other.checkpoint.root == root) == (changed == heads(20))


@pytest.mark.parametrize(
    "change",
    [{"number": 2}, {"taken_at": LATER}, {"leaf_count": 21}, {"root": bytes(32)}, {"previous": b"\1" * 32}],
)
def test_a_changed_checkpoint_is_forged(change: dict[str, Any]) -> None:
    checkpoint, signature = sealed()
    forged = SignedCheckpoint(checkpoint._replace(**change), signature)
    assert CheckpointFinding("forged", forged.checkpoint.number) in verify_checkpoints([forged], KNOWN)


def test_a_signature_of_an_unknown_key_does_not_count() -> None:
    other = SigningKey(b"\3" * 32)
    signed = take_checkpoint(heads(3), previous=None, taken_at=NOON, secret=SECRET, key=other)
    assert verify_checkpoints([signed], KNOWN) == [CheckpointFinding("unknown_key", 1)]
    relabelled = SignedCheckpoint(signed.checkpoint._replace(key_id=KEY.id), signed.signature)
    assert verify_checkpoints([relabelled], KNOWN) == [CheckpointFinding("forged", 1)]


def test_a_checkpoint_left_out_or_put_in_breaks_the_row() -> None:
    first = sealed()
    second = sealed(21, first, LATER)
    third = sealed(22, second, LATER)
    rival = sealed(30, first, LATER)
    assert verify_checkpoints([first, third], KNOWN) == [CheckpointFinding("unlinked", 3)]
    assert verify_checkpoints([first, rival, third], KNOWN)[0] == CheckpointFinding("unlinked", 3)
    assert verify_checkpoints([second], KNOWN) == [CheckpointFinding("unlinked", 2)]


def test_cases_are_never_fewer_and_time_never_runs_back() -> None:
    first = sealed(20, taken_at=LATER)
    second = sealed(19, first, NOON)
    assert verify_checkpoints([first, second], KNOWN) == [
        CheckpointFinding("shrunk", 2),
        CheckpointFinding("backdated", 2),
    ]


def test_every_finding_has_its_sentence_in_both_languages() -> None:
    kinds = {code.rpartition(".")[2] for code in messages.codes() if code.startswith("audit.checkpoint.")}
    inside = {"forged", "unknown_key", "unlinked", "shrunk", "backdated"}
    assert kinds == inside | {"unfounded", "replaced", "lost"}
    assert "12" in CheckpointFinding("shrunk", 12).text().vi


@pytest.mark.parametrize("content", ["", "[]", "null", "{}", b"\xff"])
def test_what_is_no_json_object_is_refused(content: bytes | str) -> None:
    with pytest.raises(InputError, match="no checkpoint"):
        checkpoint_from_json(content)


@pytest.mark.parametrize("order", [[1, 0], [0, 0]])
def test_cases_out_of_order_or_given_twice_are_refused(order: list[int]) -> None:
    with pytest.raises(InputError, match="by rising id"):
        take_checkpoint([heads(2)[i] for i in order], previous=None, taken_at=NOON, secret=SECRET, key=KEY)


@pytest.mark.parametrize("hash_", [None, b"", bytes(31)])
def test_a_head_without_a_hash_is_never_sealed(hash_: bytes | None) -> None:
    with pytest.raises(IntegrityError, match="no hash"):
        take_checkpoint([ChainHead(1, 1, hash_)], previous=None, taken_at=NOON, secret=SECRET, key=KEY)


@pytest.mark.parametrize("taken_at", ["", "2022-10-27", "2022-10-27T05:00:00Z", "2022-10-27T05:00:00.000000+07:00"])
def test_an_instant_in_another_form_is_refused(taken_at: str) -> None:
    with pytest.raises(InputError, match="taken_at"):
        sealed(taken_at=taken_at)


def test_a_secret_of_another_length_is_refused() -> None:
    with pytest.raises(InputError, match="new_secret"):
        take_checkpoint(heads(1), previous=None, taken_at=NOON, secret=b"", key=KEY)
    assert len(new_secret()) == 32
    assert new_secret() != new_secret()


def test_a_checkpoint_survives_its_export() -> None:
    signed = sealed()
    assert checkpoint_from_json(signed.to_json()) == signed
    assert checkpoint_from_json(signed.to_json().decode()) == signed


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1},
        {"form": "x"},
        {"root": "00 " * 32},
        {"signature": "00"},
        {"signature": None},
        {"number": "1"},
        {"number": 1.5},
        {"leaf_count": True},
        {"taken_at": None},
        {"taken_at": "2022-10-27"},
        {"previous": ""},
        {"key_id": 1},
    ],
)
def test_what_is_no_export_is_refused(change: dict[str, Any]) -> None:
    members = {**json.loads(sealed().to_json()), **change}
    with pytest.raises(InputError, match="no checkpoint"):
        checkpoint_from_json(json.dumps(members))


def test_each_proof_leads_to_the_signed_root() -> None:
    signed = sealed(37)
    wanted = {head.case_id for head in heads(37)[::5]}
    proofs = prove_cases(iter(heads(37)), wanted, signed=signed, secret=SECRET)
    assert [proof.head for proof in proofs] == heads(37)[::5]
    for proof in proofs:
        numbers = proof.head.case_id.to_bytes(8, "big") + proof.head.length.to_bytes(8, "big")
        leaf = leaf_hash(proof.salt + numbers + (proof.head.hash or b""))
        assert verify_inclusion(leaf, proof.place, 37, proof.path, signed.checkpoint.root)


def test_a_proof_shows_nothing_of_the_other_cases() -> None:
    (proof,) = prove_cases(heads(8), [heads(8)[3].case_id], signed=sealed(8), secret=SECRET)
    text = proof.to_json().decode()
    for other in heads(8):
        if other != proof.head:
            assert str(other.case_id) not in text
            assert (other.hash or b"").hex() not in text
            assert leaf_salt(SECRET, other.case_id).hex() not in text
    assert SECRET.hex() not in text


def test_who_guesses_a_neighbours_head_cannot_confirm_it_without_the_secret() -> None:
    secrets = SECRET, b"\4" * 32
    paths = []
    for secret in secrets:
        signed = take_checkpoint(heads(8), previous=None, taken_at=NOON, secret=secret, key=KEY)
        (proof,) = prove_cases(heads(8), [heads(8)[3].case_id], signed=signed, secret=secret)
        paths.append(proof.path)
    assert set(paths[0]).isdisjoint(paths[1])


def test_a_proof_carries_the_cases_events_if_asked() -> None:
    core = EventCore(5, 1, "step", "list", "", "listed", None, "2022-09-05", "", "a", "", "")
    head = ChainHead(5, 1, hash_events({5: GENESIS}, [core])[0])
    signed = take_checkpoint([head], previous=None, taken_at=NOON, secret=SECRET, key=KEY)
    (proof,) = prove_cases([head], [5], signed=signed, secret=SECRET, events_of={5: [core]}.__getitem__)
    assert proof.events == (core,)
    assert json.loads(proof.to_json())["events"][0]["trigger"] == "list"


def test_a_case_that_was_not_sealed_has_no_proof() -> None:
    with pytest.raises(NotFoundError, match="case 5 was not under checkpoint 1"):
        prove_cases(heads(8), [heads(8)[0].case_id, 5], signed=sealed(8), secret=SECRET)


def test_heads_that_changed_since_prove_nothing() -> None:
    changed = heads(8)
    changed[2] = changed[2]._replace(length=99)
    with pytest.raises(IntegrityError, match="do not give the root"):
        prove_cases(changed, [heads(8)[0].case_id], signed=sealed(8), secret=SECRET)
