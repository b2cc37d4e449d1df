"""Uploaded lists are measured before they are read: what a small file unpacks to must not fill the memory.

The sizes a workbook's directory states bound what is read of each part, so that a file that lies about them is cut off,
not believed.
"""

from __future__ import annotations

import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from xml.parsers.expat import ExpatError, ParserCreate
from zipfile import BadZipFile, ZipFile

from .problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from .settings import WebSettings

__all__ = ["require_bounded"]

_BROKEN = (BadZipFile, OSError, NotImplementedError, RuntimeError, ValueError, zlib.error)
_CHUNK = 1024 * 1024
_SMALL = 1024 * 1024


def require_bounded(file: Path, settings: WebSettings) -> None:
    """Refuse a list that unpacks to too many bytes, too steeply, or has too many rows (`ProblemError`, 413).

    What is no workbook at all is left to the reader, who says so.
    """
    if file.suffix == ".xlsx":
        try:
            with ZipFile(file) as book:
                _require_workbook(book, settings)
        except _BROKEN:
            return
    elif file.suffix == ".csv":
        with file.open("rb") as plain:
            _require_rows(_lines(iter(lambda: plain.read(_CHUNK), b"")), settings)


def _require_workbook(book: ZipFile, settings: WebSettings) -> None:
    parts = book.infolist()
    unpacked, packed = sum(part.file_size for part in parts), sum(part.compress_size for part in parts)
    too_steep = unpacked > _SMALL and unpacked > packed * settings.unpacked_ratio
    if unpacked > settings.unpacked_bytes or too_steep:
        fields = {"limit": settings.unpacked_bytes // _SMALL, "ratio": settings.unpacked_ratio}
        raise ProblemError(413, "web.unpacks_too_large", fields=fields)
    for part in parts:
        # A workbook may call its sheets what it likes. A part that is broken is the reader's, but hides no other.
        with suppress(*_BROKEN), book.open(part) as content:
            _require_rows(_row_elements(content), settings)


def _require_rows(counts: Iterable[int], settings: WebSettings) -> None:
    """Refuse as soon as the running count passes the limit."""
    for rows in counts:
        if rows > settings.upload_rows:
            raise ProblemError(413, "web.too_many_rows", fields={"rows": rows, "limit": settings.upload_rows})


def _row_elements(content: Any) -> Iterator[int]:
    """Count the rows of a sheet as its reader does, by the XML and not by how it is written; 0 for what is no XML."""
    found = 0

    def count(name: str, _: object) -> None:
        nonlocal found
        found += name.rpartition(" ")[2] == "row"

    parser = ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = count
    try:
        while chunk := content.read(_CHUNK):
            parser.Parse(chunk)
            yield found
    except ExpatError:
        yield found


def _lines(chunks: Iterable[bytes]) -> Iterator[int]:
    """Count the lines of a plain list, whichever of the three ends they have: LF, CR, CR LF."""
    found, last = 0, b""
    for chunk in chunks:
        text = last + chunk
        found += text.count(b"\n") + text.count(b"\r") - text.count(b"\r\n")
        last = text[-1:]
        found -= last in (b"\n", b"\r")
        yield found
    yield found + (last in (b"\n", b"\r"))
