"""Text files as users hand them in: UTF-8, or said to be something else."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from .errors import DefinitionError, InputError, RasoatError
from .messages import fault

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

__all__ = ["parse_toml", "read_toml", "read_utf8"]


def read_utf8(path: Path | Traversable) -> str:
    """Return a file's text, without a byte order mark; `InputError` if it is no readable file or not in UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise fault(InputError, "opening.encoding", path=path, at=error.start) from error
    except OSError as error:
        raise fault(InputError, "opening.file", path=path, reason=error.strerror or error) from error


def read_toml(path: Path | Traversable, kind: type[RasoatError] = DefinitionError) -> dict[str, Any]:
    """Return the table in a TOML file; `InputError` if it cannot be read, `kind` if it is not TOML."""
    return parse_toml(read_utf8(path), path, kind)


def parse_toml(text: str, where: object, kind: type[RasoatError] = DefinitionError) -> dict[str, Any]:
    """Return the table in `text`; `kind` names `where` and the line at fault."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise fault(kind, "opening.toml", path=where, reason=error) from error
