"""A list's household as the registry takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..foundation.errors import NotFoundError
from ..foundation.messages import fault
from ..registry import Household, Person

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..persistence.rounds import UnitRow
    from .records import HouseholdRecord, MemberRecord

__all__ = ["Villages", "household_of", "villages_of"]

_SHOWN = {"day": 10, "month": 7, "year": 4}


class Villages(NamedTuple):
    """The villages a list may name, by code: names and paths. Those that several communes have are `ambiguous`."""

    names: Mapping[str, str]
    paths: Mapping[str, str]
    ambiguous: Mapping[str, str]


def villages_of(units: Iterable[UnitRow], commune: str | None = None) -> Villages:
    """Return the villages of one commune, or of all where none is named.

    A list may call a village by its code, which is unique within its commune only, or by its commune's code, a dot and
    its own, as files of units do.
    """
    inside = [u for u in units if u.level == "village" and commune in (None, u.path.rpartition("/")[0])]
    called: dict[str, dict[str, str]] = {}
    for unit in inside:
        for code in (unit.code, ".".join(unit.path.split("/")[-2:])):
            called.setdefault(code, {})[unit.path] = unit.name
    one = {code: next(iter(found.items())) for code, found in called.items() if len(found) == 1}
    return Villages(
        {code: name for code, (_, name) in one.items()},
        {code: path for code, (path, _) in one.items()},
        {code: next(iter(found.values())) for code, found in called.items() if len(found) > 1},
    )


def household_of(record: HouseholdRecord, paths: Mapping[str, str]) -> Household:
    """Return `record` for registration; `paths` gives each village's path by code.

    `NotFoundError` for a village that is not registered.
    """
    if record.village not in paths:
        raise fault(NotFoundError, "found.no_village", file=record.file, row=record.row, village=record.village)
    members = tuple(_person(member) for member in record.members)
    return Household(record.code, paths[record.village], members, record.area, record.class_before)


def _person(member: MemberRecord) -> Person:
    # A birth known only by year or month is kept as it is known: no day is made up.
    born = member.birth.first.isoformat()[: _SHOWN[member.birth.precision]]
    return Person(member.name, member.relation, born, member.sex, member.identity)
