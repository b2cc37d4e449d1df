"""The worker's run: each thing that falls due is done once, in order, on its own day, and nothing vanishes."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from rasoat.engine.rounds import open_season_end
from rasoat.engine.timers import run_due
from rasoat.foundation.clock import LEGAL_ZONE
from rasoat.foundation.errors import CalendarError, InputError
from rasoat.persistence.rounds import rounds
from tests.support.clockwork import at, deadlines, events, ledger, rungs, told, work_at
from tests.support.invariants import broken
from tests.support.reviews import BEATS, Beat

POSTED = BEATS[:4]
COMPLAINT = Beat("complain", date(2022, 10, 25), {"subject_code": "score"})


@pytest.fixture
def posted(review):
    ids = review.open_round(1, villages=2, households=3)
    review.run(POSTED, ids)
    return ids


def states(review):
    with review.database.read() as tx:
        case = tx.tables.case
        return {row.id: row.state for row in tx.select(case.select())}


def test_a_posting_closes_by_itself_on_its_own_last_day_whenever_the_worker_comes(review, posted):
    ran = work_at(review, at(date(2022, 11, 2)))
    assert (ran.fired, ran.refused, ran.failed) == (6, 0, 0)
    assert set(states(review).values()) == {"settled"}
    steps = [event for event in events(review, "step") if event.trigger == "posting_ended"]
    assert {event.occurred_on for event in steps} == {date(2022, 10, 27)}
    assert {event.recorded_at for event in steps} == {at(date(2022, 11, 2))}
    assert {(row.status, row.closed_on) for row in deadlines(review)} == {("met", date(2022, 10, 27))}
    assert broken(review.database, review.engine.library) == []


def test_nothing_closes_one_second_before_the_last_day_is_over(review, posted):
    last = datetime(2022, 10, 27, 23, 59, 59, tzinfo=LEGAL_ZONE)
    assert work_at(review, last).fired == 0
    assert set(states(review).values()) == {"posted"}
    assert work_at(review, last + timedelta(seconds=1)).fired == 6


def test_a_complaint_entered_after_the_last_day_does_not_keep_the_posting_from_ending(review, posted):
    """A re-posted result takes late complaints; the day of one lies after the posting's own last day."""
    survey = Beat("survey", date(2022, 10, 26), row=lambda _: BEATS[1].row(1) | {"surveyor": "rsv2"})
    meet = Beat("meet", date(2022, 10, 27), BEATS[2].body)
    review.run([COMPLAINT, survey, meet, Beat("post", date(2022, 10, 28), BEATS[3].body)], posted[:1])
    review.run([Beat("complain", date(2022, 11, 4), {"subject_code": "score"})], posted[:1])
    ran = work_at(review, at(date(2022, 11, 5)))
    assert ran.refused == 0
    assert states(review)[posted[0]] == "settled"
    assert broken(review.database, review.engine.library) == []


def test_rungs_are_told_once_per_office_in_the_order_of_their_days(review, posted):
    review.run([COMPLAINT], posted)
    for day in range(1, 12):
        run_due(review.database, review.engine)
        review.clock.move_to(at(date(2022, 11, day), 8))
        run_due(review.database, review.engine)
    found = [(t["step"], t["role"], t["unit"], t["count"], t["missed"]) for t in told(review, "deadline")]
    ladder = [(-2, "committee"), (-1, "committee"), (0, "committee"), (1, "supervisor"), (3, "supervisor")]
    places = ["42/446/18766"] * 4 + ["42/446"]
    two_villages = [
        (step, role, place, 3, False) for (step, role), place in zip(ladder, places, strict=True) for _ in "12"
    ]
    assert [f for f in found if f[0] != 5] == two_villages
    assert [breach["rule"] for breach in told(review, "breach")] == ["recheck", "recheck"]


def test_a_fortnights_downtime_over_tet_catches_up_in_order_and_once(review):
    """Tết 2023 is off from 20/01 to 26/01; a re-check due on 19/01 is breached while nobody watches."""
    ids = review.open_round(1, villages=1, households=2)
    review.run([*BEATS[:3], Beat("post", date(2023, 1, 9), BEATS[3].body)], ids)
    review.run([Beat("complain", date(2023, 1, 10), {"subject_code": "score"})], ids)
    assert {row.due_on for row in deadlines(review, "recheck")} == {date(2023, 1, 19)}
    ran = work_at(review, at(date(2023, 2, 2)))
    assert (ran.rungs, ran.breaches) == (12, 2)
    steps = [(t["step"], t["missed"]) for t in told(review, "deadline") if t["rule"] == "recheck"]
    assert steps == [(-2, True), (-1, True), (0, True), (1, True), (3, True), (5, False)]
    assert run_due(review.database, review.engine).groups == 0


def test_what_a_killed_worker_left_undone_is_still_due(review, posted):
    review.clock.move_to(at(date(2022, 10, 28)))

    def killed(tx, request, steps):
        raise KeyboardInterrupt

    review.engine.observers = (killed,)
    with pytest.raises(KeyboardInterrupt):
        run_due(review.database, review.engine)
    assert rungs(review) == []
    assert told(review, "deadline") == []
    review.engine.observers = ()
    assert run_due(review.database, review.engine).fired == 6
    assert len(told(review, "deadline")) == 2


def test_a_timer_that_is_refused_wakes_again_and_the_desk_learns_of_it(review, posted):
    with review.database.begin() as tx:
        case = tx.tables.case
        tx.execute(case.update().where(case.c.id == posted[0]).values(state="surveyed"))
    ran = work_at(review, at(date(2022, 10, 28)))
    assert (ran.fired, ran.refused) == (5, 1)
    (alert,) = told(review, "job_stalled")
    assert (alert["role"], alert["unit"], alert["job"]) == ("committee", "42/446/18766", "posting")
    assert "refused.state" in alert["problem"]
    with review.database.begin() as tx:
        case = tx.tables.case
        tx.execute(case.update().where(case.c.id == posted[0]).values(state="posted"))
    assert work_at(review, at(date(2022, 10, 28), 9, 59)).groups == 0
    assert work_at(review, at(date(2022, 10, 28), 10)).fired == 1


def test_one_village_that_cannot_be_done_holds_up_no_other_and_is_reported(review, posted):
    known = review.engine.calendar_for

    def calendar_for(day, unit):
        if unit.endswith("/01"):
            msg = "no calendar"
            raise CalendarError(msg)
        return known(day, unit)

    review.engine.calendar_for = calendar_for
    ran = work_at(review, at(date(2022, 10, 28)))
    assert (ran.fired, ran.failed) == (3, 1)
    (alert,) = told(review, "job_stalled")
    assert (alert["role"], alert["unit"]) == ("supervisor", "42/446/18766/01")
    review.engine.calendar_for = known
    assert run_due(review.database, review.engine).fired == 3


def test_a_bounded_run_says_that_it_stopped_short_and_the_next_one_goes_on(review, posted):
    review.clock.move_to(at(date(2022, 10, 28)))
    first = run_due(review.database, review.engine, max_groups=1)
    assert (first.fired, first.stopped_short) == (3, True)
    stopped = run_due(review.database, review.engine, stop=lambda: True)
    assert (stopped.groups, stopped.stopped_short) == (0, True)
    rest = run_due(review.database, review.engine)
    assert (rest.fired, rest.stopped_short) == (3, False)


def test_a_breach_is_an_event_in_the_chain_and_a_line_in_the_ledger_once(review, posted):
    review.run([COMPLAINT], posted[:1])
    review.run([Beat("complain", date(2022, 10, 26), {"subject_code": "score"})], posted[1:2])
    work_at(review, at(date(2022, 11, 30)))
    (first, second) = deadlines(review, "recheck")
    assert (first.due_on, second.due_on) == (date(2022, 11, 3), date(2022, 11, 4))
    assert [(e.case_id, e.trigger, e.occurred_on) for e in events(review, "breach")] == [
        (posted[0], "recheck", date(2022, 11, 3)),
        (posted[1], "recheck", date(2022, 11, 4)),
    ]
    kept = ledger(review, [first.id, second.id])
    assert [[(e.kind, e.seq) for e in kept[row.id]] for row in (first, second)] == [[("breached", 1)]] * 2
    work_at(review, at(date(2022, 12, 15)))
    assert len(events(review, "breach")) == 2
    assert len(told(review, "breach")) == 2
    assert broken(review.database, review.engine.library) == []


def open_season(review, ends_on):
    with review.database.begin() as tx:
        opened = rounds(tx, [1])[1]._replace(ends_on=ends_on)
        open_season_end(tx, review.engine, opened)
        open_season_end(tx, review.engine, opened)


def test_the_seasons_end_is_met_on_the_day_the_last_case_ended(review):
    ids = review.open_round(1, villages=1, households=3)
    open_season(review, date(2022, 12, 14))
    review.run(BEATS[:-1], ids)
    work_at(review, at(date(2022, 11, 7)))
    review.run(BEATS[-1:], ids)
    work_at(review, at(date(2022, 11, 8), 7, 59))
    assert [row.status for row in deadlines(review, "season_end")] == ["open"]
    assert work_at(review, at(date(2022, 11, 8), 8)).met == 1
    (season,) = deadlines(review, "season_end")
    assert (season.status, season.closed_on, season.breached_at) == ("met", date(2022, 11, 7), None)
    assert [t for t in told(review, "deadline") if t["rule"] == "season_end"] == []


def test_a_season_that_ends_with_open_cases_is_breached_and_met_late(review, posted):
    open_season(review, date(2022, 10, 31))
    work_at(review, at(date(2022, 11, 2)))
    (season,) = deadlines(review, "season_end")
    assert season.breached_at is not None
    steps = [(t["step"], t["role"]) for t in told(review, "deadline") if t["rule"] == "season_end"]
    assert steps == [
        (-10, "committee"), (-5, "committee"), (-2, "committee"), (0, "committee"), (1, "supervisor")
    ]  # fmt: skip
    assert len(told(review, "breach")) == 1
    rest = [Beat(b.trigger, date(2022, 11, 3 + n), b.body) for n, b in enumerate(BEATS[5:])]
    review.run(rest, posted)
    work_at(review, at(date(2022, 11, 9)))
    (season,) = deadlines(review, "season_end")
    assert (season.status, season.closed_on) == ("met_late", date(2022, 11, 7))
    assert season.breached_at is not None
    assert broken(review.database, review.engine.library) == []


def test_a_fixed_date_before_its_own_beginning_is_refused(review):
    review.open_round(1, villages=1, households=1)
    with pytest.raises(InputError, match="before it begins"):
        open_season(review, date(2022, 9, 1))
