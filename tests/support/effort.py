"""How many examples a costly property is tried on: few in the usual run, more where time is no matter."""

from __future__ import annotations

import os

__all__ = ["effort"]


def effort(examples: int) -> int:
    """Return the number of examples of a usual run times ``RASOAT_TEST_EFFORT`` (1)."""
    return examples * int(os.environ.get("RASOAT_TEST_EFFORT", "1"))
