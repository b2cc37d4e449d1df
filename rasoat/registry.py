"""Units and households: written once, sealed, and found again by code or by identity number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from .differing import differences
from .engine.people import Duplicate, Household, Person, Registered
from .engine.queries import within_unit
from .foundation.errors import InputError, NotFoundError
from .foundation.messages import fault
from .foundation.paths import LEVELS
from .foundation.text import comparable
from .persistence.household_keys import codes_by_identity
from .persistence.lineage import add_members, members_elsewhere
from .persistence.reading_log import PersonalRead, note
from .persistence.rounds import HouseholdRow, households_by_code, insert_households, insert_units
from .persistence.vault import WrappedKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from .foundation.ids import IdSource
    from .persistence.database import Tx
    from .persistence.vault import Vault

__all__ = [
    "UNNAMED",
    "Duplicate",
    "Household",
    "Person",
    "Reader",
    "Registered",
    "find_by_identity",
    "left_out",
    "member_indices",
    "open_household",
    "people_of",
    "register",
    "row_of",
    "twin_index",
    "unit_paths",
]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks at personal data, and why; it is written down before the data is shown."""

    actor: str
    purpose: str
    on_behalf_of: str | None = None


UNNAMED = Reader("host", "unstated")
"""A host that did not say for whom it reads."""


def register(tx: Tx, vault: Vault, ids: IdSource, households: Sequence[Household], valid_from: date) -> Registered:
    """Register households that are not there yet ("không trùng lặp, không bỏ sót").

    A code that is known already keeps its household, and where the list says otherwise of it is told. An identity
    number that another living household has, as its head's or as a member's, is refused; the same head's name, birth
    date and commune is registered and flagged.
    """
    known = households_by_code(tx, [h.code for h in households])
    fresh = [h for h in households if h.code not in known]
    rows = [row_of(vault, new_id, h, valid_from) for new_id, h in zip(ids.take(len(fresh)), fresh, strict=True)]
    refused = _doubles(tx, rows, "identity_index", "identity")
    refused += _shared_members(tx, vault, fresh, {d.code for d in refused})
    kept = [row for row in rows if row.code not in {d.code for d in refused}]
    flagged = _doubles(tx, kept, "twin_index", "name_birth_commune")
    insert_households(tx, kept)
    by_code = {h.code: h for h in fresh}
    add_members(tx, [(index, row.id) for row in kept for index in member_indices(vault, by_code[row.code].members)])
    found = {code: row.id for code, row in known.items()} | {row.code: row.id for row in kept}
    differing = differences(vault, known, households)
    return Registered(found, len(kept), tuple(refused), tuple(flagged), differing)


def open_household(
    tx: Tx, vault: Vault, household_id: int, reader: Reader, *, read_id: int, now: datetime
) -> Household:
    """Return a household with its members' data opened; who looked, when and why is noted in the same transaction.

    `NotFoundError` if there is no such household or its key was shredded.
    """
    table = tx.tables.household
    found = tx.select(select(*(table.c[name] for name in HouseholdRow._fields)).where(table.c.id == household_id))
    if not found:
        raise fault(NotFoundError, "found.no_household_id", household_id=household_id)
    row = HouseholdRow(*found[0])
    key = WrappedKey(row.id, row.data_key_id, row.master_key_id, row.wrapped_key)
    members = tuple(Person(**person) for person in vault.open(key, row.sealed)["members"])
    note(tx, [PersonalRead(read_id, now, reader.actor, reader.on_behalf_of, row.id, row.unit_path, reader.purpose)])
    return Household(row.code, row.unit_path, members, row.area, row.class_now)


def find_by_identity(tx: Tx, vault: Vault, number: str) -> list[str]:
    """Return the codes of the households whose head has this identity number; nothing is opened to find them.

    `InputError`, which does not repeat the number, if it is none.
    """
    return codes_by_identity(tx, vault.identity_index(number))


def unit_paths(units: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return units given with code and parent as rows with paths, each path once.

    A code is unique below its parent only: every commune has its village 01. A parent is named by its code where one
    unit of a higher level has it, else by its path. `InputError` names a level or a parent that is unknown, or fits
    several.
    """
    given = list(units)
    above: dict[str, list[str]] = {level: [] for level in LEVELS}
    rows: dict[str, dict[str, Any]] = {}
    for unit in given:
        if unit["level"] not in LEVELS:
            raise fault(InputError, "registry.level", unit=unit["code"], level=unit["level"], known=", ".join(LEVELS))
    for unit in sorted(given, key=lambda unit: LEVELS.index(unit["level"])):
        higher = [path for level in LEVELS[: LEVELS.index(unit["level"])] for path in above[level]]
        path = _below_parent(unit, higher)
        if path not in rows:
            above[unit["level"]].append(path)
        fields = ("code", "level", "name", "valid_from", "valid_to")
        rows[path] = {**{f: unit.get(f) for f in fields}, "path": path}
    return list(rows.values())


def _below_parent(unit: Mapping[str, Any], higher: Sequence[str]) -> str:
    code, parent = unit["code"], unit["parent"]
    if not parent:
        return str(code)
    found = [path for path in higher if path == parent or path.rpartition("/")[2] == parent]
    if len(found) > 1:
        raise fault(InputError, "registry.parent_ambiguous", unit=code, parent=parent, paths=", ".join(found))
    if not found:
        raise fault(InputError, "registry.parent_unknown", unit=code, parent=parent, level=unit["level"])
    return f"{found[0]}/{code}"


def register_units(tx: Tx, units: Iterable[Mapping[str, Any]]) -> int:
    """Write units that are not there yet; return how many were new."""
    return insert_units(tx, unit_paths(units))


def left_out(tx: Tx, round_id: int, unit_path: str) -> list[str]:
    """Return the codes of managed households (poor, near-poor) of a unit that the round does not hold."""
    household, case = tx.tables.household, tx.tables.case
    inside = select(case.c.household_id).where(case.c.round_id == round_id)
    query = (
        select(household.c.code)
        .where(
            household.c.class_now != "none",
            household.c.valid_to.is_(None),
            household.c.id.notin_(inside),
            *within_unit(household.c.unit_path, unit_path),
        )
        .order_by(household.c.code)
    )
    return [code for (code,) in tx.select(query)]


def row_of(vault: Vault, new_id: int, household: Household, valid_from: date) -> HouseholdRow:
    """Return a household as it is stored: sealed under a key of its own; `InputError` if it has nobody."""
    if not household.members:
        raise fault(InputError, "found.no_head", code=household.code)
    key = vault.new_key(new_id)
    head = household.members[0]
    people = people_of(household.members)
    return HouseholdRow(
        id=new_id,
        code=household.code,
        unit_path=household.unit_path,
        persons=len(people),
        area=household.area,
        class_now=household.class_now,
        sealed=vault.seal(key, {"members": people}),
        data_key_id=key.data_key_id,
        master_key_id=key.master_key_id,
        wrapped_key=key.wrapped,
        identity_index=vault.identity_index(head.identity) if head.identity else None,
        twin_index=twin_index(vault, head, household.unit_path),
        valid_from=valid_from,
        valid_to=None,
    )


def people_of(members: Sequence[Person]) -> list[dict[str, Any]]:
    """Return members as they are sealed."""
    return [{f: getattr(p, f) for f in Person.__slots__} for p in members]


def twin_index(vault: Vault, head: Person, unit_path: str) -> bytes:
    """Return the keyed hash by which two registrations of one head in one commune are found."""
    return vault.keyed_index("twin", comparable(head.name), head.born, unit_path.rpartition("/")[0])


def member_indices(vault: Vault, members: Sequence[Person]) -> list[bytes]:
    """Return the keyed hashes of the members' identity numbers, of those who have one."""
    return list(dict.fromkeys(vault.identity_index(p.identity) for p in members if p.identity))


def _shared_members(tx: Tx, vault: Vault, households: Sequence[Household], refused: set[str]) -> list[Duplicate]:
    """Find households one of whose people is in another one already, on record or earlier in the same list."""
    indices = {h.code: member_indices(vault, h.members) for h in households if h.code not in refused}
    seen = members_elsewhere(tx, [index for mine in indices.values() for index in mine])
    found: list[Duplicate] = []
    for code, mine in indices.items():
        other = next((seen[index] for index in mine if index in seen), None)
        if other is not None:
            found.append(Duplicate(code, other, "member_identity"))
        else:
            seen |= dict.fromkeys(mine, code)
    return found


def _doubles(tx: Tx, rows: Sequence[HouseholdRow], column: str, by: str) -> list[Duplicate]:
    table = tx.tables.household
    wanted = [getattr(row, column) for row in rows if getattr(row, column) is not None]
    seen: dict[bytes, str] = {}
    for start in range(0, len(wanted), 500):
        query = select(table.c[column], table.c.code).where(table.c[column].in_(wanted[start : start + 500]))
        seen.update({bytes(index): code for index, code in tx.select(query)})
    found: list[Duplicate] = []
    for row in rows:
        index = getattr(row, column)
        if index is None:
            continue
        if index in seen:
            found.append(Duplicate(row.code, seen[index], by))
        else:
            seen[index] = row.code
    return found
