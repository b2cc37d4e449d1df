"""Suspension and extension: nothing of the budget is lost, and no last day falls on a day off."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rasoat.deadlines.ledger import Pause, Running
from rasoat.deadlines.proof import Step, prove
from rasoat.deadlines.releases import calendar
from rasoat.deadlines.terms import Counting, Term, Unit
from rasoat.foundation.errors import InputError

CALENDAR = calendar()
DAY = timedelta(days=1)
STARTS = st.dates(date(2017, 1, 2), date(2026, 6, 30))
COUNTINGS = st.builds(Counting, first_day_excluded=st.booleans(), makeup_counts=st.booleans())
WORKING = st.builds(Term, st.integers(1, 30), st.just(Unit.WORKING_DAYS), COUNTINGS)
CALENDAR_DAYS = st.builds(Term, st.integers(1, 90), st.just(Unit.CALENDAR_DAYS), COUNTINGS)
MONTHS = st.builds(Term, st.integers(1, 6), st.just(Unit.MONTHS), COUNTINGS)
TERMS = st.one_of(WORKING, CALENDAR_DAYS, MONTHS)
PAUSES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 60)), max_size=4)


def first_to_count(running: Running) -> date:
    return running.start + DAY * running.term.counting.first_day_excluded


def run(term: Term, start: date, pauses: list[tuple[int, int]]) -> Running:
    """A term suspended and resumed again and again, at offsets from where it last ran on."""
    running = Running(term, start)
    since = first_to_count(running)
    for wait, length in pauses:
        first = since + wait * DAY
        if first > running.due_on(CALENDAR):
            break
        since = first + length * DAY
        running = running.suspend(first, CALENDAR).resume(since)
    return running


def is_paused(running: Running, day: date) -> bool:
    return any(p.first <= day and (p.resumed is None or day < p.resumed) for p in running.pauses)


def counts(running: Running, day: date) -> bool:
    """Naively: whether `day` uses up one unit of a term in days."""
    if day < first_to_count(running) or is_paused(running, day):
        return False
    if running.term.unit is Unit.CALENDAR_DAYS:
        return True
    return CALENDAR.is_working(day, makeup_counts=running.term.counting.makeup_counts)


@given(TERMS, STARTS, PAUSES)
def test_the_last_day_is_never_a_day_off_nor_a_suspended_day(term, start, pauses):
    running = run(term, start, pauses)
    due = running.due_on(CALENDAR)
    assert CALENDAR.is_working(due, makeup_counts=term.counting.makeup_counts)
    assert not is_paused(running, due)


@given(WORKING, STARTS, PAUSES, st.integers(0, 5))
def test_the_days_that_count_through_the_last_day_are_exactly_the_budget(term, start, pauses, extra):
    running = run(term, start, pauses)
    running = running.extend(extra) if extra else running
    due = running.due_on(CALENDAR)
    counted = sum(counts(running, start + n * DAY) for n in range((due - start).days + 1))
    assert counted == term.length + extra
    assert running.consumed(due, CALENDAR) == counted


@given(CALENDAR_DAYS, STARTS, PAUSES)
def test_calendar_days_are_used_up_before_the_end_rolls_off_days_off(term, start, pauses):
    running = run(term, start, pauses)
    due = running.due_on(CALENDAR)
    day, left = start, term.length
    while left:
        left -= counts(running, day)
        day += DAY
    used_up = day - DAY
    rolled = [used_up + n * DAY for n in range(1, (due - used_up).days + 1)]
    assert due >= used_up
    assert all(is_paused(running, d) or not CALENDAR.is_working(d, makeup_counts=term.counting.makeup_counts)
               for d in rolled[:-1])  # fmt: skip


@given(TERMS, STARTS, st.integers(0, 200))
def test_a_suspension_of_no_length_changes_nothing(term, start, wait):
    running = Running(term, start)
    first = first_to_count(running) + wait * DAY
    assume(first <= running.due_on(CALENDAR))
    again = running.suspend(first, CALENDAR).resume(first)
    assert again.due_on(CALENDAR) == running.due_on(CALENDAR)


@given(TERMS, STARTS, PAUSES, st.integers(0, 30))
def test_a_longer_suspension_never_ends_a_term_earlier(term, start, pauses, more):
    running = run(term, start, pauses)
    assume(running.pauses)
    last = running.pauses[-1]
    longer = Running(term, start, (*running.pauses[:-1], Pause(last.first, last.resumed + more * DAY)))
    assert longer.due_on(CALENDAR) >= running.due_on(CALENDAR)


@given(WORKING, STARTS, PAUSES, st.integers(0, 120))
def test_what_remains_and_what_was_consumed_are_the_budget(term, start, pauses, later):
    running = run(term, start, pauses)
    today = start + later * DAY
    assume(today <= running.due_on(CALENDAR))
    assert running.remaining(today, CALENDAR) + running.consumed(today, CALENDAR) == term.length


@given(st.one_of(CALENDAR_DAYS, MONTHS), STARTS, PAUSES.filter(bool), st.integers(0, 400))
def test_in_calendar_days_what_remains_are_the_running_days_to_the_last(term, start, pauses, later):
    running = run(term, start, pauses)
    assume(running.pauses)
    today, due = start + later * DAY, running.due_on(CALENDAR)
    running_days = [n for n in range(1, (due - today).days + 1) if not is_paused(running, today + n * DAY)]
    assert running.remaining(today, CALENDAR) == (len(running_days) if today <= due else (due - today).days)


@given(st.one_of(WORKING, CALENDAR_DAYS), STARTS, PAUSES, st.integers(0, 90), st.integers(0, 90))
def test_nothing_is_used_up_while_a_term_stands_still(term, start, pauses, wait, later):
    running = run(term, start, pauses)
    since = running.pauses[-1].resumed if running.pauses else first_to_count(running)
    first = since + wait * DAY
    assume(first <= running.due_on(CALENDAR))
    stopped = running.suspend(first, CALENDAR)
    assert stopped.remaining(first + later * DAY, CALENDAR) == stopped.remaining(first, CALENDAR)
    assert stopped.consumed(first + later * DAY, CALENDAR) == running.consumed(first - DAY, CALENDAR)


@given(WORKING, STARTS)
def test_a_term_that_is_over_or_stands_still_already_is_not_suspended(term, start):
    running = Running(term, start)
    due = running.due_on(CALENDAR)
    with pytest.raises(InputError, match="is over"):
        running.suspend(due + DAY, CALENDAR)
    with pytest.raises(InputError, match="first day to count"):
        running.suspend(first_to_count(running) - DAY, CALENDAR)
    stopped = running.suspend(due, CALENDAR)
    with pytest.raises(InputError, match="suspended since"):
        stopped.suspend(due, CALENDAR)
    with pytest.raises(InputError, match="cannot run on"):
        stopped.resume(due - DAY)
    with pytest.raises(InputError, match="not suspended"):
        running.resume(due)
    with pytest.raises(InputError, match="at least 1"):
        running.extend(0)


@given(TERMS, STARTS, PAUSES)
def test_the_proof_of_a_suspended_term_counts_its_whole_budget_and_no_suspended_day(term, start, pauses):
    running = run(term, start, pauses)
    proof = prove(running.whole, start, CALENDAR, pauses=running.pauses)
    assert (proof.start, proof.due_on, proof.days[-1].day) == (start, running.due_on(CALENDAR), proof.due_on)
    still = {day.day for day in proof.days if any(p.first <= day.day < p.resumed for p in running.pauses)}
    assert {day.day for day in proof.days if day.step is Step.SUSPENDED} == still
    counted = [day for day in proof.days if day.step is Step.COUNTED]
    assert [day.number for day in counted] == list(range(1, len(counted) + 1))
    if term.unit is not Unit.MONTHS:
        assert len(counted) == term.length
