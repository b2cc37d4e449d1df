"""How much one caller may ask: a token bucket each, in the memory of this process."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Buckets"]


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
