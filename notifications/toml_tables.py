"""Reads a table of a TOML file: each key once, of the right type, and nothing that nobody asked for."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NoReturn, cast

from ..foundation.errors import DefinitionError
from ..foundation.messages import located, text
from ..foundation.text import nfc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["TomlTable"]

_REQUIRED = object()


class TomlTable:
    """One table of the file: what is not taken from it is an error."""

    def __init__(self, where: str, content: Mapping[str, Any]) -> None:
        self.where = where
        self._left = dict(content)

    def take(self, key: str, kind: type, default: Any = _REQUIRED) -> Any:
        """Return the value under `key`, which must be a `kind`; whole numbers count as fractions too."""
        value = self._left.pop(key, default)
        if value is _REQUIRED:
            self.refuse("setting.lacks", key=key)
        if kind is float and type(value) is int:
            value = float(value)
        right_type = isinstance(value, kind) and not (kind is date and isinstance(value, datetime))
        right_type = right_type and (kind is bool or not isinstance(value, bool))
        if value is not default and not right_type:
            self.refuse("setting.kind", key=key, value=repr(value), kind=kind.__name__)
        return nfc(value) if isinstance(value, str) else value

    def choice(self, key: str, choices: Iterable[str], default: Any = _REQUIRED) -> str:
        """Return the word under `key`, which must be one of `choices`."""
        value = self.take(key, str, default)
        if value not in choices:
            self.refuse("setting.among", key=key, value=repr(value), known=", ".join(choices))
        return cast("str", value)

    def strings(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """Return the list of names under `key`."""
        value = self.take(key, list, list(default))
        if not all(isinstance(item, str) and item for item in value):
            self.refuse("setting.names", key=key, value=repr(value))
        return tuple(value)

    def tables(self, key: str) -> list[TomlTable]:
        """Return the tables ``[[key]]``, numbered from 1."""
        value = self.take(key, list, [])
        if not all(isinstance(item, dict) for item in value):
            self.refuse("setting.tables", key=key)
        return [TomlTable(f"{key} {number}", item) for number, item in enumerate(value, start=1)]

    def table(self, key: str) -> TomlTable:
        """Return the table under `key`, empty if it is not there."""
        return TomlTable(f"{self.where}, {key}", self.take(key, dict, {}))

    def rest(self) -> dict[str, Any]:
        """Return everything that is left, and leave nothing."""
        left, self._left = self._left, {}
        return left

    def finish(self) -> None:
        """Refuse what nobody asked for."""
        if self._left:
            self.refuse("setting.unknown", keys=", ".join(sorted(self._left)))

    def refuse(self, code: str, /, **fields: object) -> NoReturn:
        """Raise `DefinitionError` for this table: what the catalogue says under `code`."""
        raise located(self.where, text(code, **fields), DefinitionError)
