"""Who may change who a household is, from which day, and on which of its rows: asked before anything is written.

The offices are those of the unit, as for any act (`offices`); the supervisor's reaches down. A mandate counts only if
it holds on the order's day and today: neither a mandate that has ended nor one yet to come acts by another date.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..foundation.clock import legal_date
from ..foundation.errors import ConflictError, InputError, PermissionDeniedError
from ..foundation.messages import fault
from ..foundation.paths import at_level, parent
from ..persistence.cases import lock
from ..persistence.lineage import cases_of_households, households_by_id, lock_units, resolve, rounds_at
from .definition import SUPERVISOR
from .offices import REACH_DOWN, may_order
from .settings import setting_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from ..persistence.database import Tx
    from ..persistence.rounds import HouseholdRow
    from .definition import Workflow
    from .people import HouseholdOrder
    from .service import Engine

__all__ = ["HOUSEHOLD_ROLES", "living", "locked", "require_communes", "require_order", "require_place"]

HOUSEHOLD_ROLES = ("committee", "commune_chair", SUPERVISOR)
"""Who may change who a household is."""
_USUAL = "annual@2022"
"""Where a commune has had no round yet, its offices are those of the annual review."""


def living(tx: Tx, engine: Engine, order: HouseholdOrder, *codes: str) -> list[HouseholdRow]:
    """Return the households that some codes stand for, locked, none of them ended, all within the order's power."""
    rows = locked(tx, [resolve(tx, code) for code in codes])
    for code, row in zip(codes, rows, strict=True):
        if row.valid_to is not None:
            raise fault(InputError, "households.ended", code=code, valid_to=row.valid_to)
        require_order(tx, engine, order, row.unit_path, since=row.valid_from)
    return rows


def locked(tx: Tx, seen: Sequence[HouseholdRow]) -> list[HouseholdRow]:
    """Lock households and read them again, their cases first, as an act does, each in id order.

    `ConflictError`, to be tried again, if another writer changed one since it was seen.
    """
    ids = [row.id for row in seen]
    lock(tx, [case_id for case_id, _, _ in cases_of_households(tx, ids)])
    now = households_by_id(tx, ids, lock=True)
    for row in seen:
        if row.id not in now or _who(row) != _who(now[row.id]):
            raise fault(ConflictError, "households.changed", household=row.code)
    return [now[row.id] for row in seen]


def _who(row: HouseholdRow) -> tuple[object, ...]:
    """Return what a change of a household rests on: its class and the wrapping of its key may change meanwhile."""
    return row.code, row.unit_path, row.valid_to, bytes(row.sealed)


def require_order(tx: Tx, engine: Engine, order: HouseholdOrder, village: str, *, since: date | None = None) -> None:
    """Refuse an order without a document, from a day that cannot be, or by who holds no office for the village."""
    today = legal_date(engine.clock.now())
    if order.on > today:
        raise fault(InputError, "households.to_come", on=order.on, today=today)
    if not order.document.strip():
        raise fault(InputError, "households.document")
    require_place(tx, engine, order, village)
    if since is not None and order.on < since:
        raise fault(InputError, "households.before", day=order.on, since=since)
    workflow = _workflow(tx, engine, village)
    limit = setting_of(workflow, engine.settings_in_force(tx, workflow.id, village), "back_dating_days")
    if limit is not None and (today - order.on).days > limit:
        raise fault(InputError, "households.too_old", day=order.on, today=today, limit=limit)


def require_place(tx: Tx, engine: Engine, order: HouseholdOrder, village: str) -> None:
    """Refuse who does not hold one of the offices for a village on the order's day and today."""
    workflow = _workflow(tx, engine, village)
    settings = engine.settings_in_force(tx, workflow.id, village)
    for day in (order.on, legal_date(engine.clock.now())):
        if not may_order(workflow, settings, order.actor, HOUSEHOLD_ROLES, village, day):
            said = {"actor": order.actor.key, "roles": ", ".join(HOUSEHOLD_ROLES), "unit": village, "day": day}
            raise fault(PermissionDeniedError, "households.office", **said)


def require_communes(tx: Tx, engine: Engine, order: HouseholdOrder, communes: Sequence[str], new: str) -> None:
    """Refuse to let communes go on at `new` unless all are communes that stand, as does the unit above `new`.

    Who goes to another district or province needs power there too. A commune that stands at `new` takes the others in,
    if it is among them.
    """
    above = parent(new)
    units = lock_units(tx, [*communes, new, *([above] if above else [])])
    for path in communes:
        unit = units.get(path)
        if unit is None or unit.level != "commune" or unit.valid_to is not None:
            raise fault(InputError, "households.not_commune", unit=path)
        # Offices are those of villages: any of this commune's has the same ones.
        require_order(tx, engine, order, f"{path}/-", since=unit.valid_from)
    if above is None or above not in units or units[above].valid_to is not None:
        raise fault(InputError, "households.no_parent", new=new, parent=above or "-")
    if not new.removeprefix(f"{above}/").strip() or (new in units and new not in communes):
        raise fault(InputError, "households.taken", new=new)
    for path in communes:
        if parent(path) != above and not _rules(tx, engine, order, above):
            raise fault(PermissionDeniedError, "households.other_parent", actor=order.actor.key, old=path, parent=above)


def _rules(tx: Tx, engine: Engine, order: HouseholdOrder, unit: str) -> bool:
    """Whether the supervisor of a unit above communes acts, or another holder there, if mandates reach down."""
    reach_down = engine.settings_in_force(tx, _USUAL, unit).get(REACH_DOWN) is True
    roles = HOUSEHOLD_ROLES if reach_down else (SUPERVISOR,)
    days = (order.on, legal_date(engine.clock.now()))
    return all(order.actor.mandate_for(roles, unit, day) is not None for day in days)


def _workflow(tx: Tx, engine: Engine, village: str) -> Workflow:
    """Return the definition that says at which level the offices for a village lie: its commune's latest."""
    rounds = rounds_at(tx, at_level(village, "commune"))
    return engine.library.compiled(rounds[-1].workflow if rounds else _USUAL).workflow
