"""What the HTTP API needs from the front door, so that this room need not import it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import date
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from ..deadlines.calendar import Calendar
    from ..engine.migrating import MigrationPlan
    from ..engine.moving import MigrationReport
    from ..engine.people import Erased, Household, HouseholdChange, HouseholdOrder, Registered
    from ..engine.recalendar import Recalendared
    from ..engine.rehearsing import Rehearsal
    from ..engine.service import Engine
    from ..engine.simulating import Supposition, WhatIf
    from ..engine.timers import Ran
    from ..foundation.clock import Clock
    from ..foundation.ids import IdSource
    from ..foundation.messages import Language, Text
    from ..persistence.database import Database, Tx
    from ..persistence.rounds import RoundRow, UnitRow
    from ..persistence.vault import Vault
    from ..workflows.library import WorkflowLibrary
    from ..workflows.plans.model import Plan
    from ..workflows.plans.outlooks import RoundOutlook

__all__ = [
    "Facade",
    "ListRead",
    "ListedHousehold",
    "OpenedRound",
    "Registry",
    "RowFault",
]


class ListedHousehold(NamedTuple):
    """A household as a list has it, and where; `origin`: managed, or on request."""

    household: Household
    origin: str
    sheet: str | None
    row: int


@dataclass(frozen=True, slots=True)
class RowFault:
    """One faulty cell of a list: where it stands, what stood there, what was expected."""

    sheet: str | None
    row: int | None
    column: str | None
    value: str
    code: str
    expected: Text


@dataclass(frozen=True, slots=True)
class ListRead:
    """A file read: the households that may go in, and every fault."""

    households: tuple[ListedHousehold, ...]
    faults: tuple[RowFault, ...]


class OpenedRound(Protocol):
    """The answer to putting households forward: case ids by household code, and how many are new."""

    @property
    def case_ids(self) -> Mapping[str, int]:
        """Ids of all cases of the round, by household code."""
        ...

    @property
    def new(self) -> int:
        """How many this call opened."""
        ...


class Registry(Protocol):
    """Household lists read, and who a household is changed: the front door's importing and lineage.

    Each change is made in the caller's transaction; `InputError` and `PermissionDeniedError` say why it cannot be.
    """

    def read(self, file: Path, units: Sequence[UnitRow], area: str | None, commune: str | None) -> ListRead:
        """Read a list of villages among `units`, of one commune if it is named; `area` for a list that does not say."""
        ...

    def split(
        self,
        tx: Tx,
        order: HouseholdOrder,
        code: str,
        new_code: str,
        members: Mapping[int, str],
        unit_path: str | None,
    ) -> HouseholdChange:
        """Let members (place → relation to the new head, the head first) found a household of their own."""
        ...

    def merge(
        self, tx: Tx, order: HouseholdOrder, code: str, into: str, relations: Mapping[int, str]
    ) -> HouseholdChange:
        """Let a household become part of another."""
        ...

    def change_head(
        self, tx: Tx, order: HouseholdOrder, code: str, head: int, relations: Mapping[int, str]
    ) -> HouseholdChange:
        """Let another member be the household's head."""
        ...

    def move(self, tx: Tx, order: HouseholdOrder, code: str, unit_path: str) -> HouseholdChange:
        """Let a household go to another village."""
        ...

    def change_area(self, tx: Tx, order: HouseholdOrder, code: str, area: str) -> HouseholdChange:
        """Register a household's area anew."""
        ...

    def recode(self, tx: Tx, order: HouseholdOrder, old: str, new: str) -> HouseholdChange:
        """Give a commune its new code."""
        ...

    def merge_communes(
        self,
        tx: Tx,
        order: HouseholdOrder,
        communes: Sequence[str],
        new: str,
        *,
        villages: Mapping[str, str],
        name: str,
    ) -> HouseholdChange:
        """Let communes become one."""
        ...

    def erase(self, tx: Tx, code: str, *, reason: str, document: str, actor: str, on_behalf_of: str | None) -> Erased:
        """Destroy the key to a household's personal data for good."""
        ...


class Facade(Protocol):
    """One engine over one database: `rasoat.api.Rasoat`, as this room sees it."""

    @property
    def database(self) -> Database:
        """Where the tables live."""
        ...

    @property
    def queries(self) -> Database:
        """Where questions are asked that nothing is decided by: a copy that may be late, or the database itself."""
        ...

    @property
    def clock(self) -> Clock:
        """The one clock."""
        ...

    @property
    def ids(self) -> IdSource:
        """Where identifiers come from."""
        ...

    @property
    def library(self) -> WorkflowLibrary:
        """The procedures."""
        ...

    @property
    def engine(self) -> Engine:
        """What moves cases."""
        ...

    @property
    def calendar_for(self) -> Callable[[date, str], Calendar]:
        """The calendar known on a day, for a unit."""
        ...

    @property
    def vault(self) -> Vault:
        """What seals and opens personal data."""
        ...

    def transaction(self, *, briefly: bool = False) -> AbstractContextManager[Tx]:
        """Open a writing transaction; one who writes only `briefly` may share its commit."""
        ...

    def register_units(self, units: Sequence[Mapping[str, Any]], *, connection: Connection | None = None) -> int:
        """Write units; return how many were new."""
        ...

    def register_households(
        self, households: Sequence[Household], *, connection: Connection | None = None
    ) -> Registered:
        """Register households; known codes stay as they are."""
        ...

    def open_round(
        self, code: str, procedure: str, unit_path: str, started_on: date, *, ends_on: date | None, plan: str | None
    ) -> RoundRow:
        """Open a commune's round; a known code comes back."""
        ...

    def put_forward(
        self,
        round_code: str,
        households: Mapping[str, Mapping[str, Any]],
        opened_on: date,
        *,
        actor: str,
        connection: Connection | None = None,
    ) -> OpenedRound:
        """Open a case for each household of a round."""
        ...

    def season_end(self, procedure: str, started_on: date) -> date | None:
        """Return the last day of the season, if the regime names one."""
        ...

    def open_milestones(self, round_code: str, plan: Plan) -> int:
        """Open the dates of a campaign plan in a round; return how many were new."""
        ...

    def recalendar(self, *, unit_path: str | None = None, dry_run: bool = False) -> Recalendared:
        """Move the open deadlines that the calendar as known now puts elsewhere."""
        ...

    def what_if(self, suppositions: Sequence[Supposition], until: date, *, unit_paths: Sequence[str] = ()) -> WhatIf:
        """Say what falls due when, and on whose desk, if something happened."""
        ...

    def outlooks(self, round_code: str | None = None) -> list[RoundOutlook]:
        """Return how a round stands against each date its last case must meet."""
        ...

    def desk_feed(self, role: str, unit_path: str, language: Language = "vi") -> str:
        """Return an iCalendar feed of the open deadlines on a desk."""
        ...

    def run_due(self, *, max_groups: int = 10_000) -> Ran:
        """Do everything that is due at the clock."""
        ...

    def migrate(
        self,
        plan: MigrationPlan,
        *,
        actor: str,
        answers: Mapping[str, str],
        round_code: str | None,
        unit_path: str | None,
        dry_run: bool,
        max_batches: int | None,
    ) -> MigrationReport:
        """Move running cases to another definition by a plan, or tell what it would do."""
        ...

    def rehearse(
        self, round_code: str, *, workflow: str | None, calendar: str | None, settings: Mapping[str, Any] | None
    ) -> Rehearsal:
        """Replay a round's recorded acts under another definition, calendar or settings."""
        ...
