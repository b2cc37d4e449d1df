"""A message as it is stored, and back: what is sent is what was stored, byte for byte on every attempt."""

from __future__ import annotations

import json
from datetime import UTC
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..persistence.messages import MessageRow
from .model import Message, Recipient

if TYPE_CHECKING:
    from .composing import Draft

__all__ = ["endpoint_of", "envelope_of", "message_of", "row_of"]

_LONGEST = 64


def row_of(draft: Draft) -> MessageRow:
    """Return the row that keeps a draft until it is sent."""
    message = draft.message
    return MessageRow(
        id=message.id,
        kind=message.kind,
        severity=message.severity,
        recipient=message.recipient.key,
        channel=message.channel,
        endpoint=endpoint_of(message.channel, message.recipient.addresses.get(message.channel, "")),
        envelope=envelope_of(message.recipient, message.channel),
        title=message.title,
        text=message.text,
        html=message.html,
        data=json.dumps(dict(message.data), ensure_ascii=False, sort_keys=True),
        created_at=message.created_at,
        status="queued",
        next_at=draft.not_before,
        lease_until=None,
        attempts=0,
        forgiven=0,
    )


def message_of(row: MessageRow) -> Message:
    """Return the message a row keeps."""
    envelope = json.loads(row.envelope)
    address = envelope.pop("address")
    return Message(
        id=row.id,
        kind=row.kind,
        severity=row.severity,  # type: ignore[arg-type]  # `Message` refuses any other
        recipient=Recipient(row.recipient, addresses={row.channel: address} if address else {}, **envelope),
        channel=row.channel,
        title=row.title,
        text=row.text,
        html=row.html,
        data=json.loads(row.data),
        # One zone whatever the database's session says, or a repeated letter would differ in its Date.
        created_at=row.created_at.astimezone(UTC),
    )


def envelope_of(recipient: Recipient, channel: str) -> str:
    """Return who gets the message and where, as JSON; only the address on this channel is kept."""
    kept = {name: getattr(recipient, name) for name in ("name", "role", "unit", "language")}
    return json.dumps({**kept, "address": recipient.addresses.get(channel)}, ensure_ascii=False, sort_keys=True)


def endpoint_of(channel: str, address: str) -> str:
    """Return the counterpart whose failures count together: the host of a web address, else the channel itself."""
    host = urlsplit(address).netloc if "://" in address else ""
    named = f"{channel}@{host}" if host else channel
    return named if len(named) <= _LONGEST else sha256(named.encode()).hexdigest()
