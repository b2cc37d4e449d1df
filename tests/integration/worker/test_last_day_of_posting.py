"""The last day of a posting belongs to whoever wants to complain: QĐ 24/2021/QĐ-TTg Điều 4 khoản 4."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest

from rasoat.engine.timers import run_due
from rasoat.engine.values import Actor, ActRequest
from rasoat.foundation.clock import LEGAL_ZONE
from tests.support.reviews import BEATS

POSTED_UNTIL = date(2022, 10, 27)
NEXT_MORNING = datetime(2022, 10, 28, 8, tzinfo=LEGAL_ZONE)
PLACES = {"subject_code": "thu-nhap"}
LISTED, SURVEYED, MET, POSTED, ENDED, SUMMARISED = BEATS[:6]


@pytest.fixture(params=["worker came", "worker late"])
def posted(request, database_url, start_review):
    """A village whose posting ended last midnight, whether the worker has been there or not."""
    review = start_review(database_url)
    ids = review.open_round(1, villages=1, households=3)
    review.run(BEATS[:4], ids)
    review.clock.move_to(NEXT_MORNING)
    if request.param == "worker came":
        assert run_due(review.database, review.engine).fired == 3
    return review, ids


def states(review, ids):
    case = review.database.tables.case
    with review.database.read() as tx:
        return {row.state for row in tx.select(case.select().where(case.c.id.in_(ids)))}


def test_the_lists_are_not_summarised_on_the_last_day_of_the_posting(posted):
    review, ids = posted
    early = review.fire(replace(SUMMARISED, day=POSTED_UNTIL, entered=NEXT_MORNING), ids)
    assert {refusal.code for refusal in early.refused} == {"refused.not_after"}
    assert review.fire(SUMMARISED, ids).ok


def test_a_complaint_of_the_last_day_entered_the_next_morning_opens_the_re_check(posted):
    review, ids = posted
    complain = replace(SUMMARISED, trigger="complain", day=POSTED_UNTIL, body=PLACES, entered=NEXT_MORNING)
    assert review.fire(complain, ids[:1]).accepted[0].to_state == "recheck"


def test_a_complaint_after_the_term_is_recorded_whether_or_not_the_worker_has_come(posted):
    review, ids = posted
    complain = replace(SUMMARISED, trigger="complain", day=NEXT_MORNING.date(), body=PLACES, entered=NEXT_MORNING)
    outcome = review.fire(complain, ids[:1])
    assert [(m.from_state, m.to_state) for m in outcome.accepted] == [("settled", "settled")]
    assert states(review, ids[:1]) == {"settled"}


def test_a_posting_that_still_runs_is_not_closed_by_an_act(database_url, start_review):
    review = start_review(database_url)
    ids = review.open_round(1, villages=1, households=2)
    review.run(BEATS[:4], ids)
    review.clock.move_to(datetime(2022, 10, 27, 23, 59, tzinfo=LEGAL_ZONE))
    complain = replace(SUMMARISED, trigger="complain", day=POSTED_UNTIL, body=PLACES, entered=review.clock.now())
    assert review.fire(complain, ids[:1]).accepted[0].to_state == "recheck"
    assert states(review, ids[1:]) == {"posted"}


def test_a_refused_act_leaves_the_case_where_it_was(database_url, start_review):
    """Who may not act moves nothing, not even a posting that is over: the worker will."""
    review = start_review(database_url)
    ids = review.open_round(1, villages=1, households=2)
    review.run(BEATS[:4], ids)
    review.clock.move_to(NEXT_MORNING)
    stranger = ActRequest("summarise", tuple(ids), NEXT_MORNING.date(), Actor("x"))
    with review.database.begin() as tx:
        assert {r.code for r in review.engine.fire_many(tx, stranger).refused} == {"refused.role"}
    assert states(review, ids) == {"posted"}
    assert review.fire(SUMMARISED, ids).ok


def test_a_withdrawal_during_the_posting_may_be_entered_after_it(posted):
    review, ids = posted
    withdraw = replace(SUMMARISED, trigger="withdraw", day=date(2022, 10, 25), row=lambda _: {"reason": "chuyển đi"})
    assert review.fire(replace(withdraw, body={}, entered=NEXT_MORNING), ids[:1]).accepted[0].to_state == "withdrawn"
