"""Administrative units from a file: the one reader of them, whatever its form.

TOML with days and lineage; or a table (.csv, .xlsx) headed in Vietnamese or English, with days and lineage or without:
a commune's own list says what stands, not since when.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..foundation.messages import text
from ..workflows.rows import Row, RowError, RowsRefusedError
from ..workflows.unit_files import load_units, unit_rows, units_of
from . import terms
from .cells import choice, day, words
from .columns import Column, ColumnSet
from .drafts import Draft, outcome
from .faults import Problem, TableError, shown
from .tables import read_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..foundation.messages import Text
    from ..persistence.rounds import UnitRow
    from ..workflows.units import Units
    from .tables import Table

__all__ = ["UNDATED", "differing_units", "read_units"]

UNDATED = date(1900, 1, 1)
"""Since when units stand that a list gives without days: before anything that is asked of them."""


def _also(name: str, *headings: str, read: Any = words, required: bool = False) -> Column:
    return Column(name, headings, read, required=required, filled=False)


# Whether a cell may be blank is for the check of all units together to say.
_UNITS = ColumnSet(
    (
        _also("code", "mã đơn vị", "code", required=True),
        _also("name", "tên", "tên đơn vị", "name", required=True),
        _also("level", "cấp", "level", read=choice(terms.UNIT_LEVEL), required=True),
        _also("parent", "mã cấp trên", "parent"),
        _also("valid_from", "từ ngày", "có hiệu lực từ ngày", "valid_from", read=day),
        _also("valid_to", "đến ngày", "đến hết ngày", "valid_to", read=day),
        _also("source", "nguồn", "source"),
    )
)
_CHANGES = ColumnSet(
    (
        _also("change", "thay đổi", "change", read=choice(terms.UNIT_CHANGE), required=True),
        _also("from", "mã cũ", "from", required=True),
        _also("to", "mã mới", "to", required=True),
        _also("on", "từ ngày", "on", read=day, required=True),
        _also("decision", "số văn bản", "decision"),
    )
)


def read_units(path: Path | str, changes: Path | str | None = None, *, sheet: str | None = None) -> Units:
    """Read units and what became of them (`changes`: a table beside a table of units).

    A table without the column “từ ngày” gives units that stand from `UNDATED`. `RowsRefusedError` names every fault;
    nothing is loaded then.
    """
    path = Path(path)
    if path.suffix == ".toml" and changes is None:
        return load_units(path)
    try:
        units = read_table(path, _UNITS, sheet=sheet)
        known = None if changes is None else read_table(changes, _CHANGES)
    except TableError as error:
        raise RowsRefusedError([error.fault]) from None
    dated = units.has("valid_from")
    if units.has("valid_to") and not dated:
        raise RowsRefusedError([_no_begin(units)])
    asked, also = _rows(units), [] if known is None else _rows(known)
    try:
        return units_of(asked, also, undated=None if dated else UNDATED)
    except RowsRefusedError as error:
        raise RowsRefusedError(_as_headed(fault, units, known) for fault in error.rows) from None


def differing_units(file: str, units: Units, registered: Iterable[UnitRow]) -> list[RowError]:
    """Return where units that `file` gives are registered otherwise: by name, level or days.

    A file without days says of none since when it stands, nor how long.
    """
    kept = {unit.path: unit for unit in registered}
    return [
        RowError(file, None, None, heading, shown(row[name]), _kept(row["path"], heading, old), "units.registered")
        for row in unit_rows(units)
        if row["path"] in kept
        for name, heading in _compared(row)
        if (old := getattr(kept[row["path"]], name)) != row[name]
    ]


def _compared(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    names = ("name", "level") if row["valid_from"] == UNDATED else ("name", "level", "valid_from", "valid_to")
    return [(name, _UNITS[name].headings[0]) for name in names]


def _kept(path: str, heading: str, old: Any) -> Text:
    return text("units.registered", path=path, column=heading, kept=shown(old) or "–")


def _rows(table: Table) -> list[Row]:
    """Return the rows of a table as the check of units takes them; `RowsRefusedError` for cells it cannot read."""
    drafts = []
    for row in table:
        draft = Draft[Row]([row])
        read = {name: shown(value) for name, value in draft.read(table, row).items() if value is not None}
        draft.record = Row(table.file, row.number, read, table.sheet)
        drafts.append(draft)
    parsed = outcome(table, drafts)
    if parsed.errors:
        raise RowsRefusedError(parsed.errors)
    return list(parsed.records)


def _as_headed(fault: RowError, units: Table, changes: Table | None) -> RowError:
    """Return a fault with its column as the file calls it."""
    table = changes if changes is not None and fault.file == changes.file else units
    return replace(fault, column=table.heading_of(str(fault.column)))


def _no_begin(table: Table) -> RowError:
    column = _UNITS["valid_from"].headings[0]
    said = text(Problem.COLUMN_MISSING, column=column)
    return RowError(table.file, table.sheet, table.heading_row, column, "", said, Problem.COLUMN_MISSING)
