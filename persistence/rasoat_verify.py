"""Check a Rà soát inclusion proof, or a checkpoint, with nothing but this file and Python 3.8 or later.

    python rasoat_verify.py PROOF.json --key PUBLIC_KEY.pem

PROOF.json is what the office handed out; PUBLIC_KEY.pem must come from somewhere else: where the office publishes it.
Exit code 0: it holds; 1: it does not; 2: the call was wrong. Needs no network, no database and no other package.

What is checked, in this order:
 1. the checkpoint's Ed25519 signature (RFC 8032) over its canonical JSON, under the key given;
 2. the case's leaf SHA-256(00 ‖ salt ‖ case id ‖ number of events ‖ head), and its path to the signed root (RFC 9162);
 3. if the proof carries the case's events: that they hash to the head, one on the other.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

    _Point = tuple[int, int, int, int]

__all__ = ["Refused", "Shown", "ed25519_holds", "read_public_key", "verify"]

CHECKPOINT_FORM = "rasoat.checkpoint/1"
PROOF_FORM = "rasoat.inclusion-proof/1"
EVENT_FORM = "rasoat.event/1"

_CHECKPOINT_TEXTS = ("form", "key_id", "previous", "root", "signature", "taken_at")
_CHECKPOINT_NUMBERS = ("leaf_count", "number")
_EVENT_TEXTS = (
    "act_digest",
    "actor",
    "case_id",
    "form",
    "from_state",
    "kind",
    "occurred_on",
    "payload",
    "recorded_at",
    "to_state",
    "trigger",
)
_LARGEST = 2**53 - 1


class Refused(Exception):  # noqa: N818  the proof is refused; nothing went wrong here
    """The file does not show what it claims. Both languages: Vietnamese, English."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.vi = vi
        self.en = en


class Shown(NamedTuple):
    """What a file that holds has shown. `case_id` is None for a checkpoint alone."""

    checkpoint: int
    taken_at: str
    key_id: str
    leaf_count: int
    case_id: int | None
    length: int
    events: tuple[dict[str, Any], ...]


def verify(content: bytes, public_key: bytes) -> Shown:
    """Return what the proof or checkpoint in `content` shows under `public_key` (32 bytes); else raise `Refused`."""
    try:
        claim = json.loads(content)
    except (ValueError, RecursionError):
        _refuse("tệp không phải là JSON", "the file is not JSON")
    if not isinstance(claim, dict) or claim.get("form") not in (PROOF_FORM, CHECKPOINT_FORM):
        _refuse("tệp không phải là bằng chứng của Rà soát", "the file is no proof made by Rà soát")
    if claim["form"] == CHECKPOINT_FORM:
        return _shown(_checked_checkpoint(claim, public_key))
    if set(claim) != {"case", "checkpoint", "events", "form", "index", "path"}:
        _refuse("bằng chứng không đủ mục, hoặc thừa mục", "the proof does not have the members it should")
    checkpoint = _checked_checkpoint(claim["checkpoint"], public_key)
    case_id, length, head = _checked_case(claim, checkpoint)
    events = claim["events"]
    if not isinstance(events, list):
        _refuse("mục events không hợp lệ", "events must be a list")
    if events:
        _check_events(events, case_id, length, head)
    return _shown(checkpoint)._replace(case_id=case_id, length=length, events=tuple(events))


def _shown(checkpoint: dict[str, Any]) -> Shown:
    return Shown(
        checkpoint["number"], checkpoint["taken_at"], checkpoint["key_id"], checkpoint["leaf_count"], None, 0, ()
    )


def _checked_checkpoint(claim: Any, public_key: bytes) -> dict[str, Any]:
    if not isinstance(claim, dict) or set(claim) != {*_CHECKPOINT_TEXTS, *_CHECKPOINT_NUMBERS}:
        _refuse("mốc niêm phong không đủ mục", "the checkpoint does not have the members it should")
    for name in _CHECKPOINT_TEXTS:
        _text(claim[name], name)
    for name in _CHECKPOINT_NUMBERS:
        _whole(claim[name], name)
    if claim["form"] != CHECKPOINT_FORM:
        _refuse("mốc niêm phong sai mẫu", "the checkpoint has another form")
    key_id = "ed25519-" + hashlib.sha256(public_key).hexdigest()[:16]
    if claim["key_id"] != key_id:
        _refuse(f"mốc niêm phong không ký bằng khóa này ({key_id})", f"the checkpoint is not signed with key {key_id}")
    body = {name: value for name, value in claim.items() if name != "signature"}
    if not ed25519_holds(public_key, _canonical(body), _bytes(claim["signature"], 64, "signature")):
        _refuse("chữ ký của mốc niêm phong không đúng", "the checkpoint's signature does not hold")
    return claim


def _checked_case(claim: dict[str, Any], checkpoint: dict[str, Any]) -> tuple[int, int, bytes]:
    case, path = claim["case"], claim["path"]
    if not isinstance(case, dict) or set(case) != {"case_id", "head", "length", "salt"} or not isinstance(path, list):
        _refuse("mục case hoặc path không hợp lệ", "case or path does not have the members it should")
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", _text(case["case_id"], "case_id")):
        _refuse("số hồ sơ không hợp lệ", "case_id is no number")
    case_id, length = int(case["case_id"]), _whole(case["length"], "length")
    head = _bytes(case["head"], 32, "head")
    leaf = b"\x00" + _bytes(case["salt"], 32, "salt") + case_id.to_bytes(8, "big") + length.to_bytes(8, "big") + head
    nodes = [_bytes(node, 32, "path") for node in path]
    root = _root_over(hashlib.sha256(leaf).digest(), _whole(claim["index"], "index"), checkpoint["leaf_count"], nodes)
    if root != _bytes(checkpoint["root"], 32, "root"):
        _refuse("hồ sơ không nằm dưới mốc niêm phong này", "the case is not under this checkpoint")
    return case_id, length, head


def _root_over(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """RFC 9162 §2.1.3.2: climb from the leaf; None if the path is not one of a tree of this size."""
    if index >= size:
        return None
    node, position, last = leaf, index, size - 1
    for sibling in path:
        if last == 0:
            return None
        if position % 2 == 1 or position == last:
            node = hashlib.sha256(b"\x01" + sibling + node).digest()
            while position % 2 == 0 and position != 0:
                position, last = position // 2, last // 2
        else:
            node = hashlib.sha256(b"\x01" + node + sibling).digest()
        position, last = position // 2, last // 2
    return node if last == 0 else None


def _check_events(events: list[Any], case_id: int, length: int, head: bytes) -> None:
    digest = bytes(32)
    for seq, event in enumerate(events, start=1):
        if not isinstance(event, dict) or set(event) != {*_EVENT_TEXTS, "act_id", "seq"}:
            _refuse(f"sự kiện số {seq} không đủ mục", f"event {seq} does not have the members it should")
        for name in _EVENT_TEXTS:
            _text(event[name], name)
        if event["act_id"] is not None:
            _text(event["act_id"], "act_id")
        if (event["form"], event["case_id"], _whole(event["seq"], "seq")) != (EVENT_FORM, str(case_id), seq):
            _refuse(f"sự kiện số {seq} không thuộc hồ sơ này", f"event {seq} is not this case's event {seq}")
        digest = hashlib.sha256(digest + _canonical(event)).digest()
    if (len(events), digest) != (length, head):
        _refuse("các sự kiện không khớp với điểm cuối đã niêm phong", "the events do not give the head that was sealed")


def _canonical(members: dict[str, Any]) -> bytes:
    """RFC 8785, for what occurs here: ASCII names, text, small whole numbers, null."""
    try:
        return json.dumps(members, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")
    except UnicodeEncodeError:
        _refuse("văn bản không phải Unicode hợp lệ", "a text is not valid Unicode")


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        _refuse(f"{name} phải là văn bản", f"{name} must be text")
    return value


def _whole(value: Any, name: str) -> int:
    if type(value) is not int or not 0 <= value <= _LARGEST:
        _refuse(f"{name} phải là số nguyên", f"{name} must be a whole number")
    return value


def _bytes(value: Any, length: int, name: str) -> bytes:
    if not isinstance(value, str) or not re.fullmatch(f"[0-9a-f]{{{2 * length}}}", value):
        _refuse(f"{name} phải có {2 * length} chữ số thập lục phân", f"{name} must be {2 * length} hexadecimal digits")
    return bytes.fromhex(value)


def _refuse(vi: str, en: str) -> NoReturn:
    raise Refused(vi, en)


def read_public_key(content: str) -> bytes:
    """Return the 32 bytes of an Ed25519 public key from a PEM file (RFC 8410) or from 64 hexadecimal digits."""
    text = content.strip()
    if re.fullmatch("[0-9a-fA-F]{64}", text):
        return bytes.fromhex(text)
    prefix = bytes.fromhex("302a300506032b6570032100")
    match = re.fullmatch(r"-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----", text)
    try:
        key = base64.b64decode("".join(match.group(1).split()), validate=True) if match else b""
    except binascii.Error:
        key = b""
    if len(key) != len(prefix) + 32 or not key.startswith(prefix):
        _refuse("tệp khóa không phải là khóa công khai Ed25519", "the key file is no Ed25519 public key")
    return key[len(prefix) :]


# Ed25519 (RFC 8032 §5.1), verification alone: it handles no secret, so its speed and timing do not matter.
# A point of the curve -x² + y² = 1 + d·x²·y² over the field of _P elements is (X, Y, Z, T): x = X/Z, y = Y/Z, xy = T/Z.
_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT_OF_MINUS_ONE = pow(2, (_P - 1) // 4, _P)


def ed25519_holds(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether `signature` of `message` was made with the key whose public half is `public_key`."""
    key = _decoded(public_key)
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or len(signature) != 64 or scalar >= _ORDER:  # noqa: PLR2004  the signature's length, RFC 8032
        return False
    challenge = hashlib.sha512(signature[:32] + public_key + message).digest()
    x, y, z, t = _times(int.from_bytes(challenge, "little") % _ORDER, key)
    return _encoded(_sum(_times(scalar, _BASE), (_P - x, y, z, _P - t))) == signature[:32]


def _sum(a: _Point, b: _Point) -> _Point:
    minus, plus = (a[1] - a[0]) * (b[1] - b[0]) % _P, (a[1] + a[0]) * (b[1] + b[0]) % _P
    cross, depth = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    e, f, g, h = plus - minus, depth - cross, depth + cross, plus + minus
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, point: _Point) -> _Point:
    total = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = _sum(total, point)
        point = _sum(point, point)
        scalar >>= 1
    return total


def _encoded(point: _Point) -> bytes:
    inverse = pow(point[2], _P - 2, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _decoded(encoded: bytes) -> _Point | None:
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    if len(encoded) != 32 or y >= _P:  # noqa: PLR2004  a point's length, RFC 8032
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


_BASE = _decoded((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little")) or (0, 1, 1, 0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the file named on the command line; return the exit code."""
    parser = argparse.ArgumentParser(description="Kiểm tra bằng chứng của Rà soát / Check a Rà soát inclusion proof")
    parser.add_argument("file", type=Path, help="tệp bằng chứng / the proof, or a checkpoint")
    parser.add_argument("--key", type=Path, required=True, help="khóa công khai / the public key (PEM, or hexadecimal)")
    parser.add_argument("--json", action="store_true", help="in kết quả dạng JSON / answer in JSON")
    options = parser.parse_args(arguments)
    try:
        content, key_text = options.file.read_bytes(), options.key.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        parser.error(str(error))
    try:
        shown = verify(content, read_public_key(key_text))
    except Refused as refused:
        answer = {"holds": False, "vi": refused.vi, "en": refused.en}
        _say(answer if options.json else f"KHÔNG ĐÚNG: {refused.vi}.\nDOES NOT HOLD: {refused.en}.")
        return 1
    _say({"holds": True, **shown._asdict()} if options.json else _told(shown))
    return 0


def _told(shown: Shown) -> str:
    where = f"mốc niêm phong số {shown.checkpoint}, {shown.taken_at}, khóa {shown.key_id}, {shown.leaf_count} hồ sơ"
    place = f"checkpoint {shown.checkpoint}, {shown.taken_at}, key {shown.key_id}, {shown.leaf_count} cases"
    if shown.case_id is None:
        return f"ĐÚNG: {where}.\nHOLDS: {place}."
    lines = [
        f"ĐÚNG: hồ sơ {shown.case_id} với {shown.length} sự kiện nằm dưới {where}.",
        f"HOLDS: case {shown.case_id} with {shown.length} events is under {place}.",
    ]
    for event in shown.events:
        step = f"{event['trigger']}  {event['from_state']} → {event['to_state']}"
        lines.append(f"  {event['seq']:>3}. {event['occurred_on']}  {step}")
    return "\n".join(lines)


def _say(answer: Any) -> None:
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False, sort_keys=True)
    sys.stdout.buffer.write(text.encode("utf-8") + b"\n")


if __name__ == "__main__":
    sys.exit(main())
