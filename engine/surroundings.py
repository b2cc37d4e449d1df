"""What surrounds a case that is rebuilt from the store: definitions, settings, round days, calendars, its terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..foundation.paths import at_level
from ..persistence.rounds import rounds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from ..deadlines.calendar import Calendar
    from ..persistence.cases import CaseRow
    from ..persistence.database import Tx
    from ..persistence.deadlines import DeadlineRow
    from .definition import DeadlineRule
    from .machine import CompiledWorkflow
    from .service import Engine

__all__ = ["Stored"]


class Stored:
    """The surroundings as the store and the engine have them, each asked for once. Every term is counted anew."""

    def __init__(self, tx: Tx, engine: Engine) -> None:
        self._tx = tx
        self._engine = engine
        self._calendars: dict[tuple[date, str], Calendar] = {}
        self._settings: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._days: dict[int, Mapping[str, date]] = {}

    def compiled(self, workflow_id: str) -> CompiledWorkflow:
        """Return a definition."""
        return self._engine.library.compiled(workflow_id)

    def calendar(self, known_on: date, unit_path: str) -> Calendar:
        """Return the calendar of a village's commune as it was known on a day."""
        key = (known_on, at_level(unit_path, "commune"))
        if key not in self._calendars:
            self._calendars[key] = self._engine.calendar_for(*key)
        return self._calendars[key]

    def settings(self, workflow_id: str, unit_path: str) -> Mapping[str, Any]:
        """Return the settings in force in a village's commune."""
        key = (workflow_id, at_level(unit_path, "commune"))
        if key not in self._settings:
            self._settings[key] = self._engine.settings_in_force(self._tx, *key)
        return self._settings[key]

    def round_days(self, round_id: int) -> Mapping[str, date]:
        """Return the days of a round."""
        if round_id not in self._days:
            found = rounds(self._tx, [round_id])[round_id]
            ends = {"ends_on": found.ends_on} if found.ends_on else {}
            self._days[round_id] = {"started_on": found.started_on, **ends}
        return self._days[round_id]

    def term(self, case: CaseRow, rule: DeadlineRule, start: date) -> DeadlineRow | None:  # noqa: ARG002  see Adopting
        """Return None: no term on record is taken over."""
        return None
