"""Which heading means which column, and how a row of cells becomes a row of values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..foundation.text import comparable
from .faults import Cell, CellError, Problem, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .cells import Reader

__all__ = ["Column", "ColumnSet", "Fault", "Heading", "is_blank"]

_ASIDE = re.compile(r"\([^)]*\)|[*:]")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the name its value goes by, the headings that mean it (the first is the official one).

    `required` columns must exist; a `filled` column must hold something in every row that counts.
    """

    name: str
    headings: tuple[str, ...]
    read: Reader
    required: bool = True
    filled: bool = True

    def value(self, cell: Cell, *, absent: bool) -> Any:
        """Return what `cell` means, None if it is blank and may be; `CellError` otherwise."""
        if not is_blank(cell):
            return self.read(cell)
        if self.filled and not absent:
            raise CellError(Problem.BLANK)
        return None


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of one cell, before the file and the row are known."""

    column: str
    error: CellError
    value: str


@dataclass(frozen=True, slots=True)
class Heading:
    """Where a column stands in a file and what it is called there."""

    column: Column
    position: int
    written: str


@dataclass(frozen=True)
class ColumnSet:
    """The columns a kind of file may have."""

    columns: tuple[Column, ...]

    @cached_property
    def _by_heading(self) -> dict[str, Column]:
        return {_bare(heading): column for column in self.columns for heading in column.headings}

    @cached_property
    def required(self) -> tuple[Column, ...]:
        """The columns a file must have."""
        return tuple(column for column in self.columns if column.required)

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def headings(self, cells: Sequence[Cell]) -> list[Heading]:
        """Return the columns recognised in a row of cells, in its order; unknown headings are left out."""
        found = [(self._by_heading.get(_bare(shown(cell))), i, shown(cell)) for i, cell in enumerate(cells)]
        return [Heading(column, i, " ".join(written.split())) for column, i, written in found if column]

    def values(
        self, cells: Mapping[str, Cell], names: Iterable[str] | None = None
    ) -> tuple[dict[str, Any], list[Fault]]:
        """Read `cells` (by column name; an absent column is None in the result) into values, and the faults met."""
        values: dict[str, Any] = {}
        faults: list[Fault] = []
        for column in self.columns if names is None else [self[name] for name in names]:
            cell = cells.get(column.name)
            values[column.name] = None
            try:
                values[column.name] = column.value(cell, absent=column.name not in cells)
            except CellError as error:
                faults.append(Fault(column.name, error, shown(cell)))
        return values, faults


def is_blank(cell: Cell) -> bool:
    """Whether a cell holds nothing a reader would see."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _bare(heading: str) -> str:
    """Return a heading without asides, for comparing: “Ngày sinh (*)” and “ngày sinh” are one."""
    return comparable(_ASIDE.sub(" ", heading))
