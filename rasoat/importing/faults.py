"""What an import hands back: the records that may go in, and for every other row where and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Generic, TypeVar

from ..foundation.errors import InputError
from ..foundation.messages import text
from ..workflows.rows import RowError

__all__ = ["Cell", "CellError", "Parsed", "Problem", "RefusedRow", "RowError", "TableError", "shown"]

T = TypeVar("T")
Cell = str | int | float | bool | date | datetime | None


class Problem(StrEnum):
    """What may be wrong; each is a sentence of the message catalogue saying what was expected."""

    SUFFIX = "import.suffix"
    MISSING_FILE = "import.missing_file"
    NOT_A_WORKBOOK = "import.not_a_workbook"
    ENCODING = "import.encoding"
    CSV_BROKEN = "import.csv_broken"
    SHEET = "import.sheet"
    NO_HEADER = "import.no_header"
    COLUMN_MISSING = "import.column_missing"
    COLUMN_TWICE = "import.column_twice"
    NO_ROWS = "import.no_rows"
    BLANK = "import.blank"
    PLAIN_TEXT = "import.plain_text"
    WHOLE_NUMBER = "import.whole_number"
    B2 = "import.b2"
    CHOICE = "import.choice"
    DATE = "import.date"
    DATE_IMPOSSIBLE = "import.date_impossible"
    PARTIAL_DATE = "import.partial_date"
    IDENTITY = "import.identity"
    IDENTITY_TWICE = "import.identity_twice"
    KEY_TWICE = "import.key_twice"
    UNKNOWN = "import.unknown"
    VILLAGE_UNKNOWN = "import.village_unknown"
    VILLAGE_AMBIGUOUS = "import.village_ambiguous"
    VILLAGE_MISMATCH = "import.village_mismatch"
    MEMBER_BEFORE_HEAD = "import.member_before_head"
    NOT_HEAD = "import.not_head"
    PERSON_COUNT = "import.person_count"
    AREA_UNASKED = "import.area_unasked"
    REQUEST_UNDATED = "import.request_undated"
    NOT_ABOVE = "import.not_above"
    NOT_BEFORE = "import.not_before"


class TableError(InputError):
    """A file cannot be read as a table at all; `fault` says why."""

    def __init__(self, fault: RowError) -> None:
        super().__init__(fault.sentence.en)
        self.fault = fault


class CellError(InputError):
    """A cell does not hold what its column asks for; `problem` is the code, `expected` the sentence."""

    def __init__(self, problem: Problem, /, **fields: object) -> None:
        self.problem = problem
        self.expected = text(problem, **fields)
        super().__init__(self.expected.en)


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that did not go in, as it stood in the file, with what was wrong with it or with its household."""

    number: int
    cells: tuple[Cell, ...]
    reasons: tuple[RowError, ...]


@dataclass(frozen=True, slots=True)
class Parsed(Generic[T]):
    """The outcome of reading one file: `records` in file order, all faults, the rows refused for them.

    A fault of the file itself (no heading row, a required column missing) leaves `records` and `refused` empty.
    """

    file: str
    sheet: str | None
    headings: tuple[str, ...]
    records: tuple[T, ...]
    errors: tuple[RowError, ...]
    refused: tuple[RefusedRow, ...]

    @property
    def ok(self) -> bool:
        """Whether every row may go in."""
        return not self.errors

    @classmethod
    def unreadable(cls, fault: RowError) -> Parsed[T]:
        """Return the outcome for a file that is no table."""
        return cls(fault.file, fault.sheet, (), (), (fault,), ())


def shown(cell: Cell) -> str:
    """Return a cell as an official would write it."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "có" if cell else "không"
    if isinstance(cell, datetime | date):
        return f"{cell:%d/%m/%Y}"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
