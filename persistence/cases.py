"""Cases: the current row of each household's review."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, exists, func, literal_column, not_, select, update

from ..foundation.errors import ConflictError, NotFoundError
from ..foundation.messages import fault
from .statements import Statement, in_ids, in_texts, insertion, keyed_update

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from sqlalchemy import ColumnElement

    from .database import Tx
    from .statements import Given
    from .tables import Tables

__all__ = [
    "Advance",
    "CaseRow",
    "RoundDays",
    "Standing",
    "advance",
    "census",
    "insert_cases",
    "load",
    "lock",
    "lock_for_act",
]

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
# Written out: SQLAlchemy would bind them under names of its own.
_FIRST_FEW: ColumnElement[int] = literal_column(str(_SAMPLE))
_FROM_THE_FIRST: ColumnElement[int] = literal_column("0")


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


class RoundDays(NamedTuple):
    """The days of a case's round from which terms may count."""

    started_on: date
    ends_on: date | None


class Standing(NamedTuple):
    """Cases locked for an act, and what the same reading tells of their surroundings.

    `settings_stored` says whether any unit has settings of its own: where none has, nobody need ask for them.
    """

    cases: list[CaseRow]
    rounds: Mapping[int, RoundDays]
    settings_stored: bool


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


def _select_for_act(tables: Tables) -> Any:
    case, opened_in = tables.case, tables.round
    around = (opened_in.c.started_on, opened_in.c.ends_on, exists().select_from(tables.setting))
    joined = case.join(opened_in, opened_in.c.id == case.c.round_id)
    return _select(tables).add_columns(*around).select_from(joined).with_for_update(of=case)


_LOAD = Statement("load cases", ("ids",), _select)
_LOCK = Statement("lock cases", ("ids",), lambda t: _select(t).with_for_update())
_LOCK_FOR_ACT = Statement("lock cases for an act", ("ids",), _select_for_act)
_INSERT = insertion("insert cases", lambda t: t.case, _COLUMNS)
_SET = ("state", "seq", "last_on", "class_after", "facts", "head")


def _advance(tables: Tables, given: Given) -> Any:
    case = tables.case.c
    values = {name: given(f"{name}_", case[name]) for name in _SET}
    unchanged = (case.id == given("id_", case.id), case.seq == given("expected_", case.seq))
    return update(tables.case).values(values).where(*unchanged)


_ADVANCE = keyed_update("advance cases", (*(f"{name}_" for name in _SET), "id_", "expected_"), _advance)


def lock(tx: Tx, ids: Sequence[int]) -> list[CaseRow]:
    """Load cases for writing, in id order; `NotFoundError` names those that do not exist."""
    return _checked(tx, _LOCK, ids)


def lock_for_act(tx: Tx, ids: Sequence[int]) -> Standing:
    """Load cases for writing as `lock` does, with the days of their rounds."""
    found = tx.rows(_LOCK_FOR_ACT, tx.ids(ids))
    cases = _require_all(_cases(tx, found), ids)
    own = {v[1]: v[12:14] for v in found}
    rounds = {i: RoundDays(tx.day_from(a), None if b is None else tx.day_from(b)) for i, (a, b) in own.items()}
    return Standing(cases, rounds, bool(found and found[0][14]))


def load(tx: Tx, ids: Sequence[int]) -> list[CaseRow]:
    """Load cases for reading, in id order; `NotFoundError` names those that do not exist."""
    return _checked(tx, _LOAD, ids)


def _checked(tx: Tx, statement: Statement, ids: Sequence[int]) -> list[CaseRow]:
    return _require_all(_cases(tx, tx.rows(statement, tx.ids(ids))), ids)


def _require_all(found: list[CaseRow], ids: Sequence[int]) -> list[CaseRow]:
    if len(found) != len(set(ids)):
        missing = sorted(set(ids) - {case.id for case in found})
        shown = f"{', '.join(map(str, missing[:_SAMPLE]))}{' …' if len(missing) > _SAMPLE else ''}"
        raise fault(NotFoundError, "found.no_cases", cases=shown, lacking=len(missing), count=len(ids))
    return found


def _cases(tx: Tx, found: Iterable[tuple[Any, ...]]) -> list[CaseRow]:
    day = tx.day_from
    return [CaseRow(v[0], v[1], v[2], v[3], v[4], v[5], v[6], day(v[7]), v[8], v[9], v[10], v[11]) for v in found]


def insert_cases(tx: Tx, rows: Iterable[CaseRow]) -> None:
    """Write new cases."""
    tx.many(_INSERT, [(*row[:7], tx.day(row.last_on), *row[8:]) for row in rows])


def advance(tx: Tx, steps: Sequence[Advance]) -> None:
    """Move cases by compare-and-set; `ConflictError` if any was moved by another writer meanwhile."""

    def told(touched: int) -> None:
        if touched != len(steps):
            missed = len(steps) - touched
            raise fault(ConflictError, "database.cases_changed", missed=missed, count=len(steps))

    tx.later(_ADVANCE, [(s[0], s[1], tx.day(s[2]), *s[3:]) for s in steps], told)


def _behind(tables: Tables, *, in_village: bool) -> list[Any]:
    """Cases of a round, or of one of its villages, that stand in given states and are not among given ones."""
    case = tables.case.c
    place = [case.round_id == bindparam("round"), in_texts(case.state, "states"), not_(in_ids(case.id, "ids"))]
    return [*place, case.unit_path == bindparam("village")] if in_village else place


def _counting(tables: Tables, *, in_village: bool) -> Any:
    state = tables.case.c.state
    return select(state, func.count()).where(*_behind(tables, in_village=in_village)).group_by(state)


def _sampling(tables: Tables, *, in_village: bool) -> Any:
    case_id = tables.case.c.id
    query = select(case_id).where(*_behind(tables, in_village=in_village)).order_by(case_id)
    return query.limit(_FIRST_FEW).offset(_FROM_THE_FIRST)


_PLACE = {False: ("round", "states", "ids"), True: ("round", "states", "ids", "village")}
_COUNT = {v: Statement("census", _PLACE[v], partial(_counting, in_village=v)) for v in (False, True)}
_SAMPLES = {v: Statement("census samples", _PLACE[v], partial(_sampling, in_village=v)) for v in (False, True)}


def census(
    tx: Tx, round_id: int, unit_path: str | None, states: Sequence[str], leaving_out: Sequence[int]
) -> dict[str, tuple[int, tuple[int, ...]]]:
    """Count a round's cases in each of `states`, in one village if `unit_path` is given, with the first few ids.

    Cases in `leaving_out` (the batch itself) are not counted; a state in which nobody stands is left out.
    """
    in_village = unit_path is not None
    rest = (tx.ids(leaving_out), *([unit_path] if in_village else []))
    counts = tx.rows(_COUNT[in_village], round_id, tx.texts(states), *rest)
    return {
        state: (count, tuple(i for (i,) in tx.rows(_SAMPLES[in_village], round_id, tx.texts([state]), *rest)))
        for state, count in counts
    }
