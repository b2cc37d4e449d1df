"""Personal data at rest: each household has a key of its own, wrapped by a master key; no key, no data.

Data is sealed with AES-256-GCM under the household's data key; the data key is wrapped with AES-256-GCM under a
master key. Rotating the master key wraps the data keys anew and leaves the data alone. Forgetting a person is
forgetting the wrapped key: every copy of the sealed data, in old events and backups too, is then unreadable, and the
chain, which covers the sealed form, still verifies.
"""

from __future__ import annotations

import json
import os
import unicodedata
from hmac import digest as hmac_digest
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NewType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..foundation.errors import InputError, IntegrityError, NotFoundError
from ..foundation.messages import fault
from .canonical import canonical_json
from .keys import KEY_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .keys import Entropy, KeyRing

__all__ = ["Sealed", "Vault", "WrappedKey", "normal_identity", "shred"]

Sealed = NewType("Sealed", bytes)
"""One version byte, the data key's id (8 bytes), the nonce (12), the ciphertext, the tag (16)."""

_VERSION: Final = b"\x01"
_KEY_ID_BYTES: Final = 8
_NONCE_BYTES: Final = 12
_HEADER_BYTES: Final = 1 + _KEY_ID_BYTES + _NONCE_BYTES
_IDENTITY_LENGTHS: Final = (9, 12)
"""Digits of an identity number: the old identity card's 9, the personal identification number's 12."""


class WrappedKey(NamedTuple):
    """A household's data key as the store keeps it. `master_key_id` and `wrapped` are empty once it was shredded."""

    household_id: int
    data_key_id: bytes
    master_key_id: str
    wrapped: bytes


class Vault:
    """Seals, opens and indexes with the keys of one ring. Holds no household's key between calls."""

    def __init__(self, ring: KeyRing, entropy: Entropy = os.urandom) -> None:
        self._ring = ring
        self._entropy = entropy
        self._masters = {name: AESGCM(key) for name, key in ring.masters.items()}

    def new_key(self, household_id: int) -> WrappedKey:
        """Return a new data key for a household, wrapped by the active master key."""
        return self._wrap(household_id, self._entropy(_KEY_ID_BYTES), self._entropy(KEY_BYTES))

    def seal(self, key: WrappedKey, values: Mapping[str, Any], *, context: str = "") -> Sealed:
        """Return `values` (a JSON object) sealed for the household whose key this is.

        `context` names the place the data belongs to, such as a member's number: sealed data moved to another
        household or another context does not open.
        """
        nonce = self._entropy(_NONCE_BYTES)
        cipher = AESGCM(self._unwrap(key))
        text = cipher.encrypt(nonce, canonical_json(dict(values)), _data_label(key, context))
        return Sealed(_VERSION + key.data_key_id + nonce + text)

    def open(self, key: WrappedKey, sealed: bytes, *, context: str = "") -> dict[str, Any]:
        """Return what was sealed.

        `NotFoundError` if the household's key was shredded or its master key is not in the ring, `IntegrityError` if
        the data or the key was changed, or belongs to another household or context.
        """
        secret = self._unwrap(key)
        if sealed[:1] != _VERSION or sealed[1 : 1 + _KEY_ID_BYTES] != key.data_key_id:
            raise fault(IntegrityError, "vault.other_key", household_id=key.household_id)
        nonce, text = sealed[1 + _KEY_ID_BYTES : _HEADER_BYTES], sealed[_HEADER_BYTES:]
        try:
            plain = AESGCM(secret).decrypt(nonce, text, _data_label(key, context))
        except (InvalidTag, ValueError):
            raise fault(IntegrityError, "vault.changed", household_id=key.household_id) from None
        opened: dict[str, Any] = json.loads(plain)
        return opened

    def rewrap(self, key: WrappedKey) -> WrappedKey:
        """Return the key wrapped by the active master key; the data it sealed stays as it is.

        A shredded key, and one the active key has wrapped already, come back unchanged.
        """
        if not key.wrapped or key.master_key_id == self._ring.active:
            return key
        return self._wrap(key.household_id, key.data_key_id, self._unwrap(key))

    def identity_index(self, number: str) -> bytes:
        """Return the keyed hash (32 bytes) by which an identity number is found; errors as `normal_identity`."""
        return self.keyed_index("identity", normal_identity(number))

    def keyed_index(self, purpose: str, *parts: str) -> bytes:
        """Return the keyed hash (HMAC-SHA-256, 32 bytes) of `parts`; without the index key nobody can try values."""
        return hmac_digest(self._ring.index_key, canonical_json(["rasoat.index/1", purpose, *parts]), "sha256")

    def _wrap(self, household_id: int, data_key_id: bytes, secret: bytes) -> WrappedKey:
        master = self._ring.active
        nonce = self._entropy(_NONCE_BYTES)
        label = _key_label(household_id, data_key_id, master)
        return WrappedKey(
            household_id, data_key_id, master, nonce + self._masters[master].encrypt(nonce, secret, label)
        )

    def _unwrap(self, key: WrappedKey) -> bytes:
        if not key.wrapped:
            raise fault(NotFoundError, "vault.erased", household=key.household_id)
        if key.master_key_id not in self._masters:
            raise fault(NotFoundError, "vault.no_key", key=key.master_key_id, household=key.household_id)
        nonce, text = key.wrapped[:_NONCE_BYTES], key.wrapped[_NONCE_BYTES:]
        try:
            label = _key_label(key.household_id, key.data_key_id, key.master_key_id)
            return self._masters[key.master_key_id].decrypt(nonce, text, label)
        except (InvalidTag, ValueError):
            raise fault(IntegrityError, "vault.wrapped", household_id=key.household_id) from None


def shred(key: WrappedKey) -> WrappedKey:
    """Return what is left to store of a key that must be forgotten: whose it was, and nothing to open it with."""
    return key._replace(master_key_id="", wrapped=b"")


def normal_identity(number: str) -> str:
    """Return an identity number as its digits alone (full-width digits, blanks, dots and dashes are folded).

    `InputError`, which does not repeat the number, if there are not 9 or 12 digits.
    """
    folded = unicodedata.normalize("NFKC", number)
    digits = "".join(c for c in folded if not (c.isspace() or c in ".-‐‑–—"))
    if not (digits.isascii() and digits.isdecimal() and len(digits) in _IDENTITY_LENGTHS):
        raise fault(InputError, "vault.identity", count=len(digits))
    return digits


def _data_label(key: WrappedKey, context: str) -> bytes:
    return canonical_json(["rasoat.sealed/1", str(key.household_id), key.data_key_id.hex(), context])


def _key_label(household_id: int, data_key_id: bytes, master_key_id: str) -> bytes:
    return canonical_json(["rasoat.data-key/1", str(household_id), data_key_id.hex(), master_key_id])
