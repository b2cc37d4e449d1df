"""Administrative units as of a day, across the end of the district level, and what a faulty file is refused for."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from rasoat.foundation.errors import InputError, NotFoundError
from rasoat.workflows.rows import RowsRefusedError
from rasoat.workflows.unit_files import load_units, sample_units
from rasoat.workflows.units import DISTRICTS_END, Change, Lineage, Unit, UnitLevel, Units

if TYPE_CHECKING:
    from pathlib import Path

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
    return load_units(folder / "units.csv", folder / "changes.csv")


def faults(folder: Path, units: str = UNITS, changes: str = CHANGES) -> list[tuple[str, int, str, str]]:
    with pytest.raises(RowsRefusedError) as refused:
        loaded(folder, units, changes)
    return [(fault.file, fault.row, fault.column, fault.value) for fault in refused.value.rows]


def codes(units: tuple[Unit, ...]) -> list[str]:
    return [unit.code for unit in units]


def test_a_path_has_a_district_until_30_june_2025_and_none_after():
    assert sample_units().path("18739.01", LAST) == "/42/446/18739/01"
    assert sample_units().path("18739.01", FIRST) == "/42/18739/01"


def test_ancestors_come_from_the_top():
    assert codes(sample_units().ancestors("18739.01", LAST)) == ["42", "446", "18739"]
    assert codes(sample_units().ancestors("18739.01", FIRST)) == ["42", "18739"]
    assert sample_units().ancestors("42", FIRST) == ()


def test_a_subtree_is_that_of_the_day():
    assert codes(sample_units().subtree("446", LAST)) == [
        "446",
        "18739",
        "18739.01",
        "18739.02",
        "S0001",
        "S0001.01",
    ]
    assert codes(sample_units().subtree("18739", FIRST)) == ["18739", "18739.01", "18739.02", "18739.03"]
    assert codes(sample_units().subtree("42", FIRST)) == ["42", "18739", "18739.01", "18739.02", "18739.03"]


def test_a_merged_commune_is_followed_to_what_it_went_into():
    (successor,) = sample_units().successors("S0001", FIRST, since=LAST)
    assert (successor.code, successor.parent) == ("18739", "42")
    (village,) = sample_units().successors("S0001.01", FIRST, since=LAST)
    assert (village.code, village.name) == ("18739.03", "Thôn Mẫu 3")


def test_before_the_change_a_unit_is_its_own_successor():
    assert codes(sample_units().successors("S0001", LAST, since=date(2020, 1, 1))) == ["S0001"]
    assert codes(sample_units().successors("18739.01", FIRST, since=LAST)) == ["18739.01"]


def test_a_district_that_ended_has_no_successor():
    assert sample_units().successors("446", FIRST, since=LAST) == ()


def test_successors_of_an_earlier_day_are_refused():
    with pytest.raises(InputError, match="2025-06-30 lies before 2025-07-01"):
        sample_units().successors("18739", LAST, since=FIRST)


def test_a_unit_asked_on_a_day_on_which_it_did_not_stand_tells_when_it_did():
    with pytest.raises(NotFoundError, match="no unit 446 on 2025-07-01; it stood 2016-01-01 – 2025-06-30"):
        sample_units().at("446", FIRST)
    with pytest.raises(NotFoundError, match="no unit 99 on"):
        sample_units().at("99", FIRST)


def test_splits_renamings_and_later_changes_are_followed_in_turn():
    units = Units(
        [
            Unit("1", "P", UnitLevel.PROVINCE, None, date(2016, 1, 1)),
            Unit("10", "Xã A", UnitLevel.COMMUNE, "1", date(2016, 1, 1), date(2019, 12, 31)),
            Unit("11", "Xã A Đông", UnitLevel.COMMUNE, "1", date(2020, 1, 1)),
            Unit("12", "Xã A Tây", UnitLevel.COMMUNE, "1", date(2020, 1, 1), date(2021, 12, 31)),
            Unit("12", "Xã B", UnitLevel.COMMUNE, "1", date(2022, 1, 1), date(2022, 12, 31)),
            Unit("13", "Xã B", UnitLevel.COMMUNE, "1", date(2023, 1, 1)),
            Unit("10", "Xã khác", UnitLevel.COMMUNE, "1", date(2024, 1, 1)),
        ],
        [
            Lineage(Change.SPLIT, "10", "11", date(2020, 1, 1)),
            Lineage(Change.SPLIT, "10", "12", date(2020, 1, 1)),
            Lineage(Change.RENAMED, "12", "12", date(2022, 1, 1)),
            Lineage(Change.RECODED, "12", "13", date(2023, 1, 1)),
        ],
    )
    start = date(2018, 1, 1)
    assert codes(units.successors("10", date(2021, 6, 1), since=start)) == ["11", "12"]
    assert [u.name for u in units.successors("12", date(2022, 6, 1), since=date(2021, 1, 1))] == ["Xã B"]
    assert codes(units.successors("10", date(2025, 1, 1), since=start)) == ["11", "13"]
    assert len(units) == 5
    assert codes(units.on(date(2022, 6, 1))) == ["1", "11", "12"]


def test_a_code_given_out_anew_is_another_unit():
    units = Units(
        [
            Unit("10", "Cũ", UnitLevel.PROVINCE, None, date(2016, 1, 1), date(2019, 12, 31)),
            Unit("10", "Mới", UnitLevel.PROVINCE, None, date(2024, 1, 1)),
        ]
    )
    assert units.successors("10", date(2025, 1, 1), since=date(2018, 1, 1)) == ()


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
        ("42,01/07/2025,", "42,01/07/2025,2025-06-01", 5, "valid_to", "2025-06-01"),
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


def test_a_file_with_other_columns_or_of_another_kind_is_refused(tmp_path):
    with pytest.raises(InputError, match="expected the columns code, name, level, valid_from"):
        loaded(tmp_path, "code,name\n1,A\n")
    with pytest.raises(RowsRefusedError, match="exactly 6 cells"):
        loaded(tmp_path, UNITS + "1,2\n")
    with pytest.raises(InputError, match=r"expected a \.toml or \.csv file"):
        load_units(tmp_path / "units.txt")


def test_a_toml_file_with_unknown_tables_or_columns_is_refused(tmp_path):
    path = tmp_path / "units.toml"
    path.write_text('[[units]]\ncode = "1"\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"expected only \[\[unit\]\], \[\[change\]\] tables, found units"):
        load_units(path)
    path.write_text('[[unit]]\ncode = "1"\ncolour = "red"\n', encoding="utf-8")
    with pytest.raises(RowsRefusedError, match=r"units\.toml \[\[unit\]\], row 1, colour: 'red'"):
        load_units(path)
