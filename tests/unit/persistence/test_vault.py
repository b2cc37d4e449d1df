"""Sealed data opens with the household's key, at its own place, unchanged; and with nothing else."""

from __future__ import annotations

from hashlib import sha256
from hmac import new as hmac_new
from itertools import count
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rasoat.foundation.errors import InputError, IntegrityError, NotFoundError
from rasoat.persistence.chain import GENESIS, ChainHead, EventCore, StoredEvent, event_hash
from rasoat.persistence.keys import generate_ring, with_new_master, without_master
from rasoat.persistence.vault import Sealed, Vault, WrappedKey, normal_identity, shred
from rasoat.persistence.verification import verify_chain

if TYPE_CHECKING:
    from collections.abc import Callable

PERSON = {"name": "Nguyễn Văn Mẫu", "born": "1961-02-03", "identity": "042061000001", "phones": ["0900000000"]}
HOUSEHOLD = 2**62 + 5


def counting() -> Callable[[int], bytes]:
    numbers = count(1)
    return lambda length: next(numbers).to_bytes(length, "big")


@pytest.fixture
def vault() -> Vault:
    return Vault(generate_ring())


@pytest.fixture
def key(vault: Vault) -> WrappedKey:
    return vault.new_key(HOUSEHOLD)


def test_what_was_sealed_opens(vault: Vault, key: WrappedKey) -> None:
    assert vault.open(key, vault.seal(key, PERSON)) == PERSON


def test_nothing_readable_is_stored(vault: Vault, key: WrappedKey) -> None:
    stored = vault.seal(key, PERSON) + key.wrapped
    for value in ("Mẫu", "1961", "042061000001"):
        assert value.encode() not in stored


def test_the_stored_form_is_the_documented_one() -> None:
    ring = generate_ring(counting())
    vault = Vault(ring, counting())
    key = vault.new_key(HOUSEHOLD)
    data_key_id, data_key, nonce = (1).to_bytes(8, "big"), (2).to_bytes(32, "big"), (3).to_bytes(12, "big")
    label = f'["rasoat.data-key/1","{HOUSEHOLD}","{data_key_id.hex()}","{ring.active}"]'.encode()
    wrapped = nonce + AESGCM(ring.masters[ring.active]).encrypt(nonce, data_key, label)
    assert key == (HOUSEHOLD, data_key_id, ring.active, wrapped)
    nonce = (4).to_bytes(12, "big")
    label = f'["rasoat.sealed/1","{HOUSEHOLD}","{data_key_id.hex()}","head"]'.encode()
    sealed = b"\x01" + data_key_id + nonce + AESGCM(data_key).encrypt(nonce, b'{"name":"x"}', label)
    assert vault.seal(key, {"name": "x"}, context="head") == sealed


def test_sealing_twice_gives_different_bytes(vault: Vault, key: WrappedKey) -> None:
    assert vault.seal(key, PERSON) != vault.seal(key, PERSON)


def test_each_household_has_a_key_of_its_own(vault: Vault, key: WrappedKey) -> None:
    other = vault.new_key(HOUSEHOLD + 1)
    with pytest.raises(IntegrityError, match="not under the key"):
        vault.open(other, vault.seal(key, PERSON))


def test_a_wrapped_key_given_to_another_household_does_not_open(vault: Vault, key: WrappedKey) -> None:
    with pytest.raises(IntegrityError, match="belongs to another household"):
        vault.open(key._replace(household_id=HOUSEHOLD + 1), vault.seal(key, PERSON))


def test_a_wrapped_key_under_another_label_does_not_open(vault: Vault, key: WrappedKey) -> None:
    with pytest.raises(IntegrityError, match="wrapped key"):
        vault.seal(key._replace(data_key_id=b"\0" * 8), PERSON)


def test_sealed_data_moved_to_another_context_does_not_open(vault: Vault, key: WrappedKey) -> None:
    sealed = vault.seal(key, PERSON, context="member 1")
    assert vault.open(key, sealed, context="member 1") == PERSON
    with pytest.raises(IntegrityError, match="another place"):
        vault.open(key, sealed, context="member 2")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x02" + bytes(60), bytes(60)])
def test_what_is_no_sealed_data_is_refused(vault: Vault, key: WrappedKey, sealed: bytes) -> None:
    with pytest.raises(IntegrityError):
        vault.open(key, sealed)


def test_sealed_data_cut_short_is_refused(vault: Vault, key: WrappedKey) -> None:
    sealed = vault.seal(key, PERSON)
    for length in range(len(sealed)):
        with pytest.raises(IntegrityError):
            vault.open(key, Sealed(sealed[:length]))


def test_a_wrapped_key_cut_short_is_refused(vault: Vault, key: WrappedKey) -> None:
    for length in range(1, len(key.wrapped)):
        with pytest.raises(IntegrityError):
            vault.seal(key._replace(wrapped=key.wrapped[:length]), PERSON)


def test_rotating_the_master_key_leaves_the_data_alone() -> None:
    ring = generate_ring()
    old = Vault(ring)
    key = old.new_key(HOUSEHOLD)
    sealed = old.seal(key, PERSON)
    rotated = with_new_master(ring)
    new = Vault(rotated)
    assert new.open(key, sealed) == PERSON
    rewrapped = new.rewrap(key)
    assert rewrapped.master_key_id == rotated.active
    alone = Vault(without_master(rotated, ring.active))
    assert alone.open(rewrapped, sealed) == PERSON
    with pytest.raises(NotFoundError, match="not in the ring"):
        alone.open(key, sealed)


def test_rewrapping_again_changes_nothing(vault: Vault, key: WrappedKey) -> None:
    assert vault.rewrap(key) is key


def test_another_deployments_keys_open_nothing(vault: Vault, key: WrappedKey) -> None:
    ring = generate_ring()
    stranger = Vault(ring)
    with pytest.raises(NotFoundError, match="not in the ring"):
        stranger.open(key, vault.seal(key, PERSON))
    with pytest.raises(IntegrityError, match="wrapped key"):
        stranger.open(key._replace(master_key_id=ring.active), vault.seal(key, PERSON))


def test_a_shredded_key_leaves_nothing_to_open_the_data_with(vault: Vault, key: WrappedKey) -> None:
    sealed = vault.seal(key, PERSON)
    left = shred(key)
    assert (left.household_id, left.master_key_id, left.wrapped) == (HOUSEHOLD, "", b"")
    for use in (lambda: vault.open(left, sealed), lambda: vault.seal(left, PERSON)):
        with pytest.raises(NotFoundError, match="erased"):
            use()
    assert vault.rewrap(left) == left
    with pytest.raises(IntegrityError, match="not under the key"):
        vault.open(vault.new_key(HOUSEHOLD), sealed)


def test_the_chain_still_verifies_when_the_person_is_forgotten(vault: Vault, key: WrappedKey) -> None:
    sealed = vault.seal(key, PERSON).hex()
    core = EventCore(7, 1, "opened", "", "", "listed", None, "2022-09-05", "", "a", f'{{"sealed":"{sealed}"}}', "")
    digest = event_hash(GENESIS, core)
    shred(key)
    assert verify_chain([StoredEvent(core, digest)], ChainHead(7, 1, digest)) == []


def test_an_identity_number_is_found_however_it_was_typed(vault: Vault) -> None:
    wanted = vault.identity_index("042061000001")
    for typed in (
        "042 061 000 001",
        "042.061.000.001",
        "042-061-000-001",
        " 042061000001\n",
        "０４２０６１０００００１",
    ):
        assert vault.identity_index(typed) == wanted
    assert vault.identity_index("042061000002") != wanted


def test_the_index_is_an_hmac_under_the_index_key() -> None:
    ring = generate_ring()
    message = b'["rasoat.index/1","identity","042061000001"]'
    assert Vault(ring).identity_index("042061000001") == hmac_new(ring.index_key, message, sha256).digest()


def test_the_index_does_not_change_with_the_master_key_but_differs_between_deployments(vault: Vault) -> None:
    ring = generate_ring()
    number = "042061000001"
    assert Vault(ring).identity_index(number) == Vault(with_new_master(ring)).identity_index(number)
    assert Vault(ring).identity_index(number) != vault.identity_index(number)


def test_keyed_hashes_of_different_purposes_and_cuts_differ(vault: Vault) -> None:
    made = [
        vault.keyed_index("twin", "ab", "c"),
        vault.keyed_index("twin", "a", "bc"),
        vault.keyed_index("twin", "abc"),
        vault.keyed_index("identity", "abc"),
    ]
    assert len(set(made)) == len(made)


@pytest.mark.parametrize("number", ["", "1234567890", "04206100001", "0420610000011", "04206100000A", "²42061000001x"])
def test_a_faulty_identity_number_is_refused_and_not_repeated(number: str) -> None:
    with pytest.raises(InputError, match="9 or 12 digits") as refusal:
        normal_identity(number)
    assert not number or number not in str(refusal.value)
