"""The public API: open or bind, register, open cases, fire, ask."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

from . import admission, registry
from .deadlines.releases import calendar as release
from .engine import queries
from .engine.rounds import open_season_end
from .engine.service import BRIEF, CaseOpening, Engine, Observer, Outcome
from .engine.timers import Ran, run_due
from .erasing import Erased, Erasure, erase
from .foundation.clock import Clock, SystemClock, legal_date, require_day
from .foundation.defaults import DATABASE_URL
from .foundation.errors import InputError, NotFoundError
from .foundation.ids import IdSource, TimeOrderedIds
from .foundation.messages import fault
from .lawkeeping import Lawkeeping
from .opening import EngineOptions, HostConnection, key_source, prepared_keys, require_place
from .persistence import cases as case_rows
from .persistence import certificates, deadlines, events, rounds
from .persistence.database import Database, Synchronous
from .persistence.migrating import require_current, upgrade
from .persistence.replicas import open_replica
from .persistence.tables import DEFAULT_PREFIX
from .persistence.vault import Vault
from .recordkeeping import Recordkeeping, current_case
from .timekeeping import Timekeeping
from .workflows.library import WorkflowLibrary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from .deadlines.calendar import Calendar
    from .engine.definition import Workflow
    from .engine.values import ActRequest
    from .persistence.database import Tx
    from .persistence.events import ActRow
    from .persistence.keys import KeyProvider
    from .persistence.subscribing import AfterCommit

__all__ = ["CaseView", "Rasoat", "RoundOpened"]


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case with all that is on record of it: its row, events, acts, deadlines, certificate."""

    case: case_rows.CaseRow
    household_code: str
    workflow: Workflow
    events: tuple[events.EventRow, ...]
    acts: Mapping[int, ActRow]
    deadlines: tuple[deadlines.DeadlineRow, ...]
    certificate: str | None


@dataclass(frozen=True, slots=True)
class RoundOpened:
    """A round and the cases put forward in it, by household code; `new` counts those opened by this call."""

    round: rounds.RoundRow
    case_ids: Mapping[str, int]
    new: int


class Rasoat(Recordkeeping, Timekeeping, Lawkeeping):
    """One engine over one database. Thread-safe; open one per process and share it.

    Every writing method opens a transaction of its own, or joins the host's when `connection` is given:
    then the engine neither commits nor rolls back, and keeps each command in a savepoint.
    """

    def __init__(
        self,
        database: Database,
        *,
        keys: KeyProvider,
        clock: Clock | None = None,
        ids: IdSource | None = None,
        calendar_for: Callable[[date, str], Calendar] | None = None,
        settings: Mapping[str, Any] | None = None,
        definitions: Sequence[Path] = (),
        observers: Sequence[Observer] = (),
    ) -> None:
        self.database = database
        self.queries = database
        self.clock = clock or SystemClock()
        self.ids = ids or TimeOrderedIds()
        self.library = WorkflowLibrary(definitions)
        self.calendar_for = calendar_for or _calendar_known_on
        self.require_settings(settings or {})
        self.engine = Engine(
            self.library, self.calendar_for, self.clock, self.ids, settings=settings, observers=observers
        )
        self._keys = keys
        self._vault: Vault | None = None

    @classmethod
    def open(
        cls,
        url: str | None = None,
        *,
        keys: KeyProvider | str | None = None,
        create: bool = True,
        schema: str | None = None,
        prefix: str = DEFAULT_PREFIX,
        synchronous: Synchronous = "FULL",
        read_url: str | None = None,
        **options: Unpack[EngineOptions],
    ) -> Rasoat:
        """Open the database at `url` (default: ``RASOAT_DATABASE_URL``, else ``sqlite:///rasoat.db``).

        `create` makes the database and brings the schema to this release; without it a schema of another release is a
        `StorageError`, a SQLite file that is not there a `NotFoundError`. `keys` names where the keys to personal data
        are (``file:PATH``, ``env``, or a provider); for a SQLite file it may be left out: a key file then stands beside
        it, made with the database and never again. Keys it was not sealed with are an `InputError`. `read_url`
        is a PostgreSQL standby that answers questions, late by as much as it lags. Further options
        are those of the constructor.
        """
        url = url or os.environ.get("RASOAT_DATABASE_URL", DATABASE_URL)
        require_place(url, create=create)
        database = Database.open(url, schema=schema, prefix=prefix, synchronous=synchronous)
        try:
            key_source(keys, url)
            if create:
                upgrade(database)
            else:
                require_current(database)
            provider = prepared_keys(database, keys, url, create=create)
            opened = cls(database, keys=provider, **options)
            if read_url is not None:
                opened.queries = open_replica(read_url, database)
        except BaseException:
            database.dispose()
            raise
        return opened

    @classmethod
    def bind(
        cls,
        database: Database,
        *,
        keys: KeyProvider,
        after_commit: AfterCommit | None = None,
        **options: Unpack[EngineOptions],
    ) -> Rasoat:
        """Work on a host's own engine: ``Rasoat.bind(Database(engine), keys=…)``. The host migrates when it likes.

        `after_commit` has a function called once the host's transaction is committed (Django:
        ``transaction.on_commit``): subscribers are told that way.
        """
        database.subscribers.after_commit = after_commit
        return cls(database, keys=keys, **options)

    @property
    def vault(self) -> Vault:
        """The vault that seals personal data; its keys are fetched on first use."""
        if self._vault is None:
            self._vault = Vault(self._keys.ring())
        return self._vault

    @property
    def keys(self) -> KeyProvider:
        """Where the keys come from."""
        return self._keys

    def close(self) -> None:
        """Close the connections this engine opened."""
        self.database.dispose()
        self.queries.dispose()

    @contextmanager
    def transaction(self, connection: HostConnection | None = None, *, briefly: bool = False) -> Iterator[Tx]:
        """Open a writing transaction, or join the host's.

        On SQLite those who write only `briefly` may share a commit with others; none returns before it.
        """
        with self.database.begin(briefly=briefly) if connection is None else self.database.join(connection) as tx:
            yield tx

    def register_units(self, units: Sequence[Mapping[str, Any]], *, connection: HostConnection | None = None) -> int:
        """Write administrative units (code, name, level, parent, valid_from, valid_to); return how many were new."""
        with self.transaction(connection) as tx:
            return registry.register_units(tx, units)

    def register_households(
        self, households: Sequence[registry.Household], *, connection: HostConnection | None = None
    ) -> registry.Registered:
        """Write households, sealed; known codes are left as they are, doubles refused or flagged."""
        with self.transaction(connection) as tx:
            admission.require_households(tx, households, self.today())
            return registry.register(tx, self.vault, self.ids, households, legal_date(self.clock.now()))

    def open_round(
        self,
        code: str,
        procedure: str,
        unit_path: str,
        started_on: date,
        *,
        ends_on: date | None = None,
        plan: str | None = None,
        connection: HostConnection | None = None,
    ) -> rounds.RoundRow:
        """Open a commune's round of a procedure under the regime in force on `started_on`; known codes come back.

        `InputError` if it lies outside the law's window, would be the commune's second of one season, or its unit is no
        commune that the procedure can run in; `NotFoundError` if the commune is not on record.
        """
        require_day(started_on, "started_on")
        workflow = self.library.in_force(procedure, started_on)
        with self.transaction(connection) as tx:
            known = rounds.round_by_code(tx, code)
            if known is not None:
                admission.require_same_round(known, workflow.id, unit_path, started_on)
                return known
            row = rounds.RoundRow(
                self.ids.take(1)[0], code, workflow.id, unit_path, started_on, ends_on, plan, self.clock.now()
            )
            admission.require_round(tx, self.engine, workflow, row, self.today())
            rounds.insert_round(tx, row)
            open_season_end(tx, self.engine, row)
            return row

    def put_forward(
        self,
        round_code: str,
        households: Mapping[str, Mapping[str, Any]],
        opened_on: date,
        *,
        actor: str = "system",
        connection: HostConnection | None = None,
    ) -> RoundOpened:
        """Open a case for each household of a round: household code → facts (``origin``, ``former`` …).

        A household that has a case in the round keeps it. Its area and class are those it is registered with.
        `NotFoundError` names households that are not registered; `InputError` says of one that it is of another
        commune, under review elsewhere, or brings a fact that the procedure does not open with.
        """
        with self.transaction(connection) as tx:
            opened_in = _round(tx, round_code)
            rows = rounds.households_by_code(tx, list(households))
            admission.require_registered(households, rows)
            known = rounds.cases_of_round(tx, opened_in.id)
            fresh = [code for code in households if code not in known]
            new_rows, workflow = [rows[code] for code in fresh], self.library.workflow(opened_in.workflow)
            admission.require_admissible(tx, self.engine, opened_in, new_rows, opened_on, self.today())
            openings = [
                CaseOpening(row.id, row.unit_path, row.class_now, opened_on, facts)
                for row in new_rows
                for facts in [admission.opening_facts(workflow, row, households[row.code])]
            ]
            new = dict(zip(fresh, self.engine.open_cases(tx, opened_in.id, openings, actor), strict=True))
            return RoundOpened(opened_in, {**known, **new}, len(new))

    def fire_many(self, request: ActRequest, *, connection: HostConnection | None = None) -> Outcome:
        """Do one act to its cases: all or none, or each that can (`request.mode`). Refusals are in the outcome."""
        require_day(request.occurred_on, "occurred_on")
        with self.transaction(connection, briefly=len(request.case_ids) <= BRIEF) as tx:
            return self.engine.fire_many(tx, request)

    def fire(self, request: ActRequest, *, connection: HostConnection | None = None) -> Outcome:
        """Do one act to one case."""
        if len(request.case_ids) != 1:
            msg = f"fire takes one case, {len(request.case_ids)} were named; use fire_many"
            raise InputError(msg)
        return self.fire_many(request, connection=connection)

    def run_due(self, *, max_groups: int = 10_000) -> Ran:
        """Do everything that is due at the clock: close postings, climb ladders, record breaches."""
        return run_due(self.database, self.engine, max_groups=max_groups)

    def case(self, reference: int | str) -> CaseView:
        """Return a case by its id, or a household's latest case by the household's code."""
        with self.queries.read() as tx:
            case_id = current_case(tx, reference)
            case = case_rows.load(tx, [case_id])[0]
            history = tuple(events.history(tx, [case_id]))
            return CaseView(
                case=case,
                household_code=rounds.household_code(tx, case.household_id),
                workflow=self.library.workflow(case.workflow),
                events=history,
                acts=events.acts(tx, [e.act_id for e in history if e.act_id is not None]),
                deadlines=tuple(deadlines.of_subjects(tx, [case_id])),
                certificate=certificates.of_cases(tx, [case_id]).get(case_id),
            )

    def cases_of_round(
        self, round_code: str, *, unit_path: str | None = None, states: Sequence[str] = ()
    ) -> dict[str, int]:
        """Return a round's case ids by household code: all, one village's, or those in some states."""
        with self.queries.read() as tx:
            return rounds.cases_in_states(tx, _round(tx, round_code).id, unit_path=unit_path, states=states)

    def left_out(self, round_code: str) -> list[str]:
        """Return the managed households of the round's commune that have no case in it."""
        with self.queries.read() as tx:
            found = _round(tx, round_code)
            return registry.left_out(tx, found.id, found.unit_path)

    def overdue(
        self, *, unit_path: str | None = None, as_of: date | None = None, only: queries.Only | None = None
    ) -> list[queries.DueLine]:
        """Return what is (or was, on the legal day `as_of`) overdue, by unit, rule and last day."""
        day = as_of or legal_date(self.clock.now())
        with self.queries.read() as tx:
            calendar = partial(self.calendar_for, day)
            asked = only or queries.Only()
            return queries.overdue(tx, day, calendar, unit_path=unit_path, only=asked, today=self.today())

    def due_between(self, first: date, last: date, *, unit_path: str | None = None) -> list[queries.DueLine]:
        """Return what falls due between two days, as things stand now."""
        today = legal_date(self.clock.now())
        with self.queries.read() as tx:
            calendar = partial(self.calendar_for, today)
            return queries.due_between(tx, today, first, last, calendar, unit_path=unit_path, today=today)

    def states(self, round_code: str) -> list[queries.StateCount]:
        """Return how many cases of a round stand in each state, by village."""
        with self.queries.read() as tx:
            return queries.states_by_unit(tx, round_id=_round(tx, round_code).id)

    def units(self) -> list[rounds.UnitRow]:
        """Return every administrative unit on record, by path."""
        with self.queries.read() as tx:
            return rounds.units(tx)

    def today(self) -> date:
        """Return the legal day of the clock."""
        return legal_date(self.clock.now())

    def season_end(self, procedure: str, started_on: date) -> date | None:
        """Return the last day of the season of a round that starts on `started_on`, None if its regime names none."""
        return admission.season_end(self.library.in_force(procedure, started_on), started_on)

    def household(
        self,
        household_id: int,
        *,
        reader: registry.Reader = registry.UNNAMED,
        connection: HostConnection | None = None,
    ) -> registry.Household:
        """Return a household with its members' personal data opened; the read is noted with `reader`'s purpose.

        `NotFoundError` if there is none or its personal data was erased.
        """
        with self.transaction(connection) as tx:
            new_id, now = self.ids.take(1)[0], self.clock.now()
            return registry.open_household(tx, self.vault, household_id, reader, read_id=new_id, now=now)

    def find_by_identity(self, number: str) -> list[str]:
        """Return the codes of the households whose head has this identity number, found by its keyed hash."""
        with self.database.read() as tx:
            return registry.find_by_identity(tx, self.vault, number)

    def erase_household(
        self,
        code: str,
        *,
        reason: str,
        document: str,
        actor: str,
        on_behalf_of: str | None = None,
        connection: HostConnection | None = None,
    ) -> Erased:
        """Destroy the key to a household's personal data for good; its cases and their chains stay and verify.

        What a household that became part of it still holds goes too. `InputError` if it was erased before, or if
        `reason` or `document` is missing or names one of its people.
        """
        with self.transaction(connection) as tx:
            return erase(tx, self.vault, code, Erasure(reason, document, actor, on_behalf_of), self.clock.now())


def _calendar_known_on(day: date, unit_path: str) -> Calendar:
    return release(as_known_on=day, unit=unit_path or None)


def _round(tx: Tx, code: str) -> rounds.RoundRow:
    found = rounds.round_by_code(tx, code)
    if found is None:
        raise fault(NotFoundError, "found.no_round", code=code)
    return found
