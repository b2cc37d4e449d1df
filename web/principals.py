"""Who calls: a key, what the credentials open, the mandates held, on whose behalf they may act."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..engine.values import SYSTEM, Actor, Mandate
from ..foundation.errors import PermissionDeniedError
from ..foundation.messages import fault
from ..persistence import tokens

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date, datetime

    from ..persistence.database import Database

__all__ = ["Principal", "is_key", "of_service_token"]

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@|-]{0,63}")


@dataclass(frozen=True, slots=True)
class Principal:
    """The holder of a token. `acts_for` names staff keys; ``*`` stands for anybody's."""

    key: str
    scopes: frozenset[str]
    mandates: tuple[Mandate, ...] = ()
    acts_for: frozenset[str] = frozenset()
    everywhere: frozenset[str] = frozenset()

    def require(self, scope: str) -> None:
        """`PermissionDeniedError` unless the credentials open `scope`."""
        if scope not in self.scopes:
            raise fault(
                PermissionDeniedError, "mandate.scope", scope=scope, scopes=", ".join(sorted(self.scopes)) or "nothing"
            )

    def actor(self, on_behalf_of: str | None) -> Actor:
        """Return who acts; `PermissionDeniedError` on behalf of somebody the credentials do not name."""
        if on_behalf_of is not None and not self.acts_for & {on_behalf_of, "*"}:
            raise fault(PermissionDeniedError, "mandate.behalf", key=self.key, behalf=on_behalf_of)
        return Actor(self.key, self.mandates, on_behalf_of, self.everywhere)

    def require_role(self, roles: Collection[str], unit_path: str, day: date) -> None:
        """`PermissionDeniedError` unless one of `roles` is held for the unit on `day`."""
        if self.actor(None).mandate_for(tuple(sorted(roles)), unit_path, day) is None:
            raise fault(
                PermissionDeniedError, "mandate.roles", key=self.key, roles=", ".join(sorted(roles)), unit=unit_path
            )


def is_key(text: str) -> bool:
    """Whether `text` can be an actor's key: short, plain, and not the worker's own."""
    return text != SYSTEM.key and _KEY.fullmatch(text) is not None


def of_service_token(database: Database, written: str, now: datetime) -> Principal | None:
    """Return whose service token this is; None if it opens nothing."""
    with database.read() as tx:
        found = tokens.find(tx, written, now)
    if found is None:
        return None
    mandates = tuple(Mandate(*holding) for holding in found.holdings)
    return Principal(found.name, frozenset(found.scopes), mandates, frozenset(found.acts_for))
