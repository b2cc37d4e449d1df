"""Acts entered days after they happened: the term runs from the day of the act, and what was missed is on record."""

from __future__ import annotations

import json
from datetime import date

import pytest

from rasoat.engine.timers import run_due
from tests.support.clockwork import at, deadlines, events, ledger, rungs, told, work_at
from tests.support.invariants import broken
from tests.support.reviews import BEATS, Beat

LADDER = [-2, -1, 0, 1, 3, 5]


def complaint(entered, day=date(2022, 10, 25)):
    return Beat("complain", day, {"subject_code": "score"}, entered=entered)


def survey(day, entered=None):
    return Beat("survey", day, row=lambda _: BEATS[1].row(1) | {"surveyor": "rsv2"}, entered=entered)


def meet(day, entered=None):
    return Beat("meet", day, BEATS[2].body, entered=entered)


def repost(day, entered=None):
    return Beat("post", day, BEATS[3].body, entered=entered)


@pytest.fixture
def posted(review):
    ids = review.open_round(1, villages=1, households=1)
    review.run(BEATS[:4], ids)
    return ids


def test_a_term_counts_from_the_day_of_the_act_not_of_its_entry(review, posted):
    review.run([complaint(at(date(2022, 10, 28), 17))], posted)
    (row,) = deadlines(review, "recheck")
    assert (row.started_on, row.due_on) == (date(2022, 10, 25), date(2022, 11, 3))


def test_a_term_that_was_over_at_entry_is_a_breach_with_its_delay_and_its_missed_rungs(review, posted):
    review.run([complaint(at(date(2022, 11, 9), 10))], posted)
    (row,) = deadlines(review, "recheck")
    assert row.breached_at is None
    run_due(review.database, review.engine)
    (row,) = deadlines(review, "recheck")
    assert row.breached_at == at(date(2022, 11, 9), 10)
    (entry,) = ledger(review, [row.id])[row.id]
    assert json.loads(entry.detail) == {
        "found_by": "worker", "entered_on": "2022-11-09", "entered_days_late": 15, "over_at_entry": True,
        "cause": "entered_late",
    }  # fmt: skip
    assert [(step, missed) for i, step, missed in rungs(review) if i == row.id] == [
        (-2, True), (-1, True), (0, True), (1, True), (3, True)
    ]  # fmt: skip
    assert [t["step"] for t in told(review, "deadline") if t["rule"] == "recheck"] == LADDER[:-1]
    assert len(told(review, "breach")) == 1


def test_an_entry_on_the_same_day_has_no_delay_to_tell(review, posted):
    review.run([complaint(None)], posted)
    work_at(review, at(date(2022, 11, 4)))
    (row,) = deadlines(review, "recheck")
    (entry,) = ledger(review, [row.id])[row.id]
    assert json.loads(entry.detail) == {"found_by": "worker"}


def test_acts_done_in_time_and_entered_late_are_no_breach_but_their_rungs_were_missed(review, posted):
    """Everything happened in time on paper and was entered on one afternoon two weeks later, before the worker came."""
    entered = at(date(2022, 11, 9), 15)
    done = [survey(date(2022, 10, 26), entered), meet(date(2022, 10, 27), entered), repost(date(2022, 10, 28), entered)]
    review.run([complaint(entered), *done], posted)
    (row,) = deadlines(review, "recheck")
    assert (row.status, row.closed_on, row.breached_at) == ("met", date(2022, 10, 28), None)
    assert [(step, missed) for i, step, missed in rungs(review) if i == row.id] == [(s, True) for s in LADDER[:-1]]
    run_due(review.database, review.engine)
    assert [t for t in told(review, "deadline") if t["rule"] == "recheck"] == []
    assert events(review, "breach") == []
    assert broken(review.database, review.engine.library) == []


def test_a_late_act_found_at_its_entry_is_a_breach_in_chain_and_ledger(review, posted):
    entered = at(date(2022, 11, 9), 15)
    late = [survey(date(2022, 11, 4), entered), meet(date(2022, 11, 7), entered), repost(date(2022, 11, 8), entered)]
    review.run([complaint(entered), *late], posted)
    (row,) = deadlines(review, "recheck")
    assert (row.status, row.closed_on) == ("met_late", date(2022, 11, 8))
    (entry,) = ledger(review, [row.id])[row.id]
    assert (entry.kind, json.loads(entry.detail)["found_by"], json.loads(entry.detail)["over_at_entry"]) == (
        "breached", "act", True
    )  # fmt: skip
    assert len(events(review, "breach")) == 1
    run_due(review.database, review.engine)
    assert len(events(review, "breach")) == 1
    assert len(told(review, "breach")) == 1
    assert broken(review.database, review.engine.library) == []


def test_a_breach_on_record_stays_when_a_late_entry_shows_the_act_was_in_time(review, posted):
    review.run([complaint(None)], posted)
    work_at(review, at(date(2022, 11, 4)))
    entered = at(date(2022, 11, 9), 15)
    done = [survey(date(2022, 10, 26), entered), meet(date(2022, 10, 27), entered), repost(date(2022, 10, 28), entered)]
    review.run(done, posted)
    (row,) = deadlines(review, "recheck")
    assert (row.status, row.cause) == ("met", "entered_late")
    assert row.breached_at == at(date(2022, 11, 4))
    assert len(events(review, "breach")) == 1


def test_rungs_raised_in_time_are_not_called_missed_by_the_closing(review, posted):
    review.run([complaint(None)], posted)
    for day in (1, 2):
        work_at(review, at(date(2022, 11, day), 8))
    review.run([survey(date(2022, 11, 2)), meet(date(2022, 11, 2)), repost(date(2022, 11, 2))], posted)
    (row,) = deadlines(review, "recheck")
    assert [(step, missed) for i, step, missed in rungs(review) if i == row.id] == [(-2, False), (-1, False)]


def test_an_act_of_tomorrow_and_one_beyond_the_limit_are_refused(review, posted):
    review.engine.settings["back_dating_days"] = 10
    tomorrow = review.fire(complaint(at(date(2022, 10, 25)), day=date(2022, 10, 26)), posted)
    assert [refusal.code for refusal in tomorrow.refused] == ["refused.future"]
    too_old = review.fire(complaint(at(date(2022, 11, 5))), posted)
    assert [refusal.code for refusal in too_old.refused] == ["refused.too_old"]
    assert deadlines(review, "recheck") == []
