"""Uploaded lists are measured before they are read: what a small file unpacks to must not fill the memory.

The sizes a workbook's directory states bound what is read of each part, so that a file that lies about them is cut off,
not believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

from .problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .settings import WebSettings

__all__ = ["require_bounded"]

_CHUNK = 1024 * 1024
_SMALL = 1024 * 1024
_SHEETS = "xl/worksheets/"


def require_bounded(file: Path, settings: WebSettings) -> None:
    """Refuse a list that unpacks to too many bytes, too steeply, or has too many rows (`ProblemError`, 413).

    What is no workbook at all is left to the reader, who says so.
    """
    if file.suffix == ".xlsx":
        try:
            with ZipFile(file) as book:
                _require_workbook(book, settings)
        except (BadZipFile, OSError, NotImplementedError, RuntimeError, ValueError):
            return
    elif file.suffix == ".csv":
        with file.open("rb") as plain:
            _require_rows(_occurrences(plain.read, (b"\n",)), settings)


def _require_workbook(book: ZipFile, settings: WebSettings) -> None:
    parts = book.infolist()
    unpacked, packed = sum(part.file_size for part in parts), sum(part.compress_size for part in parts)
    too_steep = unpacked > _SMALL and unpacked > packed * settings.unpacked_ratio
    if unpacked > settings.unpacked_bytes or too_steep:
        fields = {"limit": settings.unpacked_bytes // _SMALL, "ratio": settings.unpacked_ratio}
        raise ProblemError(413, "web.unpacks_too_large", fields=fields)
    for part in parts:
        if part.filename.startswith(_SHEETS) and part.filename.endswith(".xml"):
            with book.open(part) as sheet:
                _require_rows(_occurrences(sheet.read, (b"<row ", b"<row>", b"<x:row ")), settings)


def _require_rows(rows: int, settings: WebSettings) -> None:
    if rows > settings.upload_rows:
        raise ProblemError(413, "web.too_many_rows", fields={"rows": rows, "limit": settings.upload_rows})


def _occurrences(read: Callable[[int], Any], words: tuple[bytes, ...]) -> int:
    """Count words in a stream, also one that lies across two chunks."""
    found, tail, longest = 0, b"", max(map(len, words))
    while chunk := read(_CHUNK):
        text = tail + chunk
        found += sum(text.count(word) for word in words)
        tail = text[-(longest - 1) :] if longest > 1 else b""
        found -= sum(tail.count(word) for word in words)
    return found + sum(tail.count(word) for word in words)
