"""Units from tables and TOML: one reader, one check, with days and lineage or without."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from rasoat.importing import read_units
from rasoat.importing.registering import villages_of
from rasoat.importing.units import UNDATED
from rasoat.persistence.rounds import UnitRow
from rasoat.workflows.rows import RowsRefusedError
from rasoat.workflows.unit_files import unit_rows
from rasoat.workflows.units import DISTRICTS_END

if TYPE_CHECKING:
    from pathlib import Path

    from rasoat.workflows.units import Unit, Units

LAST, FIRST = date(2025, 6, 30), date(2025, 7, 1)
UNITS = """code,name,level,parent,valid_from,valid_to
42,Tỉnh A,province,,2016-01-01,
446,Huyện B,district,42,2016-01-01,30/06/2025
18739,Xã C,commune,446,2016-01-01,30/06/2025
18739,Xã C,commune,42,01/07/2025,
18739.01,Thôn 1,village,18739,2016-01-01,
"""
CHANGES = "change,from,to,on,decision\nmerged,18739,18739,2025-07-01,NQ 1\n"


def loaded(folder: Path, units: str = UNITS, changes: str = CHANGES) -> Units:
    (folder / "units.csv").write_text(units, encoding="utf-8")
    (folder / "changes.csv").write_text(changes, encoding="utf-8")
    return read_units(folder / "units.csv", folder / "changes.csv")


def faults(folder: Path, units: str = UNITS, changes: str = CHANGES) -> list[tuple[str, int, str, str]]:
    with pytest.raises(RowsRefusedError) as refused:
        loaded(folder, units, changes)
    return [(fault.file, fault.row, fault.column, fault.value) for fault in refused.value.rows]


def codes(units: tuple[Unit, ...]) -> list[str]:
    return [unit.code for unit in units]


def test_units_and_changes_are_read_from_csv(tmp_path):
    units = loaded(tmp_path)
    assert units.path("18739.01", LAST) == "/42/446/18739/01"
    assert codes(units.successors("18739", FIRST, since=LAST)) == ["18739"]


def test_no_district_stands_after_the_day_on_which_the_level_ended(tmp_path):
    assert DISTRICTS_END == LAST
    assert faults(
        tmp_path, UNITS.replace("446,Huyện B,district,42,2016-01-01,30/06/2025", "446,Huyện B,district,42,2016-01-01,")
    ) == [("units.csv", 3, "valid_to", "")]


@pytest.mark.parametrize(
    ("old", "new", "row", "column", "value"),
    [
        ("Xã C,commune,446", "Xã C,county,446", 4, "level", "county"),
        (
            "446,2016-01-01,30/06/2025\n18739,Xã C,commune,42",
            "446,31/11/2016,30/06/2025\n18739,Xã C,commune,42",
            4,
            "valid_from",
            "31/11/2016",
        ),
        ("18739,Xã C,commune,42,01/07/2025", "18739,,commune,42,01/07/2025", 5, "name", ""),
        ("42,01/07/2025,", "42,01/07/2025,2025-06-01", 5, "valid_to", "01/06/2025"),
        ("42,01/07/2025,", "42,01/06/2025,", 5, "code", "18739"),
        ("42,01/07/2025,", ",01/07/2025,", 5, "parent", ""),
        ("42,01/07/2025,", "77,01/07/2025,", 5, "parent", "77"),
        ("42,01/07/2025,", "446,01/07/2025,", 5, "parent", "446"),
        ("18739.01,Thôn 1,village", "18740.01,Thôn 1,village", 6, "code", "18740.01"),
        ("18739.01,Thôn 1,village", "18739.01,Thôn 1,province", 6, "code", "18739.01"),
        ("42,Tỉnh A,province,,", "4/2,Tỉnh A,province,,", 2, "code", "4/2"),
    ],
)
def test_a_faulty_row_is_named_with_its_column_and_value(tmp_path, old, new, row, column, value):
    assert ("units.csv", row, column, value) in faults(tmp_path, UNITS.replace(old, new))


def test_a_parent_must_be_of_a_higher_level(tmp_path):
    extra = "18740,Xã D,commune,18739,2016-01-01,\n"
    assert ("units.csv", 7, "parent", "18739") in faults(tmp_path, UNITS + extra)


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ("merged,77777,18739,2025-07-01,", "from"),
        ("merged,446,18739,2025-08-01,", "from"),
        ("merged,18739,446,2025-07-01,", "to"),
        ("renamed,446,18739,2025-07-01,", "to"),
        ("recoded,18739,18739,2025-07-01,", "to"),
        ("sold,18739,18739,2025-07-01,", "change"),
        ("merged,18739,18739,,", "on"),
    ],
)
def test_a_faulty_change_is_named(tmp_path, change, column):
    found = faults(tmp_path, changes=f"change,from,to,on,decision\n{change}\n")
    assert [(file, row, named) for file, row, named, _ in found] == [("changes.csv", 2, column)]


def said(path: Path, changes: Path | None = None) -> list[tuple[str, int | None, str | None]]:
    with pytest.raises(RowsRefusedError) as refused:
        read_units(path, changes)
    return [(str(fault.code), fault.row, fault.column) for fault in refused.value.rows]


def test_a_file_without_its_columns_or_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "units.csv"
    path.write_text("code,name\n1,A\n", encoding="utf-8")
    assert said(path) == [("import.column_missing", 1, "cấp")]
    path.write_text("mã đơn vị,tên,cấp,đến ngày\n42,Tỉnh A,tỉnh,31/12/2030\n", encoding="utf-8")
    assert said(path) == [("import.column_missing", 1, "từ ngày")]
    assert said(tmp_path / "units.txt") == [("import.missing_file", None, None)]


def test_days_are_asked_of_every_row_of_a_list_that_gives_them(tmp_path):
    path = tmp_path / "units.csv"
    path.write_text("mã đơn vị,tên,cấp,từ ngày\n42,Tỉnh A,tỉnh,\n", encoding="utf-8")
    assert said(path) == [("rows.missing", 2, "từ ngày")]


OWN = """Danh sách đơn vị hành chính
mã đơn vị;tên;cấp;mã cấp trên
42;Tỉnh A;tỉnh;
446;Huyện B;huyện;42
18766;Xã C;xã;446
18769;Xã D;xã;446
01;Thôn 1;thôn;18766
01;Thôn 1;thôn;18769
05;Thôn 5;thôn;18769
"""


def own(folder: Path, given: str = OWN) -> Path:
    path = folder / "don-vi.csv"
    path.write_text(given, encoding="utf-8")
    return path


def test_a_communes_own_list_without_days_says_what_stands_districts_too(tmp_path):
    units = read_units(own(tmp_path))
    assert units.path("18769.01", UNDATED) == units.path("18769.01", LAST) == "/42/446/18769/01"
    assert {unit.valid_to for unit in units.versions()} == {None}
    assert {row["path"]: row["code"] for row in unit_rows(units)}["42/446/18766/01"] == "01"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("18769;Xã D;xã;446", "18769;Xã D;xã;447", ("units.parent_not_valid", 6, "mã cấp trên")),
        ("05;Thôn 5;thôn;18769", "01;Thôn 5;thôn;18769", ("units.twice", 9, "mã đơn vị")),
        ("05;Thôn 5;thôn;18769", "05;Thôn 5;làng;18769", ("import.choice", 9, "cấp")),
        ("05;Thôn 5;thôn;18769", "18766.05;Thôn 5;thôn;18769", ("units.village_code", 9, "mã đơn vị")),
    ],
)
def test_a_communes_own_list_is_held_to_the_same_check(tmp_path, old, new, fault):
    assert fault in said(own(tmp_path, OWN.replace(old, new)))


def test_a_fault_of_units_is_told_in_both_languages(tmp_path):
    with pytest.raises(RowsRefusedError) as refused:
        read_units(own(tmp_path, OWN.replace("18769;Xã D;xã;446", "18769;Xã D;xã;447")))
    assert "dòng 6, cột “mã cấp trên”" in str(refused.value.vi)
    assert "row 6, column “mã cấp trên”" in str(refused.value)


def test_a_village_is_called_by_its_own_code_where_one_commune_has_it_and_by_both_anywhere(tmp_path):
    stored = [UnitRow(**row) for row in unit_rows(read_units(own(tmp_path)))]
    several, one = villages_of(stored), villages_of(stored, "42/446/18766")
    assert set(several.ambiguous) == {"01"}
    assert several.paths == {
        "18766.01": "42/446/18766/01",
        "18769.01": "42/446/18769/01",
        "05": "42/446/18769/05",
        "18769.05": "42/446/18769/05",
    }
    assert one.paths == {"01": "42/446/18766/01", "18766.01": "42/446/18766/01"}
