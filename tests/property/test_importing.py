"""Importing: dates in every spelling, no cell that crashes it, no row that gets lost."""

from __future__ import annotations

import csv
import unicodedata
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from rasoat.foundation.messages import Text
from rasoat.importing import PartialDate, read_households, write_refused
from rasoat.importing.cells import Reader, b2_score, day, identity_number, partial_date, whole_number, words, yes_no
from rasoat.importing.faults import Cell, CellError

HEADINGS = [
    *("mã hộ", "chủ hộ", "thành viên", "quan hệ với chủ hộ", "ngày sinh", "giới tính", "CCCD"),
    *("thôn", "khu vực", "phân loại hộ", "B1", "B2"),
]
DAYS = st.dates(date(1900, 1, 1), date(2100, 12, 31))
SPELLINGS = (
    "{d:02}/{m:02}/{y}",
    "{d}/{m}/{y}",
    "{d}-{m:02}-{y}",
    "{d:02}.{m:02}.{y}",
    "{y}-{m:02}-{d:02}",
    "{y}-{m}-{d}",
)


@given(DAYS, st.sampled_from(SPELLINGS))
def test_a_day_reads_the_same_in_every_spelling(moment: date, spelling: str) -> None:
    written = spelling.format(d=moment.day, m=moment.month, y=moment.year)
    assert day(written) == moment
    assert partial_date(written) == PartialDate(moment)


@given(DAYS, st.sampled_from(["day", "month", "year"]))
def test_a_partial_date_written_out_reads_back_at_the_same_precision(
    moment: date, precision: Literal["day", "month", "year"]
) -> None:
    first = {"day": moment, "month": moment.replace(day=1), "year": moment.replace(month=1, day=1)}[precision]
    partial = PartialDate(first, precision)
    assert partial_date(str(partial)) == partial


@given(st.integers(0, 40), st.integers(0, 14), st.integers(1900, 2100))
def test_a_day_is_read_exactly_if_the_calendar_has_it(d: int, m: int, y: int) -> None:
    try:
        expected: date | None = date(y, m, d)
    except ValueError:
        expected = None
    try:
        found: date | None = day(f"{d}/{m}/{y}")
    except CellError:
        found = None
    assert found == expected


@given(st.integers(-200, 400))
def test_a_b2_score_is_a_multiple_of_ten_up_to_twelve_deprivations(points: int) -> None:
    try:
        accepted = b2_score(str(points)) == points
    except CellError:
        accepted = False
    assert accepted == (points in {10 * count for count in range(13)})


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.dates(), st.datetimes()
)


READERS = (words, whole_number(0, 9), b2_score, yes_no, identity_number, day, partial_date)


@given(CELLS, st.sampled_from(READERS))
def test_a_cell_has_a_value_or_an_expectation_in_both_languages(cell: Cell, read: Reader) -> None:
    try:
        answer = read(cell)
    except CellError as error:
        answer = error.expected
    assert answer is not None
    assert not isinstance(answer, Text) or all(answer)


def household(number: int, size: int) -> list[list[str]]:
    about = ["Thôn 1", "nông thôn", "hộ nghèo", "100", "30"]
    rows = [[f"H{number}", f"Lê Văn {number}", "", "chủ hộ", "1980", "nam", f"{number:012d}", *about]]
    rows += [["", "", f"Lê Thị {i}", "con", "12/2001", "nữ", ""] + [""] * len(about) for i in range(1, size)]
    return rows


SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=6)


@settings(max_examples=60)
@given(SIZES, st.sampled_from(",;\t"), st.sampled_from(["NFC", "NFD"]))
def test_a_sound_list_reads_whole_whatever_its_delimiter_and_normal_form(
    sizes: list[int], delimiter: str, form: Literal["NFC", "NFD"]
) -> None:
    rows = [row for number, size in enumerate(sizes) for row in household(number, size)]
    with TemporaryDirectory() as folder:
        parsed = read_households(_write(Path(folder), rows, delimiter, form), villages={"T1": "Thôn 1"})
    assert parsed.ok
    assert [h.persons for h in parsed.records] == sizes
    assert [h.code for h in parsed.records] == [f"H{number}" for number in range(len(sizes))]


CORRUPTION = st.tuples(
    st.integers(0, 30),
    st.integers(0, len(HEADINGS) - 1),
    st.sampled_from(["", "?", "H0", "chủ hộ", "31/11/1980", "000000000000", "Lê Văn 0", "=1", "140"]),
)


@settings(max_examples=150)
@given(SIZES, st.lists(CORRUPTION, max_size=5))
def test_every_row_is_either_read_or_refused_and_never_both_or_neither(
    sizes: list[int], corruptions: list[tuple[int, int, str]]
) -> None:
    rows = [row for number, size in enumerate(sizes) for row in household(number, size)]
    for row, column, value in corruptions:
        rows[row % len(rows)][column] = value
    filled = [number for number, row in enumerate(rows, start=2) if any(row)]
    with TemporaryDirectory() as folder:
        parsed = read_households(_write(Path(folder), rows, ",", "NFC"), villages={"T1": "Thôn 1"})
        read = [member.row for h in parsed.records for member in h.members]
        refused = [row.number for row in parsed.refused]
        assert sorted(read + refused) == filled
        assert parsed.ok == (not refused)
        assert write_refused(Path(folder) / "refused.csv", parsed) == len(refused)
    blamed = {error.row for error in parsed.errors}
    assert blamed <= set(refused)
    for h in parsed.records:
        assert h.head.relation == "chủ hộ"
        assert [m.row for m in h.members] == list(range(h.row, h.row + h.persons))


def _write(folder: Path, rows: list[list[str]], delimiter: str, form: Literal["NFC", "NFD"]) -> Path:
    path = folder / "list.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([unicodedata.normalize(form, cell) for cell in row] for row in [HEADINGS, *rows])
    return path
