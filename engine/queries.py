"""What committees ask: what is overdue, what falls due, on whose desk; computed at read time, never stored.

Days are counted as each unit works: `calendar` is the calendar of every unit, or gives that of a unit's path, with its
local closures.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, and_, func, or_, select

from ..foundation.paths import below
from ..persistence.wakeups import is_open

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement

    from ..deadlines.calendar import Calendar
    from ..persistence.database import Tx
    from ..persistence.scoping import Scope

    Calendars = Calendar | Callable[[str], Calendar]

__all__ = [
    "DueLine",
    "Only",
    "StateCount",
    "agenda",
    "calendars",
    "days_late",
    "due_between",
    "overdue",
    "states_by_unit",
    "within_unit",
]

_Line = tuple[str, str, str, str, str, date]


@dataclass(frozen=True, slots=True)
class DueLine:
    """Deadlines of one unit under one rule with one last day: how many households, whose desk, how late.

    `days` counts working days from the last day to the day asked about: positive when late (never 0 then), 0 on the
    last day, negative while there is still time.
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


@dataclass(frozen=True, slots=True)
class Only:
    """What a question is narrowed to; None: not narrowed.

    `role` is the desk's, `plan` the campaign's (as its rounds name it), `workflow` a procedure (``annual``) or one
    regime of it (``annual@2022``), `rule` the step's term.
    """

    role: str | None = None
    plan: str | None = None
    workflow: str | None = None
    rule: str | None = None
    round_id: int | None = None

    def conditions(self, tx: Tx) -> list[ColumnElement[bool]]:
        """Return the conditions on deadlines."""
        d, opened = tx.tables.deadline.c, tx.tables.round.c
        found: list[ColumnElement[bool]] = []
        given = {"owner_role": self.role, "rule": self.rule, "round_id": self.round_id}
        found += [d[name] == value for name, value in given.items() if value is not None]
        if self.plan is not None:
            found.append(d.round_id.in_(select(opened.id).where(opened.plan == self.plan)))
        if self.workflow is not None:
            regimes = [] if "@" in self.workflow else [d.workflow.startswith(f"{self.workflow}@", autoescape=True)]
            found.append(or_(d.workflow == self.workflow, *regimes))
        return found


_ALL = Only()


def overdue(
    tx: Tx,
    as_of: date,
    calendar: Calendars,
    *,
    unit_path: str | None = None,
    scope: Scope | None = None,
    only: Only = _ALL,
    today: date | None = None,
) -> list[DueLine]:
    """Return what was overdue on a legal day: begun, past its last day, and not closed before or on that day.

    Only what lies in the subtree of `unit_path`, within `scope` (the reader's mandates; None: everything), and is
    meant by `only`. `today` spares the search among closed deadlines where `as_of` is no past day. Last days are
    those in force now: a later move of a last day is not undone.
    """
    d = tx.tables.deadline
    conditions = [d.c.due_on < as_of, *_seen(_unit(tx), unit_path, scope), *only.conditions(tx)]
    return _lines(tx, as_of, calendar, conditions, today)


def due_between(  # noqa: PLR0913  a question may be narrowed on every side
    tx: Tx,
    as_of: date,
    first: date,
    last: date,
    calendar: Calendars,
    *,
    unit_path: str | None = None,
    scope: Scope | None = None,
    only: Only = _ALL,
    today: date | None = None,
) -> list[DueLine]:
    """Return what falls due between two days, as things stood on the legal day `as_of`; narrowed as in `overdue`."""
    d = tx.tables.deadline
    narrowed = [*_seen(_unit(tx), unit_path, scope), *only.conditions(tx)]
    return _lines(tx, as_of, calendar, [d.c.due_on >= first, d.c.due_on <= last, *narrowed], today)


def agenda(
    tx: Tx,
    today: date,
    calendar: Calendars,
    *,
    working_days: int = 3,
    unit_path: str | None = None,
    scope: Scope | None = None,
    only: Only = _ALL,
) -> list[DueLine]:
    """Return what is overdue, due today and due within the next `working_days`, oldest first (`DueLine.days` says)."""
    of = calendars(calendar)
    here = of(unit_path or "").add_working_days(today, working_days)
    units = _waiting(tx, today, unit_path, scope) if callable(calendar) else []
    last = {unit: of(unit).add_working_days(today, working_days) for unit in units}
    latest = max(last.values(), default=here)
    lines = due_between(tx, today, date.min, latest, of, unit_path=unit_path, scope=scope, only=only, today=today)
    return [line for line in lines if line.due_on <= last.get(line.unit_path, here)]


def calendars(calendar: Calendars) -> Callable[[str], Calendar]:
    """Return what gives the calendar of a unit's path, each looked up once."""
    return cache(calendar) if callable(calendar) else lambda _path: calendar


def _waiting(tx: Tx, today: date, unit_path: str | None, scope: Scope | None) -> list[str]:
    """Return the units in which anything falls due after `today`."""
    d = tx.tables.deadline
    later = (is_open(tx), d.c.due_on > today, *_seen(_unit(tx), unit_path, scope))
    return [path for (path,) in tx.select(select(_unit(tx)).where(*later).distinct())]


def _unit(tx: Tx) -> ColumnElement[str]:
    """Return the unit of a deadline, on SQLite as an expression.

    SQLite keeps no statistics: by the plain column it would read every deadline there ever was in the unit.
    """
    column: ColumnElement[str] = tx.tables.deadline.c.unit_path
    return column.concat("") if tx.dialect == "sqlite" else column


def _seen(column: ColumnElement[str], unit_path: str | None, scope: Scope | None) -> list[ColumnElement[bool]]:
    return within_unit(column, unit_path) + ([] if scope is None else [scope.within(column)])


def _lines(
    tx: Tx, as_of: date, calendar: Calendars, conditions: list[ColumnElement[bool]], today: date | None
) -> list[DueLine]:
    """Return the lines of what runs, and of what ran on a past day and was closed since."""
    d = tx.tables.deadline
    counts = _counts(tx, _counting(tx, as_of, [is_open(tx), *conditions]))
    if today is None or as_of < today:
        later = [d.c.status.in_(("met", "met_late")), d.c.closed_on > as_of]
        counts.update(_counts(tx, _counting(tx, as_of, [*later, *conditions])))
    lines = sorted(counts.items(), key=lambda line: (line[0][-1], line[0]))
    of = calendars(calendar)
    return [DueLine(*key, count, days_late(key[-1], as_of, of(key[0]))) for key, count in lines]


def _counting(tx: Tx, as_of: date, conditions: list[ColumnElement[bool]]) -> Select[Any]:
    d = tx.tables.deadline
    columns = (d.c.unit_path, d.c.workflow, d.c.rule, d.c.owner_role, d.c.owner_path, d.c.due_on)
    asked = (d.c.kind != "minimum", d.c.started_on <= as_of, *conditions)
    return select(*columns, func.count()).where(*asked).group_by(*columns)


def _counts(tx: Tx, query: Select[Any]) -> Counter[_Line]:
    return Counter({(*row[:6],): row[6] for row in tx.select(query)})


def days_late(due_on: date, as_of: date, calendar: Calendar) -> int:
    """Return the working days from a last day to `as_of`: negative while there is time, never 0 once it is over."""
    days = calendar.working_days_between(due_on, as_of)
    return max(days, 1) if due_on < as_of else days


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
