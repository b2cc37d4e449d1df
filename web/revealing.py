"""Households as JSON shows them: sealed, unless a role may see persons and the reader says why. Every look is noted."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from ..foundation.errors import NotFoundError
from ..persistence.reading_log import PersonalRead, note
from ..persistence.vault import WrappedKey
from .problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..persistence.database import Tx
    from ..persistence.rounds import HouseholdRow
    from ..persistence.vault import Vault
    from .desk import Session

__all__ = ["HouseholdOut", "MemberOut", "households_for", "look"]


class MemberOut(BaseModel):
    """A member of a household; birth dates are as exact as they are known (2001-05-17, 2001-05, 2001)."""

    name: str
    relation: str
    born: str
    sex: str
    identity: str | None


class HouseholdOut(BaseModel):
    """A household. `members` is null while `masked`, and once the household's key is `erased`."""

    id: str
    code: str
    unit: str
    persons: int
    area: str
    class_now: str
    valid_from: date
    valid_to: date | None
    masked: bool
    erased: bool
    members: list[MemberOut] | None = Field(None, description="The head first")


def look(
    session: Session, fetch: Callable[[Tx], Sequence[HouseholdRow]], *, personal: bool, purpose: str | None
) -> tuple[Sequence[HouseholdRow], frozenset[int]]:
    """Fetch households; return them and the ids of those whose members may now be shown, each look noted."""
    if not personal:
        with session.facade.queries.read() as tx:
            return fetch(tx), frozenset()
    if purpose is None:
        raise ProblemError(422, "web.purpose_missing")
    with session.writing() as tx:
        rows = fetch(tx)
        shown = [row for row in rows if session.scope.shows_persons(row.unit_path) and row.wrapped_key]
        ids = session.facade.ids.take(len(shown))
        note(tx, [_noted(session, i, row, purpose) for i, row in zip(ids, shown, strict=True)])
    return rows, frozenset(row.id for row in shown)


def households_for(session: Session, rows: Sequence[HouseholdRow], shown: frozenset[int]) -> list[HouseholdOut]:
    """Return households as JSON shows them, with the members of those in `shown`."""
    return [_out(row, _members(session.facade.vault, row) if row.id in shown else None) for row in rows]


def _noted(session: Session, new_id: int, row: HouseholdRow, purpose: str) -> PersonalRead:
    who = session.principal.key, session.on_behalf_of
    return PersonalRead(new_id, session.now, *who, row.id, row.unit_path, purpose)


def _members(vault: Vault, row: HouseholdRow) -> list[MemberOut] | None:
    key = WrappedKey(row.id, row.data_key_id, row.master_key_id, row.wrapped_key)
    try:
        opened: list[dict[str, Any]] = vault.open(key, row.sealed)["members"]
    except NotFoundError:  # erased since it was fetched, or its master key is not at hand
        return None
    return [MemberOut.model_validate({name: person.get(name) for name in MemberOut.model_fields}) for person in opened]


def _out(row: HouseholdRow, members: list[MemberOut] | None) -> HouseholdOut:
    return HouseholdOut(
        id=str(row.id), code=row.code, unit=row.unit_path, persons=row.persons, area=row.area,
        class_now=row.class_now, valid_from=row.valid_from, valid_to=row.valid_to,
        masked=members is None, erased=not row.wrapped_key, members=members,
    )  # fmt: skip
