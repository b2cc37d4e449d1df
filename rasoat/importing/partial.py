"""The rows that were refused, to a file of the same shape that can be mended and read again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..foundation.text import comparable
from .writing import Page, write_csv, write_workbook

if TYPE_CHECKING:
    from .faults import Cell, Parsed, RefusedRow, RowError

__all__ = ["REASON", "write_refused"]

REASON = "lý do"


def write_refused(path: Path | str, parsed: Parsed[Any]) -> int:
    """Write the refused rows of `parsed` to `path` (.xlsx or .csv) as they stood, with a column “lý do”; how many.

    A refused household goes out whole, its faultless rows too, so that the file alone can be mended and read.
    The reasons of an earlier refusal are replaced.
    """
    path = Path(path)
    kept = [i for i, heading in enumerate(parsed.headings) if comparable(heading) != comparable(REASON)]
    headings = [*(parsed.headings[i] for i in kept), REASON]
    rows = [[*(_at(row, i) for i in kept), _reasons(row)] for row in parsed.refused]
    if path.suffix.lower() == ".xlsx":
        write_workbook(path, [Page(parsed.sheet or "Danh sách", "", headings, rows)])
    else:
        write_csv(path, headings, rows)
    return len(rows)


def _at(row: RefusedRow, position: int) -> Cell:
    return row.cells[position] if position < len(row.cells) else None


def _reasons(row: RefusedRow) -> str:
    return "; ".join(_reason(error) for error in row.reasons)


def _reason(error: RowError) -> str:
    return f"{error.column}: {error.expected.vi}"
