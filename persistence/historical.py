"""Questions to the past: where cases stood on a legal day, as known at an instant. One query each, events alone.

The last event of a case that had taken effect by the day, was on record by the instant, and was not taken back by a
correction that was on record by then, says where the case stood. `engine.replaying.in_force` says the same of one case
in memory; a property test holds the two together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, Text, case, cast, exists, func, literal_column, or_, select
from sqlalchemy.dialects import postgresql

from ..foundation.paths import below

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import ColumnElement, FromClause, ScalarSelect

    from .database import Tx

__all__ = ["cases_on", "in_force", "standing", "turns"]

_STANDS = ("opened", "step", "restated", "migration")
_TURNS = ("correction", "migration", "moved")


def turns(event: FromClause) -> ColumnElement[bool]:
    """Return the condition that an event is one of the few that turn a history: the index on them is found by it."""
    return event.c.kind.in_([literal_column(f"'{kind}'") for kind in _TURNS])


def in_force(tx: Tx, event: FromClause, known_at: datetime | None = None) -> ColumnElement[bool]:
    """Return the condition that no correction (on record by `known_at`) took an event back."""
    later = tx.tables.event.alias()
    on_record = [later.c.recorded_at <= known_at] if known_at is not None else []
    first = cast(_member(tx, later, "from_seq", later.c.kind == "correction"), Integer)
    return ~exists(
        select(later.c.seq).where(
            turns(later),
            later.c.kind == "correction",
            later.c.case_id == event.c.case_id,
            later.c.seq > event.c.seq,
            first <= event.c.seq,
            *on_record,
        )
    )


def standing(
    tx: Tx,
    on: date,
    known_at: datetime,
    *,
    round_id: int | None = None,
    unit_path: str | None = None,
) -> list[tuple[str, str, int]]:
    """Return how many cases stood in each state, by the village in which they lay then: (unit path, state, count)."""
    found = _where_cases_stood(tx, on, known_at, round_id, unit_path).subquery()
    query = select(found.c.unit_path, found.c.state, func.count()).group_by(found.c.unit_path, found.c.state)
    return [(row.unit_path, row.state, row[2]) for row in tx.select(query.order_by(found.c.unit_path, found.c.state))]


def cases_on(
    tx: Tx, on: date, known_at: datetime, *, round_id: int | None = None, unit_path: str | None = None
) -> list[tuple[int, str, str]]:
    """Return where each case stood: (case id, unit path, state), in id order."""
    found = _where_cases_stood(tx, on, known_at, round_id, unit_path).subquery()
    query = select(found.c.case_id, found.c.unit_path, found.c.state).order_by(found.c.case_id)
    return [(row.case_id, row.unit_path, row.state) for row in tx.select(query)]


def _where_cases_stood(tx: Tx, on: date, known_at: datetime, round_id: int | None, unit_path: str | None) -> Any:
    event, row = tx.tables.event, tx.tables.case
    place = func.coalesce(_moved_since(tx, on, known_at), row.c.unit_path)
    age = func.row_number().over(partition_by=event.c.case_id, order_by=event.c.seq.desc())
    inside = [row.c.round_id == round_id] if round_id is not None else []
    if unit_path is not None:
        strayed = select(event.c.case_id).where(turns(event), event.c.kind != "correction")
        inside.append(or_(_at_or_below(row.c.unit_path, unit_path), row.c.id.in_(strayed)))
    last = (
        select(event.c.case_id, place.label("unit_path"), event.c.to_state.label("state"), age.label("age"))
        .join_from(event, row, row.c.id == event.c.case_id)
        .where(event.c.kind.in_(_STANDS), event.c.occurred_on <= on, event.c.recorded_at <= known_at, *inside)
        .where(in_force(tx, event, known_at))
        .subquery()
    )
    query = select(last.c.case_id, last.c.unit_path, last.c.state).where(last.c.age == 1)
    return query if unit_path is None else query.where(_at_or_below(last.c.unit_path, unit_path))


def _moved_since(tx: Tx, on: date, known_at: datetime) -> ScalarSelect[Any]:
    """Return where a case lay before the first move that had not taken effect, or was not known, by then."""
    move = tx.tables.event.alias()
    return (
        select(_member(tx, move, "unit_from", move.c.kind.in_(("migration", "moved"))))
        .where(
            turns(move),
            move.c.kind != "correction",
            move.c.case_id == tx.tables.case.c.id,
            or_(move.c.occurred_on > on, move.c.recorded_at > known_at),
        )
        .order_by(move.c.seq)
        .limit(1)
        .scalar_subquery()
    )


def _member(tx: Tx, event: FromClause, name: str, only_if: ColumnElement[bool]) -> ColumnElement[Any]:
    """Return a member of an event's payload; of other events the payload is not looked into."""
    if tx.dialect == "sqlite":
        found: ColumnElement[Any] = func.json_extract(event.c.payload, f"$.{name}")
    else:
        found = cast(event.c.payload, postgresql.JSON)[name].astext.cast(Text)
    return case((only_if, found))


def _at_or_below(column: ColumnElement[str], path: str) -> ColumnElement[bool]:
    low, high = below(path)
    return or_(column == path, (column >= low) & (column < high))
