"""A table of a definition file, read key by key; what nobody asked for is an error."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from ..foundation.errors import DefinitionError
from ..foundation.messages import Text, fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Reader"]


class Reader:
    """Reads one table and remembers which keys were asked for."""

    def __init__(self, table: Mapping[str, Any], where: str) -> None:
        self.where = where
        self._table = table
        self._asked: set[str] = set()

    def has(self, key: str) -> bool:
        """Whether the table holds `key`."""
        return key in self._table

    def any(self, key: str) -> Any:
        """Return a value of any kind; `DefinitionError` if absent."""
        self._asked.add(key)
        if key not in self._table:
            raise fault(DefinitionError, "definition.lacks", where=self.where, key=key)
        return self._table[key]

    def text(self, key: str, default: str | None = None) -> str:
        """Return a string."""
        return default if default is not None and not self._touch(key) else self._of(key, str)

    def whole(self, key: str) -> int:
        """Return a whole number."""
        return int(self._of(key, int))

    def flag(self, key: str) -> bool:
        """Return a truth value, false if absent."""
        return self._touch(key) and self._of(key, bool)

    def day(self, key: str, *, required: bool = True) -> Any:
        """Return a date, or None if it is absent and not required."""
        return self._of(key, date) if required or self._touch(key) else None

    def choice(self, key: str, among: tuple[str, ...]) -> str:
        """Return a string that is one of `among`."""
        found = str(self._of(key, str))
        if found not in among:
            raise fault(
                DefinitionError, "definition.among", where=self.where, key=key, found=found, known=", ".join(among)
            )
        return found

    def names(self, key: str) -> tuple[str, ...]:
        """Return a list of strings, empty if absent."""
        found = self._of(key, list) if self._touch(key) else []
        if not all(isinstance(name, str) for name in found):
            raise fault(DefinitionError, "definition.names", where=self.where, key=key, found=found)
        return tuple(found)

    def mapping(self, key: str, *, required: bool = True) -> Mapping[str, Any]:
        """Return a table as it stands."""
        return self._of(key, dict) if required or self._touch(key) else {}

    def label(self, key: str = "label") -> Text:
        """Return a label in both languages."""
        found = self.mapping(key)
        if set(found) != {"vi", "en"} or not all(found.values()):
            raise fault(DefinitionError, "definition.languages", where=self.where, key=key, found=sorted(found))
        return Text(found["vi"], found["en"])

    def tables(self, key: str) -> Iterator[tuple[str, Reader]]:
        """Return the named sub-tables under `key`."""
        for name, sub in (self._of(key, dict) if self._touch(key) else {}).items():
            yield name, Reader(self._table_of(sub, f"{key}.{name}"), f"{self.where}.{key}.{name}")

    def list_of_tables(self, key: str) -> Iterator[Reader]:
        """Return the tables of a list under `key`."""
        for i, sub in enumerate(self._of(key, list) if self._touch(key) else []):
            yield Reader(self._table_of(sub, f"{key}[{i}]"), f"{self.where}.{key}[{i}]")

    def rest(self) -> dict[str, Any]:
        """Return every key nobody asked for."""
        found = {key: value for key, value in self._table.items() if key not in self._asked}
        self._asked.update(found)
        return found

    def done(self) -> None:
        """`DefinitionError` if the table holds a key nobody asked for."""
        unknown = sorted(set(self._table) - self._asked)
        if unknown:
            raise fault(
                DefinitionError, "definition.unknown_keys", where=self.where, keys=", ".join(map(repr, unknown))
            )

    def _touch(self, key: str) -> bool:
        self._asked.add(key)
        return key in self._table

    def _of(self, key: str, kind: type) -> Any:
        found = self.any(key)
        if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
            raise fault(DefinitionError, "definition.kind", where=self.where, key=key, kind=kind.__name__, found=found)
        return found

    def _table_of(self, found: Any, key: str) -> Mapping[str, Any]:
        if not isinstance(found, dict):
            raise fault(DefinitionError, "definition.table", where=self.where, key=key, found=found)
        return found
