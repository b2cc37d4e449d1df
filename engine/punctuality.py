"""How punctual offices are: on-time rate and days late by unit and step, computed when asked, never stored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, case, func, null, or_, select

from ..foundation.paths import parent
from .queries import Only, calendars, days_late, within_unit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from sqlalchemy import ColumnElement

    from ..deadlines.calendar import Calendar
    from ..persistence.database import Tx
    from ..persistence.scoping import Scope
    from .queries import Calendars

__all__ = ["By", "Punctuality", "punctuality"]

_MOST_COLUMNS = 60


class By(StrEnum):
    """Whose punctuality is told: the village's and the commune's in which it happened, or the owner's desk."""

    VILLAGE = "village"
    COMMUNE = "commune"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Punctuality:
    """Terms of one unit under one rule that were met or ran out.

    `late` were met after their last day, `running_late` are past it and still open. `days_late` sums the working days
    of both, `worst` is the largest. `breached` counts the breaches on record, which nothing erases.
    """

    unit_path: str
    workflow: str
    rule: str
    on_time: int = 0
    late: int = 0
    running_late: int = 0
    breached: int = 0
    days_late: int = 0
    worst: int = 0

    @property
    def total(self) -> int:
        """How many terms were met or ran out."""
        return self.on_time + self.late + self.running_late

    @property
    def on_time_rate(self) -> float:
        """The share that was met in time, from 0 to 1."""
        return self.on_time / self.total


def punctuality(  # noqa: PLR0913  a question may be narrowed on every side
    tx: Tx,
    as_of: date,
    calendar: Calendars,
    *,
    by: By = By.COMMUNE,
    since: date | None = None,
    through: date | None = None,
    unit_path: str | None = None,
    scope: Scope | None = None,
    only: Only | None = None,
) -> list[Punctuality]:
    """Return the punctuality of terms whose last day lies in [`since`, `through`], as of the legal day `as_of`.

    Minimum terms (postings) are left out: nobody can be late with them. Narrowed as `queries.overdue`; days are
    counted as the village worked in which it happened, or the office whose punctuality is told.
    """
    d = tx.tables.deadline.c
    conditions = [*within_unit(d.unit_path, unit_path), *(only or Only()).conditions(tx)]
    conditions += [] if scope is None else [scope.within(d.unit_path)]
    conditions += [d.due_on >= since] if since else []
    conditions += [d.due_on <= through] if through else []
    of = calendars(calendar)
    found: dict[tuple[str, str, str], Punctuality] = {}
    for row in _rows(tx, as_of, by, conditions, everywhere=unit_path is None):
        # Rolled up here: the path of the unit above costs either database more than these few thousand lines.
        unit = str(parent(row.unit)) if by is By.COMMUNE and row.subject == "case" else row.unit
        key = (unit, row.workflow, row.rule)
        found[key] = _with(found.get(key) or Punctuality(*key), row, as_of, of)
    return [found[key] for key in sorted(found)]


def _rows(tx: Tx, as_of: date, by: By, conditions: list[ColumnElement[bool]], *, everywhere: bool) -> Sequence[Any]:
    d = tx.tables.deadline.c
    if tx.dialect == "sqlite" and everywhere and by is not By.OWNER:
        met = _met_in_index_order(tx, conditions)
        if met is not None:
            return [*met, *_counted(tx, as_of, d.unit_path.concat(""), [*conditions, d.status != "met"])]
    return _counted(tx, as_of, d.owner_path if by is By.OWNER else d.unit_path, conditions)


def _met_in_index_order(tx: Tx, conditions: list[ColumnElement[bool]]) -> list[_Met] | None:
    """Count what was met in time, by unit, procedure and step, without sorting; None if that cannot tell.

    SQLite would sort every deadline there ever was to group it by more than its index (unit, rule) holds. So each
    procedure that rounds were opened under, for cases and for rounds, is a column of its own. The sums do not add up
    where a deadline is under another one.
    """
    d, opened = tx.tables.deadline.c, tx.tables.round
    workflows = [row.workflow for row in tx.select(select(opened.c.workflow).distinct())]
    kinds = [(subject, workflow) for workflow in workflows for subject in ("case", "round")]
    if not kinds or len(kinds) > _MOST_COLUMNS:
        return None
    mine = [and_(d.subject == subject, d.workflow == workflow) for subject, workflow in kinds]
    counts = [
        column for each in mine for column in (func.count(case((each, 1))), func.count(case((each, d.breached_at))))
    ]
    query = select(d.unit_path, d.rule, func.count(), *counts).where(
        d.kind != "minimum", d.status == "met", *conditions
    )
    found = []
    for unit, rule, total, *sums in tx.select(query.group_by(d.unit_path, d.rule)):
        parts = [_Met(unit, *kinds[i], rule, sums[2 * i], sums[2 * i + 1]) for i in range(len(kinds))]
        if sum(part.deadlines for part in parts) != total:
            return None
        found += [part for part in parts if part.deadlines]
    return found


class _Met(NamedTuple):
    """Deadlines of one unit and step that were met in time, as `_counted` gives them."""

    unit: str
    subject: str
    workflow: str
    rule: str
    deadlines: int
    breached: int
    status: str = "met"
    due_on: date | None = None
    closed_on: date | None = None


def _counted(tx: Tx, as_of: date, unit: ColumnElement[str], conditions: list[ColumnElement[bool]]) -> Sequence[Any]:
    """Count by unit, step and outcome; of the late ones also by last day and end, from which their days follow."""
    d = tx.tables.deadline.c
    late = d.status != "met"
    columns = (
        unit.label("unit"),
        d.subject,
        d.workflow,
        d.rule,
        d.status,
        case((late, d.due_on), else_=null()).label("due_on"),
        case((late, d.closed_on), else_=null()).label("closed_on"),
    )
    breached = func.count(d.breached_at).label("breached")
    ran_out = and_(d.status == "open", d.due_on < as_of)
    query = select(*columns, func.count().label("deadlines"), breached).where(
        d.kind != "minimum", or_(d.status.in_(("met", "met_late")), ran_out), *conditions
    )
    return tx.select(query.group_by(*columns))


def _with(sum_: Punctuality, row: Any, as_of: date, of: Callable[[str], Calendar]) -> Punctuality:
    sum_ = replace(sum_, breached=sum_.breached + row.breached)
    if row.status == "met":
        return replace(sum_, on_time=sum_.on_time + row.deadlines)
    days = days_late(row.due_on, row.closed_on or as_of, of(row.unit))
    name = "late" if row.status == "met_late" else "running_late"
    more: dict[str, Any] = {name: getattr(sum_, name) + row.deadlines}
    return replace(sum_, days_late=sum_.days_late + days * row.deadlines, worst=max(sum_.worst, days), **more)
