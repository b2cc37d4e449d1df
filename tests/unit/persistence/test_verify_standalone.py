"""The verifier is one file: it runs where nothing else is, and believes only what hashes and the signature show."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from rasoat.persistence import rasoat_verify
from rasoat.persistence.chain import EVENT_FORM, ChainHead, EventCore, hash_events
from rasoat.persistence.checkpoints import InclusionProof, SignedCheckpoint, prove_cases, take_checkpoint
from rasoat.persistence.rasoat_verify import Refused, ed25519_holds, read_public_key, verify
from rasoat.persistence.signing import SigningKey, public_key_pem, signature_holds

KEY = SigningKey(b"\1" * 32)
SECRET = b"\2" * 32
CASE = 2**62 + 3
EVENTS = tuple(
    EventCore(CASE, i, "step", t, a, b, 7, "2022-10-20", "2022-10-21T02:00:00.000000Z", "cán bộ", '{"b1":120}', "")
    for i, (t, a, b) in enumerate([("list", "", "listed"), ("score", "listed", "scored")], start=1)
)


def proof(
    events: tuple[EventCore, ...] = EVENTS, count: int = 11, length: int = 2, of: tuple[EventCore, ...] = EVENTS
) -> InclusionProof:
    own = ChainHead(CASE, length, hash_events({}, of)[-1])
    others = [ChainHead(i, 1, i.to_bytes(32, "big")) for i in range(1, count)]
    heads = [*others, own]
    signed = take_checkpoint(heads, previous=None, taken_at="2022-10-27T05:00:00.000000Z", secret=SECRET, key=KEY)
    return prove_cases(heads, [CASE], signed=signed, secret=SECRET, events_of=lambda _: events)[0]


def claim() -> dict[str, Any]:
    members: dict[str, Any] = json.loads(proof().to_json())
    return members


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 100])
def test_a_proof_made_here_holds(count: int) -> None:
    shown = verify(proof(count=count).to_json(), KEY.public)
    assert (shown.case_id, shown.length, shown.checkpoint, shown.leaf_count) == (CASE, 2, 1, count)
    assert [event["to_state"] for event in shown.events] == ["listed", "scored"]


def test_a_proof_without_events_shows_the_head_alone() -> None:
    assert verify(proof(events=()).to_json(), KEY.public).events == ()


def test_a_checkpoint_alone_is_checked_too() -> None:
    signed = proof().signed
    assert verify(signed.to_json(), KEY.public).case_id is None
    forged = SignedCheckpoint(signed.checkpoint._replace(leaf_count=12), signed.signature)
    with pytest.raises(Refused, match="signature"):
        verify(forged.to_json(), KEY.public)


def test_another_key_does_not_do() -> None:
    with pytest.raises(Refused, match="not signed with key"):
        verify(proof().to_json(), SigningKey(b"\5" * 32).public)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [p for name, member in value.items() for p in places(member, (*path, name))]
    if isinstance(value, list):
        return [p for i, item in enumerate(value) for p in places(item, (*path, i))]
    return [path]


@pytest.mark.parametrize("path", places(claim()), ids=lambda path: ".".join(map(str, path)))
def test_a_change_anywhere_in_the_proof_is_refused(path: tuple[Any, ...]) -> None:
    others: tuple[Any, ...] = (None, "", "00" * 32, "1", 3, 2**60, 1.5, True, [], {}, "\ud800", "x" * 200)
    for other in others:
        changed = claim()
        *way, last = path
        target = changed
        for step in way:
            target = target[step]
        if (type(target[last]), target[last]) == (type(other), other):
            continue
        target[last] = other
        with pytest.raises(Refused):
            verify(json.dumps(changed).encode(), KEY.public)


@pytest.mark.parametrize("path", [(), ("checkpoint",), ("case",), ("events", 0)])
def test_a_member_left_out_or_put_in_is_refused(path: tuple[Any, ...]) -> None:
    names = claim()
    for step in path:
        names = names[step]
    for name in [*names, "surplus"]:
        changed = claim()
        target = changed
        for step in path:
            target = target[step]
        if name == "surplus":
            target[name] = "x"
        else:
            del target[name]
        with pytest.raises(Refused):
            verify(json.dumps(changed).encode(), KEY.public)


@pytest.mark.parametrize("events", [EVENTS[:1], EVENTS[1:], EVENTS[::-1], (*EVENTS, EVENTS[0])])
def test_events_that_do_not_give_the_head_are_refused(events: tuple[EventCore, ...]) -> None:
    with pytest.raises(Refused, match="event"):
        verify(proof(events=events).to_json(), KEY.public)


def test_a_head_sealed_with_a_wrong_number_of_events_is_refused() -> None:
    with pytest.raises(Refused, match="do not give the head"):
        verify(proof(length=3).to_json(), KEY.public)


def test_events_of_another_case_are_refused_though_their_head_was_sealed() -> None:
    foreign = tuple(event._replace(case_id=9) for event in EVENTS)
    with pytest.raises(Refused, match="not this case's event 1"):
        verify(proof(events=foreign, of=foreign).to_json(), KEY.public)


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{}", b'{"form":[]}', b"\xff", b"[" * 100_000, b"NaN"])
def test_what_is_no_proof_is_refused(content: bytes) -> None:
    with pytest.raises(Refused):
        verify(content, KEY.public)


def test_the_public_key_is_read_from_pem_and_from_hexadecimal() -> None:
    assert read_public_key(public_key_pem(KEY.public)) == KEY.public
    assert read_public_key(f" {KEY.public.hex().upper()}\n") == KEY.public


@pytest.mark.parametrize(
    "content",
    [
        "",
        "00",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\nA\n-----END PUBLIC KEY-----",
        public_key_pem(bytes(31)),
        public_key_pem(bytes(32)).replace("MCow", "MCox"),
    ],
)
def test_what_is_no_ed25519_public_key_is_refused(content: str) -> None:
    with pytest.raises(Refused, match="public key"):
        read_public_key(content)


# RFC 8032 §7.1, tests 1 to 3
@pytest.mark.parametrize(
    ("public", "message", "signature"),
    [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ],
)
def test_the_arithmetic_gives_the_vectors_of_rfc_8032(public: str, message: str, signature: str) -> None:
    key, body, sign = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)
    assert ed25519_holds(key, body, sign)
    assert not ed25519_holds(key, body + b"\0", sign)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=40), st.integers(0, 511), st.integers(0, 255))
@settings(deadline=None, max_examples=25)
def test_the_arithmetic_agrees_with_the_library(seed: bytes, message: bytes, bit: int, key_bit: int) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = private.public_key().public_bytes_raw(), private.sign(message)
    assert ed25519_holds(public, message, signature)
    flipped = (int.from_bytes(signature, "little") ^ 1 << bit).to_bytes(64, "little")
    other = (int.from_bytes(public, "little") ^ 1 << key_bit).to_bytes(32, "little")
    assert not ed25519_holds(public, message, flipped)
    assert ed25519_holds(other, message, signature) == signature_holds(other, message, signature) is False


def test_a_signature_made_larger_by_the_groups_order_is_refused() -> None:
    signature = KEY.sign(b"x")
    larger = int.from_bytes(signature[32:], "little") + 2**252 + 27742317777372353535851937790883648493
    malleable = signature[:32] + larger.to_bytes(32, "little")
    assert not ed25519_holds(KEY.public, b"x", malleable)
    assert not ed25519_holds(KEY.public, b"x", signature + b"\0")
    assert not ed25519_holds(b"\xff" * 32, b"x", signature)


def test_a_point_has_one_encoding_only() -> None:
    field = 2**255 - 19
    assert rasoat_verify._decoded((1).to_bytes(32, "little")) == (0, 1, 1, 0)
    assert rasoat_verify._decoded((field + 1).to_bytes(32, "little")) is None
    assert rasoat_verify._decoded((1 | 1 << 255).to_bytes(32, "little")) is None


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    """Put the verifier, a proof and a key where nothing else is."""
    shutil.copy(Path(rasoat_verify.__file__), tmp_path / "rasoat_verify.py")
    (tmp_path / "proof.json").write_bytes(proof().to_json())
    (tmp_path / "key.pem").write_text(public_key_pem(KEY.public))
    return tmp_path


def run(alone: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    # -I and -S: no environment, no site-packages, so that neither this package nor any library can be imported.
    command = [sys.executable, "-I", "-S", "rasoat_verify.py", *arguments]
    return subprocess.run(command, cwd=alone, capture_output=True, check=False)


def test_it_runs_as_one_file_without_any_library(alone: Path) -> None:
    done = run(alone, "proof.json", "--key", "key.pem")
    assert (done.returncode, done.stderr) == (0, b"")
    vi, en, *events = done.stdout.decode("utf-8").splitlines()
    assert vi.startswith(f"ĐÚNG: hồ sơ {CASE} với 2 sự kiện")
    assert en.startswith(f"HOLDS: case {CASE} with 2 events")
    assert len(events) == 2


def test_it_answers_in_json_and_by_its_exit_code(alone: Path) -> None:
    done = run(alone, "proof.json", "--key", "key.pem", "--json")
    assert (done.returncode, json.loads(done.stdout)["case_id"]) == (0, CASE)
    (alone / "proof.json").write_bytes(proof().to_json().replace(b'"length":2', b'"length":3'))
    done = run(alone, "proof.json", "--key", "key.pem", "--json")
    assert (done.returncode, json.loads(done.stdout)["holds"]) == (1, False)
    assert b"DOES NOT HOLD" in run(alone, "proof.json", "--key", "key.pem").stdout
    assert run(alone, "none.json", "--key", "key.pem").returncode == 2
    assert run(alone, "proof.json").returncode == 2


def test_it_is_written_in_the_python_it_says_and_imports_the_standard_library_alone() -> None:
    tree = ast.parse(Path(rasoat_verify.__file__).read_text("utf-8"), feature_version=(3, 8))
    imported = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
    }
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


def test_it_names_the_same_forms_as_the_package() -> None:
    assert (rasoat_verify.EVENT_FORM, claim()["form"]) == (EVENT_FORM, rasoat_verify.PROOF_FORM)
    assert claim()["checkpoint"]["form"] == rasoat_verify.CHECKPOINT_FORM
