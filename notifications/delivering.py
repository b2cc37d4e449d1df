"""Stored messages → channels: claimed under a lease, sent, and the result on record in a transaction of its own.

A sender that dies between sending and recording leaves an attempt without end; when its lease has run out the same
message goes out again under the same id. It holds one message at a time, so at most one is repeated for each death.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from ..foundation.errors import ConflictError
from ..foundation.logs import Log
from ..persistence.messages import AttemptRow, begin_attempt, claimable, end_attempt, postpone, settle, try_again
from ..persistence.pacing import CircuitRow, circuit, full_at, set_circuit, set_full_at
from .model import DeliveryFailure, PermanentFailure
from .retrying import Breaker, classify, next_attempt_at
from .storing import message_of
from .webhooks import CHANNEL

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ..foundation.clock import Clock
    from ..persistence.database import Database, Tx
    from ..persistence.messages import MessageRow
    from .model import Receipt
    from .setup import Notify

__all__ = ["Outcome", "Sender"]

log = Log("rasoat.notifications")
T = TypeVar("T")
Outcome = Literal["sent", "failed", "dead"]
_LOOKED_AT = 20
_PERSISTENCE = 5


@dataclass(frozen=True, slots=True)
class _Claimed:
    row: MessageRow
    number: int
    started_at: datetime


class Sender:
    """Sends stored messages one at a time. Several may run, in threads, processes and machines."""

    def __init__(self, database: Database, clock: Clock, notify: Notify, chance: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._notify = notify
        self._chance = chance

    def send_next(self, only: str | None = None) -> Outcome | None:
        """Send the message that waits longest (or the one named); None when nothing may go out now."""
        claimed = self._persistently(lambda: self._claim(only))
        if claimed is None:
            return None
        result = self._send(claimed.row)
        return self._persistently(lambda: self._recorded(claimed, result))

    def _claim(self, only: str | None) -> _Claimed | None:
        """Take one message; those that must wait are put off, so that the look ends."""
        while True:
            now = self._clock.now()
            with self._database.begin() as tx:
                found = claimable(tx, now, _LOOKED_AT, only)
                for row in found:
                    if self._gives_up(tx, row, now):
                        continue
                    wait = self._wait(tx, row, now)
                    if wait is None:
                        number = begin_attempt(tx, row, now, now + self._notify.sending.lease)
                        return _Claimed(row, number, now)
                    postpone(tx, row.id, wait)
            if not found:
                return None

    def _gives_up(self, tx: Tx, row: MessageRow, now: datetime) -> bool:
        """Bury a message whose every attempt ended with the death of its sender."""
        if row.attempts - row.forgiven < self._notify.sending.retries.attempts:
            return False
        settle(tx, row.id, "dead", now, row.problem or "no sender lived to say what became of it")
        log.error("message_dead", id=row.id, kind=row.kind, channel=row.channel, attempts=row.attempts)
        return True

    def _wait(self, tx: Tx, row: MessageRow, now: datetime) -> datetime | None:
        """Return until when the endpoint's breaker or the recipient's rate limit holds a message back."""
        sending = self._notify.sending
        breaker = Breaker(*circuit(tx, row.endpoint))
        admitted, after = breaker.admit(now, sending.breaker)
        if not admitted:
            return breaker.rests_until
        if row.channel != CHANNEL:  # people are spared; a program is told all there is
            full, wait = sending.rate.take(full_at(tx, row.recipient, row.channel, now), now)
            if wait is not None:
                return wait
            set_full_at(tx, row.recipient, row.channel, full)
        set_circuit(tx, row.endpoint, CircuitRow(after.failures, after.rests_until))
        return None

    def _send(self, row: MessageRow) -> Receipt | Exception:
        channel = self._notify.channels.get(row.channel)
        if channel is None:
            known = ", ".join(sorted(self._notify.channels)) or "none"
            return PermanentFailure(f"no channel {row.channel!r} is set up; there are: {known}")
        try:
            return channel.send(message_of(row))
        except Exception as error:  # noqa: BLE001  whatever a channel raises is an outcome, and goes on record
            return error

    def _recorded(self, claimed: _Claimed, result: Receipt | Exception) -> Outcome:
        with self._database.begin() as tx:
            return self._record(tx, claimed, result)

    def _persistently(self, step: Callable[[], T]) -> T:
        """Do a step also against other writers: a result that is not recorded would be sent again."""
        for _ in range(_PERSISTENCE - 1):
            with suppress(ConflictError):
                return step()
        return step()

    def _record(self, tx: Tx, claimed: _Claimed, result: Receipt | Exception) -> Outcome:
        now = self._clock.now()
        attempt = AttemptRow(claimed.row.id, claimed.number, claimed.started_at, now, None, "", None)
        if isinstance(result, Exception):
            return self._failed(tx, claimed, attempt, result)
        end_attempt(tx, attempt._replace(outcome="sent", detail=result.detail, handle=result.handle))
        settle(tx, claimed.row.id, "sent", now)
        self._count(tx, claimed.row.endpoint, now, at_fault=False)
        return "sent"

    def _failed(self, tx: Tx, claimed: _Claimed, attempt: AttemptRow, error: Exception) -> Outcome:
        row, now, verdict = claimed.row, self._clock.now(), classify(error)
        attempt = attempt._replace(outcome=verdict.outcome, detail=verdict.reason)
        end_attempt(tx, attempt)
        if verdict.endpoint or isinstance(error, DeliveryFailure):
            self._count(tx, row.endpoint, now, at_fault=verdict.endpoint)
        policy = self._notify.sending.retries
        again = next_attempt_at(
            claimed.number - row.forgiven, now, verdict.retry_after, chance=self._chance, policy=policy
        )
        # A counterpart that refuses everybody may be mended; no message dies of it at once.
        if again is not None and (verdict.endpoint or verdict.outcome == "temporary"):
            try_again(tx, attempt, again)
            log.warning("delivery_failed", id=row.id, channel=row.channel, attempt=claimed.number)
            return "failed"
        settle(tx, row.id, "dead", now, verdict.reason)
        log.error("message_dead", id=row.id, kind=row.kind, channel=row.channel, attempts=claimed.number)
        return "dead"

    def _count(self, tx: Tx, endpoint: str, now: datetime, *, at_fault: bool) -> None:
        breaker = Breaker(*circuit(tx, endpoint))
        after = breaker.failed(now, self._notify.sending.breaker) if at_fault else breaker.succeeded()
        set_circuit(tx, endpoint, CircuitRow(after.failures, after.rests_until))
