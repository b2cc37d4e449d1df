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
    from .engine.deciding import Step
    from .engine.history import PastCase
    from .engine.ledger import Change, Order, Ruling
    from .engine.moving import MigrationReport
    from .engine.people import (
        Difference,
        Duplicate,
        Erased,
        Household,
        HouseholdChange,
        HouseholdOrder,
        Person,
        Registered,
    )
    from .engine.punctuality import By, Punctuality
    from .engine.queries import DueLine, Only, StateCount
    from .engine.recalendar import Recalendared, Shift
    from .engine.rehearsing import Rehearsal
    from .engine.service import Moved, Observer, Outcome
    from .engine.simulating import FallsDue, Supposition, WhatIf
    from .engine.timers import Ran
    from .engine.values import SYSTEM, Actor, ActRequest, Mandate, Mode, Refusal
    from .foundation.clock import Clock, FrozenClock, SystemClock
    from .foundation.errors import (
        CalendarError,
        ConflictError,
        DefinitionError,
        IdempotencyError,
        InputError,
        IntegrityError,
        NotFoundError,
        PermissionDeniedError,
        RasoatError,
        StorageError,
    )
    from .foundation.ids import CountingIds, IdSource, TimeOrderedIds
    from .foundation.messages import Text
    from .lawkeeping import StoredSetting
    from .opening import EngineOptions, HostConnection
    from .persistence.cases import CaseRow
    from .persistence.database import Database, Tx
    from .persistence.deadlines import DeadlineRow
    from .persistence.events import ActRow, EventRow
    from .persistence.keys import KeyProvider, create_key_file, key_provider
    from .persistence.lineage import LineageRow
    from .persistence.migrating import upgrade
    from .persistence.rounds import RoundRow, UnitRow
    from .persistence.subscribing import AfterCommit, Subscriber
    from .registry import Reader
    from .timekeeping import DeadlineView
    from .workflows.plans.outlooks import RoundOutlook

__version__ = "0.1.0"

_HOMES = {
    "ActRequest": ".engine.values",
    "ActRow": ".persistence.events",
    "Actor": ".engine.values",
    "AfterCommit": ".persistence.subscribing",
    "AsyncRasoat": ".aio",
    "By": ".engine.punctuality",
    "CalendarError": ".foundation.errors",
    "CaseRow": ".persistence.cases",
    "CaseView": ".api",
    "Change": ".engine.ledger",
    "Clock": ".foundation.clock",
    "ConflictError": ".foundation.errors",
    "Correction": ".engine.correcting",
    "CountingIds": ".foundation.ids",
    "Database": ".persistence.database",
    "DeadlineRow": ".persistence.deadlines",
    "DeadlineView": ".timekeeping",
    "DefinitionError": ".foundation.errors",
    "Difference": ".engine.people",
    "DueLine": ".engine.queries",
    "Duplicate": ".engine.people",
    "EngineOptions": ".opening",
    "Erased": ".engine.people",
    "EventRow": ".persistence.events",
    "FallsDue": ".engine.simulating",
    "FrozenClock": ".foundation.clock",
    "HostConnection": ".opening",
    "Household": ".engine.people",
    "HouseholdChange": ".engine.people",
    "HouseholdOrder": ".engine.people",
    "IdSource": ".foundation.ids",
    "IdempotencyError": ".foundation.errors",
    "InputError": ".foundation.errors",
    "IntegrityError": ".foundation.errors",
    "KeyProvider": ".persistence.keys",
    "LineageRow": ".persistence.lineage",
    "Mandate": ".engine.values",
    "MigrationReport": ".engine.moving",
    "Mode": ".engine.values",
    "Moved": ".engine.service",
    "NotFoundError": ".foundation.errors",
    "Observer": ".engine.service",
    "Only": ".engine.queries",
    "OpeningCorrection": ".engine.correcting",
    "Order": ".engine.ledger",
    "Outcome": ".engine.service",
    "PastCase": ".engine.history",
    "PermissionDeniedError": ".foundation.errors",
    "Person": ".engine.people",
    "Punctuality": ".engine.punctuality",
    "Ran": ".engine.timers",
    "Rasoat": ".api",
    "RasoatError": ".foundation.errors",
    "Reader": ".registry",
    "Recalendared": ".engine.recalendar",
    "Refusal": ".engine.values",
    "Registered": ".engine.people",
    "Rehearsal": ".engine.rehearsing",
    "RoundOpened": ".api",
    "RoundOutlook": ".workflows.plans.outlooks",
    "RoundRow": ".persistence.rounds",
    "Ruling": ".engine.ledger",
    "SYSTEM": ".engine.values",
    "Shift": ".engine.recalendar",
    "StateCount": ".engine.queries",
    "Step": ".engine.deciding",
    "StorageError": ".foundation.errors",
    "StoredSetting": ".lawkeeping",
    "Subscriber": ".persistence.subscribing",
    "Supposition": ".engine.simulating",
    "SystemClock": ".foundation.clock",
    "Text": ".foundation.messages",
    "TimeOrderedIds": ".foundation.ids",
    "Tx": ".persistence.database",
    "Undo": ".engine.correcting",
    "UnitRow": ".persistence.rounds",
    "WhatIf": ".engine.simulating",
    "create_key_file": ".persistence.keys",
    "key_provider": ".persistence.keys",
    "upgrade": ".persistence.migrating",
}

__all__ = [
    "SYSTEM",
    "ActRequest",
    "ActRow",
    "Actor",
    "AfterCommit",
    "AsyncRasoat",
    "By",
    "CalendarError",
    "CaseRow",
    "CaseView",
    "Change",
    "Clock",
    "ConflictError",
    "Correction",
    "CountingIds",
    "Database",
    "DeadlineRow",
    "DeadlineView",
    "DefinitionError",
    "Difference",
    "DueLine",
    "Duplicate",
    "EngineOptions",
    "Erased",
    "EventRow",
    "FallsDue",
    "FrozenClock",
    "HostConnection",
    "Household",
    "HouseholdChange",
    "HouseholdOrder",
    "IdSource",
    "IdempotencyError",
    "InputError",
    "IntegrityError",
    "KeyProvider",
    "LineageRow",
    "Mandate",
    "MigrationReport",
    "Mode",
    "Moved",
    "NotFoundError",
    "Observer",
    "Only",
    "OpeningCorrection",
    "Order",
    "Outcome",
    "PastCase",
    "PermissionDeniedError",
    "Person",
    "Punctuality",
    "Ran",
    "Rasoat",
    "RasoatError",
    "Reader",
    "Recalendared",
    "Refusal",
    "Registered",
    "Rehearsal",
    "RoundOpened",
    "RoundOutlook",
    "RoundRow",
    "Ruling",
    "Shift",
    "StateCount",
    "Step",
    "StorageError",
    "StoredSetting",
    "Subscriber",
    "Supposition",
    "SystemClock",
    "Text",
    "TimeOrderedIds",
    "Tx",
    "Undo",
    "UnitRow",
    "WhatIf",
    "__version__",
    "create_key_file",
    "key_provider",
    "upgrade",
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
