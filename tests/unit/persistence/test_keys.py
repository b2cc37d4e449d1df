"""Keys are kept from others, refused when faulty, and never shown."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from rasoat.foundation.errors import InputError, NotFoundError
from rasoat.persistence.keys import (
    DevelopmentKeys,
    EnvironmentKeys,
    FileKeys,
    HostKeys,
    KeyRing,
    create_key_file,
    generate_ring,
    key_provider,
    ring_from_json,
    ring_to_json,
    save_ring,
    with_new_master,
    with_new_signer,
    without_master,
)
from rasoat.persistence.signing import SigningKey, public_key_id, public_key_pem, signature_holds

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def counting() -> Callable[[int], bytes]:
    numbers = count(1)
    return lambda length: next(numbers).to_bytes(length, "big")


def test_a_generated_ring_has_separate_keys_and_its_master_active() -> None:
    ring = generate_ring()
    (master,) = ring.masters
    assert ring.active == master
    assert len({ring.masters[master], ring.index_key, ring.signing_seed}) == 3
    assert generate_ring() != ring


def test_a_ring_survives_the_journey_through_its_file_form() -> None:
    ring = with_new_signer(with_new_master(generate_ring(counting()), counting_from(50)), counting_from(60))
    assert ring_from_json(ring_to_json(ring)) == ring


def counting_from(start: int) -> Callable[[int], bytes]:
    numbers = count(start)
    return lambda length: next(numbers).to_bytes(length, "big")


def test_no_secret_shows_in_the_text_of_a_ring_or_of_a_signing_key() -> None:
    ring = generate_ring()
    shown = repr(ring) + str(ring) + repr(ring.signer())
    for secret in (*ring.masters.values(), ring.index_key, ring.signing_seed):
        assert secret.hex() not in shown
        assert repr(secret) not in shown


def test_a_new_key_file_is_open_to_its_owner_only_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    umask = os.umask(0)
    try:
        ring = create_key_file(path)
    finally:
        os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert FileKeys(path).ring() == ring


def test_a_key_file_is_never_overwritten_unasked(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    ring = create_key_file(path)
    with pytest.raises(InputError, match="exists"):
        create_key_file(path)
    assert FileKeys(path).ring() == ring


def test_a_rotated_ring_replaces_the_file_whole_and_stays_private(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    rotated = with_new_master(create_key_file(path))
    (tmp_path / ".keys.json.new").write_text("left by a crash")
    save_ring(rotated, path, replace_old=True)
    assert FileKeys(path).ring() == rotated
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["keys.json"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601, 0o777])
def test_a_key_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys.json"
    create_key_file(path)
    path.chmod(mode)
    with pytest.raises(InputError, match="chmod 600"):
        FileKeys(path).ring()


def test_a_key_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keys.json"
    create_key_file(path)
    status = list(path.stat())
    status[stat.ST_UID] = 4321
    monkeypatch.setattr(os, "fstat", lambda _: os.stat_result(status))
    with pytest.raises(InputError, match="belongs to user 4321"):
        FileKeys(path).ring()


def test_a_missing_key_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no key file"):
        FileKeys(tmp_path / "none.json").ring()


def test_keys_come_from_the_environment() -> None:
    ring = generate_ring()
    assert EnvironmentKeys(environ={"RASOAT_KEYRING": ring_to_json(ring)}).ring() == ring
    assert EnvironmentKeys("HOST_KEYS", {"HOST_KEYS": ring_to_json(ring)}).ring() == ring
    with pytest.raises(NotFoundError, match="RASOAT_KEYRING"):
        EnvironmentKeys(environ={}).ring()


def test_keys_come_from_the_host_and_are_asked_for_each_time() -> None:
    rings = [generate_ring(), generate_ring()]
    provider = HostKeys(iter(rings).__next__)
    assert [provider.ring(), provider.ring()] == rings


def test_development_keys_are_refused_outside_sqlite_unless_asked_for_in_so_many_words() -> None:
    assert DevelopmentKeys("sqlite:///demo.db").ring() == DevelopmentKeys("sqlite://").ring()
    with pytest.raises(InputError, match="not for postgresql") as refusal:
        DevelopmentKeys("postgresql+psycopg://user:hidden@host/db")
    assert "hidden" not in str(refusal.value)
    anywhere = DevelopmentKeys("postgresql://host/db", anywhere=True)
    assert anywhere.ring() == DevelopmentKeys("sqlite://").ring()


def test_a_setting_names_its_source_of_keys(tmp_path: Path) -> None:
    ring = create_key_file(tmp_path / "keys.json")
    environ = {"RASOAT_KEYRING": ring_to_json(ring), "OTHER": ring_to_json(ring)}
    for spec in (f"file:{tmp_path / 'keys.json'}", "env", "env:OTHER"):
        assert key_provider(spec, "postgresql://host/db", environ).ring() == ring
    assert key_provider("development", "sqlite://").ring() == DevelopmentKeys("sqlite://").ring()
    assert key_provider("development-anywhere", "postgresql://h/d").ring() == DevelopmentKeys("sqlite://").ring()
    with pytest.raises(InputError, match="development keys"):
        key_provider("development", "postgresql://host/db")


@pytest.mark.parametrize("spec", ["", "file", "file:", "none", "null", "vault:x"])
def test_no_setting_means_no_keys(spec: str) -> None:
    with pytest.raises(InputError, match="names no source of keys"):
        key_provider(spec, "sqlite://")


@pytest.mark.parametrize(
    "change",
    [
        {"form": "rasoat.keyring/2"},
        {"extra": 1},
        {"masters": []},
        {"masters": {}},
        {"masters": {"a b": "11" * 32}, "active": "a b"},
        {"active": "other"},
        {"index_key": "11" * 31},
        {"index_key": "zz" * 32},
        {"signing_seed": None},
        {"former_signers": {"x": "00"}},
    ],
)
def test_a_faulty_key_file_is_refused_without_showing_a_secret(change: dict[str, Any]) -> None:
    members = json.loads(ring_to_json(generate_ring()))
    with pytest.raises(InputError) as refusal:
        ring_from_json(json.dumps({**members, **change}))
    assert members["signing_seed"] not in str(refusal.value)


@pytest.mark.parametrize("text", ["", "[]", "not json", '"a"'])
def test_what_is_no_key_file_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no key file"):
        ring_from_json(text)


def test_one_key_for_two_purposes_is_refused() -> None:
    with pytest.raises(InputError, match="same"):
        KeyRing({"a": bytes(32)}, "a", index_key=bytes(32), signing_seed=b"\1" * 32)


def test_a_new_master_is_active_and_the_old_one_stays_until_it_is_taken_out() -> None:
    ring = generate_ring(counting())
    rotated = with_new_master(ring, counting_from(9))
    assert set(ring.masters) < set(rotated.masters)
    assert rotated.active not in ring.masters
    assert set(without_master(rotated, ring.active).masters) == {rotated.active}
    for name in (rotated.active, "unknown"):
        with pytest.raises(InputError, match="no retired master key"):
            without_master(rotated, name)


def test_a_new_signer_keeps_the_old_public_key() -> None:
    ring = generate_ring(counting())
    rotated = with_new_signer(ring, counting_from(9))
    old, new = ring.signer(), rotated.signer()
    assert old.id != new.id
    assert rotated.public_keys() == {old.id: old.public, new.id: new.public}


def test_signatures_are_those_of_rfc_8032() -> None:
    # RFC 8032 §7.1, test 2
    key = SigningKey(bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))
    assert key.public.hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    signature = key.sign(b"\x72")
    assert signature.hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert signature_holds(key.public, b"\x72", signature)
    assert not signature_holds(key.public, b"\x73", signature)
    assert not signature_holds(key.public, b"\x72", signature[:-1])
    assert not signature_holds(key.public[:-1], b"\x72", signature)


def test_a_public_key_is_published_as_a_pem_file_other_tools_read() -> None:
    public = generate_ring().signer().public
    read = load_pem_public_key(public_key_pem(public).encode())
    assert read.public_bytes(Encoding.Raw, PublicFormat.Raw) == public
    assert public_key_id(public) != public_key_id(bytes(32))


def test_reading_keys_loads_no_cryptography() -> None:
    script = (
        "import sys, rasoat.persistence.keys, rasoat.persistence.verification; print('cryptography' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
