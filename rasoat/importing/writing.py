"""Tables out to .xlsx and .csv, in forms this package reads again."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from .faults import Cell, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

__all__ = ["Page", "write_csv", "write_workbook"]


@dataclass(frozen=True, slots=True)
class Page:
    """One table: the sheet's name, the title above the headings, headings, rows."""

    name: str
    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def write_csv(path: Path, headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Write UTF-8 with a byte-order mark, which Excel needs to show Vietnamese."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(headings)
        writer.writerows([shown(cell) for cell in row] for row in rows)


def write_workbook(path: Path, pages: Iterable[Page]) -> None:
    """Write each page as a sheet: title row, heading row, rows. Text stays text, whatever it begins with."""
    from openpyxl import Workbook  # noqa: PLC0415 -- a .csv import need not load it

    book = Workbook(write_only=True)
    for page in pages:
        sheet = book.create_sheet(page.name)
        if page.title:
            sheet.append([page.title])
        sheet.append([_cell(sheet, heading) for heading in page.headings])
        for row in page.rows:
            sheet.append([_cell(sheet, value) for value in row])
    book.save(path)


def _cell(sheet: WriteOnlyWorksheet, value: Cell) -> Any:
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 -- as write_workbook

    cell: Any = WriteOnlyCell(sheet)
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"
    elif isinstance(value, date):
        cell.number_format = "dd/mm/yyyy"
    return cell
