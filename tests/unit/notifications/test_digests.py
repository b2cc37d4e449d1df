from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasoat.foundation.clock import LEGAL_ZONE
from rasoat.foundation.errors import InputError
from rasoat.foundation.messages import Text
from rasoat.notifications.digests import (
    MAX_ROWS,
    Entry,
    UnitRate,
    catch_up,
    digest,
    digest_due,
    summary_due,
    weekly_summary,
)

DAY = date(2022, 10, 27)
HALF_PAST_SEVEN = time(7, 30)


def entry(days_left, village="thôn 1", count=10, kind="deadline"):
    due_on = None if days_left is None else DAY + timedelta(days=days_left)
    return Entry(kind, count, "household", village, Text("bước", "step"), Text("bàn", "desk"), due_on, days_left)


def sections(data):
    return {section["name"]: section for section in data["sections"]}


@pytest.mark.parametrize(
    ("days_left", "section"), [(-5, "overdue"), (-1, "overdue"), (0, "today"), (1, "soon"), (2, "soon")]
)
def test_what_is_due_stands_in_its_section(days_left, section):
    assert list(sections(digest(DAY, [entry(days_left)]))) == [section]


def test_what_is_due_later_is_left_out_of_a_digest_but_not_of_a_catch_up():
    assert digest(DAY, [entry(3), entry(None)]) is None
    assert sections(catch_up(DAY, [entry(3), entry(None)]))["changed"]["count"] == 2


def test_nothing_to_tell_is_no_digest():
    assert digest(DAY, []) is None


def test_households_are_added_up_and_the_most_overdue_come_first():
    told = sections(digest(DAY, [entry(-1, "thôn 1"), entry(-4, "thôn 2", 5), entry(-4, "thôn 3", 7)]))["overdue"]
    assert told["count"] == 22
    assert [item["village"] for item in told["items"]] == ["thôn 3", "thôn 2", "thôn 1"]


def test_a_reminder_and_a_breach_of_the_same_term_are_one_line():
    told = sections(digest(DAY, [entry(-1), entry(-1, kind="breach", count=8)]))["overdue"]
    assert (told["count"], len(told["items"])) == (10, 1)


def test_different_news_about_one_step_are_all_told():
    told = sections(catch_up(DAY, [entry(-1), entry(-1, kind="calendar_change"), entry(-1, kind="act_waiting")]))
    assert told["overdue"]["count"] == 10
    assert {item["kind"] for item in told["changed"]["items"]} == {"calendar_change", "act_waiting"}


def test_beyond_the_longest_list_the_rest_is_counted():
    told = sections(digest(DAY, [entry(-1, f"thôn {n}", 1) for n in range(MAX_ROWS + 7)]))["overdue"]
    assert (len(told["items"]), told["more"], told["count"]) == (MAX_ROWS, 7, MAX_ROWS + 7)


def test_the_total_of_a_week_is_the_sum_of_the_units():
    data = weekly_summary(DAY, DAY, [UnitRate("a", 40, 37, 2), UnitRate("b", 10, 10, 0)])
    assert data["total"] == {"name": "", "due": 50, "on_time": 47, "overdue": 2}


@pytest.mark.parametrize("counts", [(3, 4, 0), (3, -1, 0), (3, 3, -1)])
def test_counts_that_contradict_each_other_are_refused(counts):
    with pytest.raises(InputError):
        UnitRate("xã", *counts)


def weekday(day):
    return day.isoweekday() <= 5


def at(*parts):
    return datetime(*parts, tzinfo=LEGAL_ZONE)


def test_a_digest_is_due_once_on_a_working_morning():
    assert not digest_due(at(2022, 10, 27, 7, 29), None, HALF_PAST_SEVEN, weekday)
    assert digest_due(at(2022, 10, 27, 7, 30), DAY - timedelta(days=1), HALF_PAST_SEVEN, weekday)
    assert not digest_due(at(2022, 10, 27, 15), DAY, HALF_PAST_SEVEN, weekday)
    assert not digest_due(at(2022, 10, 29, 8), DAY, HALF_PAST_SEVEN, weekday)


def test_the_summary_is_due_on_the_first_working_day_of_the_week():
    def without_monday(day):
        return weekday(day) and day != date(2022, 10, 24)

    last_week = date(2022, 10, 17)
    assert not summary_due(at(2022, 10, 24, 8), last_week, HALF_PAST_SEVEN, without_monday)
    assert not summary_due(at(2022, 10, 25, 7), last_week, HALF_PAST_SEVEN, without_monday)
    assert summary_due(at(2022, 10, 25, 8), last_week, HALF_PAST_SEVEN, without_monday)
    assert not summary_due(at(2022, 10, 26, 8), date(2022, 10, 25), HALF_PAST_SEVEN, without_monday)


def test_a_summary_missed_all_week_does_not_go_out_on_its_sunday():
    last_week = date(2022, 10, 17)
    assert not summary_due(at(2022, 10, 30, 9), last_week, HALF_PAST_SEVEN, weekday)
    assert summary_due(at(2022, 10, 28, 9), last_week, HALF_PAST_SEVEN, weekday)


def test_a_summary_missed_on_its_day_is_caught_up_in_the_same_week():
    assert summary_due(at(2022, 10, 26, 0), date(2022, 10, 17), HALF_PAST_SEVEN, weekday)


def test_a_week_without_working_days_has_no_summary():
    assert not summary_due(at(2022, 10, 26, 8), None, HALF_PAST_SEVEN, lambda day: False)


@given(st.sets(st.integers(0, 27)))
def test_run_every_hour_each_week_with_a_working_day_gets_exactly_one_summary(off):
    start = date(2022, 10, 3)

    def working(day):
        return (day - start).days not in off and weekday(day)

    sent, last = [], None
    for hour in range(28 * 24):
        now = at(2022, 10, 3) + timedelta(hours=hour)
        if summary_due(now, last, HALF_PAST_SEVEN, working):
            last = now.date()
            sent.append((last - start).days // 7)
    weeks = [w for w in range(4) if any(working(start + timedelta(days=7 * w + d)) for d in range(7))]
    assert sent == weeks
