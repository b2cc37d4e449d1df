"""The HTTP API wired to an engine: what `rasoat serve` runs, and what a host mounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import __version__
from .importing import read_households
from .importing.registering import household_of
from .web import WebSettings, create_app
from .web.ports import ListedHousehold, ListRead, RowFault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fastapi import FastAPI

    from .api import Rasoat

__all__ = ["HouseholdLists", "asgi"]


def asgi(engine: Rasoat, settings: WebSettings | None = None) -> FastAPI:
    """Return the HTTP API over `engine` as an ASGI application, to be served or mounted under a host's prefix."""
    return create_app(engine, HouseholdLists(), settings, version=__version__)


class HouseholdLists:
    """Reads household lists (.xlsx, .csv)."""

    def read(self, file: Path, villages: Mapping[str, tuple[str, str]], area: str | None) -> ListRead:
        """Read a list whose villages are among those given: code → (name, path)."""
        answer: Any = area
        names = {code: name for code, (name, _) in villages.items()}
        parsed = read_households(file, villages=names, area=answer)
        paths = {code: path for code, (_, path) in villages.items()}
        return ListRead(
            tuple(ListedHousehold(household_of(record, paths), record.origin) for record in parsed.records),
            tuple(RowFault(e.sheet, e.row, e.column, e.value, e.code, e.expected) for e in parsed.errors),
        )
