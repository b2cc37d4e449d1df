from __future__ import annotations

from datetime import date, timedelta

import pytest

from rasoat.deadlines.calendar import DayKind
from rasoat.deadlines.fixed import Bound, FixedDate, fixed_dates, occurrences
from rasoat.deadlines.release_files import parse_release
from rasoat.deadlines.releases import Library, calendar, releases
from rasoat.deadlines.terms import Counting, Move, Term, Unit, moved
from rasoat.foundation.errors import CalendarError, DefinitionError, InputError
from rasoat.foundation.messages import codes

LATEST = calendar()
BEFORE_SWAP = calendar(as_known_on=date(2025, 12, 24))
AFTER_SWAP = calendar(as_known_on=date(2025, 12, 25))


def working(length: int, **rule: bool) -> Term:
    return Term(length, Unit.WORKING_DAYS, Counting(**rule))


@pytest.mark.parametrize(
    ("term", "start", "due_on"),
    [
        (working(3), date(2022, 10, 24), date(2022, 10, 27)),
        (working(3), date(2022, 11, 2), date(2022, 11, 7)),
        (working(5), date(2026, 11, 23), date(2026, 12, 1)),
        (working(5), date(2025, 12, 31), date(2026, 1, 9)),
        (Term(15, Unit.CALENDAR_DAYS), date(2026, 8, 15), date(2026, 9, 3)),
        (Term(15, Unit.CALENDAR_DAYS), date(2026, 9, 15), date(2026, 9, 30)),
    ],
)
def test_the_worked_examples_of_the_law_come_out(term: Term, start: date, due_on: date) -> None:
    assert term.due_on(start, LATEST) == due_on


def test_the_worst_case_of_a_regular_round_ends_after_its_fifteen_days() -> None:
    """Round 15/9/2026, posted 18/9, complaint on the last posting day (law.md §3.2)."""
    posting_ends = working(3).due_on(date(2026, 9, 18), LATEST)
    recheck_by = working(7).due_on(posting_ends, LATEST)
    assert (posting_ends, recheck_by) == (date(2026, 9, 23), date(2026, 10, 2))
    assert working(3).due_on(recheck_by, LATEST) == date(2026, 10, 7)


def test_blds_147_the_day_of_the_event_is_not_counted_unless_the_rule_says_so() -> None:
    assert working(3, first_day_excluded=False).due_on(date(2022, 10, 24), LATEST) == date(2022, 10, 26)
    included = Term(3, Unit.CALENDAR_DAYS, Counting(first_day_excluded=False))
    assert included.due_on(date(2022, 10, 24), LATEST) == date(2022, 10, 26)


def test_blds_148_a_calendar_term_rolls_to_the_next_working_day_unless_the_rule_says_not() -> None:
    rolling = Term(2, Unit.CALENDAR_DAYS)
    fixed = Term(2, Unit.CALENDAR_DAYS, Counting(roll_end=False))
    assert rolling.due_on(date(2022, 10, 27), LATEST) == date(2022, 10, 31)
    assert fixed.due_on(date(2022, 10, 27), LATEST) == date(2022, 10, 29)


@pytest.mark.parametrize(
    ("term", "start", "provisional"),
    [
        (working(1), date(2026, 11, 20), True),  # ends on 23/11 itself
        (working(1), date(2026, 11, 23), False),  # begun on it: not counted
        (working(1, first_day_excluded=False), date(2026, 11, 23), True),
        (working(3), date(2026, 11, 23), False),  # over on 27/11
        (working(4), date(2026, 11, 23), True),  # counts over Saturday 28/11
        (working(4, makeup_counts=False), date(2026, 11, 23), False),
        (Term(15, Unit.CALENDAR_DAYS), date(2026, 11, 15), False),  # ends on Monday 30/11, whatever 23/11 is
        (Term(15, Unit.CALENDAR_DAYS), date(2026, 11, 13), True),  # ends on Saturday 28/11, or rolls
        (Term(15, Unit.CALENDAR_DAYS, Counting(roll_end=False)), date(2026, 11, 13), False),
        (Term(1, Unit.MONTHS), date(2026, 10, 23), True),
    ],
)
def test_a_last_day_is_provisional_where_a_proposed_swap_could_move_it(
    term: Term,
    start: date,
    provisional: bool,  # noqa: FBT001  what a case expects
) -> None:
    """Exactly there: decided, the swap moves these last days, or may (a make-up Saturday), and no other."""
    due_on = term.due_on(start, LATEST)
    assert term.is_provisional(start, due_on, LATEST) is provisional
    body = 'scope = "vn"\nknown_from = 2026-11-22\nstanding = "official"\ntitle = { vi = "Thử", en = "Trial" }\n'
    swap = 'decision = "1/TB-BNV"\nsource = "Thử"\ntag = "INFERRED"\n[[swap]]\noff = 2026-11-23\nworked = 2026-11-28\n'
    decided = Library([*releases(), parse_release(body + swap, "swap")]).calendar()
    if not provisional:
        assert term.due_on(start, decided) == due_on


def test_a_term_beyond_all_calendars_is_refused_in_words_of_each_language() -> None:
    with pytest.raises(InputError) as refused:
        Term(99_999, Unit.MONTHS).due_on(date(2026, 1, 1), LATEST)
    assert "99999 tháng" in refused.value.vi
    assert "99999 months" in str(refused.value)


def test_a_calendar_term_ends_on_a_makeup_saturday_only_if_that_counts() -> None:
    assert Term(1, Unit.CALENDAR_DAYS).due_on(date(2026, 1, 9), LATEST) == date(2026, 1, 10)
    skipping = Term(1, Unit.CALENDAR_DAYS, Counting(makeup_counts=False))
    assert skipping.due_on(date(2026, 1, 9), LATEST) == date(2026, 1, 12)


@pytest.mark.parametrize(
    ("start", "months", "unrolled"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2026, 3, 15), 1, date(2026, 4, 15)),
        (date(2025, 11, 30), 3, date(2026, 2, 28)),
        (date(2026, 12, 31), 12, date(2027, 12, 31)),
    ],
)
def test_blds_148_months_end_on_the_same_day_or_on_the_last_of_the_month(
    start: date, months: int, unrolled: date
) -> None:
    assert Term(months, Unit.MONTHS).unrolled(start) == unrolled


def test_a_month_that_counts_its_first_day_ends_a_day_earlier() -> None:
    included = Counting(first_day_excluded=False)
    assert Term(1, Unit.MONTHS, included).unrolled(date(2026, 3, 1)) == date(2026, 3, 31)
    assert Term(1, Unit.MONTHS, included).unrolled(date(2026, 1, 31)) == date(2026, 2, 28)


def test_the_swap_decided_on_25_12_2025_moves_the_last_day_computed_the_day_before() -> None:
    assert working(5).due_on(date(2025, 12, 31), BEFORE_SWAP) == date(2026, 1, 8)
    assert working(5).due_on(date(2025, 12, 31), AFTER_SWAP) == date(2026, 1, 9)


def test_the_swap_moves_exactly_the_terms_that_cross_one_of_its_days() -> None:
    starts = [date(2025, 12, 15) + timedelta(days=n) for n in range(45)]
    moves = moved(working(5), starts, BEFORE_SWAP, AFTER_SWAP)
    naive = [
        Move(start, walk(start, 5, swapped=False), walk(start, 5, swapped=True))
        for start in starts
        if walk(start, 5, swapped=False) != walk(start, 5, swapped=True)
    ]
    assert list(moves) == naive
    assert (moves[0].start, moves[-1].start) == (date(2025, 12, 25), date(2026, 1, 9))


def walk(day: date, count: int, *, swapped: bool) -> date:
    """Count by hand around New Year 2026, knowing nothing of calendars."""
    off = {date(2026, 1, 1)} | ({date(2026, 1, 2)} if swapped else set())
    while count:
        day += timedelta(days=1)
        made_up = swapped and day == date(2026, 1, 10)
        count -= made_up or (day.weekday() < 5 and day not in off)
    return day


def test_moved_lists_each_start_once_in_order() -> None:
    day = date(2025, 12, 31)
    assert moved(working(5), [day, day], BEFORE_SWAP, AFTER_SWAP) == (Move(day, date(2026, 1, 8), date(2026, 1, 9)),)


def test_bulk_answers_are_in_order_and_repeat() -> None:
    starts = [date(2026, 11, 23), date(2022, 10, 24), date(2026, 11, 23)]
    assert working(3).due_many(starts, LATEST) == [working(3).due_on(start, LATEST) for start in starts]
    assert working(3).due_many([], LATEST) == []


def test_one_bad_start_refuses_the_bulk() -> None:
    with pytest.raises(CalendarError):
        working(3).due_many([date(2026, 1, 5), date(2031, 1, 6)], LATEST)


@pytest.mark.parametrize(
    ("today", "left"),
    [
        (date(2025, 12, 31), 5),
        (date(2026, 1, 3), 5),
        (date(2026, 1, 8), 1),
        (date(2026, 1, 9), 0),
        (date(2026, 1, 10), -1),
        (date(2026, 1, 11), -1),
        (date(2026, 1, 13), -3),
    ],
)
def test_remaining_is_in_working_days_and_negative_once_overdue(today: date, left: int) -> None:
    assert working(5).remaining(today, date(2026, 1, 9), LATEST) == left


def test_overdue_over_a_weekend_is_already_minus_one() -> None:
    assert working(5).remaining(date(2026, 1, 17), date(2026, 1, 16), LATEST) == -1


def test_remaining_in_calendar_days_and_months() -> None:
    days, months = Term(15, Unit.CALENDAR_DAYS), Term(2, Unit.MONTHS)
    due_on = date(2026, 9, 30)
    assert [days.remaining(due_on + timedelta(days=n), due_on, LATEST) for n in (-3, 0, 1)] == [3, 0, -1]
    asked = [date(2026, 7, 30), date(2026, 7, 31), date(2026, 8, 31), due_on, date(2026, 10, 1), date(2026, 11, 1)]
    assert [months.remaining(today, due_on, LATEST) for today in asked] == [2, 2, 1, 0, -1, -2]


@pytest.mark.parametrize("length", [0, -1])
def test_a_term_without_length_is_refused(length: int) -> None:
    with pytest.raises(DefinitionError, match="at least 1"):
        working(length)


def test_a_term_in_working_days_has_no_last_day_without_a_calendar() -> None:
    with pytest.raises(InputError):
        working(3).unrolled(date(2026, 1, 5))


def test_qd24_d3_d7_fixed_dates_stand_where_the_law_puts_them() -> None:
    named = {(each.fixed.key, each.last_day) for each in occurrences(2026, LATEST)}
    assert {
        ("review_opens", date(2026, 9, 1)),
        ("review_closes", date(2026, 12, 14)),
        ("preliminary_report", date(2026, 11, 14)),
        ("official_report", date(2026, 12, 19)),
        ("round_opens", date(2026, 11, 15)),
    } <= named
    assert [day.month for key, day in sorted(named) if key == "monthly_report"] == list(range(2, 10))
    assert {f"fixed_date.{each.key}.vi".removesuffix(".vi") for each in fixed_dates()} <= codes()


def test_fixed_dates_tell_the_kind_of_day_they_fall_on_and_do_not_roll() -> None:
    by_key = {each.fixed.key: each for each in occurrences(2024, LATEST)}
    assert by_key["review_opens"].last_day == date(2024, 9, 1)
    assert by_key["review_opens"].fact.kind is DayKind.WEEKEND


def test_fixed_dates_begin_with_the_decision_that_names_them() -> None:
    assert {each.last_day.month for each in occurrences(2021, LATEST)} == {9, 10, 11, 12}
    assert occurrences(2020, LATEST) == ()


def test_a_fixed_date_rolls_only_by_setting() -> None:
    rolling = FixedDate("x", 15, (11,), Bound.ON, "", since=date(2021, 9, 1), roll=True)
    assert rolling.last_day(2026, 11, LATEST) == date(2026, 11, 16)
    before = FixedDate("x", 1, (3,), Bound.BEFORE, "", since=date(2021, 9, 1))
    assert before.last_day(2024, 3, LATEST) == date(2024, 2, 29)
    with pytest.raises(InputError):
        before.last_day(2024, 4, LATEST)


@pytest.mark.parametrize(
    ("day", "months"), [(30, (2,)), (31, (4,)), (0, (1,)), (5, ()), (5, (13,)), (5, (3, 2)), (5, (2, 2))]
)
def test_a_fixed_date_that_does_not_come_every_year_is_refused(day: int, months: tuple[int, ...]) -> None:
    with pytest.raises(DefinitionError, match="every year"):
        FixedDate("x", day, months, Bound.ON, "", since=date(2021, 9, 1))
