"""Lists and single rows as readers ask for them: scoped, filtered, in pages (keyset: everything after a key).

Each function asks for rows after `after`, `limit` of them at most, in the order of the key it names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import or_, select, tuple_

from .deadlines import DeadlineRow
from .rounds import HouseholdRow, RoundRow, UnitRow
from .scoping import Scope
from .statements import in_ids

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy import ColumnElement, Select

    from .database import Tx
    from .tables import Tables

__all__ = [
    "CaseFilter",
    "CaseLine",
    "CertificateLine",
    "DeadlineFilter",
    "case",
    "cases",
    "certificates",
    "deadline",
    "deadlines",
    "household",
    "households",
    "left_out",
    "round_seen",
    "rounds",
    "unit",
    "units",
    "visible_cases",
]


class CaseLine(NamedTuple):
    """A case as lists show it, with the codes of its round and household."""

    id: int
    round_code: str
    household_code: str
    unit_path: str
    workflow: str
    state: str
    seq: int
    last_on: date
    class_before: str
    class_after: str | None


class CertificateLine(NamedTuple):
    """A certificate (Mẫu 03) and whose it is."""

    case_id: int
    series: str
    number: str
    household_code: str
    unit_path: str
    class_: str
    issued_on: date
    withdrawn_on: date | None


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """What a list of cases is narrowed to; None and empty do not narrow. `overdue_on`: late on that legal day."""

    round_code: str | None = None
    unit_path: str | None = None
    states: tuple[str, ...] = ()
    workflow: str | None = None
    household_code: str | None = None
    class_after: str | None = None
    overdue_on: date | None = None


@dataclass(frozen=True, slots=True)
class DeadlineFilter:
    """What a list of deadlines is narrowed to; None and empty do not narrow."""

    unit_path: str | None = None
    rule: str | None = None
    statuses: tuple[str, ...] = ()
    owner_role: str | None = None
    due_from: date | None = None
    due_to: date | None = None
    case_id: int | None = None


def cases(tx: Tx, scope: Scope, wanted: CaseFilter, *, after: int = 0, limit: int) -> list[CaseLine]:
    """Return cases in scope by id."""
    case = tx.tables.case
    query = _cases(tx.tables, scope).where(*_case_conditions(tx.tables, wanted), case.c.id > after)
    return [CaseLine(*row) for row in tx.select(query.order_by(case.c.id).limit(limit))]


def case(tx: Tx, scope: Scope, case_id: int) -> CaseLine | None:
    """Return the case with this id if it is in scope."""
    found = tx.select(_cases(tx.tables, scope).where(tx.tables.case.c.id == case_id))
    return CaseLine(*found[0]) if found else None


def visible_cases(tx: Tx, scope: Scope, ids: Sequence[int]) -> dict[int, int]:
    """Return those of `ids` that are cases in scope, each with the number of its last event."""
    c = tx.tables.case.c
    query = select(c.id, c.seq).where(scope.within(c.unit_path), in_ids(c.id, "ids"))
    return {case_id: seq for case_id, seq in tx.select(query, {"ids": tx.ids(ids)})}  # noqa: C416  rows, not tuples


def deadlines(tx: Tx, scope: Scope, wanted: DeadlineFilter, *, after: int = 0, limit: int) -> list[DeadlineRow]:
    """Return deadlines in scope by id."""
    d = tx.tables.deadline
    conditions = [*_deadline_conditions(tx.tables, wanted), d.c.id > after]
    query = _deadlines(tx.tables, scope).where(*conditions).order_by(d.c.id).limit(limit)
    return [DeadlineRow(*row) for row in tx.select(query)]


def deadline(tx: Tx, scope: Scope, deadline_id: int) -> DeadlineRow | None:
    """Return the deadline with this id if it is in scope."""
    found = tx.select(_deadlines(tx.tables, scope).where(tx.tables.deadline.c.id == deadline_id))
    return DeadlineRow(*found[0]) if found else None


def households(
    tx: Tx, scope: Scope, *, unit_path: str | None = None, class_now: str | None = None, after: int = 0, limit: int
) -> list[HouseholdRow]:
    """Return households in scope by id; who their members are stays sealed."""
    h = tx.tables.household
    conditions = [h.c.id > after, *_under(h.c.unit_path, unit_path), *_equal((h.c.class_now, class_now))]
    query = select(h).where(scope.within(h.c.unit_path), *conditions).order_by(h.c.id).limit(limit)
    return [HouseholdRow(*row) for row in tx.select(query)]


def household(tx: Tx, scope: Scope, code: str) -> HouseholdRow | None:
    """Return the household with this code if it is in scope."""
    h = tx.tables.household
    found = tx.select(select(h).where(scope.within(h.c.unit_path), h.c.code == code))
    return HouseholdRow(*found[0]) if found else None


def left_out(tx: Tx, scope: Scope, opened_in: RoundRow, *, after: str = "", limit: int) -> list[str]:
    """Return by code the managed households in scope that the round of their commune does not hold."""
    h, case = tx.tables.household, tx.tables.case
    inside = select(case.c.household_id).where(case.c.round_id == opened_in.id)
    managed = (h.c.class_now != "none", h.c.valid_to.is_(None), h.c.id.not_in(inside), h.c.code > after)
    query = select(h.c.code).where(scope.within(h.c.unit_path), *_under(h.c.unit_path, opened_in.unit_path), *managed)
    return [code for (code,) in tx.select(query.order_by(h.c.code).limit(limit))]


def rounds(
    tx: Tx, scope: Scope, *, unit_path: str | None = None, workflow: str | None = None, after: int = 0, limit: int
) -> list[RoundRow]:
    """Return the rounds that concern the scope, by id."""
    r = tx.tables.round
    conditions = [r.c.id > after, *_under(r.c.unit_path, unit_path), *_equal((r.c.workflow, workflow))]
    query = select(r).where(scope.touching(r.c.unit_path), *conditions).order_by(r.c.id).limit(limit)
    return [RoundRow(*row) for row in tx.select(query)]


def round_seen(tx: Tx, scope: Scope, code: str) -> RoundRow | None:
    """Return the round with this code if it concerns the scope."""
    r = tx.tables.round
    found = tx.select(select(r).where(scope.touching(r.c.unit_path), r.c.code == code))
    return RoundRow(*found[0]) if found else None


def units(
    tx: Tx,
    scope: Scope,
    *,
    under: str | None = None,
    level: str | None = None,
    on: date | None = None,
    after: str = "",
    limit: int,
) -> list[UnitRow]:
    """Return the units in scope and above it, by path; with `on`, those valid on that day."""
    u = tx.tables.unit
    conditions = [u.c.path > after, *_under(u.c.path, under), *_equal((u.c.level, level))]
    if on is not None:
        conditions += [u.c.valid_from <= on, or_(u.c.valid_to.is_(None), u.c.valid_to >= on)]
    query = select(u).where(scope.touching(u.c.path), *conditions).order_by(u.c.path).limit(limit)
    return [UnitRow(*row) for row in tx.select(query)]


def unit(tx: Tx, scope: Scope, path: str) -> UnitRow | None:
    """Return the unit at this path if it is in scope or above it."""
    u = tx.tables.unit
    found = tx.select(select(u).where(scope.touching(u.c.path), u.c.path == path))
    return UnitRow(*found[0]) if found else None


def certificates(
    tx: Tx,
    scope: Scope,
    *,
    unit_path: str | None = None,
    case_id: int | None = None,
    after: tuple[int, str, str] = (0, "", ""),
    limit: int,
) -> list[CertificateLine]:
    """Return certificates in scope, by case, series and number."""
    t = tx.tables
    case, cert = t.case.c, t.certificate.c
    key = tuple_(cert.case_id, cert.series, cert.number)
    query = (
        select(cert.case_id, cert.series, cert.number, t.household.c.code, case.unit_path, cert["class"])
        .add_columns(cert.issued_on, cert.withdrawn_on)
        .join_from(t.certificate, t.case, case.id == cert.case_id)
        .join(t.household, t.household.c.id == case.household_id)
        .where(scope.within(case.unit_path), *_under(case.unit_path, unit_path), *_equal((cert.case_id, case_id)))
        .where(key > tuple_(*after))
        .order_by(cert.case_id, cert.series, cert.number)
        .limit(limit)
    )
    return [CertificateLine(*row) for row in tx.select(query)]


def _cases(tables: Tables, scope: Scope) -> Select[Any]:
    case = tables.case.c
    return (
        select(case.id, tables.round.c.code, tables.household.c.code, case.unit_path, case.workflow)
        .add_columns(case.state, case.seq, case.last_on, case.class_before, case.class_after)
        .join_from(tables.case, tables.round, tables.round.c.id == case.round_id)
        .join(tables.household, tables.household.c.id == case.household_id)
        .where(scope.within(case.unit_path))
    )


def _case_conditions(tables: Tables, wanted: CaseFilter) -> list[ColumnElement[bool]]:
    case = tables.case.c
    found = [
        *_under(case.unit_path, wanted.unit_path),
        *_equal((tables.round.c.code, wanted.round_code), (tables.household.c.code, wanted.household_code)),
        *_equal((case.workflow, wanted.workflow), (case.class_after, wanted.class_after)),
    ]
    if wanted.states:
        found.append(case.state.in_(wanted.states))
    if wanted.overdue_on is not None:
        found.append(case.id.in_(_late(tables, wanted.overdue_on)))
    return found


def _late(tables: Tables, day: date) -> Select[Any]:
    d = tables.deadline.c
    running = (d.subject == "case", d.kind != "minimum", d.closed_on.is_(None), d.status == "open")
    return select(d.subject_id).where(*running, d.due_on < day)


def _deadlines(tables: Tables, scope: Scope) -> Select[Any]:
    d = tables.deadline
    return select(*(d.c[name] for name in DeadlineRow._fields)).where(scope.within(d.c.unit_path))


def _deadline_conditions(tables: Tables, wanted: DeadlineFilter) -> list[ColumnElement[bool]]:
    d = tables.deadline.c
    found = [*_under(d.unit_path, wanted.unit_path), *_equal((d.rule, wanted.rule), (d.owner_role, wanted.owner_role))]
    found += _equal((d.subject_id, wanted.case_id))
    if wanted.statuses:
        found.append(d.status.in_(wanted.statuses))
    found += [d.due_on >= wanted.due_from] if wanted.due_from else []
    return found + ([d.due_on <= wanted.due_to] if wanted.due_to else [])


def _under(column: ColumnElement[str], path: str | None) -> list[ColumnElement[bool]]:
    return [] if path is None else [Scope((path,)).within(column)]


def _equal(*pairs: tuple[ColumnElement[Any], object | None]) -> list[ColumnElement[bool]]:
    return [column == value for column, value in pairs if value is not None]
