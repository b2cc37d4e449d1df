"""Tables from .xlsx and .csv files: the heading row is found, the rows below it stream."""

from __future__ import annotations

import csv
import re
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

from ..foundation.messages import text
from .columns import ColumnSet, Fault, Heading, is_blank
from .faults import Cell, Problem, RowError, TableError, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from openpyxl.workbook.workbook import Workbook

__all__ = ["Row", "Table", "read_table"]

_LOOK_FOR_HEADING = 40  # rows of titles a list may carry above its heading
_DELIMITERS = ",;\t"
_NUMBERING = re.compile(r"\(?(?:\d{1,2}|[A-Z])\)?")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number as a spreadsheet program shows it, all cells as they stand, and those recognised, by name."""

    number: int
    cells: tuple[Cell, ...]
    known: Mapping[str, Cell]

    def error(self, table: Table, fault: Fault) -> RowError:
        """Return `fault` with its place in the file."""
        heading = table.heading_of(fault.column)
        return RowError(
            table.file, table.sheet, self.number, heading, fault.value, fault.error.expected, fault.error.problem
        )


@dataclass(frozen=True, slots=True)
class Table:
    """A table in a file. Iterating reads the file anew, row by row; blank rows are left out."""

    path: Path
    sheet: str | None
    columns: ColumnSet
    written: tuple[str, ...]
    recognised: tuple[Heading, ...]
    heading_row: int
    delimiter: str

    @property
    def file(self) -> str:
        """The file's name, without its folder."""
        return self.path.name

    def has(self, name: str) -> bool:
        """Whether the file has the column called `name`."""
        return any(heading.column.name == name for heading in self.recognised)

    def heading_of(self, name: str) -> str:
        """Return how the file calls the column, or what it is officially called if the file lacks it."""
        for heading in self.recognised:
            if heading.column.name == name:
                return heading.written
        return self.columns[name].headings[0]

    def __iter__(self) -> Iterator[Row]:
        with _rows(self.path, self.sheet, self.delimiter, strict=True) as rows:
            for number, cells in enumerate(rows, start=1):
                if number <= self.heading_row or all(is_blank(cell) for cell in cells):
                    continue
                if number == self.heading_row + 1 and _numbers_columns(cells):
                    continue
                yield Row(number, cells, {h.column.name: _at(cells, h.position) for h in self.recognised})


def read_table(path: Path | str, columns: ColumnSet, *, sheet: str | None = None) -> Table:
    """Find the heading row of `path` (.xlsx: the sheet named, or the first with such a row) among titles above it.

    Raises `TableError` if the file cannot be opened, has no such heading row, lacks a required column or names
    a column twice.
    """
    path = Path(path)
    best: Table | None = None
    for name in _sheets(path, sheet):
        for delimiter in _DELIMITERS if name is None else ",":
            found = _look(path, name, delimiter, columns)
            if found and (best is None or len(found.recognised) > len(best.recognised)):
                best = found
    if best is None:
        wanted = ", ".join(column.headings[0] for column in columns.required)
        raise TableError(_file_error(path, Problem.NO_HEADER, columns=wanted))
    _check_columns(best)
    return best


def _look(path: Path, sheet: str | None, delimiter: str, columns: ColumnSet) -> Table | None:
    """Return the table headed by the row with most recognised columns; None if that is under half of those needed."""
    with _rows(path, sheet, delimiter) as rows:
        top = [
            (number, cells, columns.headings(cells)) for number, cells in enumerate(islice(rows, _LOOK_FOR_HEADING), 1)
        ]
    number, cells, headings = max(top, key=lambda row: len(row[2]), default=(0, (), []))
    if 2 * len({h.column.name for h in headings} & {c.name for c in columns.required}) < len(columns.required):
        return None
    written = tuple(" ".join(shown(cell).split()) for cell in cells)
    return Table(path, sheet, columns, written, tuple(headings), number, delimiter)


def _check_columns(table: Table) -> None:
    seen: dict[str, str] = {}
    for heading in table.recognised:
        if heading.column.name in seen:
            raise TableError(
                _heading_error(table, Problem.COLUMN_TWICE, heading.written, other=seen[heading.column.name])
            )
        seen[heading.column.name] = heading.written
    for column in table.columns.required:
        if column.name not in seen:
            official = column.headings[0]
            raise TableError(_heading_error(table, Problem.COLUMN_MISSING, official, column=official))


@contextmanager
def _rows(
    path: Path, sheet: str | None, delimiter: str, *, strict: bool = False
) -> Iterator[Iterator[tuple[Cell, ...]]]:
    if sheet is None:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield _csv_rows(path, csv.reader(file, delimiter=delimiter, strict=strict))
        return
    with closing(_workbook(path)) as book:
        page = book[sheet]
        page.reset_dimensions()  # some programs write a wrong size, and rows beyond it would be lost
        yield _sheet_rows(path, page)


def _sheet_rows(path: Path, page: Any) -> Iterator[tuple[Cell, ...]]:
    try:
        yield from page.iter_rows(values_only=True)
    except (ParseError, BadZipFile):
        raise TableError(_file_error(path, Problem.NOT_A_WORKBOOK)) from None


def _csv_rows(path: Path, reader: Any) -> Iterator[tuple[Cell, ...]]:
    try:
        for row in reader:
            yield tuple(row)
    except UnicodeDecodeError:
        raise TableError(_file_error(path, Problem.ENCODING)) from None
    except csv.Error:
        raise TableError(_file_error(path, Problem.CSV_BROKEN)) from None


def _sheets(path: Path, sheet: str | None) -> Sequence[str | None]:
    if not path.is_file():
        raise TableError(_file_error(path, Problem.MISSING_FILE))
    if path.suffix.lower() == ".csv":
        return [None]
    if path.suffix.lower() != ".xlsx":
        raise TableError(_file_error(path, Problem.SUFFIX))
    with closing(_workbook(path)) as book:
        names = [page.title for page in book.worksheets]
    if sheet is None:
        return names
    if sheet not in names:
        raise TableError(_file_error(path, Problem.SHEET, sheets=", ".join(names)))
    return [sheet]


def _workbook(path: Path) -> Workbook:
    from openpyxl import load_workbook  # noqa: PLC0415 -- a .csv import need not load it
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415 -- as above

    try:
        return load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, OSError, ValueError):
        raise TableError(_file_error(path, Problem.NOT_A_WORKBOOK)) from None


def _at(cells: Sequence[Cell], position: int) -> Cell:
    return cells[position] if position < len(cells) else None


def _numbers_columns(cells: Sequence[Cell]) -> bool:
    """Whether the row only numbers the columns, as official forms do below their heading: (1) (2) (3), or A B 1 2."""
    return all(is_blank(cell) or _NUMBERING.fullmatch(shown(cell).strip()) for cell in cells)


def _file_error(path: Path, code: Problem, /, **fields: object) -> RowError:
    return RowError(path.name, None, None, None, path.suffix, text(code, **fields), code)


def _heading_error(table: Table, code: Problem, column: str, /, **fields: object) -> RowError:
    return RowError(table.file, table.sheet, table.heading_row, column, "", text(code, **fields), code)
