"""Rows of small data files (units, progress): read strictly, every faulty cell named with its place."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

from ..foundation import files
from ..foundation.errors import InputError
from ..foundation.messages import Text, text
from ..foundation.text import nfc

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from importlib.resources.abc import Traversable
    from pathlib import Path

__all__ = ["Row", "RowError", "RowsRefusedError", "day_in", "read_csv", "read_toml"]


class RowError(NamedTuple):
    """One faulty cell: file, row (as a spreadsheet counts, or the n-th table), column, value, what was expected."""

    file: str
    row: int
    column: str
    value: str
    expected: Text

    def __str__(self) -> str:
        return f"{self.file}, row {self.row}, {self.column}: {self.value!r}; {self.expected.en}"


class RowsRefusedError(InputError):
    """A file is refused whole because of these rows; `rows` names each fault."""

    code = "rows_refused"

    def __init__(self, rows: list[RowError]) -> None:
        super().__init__("\n".join(map(str, rows)))
        self.rows = tuple(rows)


class Row(NamedTuple):
    """One row: where it stands, and its cells by column. A cell left blank is missing."""

    file: str
    number: int
    cells: Mapping[str, str]

    def fault(self, column: str, expected: str, **fields: object) -> RowError:
        """Return the fault `expected` (a message code) of this row's `column`."""
        return RowError(self.file, self.number, column, self.cells.get(column, ""), text(expected, **fields))


def read_csv(path: Path | Traversable, required: Collection[str], optional: Collection[str] = ()) -> list[Row]:
    """Read a comma-separated file with exactly these columns, in any order; blank lines are left out."""
    reader = csv.reader(io.StringIO(files.read_utf8(path), newline=""))
    heading = next(reader, [])
    wrong = sorted(set(required) - set(heading)) + sorted(set(heading) - set(required) - set(optional))
    if wrong or len(set(heading)) != len(heading):
        msg = f"{path}: expected the columns {', '.join(required)} (and perhaps {', '.join(optional)}), found {heading}"
        raise InputError(msg)
    found: list[Row] = []
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(heading):
            fault = RowError(path.name, reader.line_num, "", ",".join(cells), text("rows.width", count=len(heading)))
            raise RowsRefusedError([fault])
        found.append(_row(path.name, reader.line_num, dict(zip(heading, cells, strict=True))))
    return found


def read_toml(path: Path | Traversable, tables: Mapping[str, Collection[str]]) -> dict[str, list[Row]]:
    """Read a TOML file that holds only the ``[[table]]`` tables named, each with only the columns named."""
    raw = files.read_toml(path, InputError)
    wrong = [name for name, value in raw.items() if name not in tables or not _is_tables(value)]
    if wrong:
        msg = f"{path}: expected only [[{']], [['.join(tables)}]] tables, found {', '.join(wrong)}"
        raise InputError(msg)
    return {table: _tables(path.name, table, raw.get(table, []), columns) for table, columns in tables.items()}


def day_in(row: Row, column: str, faults: list[RowError]) -> date | None:
    """Return the day in `column` (2025-07-01 or 01/7/2025); ``None`` if blank, or with a fault if unreadable."""
    written = row.cells.get(column)
    if written is None:
        return None
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(written, form).date()  # noqa: DTZ007 - a legal day has no zone
        except ValueError:
            continue
    faults.append(row.fault(column, "rows.day"))
    return None


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def _tables(file: str, table: str, given: list[dict[str, object]], columns: Collection[str]) -> list[Row]:
    found: list[Row] = []
    for number, cells in enumerate(given, start=1):
        row = _row(f"{file} [[{table}]]", number, {key: str(value) for key, value in cells.items()})
        unknown = sorted(set(cells) - set(columns))
        if unknown:
            raise RowsRefusedError([row.fault(key, "rows.unknown_column", known=", ".join(columns)) for key in unknown])
        found.append(row)
    return found


def _row(file: str, number: int, cells: Mapping[str, str]) -> Row:
    tidy = {key: nfc(value) for key, value in cells.items()}
    return Row(file, number, {key: value for key, value in tidy.items() if value})
