"""What a case's record can be asked and told: corrected, taken back, seen as of a past day. Part of `Rasoat`."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from .engine import correcting, history
from .engine.replaying import STEPS, in_force
from .foundation.clock import end_of, legal_date
from .foundation.errors import InputError, NotFoundError
from .persistence import events, rounds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from sqlalchemy.engine import Connection

    from .engine.history import PastCase
    from .engine.queries import StateCount
    from .engine.service import Engine, Outcome
    from .foundation.clock import Clock
    from .persistence.database import Database, Tx

__all__ = ["Recordkeeping"]


class Recordkeeping:
    """Corrections and the past, over an engine's database."""

    database: Database
    engine: Engine
    clock: Clock

    if TYPE_CHECKING:

        def transaction(self, connection: Connection | None = None) -> AbstractContextManager[Tx]:
            """Open a writing transaction, or join the host's."""
            ...

    def correct(self, order: correcting.Correction, *, connection: Connection | None = None) -> Outcome:
        """Correct a wrong entry and all that follows from it: every case it concerns, or none and why not."""
        with self.transaction(connection) as tx:
            return correcting.correct(tx, self.engine, order)

    def undo(self, order: correcting.Undo, *, connection: Connection | None = None) -> Outcome:
        """Take the last step of cases back, or say what others built on it."""
        with self.transaction(connection) as tx:
            return correcting.undo(tx, self.engine, order)

    def entry(self, reference: int | str, trigger: str | None = None) -> int:
        """Return the act that last moved a case, or moved it last under `trigger`, and still counts.

        `NotFoundError` if there is none, `InputError` if the last step is a term that ran out: nobody entered that.
        """
        with self.database.read() as tx:
            case_id = rounds.latest_case(tx, reference)
            counting = [e for e in in_force(events.history(tx, [case_id])) if e.kind in STEPS]
        found = [e for e in counting if trigger in {None, e.trigger}]
        if not found:
            msg = f"case {reference!r} has no step {trigger or ''} that counts".replace("  ", " ")
            raise NotFoundError(msg)
        if found[-1].act_id is None:
            msg = f"{found[-1].trigger} of {found[-1].occurred_on}: a term that ran out by law is no entry of anybody"
            raise InputError(msg)
        return found[-1].act_id

    def case_as_of(
        self, reference: int | str, as_of: date | None = None, known_on: date | datetime | None = None
    ) -> PastCase:
        """Return a case as it stood when the legal day `as_of` ended, as known at `known_on` (a day: when it ended).

        Either may be left out: today, now. `NotFoundError` if the case was not open then, or not known to be.
        """
        with self.database.read() as tx:
            case_id = rounds.latest_case(tx, reference)
            return history.case_as_of(tx, self.engine, case_id, self._day(as_of), self._instant(known_on))

    def cases_as_of(
        self,
        as_of: date | None = None,
        known_on: date | datetime | None = None,
        *,
        round_code: str | None = None,
        unit_path: str | None = None,
    ) -> Iterator[PastCase]:
        """Stream the cases of a round, or of the unit in which they lay then, as they stood."""
        with self.database.read() as tx:
            round_id = _round_id(tx, round_code)
            day, instant = self._day(as_of), self._instant(known_on)
            yield from history.cases_as_of(tx, self.engine, day, instant, round_id=round_id, unit_path=unit_path)

    def states_as_of(
        self,
        as_of: date | None = None,
        known_on: date | datetime | None = None,
        *,
        round_code: str | None = None,
        unit_path: str | None = None,
    ) -> list[StateCount]:
        """Return how many cases stood in each state, by the village in which they lay then."""
        with self.database.read() as tx:
            round_id = _round_id(tx, round_code)
            day, instant = self._day(as_of), self._instant(known_on)
            return history.states_as_of(tx, day, instant, round_id=round_id, unit_path=unit_path)

    def _day(self, given: date | None) -> date:
        return given or legal_date(self.clock.now())

    def _instant(self, given: date | datetime | None) -> datetime:
        if given is None:
            return self.clock.now()
        return given if isinstance(given, datetime) else end_of(given)


def _round_id(tx: Tx, code: str | None) -> int | None:
    if code is None:
        return None
    found = rounds.round_by_code(tx, code)
    if found is None:
        msg = f"no round {code!r}"
        raise NotFoundError(msg)
    return found.id
