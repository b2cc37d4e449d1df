"""Rows of data files (units, progress): read strictly, every faulty cell named with its place."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

from ..foundation import files
from ..foundation.errors import InputError
from ..foundation.messages import Text, fault, message, text
from ..foundation.text import nfc

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from importlib.resources.abc import Traversable
    from pathlib import Path

__all__ = ["Row", "RowError", "RowsRefusedError", "day_in", "read_csv", "read_toml"]


@dataclass(frozen=True, slots=True)
class RowError:
    """One fault: file, sheet, row (as a spreadsheet counts, or the n-th table), column, value, what was expected.

    `value` may hold a personal identifier: show it to the person who imports, never log it.
    """

    file: str
    sheet: str | None
    row: int | None
    column: str | None
    value: str
    expected: Text
    code: str

    @property
    def place(self) -> Text:
        """Where the fault is, in both languages."""
        if self.row is None:
            return text("import.at_file", file=self.file)
        where = {"file": self.file, "row": self.row, "column": self.column or "–"}
        return text("import.at", sheet=self.sheet, **where) if self.sheet else text("import.at_plain", **where)

    @property
    def sentence(self) -> Text:
        """The whole fault in one sentence, in both languages."""
        place, expected = self.place, self.expected
        template = message("import.row_error")
        return Text(
            template.vi.format(place=place.vi, value=self.value, expected=expected.vi),
            template.en.format(place=place.en, value=self.value, expected=expected.en),
        )


class RowsRefusedError(InputError):
    """A file is refused whole because of these rows; `rows` names each fault."""

    code = "rows_refused"

    def __init__(self, rows: Iterable[RowError]) -> None:
        self.rows = tuple(rows)
        said = [row.sentence for row in self.rows]
        super().__init__("\n".join(each.en for each in said), vi="\n".join(each.vi for each in said))


class Row(NamedTuple):
    """One row: where it stands, and its cells by column. A cell left blank is missing."""

    file: str
    number: int
    cells: Mapping[str, str]
    sheet: str | None = None

    def fault(self, column: str, code: str, **fields: object) -> RowError:
        """Return the fault `code` (of the message catalogue) of this row's `column`."""
        value = self.cells.get(column, "")
        return RowError(self.file, self.sheet, self.number, column, value, text(code, **fields), code)


def read_csv(path: Path | Traversable, required: Collection[str], optional: Collection[str] = ()) -> list[Row]:
    """Read a comma-separated file with exactly these columns, in any order; blank lines are left out."""
    reader = csv.reader(io.StringIO(files.read_utf8(path), newline=""))
    heading = next(reader, [])
    wrong = sorted(set(required) - set(heading)) + sorted(set(heading) - set(required) - set(optional))
    if wrong or len(set(heading)) != len(heading):
        raise fault(
            InputError,
            "rows.columns",
            path=path,
            required=", ".join(required),
            optional=", ".join(optional),
            heading=heading,
        )
    found: list[Row] = []
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(heading):
            whole = Row(path.name, reader.line_num, {"": ",".join(cells)})
            raise RowsRefusedError([whole.fault("", "rows.width", count=len(heading))])
        found.append(_row(path.name, reader.line_num, dict(zip(heading, cells, strict=True))))
    return found


def read_toml(path: Path | Traversable, tables: Mapping[str, Collection[str]]) -> dict[str, list[Row]]:
    """Read a TOML file that holds only the ``[[table]]`` tables named, each with only the columns named."""
    raw = files.read_toml(path, InputError)
    wrong = [name for name, value in raw.items() if name not in tables or not _is_tables(value)]
    if wrong:
        raise fault(InputError, "rows.tables", path=path, known="]], [[".join(tables), wrong=", ".join(wrong))
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
