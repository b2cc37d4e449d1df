from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasoat.notifications.wording import (
    counted,
    grouped_digits,
    official_date,
    percentage,
    scope,
    short_date,
    standing,
    vietnamese_date,
)

WEEKDAYS = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")


def test_a_day_is_written_as_officials_write_it():
    assert vietnamese_date(date(2022, 10, 27)) == "thứ Năm, 27/10/2022"
    assert vietnamese_date(date(2026, 11, 15)) == "Chủ nhật, 15/11/2026"
    assert vietnamese_date(date(2025, 1, 2)) == "thứ Năm, 02/01/2025"
    assert official_date(date(2022, 10, 27), "en") == "Thursday, 27 October 2022"
    assert short_date(date(2025, 1, 2), "vi") == "02/01/2025"
    assert short_date(date(2025, 1, 2), "en") == "2 January 2025"


@given(st.dates(date(2000, 1, 1), date(2099, 12, 25)))
def test_the_weekday_is_right_on_every_day(day):
    week = [vietnamese_date(day + timedelta(days=n)).split(", ")[0] for n in range(7)]
    start = (day - date(2024, 1, 1)).days % 7  # 01/01/2024 was a Monday
    assert week == [WEEKDAYS[(start + n) % 7] for n in range(7)]


@given(st.dates(date(1900, 1, 1), date(2999, 12, 31)))
def test_day_month_and_year_can_be_read_back(day):
    written = vietnamese_date(day).split(", ")[1]
    assert tuple(int(part) for part in written.split("/")) == (day.day, day.month, day.year)
    assert len(written) == len("27/10/2022")


def test_thousands_are_set_apart_as_each_language_does():
    assert grouped_digits(10_000, "vi") == "10.000"
    assert grouped_digits(10_000, "en") == "10,000"


@pytest.mark.parametrize(
    ("share", "vi"),
    [
        (Fraction(37, 40), "92,5"),
        (Fraction(9999, 10000), "99,9"),
        (Fraction(2, 3), "66,7"),
        (Fraction(1), "100,0"),
        (Fraction(0), "0,0"),
    ],
)
def test_a_share_is_written_with_one_decimal(share, vi):
    assert percentage(share, "vi") == f"{vi}\u00a0%"


@given(st.integers(1, 10**9).flatmap(lambda whole: st.tuples(st.integers(0, whole - 1), st.just(whole))))
def test_a_share_never_reads_as_everything_while_something_is_missing(pair):
    part, whole = pair
    shown = percentage(Fraction(part, whole), "en")
    assert shown != "100.0\u00a0%"
    assert abs(Fraction(shown.removesuffix("\u00a0%")) / 100 - Fraction(part, whole)) <= Fraction(1, 1000)


def test_one_household_is_singular_in_english_and_plain_in_vietnamese():
    assert counted("household", 1, "en") == "1 household"
    assert counted("household", 2, "en") == "2 households"
    assert counted("household", 1, "vi") == "1 hộ"


def test_scope_names_the_village_when_there_is_one():
    assert scope(100, "household", "thôn 3", "vi") == "100 hộ, thôn 3"
    assert scope(2, "case", "", "en") == "2 cases"


def test_a_term_stands_before_on_and_after_its_last_day():
    assert standing(2, "vi") == "còn 2 ngày làm việc"
    assert standing(0, "vi") == "hết hạn hôm nay"
    assert standing(-1, "vi") == "quá hạn 1 ngày làm việc"
    assert standing(-3, "en") == "3 working days overdue"


def test_weekdays_months_digits_and_plurals_are_those_of_cldr():
    """Babel is no dependency of what runs (decision 0008); where it is installed, its data is asked."""
    babel = pytest.importorskip("babel")
    numbers = pytest.importorskip("babel.numbers")
    for language in ("vi", "en"):
        locale = babel.Locale(language)
        for n in range(7):
            day = date(2022, 10, 24) + timedelta(days=n)
            assert official_date(day, language).split(",")[0].lower() == locale.days["format"]["wide"][n].lower()
        for number in (0, 7, 999, 1000, 10_000, 1_234_567):
            assert grouped_digits(number, language) == numbers.format_decimal(number, locale=language)
    english = babel.Locale("en")
    for month in range(1, 13):
        assert english.months["format"]["wide"][month] in official_date(date(2022, month, 3), "en")
    for count in (0, 1, 2, 11, 21, 101):
        form = {"one": "household", "other": "households"}[english.plural_form(count)]
        assert counted("household", count, "en").split()[1] == form
    assert {babel.Locale("vi").plural_form(count) for count in range(200)} == {"other"}
