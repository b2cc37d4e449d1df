"""A round that can no longer make its season is flagged on the day that becomes certain, once.

QĐ 24/2021/QĐ-TTg Điều 3 khoản 1 điểm a: the season of 2022 ends with 14/12, a Wednesday. Posted on Thursday 08/12, a
result is over with Tuesday 13/12, and the opinion and the recognition may still come on the 14th.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from rasoat.engine.rounds import FixedDate, open_fixed, open_season_end
from rasoat.engine.service import Engine
from rasoat.foundation.clock import FrozenClock
from rasoat.foundation.ids import TimeOrderedIds
from rasoat.foundation.messages import Text
from rasoat.persistence.database import Database
from rasoat.persistence.rounds import rounds
from rasoat.workflows.plans.outlooks import flag_lost, open_rounds, round_outlooks
from tests.support.clockwork import at, told, work_at
from tests.support.reviews import BEATS, COMMUNE, Beat

LAST_MINUTE, MIDNIGHT = at(date(2022, 12, 8), 23, 59), at(date(2022, 12, 9), 0)
POST = BEATS[3]


@pytest.fixture
def agreed(review):
    """Two villages of two households; the meetings have agreed, the season's end is a deadline."""
    ids = review.open_round(1, villages=2, households=2)
    with review.database.begin() as tx:
        open_season_end(tx, review.engine, rounds(tx, [1])[1])
    review.run(BEATS[:3], ids)
    return ids


def flag(review, instant):
    review.clock.move_to(instant)
    with review.database.read() as tx:
        ids = open_rounds(tx)
    return flag_lost(review.database, review.engine, ids)


def outlooks(review):
    with review.database.read() as tx:
        return round_outlooks(tx, review.engine, 1)


def test_it_is_flagged_at_the_first_minute_of_the_day_on_which_it_is_certain_and_never_again(review, agreed):
    assert flag(review, LAST_MINUTE) == 0
    assert told(review, "season_lost") == []
    assert flag(review, MIDNIGHT) == 1
    alerts = told(review, "season_lost")
    assert {(t["role"], t["unit"]) for t in alerts} == {("committee", COMMUNE), ("supervisor", COMMUNE)}
    assert {(t["certain_on"], t["due_on"], t["villages"], t["village"]) for t in alerts} == {
        ("2022-12-09", "2022-12-14", 2, f"{COMMUNE}/01")
    }
    assert alerts[0]["pending"]["en"] == "Public posting"
    assert flag(review, MIDNIGHT + timedelta(days=4)) == 0
    assert len(told(review, "season_lost")) == 2


def test_one_village_that_was_posted_too_late_loses_the_round(review, agreed):
    review.fire(POST, agreed[:2])
    late = replace(POST, day=date(2022, 12, 9), entered=at(date(2022, 12, 9), 8))
    review.fire(late, agreed[2:])
    assert flag(review, at(date(2022, 12, 9), 9)) == 1
    assert {(t["village"], t["villages"]) for t in told(review, "season_lost")} == {(f"{COMMUNE}/02", 1)}
    (found,) = outlooks(review)
    judged = {v.unit_path: (v.outlook.step.key, v.outlook.missed, v.cases) for v in found.villages}
    assert judged == {f"{COMMUNE}/01": ("opinion", False, 2), f"{COMMUNE}/02": ("posting", True, 2)}


def test_one_household_s_late_complaint_loses_a_round_that_was_in_time(review, agreed):
    """A complaint on the last day of a posting from 05/12 leaves no room for the second posting."""
    review.run([replace(POST, day=date(2022, 12, 6))], agreed)
    assert flag(review, at(date(2022, 12, 9), 8)) == 0
    complaint = Beat("complain", date(2022, 12, 9), {"subject_code": "score"}, entered=at(date(2022, 12, 9), 16))
    review.run([complaint], agreed[:1])
    assert outlooks(review)[0].impossible_on == date(2022, 12, 9)
    assert flag(review, at(date(2022, 12, 9), 17)) == 1
    assert {t["pending"]["en"] for t in told(review, "season_lost")} == {"Complaint received, re-check"}


def test_a_round_that_ends_in_time_is_never_flagged(review, agreed):
    review.run(BEATS[3:], agreed)
    assert [v.outlook for v in outlooks(review)[0].villages] == [None, None]
    assert flag(review, at(date(2022, 12, 20))) == 0
    work_at(review, at(date(2022, 12, 20)))
    assert outlooks(review) == ()


def test_a_date_of_the_plan_that_ends_the_round_is_judged_by_itself(review, agreed):
    stone = FixedDate(
        "recognition.0", Text("Công nhận", "Recognition"), date(2022, 11, 30), "committee", COMMUNE,
        date(2022, 9, 26), source="KH 1", ends_round=True,
    )  # fmt: skip
    other = replace(stone, rule="report.0", due_on=date(2022, 10, 20), ends_round=False)
    with review.database.begin() as tx:
        open_fixed(tx, review.engine, rounds(tx, [1])[1], [stone, other])
    assert [(each.deadline.rule, each.impossible_on) for each in outlooks(review)] == [
        ("recognition.0", date(2022, 11, 25)), ("season_end", date(2022, 12, 9))
    ]  # fmt: skip
    assert flag(review, at(date(2022, 11, 24), 23)) == 0
    assert flag(review, at(date(2022, 11, 25), 0)) == 1
    assert {t["rule"] for t in told(review, "season_lost")} == {"recognition.0"}
    assert flag(review, MIDNIGHT) == 1


def test_a_round_without_any_case_is_lost_too(review):
    review.open_round(1, villages=0, households=0)
    with review.database.begin() as tx:
        open_season_end(tx, review.engine, rounds(tx, [1])[1])
    assert flag(review, MIDNIGHT) == 1
    assert {t["village"] for t in told(review, "season_lost")} == {COMMUNE}


def test_three_workers_at_once_flag_it_once(review, agreed, database_url):
    ready = threading.Barrier(3)
    faults: list[BaseException] = []

    def work() -> None:
        try:
            database = Database.open(database_url)
            clock = FrozenClock(MIDNIGHT)
            engine = Engine(review.engine.library, review.engine.calendar_for, clock, TimeOrderedIds())
            ready.wait(30)
            flag_lost(database, engine, [1])
            database.dispose()
        except BaseException as fault:  # noqa: BLE001  whatever a worker died of is the test's to show
            faults.append(fault)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert faults == []
    assert sorted(t["role"] for t in told(review, "season_lost")) == ["committee", "supervisor"]


def test_the_season_s_end_of_another_year_is_asked_of_the_calendar_known_then(review, agreed):
    """Whoever asks later gets the same days: nothing of the answer is stored."""
    review.clock.move_to(datetime.combine(date(2023, 3, 1), at(date(2023, 3, 1)).timetz()))
    assert outlooks(review)[0].impossible_on == date(2022, 12, 9)
