"""When the law changes, or leaves a choice: cases moved, records rehearsed, settings kept. Part of `Rasoat`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from .deadlines.releases import calendar as release
from .engine.migrating import settled
from .engine.moving import Migration, Scope, untold
from .engine.rehearsing import Under, rehearse
from .engine.settings import require_setting
from .foundation.errors import InputError, NotFoundError
from .foundation.messages import fault
from .persistence import rounds
from .persistence.canonical import canonical_json
from .persistence.marking import MARKS
from .workflows.migrations import find_migration
from .workflows.unit_files import lineage_rows, unit_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from .deadlines.calendar import Calendar
    from .engine.migrating import MigrationPlan
    from .engine.moving import MigrationReport
    from .engine.rehearsing import Rehearsal
    from .engine.service import Engine
    from .opening import HostConnection
    from .persistence.database import Database, Tx
    from .workflows.library import WorkflowLibrary
    from .workflows.units import Units

__all__ = ["Lawkeeping", "StoredSetting"]

_NOTHING: Mapping[str, str] = {}


class StoredSetting(NamedTuple):
    """A setting's value for a unit (empty: everywhere) and a workflow (empty: every one that knows it)."""

    unit_path: str
    workflow: str
    key: str
    value: Any


class Lawkeeping:
    """Definitions as they change, over an engine's database."""

    database: Database
    queries: Database
    engine: Engine
    library: WorkflowLibrary

    if TYPE_CHECKING:

        def transaction(self, connection: HostConnection | None = None) -> AbstractContextManager[Tx]:
            """Open a writing transaction, or join the host's."""
            ...

    def migrate(  # noqa: PLR0913  a plan, its answers, which cases, and how to go about it
        self,
        plan: str | MigrationPlan,
        *,
        actor: str,
        answers: Mapping[str, str] = _NOTHING,
        round_code: str | None = None,
        unit_path: str | None = None,
        dry_run: bool = False,
        batch: int = 500,
        max_batches: int | None = None,
        progress: Callable[[int], object] = untold,
    ) -> MigrationReport:
        """Move running cases to another definition by a plan (its key, a file, or the plan itself).

        `answers` settles the plan's open questions (choice → option); what is not answered takes its default.
        Each batch of whole villages is a transaction of its own: run again after a crash, or if the report says
        `stopped_short`. `dry_run` judges every case and writes nothing. Blocked cases stay; the report says why.
        `progress` is told how many cases were looked at so far.
        `NotFoundError` for an unknown plan or round, `DefinitionError` for a plan that does not fit both
        definitions, `InputError` before the plan's day.
        """
        known = settled(find_migration(plan) if isinstance(plan, str) else plan, answers)
        migration = Migration(self.database, self.engine, known, Scope(self._round_id(round_code), unit_path))
        if dry_run:
            return migration.dry_run(progress=progress)
        return migration.apply(actor, batch=batch, max_batches=max_batches, progress=progress)

    def rehearse(
        self,
        round_code: str,
        *,
        workflow: str | None = None,
        calendar: Calendar | str | None = None,
        settings: Mapping[str, Any] | None = None,
        progress: Callable[[int], object] = untold,
    ) -> Rehearsal:
        """Replay a round's recorded acts under another definition, calendar or settings; nothing is written.

        What is not given is taken as it was recorded. Cases that cannot be replayed are in the answer's `left_out`,
        each with the reason. `progress` is told how many acts were replayed so far. `NotFoundError` for an unknown
        round, definition or calendar.
        """
        if settings:
            self.require_settings(settings, workflow or "")
        under = Under(workflow, release(calendar) if isinstance(calendar, str) else calendar, settings)
        with self.queries.read() as tx:
            ids = sorted(rounds.cases_of_round(tx, _round(tx, round_code).id).values())
            return rehearse(tx, self.engine, ids, under, progress)

    def set_setting(
        self,
        key: str,
        value: Any,
        *,
        workflow: str = "",
        unit_path: str = "",
        connection: HostConnection | None = None,
    ) -> None:
        """Store a setting for a unit and all below it (none: everywhere), for one definition or all that know it.

        `InputError` for a setting that no such definition knows, for one that is part of a definition (its terms rest
        on it: add a regime instead), and for a value of another sort than the default's.
        """
        self.require_settings({key: value}, workflow)
        with self.transaction(connection) as tx:
            rounds.store_setting(tx, unit_path, workflow, key, canonical_json(value).decode())

    def unset_setting(
        self, key: str, *, workflow: str = "", unit_path: str = "", connection: HostConnection | None = None
    ) -> None:
        """Remove a stored setting, of any name; what is stored above it, or the default, holds again."""
        if workflow == MARKS:
            raise fault(InputError, "opening.trial_mark")
        with self.transaction(connection) as tx:
            rounds.store_setting(tx, unit_path, workflow, key, None)

    def settings(self) -> list[StoredSetting]:
        """Return every stored setting."""
        with self.database.read() as tx:
            return [
                StoredSetting(*row[:3], json.loads(row[3])) for row in rounds.stored_settings(tx) if row[1] != MARKS
            ]

    def require_settings(self, given: Mapping[str, Any], workflow: str = "") -> None:
        """Refuse settings that would be ignored: unknown to the definition (to all), part of it, of another sort."""
        ids = [workflow] if workflow else self.library.ids()
        for key, value in given.items():
            require_setting([self.library.workflow(each) for each in ids], key, value)

    def load_units(self, units: Units, *, connection: HostConnection | None = None) -> int:
        """Write units as a checked file gives them, with their validity and lineage; return how many were new.

        A unit whose parent changed lies under a path of its own for each time. `unit_files.load_units` reads the file.
        """
        with self.transaction(connection) as tx:
            new = rounds.insert_units(tx, unit_rows(units))
            rounds.insert_unit_lineage(tx, lineage_rows(units))
            return new

    def _round_id(self, code: str | None) -> int | None:
        if code is None:
            return None
        with self.database.read() as tx:
            return _round(tx, code).id


def _round(tx: Tx, code: str) -> rounds.RoundRow:
    found = rounds.round_by_code(tx, code)
    if found is None:
        raise fault(NotFoundError, "found.no_round", code=code)
    return found
