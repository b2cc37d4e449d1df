"""One cell into one value, or what was expected instead. Nothing is silently repaired."""

from __future__ import annotations

import calendar
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from ..foundation.text import comparable, nfc
from .faults import Cell, CellError, Problem, shown

__all__ = [
    "PartialDate",
    "Precision",
    "Reader",
    "b2_score",
    "choice",
    "day",
    "identity_number",
    "partial_date",
    "whole_number",
    "words",
    "yes_no",
]

Precision = Literal["day", "month", "year"]
Reader = Callable[[Cell], Any]

_YEARS = range(1900, 2101)
_DAY_FIRST = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4})")
_YEAR_FIRST = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_MONTH = re.compile(r"(\d{1,2})[/.\-](\d{4})")
_MONTH_LAST = re.compile(r"(\d{4})-(\d{1,2})")
_YEAR = re.compile(r"\d{4}")
_IDENTITY = re.compile(r"\d{12}|\d{9}")
_MAX_B2 = 120


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A date known to the day, the month or the year; `first` is the first day it may mean."""

    first: date
    precision: Precision = "day"

    def __str__(self) -> str:
        return {"day": f"{self.first:%d/%m/%Y}", "month": f"{self.first:%m/%Y}", "year": str(self.first.year)}[
            self.precision
        ]


def words(cell: Cell) -> str:
    """Return text in NFC. A formula or a control character is refused: the text goes out again to spreadsheets."""
    text = nfc(shown(cell))
    if text[:1] in ("=", "+", "-", "@") or any(unicodedata.category(c) == "Cc" for c in text):
        raise CellError(Problem.PLAIN_TEXT)
    return text


def whole_number(low: int, high: int) -> Reader:
    """Return the reader of whole numbers from `low` to `high`, both included."""

    def read(cell: Cell) -> int:
        number = _integer(cell)
        if number is None or not low <= number <= high:
            raise CellError(Problem.WHOLE_NUMBER, low=low, high=high)
        return number

    return read


def b2_score(cell: Cell) -> int:
    """Return a B2 score: 10 points are one of twelve deprivations (TT 07/2021, Phiếu B)."""
    number = _integer(cell)
    if number is None or not 0 <= number <= _MAX_B2 or number % 10:
        raise CellError(Problem.B2)
    return number


def choice(options: Mapping[str, tuple[str, ...]]) -> Reader:
    """Return the reader of one of several terms; `options` maps each code to the spellings that mean it."""
    codes = {comparable(spelling): code for code, spellings in options.items() for spelling in spellings}
    shown_choices = ", ".join(spellings[0] for spellings in options.values())

    def read(cell: Cell) -> str:
        try:
            return codes[comparable(shown(cell))]
        except KeyError:
            raise CellError(Problem.CHOICE, choices=shown_choices) from None

    return read


_read_yes_no = choice({"yes": ("có", "x", "đúng", "1", "yes"), "no": ("không", "0", "no")})


def yes_no(cell: Cell) -> bool:
    """Return whether the cell says yes."""
    return bool(_read_yes_no(cell) == "yes")


def identity_number(cell: Cell) -> str:
    """Return a 12-digit số định danh / CCCD, or an old 9-digit CMND."""
    text = words(cell)
    if not (_IDENTITY.fullmatch(text) and text.isascii()):
        raise CellError(Problem.IDENTITY)
    return text


def day(cell: Cell) -> date:
    """Return a day: a date cell, 31/12/2022, 31-12-2022, 31.12.2022 or 2022-12-31."""
    found = _whole_date(cell)
    if found is None:
        raise CellError(Problem.DATE)
    return found


def partial_date(cell: Cell) -> PartialDate:
    """Return a day as `day` does, or a month 12/1990, or a year 1990 (as text or as a number)."""
    found = _whole_date(cell)
    if found is not None:
        return PartialDate(found)
    text = nfc(shown(cell))
    if match := _MONTH.fullmatch(text):
        return PartialDate(_checked(int(match[2]), int(match[1]), 1, Problem.PARTIAL_DATE), "month")
    if match := _MONTH_LAST.fullmatch(text):
        return PartialDate(_checked(int(match[1]), int(match[2]), 1, Problem.PARTIAL_DATE), "month")
    if _YEAR.fullmatch(text):
        return PartialDate(_checked(int(text), 1, 1, Problem.PARTIAL_DATE), "year")
    raise CellError(Problem.PARTIAL_DATE)


def _integer(cell: Cell) -> int | None:
    text = nfc(shown(cell))
    return int(text) if re.fullmatch(r"-?\d{1,9}", text) and text.isascii() else None


def _whole_date(cell: Cell) -> date | None:
    """Return the day a cell holds, None if it is not written as a day; `CellError` if there is no such day."""
    if isinstance(cell, datetime | date):
        return _checked(cell.year, cell.month, cell.day, Problem.DATE)
    text = nfc(shown(cell))
    if match := _DAY_FIRST.fullmatch(text):
        return _checked(int(match[3]), int(match[2]), int(match[1]), Problem.DATE)
    if match := _YEAR_FIRST.fullmatch(text):
        return _checked(int(match[1]), int(match[2]), int(match[3]), Problem.DATE)
    return None


def _checked(year: int, month: int, day_of_month: int, problem: Problem) -> date:
    if year not in _YEARS or not 1 <= month <= 12 or day_of_month < 1:  # noqa: PLR2004 -- months of a year
        raise CellError(problem)
    last = calendar.monthrange(year, month)[1]
    if day_of_month > last:
        raise CellError(Problem.DATE_IMPOSSIBLE, month=f"{month:02d}/{year}", last=f"{last}/{month:02d}/{year}")
    return date(year, month, day_of_month)
