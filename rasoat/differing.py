"""Where a list says otherwise of a household than the register: found column by column, told, never taken over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .engine.people import Difference, Person
from .persistence.vault import WrappedKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .engine.people import Household
    from .persistence.rounds import HouseholdRow
    from .persistence.vault import Vault

__all__ = ["differences"]


def differences(
    vault: Vault, known: Mapping[str, HouseholdRow], households: Iterable[Household]
) -> tuple[Difference, ...]:
    """Return where households given again differ from how they are registered.

    People are compared behind the seal and nobody is shown them, so that no look is noted; of an erased household
    only what is not personal can be compared.
    """
    return tuple(each for given in households if given.code in known for each in _of(vault, known[given.code], given))


def _of(vault: Vault, row: HouseholdRow, given: Household) -> Iterator[Difference]:
    told = {"unit": given.unit_path, "area": given.area, "class_now": given.class_now}
    kept = {"unit": row.unit_path, "area": row.area, "class_now": row.class_now}
    for column, value in told.items():
        if value != kept[column]:
            yield Difference(row.code, column, None, kept[column], value)
    if row.wrapped_key:
        key = WrappedKey(row.id, row.data_key_id, row.master_key_id, row.wrapped_key)
        members = [Person(**person) for person in vault.open(key, row.sealed)["members"]]
        yield from _of_members(row.code, members, given.members)


def _of_members(code: str, kept: Sequence[Person], given: Sequence[Person]) -> Iterator[Difference]:
    if len(kept) != len(given):
        yield Difference(code, "persons", None, str(len(kept)), str(len(given)))
        return
    for place, (one, other) in enumerate(zip(kept, given, strict=True), 1):
        for column in Person.__slots__:
            if getattr(one, column) != getattr(other, column):
                yield Difference(code, column, place)
