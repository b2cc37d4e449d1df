"""Files that are no tables, and what is said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest
from openpyxl import Workbook

from rasoat.foundation.errors import InputError
from rasoat.foundation.messages import codes
from rasoat.importing import ACTORS, TableError, read_acts, read_table
from rasoat.importing.faults import Problem

if TYPE_CHECKING:
    from pathlib import Path

HEADINGS = "mã cán bộ,vai trò,mã đơn vị\n"


def problem(path: Path, sheet: str | None = None) -> str:
    with pytest.raises(TableError) as caught:
        list(read_table(path, ACTORS.columns, sheet=sheet))
    assert isinstance(caught.value, InputError)
    (error,) = read_acts(path, ACTORS, sheet=sheet).errors
    assert error == caught.value.fault
    return error.code.removeprefix("import.")


def test_a_missing_file_another_kind_of_file_and_a_broken_workbook_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a.ods").write_bytes(b"x")
    (tmp_path / "a.xlsx").write_bytes(b"not a zip")
    with ZipFile(tmp_path / "b.xlsx", "w") as archive:
        archive.writestr("a.txt", "not a workbook")
    assert problem(tmp_path / "none.csv") == "missing_file"
    assert problem(tmp_path / "a.ods") == "suffix"
    assert problem(tmp_path / "a.xlsx") == "not_a_workbook"
    assert problem(tmp_path / "b.xlsx") == "not_a_workbook"


def test_a_csv_in_another_encoding_is_refused_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(HEADINGS.encode("utf-16"))
    assert problem(tmp_path / "a.csv") == "encoding"


def test_an_unclosed_quote_refuses_the_whole_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADINGS + 'A,Trưởng thôn,T1\n"B,Trưởng thôn,T1\n', encoding="utf-8")
    parsed = read_acts(tmp_path / "a.csv", ACTORS)
    assert [e.code for e in parsed.errors] == ["import.csv_broken"]
    assert parsed.records == ()


def test_no_heading_row_no_rows_and_a_heading_twice(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    assert problem(path) == "no_header"
    path.write_text("mã cán bộ,vai trò,Vai trò (*),mã đơn vị\n", encoding="utf-8")
    assert problem(path) == "column_twice"
    path.write_text(HEADINGS, encoding="utf-8")
    assert [e.code for e in read_acts(path, ACTORS).errors] == ["import.no_rows"]


def test_a_sheet_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    book = Workbook()
    book.worksheets[0].title = "Một"
    book.create_sheet("Hai")
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(TableError) as caught:
        read_table(tmp_path / "a.xlsx", ACTORS.columns, sheet="Ba")
    assert caught.value.fault.expected.vi == "một trong các trang: Một, Hai"


def test_row_numbers_are_those_of_the_spreadsheet_program_titles_and_blank_rows_counted(tmp_path: Path) -> None:
    rows = 'Danh sách cán bộ\n\n"mã\ncán bộ",vai trò,mã đơn vị\n\nA,Trưởng thôn,T1\n,,\nB,Rà soát viên,T1\n'
    (tmp_path / "a.csv").write_text(rows, encoding="utf-8")
    table = read_table(tmp_path / "a.csv", ACTORS.columns)
    assert [(row.number, row.known["code"]) for row in table] == [(5, "A"), (7, "B")]
    assert [row.number for row in table] == [5, 7], "a table may be read again"


def test_each_problem_has_its_sentence() -> None:
    assert {str(p) for p in Problem} == {c for c in codes() if c.startswith("import.")} - {
        "import.row_error",
        "import.at",
        "import.at_plain",
        "import.at_file",
    }
