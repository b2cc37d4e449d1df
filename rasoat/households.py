"""Who a household is through time: split, merged, under another head, in another village, under another code.

A household keeps its id through all of it; the lineage tells what happened, when and on which document. What becomes
of its running case follows from a rule, for no text of the law says it: within the commune the case goes along; a
household that leaves the commune or becomes part of another is withdrawn from the round, with that as the reason.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .admission import require_villages
from .engine import repeating
from .engine.household_orders import HOUSEHOLD_ROLES, living, locked, require_communes, require_place
from .engine.household_records import keep, note_running, running, withdraw
from .engine.people import AREAS, Household, HouseholdChange, HouseholdOrder, Person
from .engine.relocating import relocate
from .erasing import Erasure, destroy
from .foundation.clock import legal_date
from .foundation.errors import InputError
from .foundation.logs import Log
from .foundation.messages import fault
from .foundation.paths import at_level, below, parent
from .foundation.text import comparable
from .persistence.cases import lock
from .persistence.lineage import (
    change_household,
    households_below,
    lineage_of,
    recode_households,
    recode_unit,
    rounds_at,
    set_members,
)
from .persistence.moves import move_round, move_settings, move_units
from .persistence.rounds import households_by_code, insert_households
from .persistence.vault import WrappedKey
from .registry import Reader, member_indices, open_household, people_of, row_of, twin_index

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .engine.service import Engine
    from .persistence.database import Tx
    from .persistence.rounds import HouseholdRow
    from .persistence.vault import Vault

__all__ = [
    "HOUSEHOLD_ROLES",
    "HouseholdChange",
    "HouseholdOrder",
    "change_area",
    "change_head",
    "merge",
    "merge_communes",
    "move",
    "once",
    "recode",
    "split",
]

log = Log("rasoat.households")
_AT_LEAST = 2
_HEAD = "chủ hộ"


def once(
    tx: Tx,
    engine: Engine,
    order: HouseholdOrder,
    said: Mapping[str, Any],
    do: Callable[[], HouseholdChange],
) -> HouseholdChange:
    """Carry an order out, or answer as it was answered before under its idempotency key; `said` is what it orders."""

    def asked() -> Mapping[str, Any]:
        who = {"actor": order.actor.key, "on_behalf_of": order.actor.on_behalf_of}
        return {"order": "household", **said, **who, "on": order.on.isoformat(), "document": order.document}

    return repeating.once(tx, order.idempotency_key, asked, engine.clock, do, write=_written, read=_read)


def _written(change: HouseholdChange) -> dict[str, Any]:
    cases = {"followed": change.followed, "withdrawn": change.withdrawn}
    ids = {code: str(household) for code, household in change.households.items()}
    return {"households": ids, **{name: [str(i) for i in found] for name, found in cases.items()}}


def _read(answer: Mapping[str, Any]) -> HouseholdChange:
    ids = {code: int(household) for code, household in answer["households"].items()}
    return HouseholdChange(ids, tuple(map(int, answer["followed"])), tuple(map(int, answer["withdrawn"])))


def split(
    tx: Tx,
    engine: Engine,
    vault: Vault,
    order: HouseholdOrder,
    code: str,
    new_code: str,
    members: Mapping[int, str],
    *,
    unit_path: str | None = None,
) -> HouseholdChange:
    """Let members leave and found a household of their own (tách hộ): place → relation to its head, the head first.

    The case of the household they leave goes on. The new one keeps the class they had until it is reviewed itself;
    having no case yet, it shows among those left out of a round. `InputError` if the head leaves, or all do.
    """
    (row,) = living(tx, engine, order, code)
    place = unit_path or row.unit_path
    require_place(tx, engine, order, place)
    if unit_path is not None:
        require_villages(tx, {place: new_code}, order.on, legal_date(engine.clock.now()))
    people = _people(tx, engine, vault, order, row, "split")
    _require_places(members, len(people), code, staying=1)
    if 1 in members:
        raise fault(InputError, "households.head_leaves", code=code)
    if new_code in households_by_code(tx, [new_code]):
        raise fault(InputError, "households.code_taken", new_code=new_code)
    leaving = tuple(replace(people[i - 1], relation=relation) for i, relation in members.items())
    new_id = engine.ids.take(1)[0]
    new = Household(new_code, place, leaving, row.area, row.class_now)
    insert_households(tx, [row_of(vault, new_id, new, order.on)])
    _rewrite(tx, vault, row, [person for i, person in enumerate(people, 1) if i not in members])
    set_members(tx, new_id, member_indices(vault, leaving))
    moved = row._replace(id=new_id, code=new_code, unit_path=place)
    keep(tx, engine, order, "split", [(row, moved, row.id)])
    followed = note_running(tx, engine, order, row, "split", household=str(new_id))
    return HouseholdChange({row.code: row.id, new_code: new_id}, followed)


def merge(
    tx: Tx, engine: Engine, vault: Vault, order: HouseholdOrder, code: str, into: str, relations: Mapping[int, str]
) -> HouseholdChange:
    """Let a household become part of another (nhập hộ); `relations` says what its members are to the other's head.

    Its running case is withdrawn from the round; its code stands for the other household from now on. Its people are
    sealed there only: the key to what was sealed here is destroyed, so that forgetting them there is enough.
    """
    row, host = living(tx, engine, order, code, into)
    if row.id == host.id:
        raise fault(InputError, "households.itself", code=code)
    joining = _people(tx, engine, vault, order, row, "merge")
    staying = _people(tx, engine, vault, order, host, "merge")
    _require_places(relations, len(joining), code)
    told = [replace(person, relation=relations.get(i, person.relation)) for i, person in enumerate(joining, 1)]
    withdrawn = withdraw(tx, engine, order, row, f"merged: {host.code}")
    change_household(tx, row, valid_to=order.on)
    why = Erasure(f"merged: {host.code}", order.document, order.actor.key, order.actor.on_behalf_of)
    destroy(tx, row, why, engine.clock.now())
    _rewrite(tx, vault, host, [*staying, *told])
    keep(tx, engine, order, "merged", [(row, host._replace(id=row.id), host.id)])
    followed = note_running(tx, engine, order, host, "merged", household=str(row.id))
    return HouseholdChange({host.code: host.id}, followed, withdrawn)


def change_head(
    tx: Tx, engine: Engine, vault: Vault, order: HouseholdOrder, code: str, head: int, relations: Mapping[int, str]
) -> HouseholdChange:
    """Let another member be the head (đổi chủ hộ); `relations` says what each is to the new one, by old place.

    What the former head is must be said; the new one is "chủ hộ".
    """
    (row,) = living(tx, engine, order, code)
    people = _people(tx, engine, vault, order, row, "head")
    _require_places({head: "", **relations}, len(people), code)
    if head == 1:
        raise fault(InputError, "households.head_already", code=code)
    _require_relations(code, head, relations)
    known = {**relations, head: _HEAD}
    told = [replace(person, relation=known.get(i, person.relation)) for i, person in enumerate(people, 1)]
    _rewrite(tx, vault, row, [told[head - 1], *(person for i, person in enumerate(told, 1) if i != head)])
    keep(tx, engine, order, "head", [(row, row, None)])
    return HouseholdChange({row.code: row.id}, note_running(tx, engine, order, row, "head", household=str(row.id)))


def move(tx: Tx, engine: Engine, vault: Vault, order: HouseholdOrder, code: str, unit_path: str) -> HouseholdChange:
    """Let a household go to another village. Its running case goes along within the commune, else it is withdrawn."""
    (row,) = living(tx, engine, order, code)
    if unit_path == row.unit_path or unit_path.count("/") != row.unit_path.count("/"):
        raise fault(InputError, "households.another_village", code=code, here=row.unit_path, unit_path=unit_path)
    require_villages(tx, {unit_path: code}, order.on, legal_date(engine.clock.now()))
    people = _people(tx, engine, vault, order, row, "move")
    stays = at_level(row.unit_path, "commune") == at_level(unit_path, "commune")
    withdrawn = () if stays else withdraw(tx, engine, order, row, f"moved: {unit_path}")
    change_household(tx, row, unit_path=unit_path, twin_index=twin_index(vault, people[0], unit_path))
    keep(tx, engine, order, "moved", [(row, row._replace(unit_path=unit_path), None)])
    going = running(tx, engine, [row.id]) if stays else []
    relocate(tx, engine, lock(tx, going), lambda _: unit_path, how="move", order=order)
    return HouseholdChange({row.code: row.id}, tuple(going), withdrawn)


def change_area(tx: Tx, engine: Engine, order: HouseholdOrder, code: str, area: str) -> HouseholdChange:
    """Register a household's area anew (sửa khu vực): it was entered wrong, or its place is another kind of area now.

    Thresholds of income go by the area. A case keeps the one it was opened with: each running case is told in its
    chain, and where that area was wrong too, an `OpeningCorrection` does what follows from it again. `InputError` for a
    day before that of the last change: the area of a day between would be told wrongly.
    """
    (row,) = living(tx, engine, order, code)
    if area not in AREAS or area == row.area:
        said = {"given": area, "registered": row.area, "known": ", ".join(AREAS)}
        raise fault(InputError, "households.area", household=code, **said)
    before = [line.on_day for line in lineage_of(tx, row.id) if line.kind == "area"]
    if before and order.on < max(before):
        raise fault(InputError, "households.area_before", household=code, day=order.on, last=max(before))
    change_household(tx, row, area=area)
    keep(tx, engine, order, "area", [(row, row._replace(area=area), None)])
    followed = note_running(tx, engine, order, row, "area", household=str(row.id), old=row.area, new=area)
    return HouseholdChange({row.code: row.id}, followed)


def recode(tx: Tx, engine: Engine, vault: Vault, order: HouseholdOrder, old: str, new: str) -> HouseholdChange:
    """Give a commune its new code: units, rounds, settings, households and their running cases, each with its lineage.

    `InputError` if the levels differ (that is a migration, `rasoat migrate`), `old` is no commune that stands, or no
    unit stands above `new`, or something lies there; `PermissionDeniedError` without power over both units above.
    """
    if old.count("/") != new.count("/") or old == new or households_below(tx, *below(new)):
        raise fault(InputError, "households.another_path", old=old, new=new)
    require_communes(tx, engine, order, [old], new)
    return _rename(tx, engine, vault, order, old, new, lambda path: _under(path, old, new))


def merge_communes(
    tx: Tx,
    engine: Engine,
    vault: Vault,
    order: HouseholdOrder,
    communes: Sequence[str],
    new: str,
    *,
    villages: Mapping[str, str],
    name: str = "",
) -> HouseholdChange:
    """Let communes become one (nhập xã) at `new`: another path of their level, or one of theirs, which takes them in.

    A village keeps its part of the path unless `villages` (old path → new path) says otherwise. Households keep their
    ids, their cases go along, rounds go on as they are. A code that begins with its commune's changes with it, unless
    another household has that one; of settings stored for several, the first commune's hold. `InputError`, and nothing
    is done, if two villages would lie in one place.
    """
    going = [old for old in dict.fromkeys(communes) if old != new]
    _require_merger(tx, communes, going, new, villages)
    require_communes(tx, engine, order, list(dict.fromkeys(communes)), new)
    done = HouseholdChange({})
    for old in going:

        def path_of(path: str, old: str = old) -> str:
            return villages.get(path) or _under(path, old, new)

        moved = _rename(tx, engine, vault, order, old, new, path_of, became=("merged", name))
        done = HouseholdChange({**done.households, **moved.households}, (*done.followed, *moved.followed))
    return done


def _require_merger(
    tx: Tx, communes: Sequence[str], going: Sequence[str], new: str, villages: Mapping[str, str]
) -> None:
    depths = {path.count("/") for path in (*communes, new)}
    if len(set(communes)) < _AT_LEAST or len(depths) != 1:
        raise fault(InputError, "households.two_communes", communes=", ".join(communes), new=new)
    if new not in communes and households_below(tx, *below(new)):
        raise fault(InputError, "households.holds", new=new)
    lost = [f"{was} → {now}" for was, now in villages.items() if parent(was) not in going or parent(now) != new]
    if lost:
        raise fault(InputError, "households.village_lost", villages=", ".join(lost), communes=", ".join(going), new=new)


def _rename(
    tx: Tx,
    engine: Engine,
    vault: Vault,
    order: HouseholdOrder,
    old: str,
    new: str,
    path_of: Callable[[str], str],
    *,
    became: tuple[str, str] = ("recoded", ""),
) -> HouseholdChange:
    """Let all that lies in a commune lie where `path_of` says: units, rounds, settings, households, running cases."""
    rows = locked(tx, households_below(tx, *below(old)))
    changed = _recoded(tx, vault, rows, old, new, path_of)
    move_units(tx, old, path_of, order.on, order.document, kind=became[0], name=became[1])
    recode_unit(tx, new)
    for opened in rounds_at(tx, old):
        move_round(tx, opened, opened.workflow, new)
        move_settings(tx, (opened.workflow, opened.workflow), path_of)
    recode_households(tx, [(row.id, row.code, row.unit_path, row.twin_index) for row in changed])
    keep(tx, engine, order, "recoded", [(was, now, None) for was, now in zip(rows, changed, strict=True)])
    going = running(tx, engine, [row.id for row in rows])
    relocate(tx, engine, lock(tx, going), path_of, how="recode", order=order)
    log.info("commune_renamed", kind=became[0], households=len(rows), cases=len(going))
    return HouseholdChange({row.code: row.id for row in changed}, tuple(going))


def _require_places(members: Mapping[int, Any], size: int, code: str, *, staying: int = 0) -> None:
    if any(not 1 <= i <= size for i in members) or len(members) > size - staying or (staying and not members):
        named = ", ".join(map(str, members)) or "nobody"
        raise fault(InputError, "households.places", code=code, size=size, named=named)


def _require_relations(code: str, head: int, relations: Mapping[int, str]) -> None:
    """Refuse a new head who is told to be something else, and a former one of whom is not said what he is now."""
    if head in relations and comparable(relations[head]) != comparable(_HEAD):
        raise fault(InputError, "households.new_head", household=code, place=head, relation=relations[head])
    if comparable(relations.get(1, _HEAD)) == comparable(_HEAD):
        raise fault(InputError, "households.former_head", household=code)


def _people(
    tx: Tx, engine: Engine, vault: Vault, order: HouseholdOrder, row: HouseholdRow, why: str
) -> tuple[Person, ...]:
    reader = Reader(order.actor.key, f"household {why}: {order.document}", order.actor.on_behalf_of)
    read_id, now = engine.ids.take(1)[0], engine.clock.now()
    return open_household(tx, vault, row.id, reader, read_id=read_id, now=now).members


def _rewrite(tx: Tx, vault: Vault, row: HouseholdRow, people: Sequence[Person]) -> None:
    """Seal a household's people anew under its own key, and let it be found by them."""
    key, head = WrappedKey(row.id, row.data_key_id, row.master_key_id, row.wrapped_key), people[0]
    change_household(
        tx,
        row,
        persons=len(people),
        sealed=vault.seal(key, {"members": people_of(people)}),
        identity_index=vault.identity_index(head.identity) if head.identity else None,
        twin_index=twin_index(vault, head, row.unit_path),
    )
    set_members(tx, row.id, member_indices(vault, people))


def _recoded(
    tx: Tx, vault: Vault, rows: Sequence[HouseholdRow], old: str, new: str, path_of: Callable[[str], str]
) -> list[HouseholdRow]:
    """Return households under their commune's new path; a code that begins with the commune's goes along if free."""
    was, now = old.rpartition("/")[2], new.rpartition("/")[2]
    wanted = {row.id: now + row.code.removeprefix(was) for row in rows if row.code.startswith(was + "-")}
    taken = households_by_code(tx, list(wanted.values()))
    found = []
    for row in rows:
        code = wanted.get(row.id, row.code)
        moved = row._replace(code=row.code if code in taken else code, unit_path=path_of(row.unit_path))
        found.append(_found_again(vault, moved))
    return found


def _found_again(vault: Vault, row: HouseholdRow) -> HouseholdRow:
    """Return a household with the keyed hash under which it is found in its new commune."""
    if not row.wrapped_key:
        return row  # its people were erased: nothing to be found by
    key = WrappedKey(row.id, row.data_key_id, row.master_key_id, row.wrapped_key)
    head = Person(**vault.open(key, row.sealed)["members"][0])
    return row._replace(twin_index=twin_index(vault, head, row.unit_path))


def _under(path: str, old: str, new: str) -> str:
    """Return a path with a unit's old path at its beginning replaced; other paths stay as they are."""
    return new + path[len(old) :] if path == old or path.startswith(old + "/") else path
