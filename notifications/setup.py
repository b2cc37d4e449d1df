"""What an installation has set up: who is told, through which channels, how patiently, and when digests go out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import TYPE_CHECKING

from ..engine.definition import SUPERVISOR
from ..foundation.errors import InputError
from ..foundation.messages import fault
from .composing import Settings
from .directory import COMMITTEE
from .retrying import BREAKER, RATE, RETRIES, BreakerPolicy, RateLimit, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .directory import Directory
    from .model import Channel

__all__ = ["DIGEST_AT", "OVERSEERS", "SHORTEST_RETENTION", "SUMMARY_AT", "Notify", "Sending"]

DIGEST_AT, SUMMARY_AT = time(7, 30), time(8)
"""Local times of a working morning, from which digests and summaries go out."""
OVERSEERS = (SUPERVISOR, COMMITTEE)
SHORTEST_RETENTION = timedelta(days=30)
"""No message is deleted sooner by itself: the catch-up after a long absence must find what was told."""


@dataclass(frozen=True, slots=True)
class Sending:
    """How patiently messages are sent. A claim lapses after `lease`; `at_once` outbox rows are composed together."""

    retries: RetryPolicy = RETRIES
    breaker: BreakerPolicy = BREAKER
    rate: RateLimit = RATE
    lease: timedelta = timedelta(minutes=5)
    at_once: int = 5_000

    def __post_init__(self) -> None:
        """Refuse a lease that lapses at once, and a composition of nothing."""
        if self.lease <= timedelta(0) or self.at_once < 1:
            raise fault(InputError, "sending.lease", lease=self.lease, at_once=self.at_once)


@dataclass(frozen=True, slots=True)
class Notify:
    """Directory, channels by name, and the settings of messages and digests.

    `list_link` is the path of the page a message leads to, with the fields {unit}, {round} and {rule}; empty: none.
    `overseers` are the roles that watch over all desks below their unit: their digest tells of every desk there, and
    they get the weekly summary. Messages that were sent or given up are deleted after `retention`; None: never.
    """

    directory: Directory
    channels: Mapping[str, Channel]
    settings: Settings = field(default_factory=Settings)
    sending: Sending = field(default_factory=Sending)
    list_link: str = ""
    digest_at: time = DIGEST_AT
    summary_at: time = SUMMARY_AT
    overseers: tuple[str, ...] = OVERSEERS
    retention: timedelta | None = None

    def __post_init__(self) -> None:
        """Refuse a retention that would delete what was just sent."""
        if self.retention is not None and self.retention < SHORTEST_RETENTION:
            raise fault(InputError, "sending.kept", least=SHORTEST_RETENTION.days, days=self.retention.days)
