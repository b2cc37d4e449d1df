"""What a reader may see: the subtrees of units in which a mandate is held, as one SQL predicate.

Every list and every single read asks through a `Scope`, so that a list cannot leak and what lies outside does not
exist for the reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import and_, false, or_

from ..foundation.paths import below, parent

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date

    from sqlalchemy import ColumnElement

__all__ = ["NOTHING", "HoldsRole", "Scope", "scope_of"]


class HoldsRole(Protocol):
    """A role held in a unit, with its days of validity (both inclusive; None: unlimited)."""

    @property
    def role(self) -> str:
        """The role's key."""
        ...

    @property
    def unit_path(self) -> str:
        """The unit in whose subtree the role is held."""
        ...

    @property
    def valid_from(self) -> date | None:
        """The first day."""
        ...

    @property
    def valid_to(self) -> date | None:
        """The last day."""
        ...


@dataclass(frozen=True, slots=True)
class Scope:
    """The units a reader sees (`paths`), and those in which persons may be seen too (`personal`): subtrees each."""

    paths: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()

    def covers(self, path: str) -> bool:
        """Whether the unit at `path` lies within the scope."""
        return _lies_in(path, self.paths)

    def shows_persons(self, path: str) -> bool:
        """Whether names, birth dates and identity numbers of a household of `path` may be shown."""
        return _lies_in(path, self.personal)

    def within(self, column: ColumnElement[str]) -> ColumnElement[bool]:
        """Return the condition that a row's unit lies within the scope; nothing does if the scope is empty."""
        return or_(false(), *(_subtree(column, path) for path in self.paths))

    def touching(self, column: ColumnElement[str]) -> ColumnElement[bool]:
        """Return the condition that a row's unit lies within the scope or above it (a commune's round, a province)."""
        above = sorted({unit for path in self.paths for unit in _ancestors(path)})
        return or_(self.within(column), column.in_(above)) if above else self.within(column)


NOTHING = Scope()


def scope_of(mandates: Iterable[HoldsRole], day: date, personal_roles: Collection[str]) -> Scope:
    """Return what the holder of `mandates` may read on `day`; persons only under one of `personal_roles`."""
    valid = [m for m in mandates if m.unit_path and _holds(m, day)]
    return Scope(
        _outermost(m.unit_path for m in valid), _outermost(m.unit_path for m in valid if m.role in personal_roles)
    )


def _holds(mandate: HoldsRole, day: date) -> bool:
    begun = mandate.valid_from is None or mandate.valid_from <= day
    return begun and (mandate.valid_to is None or day <= mandate.valid_to)


def _outermost(paths: Iterable[str]) -> tuple[str, ...]:
    """Leave out every path that lies in another's subtree."""
    kept: list[str] = []
    for path in sorted(set(paths), key=lambda p: (p.count("/"), p)):
        if not _lies_in(path, kept):
            kept.append(path)
    return tuple(kept)


def _lies_in(path: str, subtrees: Iterable[str]) -> bool:
    return any(path == top or path.startswith(top + "/") for top in subtrees)


def _subtree(column: ColumnElement[str], path: str) -> ColumnElement[bool]:
    low, high = below(path)
    return or_(column == path, and_(column >= low, column < high))


def _ancestors(path: str) -> Iterable[str]:
    above = parent(path)
    while above is not None:
        yield above
        above = parent(above)
