"""The check of terms against plain arithmetic on the calendar, for every round there is."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasoat.deadlines.releases import calendar
from rasoat.engine.checking.timing import exceeding
from tests.support.cases import library

VN = calendar()
ROUNDS = [date(year, month, 15) for year in range(2022, 2027) for month in range(1, 13)]


def worst(start: date, preparation: int) -> tuple[date, date]:
    """The limit and the day of decision when the complaint comes on the posting's last day: by hand."""
    posted = VN.add_working_days(VN.on_or_after(start), preparation)
    contested = VN.add_working_days(posted, 3)
    again = VN.add_working_days(contested, 7)
    ended = VN.add_working_days(again, 3)
    return VN.on_or_after(start + timedelta(days=15)), VN.add_working_days(ended, 1)


@given(st.sampled_from(ROUNDS), st.integers(0, 5))
def test_the_worst_course_of_a_monthly_round_is_the_one_reckoned_by_hand(start, preparation):
    workflow = library().in_force("monthly-entry", start)
    limit, decided = worst(start, preparation)
    found = list(exceeding(workflow, workflow.deadline("decision"), start, VN, preparation))
    assert {course.due for course in found} <= {limit}
    contested = [course for course in found if course.causes >= {"recheck"} and "no_agreement" not in course.causes]
    assert (max(course.done for course in contested) if contested else decided) == decided
    assert bool(contested) == (decided > limit)


@given(st.sampled_from(ROUNDS), st.integers(0, 5))
def test_a_course_is_told_in_order_from_the_request_to_the_step_that_came_too_late(start, preparation):
    workflow = library().in_force("monthly-exit", start)
    for course in exceeding(workflow, workflow.deadline("decision"), start, VN, preparation):
        days = [line.day for line in course.lines]
        assert days == sorted(days)
        assert course.done == days[-1] > course.due in days
        assert course.days >= 1


@pytest.mark.parametrize("preparation", [0, 1, 2, 3])
def test_more_preparation_never_makes_a_course_shorter(preparation):
    workflow = library().workflow("monthly-entry@2025")
    rule = workflow.deadline("decision")
    start = date(2026, 9, 15)
    days = [max(c.days for c in exceeding(workflow, rule, start, VN, p)) for p in (preparation, preparation + 1)]
    assert days[0] <= days[1]
