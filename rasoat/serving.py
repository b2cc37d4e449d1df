"""The HTTP API wired to an engine: what `rasoat serve` runs, and what a host mounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import __version__, households
from .erasing import Erasure, erase
from .importing import read_households
from .importing.registering import household_of, villages_of
from .web import Limiter, WebSettings, create_app
from .web.ports import ListedHousehold, ListRead, RowFault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from fastapi import FastAPI

    from .api import Rasoat
    from .engine.people import Erased, HouseholdChange, HouseholdOrder
    from .persistence.database import Tx
    from .persistence.rounds import UnitRow

__all__ = ["HouseholdRegistry", "asgi"]


def asgi(engine: Rasoat, settings: WebSettings | None = None, *, limiter: Limiter | None = None) -> FastAPI:
    """Return the HTTP API over `engine` as an ASGI application, to be served or mounted under a host's prefix.

    Each process counts its callers' requests for itself, unless `limiter` counts for several.
    """
    return create_app(engine, HouseholdRegistry(engine), settings, limiter=limiter, version=__version__)


class HouseholdRegistry:
    """Household lists (.xlsx, .csv), and what may become of a household, over one engine."""

    def __init__(self, engine: Rasoat) -> None:
        self._app = engine

    def read(self, file: Path, units: Sequence[UnitRow], area: str | None, commune: str | None) -> ListRead:
        """Read a list whose villages are among `units`, below `commune` if one is named."""
        answer: Any = area
        villages = villages_of(units, commune)
        parsed = read_households(file, villages=villages.names, area=answer, ambiguous=villages.ambiguous)
        return ListRead(
            tuple(
                ListedHousehold(household_of(record, villages.paths), record.origin, record.sheet, record.row)
                for record in parsed.records
            ),
            tuple(RowFault(e.sheet, e.row, e.column, e.value, e.code, e.expected) for e in parsed.errors),
        )

    def split(
        self,
        tx: Tx,
        order: HouseholdOrder,
        code: str,
        new_code: str,
        members: Mapping[int, str],
        unit_path: str | None,
    ) -> HouseholdChange:
        """Let members found a household of their own."""
        engine, vault = self._app.engine, self._app.vault
        return households.split(tx, engine, vault, order, code, new_code, members, unit_path=unit_path)

    def merge(
        self, tx: Tx, order: HouseholdOrder, code: str, into: str, relations: Mapping[int, str]
    ) -> HouseholdChange:
        """Let a household become part of another."""
        return households.merge(tx, self._app.engine, self._app.vault, order, code, into, relations)

    def change_head(
        self, tx: Tx, order: HouseholdOrder, code: str, head: int, relations: Mapping[int, str]
    ) -> HouseholdChange:
        """Let another member be the household's head."""
        return households.change_head(tx, self._app.engine, self._app.vault, order, code, head, relations)

    def move(self, tx: Tx, order: HouseholdOrder, code: str, unit_path: str) -> HouseholdChange:
        """Let a household go to another village."""
        return households.move(tx, self._app.engine, self._app.vault, order, code, unit_path)

    def change_area(self, tx: Tx, order: HouseholdOrder, code: str, area: str) -> HouseholdChange:
        """Register a household's area anew."""
        return households.change_area(tx, self._app.engine, order, code, area)

    def recode(self, tx: Tx, order: HouseholdOrder, old: str, new: str) -> HouseholdChange:
        """Give a commune its new code."""
        return households.recode(tx, self._app.engine, self._app.vault, order, old, new)

    def merge_communes(
        self,
        tx: Tx,
        order: HouseholdOrder,
        communes: Sequence[str],
        new: str,
        *,
        villages: Mapping[str, str],
        name: str,
    ) -> HouseholdChange:
        """Let communes become one."""
        engine, vault = self._app.engine, self._app.vault
        return households.merge_communes(tx, engine, vault, order, communes, new, villages=villages, name=name)

    def erase(self, tx: Tx, code: str, *, reason: str, document: str, actor: str, on_behalf_of: str | None) -> Erased:
        """Destroy the key to a household's personal data for good."""
        erasure = Erasure(reason, document, actor, on_behalf_of)
        return erase(tx, self._app.vault, code, erasure, self._app.clock.now())
