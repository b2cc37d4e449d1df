"""The reader of date expressions: it never raises, never invents a day, and reads back what was written."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from rasoat.workflows.plans import Kind, Severity, parse, vietnamese

DAYS = st.dates(date(2016, 1, 1), date(2035, 12, 31))
PIECES = st.sampled_from(
    ["từ ngày", "đến", "trước ngày", "hết", "hằng tháng", "-", "–", " ", "tháng", "năm", "31/11/2022", "05/9/20221"]
)
MESSES = st.lists(st.one_of(PIECES, st.text(max_size=8), st.from_regex(r"[0-9/.-]{1,12}", fullmatch=True))).map(
    " ".join
)


@given(MESSES, st.one_of(st.none(), st.integers(2000, 2100)), st.one_of(st.none(), st.sampled_from(Kind)))
def test_any_text_is_read_or_refused_with_a_finding_inside_it(written, year, expects):
    read = parse(written, year=year, expects=expects, following=date(2022, 9, 21))
    for found in read.findings:
        assert found.suggestion.vi
        assert found.suggestion.en
        assert found.span is not None
        assert 0 <= found.span.begin <= found.span.end <= len(read.text)
    undated = read.first is None and read.last is None and read.day_of_month is None
    assert not undated or not read.sound or expects is Kind.UNDATED
    assert read.first is None or read.last is None or not read.sound or read.first <= read.last


@given(DAYS, st.integers(0, 400))
def test_a_window_reads_back(first, length):
    last = first + timedelta(days=length)
    read = parse(f"Từ ngày {vietnamese(first)} đến hết ngày {vietnamese(last)}")
    assert (read.kind, read.first, read.last, read.findings) == (Kind.WINDOW, first, last, ())


@given(DAYS)
def test_before_a_day_ends_one_day_sooner_than_until_it(day):
    before, until = parse(f"trước ngày {vietnamese(day)}"), parse(f"đến hết ngày {vietnamese(day)}")
    assert before.last == day - timedelta(days=1)
    assert until.last == day


@given(st.integers(1, 99), st.integers(1, 99), st.integers(1990, 2090))
def test_a_day_is_read_exactly_when_it_exists(day, month, year):
    read = parse(f"đến ngày {day}/{month}/{year}")
    try:
        exists = date(year, month, day)
    except ValueError:
        assert read.last is None
        assert [(found.code, found.severity) for found in read.findings] == [("date.impossible", Severity.ERROR)]
    else:
        assert (read.last, read.findings) == (exists, ())


@given(DAYS, st.integers(0, 100))
def test_the_first_of_two_dates_takes_its_year_from_the_second(first, length):
    last = first + timedelta(days=length)
    read = parse(f"từ {first.day}/{first.month} đến {vietnamese(last)}")
    if first.year == last.year:
        assert (read.first, read.last) == (first, last)
    elif first.replace(year=last.year) > last:
        assert not read.sound
        assert read.meant_first == first
