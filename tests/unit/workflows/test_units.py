"""Administrative units as of a day, across the end of the district level, and what a faulty file is refused for."""

from __future__ import annotations

from datetime import date

import pytest

from rasoat.foundation.errors import InputError, NotFoundError
from rasoat.workflows.rows import RowsRefusedError
from rasoat.workflows.unit_files import load_units, sample_units
from rasoat.workflows.units import Change, Lineage, Unit, UnitLevel, Units

LAST, FIRST = date(2025, 6, 30), date(2025, 7, 1)


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


def test_a_toml_file_with_unknown_tables_or_columns_is_refused(tmp_path):
    path = tmp_path / "units.toml"
    path.write_text('[[units]]\ncode = "1"\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"expected only \[\[unit\]\], \[\[change\]\] tables, found units"):
        load_units(path)
    path.write_text('[[unit]]\ncode = "1"\ncolour = "red"\n', encoding="utf-8")
    with pytest.raises(RowsRefusedError, match=r"units\.toml \[\[unit\]\], row 1, column “colour”: “red”"):
        load_units(path)
