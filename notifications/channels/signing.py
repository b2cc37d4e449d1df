"""Standard Webhooks signatures (v1, HMAC-SHA256): the receiver knows who sent what, and when."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING

from ...foundation.errors import InputError
from ...foundation.messages import fault

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = ["secret_key", "signature_headers"]

_PREFIX = "whsec_"
_KEY_BYTES = range(24, 65)


def secret_key(written: str) -> bytes:
    """Return the key in ``whsec_<base64>``; `InputError` unless it holds 24 to 64 bytes."""
    if not written.startswith(_PREFIX):
        raise fault(InputError, "sending.secret_begins", prefix=_PREFIX)
    try:
        key = base64.b64decode(written.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise fault(InputError, "sending.secret_base64", prefix=_PREFIX, error=error) from None
    if len(key) not in _KEY_BYTES:
        raise fault(InputError, "sending.secret_length", count=len(key))
    return key


def signature_headers(message_id: str, at: datetime, body: bytes, keys: Sequence[bytes]) -> dict[str, str]:
    """Return the three headers that sign `body`, with one signature per key (several while keys are rotated)."""
    timestamp = str(int(at.timestamp()))
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    signatures = (base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
