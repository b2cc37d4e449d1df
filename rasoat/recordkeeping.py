"""What the record can be asked and told: corrected, taken back, seen as of a past day; households through time."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from . import households
from .engine import correcting, history
from .engine.replaying import STEPS, in_force
from .foundation.clock import end_of, legal_date
from .foundation.errors import InputError, NotFoundError
from .foundation.messages import fault
from .persistence import events, lineage, rounds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from .engine.history import PastCase
    from .engine.queries import StateCount
    from .engine.service import Engine, Outcome
    from .foundation.clock import Clock
    from .opening import HostConnection
    from .persistence.database import Database, Tx
    from .persistence.lineage import LineageRow
    from .persistence.subscribing import Subscriber
    from .persistence.vault import Vault

__all__ = ["Recordkeeping", "current_case"]

_UNCHANGED: Mapping[int, str] = {}
_ALL_ALIKE: Mapping[str, str] = {}


class Recordkeeping:
    """Corrections and the past, over an engine's database."""

    database: Database
    queries: Database
    engine: Engine
    clock: Clock

    if TYPE_CHECKING:

        def transaction(self, connection: HostConnection | None = None) -> AbstractContextManager[Tx]:
            """Open a writing transaction, or join the host's."""
            ...

        @property
        def vault(self) -> Vault:
            """The vault that seals personal data."""
            ...

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call `subscriber` with the events of each transaction once it is committed; return what ends that.

        At most once, in the committing thread; what it raises is logged. In a host's transaction it is called after
        the host's commit: a session's by itself, any other's where `after_commit` was given. Who may miss nothing
        reads the change feed or the outbox.
        """
        return self.database.subscribers.add(subscriber)

    def correct(
        self, order: correcting.Correction | correcting.OpeningCorrection, *, connection: HostConnection | None = None
    ) -> Outcome:
        """Correct a wrong entry and all that follows from it: every case it concerns, or none and why not."""
        with self.transaction(connection) as tx:
            return correcting.correct(tx, self.engine, order)

    def undo(self, order: correcting.Undo, *, connection: HostConnection | None = None) -> Outcome:
        """Take the last step of cases back, or say what others built on it."""
        with self.transaction(connection) as tx:
            return correcting.undo(tx, self.engine, order)

    def entry(self, reference: int | str, trigger: str | None = None) -> int:
        """Return the act that last moved a case, or moved it last under `trigger`, and still counts.

        `NotFoundError` if there is none, `InputError` if the last step is a term that ran out: nobody entered that.
        """
        with self.database.read() as tx:
            case_id = current_case(tx, reference)
            counting = [e for e in in_force(events.history(tx, [case_id])) if e.kind in STEPS]
        found = [e for e in counting if trigger in {None, e.trigger}]
        if not found:
            if trigger is None:
                raise fault(NotFoundError, "found.no_steps", case=reference)
            raise fault(NotFoundError, "found.no_step", case=reference, trigger=trigger)
        if found[-1].act_id is None:
            raise fault(InputError, "found.by_law", trigger=found[-1].trigger, day=found[-1].occurred_on)
        return found[-1].act_id

    def case_as_of(
        self, reference: int | str, as_of: date | None = None, known_on: date | datetime | None = None
    ) -> PastCase:
        """Return a case as it stood when the legal day `as_of` ended, as known at `known_on` (a day: when it ended).

        Either may be left out: today, now. `NotFoundError` if the case was not open then, or not known to be.
        """
        with self.queries.read() as tx:
            case_id = current_case(tx, reference)
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
        with self.queries.read() as tx:
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
        with self.queries.read() as tx:
            round_id = _round_id(tx, round_code)
            day, instant = self._day(as_of), self._instant(known_on)
            return history.states_as_of(tx, day, instant, round_id=round_id, unit_path=unit_path)

    def split_household(
        self,
        order: households.HouseholdOrder,
        code: str,
        new_code: str,
        members: Mapping[int, str],
        *,
        unit_path: str | None = None,
        connection: HostConnection | None = None,
    ) -> households.HouseholdChange:
        """Let members (place → relation to the new head, the head first) found a household of their own (tách hộ)."""
        engine, vault = self.engine, self.vault
        return self._ordered(
            order,
            {
                "split": code,
                "new": new_code,
                "members": [[str(place), relation] for place, relation in members.items()],
                "unit": unit_path,
            },
            lambda tx: households.split(tx, engine, vault, order, code, new_code, members, unit_path=unit_path),
            connection,
        )

    def merge_households(
        self,
        order: households.HouseholdOrder,
        code: str,
        into: str,
        relations: Mapping[int, str] = _UNCHANGED,
        *,
        connection: HostConnection | None = None,
    ) -> households.HouseholdChange:
        """Let a household become part of another (nhập hộ); its running case is withdrawn, its code stands for both."""
        said = {"merge": code, "into": into, "relations": _by_place(relations)}
        engine, vault = self.engine, self.vault
        return self._ordered(
            order, said, lambda tx: households.merge(tx, engine, vault, order, code, into, relations), connection
        )

    def change_head(
        self,
        order: households.HouseholdOrder,
        code: str,
        head: int,
        relations: Mapping[int, str] = _UNCHANGED,
        *,
        connection: HostConnection | None = None,
    ) -> households.HouseholdChange:
        """Let another member be the household's head (đổi chủ hộ)."""
        said = {"change head": code, "head": head, "relations": _by_place(relations)}
        engine, vault = self.engine, self.vault
        return self._ordered(
            order, said, lambda tx: households.change_head(tx, engine, vault, order, code, head, relations), connection
        )

    def move_household(
        self, order: households.HouseholdOrder, code: str, unit_path: str, *, connection: HostConnection | None = None
    ) -> households.HouseholdChange:
        """Let a household go to another village; its running case goes along within the commune, else is withdrawn."""
        said = {"move": code, "unit": unit_path}
        engine, vault = self.engine, self.vault
        return self._ordered(
            order, said, lambda tx: households.move(tx, engine, vault, order, code, unit_path), connection
        )

    def change_area(
        self, order: households.HouseholdOrder, code: str, area: str, *, connection: HostConnection | None = None
    ) -> households.HouseholdChange:
        """Register a household's area (rural, urban) anew; its running cases are told, and keep their own.

        Where a case was opened with the wrong one, an `OpeningCorrection` of its fact ``area`` does the rest.
        """
        said = {"change area": code, "area": area}
        return self._ordered(
            order, said, lambda tx: households.change_area(tx, self.engine, order, code, area), connection
        )

    def recode_commune(
        self, order: households.HouseholdOrder, old: str, new: str, *, connection: HostConnection | None = None
    ) -> households.HouseholdChange:
        """Give a commune its new code, with its units, rounds, households and running cases; old codes stay known."""
        engine, vault = self.engine, self.vault
        return self._ordered(
            order,
            {"recode": old, "new": new},
            lambda tx: households.recode(tx, engine, vault, order, old, new),
            connection,
        )

    def merge_communes(
        self,
        order: households.HouseholdOrder,
        communes: Sequence[str],
        new: str,
        *,
        villages: Mapping[str, str] = _ALL_ALIKE,
        name: str = "",
        connection: HostConnection | None = None,
    ) -> households.HouseholdChange:
        """Let communes become one at `new`: a path of their level, or one of theirs, which takes the others in.

        Villages keep their part of the path, or go where `villages` (old path → new path) says; `name` is the new
        commune's. Households keep their ids and cases, rounds go on, the lineage is kept. `InputError`, and nothing is
        done, if two villages would lie in one place.
        """
        engine, vault = self.engine, self.vault
        return self._ordered(
            order,
            {"merge communes": list(communes), "new": new, "villages": dict(villages), "name": name},
            lambda tx: households.merge_communes(tx, engine, vault, order, communes, new, villages=villages, name=name),
            connection,
        )

    def lineage(self, code: str) -> tuple[str, list[LineageRow]]:
        """Return the code under which a household is known today, and all that became of it, oldest first."""
        with self.queries.read() as tx:
            found = lineage.resolve(tx, code)
            return found.code, lineage.lineage_of(tx, found.id)

    def _ordered(
        self,
        order: households.HouseholdOrder,
        said: Mapping[str, Any],
        do: Callable[[Tx], households.HouseholdChange],
        connection: HostConnection | None,
    ) -> households.HouseholdChange:
        with self.transaction(connection) as tx:
            return households.once(tx, self.engine, order, said, lambda: do(tx))

    def _day(self, given: date | None) -> date:
        return given or legal_date(self.clock.now())

    def _instant(self, given: date | datetime | None) -> datetime:
        if given is None:
            return self.clock.now()
        return given if isinstance(given, datetime) else end_of(given)


def _in_order(members: Mapping[int, str]) -> list[list[str]]:
    """Who comes first is the head: the order is part of what is ordered."""
    return [[str(place), relation] for place, relation in members.items()]


def _by_place(members: Mapping[int, str]) -> dict[str, str]:
    return {str(place): relation for place, relation in members.items()}


def current_case(tx: Tx, reference: int | str) -> int:
    """Return a case by its id, or the latest case of the household that a code stands for, an old code too."""
    try:
        return rounds.latest_case(tx, reference)
    except NotFoundError:
        if isinstance(reference, int):
            raise
        return rounds.latest_case(tx, lineage.resolve(tx, reference).code)


def _round_id(tx: Tx, code: str | None) -> int | None:
    if code is None:
        return None
    found = rounds.round_by_code(tx, code)
    if found is None:
        raise fault(NotFoundError, "found.no_round", code=code)
    return found.id
