"""Identifiers are given, never guessed: a source hands them out, a test can fix them."""

from __future__ import annotations

import secrets
import threading
import time
from typing import Protocol

__all__ = ["CountingIds", "IdSource", "TimeOrderedIds"]

_EPOCH_MS = 1_577_836_800_000  # 2020-01-01T00:00:00Z
_LOW_BITS = 22


class IdSource(Protocol):
    """Hands out unique positive 63-bit integers, rising."""

    def take(self, count: int) -> range:
        """Return `count` consecutive new identifiers."""
        ...


class CountingIds:
    """Identifiers 1, 2, 3 …: for demonstrations and tests."""

    def __init__(self, start: int = 1) -> None:
        self._next = start

    def take(self, count: int) -> range:
        """Return the next `count` integers."""
        first = self._next
        self._next += count
        return range(first, first + count)


class TimeOrderedIds:
    """63-bit identifiers: 41 bits of milliseconds since 2020, 22 bits that start at random and count up.

    Many processes may draw at once without talking to each other; a collision is refused by the
    primary key, never silent.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def take(self, count: int) -> range:
        """Return `count` consecutive identifiers, above every one handed out before by this source."""
        with self._lock:
            now = (time.time_ns() // 1_000_000 - _EPOCH_MS) << _LOW_BITS
            first = max(now | secrets.randbits(_LOW_BITS - 1), self._last + 1)
            self._last = first + count - 1
            return range(first, first + count)
