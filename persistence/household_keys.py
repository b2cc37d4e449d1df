"""The households' own keys in the database: counted by master key, wrapped anew, found by, and forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, func, null, select

from .chain_rows import FROM_THE_FIRST, LOWEST
from .statements import Statement, keyed_update
from .vault import WrappedKey, shred

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .database import Database, Tx
    from .statements import Given
    from .tables import Tables
    from .vault import Vault

__all__ = ["codes_by_identity", "forget", "households_by_master", "rewrap_all"]

_AT_ONCE = 1000


def _rewrapping(tables: Tables, given: Given) -> Any:
    h = tables.household.c
    new = {"master_key_id": given("master_", h.master_key_id), "wrapped_key": given("wrapped_", h.wrapped_key)}
    # A key shredded since it was read stays shredded.
    unchanged = (h.id == given("id_", h.id), h.master_key_id == given("former_", h.master_key_id))
    return tables.household.update().values(new).where(*unchanged)


_KEYS = Statement(
    "next wrapped keys",
    ("after", "size"),
    lambda t: (
        select(t.household.c.id, t.household.c.data_key_id, t.household.c.master_key_id, t.household.c.wrapped_key)
        .where(t.household.c.id > bindparam("after"))
        .order_by(t.household.c.id)
        .limit(bindparam("size"))
        .offset(FROM_THE_FIRST)
    ),
)
_REWRAP = keyed_update("rewrap keys", ("master_", "wrapped_", "id_", "former_"), _rewrapping)
_FORGET = Statement(
    "forget household",
    ("master", "wrapped", "sealed", "id_"),
    lambda t: (
        t.household.update()
        .values(master_key_id=bindparam("master"), wrapped_key=bindparam("wrapped"), sealed=bindparam("sealed"))
        .values(identity_index=null(), twin_index=null())
        .where(t.household.c.id == bindparam("id_"))
    ),
)


def households_by_master(tx: Tx) -> dict[str, int]:
    """Return how many households' keys each master key wraps, by its id; under an empty id those that were erased."""
    master = tx.tables.household.c.master_key_id
    rows = tx.select(select(master, func.count()).group_by(master).order_by(master))
    return {row[0]: row[1] for row in rows}


def rewrap_all(
    database: Database, vault: Vault, active: str, *, progress: Callable[[int], None] = lambda _: None
) -> int:
    """Wrap every household's key under the master key `active`; return how many were wrapped anew.

    Each thousand households are one transaction: what an interruption leaves is done by the next run, and households
    registered meanwhile are neither held up nor lost.
    """
    done, seen, after = 0, 0, LOWEST
    while True:
        with database.begin() as tx:
            keys = [WrappedKey(*row) for row in tx.rows(_KEYS, after, _AT_ONCE)]
            former = [key for key in keys if key.wrapped and key.master_key_id != active]
            fresh = [(vault.rewrap(key), key.master_key_id) for key in former]
            done += tx.many(_REWRAP, [(k.master_key_id, k.wrapped, k.household_id, was) for k, was in fresh])
        if not keys:
            return done
        seen, after = seen + len(keys), keys[-1].household_id
        progress(seen)


def codes_by_identity(tx: Tx, index: bytes) -> list[str]:
    """Return the codes of the households whose head has this identity index."""
    household = tx.tables.household.c
    query = select(household.code).where(household.identity_index == index).order_by(household.code)
    return [code for (code,) in tx.select(query)]


def forget(tx: Tx, key: WrappedKey) -> None:
    """Overwrite a household's key, its sealed data and what it could be found by. Nothing brings them back."""
    left = shred(key)
    tx.run(_FORGET, left.master_key_id, left.wrapped, b"", left.household_id)
    member = tx.tables.household_member
    tx.execute(delete(member).where(member.c.household_id == left.household_id))
