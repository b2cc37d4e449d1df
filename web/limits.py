"""How much one caller may ask: a token bucket each, in this process's memory, or wherever a host keeps the count.

One process counts for itself. A host that runs several over one installation may bring a `Limiter` that counts for all
of them (docs/decisions/rate-limits.md).
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple, Protocol

from anyio.to_thread import run_sync

from ..foundation.logs import Log

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Buckets", "Limiter", "Limits"]

log = Log("rasoat.web")


class Limiter(Protocol):
    """Counts requests; a host's own may count for several processes. It is called in a thread and may block."""

    def take(self, name: str) -> float:
        """Count one request of `name` (``principal CB-01``, ``address 10.0.0.7``); return 0, or the seconds to wait."""
        ...


class _Level(NamedTuple):
    tokens: float
    at: float


class Buckets:
    """One bucket per name: it holds `burst` requests and gains `per_second`. Thread-safe, bounded in memory.

    The names longest unused are forgotten first; a forgotten bucket is a full one, as it would be by then anyway.
    """

    def __init__(
        self,
        per_second: float,
        burst: int,
        *,
        most: int = 10_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_second = per_second
        self._burst = float(burst)
        self._most = most
        self._monotonic = monotonic
        self._levels: OrderedDict[str, _Level] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: str) -> float:
        """Take one request out of the bucket of `name`; return 0, or the seconds to wait if it is empty."""
        with self._lock:
            now = self._monotonic()
            level = self._levels.pop(name, _Level(self._burst, now))
            tokens = min(self._burst, level.tokens + (now - level.at) * self._per_second)
            granted = tokens >= 1
            self._levels[name] = _Level(tokens - 1 if granted else tokens, now)
            while len(self._levels) > self._most:
                self._levels.popitem(last=False)
            return 0.0 if granted else (1 - tokens) / self._per_second


class Limits:
    """What the gate asks: the limiter of a host that brought one, else this process's own buckets.

    A shared limiter that fails closes nothing: the process counts for itself until it answers again.
    """

    def __init__(self, own: Buckets, shared: Limiter | None) -> None:
        self._own = own
        self._shared = shared

    async def wait(self, name: str) -> float:
        """Count one request of `name`; return 0, or the seconds it must wait."""
        if self._shared is None:
            return self._own.take(name)
        try:
            return await run_sync(self._shared.take, name)
        except Exception as error:  # noqa: BLE001  whatever a host's store raises
            log.warning("limiter_failed", error=type(error).__name__)
            return self._own.take(name)
