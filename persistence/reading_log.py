"""Who looked at whose personal data, when and why. Append only: triggers refuse any change of a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from .statements import insertion

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from .database import Tx
    from .scoping import Scope

__all__ = ["PersonalRead", "note", "noted"]


class PersonalRead(NamedTuple):
    """One household's personal data shown to one reader."""

    id: int
    read_at: datetime
    actor: str
    on_behalf_of: str | None
    household_id: int
    unit_path: str
    purpose: str


_INSERT = insertion("note personal reads", lambda t: t.personal_read, PersonalRead._fields)


def note(tx: Tx, reads: Iterable[PersonalRead]) -> None:
    """Write down reads of personal data, before the data is shown."""
    tx.many(_INSERT, [(r.id, tx.instant(r.read_at), *r[2:]) for r in reads])


def noted(tx: Tx, scope: Scope, *, household_id: int | None = None, after: int = 0, limit: int) -> list[PersonalRead]:
    """Return the reads of households in scope, by id; of one household only if it is named."""
    table = tx.tables.personal_read
    query = select(table).where(scope.within(table.c.unit_path), table.c.id > after).order_by(table.c.id).limit(limit)
    if household_id is not None:
        query = query.where(table.c.household_id == household_id)
    return [PersonalRead(*row) for row in tx.select(query)]
