"""Forgetting a household's people: their key is destroyed, and that it was stays on record.

The household's code, class and history remain: decisions were taken on them and the chain covers them. What names a
person was only ever stored sealed, and is unreadable once the key is gone, in every copy that does not hold the key.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import insert, select

from .engine.chaining import Note, note
from .engine.household_orders import locked
from .engine.people import Erased
from .foundation.clock import legal_date
from .foundation.errors import InputError
from .foundation.messages import fault
from .foundation.text import comparable
from .persistence.cases import lock
from .persistence.household_keys import forget
from .persistence.lineage import cases_of_households, forerunners, households_by_id, resolve
from .persistence.vault import WrappedKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from .persistence.database import Tx
    from .persistence.rounds import HouseholdRow
    from .persistence.vault import Vault

__all__ = ["Erased", "Erasure", "destroy", "erase", "erasure_of"]

log = structlog.get_logger("rasoat.erasing")


@dataclass(frozen=True, slots=True)
class Erasure:
    """Why and on which document a household's personal data is erased, by whom, and for whom that acts."""

    reason: str
    document: str
    actor: str
    on_behalf_of: str | None = None


def erase(tx: Tx, vault: Vault, code: str, erasure: Erasure, now: datetime) -> Erased:
    """Destroy the key to a household's personal data; record it beside the cases and in each case's chain.

    A code stands for the household it has become part of. What an ended household that became part of this one, or of
    one it was split from, still holds sealed goes too. `NotFoundError` if there is no such household, `InputError` if
    it was erased before, if reason or document is missing, or if they name one of the people: what is on record could
    never be erased again. `ConflictError` if it is changed at the same moment.
    """
    row = resolve(tx, code)
    former = [each for each in households_by_id(tx, forerunners(tx, row.id)).values() if _is_left(each)]
    rows = locked(tx, [row, *former])
    if not row.wrapped_key:
        raise fault(InputError, "erasing.before", code=code, now=row.code)
    for each in rows:
        _require_impersonal(erasure, vault, each)
    case_ids = [case_id for case_id, _, _ in cases_of_households(tx, [each.id for each in rows])]
    _note(tx, case_ids, erasure, now)
    for each in rows:
        destroy(tx, each, erasure, now)
    log.info("personal_data_erased", household=row.id, cases=len(case_ids), actor=erasure.actor)
    return Erased(row.id, tuple(case_ids))


def destroy(tx: Tx, row: HouseholdRow, erasure: Erasure, now: datetime) -> None:
    """Destroy the key to what a locked household holds sealed, and keep why, when and by whom."""
    forget(tx, _key(row))
    tx.execute(insert(tx.tables.erasure), {"household_id": row.id, "erased_at": now, **asdict(erasure)})


def erasure_of(tx: Tx, household_id: int) -> tuple[datetime, Erasure] | None:
    """Return when and why a household's personal data was erased, None if it was not."""
    e = tx.tables.erasure.c
    said = (e.reason, e.document, e.actor, e.on_behalf_of)
    found = tx.select(select(e.erased_at, *said).where(e.household_id == household_id))
    return (found[0].erased_at, Erasure(*found[0][1:])) if found else None


def _is_left(row: HouseholdRow) -> bool:
    """Whether a household has ended and still holds its people sealed."""
    return row.valid_to is not None and bool(row.wrapped_key)


def _key(row: HouseholdRow) -> WrappedKey:
    return WrappedKey(row.id, row.data_key_id, row.master_key_id, row.wrapped_key)


def _require_impersonal(erasure: Erasure, vault: Vault, row: HouseholdRow) -> None:
    said = {"reason": erasure.reason, "document": erasure.document}
    for field, value in said.items():
        if not value.strip():
            raise fault(InputError, "erasing.needs", needed=field)
    told = comparable(" ".join(said.values()))
    if any(comparable(word) in told for word in _personal(vault.open(_key(row), row.sealed))):
        raise fault(InputError, "erasing.names", code=row.code)


def _personal(opened: dict[str, list[dict[str, str | None]]]) -> Iterator[str]:
    for person in opened["members"]:
        yield from (value for value in (person["name"], person["identity"]) if value)


def _note(tx: Tx, case_ids: list[int], erasure: Erasure, now: datetime) -> None:
    if not case_ids:
        return
    said = {"document": erasure.document}
    if erasure.on_behalf_of is not None:
        said["on_behalf_of"] = erasure.on_behalf_of
    notes = [Note(i, "erasure", "erase", legal_date(now), said) for i in case_ids]
    note(tx, lock(tx, case_ids), notes, erasure.actor, now)
