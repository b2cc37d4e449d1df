"""Text files as users hand them in: UTF-8, or said to be something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import InputError
from .messages import fault

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_utf8"]


def read_utf8(path: Path) -> str:
    """Return a file's text, without a byte order mark; `InputError` if it is no readable file or not in UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise fault(InputError, "opening.encoding", path=path, at=error.start) from error
    except OSError as error:
        raise fault(InputError, "opening.file", path=path, reason=error.strerror or error) from error
