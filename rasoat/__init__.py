"""Rà soát: the durable state machine and legal clock of Vietnam's household poverty reviews.

Public names are imported on first use, so that ``import rasoat`` stays quick for a host.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .foundation.clock import Clock, FrozenClock, SystemClock
    from .foundation.errors import RasoatError

__version__ = "0.1.0"

_HOMES = {
    "Clock": ".foundation.clock",
    "FrozenClock": ".foundation.clock",
    "RasoatError": ".foundation.errors",
    "SystemClock": ".foundation.clock",
}

__all__ = [
    "Clock",
    "FrozenClock",
    "RasoatError",
    "SystemClock",
    "__version__",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        msg = f"module 'rasoat' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(home, __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
