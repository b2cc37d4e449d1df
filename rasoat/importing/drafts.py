"""A record in the making: the rows it comes from, what was read of them, what is wrong with them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..foundation.messages import text
from .columns import Fault
from .faults import CellError, Parsed, Problem, RefusedRow, RowError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .tables import Row, Table

__all__ = ["Draft", "mark_repeated", "outcome"]

T = TypeVar("T")


@dataclass(slots=True)
class Draft(Generic[T]):
    """One record's rows and faults; `record` is set once nothing is wrong with any of its rows."""

    rows: list[Row]
    record: T | None = None
    errors: list[RowError] = field(default_factory=list)

    def blame(self, table: Table, row: Row, fault: Fault) -> None:
        """Note `fault` of `row`."""
        self.errors.append(row.error(table, fault))

    def read(self, table: Table, row: Row, names: Iterable[str] | None = None) -> dict[str, Any]:
        """Return the values of `row` (of the columns in `names`, or all), noting each cell that has none."""
        values, faults = table.columns.values(row.known, names)
        for fault in faults:
            self.blame(table, row, fault)
        return values


def mark_repeated(table: Table, entries: Iterable[tuple[Draft[T], Row, object]], column: str, problem: Problem) -> None:
    """Blame every one of the rows that share a value which may stand only once: none of them is known to be right."""
    holders: defaultdict[object, list[tuple[Draft[T], Row]]] = defaultdict(list)
    for draft, row, value in entries:
        if value is not None:
            holders[value].append((draft, row))
    for value, found in holders.items():
        for draft, row in found if len(found) > 1 else ():
            others = ", ".join(str(other.number) for _, other in found if other is not row)
            draft.blame(table, row, Fault(column, CellError(problem, others=others), str(value)))


def outcome(table: Table, drafts: Sequence[Draft[T]]) -> Parsed[T]:
    """Return what may go in and what was refused, in file order."""
    if not drafts:
        missing = RowError(table.file, table.sheet, None, None, "", text(Problem.NO_ROWS), Problem.NO_ROWS)
        return Parsed(table.file, table.sheet, table.written, (), (missing,), ())
    return Parsed(
        file=table.file,
        sheet=table.sheet,
        headings=table.written,
        records=tuple(draft.record for draft in drafts if draft.record is not None and not draft.errors),
        errors=tuple(error for draft in drafts for error in sorted(draft.errors, key=lambda e: e.row or 0)),
        refused=tuple(row for draft in drafts if draft.errors for row in _refused(draft)),
    )


def _refused(draft: Draft[T]) -> Iterator[RefusedRow]:
    for row in draft.rows:
        yield RefusedRow(row.number, row.cells, tuple(error for error in draft.errors if error.row == row.number))
