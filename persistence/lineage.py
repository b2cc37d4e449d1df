"""Households through time: who became whom, under which code, where; and whose members they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, delete, insert, or_, select, update

from ..foundation.errors import ConflictError, NotFoundError
from ..foundation.messages import fault
from .rounds import HouseholdRow, RoundRow, UnitRow, households_by_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from .database import Tx

__all__ = [
    "LineageRow",
    "add_members",
    "cases_of_households",
    "change_household",
    "forerunners",
    "households_below",
    "households_by_id",
    "insert_lineage",
    "lineage_of",
    "lock_units",
    "members_elsewhere",
    "recode_households",
    "recode_unit",
    "resolve",
    "rounds_at",
    "set_members",
]

_AT_ONCE = 500


class LineageRow(NamedTuple):
    """One change of a household; `other_id` is the household it came from (split) or became part of (merged).

    `old_area` and `new_area` are how its area was registered; rows that an earlier release wrote do not say.
    """

    id: int
    household_id: int
    kind: str
    other_id: int | None
    old_code: str
    new_code: str
    old_path: str
    new_path: str
    on_day: date
    recorded_at: datetime
    actor: str
    document: str
    on_behalf_of: str | None = None
    old_area: str | None = None
    new_area: str | None = None


def insert_lineage(tx: Tx, rows: Sequence[LineageRow]) -> None:
    """Append to the lineage; it is never changed."""
    if rows:
        tx.execute(insert(tx.tables.household_lineage), [row._asdict() for row in rows])


def lineage_of(tx: Tx, household_id: int) -> list[LineageRow]:
    """Return what became of a household and what became part of it or left it, oldest first."""
    table = tx.tables.household_lineage
    columns = [table.c[name] for name in LineageRow._fields]
    mine = or_(table.c.household_id == household_id, table.c.other_id == household_id)
    return [LineageRow(*row) for row in tx.select(select(*columns).where(mine).order_by(table.c.id))]


def resolve(tx: Tx, code: str) -> HouseholdRow:
    """Return the household that a code stands for today, through every change of code and every merger.

    `NotFoundError` if no household ever had this code.
    """
    found = households_by_code(tx, [code]).get(code) or _by_id(tx, _successor(tx, "old_code", code), code)
    seen = {found.id}
    while found.valid_to is not None:
        into = _successor(tx, "household_id", found.id, merged=True)
        if into is None or into in seen:
            break
        seen.add(into)
        found = _by_id(tx, into, code)
    return found


def forerunners(tx: Tx, household_id: int) -> list[int]:
    """Return the households whose people may have come into one: merged into it, or before it was split off."""
    table = tx.tables.household_lineage.c
    seen, fresh = {household_id}, {household_id}
    while fresh:
        merged = select(table.household_id).where(table.kind == "merged", table.other_id.in_(fresh))
        left = select(table.other_id).where(table.kind == "split", table.household_id.in_(fresh))
        fresh = {int(each) for query in (merged, left) for (each,) in tx.select(query)} - seen
        seen |= fresh
    return sorted(seen - {household_id})


def households_by_id(tx: Tx, household_ids: Sequence[int], *, lock: bool = False) -> dict[int, HouseholdRow]:
    """Return households as they are, by id; with `lock` nobody else changes them until the transaction ends."""
    h, wanted = tx.tables.household.c, sorted(set(household_ids))
    columns = [h[name] for name in HouseholdRow._fields]
    found: dict[int, HouseholdRow] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        query = select(*columns).where(h.id.in_(wanted[start : start + _AT_ONCE])).order_by(h.id)
        rows = tx.select(query.with_for_update() if lock else query)
        found |= {row.id: HouseholdRow(*row) for row in rows}
    return found


def lock_units(tx: Tx, paths: Sequence[str]) -> dict[str, UnitRow]:
    """Lock units in the order of their paths and return those there are, by path."""
    table = tx.tables.unit
    columns = [table.c[name] for name in UnitRow._fields]
    query = select(*columns).where(table.c.path.in_(sorted(set(paths)))).order_by(table.c.path).with_for_update()
    return {row.path: UnitRow(*row) for row in tx.select(query)}


def change_household(tx: Tx, row: HouseholdRow, **values: Any) -> None:
    """Write what changed of a household as it was read; `ConflictError` if it is no longer so. Its id stays."""
    h = tx.tables.household.c
    unchanged = (h.id == row.id, h.sealed == row.sealed, h.unit_path == row.unit_path, h.valid_to.is_(None))
    if tx.execute(update(tx.tables.household).where(*unchanged).values(**values)) != 1:
        raise fault(ConflictError, "households.changed", household=row.code)


def households_below(tx: Tx, low: str, high: str) -> list[HouseholdRow]:
    """Return the living households whose path lies in a half-open range."""
    h = tx.tables.household.c
    columns = [h[name] for name in HouseholdRow._fields]
    inside = (h.unit_path >= low, h.unit_path < high, h.valid_to.is_(None))
    return [HouseholdRow(*row) for row in tx.select(select(*columns).where(*inside).order_by(h.id))]


def cases_of_households(tx: Tx, household_ids: Sequence[int]) -> list[tuple[int, str, str]]:
    """Return every case of some households: (case id, workflow, state), in id order."""
    case = tx.tables.case.c
    found: list[tuple[int, str, str]] = []
    for start in range(0, len(household_ids), _AT_ONCE):
        some = household_ids[start : start + _AT_ONCE]
        query = select(case.id, case.workflow, case.state).where(case.household_id.in_(some))
        found += [(row.id, row.workflow, row.state) for row in tx.select(query)]
    return sorted(found)


def set_members(tx: Tx, household_id: int, indices: Iterable[bytes]) -> None:
    """Let a household's members be found by the keyed hashes of their identity numbers: these and no others."""
    member = tx.tables.household_member
    tx.execute(delete(member).where(member.c.household_id == household_id))
    add_members(tx, [(index, household_id) for index in dict.fromkeys(indices)])


def add_members(tx: Tx, pairs: Sequence[tuple[bytes, int]]) -> None:
    """Let members be found by the keyed hashes of their identity numbers: (keyed hash, household id)."""
    if pairs:
        rows = [{"identity_index": index, "household_id": household_id} for index, household_id in pairs]
        tx.execute(insert(tx.tables.household_member), rows)


def rounds_at(tx: Tx, unit_path: str) -> list[RoundRow]:
    """Return the rounds of a commune."""
    table = tx.tables.round
    query = select(*(table.c[name] for name in RoundRow._fields)).where(table.c.unit_path == unit_path)
    return [RoundRow(*row) for row in tx.select(query.order_by(table.c.id))]


def recode_unit(tx: Tx, path: str) -> None:
    """Let a unit bear the code that its path ends with."""
    table = tx.tables.unit
    tx.execute(update(table).where(table.c.path == path).values(code=path.rpartition("/")[2]))


def recode_households(tx: Tx, rows: Sequence[tuple[int, str, str, bytes | None]]) -> None:
    """Give households another code, path and twin index: (id, code, path, index). Their ids stay."""
    table = tx.tables.household
    changed: dict[str, Any] = {name: bindparam(f"{name}_") for name in ("code", "unit_path", "twin_index")}
    query = update(table).where(table.c.id == bindparam("id_")).values(changed)
    if rows:
        tx.execute(query, [dict(zip(("id_", "code_", "unit_path_", "twin_index_"), row, strict=True)) for row in rows])


def members_elsewhere(tx: Tx, indices: Sequence[bytes], leaving_out: Sequence[int] = ()) -> dict[bytes, str]:
    """Return the living household in which each of some persons is already: keyed hash → household code."""
    member, h = tx.tables.household_member.c, tx.tables.household.c
    found: dict[bytes, str] = {}
    for start in range(0, len(indices), _AT_ONCE):
        some = indices[start : start + _AT_ONCE]
        living = (h.valid_to.is_(None), h.id.notin_(leaving_out))
        joined = select(member.identity_index, h.code).join(tx.tables.household, h.id == member.household_id)
        as_member = joined.where(member.identity_index.in_(some), *living)
        as_head = select(h.identity_index, h.code).where(h.identity_index.in_(some), *living)
        for query in (as_member, as_head):
            found |= {bytes(index): code for index, code in tx.select(query)}
    return found


def _successor(tx: Tx, column: str, value: str | int, *, merged: bool = False) -> int | None:
    table = tx.tables.household_lineage
    kind = "merged" if merged else "recoded"
    query = select(table.c.household_id, table.c.other_id).where(table.c[column] == value, table.c.kind == kind)
    found = tx.select(query.order_by(table.c.id.desc()).limit(1))
    return None if not found else int(found[0].other_id if merged else found[0].household_id)


def _by_id(tx: Tx, household_id: int | None, code: str) -> HouseholdRow:
    h = tx.tables.household.c
    columns = [h[name] for name in HouseholdRow._fields]
    found = tx.select(select(*columns).where(h.id == household_id)) if household_id is not None else []
    if not found:
        raise fault(NotFoundError, "found.no_household", code=code)
    return HouseholdRow(*found[0])
