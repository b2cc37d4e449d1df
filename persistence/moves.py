"""Cases, their deadlines, their round and their units, moved to another definition or another place."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, insert, literal, select, tuple_, update

from ..foundation.errors import ConflictError, InputError
from ..foundation.messages import fault
from ..foundation.paths import below
from .statements import keyed_update

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import ColumnElement

    from .database import Tx
    from .rounds import RoundRow
    from .statements import Given
    from .tables import Tables

__all__ = [
    "Rehomed",
    "Remade",
    "cases_under",
    "count_in_states",
    "move_households",
    "move_round",
    "move_settings",
    "move_units",
    "rehome",
    "remake",
]

_ALL_ALIKE: Mapping[str, str] = MappingProxyType({})


class Rehomed(NamedTuple):
    """A case under its new definition, and the `seq` it must still have."""

    workflow: str
    unit_path: str
    state: str
    seq: int
    last_on: date
    head: bytes
    case_id: int
    expected_seq: int


class Remade(NamedTuple):
    """A running deadline under a rule of another definition; its id, ledger and breach stay."""

    workflow: str
    unit_path: str
    owner_role: str
    owner_path: str
    length: int
    unit: str
    calendar: str
    due_on: date
    due_at: datetime
    next_at: datetime | None
    provisional: bool
    deadline_id: int


def _rehoming(tables: Tables, given: Given) -> Any:
    case = tables.case.c
    values = {name: given(f"{name}_", case[name]) for name in Rehomed._fields[:-2]}
    unchanged = (case.id == given("id_", case.id), case.seq == given("expected_", case.seq))
    return update(tables.case).values(values).where(*unchanged)


def _remaking(tables: Tables, given: Given) -> Any:
    d = tables.deadline.c
    values = {name: given(f"{name}_", d[name]) for name in Remade._fields[:-1]}
    return update(tables.deadline).values(values).where(d.id == given("id_", d.id), d.closed_on.is_(None))


_REHOME = keyed_update("rehome cases", (*(f"{n}_" for n in Rehomed._fields[:-2]), "id_", "expected_"), _rehoming)
_REMAKE = keyed_update("remake deadlines", (*(f"{n}_" for n in Remade._fields[:-1]), "id_"), _remaking)


def cases_under(
    tx: Tx,
    workflow: str,
    ends: Sequence[str],
    *,
    inside: Sequence[Any],
    after: tuple[str, int],
    limit: int | None = None,
) -> list[tuple[str, int]]:
    """Return the next running cases of a definition, village by village: (unit path, case id).

    `ends` are the definition's end states, `inside` conditions on the case table, `after` where the last page ended.
    """
    case = tx.tables.case.c
    query = (
        select(case.unit_path, case.id)
        .where(case.workflow == workflow, case.state.notin_(ends), *inside)
        .where(tuple_(case.unit_path, case.id) > tuple_(literal(after[0]), literal(after[1])))
        .order_by(case.unit_path, case.id)
        .limit(limit)
    )
    return [(row.unit_path, row.id) for row in tx.select(query)]


def count_in_states(tx: Tx, workflow: str, states: Sequence[str], *, inside: Sequence[Any]) -> int:
    """Return how many cases of a definition stand in some states."""
    case = tx.tables.case.c
    query = select(func.count()).where(case.workflow == workflow, case.state.in_(states), *inside)
    return int(tx.select(query.select_from(tx.tables.case))[0][0])


def rehome(tx: Tx, rows: Sequence[Rehomed]) -> None:
    """Write cases under their new definition by compare-and-set; `ConflictError` if another writer was first."""
    touched = tx.many(_REHOME, [(*row[:4], tx.day(row.last_on), *row[5:]) for row in rows])
    if touched != len(rows):
        raise fault(ConflictError, "migrating.changed", changed=len(rows) - touched, count=len(rows))


def remake(tx: Tx, rows: Sequence[Remade]) -> None:
    """Write running deadlines under their new rule."""
    tx.many(_REMAKE, [_stored(tx, row) for row in rows])


def _stored(tx: Tx, row: Remade) -> tuple[Any, ...]:
    next_at = None if row.next_at is None else tx.instant(row.next_at)
    return (*row[:7], tx.day(row.due_on), tx.instant(row.due_at), next_at, row.provisional, row.deadline_id)


def move_round(tx: Tx, moved: RoundRow, workflow: str, unit_path: str) -> None:
    """Let a round go on under another definition and path; its own deadlines go with it."""
    table, deadline = tx.tables.round, tx.tables.deadline
    tx.execute(update(table).where(table.c.id == moved.id).values(workflow=workflow, unit_path=unit_path))
    own = (deadline.c.subject == "round", deadline.c.subject_id == moved.id, deadline.c.closed_on.is_(None))
    tx.execute(update(deadline).where(*own).values(workflow=workflow, unit_path=unit_path))
    owned = (*own, deadline.c.owner_path == moved.unit_path)
    tx.execute(update(deadline).where(*owned).values(owner_path=unit_path))


def move_households(tx: Tx, old: str, new: str, villages: Mapping[str, str] = _ALL_ALIKE) -> int:
    """Give the households below a unit its new path, those of `villages` theirs; return how many there were."""
    table = tx.tables.household
    column = table.c.unit_path
    named = sum(
        tx.execute(update(table).where(column == was).values(unit_path=now)) for was, now in sorted(villages.items())
    )
    return named + tx.execute(update(table).where(*_below(column, old)).values(unit_path=_moved(column, old, new)))


def move_units(
    tx: Tx, old: str, path_of: Callable[[str], str], on: date, document: str, *, kind: str = "recoded", name: str = ""
) -> int:
    """End a unit and what lies below it, let it begin where `path_of` says, and keep the lineage; return how many.

    A unit itself may become part of one that stands already (a merger), what lies below it may not: `InputError` names
    the villages that would be taken for others. `name` is that of a unit that begins with this. Repeating changes
    nothing.
    """
    unit, lineage = tx.tables.unit, tx.tables.unit_lineage
    known = {row.path: row.valid_to for row in tx.select(select(unit.c.path, unit.c.valid_to))}
    rows = [row._asdict() for row in tx.select(select(unit).where(_at_or_below(unit.c.path, old)))]
    going = [(row, path_of(row["path"])) for row in rows if row["valid_to"] is None]
    going = [(row, path) for row, path in going if path != row["path"]]
    meant = Counter(path for _, path in going)
    taken = [
        f"{row['path']} → {path}"
        for row, path in going
        if meant[path] > 1 or (path in known and (row["path"] != old or known[path] is not None))
    ]
    if taken:
        raise fault(InputError, "migrating.taken", units=", ".join(sorted(taken)))
    begun = [_begun(row, path, on, name if row["path"] == old else "") for row, path in going if path not in known]
    if begun:
        tx.execute(insert(unit), begun)
    for row, _ in going:
        tx.execute(update(unit).where(unit.c.path == row["path"]).values(valid_to=on - timedelta(days=1)))
    said = {"on_day": on, "document": document}
    pairs = [{"old_path": r["path"], "new_path": p, "kind": kind if r["path"] == old else "recoded"} for r, p in going]
    if pairs:
        tx.execute(insert(lineage), [{**pair, **said} for pair in pairs])
    return len(pairs)


def _begun(row: Mapping[str, Any], path: str, on: date, name: str) -> dict[str, Any]:
    return {**row, "path": path, "name": name or row["name"], "valid_from": on, "valid_to": None}


def move_settings(tx: Tx, workflows: tuple[str, str], path_of: Callable[[str], str | None]) -> int:
    """Let the settings stored for the old definition hold for the new one too; what is set there already stays.

    `path_of` gives a unit's new path, or None if a setting of that unit has no successor.
    """
    setting = tx.tables.setting
    old, new = workflows
    rows = [row._asdict() for row in tx.select(select(setting))]
    taken = {(row["unit_path"], row["workflow"], row["key"]) for row in rows}
    fresh = []
    for row in rows:
        path = path_of(row["unit_path"])
        workflow = new if row["workflow"] == old else row["workflow"]
        place = (path, workflow, row["key"])
        if row["workflow"] in {old, ""} and path is not None and place not in taken:
            taken.add(place)
            fresh.append({**row, "unit_path": path, "workflow": workflow})
    if fresh:
        tx.execute(insert(setting), fresh)
    return len(fresh)


def _at_or_below(column: ColumnElement[str], path: str) -> ColumnElement[bool]:
    low, high = below(path)
    return (column == path) | ((column >= low) & (column < high))


def _below(column: ColumnElement[str], path: str) -> tuple[ColumnElement[bool], ...]:
    low, high = below(path)
    return column >= low, column < high


def _moved(column: ColumnElement[str], old: str, new: str) -> ColumnElement[str]:
    return literal(new) + func.substr(column, len(old) + 1)
