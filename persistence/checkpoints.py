"""Checkpoints: now and then one signature over every case at once, kept here and handed out.

A chain shows that its own past was not changed, but not that it was not cut off or written anew as a whole. A
checkpoint does: it is the root of a Merkle tree over the heads of all cases, chained to the checkpoint before it and
signed. A household's inclusion proof is its own head and a path of hashes; each leaf is salted, so the hashes of its
neighbours tell nothing. `rasoat_verify.py` checks a proof with nothing but the proof and the public key.
"""

from __future__ import annotations

import json
import os
import re
from hashlib import sha256
from hmac import digest as hmac_digest
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from ..foundation.errors import InputError, IntegrityError, NotFoundError
from ..foundation.messages import Text, fault, text
from .canonical import canonical_json
from .chain import DIGEST_BYTES, GENESIS, ChainHead, EventCore, event_object
from .merkle import Tree, TreeBuilder, leaf_hash
from .signing import SigningKey, signature_holds

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from .keys import Entropy

__all__ = [
    "Checkpoint",
    "CheckpointFinding",
    "InclusionProof",
    "SignedCheckpoint",
    "case_leaf",
    "checkpoint_from_json",
    "leaf_salt",
    "new_secret",
    "prove_cases",
    "take_checkpoint",
    "verify_checkpoints",
]

CHECKPOINT_FORM: Final = "rasoat.checkpoint/1"
PROOF_FORM: Final = "rasoat.inclusion-proof/1"

_SIGNATURE_BYTES: Final = 64
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


class Checkpoint(NamedTuple):
    """What is signed.

    `taken_at` is an ISO instant in UTC with microseconds and ``Z``; `previous` is the digest of the checkpoint before,
    32 zero bytes for the first.
    """

    number: int
    taken_at: str
    leaf_count: int
    root: bytes
    previous: bytes
    key_id: str

    def members(self) -> dict[str, str | int]:
        """Return the JSON object that is signed, in its canonical form."""
        return {
            "form": CHECKPOINT_FORM,
            "key_id": self.key_id,
            "leaf_count": self.leaf_count,
            "number": self.number,
            "previous": self.previous.hex(),
            "root": self.root.hex(),
            "taken_at": self.taken_at,
        }

    def signed_bytes(self) -> bytes:
        """Return the bytes the signature covers."""
        return canonical_json(self.members())

    def digest(self) -> bytes:
        """Return what the next checkpoint names as its previous one."""
        return sha256(self.signed_bytes()).digest()


class SignedCheckpoint(NamedTuple):
    """A checkpoint and its Ed25519 signature (64 bytes)."""

    checkpoint: Checkpoint
    signature: bytes

    def members(self) -> dict[str, str | int]:
        """Return the JSON object to hand out."""
        return {**self.checkpoint.members(), "signature": self.signature.hex()}

    def to_json(self) -> bytes:
        """Return the canonical JSON to hand out and to keep outside the database."""
        return canonical_json(self.members())


class InclusionProof(NamedTuple):
    """Shows that one case, with these many events and this head, was under a checkpoint; nothing of any other case.

    With `events` it also shows what the events were: they must hash to the head.
    """

    signed: SignedCheckpoint
    head: ChainHead
    salt: bytes
    place: int
    path: tuple[bytes, ...]
    events: tuple[EventCore, ...] = ()

    def to_json(self) -> bytes:
        """Return the proof file, canonical JSON; `rasoat_verify.py` reads it."""
        digest = self.head.hash or b""
        return canonical_json(
            {
                "case": {
                    "case_id": str(self.head.case_id),
                    "head": digest.hex(),
                    "length": self.head.length,
                    "salt": self.salt.hex(),
                },
                "checkpoint": self.signed.members(),
                "events": [event_object(event) for event in self.events],
                "form": PROOF_FORM,
                "index": self.place,
                "path": [node.hex() for node in self.path],
            }
        )


class CheckpointFinding(NamedTuple):
    """One thing wrong in the row of checkpoints, at checkpoint `number`.

    `verify_checkpoints` finds the first five. Who has the stored heads finds `unfounded` (they do not give the signed
    root); who has the checkpoints that were handed out finds `replaced` (this one reads otherwise) and `lost`.
    """

    kind: Literal["forged", "unknown_key", "unlinked", "shrunk", "backdated", "unfounded", "replaced", "lost"]
    number: int

    def text(self) -> Text:
        """Return the sentence an auditor reads, in both languages."""
        return text(f"audit.checkpoint.{self.kind}", number=self.number)


def new_secret(entropy: Entropy = os.urandom) -> bytes:
    """Return a new checkpoint's secret, which salts its leaves. Keep it in the database, hand it to nobody."""
    return entropy(DIGEST_BYTES)


def take_checkpoint(
    heads: Iterable[ChainHead], *, previous: Checkpoint | None, taken_at: str, secret: bytes, key: SigningKey
) -> SignedCheckpoint:
    """Seal the heads of all cases, given by rising case id, and sign; keeps one node per level of the tree.

    `InputError` if the order or `taken_at` is wrong, `IntegrityError` if a head has no hash.
    """
    if not _INSTANT.fullmatch(taken_at):
        msg = f"taken_at {taken_at!r} is no instant; give UTC with microseconds, e.g. 2022-10-27T10:00:00.000000Z"
        raise InputError(msg)
    tree = _tree(heads, secret, ())
    number, before = (1, GENESIS) if previous is None else (previous.number + 1, previous.digest())
    checkpoint = Checkpoint(number, taken_at, tree.size, tree.root, before, key.id)
    return SignedCheckpoint(checkpoint, key.sign(checkpoint.signed_bytes()))


def prove_cases(
    heads: Iterable[ChainHead],
    case_ids: Collection[int],
    *,
    signed: SignedCheckpoint,
    secret: bytes,
    events_of: Callable[[int], Iterable[EventCore]] | None = None,
) -> list[InclusionProof]:
    """Return an inclusion proof for each of `case_ids`, by rising id, in one pass over `heads` as they were sealed.

    `NotFoundError` if a case was not under the checkpoint, `IntegrityError` if the heads no longer give its root.
    """
    wanted = frozenset(case_ids)
    found: list[ChainHead] = []
    tree = _tree(heads, secret, wanted, found)
    if (tree.size, tree.root) != (signed.checkpoint.leaf_count, signed.checkpoint.root):
        raise fault(IntegrityError, "checkpoint.root", number=signed.checkpoint.number)
    if len(found) != len(wanted):
        missing = min(wanted.difference(head.case_id for head in found))
        raise fault(NotFoundError, "checkpoint.not_under", case=missing, number=signed.checkpoint.number)
    return [
        InclusionProof(
            signed,
            head,
            leaf_salt(secret, head.case_id),
            place,
            path,
            tuple(events_of(head.case_id)) if events_of is not None else (),
        )
        for head, (place, path) in zip(found, tree.paths.items(), strict=True)
    ]


def verify_checkpoints(
    signed: Iterable[SignedCheckpoint], public_keys: Mapping[str, bytes], *, after: Checkpoint | None = None
) -> list[CheckpointFinding]:
    """Return what is wrong in a row of checkpoints that should follow one another, from the first or from `after`."""
    findings: list[CheckpointFinding] = []
    previous = after
    for checkpoint, signature in signed:
        findings += [CheckpointFinding(kind, checkpoint.number) for kind in _faults(checkpoint, previous)]
        if checkpoint.key_id not in public_keys:
            findings.append(CheckpointFinding("unknown_key", checkpoint.number))
        elif not signature_holds(public_keys[checkpoint.key_id], checkpoint.signed_bytes(), signature):
            findings.append(CheckpointFinding("forged", checkpoint.number))
        previous = checkpoint
    return findings


def checkpoint_from_json(content: bytes | str) -> SignedCheckpoint:
    """Read what `SignedCheckpoint.to_json` wrote; `InputError` if it is anything else."""
    try:
        members: dict[str, Any] = json.loads(content)
        checkpoint = Checkpoint(
            number=members["number"],
            taken_at=members["taken_at"],
            leaf_count=members["leaf_count"],
            root=bytes.fromhex(members["root"]),
            previous=bytes.fromhex(members["previous"]),
            key_id=members["key_id"],
        )
        signed = SignedCheckpoint(checkpoint, bytes.fromhex(members["signature"]))
        if canonical_json(members) == signed.to_json() and _is_well_formed(signed):
            return signed
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise fault(InputError, "checkpoint.none", form=CHECKPOINT_FORM)


def leaf_salt(secret: bytes, case_id: int) -> bytes:
    """Return what hides one case's leaf: HMAC-SHA-256 of its id under the checkpoint's secret."""
    return hmac_digest(secret, case_id.to_bytes(8, "big"), "sha256")


def case_leaf(head: ChainHead, secret: bytes) -> bytes:
    """Return the hash of one case's leaf; `IntegrityError` if its head is none."""
    if type(head.hash) is not bytes or len(head.hash) != DIGEST_BYTES or type(head.length) is not int:
        raise fault(IntegrityError, "checkpoint.no_hash", case_id=head.case_id)
    place = head.case_id.to_bytes(8, "big") + head.length.to_bytes(8, "big")
    return leaf_hash(leaf_salt(secret, head.case_id) + place + head.hash)


def _is_well_formed(signed: SignedCheckpoint) -> bool:
    number, taken_at, leaf_count, root, previous, key_id = signed.checkpoint
    return (
        type(number) is int
        and type(leaf_count) is int
        and type(key_id) is str
        and _INSTANT.fullmatch(taken_at) is not None
        and (len(root), len(previous), len(signed.signature)) == (DIGEST_BYTES, DIGEST_BYTES, _SIGNATURE_BYTES)
    )


def _tree(
    heads: Iterable[ChainHead], secret: bytes, wanted: Collection[int], found: list[ChainHead] | None = None
) -> Tree:
    if len(secret) != DIGEST_BYTES:
        msg = f"a checkpoint's secret has {DIGEST_BYTES} bytes, not {len(secret)}; make it with new_secret"
        raise InputError(msg)
    builder, last = TreeBuilder(), -1
    for head in heads:
        if head.case_id <= last:
            msg = f"case {head.case_id} comes after case {last}; give each case once, by rising id"
            raise InputError(msg)
        last = head.case_id
        track = last in wanted
        if track and found is not None:
            found.append(head)
        builder.add(case_leaf(head, secret), track=track)
    return builder.finish()


def _faults(checkpoint: Checkpoint, previous: Checkpoint | None) -> list[Literal["unlinked", "shrunk", "backdated"]]:
    if previous is None:
        return [] if (checkpoint.number, checkpoint.previous) == (1, GENESIS) else ["unlinked"]
    faults: list[Literal["unlinked", "shrunk", "backdated"]] = []
    if (checkpoint.number, checkpoint.previous) != (previous.number + 1, previous.digest()):
        faults.append("unlinked")
    if checkpoint.leaf_count < previous.leaf_count:
        faults.append("shrunk")
    if checkpoint.taken_at < previous.taken_at:
        faults.append("backdated")
    return faults
