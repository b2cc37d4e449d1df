"""Rà soát: the durable state machine and legal clock of Vietnam's household poverty reviews.

Public names are imported on first use, so that ``import rasoat`` stays quick for a host.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .aio import AsyncRasoat
    from .api import CaseView, Rasoat, RoundOpened
    from .engine.correcting import Correction, OpeningCorrection, Undo
    from .engine.history import PastCase
    from .engine.people import Duplicate, Erased, Household, HouseholdChange, HouseholdOrder, Person, Registered
    from .engine.queries import DueLine, StateCount
    from .engine.service import Moved, Outcome
    from .engine.timers import Ran
    from .engine.values import SYSTEM, Actor, ActRequest, Mandate, Mode, Refusal
    from .foundation.clock import Clock, FrozenClock, SystemClock
    from .foundation.errors import RasoatError
    from .foundation.ids import CountingIds, IdSource, TimeOrderedIds
    from .foundation.messages import Text
    from .persistence.database import Database, Tx
    from .registry import Reader

__version__ = "0.1.0"

_HOMES = {
    "ActRequest": ".engine.values",
    "Actor": ".engine.values",
    "AsyncRasoat": ".aio",
    "CaseView": ".api",
    "Clock": ".foundation.clock",
    "Correction": ".engine.correcting",
    "CountingIds": ".foundation.ids",
    "Database": ".persistence.database",
    "DueLine": ".engine.queries",
    "Duplicate": ".engine.people",
    "Erased": ".engine.people",
    "FrozenClock": ".foundation.clock",
    "Household": ".engine.people",
    "HouseholdChange": ".engine.people",
    "HouseholdOrder": ".engine.people",
    "IdSource": ".foundation.ids",
    "Mandate": ".engine.values",
    "Mode": ".engine.values",
    "Moved": ".engine.service",
    "OpeningCorrection": ".engine.correcting",
    "Outcome": ".engine.service",
    "PastCase": ".engine.history",
    "Person": ".engine.people",
    "Ran": ".engine.timers",
    "Rasoat": ".api",
    "RasoatError": ".foundation.errors",
    "Refusal": ".engine.values",
    "Reader": ".registry",
    "Registered": ".engine.people",
    "RoundOpened": ".api",
    "SYSTEM": ".engine.values",
    "StateCount": ".engine.queries",
    "SystemClock": ".foundation.clock",
    "Text": ".foundation.messages",
    "TimeOrderedIds": ".foundation.ids",
    "Tx": ".persistence.database",
    "Undo": ".engine.correcting",
}

__all__ = [
    "SYSTEM",
    "ActRequest",
    "Actor",
    "AsyncRasoat",
    "CaseView",
    "Clock",
    "Correction",
    "CountingIds",
    "Database",
    "DueLine",
    "Duplicate",
    "Erased",
    "FrozenClock",
    "Household",
    "HouseholdChange",
    "HouseholdOrder",
    "IdSource",
    "Mandate",
    "Mode",
    "Moved",
    "OpeningCorrection",
    "Outcome",
    "PastCase",
    "Person",
    "Ran",
    "Rasoat",
    "RasoatError",
    "Reader",
    "Refusal",
    "Registered",
    "RoundOpened",
    "StateCount",
    "SystemClock",
    "Text",
    "TimeOrderedIds",
    "Tx",
    "Undo",
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
