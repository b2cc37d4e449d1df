"""Each deliberately broken file: every fault at its row and column, every faultless record still read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rasoat.importing import COMPLAINTS, MEETINGS, Parsed, read_acts, read_households

BROKEN = Path(__file__).parent / "broken"
VILLAGES = {"T1": "Thôn 1", "T2": "Thôn 2", "T5": "thôn Hoà Bình"}

HOUSEHOLD_FILES: dict[str, tuple[list[str], list[tuple[int, str, str, str]]]] = {
    "impossible-dates": (
        ["H4"],
        [
            (2, "ngày sinh", "31/11/1980", "date_impossible"),
            (3, "ngày sinh", "05/9/20221", "partial_date"),
            (4, "ngày sinh", "29/02/1981", "date_impossible"),
            (6, "ngày sinh", "12/13/2001", "date"),
        ],
    ),
    "bad-scores": (
        ["H4", "H5"],
        [
            (2, "B1", "-5", "whole_number"),
            (3, "B1", "1400", "whole_number"),
            (3, "B2", "25", "b2"),
            (4, "B1", "140.5", "whole_number"),
            (4, "B2", "130", "b2"),
        ],
    ),
    "repeated": (
        ["H4"],
        [
            (2, "mã hộ", "H1", "key_twice"),
            (3, "CCCD", "999080000002", "identity_twice"),
            (4, "mã hộ", "H1", "key_twice"),
            (6, "CCCD", "999080000002", "identity_twice"),
        ],
    ),
    "headless": (
        ["H1", "H5"],
        [
            (2, "mã hộ", "", "member_before_head"),
            (4, "mã hộ", "", "blank"),
            (5, "quan hệ với chủ hộ", "con", "not_head"),
            (7, "thành viên", "", "blank"),
            (8, "quan hệ với chủ hộ", "", "blank"),
        ],
    ),
    "unknown-village": (
        ["H5"],
        [
            (2, "mã thôn", "T9", "village_unknown"),
            (3, "thôn", "Thôn 9", "village_unknown"),
            (4, "mã thôn", "T1", "village_mismatch"),
            (5, "thôn", "", "blank"),
        ],
    ),
    "identity-numbers": (
        ["H3", "H4"],
        [(2, "CCCD", "42080000001", "identity"), (3, "CCCD", "9990810000O2", "identity")],
    ),
    "person-count": (["H2"], [(2, "số nhân khẩu", "3", "person_count")]),
    "unasked": (
        ["H6"],
        [
            (2, "khu vực", "", "area_unasked"),
            (3, "ngày đề nghị", "", "request_undated"),
            (4, "khu vực", "miền núi", "choice"),
            (5, "nguồn", "", "blank"),
            (6, "phân loại hộ", "", "blank"),
        ],
    ),
    "formulas": (
        [],
        [
            (2, "chủ hộ", '=HYPERLINK("x")', "plain_text"),
            (3, "mã thôn", "@T1", "plain_text"),
            (4, "phân loại hộ", "hộ giàu", "choice"),
            (5, "giới tính", "", "blank"),
        ],
    ),
    "no-class-column": ([], [(1, "phân loại hộ", "", "column_missing")]),
}


def faults(parsed: Parsed[Any]) -> list[tuple[int | None, str | None, str, str]]:
    return [(e.row, e.column, e.value, e.code.removeprefix("import.")) for e in parsed.errors]


@pytest.mark.parametrize("name", HOUSEHOLD_FILES)
def test_each_fault_of_a_household_list_is_named_and_only_its_household_refused(name: str) -> None:
    good, expected = HOUSEHOLD_FILES[name]
    parsed = read_households(BROKEN / f"{name}.csv", villages=VILLAGES)
    assert faults(parsed) == expected
    assert [household.code for household in parsed.records] == good
    assert not parsed.ok


def test_each_fault_of_a_meeting_file_is_named() -> None:
    parsed = read_acts(BROKEN / "hop-dan.csv", MEETINGS, known={"village": VILLAGES})
    assert sorted(faults(parsed)) == [
        (2, "số người đồng ý", "10", "not_above"),
        (3, "mã thôn", "T9", "unknown"),
        (3, "số hộ có đại diện", "7", "not_above"),
        (3, "thư ký ký", "rồi", "choice"),
        (4, "lần", "0", "whole_number"),
        (4, "ngày", "31/11/2022", "date_impossible"),
        (4, "số bản", "hai", "whole_number"),
        (4, "số người tham dự", "0", "whole_number"),
        (5, "mã biên bản", "BB4", "key_twice"),
        (6, "mã biên bản", "BB4", "key_twice"),
    ]
    assert parsed.records == ()


def test_each_fault_of_a_complaint_file_is_named() -> None:
    parsed = read_acts(BROKEN / "khieu-nai.csv", COMPLAINTS, known={"household": {"H1"}})
    assert faults(parsed) == [
        (2, "ngày nhập", "10/10/2022", "not_before"),
        (3, "mã hộ", "H7", "unknown"),
        (4, "kết quả", "đúng một phần", "choice"),
    ]


def test_an_impossible_day_is_answered_with_the_month_s_last_day_and_not_rolled_over() -> None:
    error = read_households(BROKEN / "impossible-dates.csv").errors[0]
    assert "30/11/1980" in error.expected.vi
    assert error.sentence.vi.startswith("impossible-dates.csv, dòng 2, cột “ngày sinh”: “31/11/1980”. Cần: ")
    assert error.sentence.en.startswith("impossible-dates.csv, row 2, column “ngày sinh”: “31/11/1980”. Expected: ")


def test_a_value_with_braces_is_shown_as_it_stands(tmp_path: Path) -> None:
    text = (BROKEN / "formulas.csv").read_text(encoding="utf-8").replace("hộ giàu", "{place}")
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    sentences = [error.sentence.en for error in read_households(tmp_path / "a.csv", villages=VILLAGES).errors]
    assert any("“{place}”" in sentence for sentence in sentences)
