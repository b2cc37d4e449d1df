"""Forgetting a household's people: their key is destroyed, and that it was stays on record.

The household's code, class and history remain: decisions were taken on them and the chain covers them. What names a
person was only ever stored sealed, and is unreadable once the key is gone, in every copy that does not hold the key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import insert, select

from .engine.chaining import Note, note
from .engine.people import Erased
from .foundation.clock import legal_date
from .foundation.errors import InputError, NotFoundError
from .foundation.text import comparable
from .persistence.cases import lock
from .persistence.household_keys import forget
from .persistence.rounds import households_by_code
from .persistence.vault import WrappedKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from .persistence.database import Tx
    from .persistence.rounds import HouseholdRow
    from .persistence.vault import Vault

__all__ = ["Erased", "Erasure", "erase", "erasure_of"]

log = structlog.get_logger("rasoat.erasing")


@dataclass(frozen=True, slots=True)
class Erasure:
    """Why and on which document a household's personal data is erased, and by whom."""

    reason: str
    document: str
    actor: str


def erase(tx: Tx, vault: Vault, code: str, erasure: Erasure, now: datetime) -> Erased:
    """Destroy the key to a household's personal data; record it beside the cases and in each case's chain.

    `NotFoundError` if there is no such household, `InputError` if it was erased before, if reason or document is
    missing, or if they name one of the people: what is on record could never be erased again.
    """
    row = households_by_code(tx, [code]).get(code)
    if row is None:
        msg = f"no household {code!r}"
        raise NotFoundError(msg)
    key = WrappedKey(row.id, row.data_key_id, row.master_key_id, row.wrapped_key)
    if not key.wrapped:
        msg = f"the personal data of household {code!r} was erased before; see: rasoat household show {code}"
        raise InputError(msg)
    _require_impersonal(erasure, vault, key, row)
    case_ids = _cases_of(tx, row.id)
    _note(tx, case_ids, erasure, now)
    forget(tx, key)
    members = {"household_id": row.id, "erased_at": now, "actor": erasure.actor}
    tx.execute(insert(tx.tables.erasure), members | {"reason": erasure.reason, "document": erasure.document})
    log.info("personal_data_erased", household=row.id, cases=len(case_ids), actor=erasure.actor)
    return Erased(row.id, tuple(case_ids))


def erasure_of(tx: Tx, household_id: int) -> tuple[datetime, Erasure] | None:
    """Return when and why a household's personal data was erased, None if it was not."""
    e = tx.tables.erasure.c
    found = tx.select(select(e.erased_at, e.reason, e.document, e.actor).where(e.household_id == household_id))
    return (found[0].erased_at, Erasure(*found[0][1:])) if found else None


def _require_impersonal(erasure: Erasure, vault: Vault, key: WrappedKey, row: HouseholdRow) -> None:
    said = {"reason": erasure.reason, "document": erasure.document}
    for field, value in said.items():
        if not value.strip():
            msg = f"erasing needs a {field}: it stays on record in the place of what was erased"
            raise InputError(msg)
    told = comparable(" ".join(said.values()))
    if any(comparable(word) in told for word in _personal(vault.open(key, row.sealed))):
        msg = f"reason or document names a person of household {row.code!r} and would stay on record; say it without"
        raise InputError(msg)


def _personal(opened: dict[str, list[dict[str, str | None]]]) -> Iterator[str]:
    for person in opened["members"]:
        yield from (value for value in (person["name"], person["identity"]) if value)


def _cases_of(tx: Tx, household_id: int) -> list[int]:
    case = tx.tables.case.c
    return [i for (i,) in tx.select(select(case.id).where(case.household_id == household_id).order_by(case.id))]


def _note(tx: Tx, case_ids: list[int], erasure: Erasure, now: datetime) -> None:
    if not case_ids:
        return
    notes = [Note(i, "erasure", "erase", legal_date(now), {"document": erasure.document}) for i in case_ids]
    note(tx, lock(tx, case_ids), notes, erasure.actor, now)
