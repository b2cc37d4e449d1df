"""Reads one channel's table of settings: each key once, none left over, secrets from outside the file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from ...foundation.errors import DefinitionError, InputError
from ...foundation.messages import located, text
from .guard import AddressGuard

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...foundation.messages import Text

__all__ = ["ChannelSettings"]

T = TypeVar("T")


class ChannelSettings:
    """The table of channel `name`. `DefinitionError` names channel and key at fault.

    A secret is written ``{ env = "NAME" }`` or ``{ file = "/path" }``; in plain text it is refused, so that
    it does not end up where settings are shown.
    """

    def __init__(self, name: str, table: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        self.name = name
        self._left = dict(table)
        self._environment = environment

    def take(self, key: str, kind: type[T], default: T) -> T:
        """Return the value under `key`, which must be a `kind`."""
        value = self._left.pop(key, default)
        if isinstance(value, bool) and kind is not bool:
            self.refuse("setting.kind", key=key, value=repr(value), kind=kind.__name__)
        if kind is float and isinstance(value, int):
            value = float(value)
        if not isinstance(value, kind):
            self.refuse("setting.kind", key=key, value=repr(value), kind=kind.__name__)
        return value

    def need(self, key: str) -> str:
        """Return the non-empty string under `key`."""
        value = self.take(key, str, "")
        if not value:
            self.refuse("setting.lacks", key=key)
        return value

    def strings(self, key: str) -> tuple[str, ...]:
        """Return the list of strings under `key`, empty if it is not there."""
        value: list[Any] = self.take(key, list, [])
        if not all(isinstance(item, str) for item in value):
            self.refuse("setting.strings", key=key, value=repr(value))
        return tuple(value)

    def secret(self, key: str) -> str | None:
        """Return the secret that `key` points to, None if the key is not there."""
        if key not in self._left:
            return None
        return self._secret(key, self._left.pop(key))

    def secrets(self, key: str) -> tuple[str, ...]:
        """Return the secrets that the list under `key` points to."""
        pointers: list[Any] = self.take(key, list, [])
        return tuple(self._secret(key, pointer) for pointer in pointers)

    def guard(self, *always: str) -> AddressGuard:
        """Return the address guard: neighbourhoods ``allow`` beside `always`, ``networks`` in CIDR form."""
        try:
            return AddressGuard((*always, *self.strings("allow")), self.strings("networks"))
        except InputError as error:
            self.refuse_for(error)

    def finish(self) -> None:
        """Refuse what nobody asked for."""
        if self._left:
            self.refuse("setting.unknown", keys=", ".join(sorted(self._left)))

    def refuse(self, code: str, /, **fields: object) -> NoReturn:
        """Raise `DefinitionError` for this channel: what the catalogue says under `code`."""
        raise located(self._place(), text(code, **fields), DefinitionError)

    def refuse_for(self, error: InputError) -> NoReturn:
        """Raise `DefinitionError` for this channel: what `error` says."""
        raise located(self._place(), error, DefinitionError) from error

    def _place(self) -> Text:
        return text("setting.channel", name=self.name)

    def _secret(self, key: str, pointer: Any) -> str:
        match pointer:
            case {"env": str(variable), **rest} if not rest:
                value = self._environment.get(variable, "")
                where = f"environment variable {variable}"
            case {"file": str(path), **rest} if not rest:
                value = self._read(key, Path(path))
                where = path
            case _:
                self.refuse("setting.secret", key=key)
        if not value:
            self.refuse("setting.secret_empty", key=key, where=where)
        return value

    def _read(self, key: str, path: Path) -> str:
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            self.refuse("setting.secret_file", key=key, path=path, reason=error.strerror)
