"""When to try again, when to give up, when to leave an endpoint alone. Pure: clock and chance are arguments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from ..foundation.clock import require_aware
from ..foundation.errors import InputError
from .model import DeliveryFailure, PermanentFailure, TemporaryFailure

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "BREAKER",
    "RATE",
    "RETRIES",
    "Breaker",
    "BreakerPolicy",
    "RateLimit",
    "RetryPolicy",
    "Verdict",
    "classify",
    "next_attempt_at",
]


class Verdict(NamedTuple):
    """What a failed attempt means. `endpoint`: the counterpart itself is at fault, count it in its breaker."""

    outcome: Literal["temporary", "permanent"]
    retry_after: timedelta | None
    endpoint: bool
    reason: str


def classify(error: Exception) -> Verdict:
    """Return what `error`, raised by `Channel.send`, means.

    What a channel did not classify (a fault in it, or a library's own error) counts as temporary: the
    retry policy gives up on it in the end, and nothing is lost before that.
    """
    if isinstance(error, PermanentFailure):
        return Verdict("permanent", None, error.endpoint, str(error))
    if isinstance(error, TemporaryFailure):
        return Verdict("temporary", error.retry_after, error.endpoint, str(error))
    endpoint = isinstance(error, DeliveryFailure) and error.endpoint
    return Verdict("temporary", None, endpoint, f"{type(error).__name__}: {error}")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff: `first` × `factor` per attempt up to `longest`, spread by `jitter`, at most `attempts`.

    With the defaults a message is tried ten times in about 27 hours, then listed as dead.
    `longest_wish` bounds what a counterpart may ask for by Retry-After.
    """

    first: timedelta = timedelta(seconds=30)
    factor: int = 4
    longest: timedelta = timedelta(hours=6)
    attempts: int = 10
    jitter: float = 0.25
    longest_wish: timedelta = timedelta(days=1)

    def __post_init__(self) -> None:
        """Refuse a policy that never waits, never tries, or waits less and less."""
        if self.first <= timedelta(0) or self.longest < self.first or self.factor < 1 or self.attempts < 1:
            msg = f"{self}: needs first > 0, longest >= first, factor >= 1, attempts >= 1"
            raise InputError(msg)
        if not 0 <= self.jitter < 1:
            msg = f"jitter {self.jitter} must lie in [0, 1)"
            raise InputError(msg)

    def backoff(self, attempts: int) -> timedelta:
        """Return the wait after the `attempts`-th failure, before jitter."""
        wait = self.first
        for _ in range(attempts - 1):
            wait = min(wait * self.factor, self.longest)
        return wait


RETRIES = RetryPolicy()


def next_attempt_at(
    attempts: int,
    now: datetime,
    retry_after: timedelta | None = None,
    *,
    chance: Callable[[], float],
    policy: RetryPolicy = RETRIES,
) -> datetime | None:
    """Return when to try again after `attempts` failures (the last one at `now`), or None: give up, it is dead.

    `chance` yields a number in [0, 1) (``random.Random(seed).random``); the wait is the backoff times a
    factor in [1 − jitter, 1 + jitter). The counterpart's wish `retry_after`, up to
    `policy.longest_wish`, is never undercut.
    """
    require_aware(now)
    if attempts < 1:
        msg = f"attempts = {attempts}; there is a next attempt only after a first one"
        raise InputError(msg)
    if attempts >= policy.attempts:
        return None
    wait = policy.backoff(attempts) * (1 + policy.jitter * (2 * chance() - 1))
    wish = min(max(retry_after or timedelta(0), timedelta(0)), policy.longest_wish)
    return now + max(wait, wish)


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """Open after `failures` in a row; after `rest`, let one probe through at a time, each given `rest` to answer."""

    failures: int = 5
    rest: timedelta = timedelta(minutes=2)


BREAKER = BreakerPolicy()


@dataclass(frozen=True, slots=True)
class Breaker:
    """The circuit breaker of one endpoint. Closed: all pass. Open: none. Half-open: one probe.

    A value to be stored and replaced: every step returns the next breaker.
    """

    failures: int = 0
    rests_until: datetime | None = None
    """While set, the endpoint is left alone until this instant; then one probe may pass."""

    def admit(self, now: datetime, policy: BreakerPolicy = BREAKER) -> tuple[bool, Breaker]:
        """Return whether a message may go out at `now`, and the breaker after that answer."""
        if self.rests_until is None:
            return True, self
        if now < self.rests_until:
            return False, self
        return True, replace(self, rests_until=now + policy.rest)

    def succeeded(self) -> Breaker:
        """Return the breaker after a delivery: closed, as new."""
        return Breaker()

    def failed(self, now: datetime, policy: BreakerPolicy = BREAKER) -> Breaker:
        """Return the breaker after a failure of the endpoint."""
        failures = self.failures + 1
        if failures < policy.failures:
            return replace(self, failures=failures)
        return Breaker(failures, now + policy.rest)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A token bucket for one recipient on one channel: `burst` at once, refilled evenly at `burst` per `period`.

    Its whole state is one instant (when the bucket will be full again), so that a database column holds it
    and no rounding creeps in.
    """

    burst: int = 10
    period: timedelta = timedelta(hours=1)

    def __post_init__(self) -> None:
        """Refuse a bucket that never holds or never gains a token."""
        if self.burst < 1 or self.period < timedelta(microseconds=self.burst):
            msg = f"{self}: needs burst >= 1 and a period of at least one microsecond per token"
            raise InputError(msg)

    def take(self, full_at: datetime | None, now: datetime) -> tuple[datetime, datetime | None]:
        """Take a token at `now` from a bucket that will be full at `full_at` (None: full).

        Returns ``(full_at, None)`` with the new state when granted, else ``(full_at, when)`` with the
        state unchanged and the instant at which a token will be there.
        """
        require_aware(now)
        current = max(full_at or now, now)
        after = current + self._interval
        earliest = after - self._interval * self.burst
        if earliest > now:
            return current, earliest
        return after, None

    @property
    def _interval(self) -> timedelta:
        return -(-self.period // self.burst)


RATE = RateLimit()
