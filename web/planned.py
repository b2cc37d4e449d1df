"""The campaign plan that a request names: one that comes with the project, and is of the round's place and year."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..foundation.errors import NotFoundError
from ..foundation.messages import fault
from ..foundation.text import nfc
from ..persistence.rounds import units_at
from ..workflows.plans import find_plan, shipped_plans
from .problems import ProblemError

if TYPE_CHECKING:
    from datetime import date

    from ..workflows.plans.model import Plan
    from .desk import Session

__all__ = ["plan_for"]

_KINDS = ("tỉnh ", "thành phố ", "huyện ", "quận ", "thị xã ")


def plan_for(session: Session, key: str, round_code: str, unit_path: str, started_on: date) -> Plan:
    """Return a plan that a round of a commune may follow.

    `NotFoundError` for one that is unknown, `ProblemError` (422) for that of another province, district or year.
    """
    if key not in shipped_plans():
        raise fault(NotFoundError, "found.no_plan_key", key=key, known=", ".join(shipped_plans()))
    plan = find_plan(key)
    province, _, rest = unit_path.partition("/")
    wanted = {province: plan.province, **({f"{province}/{rest.partition('/')[0]}": plan.district} if rest else {})}
    with session.facade.database.read() as tx:
        found = units_at(tx, wanted) or {}
    own = all(
        name is None or (path in found and _named(found[path].name) == _named(name)) for path, name in wanted.items()
    )
    if not own or started_on.year != plan.year:
        place = ", ".join(name for name in (plan.district, plan.province) if name)
        fields = {"plan": plan.key, "place": place, "year": plan.year, "round": round_code}
        raise ProblemError(422, "web.plan_elsewhere", fields=fields)
    return plan


def _named(unit: str) -> str:
    """Return a unit's bare name: a register writes "Tỉnh Hải Dương", a plan "Hải Dương"."""
    words = " ".join(nfc(unit).casefold().split())
    return next((words.removeprefix(kind) for kind in _KINDS if words.startswith(kind)), words)
