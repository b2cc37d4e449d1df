"""Backward planning against forward simulation: the latest day makes it, the next one does not."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from rasoat.deadlines.releases import calendar
from rasoat.deadlines.terms import Term, Unit
from rasoat.foundation.messages import Text
from rasoat.workflows.plans.backward import becomes_impossible_on, chain, forward, latest_days, outlook
from rasoat.workflows.plans.steps import Binding, Opens, Step, annual_steps

CALENDAR = calendar()
ENDS = st.dates(date(2017, 1, 1), date(2026, 12, 31))
TERMS = st.one_of(
    st.none(),
    st.builds(Term, st.integers(1, 12), st.sampled_from([Unit.WORKING_DAYS, Unit.CALENDAR_DAYS])),
    st.builds(Term, st.just(1), st.just(Unit.MONTHS)),
)


@st.composite
def rows_of_steps(draw: st.DrawFn) -> tuple[Step, ...]:
    terms = draw(st.lists(TERMS, min_size=1, max_size=5))
    return tuple(
        Step(f"s{n}", Text("", ""), term, draw(st.sampled_from(Binding)), draw(st.sampled_from(Opens)))
        for n, term in enumerate(terms)
    )


def over(start: date, row: tuple[Step, ...], *, hurried: bool) -> date:
    return forward(start, row, CALENDAR, hurried=hurried)[row[-1].key][1]


@given(ENDS, rows_of_steps())
def test_from_the_latest_safe_day_all_is_over_in_time_and_from_the_next_working_day_it_is_not(end, row):
    for place, latest in enumerate(latest_days(end, row, CALENDAR, complaint=False)):
        assert CALENDAR.is_working(latest.safe)
        assert over(latest.safe, row[place:], hurried=False) <= end
        assert over(CALENDAR.add_working_days(latest.safe, 1), row[place:], hurried=False) > end


@given(ENDS, rows_of_steps())
def test_from_the_last_possible_day_it_can_be_done_and_from_the_day_after_it_cannot(end, row):
    for place, latest in enumerate(latest_days(end, row, CALENDAR, complaint=False)):
        assert over(latest.possible, row[place:], hurried=True) <= end
        assert over(latest.possible + timedelta(days=1), row[place:], hurried=True) > end
        assert latest.safe <= latest.possible


@given(ENDS, st.booleans())
def test_the_annual_review_ends_on_the_last_working_day_of_the_season_when_begun_on_the_latest_day(end, complaint):
    row = chain(annual_steps(), complaint=complaint)
    first = latest_days(end, annual_steps(), CALENDAR, complaint=complaint)[0]
    reached = over(first.safe, row, hurried=False)
    assert reached <= end
    assert CALENDAR.working_days_between(reached, end) == 0


@given(ENDS, st.lists(st.integers(0, 6), min_size=6, max_size=6), st.integers(0, 30), st.booleans())
def test_a_round_is_called_impossible_exactly_when_no_pace_can_save_it(end, waits, lead, complaint):
    """Make some steps with arbitrary waits; then ask on every day whether the quickest way still leads to the end."""
    row = chain(annual_steps(), complaint=complaint)
    done: dict[str, date] = {}
    day = end - timedelta(days=lead)
    for step, wait in zip(row, waits[: len(row) - 1], strict=False):
        if wait == 6:  # nothing more has happened
            break
        day += timedelta(days=wait)
        done[step.key] = day
        if step.binding is Binding.MINIMUM and step.term and step.key != "posting":
            day = step.term.due_on(day, CALENDAR) + timedelta(days=1)
        elif step.key == "posting" and not complaint:
            day = step.term.due_on(day, CALENDAR) + timedelta(days=1) if step.term else day
    pending = row[len(done) :]
    lost_on = becomes_impossible_on({"A": done}, end, annual_steps(), CALENDAR)
    if complaint and "recheck" not in done:
        pending = chain(pending, complaint=False)
    assert lost_on is not None
    saved = over(max(day, lost_on - timedelta(days=1)), pending, hurried=True) <= end
    missed = outlook("A", done, end, annual_steps(), CALENDAR)
    assert missed is not None
    assert over(max(day, lost_on), pending, hurried=True) > end
    assert saved or missed.missed or day >= lost_on
