"""Household lists as communes write them: titles above, either normal form, partial dates, either score name."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime
from typing import TYPE_CHECKING

import pytest
from openpyxl import Workbook

from rasoat.importing import PartialDate, read_households

if TYPE_CHECKING:
    from pathlib import Path

HEADINGS = "mã hộ,chủ hộ,thành viên,quan hệ với chủ hộ,ngày sinh,giới tính,CCCD,thôn,khu vực,phân loại hộ,B1,B2"
HEAD = "H1,Lê Văn An,,chủ hộ,{birth},nam,999080000001,Thôn 1,nông thôn,{kind},140,30"
MEMBER = ",,Lê Thị Bình,vợ,1982,nữ,,,,,,"


def write(folder: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path = folder / "list.csv"
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def head(birth: str = "1980", kind: str = "hộ nghèo") -> str:
    return HEAD.format(birth=birth, kind=kind)


def test_members_inherit_the_household_of_the_row_above(tmp_path: Path) -> None:
    parsed = read_households(write(tmp_path, HEADINGS, head(), MEMBER), villages={"T1": "Thôn 1"})
    (household,) = parsed.records
    assert (household.code, household.village, household.persons) == ("H1", "T1", 2)
    assert [(m.name, m.relation, m.sex, m.identity) for m in household.members] == [
        ("Lê Văn An", "chủ hộ", "male", "999080000001"),
        ("Lê Thị Bình", "vợ", "female", None),
    ]
    assert (household.class_before, household.area, household.origin) == ("poor", "rural", "managed")
    assert (household.b1, household.b2) == (140, 30)


def test_a_list_may_repeat_the_household_code_and_its_head_on_every_row(tmp_path: Path) -> None:
    again = "H1,Lê Văn An,Lê Thị Bình,vợ,1982,nữ,,Thôn 1,nông thôn,hộ nghèo,140,30"
    parsed = read_households(write(tmp_path, HEADINGS, head(), again))
    assert [household.persons for household in parsed.records] == [2]


@pytest.mark.parametrize(
    ("written", "first", "precision"),
    [
        ("31/12/1990", date(1990, 12, 31), "day"),
        ("31-12-1990", date(1990, 12, 31), "day"),
        ("31.12.1990", date(1990, 12, 31), "day"),
        ("1990-12-31", date(1990, 12, 31), "day"),
        ("1/2/1990", date(1990, 2, 1), "day"),
        ("12/1990", date(1990, 12, 1), "month"),
        ("1990-12", date(1990, 12, 1), "month"),
        ("1990", date(1990, 1, 1), "year"),
    ],
)
def test_birth_dates_keep_the_precision_they_are_written_with(
    tmp_path: Path, written: str, first: date, precision: str
) -> None:
    (household,) = read_households(write(tmp_path, HEADINGS, head(birth=written))).records
    assert household.head.birth == PartialDate(first, precision)  # type: ignore[arg-type]  # a parameter of the test


@pytest.mark.parametrize("written", ["31/12/90", "1850", "00/1990", "13/1990", "0/1/1990", "tháng 12", "1990-02-30"])
def test_a_date_that_is_none_is_refused(tmp_path: Path, written: str) -> None:
    parsed = read_households(write(tmp_path, HEADINGS, head(birth=written)))
    assert [(e.row, e.column, e.value) for e in parsed.errors] == [(2, "ngày sinh", written)]


@pytest.mark.parametrize(
    ("written", "known_as"),
    [
        ("HỘ NGHÈO", "poor"),
        ("hộ nghèo thu nhập", "poor"),
        ("Hộ nghèo thiếu hụt tiếp cận dịch vụ xã hội cơ bản", "poor"),
        ("Hộ cận  nghèo", "near_poor"),
        ("hộ không nghèo", "none"),
    ],
)
def test_classes_are_read_the_dead_ones_of_2016_to_2020_too(tmp_path: Path, written: str, known_as: str) -> None:
    (household,) = read_households(write(tmp_path, HEADINGS, head(kind=written))).records
    assert household.class_before == known_as


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_either_normal_form_of_unicode_reads_the_same_and_is_kept_in_nfc(tmp_path: Path, form: str) -> None:
    lines = [unicodedata.normalize(form, line) for line in (HEADINGS, head(), MEMBER)]  # type: ignore[arg-type]  # a parameter of the test
    (household,) = read_households(write(tmp_path, *lines), villages={"T1": "Thôn 1"}).records
    assert household.head.name == unicodedata.normalize("NFC", "Lê Văn An")
    assert household.village == "T1"


def test_old_and_new_tone_marks_name_the_same_village(tmp_path: Path) -> None:
    path = write(tmp_path, HEADINGS, head().replace("Thôn 1", "Hoà Bình"))
    assert read_households(path, villages={"T5": "Thôn Hòa Bình"}).records[0].village == "T5"


def test_scores_may_be_called_a_and_b(tmp_path: Path) -> None:
    """SEED 3 calls “điểm A” and “điểm B” what the forms call B1 and B2."""
    path = write(tmp_path, HEADINGS.replace("B1,B2", "Điểm A,ĐIỂM B"), head())
    assert (read_households(path).records[0].b1, read_households(path).records[0].b2) == (140, 30)


@pytest.mark.parametrize(("delimiter", "encoding"), [(",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-8-sig")])
def test_csv_with_comma_semicolon_or_tab_and_with_or_without_a_mark(
    tmp_path: Path, delimiter: str, encoding: str
) -> None:
    lines = [line.replace(",", delimiter) for line in (HEADINGS, head(), MEMBER)]
    assert read_households(write(tmp_path, *lines, encoding=encoding)).records[0].persons == 2


def test_the_area_is_asked_of_the_caller_where_the_list_has_no_such_column(tmp_path: Path) -> None:
    path = write(tmp_path, HEADINGS.replace("khu vực,", ""), head().replace("nông thôn,", ""))
    assert [e.code for e in read_households(path).errors] == ["import.area_unasked"]
    assert read_households(path, area="urban").records[0].area == "urban"


def test_a_workbook_with_merged_titles_numbered_columns_and_native_dates(tmp_path: Path) -> None:
    book = Workbook()
    book.worksheets[0].title = "Bìa"
    sheet = book.create_sheet("Danh sách")
    sheet["A1"] = "DANH SÁCH HỘ NGHÈO, HỘ CẬN NGHÈO"
    sheet.merge_cells("A1:L1")
    sheet["A2"] = "Xã mẫu"
    sheet.append([h.upper() + ("\n(dd/mm/yyyy)" if h == "ngày sinh" else "") for h in HEADINGS.split(",")])
    sheet.append([f"({i})" for i in range(1, 13)])
    row: list[object] = [*head().split(",")]
    row[4], row[10], row[11] = datetime(1980, 3, 5), 140, 30.0  # noqa: DTZ001 -- a cell's day has no zone
    sheet.append(row)
    sheet.append([None, None, "Lê Thị Bình", "vợ", 1982, "Nữ"])
    sheet.append([None] * 12)
    book.save(tmp_path / "list.xlsx")
    parsed = read_households(tmp_path / "list.xlsx")
    assert parsed.errors == ()
    (household,) = parsed.records
    assert (household.sheet, household.row, household.persons) == ("Danh sách", 5, 2)
    assert household.head.birth == PartialDate(date(1980, 3, 5))
    assert household.members[1].birth == PartialDate(date(1982, 1, 1), "year")


def test_a_fault_in_a_workbook_names_its_sheet(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Xã Mẫu"
    for line in (HEADINGS, head(birth="31/11/1980")):
        sheet.append(line.split(","))
    book.save(tmp_path / "list.xlsx")
    (error,) = read_households(tmp_path / "list.xlsx").errors
    assert (error.sheet, error.row) == ("Xã Mẫu", 2)
    assert "trang “Xã Mẫu”" in error.sentence.vi


def test_a_request_without_a_class_comes_from_a_household_that_holds_none(tmp_path: Path) -> None:
    headings = f"{HEADINGS},nguồn,ngày đề nghị"
    (household,) = read_households(write(tmp_path, headings, f"{head(kind='')},Mẫu 01,19-9-2022")).records
    assert (household.origin, household.class_before) == ("request", "none")
    assert household.requested_on == date(2022, 9, 19)


def test_the_same_household_entered_twice_in_a_row_is_a_repeated_code_not_a_second_head(tmp_path: Path) -> None:
    again = head().replace("999080000001", "")
    parsed = read_households(write(tmp_path, HEADINGS, head(), again))
    assert [(e.row, e.code) for e in parsed.errors] == [(2, "import.key_twice"), (3, "import.key_twice")]
