"""The HTTP API wired to an engine: what `rasoat serve` runs, and what a host mounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import __version__, registry
from .importing import read_households
from .importing.registering import household_of
from .web import WebSettings, create_app
from .web.ports import DoubleFound, ListedHousehold, ListRead, Person, RegisteredList, RowFault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from fastapi import FastAPI

    from .api import Rasoat
    from .importing import HouseholdRecord

__all__ = ["HouseholdLists", "asgi"]


def asgi(engine: Rasoat, settings: WebSettings | None = None) -> FastAPI:
    """Return the HTTP API over `engine` as an ASGI application, to be served or mounted under a host's prefix."""
    return create_app(engine, HouseholdLists(engine), settings, version=__version__)


class HouseholdLists:
    """Reads household lists (.xlsx, .csv) and registers what they hold."""

    def __init__(self, engine: Rasoat) -> None:
        self._engine = engine

    def read(self, file: Path, villages: Mapping[str, tuple[str, str]], area: str | None) -> ListRead:
        """Read a list whose villages are among those given: code → (name, path)."""
        answer: Any = area
        names = {code: name for code, (name, _) in villages.items()}
        parsed = read_households(file, villages=names, area=answer)
        paths = {code: path for code, (_, path) in villages.items()}
        return ListRead(
            tuple(_listed(record, paths) for record in parsed.records),
            tuple(RowFault(e.sheet, e.row, e.column, e.value, e.code, e.expected) for e in parsed.errors),
        )

    def register(self, households: Sequence[ListedHousehold]) -> RegisteredList:
        """Register households; known codes stay as they are."""
        done = self._engine.register_households([_household(each) for each in households])
        return RegisteredList(done.new, _doubles(done.refused), _doubles(done.flagged))


def _listed(record: HouseholdRecord, paths: Mapping[str, str]) -> ListedHousehold:
    found = household_of(record, paths)
    members = tuple(Person(m.name, m.relation, m.born, m.sex, m.identity) for m in found.members)
    return ListedHousehold(found.code, found.unit_path, members, found.area, found.class_now, record.origin)


def _household(given: ListedHousehold) -> registry.Household:
    members = tuple(registry.Person(m.name, m.relation, m.born, m.sex, m.identity) for m in given.members)
    return registry.Household(given.code, given.unit_path, members, given.area, given.class_now)


def _doubles(found: Sequence[registry.Duplicate]) -> tuple[DoubleFound, ...]:
    return tuple(DoubleFound(double.code, double.other_code, double.by) for double in found)
