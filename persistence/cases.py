"""Cases: the current row of each household's review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, func, insert, not_, select, update

from ..foundation.errors import ConflictError, NotFoundError
from .statements import Statement, in_ids

if TYPE_CHECKING:
    from datetime import date
    from collections.abc import Iterable, Sequence
    from .database import Tx
    from .tables import Tables

__all__ = ["Advance", "CaseRow", "advance", "census", "insert_cases", "load", "lock"]

_COLUMNS = (
    "id",
    "round_id",
    "household_id",
    "unit_path",
    "workflow",
    "state",
    "seq",
    "last_on",
    "class_before",
    "class_after",
    "facts",
    "head",
)
_SAMPLE = 5


class CaseRow(NamedTuple):
    """A case as it stands; `facts` is canonical JSON, `head` the hash of event number `seq`."""

    id: int
    round_id: int
    household_id: int
    unit_path: str
    workflow: str
    state: str
    seq: int
    last_on: date
    class_before: str
    class_after: str | None
    facts: str
    head: bytes


class Advance(NamedTuple):
    """A case's new row after a step, and the `seq` it must still have."""

    state: str
    seq: int
    last_on: date
    class_after: str | None
    facts: str
    head: bytes
    case_id: int
    expected_seq: int


def _select(tables: Tables) -> Any:
    case = tables.case
    return select(*(case.c[name] for name in _COLUMNS)).where(in_ids(case.c.id, "ids")).order_by(case.c.id)


_LOAD = Statement("load cases", ("ids",), _select)
_LOCK = Statement("lock cases", ("ids",), lambda t: _select(t).with_for_update())
_INSERT = Statement(
    "insert cases", _COLUMNS, lambda t: insert(t.case).values({name: bindparam(name) for name in _COLUMNS})
)
_ADVANCE = Statement(
    "advance cases",
    ("state_", "seq_", "last_on_", "class_after_", "facts_", "head_", "id_", "expected_"),
    lambda t: (
        update(t.case)
        .values(
            state=bindparam("state_"),
            seq=bindparam("seq_"),
            last_on=bindparam("last_on_"),
            class_after=bindparam("class_after_"),
            facts=bindparam("facts_"),
            head=bindparam("head_"),
        )
        .where(t.case.c.id == bindparam("id_"), t.case.c.seq == bindparam("expected_"))
    ),
)


def lock(tx: Tx, ids: Sequence[int]) -> list[CaseRow]:
    """Load cases for writing, in id order; `NotFoundError` names those that do not exist."""
    return _checked(tx, _LOCK, ids)


def load(tx: Tx, ids: Sequence[int]) -> list[CaseRow]:
    """Load cases for reading, in id order; `NotFoundError` names those that do not exist."""
    return _checked(tx, _LOAD, ids)


def _checked(tx: Tx, statement: Statement, ids: Sequence[int]) -> list[CaseRow]:
    found = [_row(tx, values) for values in tx.rows(statement, tx.ids(ids))]
    if len(found) != len(set(ids)):
        missing = sorted(set(ids) - {case.id for case in found})
        msg = f"no case {', '.join(map(str, missing[:5]))}{' …' if len(missing) > 5 else ''} ({len(missing)} of {len(ids)})"  # noqa: PLR2004  how many a message shows
        raise NotFoundError(msg)
    return found


def _row(tx: Tx, values: tuple[Any, ...]) -> CaseRow:
    return CaseRow(*values[:7], tx.day_from(values[7]), *values[8:])


def insert_cases(tx: Tx, rows: Iterable[CaseRow]) -> None:
    """Write new cases."""
    tx.many(_INSERT, [(*row[:7], tx.day(row.last_on), *row[8:]) for row in rows])


def advance(tx: Tx, steps: Sequence[Advance]) -> None:
    """Move cases by compare-and-set; `ConflictError` if any was moved by another writer meanwhile."""
    touched = tx.many(_ADVANCE, [(s[0], s[1], tx.day(s[2]), *s[3:]) for s in steps])
    if touched != len(steps):
        msg = f"{len(steps) - touched} of {len(steps)} cases were changed by another writer; load them and decide anew"
        raise ConflictError(msg)


def census(
    tx: Tx, round_id: int, unit_path: str | None, leaving_out: Sequence[int]
) -> dict[str, tuple[int, tuple[int, ...]]]:
    """Count a round's cases by state, or one village's if `unit_path` is given, with the first few ids of each.

    Cases in `leaving_out` (the batch itself) are not counted.
    """
    case = tx.tables.case
    place = [case.c.round_id == round_id, not_(in_ids(case.c.id, "ids"))]
    place += [case.c.unit_path == unit_path] if unit_path is not None else []
    values = {"ids": tx.ids(leaving_out)}
    counts = tx.select(select(case.c.state, func.count()).where(*place).group_by(case.c.state), values)
    return {state: (count, _sample(tx, place, state, values)) for state, count in counts}


def _sample(tx: Tx, place: list[Any], state: str, values: dict[str, Any]) -> tuple[int, ...]:
    case = tx.tables.case
    query = select(case.c.id).where(*place, case.c.state == state).order_by(case.c.id).limit(_SAMPLE)
    return tuple(row.id for row in tx.select(query, values))
