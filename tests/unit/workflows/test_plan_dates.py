"""Date expressions as the five plans and other papers write them."""

from __future__ import annotations

import unicodedata
from datetime import date

import pytest

from rasoat.workflows.plans import DateExpression, Finding, Kind, parse, vietnamese


def only(expression: DateExpression) -> Finding:
    (found,) = expression.findings
    return found


def at(expression: DateExpression, found: Finding) -> str:
    assert found.span is not None
    return expression.text[found.span.begin : found.span.end]


@pytest.mark.parametrize(
    ("written", "kind", "first", "last"),
    [
        ("Từ ngày 21/9 đến 30/10/2022", Kind.WINDOW, date(2022, 9, 21), date(2022, 10, 30)),
        ("Từ ngày 01/9 đến hết ngày 14/12/2024", Kind.WINDOW, date(2024, 9, 1), date(2024, 12, 14)),
        ("Từ ngày 16/11\u00a0đến ngày 30/11/2024", Kind.WINDOW, date(2024, 11, 16), date(2024, 11, 30)),
        ("từ ngày 21/8/2021 đến trước ngày 01/9/2021", Kind.WINDOW, date(2021, 8, 21), date(2021, 8, 31)),
        (
            "từ ngày 20 tháng 11 đến hết ngày 30 tháng 12 năm 2020",
            Kind.WINDOW,
            date(2020, 11, 20),
            date(2020, 12, 30),
        ),
        ("01/9 - 14/12/2024", Kind.WINDOW, date(2024, 9, 1), date(2024, 12, 14)),
        ("01/9–hết 14/12/2024", Kind.WINDOW, date(2024, 9, 1), date(2024, 12, 14)),
        ("1-9 - 14-12-2024", Kind.WINDOW, date(2024, 9, 1), date(2024, 12, 14)),
        ("từ ngày 15-20/11/2022", Kind.WINDOW, date(2022, 11, 15), date(2022, 11, 20)),
        ("từ ngày 01 đến ngày 14/12/2022", Kind.WINDOW, date(2022, 12, 1), date(2022, 12, 14)),
        ("từ 15/12/2024 đến 10/01/2025", Kind.WINDOW, date(2024, 12, 15), date(2025, 1, 10)),
        ("trước ngày 30/6/2024", Kind.BEFORE, None, date(2024, 6, 29)),
        ("Trước ngày 01/3/2024", Kind.BEFORE, None, date(2024, 2, 29)),
        ("đến hết ngày 14/12/2024", Kind.UNTIL, None, date(2024, 12, 14)),
        ("chậm nhất ngày 14/12/2024", Kind.UNTIL, None, date(2024, 12, 14)),
        ("kể từ ngày 16/11/2021", Kind.FROM, date(2021, 11, 16), None),
        ("sau ngày 15/11/2021", Kind.FROM, date(2021, 11, 16), None),
        ("31-8-2022", Kind.DAY, date(2022, 8, 31), date(2022, 8, 31)),
        ("31.8.2022", Kind.DAY, date(2022, 8, 31), date(2022, 8, 31)),
        ("sáng ngày 20/11/2020", Kind.DAY, date(2020, 11, 20), date(2020, 11, 20)),
        ("trong tháng 10/2022", Kind.DAY, date(2022, 10, 1), date(2022, 10, 31)),
        ("đến hết tháng 2 năm 2024", Kind.UNTIL, None, date(2024, 2, 29)),
    ],
)
def test_an_expression_is_read_as_its_words_say(written, kind, first, last):
    read = parse(written)
    assert (read.kind, read.first, read.last) == (kind, first, last)
    assert (read.meant_first, read.meant_last) == (first, last)
    assert read.sound
    assert read.findings == ()


def test_a_monthly_round_opens_on_its_day():
    read = parse("từ ngày 15 hằng tháng")
    assert (read.kind, read.day_of_month, read.findings) == (Kind.MONTHLY, 15, ())
    assert parse("ngày 05 hàng tháng").day_of_month == 5


def test_both_normal_forms_of_vietnamese_read_alike():
    written = "Từ ngày 16/11 đến 31/11/2022"
    assert parse(unicodedata.normalize("NFD", written)) == parse(written)


def test_an_impossible_date_stays_unread_and_its_month_end_is_suggested():
    read = parse("Từ ngày 16/11 đến 31/11/2022")
    assert (read.first, read.last) == (date(2022, 11, 16), None)
    assert read.meant_last == date(2022, 11, 30)
    found = only(read)
    assert (found.code, found.replacement, at(read, found)) == ("date.impossible", "30/11/2022", "31/11/2022")
    assert "30/11/2022" in found.suggestion.vi
    assert not read.sound


@pytest.mark.parametrize(
    ("written", "suggested"),
    [
        ("29/02/2023", "28/02/2023"),
        ("10/15/2022", "15/10/2022"),
        ("45/13/2022", None),
        ("0/5/2022", None),
        ("sau ngày 31/12/9999", None),
    ],
)
def test_a_date_that_does_not_exist_is_never_rolled(written, suggested):
    read = parse(written)
    assert read.first is None
    assert only(read).replacement == suggested


def test_a_five_digit_year_and_a_missing_end_are_two_findings():
    read = parse("Từ ngày 05/9/20221", year=2022, expects=Kind.WINDOW, following=date(2022, 9, 21))
    assert (read.first, read.last) == (None, None)
    length, end = read.findings
    assert (length.code, length.replacement, at(read, length)) == ("date.year_length", "05/9/2022", "05/9/20221")
    assert (end.code, end.replacement) == ("date.end_missing", "từ ngày 05/9/2022 đến ngày 20/9/2022")
    assert (read.meant_first, read.meant_last) == (date(2022, 9, 5), date(2022, 9, 20))


@pytest.mark.parametrize(
    ("written", "year", "suggested"),
    [
        ("05/9/20221", None, "05/9/2022"),
        ("05/9/20221", 2021, "05/9/2021"),
        ("05/9/22", None, "05/9/2022"),
        ("05/9/202", 2022, "05/9/2022"),
        ("05/9/0022", 2022, "05/9/2022"),
        ("05/9/2022000", None, "05/9/2022"),
    ],
)
def test_a_year_without_four_digits_is_asked_about(written, year, suggested):
    read = parse(written, year=year)
    assert read.first is None
    assert (only(read).code, only(read).replacement) == ("date.year_length", suggested)


def test_a_missing_end_without_a_next_step_has_no_replacement():
    found = only(parse("Từ ngày 05/9/2022", expects=Kind.WINDOW))
    assert (found.code, found.replacement) == ("date.end_missing", None)
    assert 'kind = "from"' in found.suggestion.en


def test_an_open_range_that_is_declared_open_lacks_nothing():
    assert parse("Từ ngày 05/9/2022", expects=Kind.FROM).findings == ()


def test_a_range_that_ends_before_it_begins_keeps_both_days_and_suggests_the_year():
    read = parse("Từ ngày 12/10/2021 đến ngày 18/10/2020", year=2021)
    assert (read.first, read.last) == (date(2021, 10, 12), date(2020, 10, 18))
    assert read.meant_last == date(2021, 10, 18)
    found = only(read)
    assert (found.code, found.replacement, at(read, found)) == ("date.order", "18/10/2021", "18/10/2020")


def test_the_start_is_suspected_when_the_end_stands_in_the_plans_year():
    read = parse("Từ ngày 12/10/2022 đến ngày 18/10/2021", year=2021)
    assert [(f.code, f.replacement) for f in read.findings] == [("date.order", "12/10/2021")]


def test_a_range_over_new_year_with_one_year_written_suggests_the_year_before():
    read = parse("Từ 15/12 đến 10/01/2025")
    assert (only(read).code, only(read).replacement) == ("date.order", "15/12/2024")
    assert read.first == date(2025, 12, 15)


def test_a_range_turned_round_within_a_year_has_no_suggested_day():
    read = parse("Từ 30/11 đến 16/11/2022")
    assert (only(read).code, only(read).replacement) == ("date.order", None)
    assert (read.meant_first, read.meant_last) == (None, None)


def test_an_earlier_year_than_the_plans_is_held_for_a_slip():
    read = parse("Trước ngày 29/10/2020", year=2021)
    assert read.last == date(2020, 10, 28)
    assert read.meant_last == date(2021, 10, 28)
    assert (only(read).code, only(read).replacement) == ("date.other_year", "29/10/2021")


def test_a_later_year_than_the_plans_is_only_noted():
    read = parse("Trước ngày 15/01/2022", year=2021)
    assert read.sound
    assert only(read).code == "date.next_year"


def test_a_missing_year_is_taken_from_the_plan_and_said_so():
    read = parse("trước ngày 20/12", year=2022)
    assert (read.last, read.sound, only(read).code) == (date(2022, 12, 19), True, "date.year_assumed")
    assert only(parse("trước ngày 20/12")).code == "date.year_missing"


def test_words_that_are_not_understood_are_named():
    read = parse("trước ngày 20/12/2022 nếu có")
    found = only(read)
    assert (found.code, at(read, found), read.last) == ("date.words_unread", "nếu có", date(2022, 12, 19))


@pytest.mark.parametrize("written", ["không rõ", "", "trước ngày 15"])
def test_an_expression_without_a_readable_date_says_so(written):
    assert [found.code for found in parse(written).findings] == ["date.unreadable"]


def test_words_declared_undated_are_no_fault():
    read = parse("từ sau rà soát định kỳ năm 2020 đến trước rà soát định kỳ năm 2021", expects=Kind.UNDATED)
    assert (read.kind, read.findings) == (Kind.UNDATED, ())


@pytest.mark.parametrize(
    "written",
    [
        "trước 20/8/2022, đến 30/9/2022, từ 1/10/2022",
        "20/8/2022 30/9/2022",
        "trước 20/8/2022 đến 30/9/2022",
        "ngày 05 hằng tháng (từ tháng 02 đến tháng 9)",
    ],
)
def test_more_dates_than_a_range_has_are_refused_not_guessed(written):
    read = parse(written)
    assert [found.code for found in read.findings if found.code != "date.words_unread"] == ["date.too_many"]
    assert (read.first, read.last) == (None, None)


def test_days_are_written_as_official_papers_do():
    assert [vietnamese(day) for day in (date(2022, 9, 5), date(2025, 1, 10), date(2024, 12, 14))] == [
        "05/9/2022",
        "10/01/2025",
        "14/12/2024",
    ]
