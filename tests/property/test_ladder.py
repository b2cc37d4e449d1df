"""Every ladder, any term, any hours at which a worker comes: in order, once, never early, silent while stopped."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from rasoat.deadlines.ladder import ladder, next_wake, rungs_reached, was_missed
from rasoat.deadlines.releases import calendar
from rasoat.engine import ledger as orders
from rasoat.engine.ledger import Order
from rasoat.engine.values import Actor, Mandate
from rasoat.foundation.clock import LEGAL_ZONE, end_of, legal_date
from tests.support.caseload import open_terms
from tests.support.clockwork import at, deadlines, rungs, told, work_at
from tests.support.reviews import COMMUNE, Review
from tests.unit.notifications.test_outbox_alerts import ladders

CALENDAR = calendar()
DAYS = st.dates(date(2017, 1, 1), date(2026, 11, 1))
LADDERS = st.sampled_from(ladders())
UNHURRIED = settings(deadline=None, max_examples=60)


@st.composite
def visits(draw, due_on):
    """Instants at which a worker comes, in order, from a month before the last day to a month after it."""
    start = datetime.combine(due_on - timedelta(days=30), datetime.min.time(), tzinfo=LEGAL_ZONE)
    hours = draw(st.lists(st.integers(0, 24 * 60), max_size=25))
    return [start + timedelta(hours=hour) for hour in sorted(hours)]


@UNHURRIED
@given(LADDERS, DAYS)
def test_rungs_rise_by_working_days_and_none_is_before_the_lowest_step(key, due_on):
    reached = rungs_reached(key, due_on, end_of(due_on + timedelta(days=60)), CALENDAR)
    assert [rung for rung, _ in reached] == list(ladder(key).rungs)
    assert all(one < other for (_, one), (_, other) in pairwise(reached))
    for rung, instant in reached:
        day = legal_date(instant)
        assert CALENDAR.working_days_between(due_on, day) == (rung.step if rung.step >= 0 else _back(rung.step, due_on))
        assert rung.step == 0 or CALENDAR.is_working(day)


def _back(step, due_on):
    """From a last day that is itself off, the first working day before it is one step back, and none lies between."""
    return step if CALENDAR.is_working(due_on) else step + 1


@UNHURRIED
@given(LADDERS, DAYS, st.data())
def test_whenever_the_worker_comes_each_rung_is_raised_once_in_order_and_never_early(key, due_on, data):
    claimed, told = set(), []
    for now in data.draw(visits(due_on)):
        for rung, instant in rungs_reached(key, due_on, now, CALENDAR):
            assert instant <= now
            if rung.step not in claimed:
                claimed.add(rung.step)
                told.append(rung.step)
    assert told == sorted(claimed)
    assert claimed == {rung.step for rung in ladder(key).rungs[: len(claimed)]}


@UNHURRIED
@given(LADDERS, DAYS)
def test_a_worker_that_wakes_when_it_is_told_to_misses_no_rung_and_comes_for_the_end(key, due_on):
    now, woken, told = None, [], []
    while (wake := next_wake(key, due_on, now, CALENDAR)) is not None:
        assert now is None or wake > now
        now = wake
        woken.append(now)
        for rung, instant in rungs_reached(key, due_on, now, CALENDAR):
            if rung.step not in told:
                told.append(rung.step)
                assert (instant, was_missed(instant, now)) == (now, False)
    assert told == [rung.step for rung in ladder(key).rungs]
    assert end_of(due_on) in woken
    assert len(woken) <= len(told) + 1


SUPERIOR = Actor("ct01", (Mandate("supervisor", "42"),))
BEGUN, LAST = date(2022, 10, 17), date(2022, 10, 26)
DAY = timedelta(days=1)


@settings(deadline=None, max_examples=12)
@given(st.lists(st.integers(1, 30), max_size=8), st.integers(1, 9), st.integers(1, 15))
def test_in_the_store_each_rung_is_claimed_once_in_order_and_none_while_the_term_stands_still(visited, stopped, pause):
    """Seven working days from 17/10/2022; stopped on some day of the term, run on later, worker on any days."""
    review = Review.start("sqlite://")
    review.clock.move_to(at(BEGUN))
    (row,) = open_terms(review, CALENDAR, [(f"{COMMUNE}/01", "recheck", BEGUN)])
    assert row.due_on == LAST
    first = BEGUN + stopped * DAY
    again = first + pause * DAY
    standing = []
    for day in (BEGUN + n * DAY for n in range(31)):
        work_at(review, at(day, 9)) if (day - BEGUN).days in visited else review.clock.move_to(at(day, 9))
        if day == first:
            _order(review, orders.suspend, row.id, first)
        if day == again:
            assert rungs(review) == standing
            _order(review, orders.resume, row.id, again)
        if day == first:
            standing = rungs(review)
    work_at(review, at(date(2023, 1, 5)))
    found = rungs(review)
    (ended,) = deadlines(review, "recheck")
    by_day = _claims(review)
    assert len(by_day) == len(set(by_day)) == len(found)
    assert sorted(step for due, step in by_day if due == ended.due_on) == [-2, -1, 0, 1, 3, 5]
    raised = [message["step"] for message in told(review, "deadline") if message["due_on"] == str(ended.due_on)]
    assert raised == sorted(raised)
    assert len(raised) == len(set(raised))
    review.database.dispose()


def _order(review, command, deadline_id, day):
    with review.database.begin() as tx:
        assert command(tx, review.engine, Order((deadline_id,), day, SUPERIOR, "15/CĐ-UBND")).ok


def _claims(review):
    r = review.database.tables.rung
    with review.database.read() as tx:
        return [(row.due_on, row.step) for row in tx.select(r.select())]
