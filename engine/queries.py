"""What committees ask: what is overdue, what falls due, on whose desk; computed at read time, never stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, and_, func, or_, select

from ..foundation.paths import below

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import ColumnElement, Row

    from ..deadlines.calendar import Calendar
    from ..persistence.database import Tx
    from ..persistence.scoping import Scope

__all__ = ["DueLine", "StateCount", "due_between", "overdue", "states_by_unit", "within_unit"]


@dataclass(frozen=True, slots=True)
class DueLine:
    """Deadlines of one unit under one rule with one last day: how many households, whose desk, how late.

    `days` counts working days from the last day to the day asked about: positive when late, negative when
    there is still time.
    """

    unit_path: str
    workflow: str
    rule: str
    owner_role: str
    owner_path: str
    due_on: date
    count: int
    days: int


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many cases of one unit stand in one state."""

    unit_path: str
    state: str
    count: int


def within_unit(column: ColumnElement[str], path: str | None) -> list[ColumnElement[bool]]:
    """Return the condition that a path column lies in the subtree of `path` (all, if None)."""
    if not path:
        return []
    low, high = below(path)
    return [or_(column == path, and_(column >= low, column < high))]


def overdue(
    tx: Tx, as_of: date, calendar: Calendar, *, unit_path: str | None = None, scope: Scope | None = None
) -> list[DueLine]:
    """Return what was overdue on a legal day: begun, past its last day, and not closed before or on that day.

    Only what lies in the subtree of `unit_path`, and within `scope`, the reader's mandates; None: everything.
    """
    d = tx.tables.deadline
    return _lines(tx, as_of, calendar, [d.c.due_on < as_of, *_seen(d.c.unit_path, unit_path, scope)])


def due_between(
    tx: Tx,
    as_of: date,
    first: date,
    last: date,
    calendar: Calendar,
    *,
    unit_path: str | None = None,
    scope: Scope | None = None,
) -> list[DueLine]:
    """Return what falls due between two days, as things stood on the legal day `as_of`; narrowed as in `overdue`."""
    d = tx.tables.deadline
    conditions = [d.c.due_on >= first, d.c.due_on <= last, *_seen(d.c.unit_path, unit_path, scope)]
    return _lines(tx, as_of, calendar, conditions)


def _seen(column: ColumnElement[str], unit_path: str | None, scope: Scope | None) -> list[ColumnElement[bool]]:
    return within_unit(column, unit_path) + ([] if scope is None else [scope.within(column)])


def _lines(tx: Tx, as_of: date, calendar: Calendar, conditions: list[ColumnElement[bool]]) -> list[DueLine]:
    d = tx.tables.deadline
    columns = (d.c.unit_path, d.c.workflow, d.c.rule, d.c.owner_role, d.c.owner_path, d.c.due_on)
    query: Select[Any] = (
        select(*columns, func.count())
        .where(
            d.c.kind != "minimum",
            d.c.status.notin_(("superseded", "cancelled")),
            d.c.started_on <= as_of,
            or_(d.c.closed_on.is_(None), d.c.closed_on > as_of),
            *conditions,
        )
        .group_by(*columns)
        .order_by(d.c.due_on, d.c.unit_path, d.c.rule)
    )
    return [_line(row, calendar.working_days_between(row.due_on, as_of)) for row in tx.select(query)]


def _line(row: Row[*tuple[Any, ...]], days: int) -> DueLine:
    unit_path, workflow, rule, role, path, due_on, count = row
    return DueLine(unit_path, workflow, rule, role, path, due_on, count, days)


def states_by_unit(
    tx: Tx, *, round_id: int | None = None, unit_path: str | None = None, scope: Scope | None = None
) -> list[StateCount]:
    """Return how many cases stand in each state, by village; narrowed as in `overdue`."""
    case = tx.tables.case
    conditions = [case.c.round_id == round_id] if round_id is not None else []
    query = (
        select(case.c.unit_path, case.c.state, func.count())
        .where(*conditions, *_seen(case.c.unit_path, unit_path, scope))
        .group_by(case.c.unit_path, case.c.state)
        .order_by(case.c.unit_path, case.c.state)
    )
    return [StateCount(*row) for row in tx.select(query)]
