"""What the HTTP API needs from the front door, so that this room need not import it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import date
    from pathlib import Path

    from ..deadlines.calendar import Calendar
    from ..engine.service import Engine
    from ..foundation.clock import Clock
    from ..foundation.ids import IdSource
    from ..foundation.messages import Text
    from ..persistence.database import Database, Tx
    from ..persistence.rounds import RoundRow
    from ..persistence.vault import Vault
    from ..workflows.library import WorkflowLibrary

__all__ = [
    "DoubleFound",
    "Facade",
    "ListRead",
    "ListedHousehold",
    "Lists",
    "OpenedRound",
    "Person",
    "RegisteredList",
    "RowFault",
]


@dataclass(frozen=True, slots=True)
class Person:
    """A member of a household as a list names them."""

    name: str
    relation: str
    born: str
    sex: str
    identity: str | None = None


@dataclass(frozen=True, slots=True)
class ListedHousehold:
    """A household to be registered, its head first; `origin`: managed, or on request."""

    code: str
    unit_path: str
    members: tuple[Person, ...]
    area: str
    class_now: str = "none"
    origin: str = "managed"


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


@dataclass(frozen=True, slots=True)
class DoubleFound:
    """Two registrations of what looks like one household."""

    code: str
    other_code: str
    by: str


@dataclass(frozen=True, slots=True)
class RegisteredList:
    """What a registration did: how many were new, what was refused or flagged as double."""

    new: int
    refused: tuple[DoubleFound, ...]
    flagged: tuple[DoubleFound, ...]


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


class Lists(Protocol):
    """Reads household lists and registers them (the front door's importing and registry)."""

    def read(self, file: Path, villages: Mapping[str, tuple[str, str]], area: str | None) -> ListRead:
        """Read a list; `villages` gives (name, path) by code; `area` answers for a list that does not say."""
        ...

    def register(self, households: Sequence[ListedHousehold]) -> RegisteredList:
        """Register households; known codes stay as they are."""
        ...


class Facade(Protocol):
    """One engine over one database: `rasoat.api.Rasoat`, as this room sees it."""

    @property
    def database(self) -> Database:
        """Where the tables live."""
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

    def transaction(self) -> AbstractContextManager[Tx]:
        """Open a writing transaction."""
        ...

    def register_units(self, units: Sequence[Mapping[str, Any]]) -> int:
        """Write units; return how many were new."""
        ...

    def open_round(
        self, code: str, procedure: str, unit_path: str, started_on: date, *, ends_on: date | None, plan: str | None
    ) -> RoundRow:
        """Open a commune's round; a known code comes back."""
        ...

    def put_forward(
        self, round_code: str, households: Mapping[str, Mapping[str, Any]], opened_on: date, *, actor: str
    ) -> OpenedRound:
        """Open a case for each household of a round."""
        ...

    def season_end(self, procedure: str, started_on: date) -> date | None:
        """Return the last day of the season, if the regime names one."""
        ...
