"""What goes out again: the refused rows to be mended, and the lists of Phụ lục VI."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from openpyxl import load_workbook

from rasoat.importing import (
    COMPLAINTS,
    Place,
    ResultHousehold,
    read_acts,
    read_households,
    write_refused,
    write_result_lists,
)

if TYPE_CHECKING:
    from rasoat.importing.records import HouseholdClass

BROKEN = Path(__file__).parent / "broken"
PLACE = Place("Hà Tĩnh", "Cẩm Xuyên", "446", "Cẩm Duệ", "18766")
HEADINGS = "mã hộ,chủ hộ,thành viên,quan hệ,ngày sinh,giới tính,CCCD,mã thôn,khu vực,phân loại hộ"


def cells(path: Path) -> list[list[str]]:
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.reader(file))
    return [["" if c is None else str(c) for c in row] for row in load_workbook(path).worksheets[0].values]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_refused_households_go_out_whole_with_the_reason_and_come_in_once_mended(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"refused{suffix}"
    parsed = read_households(BROKEN / "impossible-dates.csv")
    assert write_refused(path, parsed) == 5
    header, *rows = cells(path)
    assert header[-1] == "lý do"
    assert [row[-1].split(":")[0] for row in rows] == ["ngày sinh", "ngày sinh", "ngày sinh", "", "ngày sinh"]

    again = read_households(path)
    assert [e.code for e in again.errors] == [e.code for e in parsed.errors]

    mended = {"31/11/1980": "30/11/1980", "05/9/20221": "05/9/2022", "29/02/1981": "28/02/1981", "12/13/2001": "2001"}
    fixed = [[mended.get(cell, cell) for cell in row[:-1]] for row in (header, *rows)]
    with (tmp_path / "mended.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(fixed)
    assert [(h.code, h.persons) for h in read_households(tmp_path / "mended.csv").records] == [
        ("H1", 2),
        ("H2", 1),
        ("H3", 2),
    ]


def test_the_reasons_of_an_earlier_refusal_are_replaced(tmp_path: Path) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    write_refused(first, read_acts(BROKEN / "khieu-nai.csv", COMPLAINTS))
    write_refused(second, read_acts(first, COMPLAINTS))
    assert cells(first) == cells(second)
    assert cells(second)[0].count("lý do") == 1


def test_text_that_looks_like_a_formula_leaves_as_text(tmp_path: Path) -> None:
    path = tmp_path / "refused.xlsx"
    write_refused(path, read_households(BROKEN / "formulas.csv"))
    cell = load_workbook(path).worksheets[0]["B2"]
    assert (cell.value, cell.data_type) == ('=HYPERLINK("x")', "s")


CASES: dict[str, tuple[HouseholdClass, HouseholdClass, tuple[bool, bool, bool]]] = {
    "stays poor": ("poor", "poor", (True, False, False)),
    "poor to near-poor": ("poor", "near_poor", (True, True, False)),
    "poor to above": ("poor", "none", (False, True, False)),
    "fell back": ("near_poor", "poor", (True, False, False)),
    "stays near-poor": ("near_poor", "near_poor", (True, False, False)),
    "near-poor to above": ("near_poor", "none", (False, False, True)),
    "newly poor": ("none", "poor", (True, False, False)),
    "newly near-poor": ("none", "near_poor", (True, False, False)),
    "never": ("none", "none", (False, False, False)),
}
WORDS = {"poor": "hộ nghèo", "near_poor": "hộ cận nghèo", "none": "hộ không nghèo"}


@pytest.mark.parametrize("name", CASES)
def test_each_change_of_class_stands_on_the_lists_it_belongs_to(tmp_path: Path, name: str) -> None:
    before, after, expected = CASES[name]
    source = tmp_path / "in.csv"
    head = f"H1,Lê Văn An,,chủ hộ,12/1980,nam,999080000001,T1,nông thôn,{WORDS[before]}"
    source.write_text(f"{HEADINGS}\n{head}\n,,Lê Thị Bình,vợ,05/03/1982,nữ,,,,\n", encoding="utf-8")
    (household,) = read_households(source).records
    result = ResultHousehold(household, "Thôn 1", after, 141, 30, "612/QĐ-UBND", date(2022, 11, 11))

    workbook, *lists = write_result_lists(tmp_path / "out", [result], PLACE)

    on_csv = tuple(len(cells(path)) == 3 for path in lists)
    on_sheet = tuple(sheet.max_row == 4 for sheet in load_workbook(workbook).worksheets)
    assert on_csv == on_sheet == expected


@pytest.mark.parametrize("file", ["phu-luc-VI.xlsx", "ho-ngheo-can-ngheo.csv"])
def test_the_recognised_list_is_next_year_s_managed_list(tmp_path: Path, file: str) -> None:
    source = tmp_path / "in.csv"
    head = "H1,Lê Văn An,,chủ hộ,12/1980,nam,999080000001,T1,nông thôn,hộ cận nghèo"
    source.write_text(f"{HEADINGS}\n{head}\n,,Lê Thị Bình,vợ,05/03/1982,nữ,,,,\n", encoding="utf-8")
    (household,) = read_households(source).records
    result = ResultHousehold(household, "Thôn 1", "poor", 140, 30, "612/QĐ-UBND", date(2022, 11, 11))
    write_result_lists(tmp_path, [result], PLACE)

    parsed = read_households(tmp_path / file, villages={"T1": "Thôn 1"})

    assert parsed.errors == ()
    (next_year,) = parsed.records
    assert [(m.name, m.birth, m.sex, m.identity) for m in next_year.members] == [
        (m.name, m.birth, m.sex, m.identity) for m in household.members
    ]
    assert (next_year.class_before, next_year.b1, next_year.b2) == ("poor", 140, 30)
    assert (next_year.decision_number, next_year.decided_on) == ("612/QĐ-UBND", date(2022, 11, 11))
