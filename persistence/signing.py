"""Ed25519 (RFC 8032): who sealed a checkpoint. A key's id follows from the public key, so no one can relabel it."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = ["SigningKey", "public_key_id", "public_key_pem", "signature_holds"]

_SUBJECT_PUBLIC_KEY_INFO: Final = bytes.fromhex("302a300506032b6570032100")  # RFC 8410 §4; the key's 32 bytes follow


class SigningKey:
    """A key pair, from its 32-byte seed. The seed does not show in `repr`."""

    __slots__ = ("_private", "id", "public")

    def __init__(self, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._private.public_key().public_bytes_raw()
        self.id = public_key_id(self.public)

    def __repr__(self) -> str:
        return f"SigningKey({self.id})"

    def sign(self, message: bytes) -> bytes:
        """Return the signature of `message`, 64 bytes."""
        return self._private.sign(message)


def signature_holds(public: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether `signature` of `message` was made with the key whose public half (32 bytes) is `public`."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def public_key_id(public: bytes) -> str:
    """Return the id of a public key: ``ed25519-`` and the first 16 hexadecimal digits of its SHA-256."""
    return f"ed25519-{sha256(public).hexdigest()[:16]}"


def public_key_pem(public: bytes) -> str:
    """Return a public key as a PEM file, to publish beside the checkpoints (SubjectPublicKeyInfo, RFC 8410)."""
    body = b64encode(_SUBJECT_PUBLIC_KEY_INFO + public).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"
