from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasoat.deadlines.calendar import Calendar, DayFact, DayKind
from rasoat.deadlines.proof import Step, prove
from rasoat.deadlines.releases import calendar
from rasoat.deadlines.terms import Counting, Term, Unit
from rasoat.foundation.messages import Text

OFFICIAL = calendar()
FIRST, LAST = date(2024, 1, 1), date(2025, 12, 31)


@st.composite
def made_up_calendars(draw: st.DrawFn) -> Calendar:
    """Calendars far stranger than the real one: any day off, any weekend worked, long runs of either."""
    days = draw(st.dictionaries(st.dates(FIRST, LAST), st.sampled_from(list(DayKind)), max_size=120))
    run, length = draw(st.dates(FIRST, date(2025, 10, 1))), draw(st.integers(0, 30))
    days |= {run + timedelta(days=n): DayKind.CLOSURE for n in range(length)}
    name = Text("x", "x")
    facts = {day: DayFact(day, kind, name, None, None, "made up", "INFERRED") for day, kind in days.items()}
    return Calendar("x/2024-01-01", facts, first_day=FIRST, last_day=LAST, confirmed_through=LAST)


calendars = st.one_of(st.just(OFFICIAL), made_up_calendars())
countings = st.builds(Counting, st.booleans(), st.booleans(), st.booleans())
starts = st.dates(date(2024, 2, 1), date(2025, 5, 31))
lengths = st.integers(1, 60)


def worked(day: date, on: Calendar, counting: Counting) -> bool:
    kind = on.fact(day).kind
    return kind is DayKind.WORKING or (kind is DayKind.MAKEUP and counting.makeup_counts)


def naive(term: Term, start: date, on: Calendar) -> date:
    """Count day by day with a finger on a wall calendar."""
    rule = term.counting
    day = start if rule.first_day_excluded else start - timedelta(days=1)
    left = term.length
    while left:
        day += timedelta(days=1)
        left -= term.unit is Unit.CALENDAR_DAYS or worked(day, on, rule)
    while term.unit is Unit.CALENDAR_DAYS and rule.roll_end and not worked(day, on, rule):
        day += timedelta(days=1)
    return day


def naive_months(term: Term, start: date, on: Calendar) -> date:
    month = start.year * 12 + start.month - 1 + term.length
    year, month = month // 12, month % 12 + 1
    day, clamped = start.day, False
    while True:
        try:
            end = date(year, month, day)
            break
        except ValueError:
            day, clamped = day - 1, True
    if not term.counting.first_day_excluded and not clamped:
        end -= timedelta(days=1)
    while term.counting.roll_end and not worked(end, on, term.counting):
        end += timedelta(days=1)
    return end


@given(calendars, starts, lengths, countings, st.sampled_from([Unit.WORKING_DAYS, Unit.CALENDAR_DAYS]))
def test_a_last_day_is_the_one_a_naive_day_by_day_count_finds(
    on: Calendar, start: date, length: int, counting: Counting, unit: Unit
) -> None:
    term = Term(length, unit, counting)
    assert term.due_on(start, on) == naive(term, start, on)


@given(calendars, st.dates(date(2024, 2, 1), date(2024, 12, 31)), st.integers(1, 8), countings)
def test_months_end_where_a_naive_reading_of_blds_148_puts_them(
    on: Calendar, start: date, length: int, counting: Counting
) -> None:
    term = Term(length, Unit.MONTHS, counting)
    assert term.due_on(start, on) == naive_months(term, start, on)


@given(calendars, st.lists(starts, max_size=40), lengths, countings, st.sampled_from(Unit))
def test_bulk_gives_exactly_the_scalar_answers(
    on: Calendar, days: list[date], length: int, counting: Counting, unit: Unit
) -> None:
    term = Term(min(length, 6) if unit is Unit.MONTHS else length, unit, counting)
    assert term.due_many(days, on) == [term.due_on(day, on) for day in days]


@given(calendars, starts, starts, lengths, countings, st.sampled_from(Unit))
def test_a_later_start_never_ends_earlier(
    on: Calendar, one: date, other: date, length: int, counting: Counting, unit: Unit
) -> None:
    term = Term(min(length, 6) if unit is Unit.MONTHS else length, unit, counting)
    early, late = sorted((one, other))
    assert term.due_on(early, on) <= term.due_on(late, on)


@given(on=calendars, start=starts, first=st.integers(1, 30), second=st.integers(1, 30), makeup_counts=st.booleans())
def test_working_days_add_up(on: Calendar, start: date, first: int, second: int, *, makeup_counts: bool) -> None:
    counting = Counting(makeup_counts=makeup_counts)
    between = Term(first, Unit.WORKING_DAYS, counting).due_on(start, on)
    together = Term(first + second, Unit.WORKING_DAYS, counting).due_on(start, on)
    assert Term(second, Unit.WORKING_DAYS, counting).due_on(between, on) == together


@given(
    on=calendars,
    start=starts,
    length=lengths,
    first=st.booleans(),
    makeup_counts=st.booleans(),
    unit=st.sampled_from(Unit),
)
def test_a_rolling_term_never_ends_on_a_day_off(
    on: Calendar,
    start: date,
    length: int,
    *,
    first: bool,
    makeup_counts: bool,
    unit: Unit,
) -> None:
    counting = Counting(first_day_excluded=first, makeup_counts=makeup_counts)
    term = Term(min(length, 6) if unit is Unit.MONTHS else length, unit, counting)
    assert worked(term.due_on(start, on), on, counting)


@given(on=calendars, start=starts, length=lengths, makeup_counts=st.booleans())
def test_counting_is_the_inverse_of_adding(on: Calendar, start: date, length: int, *, makeup_counts: bool) -> None:
    end = on.add_working_days(start, length, makeup_counts=makeup_counts)
    assert on.working_days_between(start, end, makeup_counts=makeup_counts) == length
    assert on.working_days_between(end, start, makeup_counts=makeup_counts) == -length
    back = on.add_working_days(end, -length, makeup_counts=makeup_counts)
    assert back == max(day for day in days_through(start) if on.is_working(day, makeup_counts=makeup_counts))


def days_through(start: date) -> list[date]:
    return [start - timedelta(days=n) for n in range((start - FIRST).days + 1)]


@given(calendars, starts, st.integers(-300, 300), lengths)
def test_remaining_has_the_sign_of_the_day(on: Calendar, start: date, offset: int, length: int) -> None:
    term = Term(length, Unit.WORKING_DAYS)
    due_on = term.due_on(start, on)
    today = min(max(due_on + timedelta(days=offset), FIRST), LAST)
    left = term.remaining(today, due_on, on)
    assert (left < 0) == (today > due_on)
    assert (left == 0) == (today == due_on)


@given(calendars, starts, lengths, countings, st.sampled_from(Unit))
def test_a_proof_lists_every_day_once_and_counts_what_the_term_counts(
    on: Calendar, start: date, length: int, counting: Counting, unit: Unit
) -> None:
    term = Term(min(length, 6) if unit is Unit.MONTHS else length, unit, counting)
    proof = prove(term, start, on)
    listed = [each.day for each in proof.days]
    assert listed == [start + timedelta(days=n) for n in range((proof.due_on - start).days + 1)]
    assert proof.due_on == term.due_on(start, on)
    numbers = [each.number for each in proof.days if each.number is not None]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [each.step is Step.START for each in proof.days] == [
        counting.first_day_excluded,
        *[False] * (len(listed) - 1),
    ]
    if unit is not Unit.MONTHS:
        assert len(numbers) == length
    for each in proof.days:
        if each.step in {Step.COUNTED, Step.SKIPPED} and unit is Unit.WORKING_DAYS:
            assert (each.step is Step.COUNTED) == worked(each.day, on, counting)


@pytest.mark.parametrize("language", ["vi", "en"])
@given(start=starts, length=st.integers(1, 12), unit=st.sampled_from(Unit))
def test_a_page_names_its_last_day_and_fits_on_a_page(language: str, start: date, length: int, unit: Unit) -> None:
    proof = prove(Term(length, unit), start, OFFICIAL)
    page = proof.render("vi" if language == "vi" else "en")
    assert f"{proof.due_on:%d/%m/%Y}" in page
    assert len(page.splitlines()) <= 64
    assert max(map(len, page.splitlines())) <= 96
