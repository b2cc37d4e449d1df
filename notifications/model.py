"""The values every part of the room speaks of: recipient, message, channel, receipt, delivery failure."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

from ..foundation.clock import require_aware
from ..foundation.errors import InputError, RasoatError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from ..foundation.messages import Language

__all__ = [
    "SEVERITIES",
    "Channel",
    "DeliveryFailure",
    "Message",
    "PermanentFailure",
    "Receipt",
    "Recipient",
    "Severity",
    "TemporaryFailure",
    "gravest",
    "message_id",
]

Severity = Literal["info", "warning", "urgent", "breach"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""From the mildest to the gravest."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person who holds a role in a unit.

    `unit` is a path as in `foundation.paths`; `addresses` maps a channel's name to the address there.
    """

    key: str
    name: str
    role: str
    unit: str
    language: Language
    addresses: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Message:
    """One message for one recipient over one channel, rendered and ready to send.

    `data` holds JSON values only: it is the ``data`` of the CloudEvent a webhook sends.
    """

    id: str
    kind: str
    severity: Severity
    recipient: Recipient
    channel: str
    title: str
    text: str
    html: str
    data: Mapping[str, Any]
    created_at: datetime

    def __post_init__(self) -> None:
        """Refuse an instant without zone and an unknown severity."""
        require_aware(self.created_at)
        if self.severity not in SEVERITIES:
            msg = f"message {self.id}: severity {self.severity!r} is not one of {', '.join(SEVERITIES)}"
            raise InputError(msg)

    @property
    def address(self) -> str:
        """The recipient's address on this channel; `PermanentFailure` if there is none."""
        try:
            return self.recipient.addresses[self.channel]
        except KeyError:
            msg = (
                f"recipient {self.recipient.key!r} has no address for channel {self.channel!r}; add it in the directory"
            )
            raise PermanentFailure(msg) from None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the counterpart answered. `handle` is what it knows the message by, on every attempt the same."""

    handle: str
    detail: str = ""


class Channel(Protocol):
    """A way to reach people. One small class; see `docs/notifications.md` for adding one."""

    @property
    def name(self) -> str:
        """The name under which recipients keep their address for this channel."""
        ...

    @property
    def guarantee(self) -> str:
        """What a second attempt with the same message id does at the counterpart, in a few words."""
        ...

    def send(self, message: Message) -> Receipt:
        """Deliver, or raise `TemporaryFailure` or `PermanentFailure`."""
        ...


class DeliveryFailure(RasoatError):  # noqa: N818 - the two kinds below are outcomes of sending, named as the field does
    """A message could not be delivered.

    `endpoint` says that the counterpart itself is at fault (unreachable, refuses everybody), so that
    its circuit breaker counts the failure; a fault of one address or one message does not.
    """

    code = "delivery"

    def __init__(self, message: str, *, endpoint: bool = False) -> None:
        super().__init__(message)
        self.endpoint = endpoint


class TemporaryFailure(DeliveryFailure):
    """The same message may go through later. `retry_after` is the counterpart's own wish, if it stated one."""

    code = "delivery_temporary"
    retryable = True

    def __init__(self, message: str, *, retry_after: timedelta | None = None, endpoint: bool = False) -> None:
        super().__init__(message, endpoint=endpoint)
        self.retry_after = retry_after


class PermanentFailure(DeliveryFailure):
    """The message will never go through to this address as it stands."""

    code = "delivery_permanent"


def message_id(subject: str, rung: str, recipient: str, channel: str) -> str:
    """Return the id (32 hex digits) of the one message that may tell `recipient` of `subject` at `rung`.

    The same four parts always give the same id. `InputError` if a part is empty or holds the separator ``|``.
    """
    parts = (subject, rung, recipient, channel)
    for part in parts:
        if not part or "|" in part:
            msg = f"message id part {part!r} must be non-empty and free of '|' (subject, rung, recipient, channel)"
            raise InputError(msg)
    return sha256("|".join(parts).encode()).hexdigest()[:32]


def gravest(severities: tuple[Severity, ...]) -> Severity:
    """Return the gravest of `severities` (at least one)."""
    return max(severities, key=SEVERITIES.index)
