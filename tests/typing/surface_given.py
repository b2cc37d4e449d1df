"""What the calls are given. Nothing here is ever run: the type checker alone reads these files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from rasoat import (
    ActRequest,
    AfterCommit,
    Clock,
    Correction,
    Database,
    Household,
    HouseholdOrder,
    IdSource,
    KeyProvider,
    Observer,
    Only,
    OpeningCorrection,
    Order,
    Reader,
    Subscriber,
    Supposition,
    Undo,
)
from rasoat.deadlines.calendar import Calendar
from rasoat.deadlines.releases import Library
from rasoat.engine.migrating import MigrationPlan
from rasoat.workflows.plans.model import Plan
from rasoat.workflows.units import Units

text: str
number: int
day: date
folder: Path
connection: Connection
session: Session
database: Database
keys: KeyProvider
clock: Clock
ids: IdSource
calendar: Calendar
calendar_for: Callable[[date, str], Calendar]
library: Library
observer: Observer
subscriber: Subscriber
after_commit: AfterCommit
only: Only
household: Household
reader: Reader
change: HouseholdOrder
request: ActRequest
correction: Correction | OpeningCorrection
undo: Undo
order: Order
supposition: Supposition
units: Units
plan: Plan
migration: MigrationPlan | str
