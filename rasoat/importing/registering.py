"""A list's household as the registry takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..foundation.errors import NotFoundError
from ..registry import Household, Person

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .records import HouseholdRecord, MemberRecord

__all__ = ["household_of"]

_SHOWN = {"day": 10, "month": 7, "year": 4}


def household_of(record: HouseholdRecord, paths: Mapping[str, str]) -> Household:
    """Return `record` for registration; `paths` gives each village's path by code.

    `NotFoundError` for a village that is not registered.
    """
    if record.village not in paths:
        msg = f"{record.file} row {record.row}: village {record.village!r} is not registered; import the units first"
        raise NotFoundError(msg)
    members = tuple(_person(member) for member in record.members)
    return Household(record.code, paths[record.village], members, record.area, record.class_before)


def _person(member: MemberRecord) -> Person:
    # A birth known only by year or month is kept as it is known: no day is made up.
    born = member.birth.first.isoformat()[: _SHOWN[member.birth.precision]]
    return Person(member.name, member.relation, born, member.sex, member.identity)
