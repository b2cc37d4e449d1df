"""Several workers at once, and workers killed anywhere: each alert is raised exactly once."""

from __future__ import annotations

import signal
from collections import Counter
from datetime import date

import pytest

from rasoat.engine.timers import run_due
from rasoat.persistence.transactions import Tx
from tests.support.clockwork import at, deadlines, events, rungs, told
from tests.support.forking import forked_processes
from tests.support.invariants import broken
from tests.support.one_worker import work_off
from tests.support.reviews import BEATS, Beat

VILLAGES, HOUSEHOLDS = 5, 3
LADDER = (-2, -1, 0, 1, 3, 5)
INSTANT = at(date(2022, 11, 11))  # T+6 of the re-checks begun on 25/10


@pytest.fixture
def everything_due(review):
    """In every village one household complained, the others' posting has run out: nobody has looked for two weeks."""
    ids = review.open_round(1, villages=VILLAGES, households=HOUSEHOLDS)
    review.run(BEATS[:4], ids)
    complaining = ids[::HOUSEHOLDS]
    review.run([Beat("complain", date(2022, 10, 25), {"subject_code": "score"})], complaining)
    review.clock.move_to(INSTANT)
    return ids, complaining


def let_work(url, kills):
    """Start one worker for each number in `kills`, all at the same moment; return their exit codes."""
    processes = forked_processes()
    together = processes.Barrier(len(kills))
    workers = [processes.Process(target=work_off, args=(url, INSTANT, kill, together)) for kill in kills]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    return [worker.exitcode for worker in workers]


def assert_all_done_once(review, ids, complaining):
    ended = [event for event in events(review, "step") if event.trigger == "posting_ended"]
    assert Counter(event.case_id for event in ended) == Counter(set(ids) - set(complaining))
    assert Counter(event.case_id for event in events(review, "breach")) == Counter(complaining)
    recheck = {row.id for row in deadlines(review, "recheck")}
    assert Counter(step for i, step, _ in rungs(review) if i in recheck) == dict.fromkeys(
        (-2, -1, 0, 1, 3, 5), VILLAGES
    )
    alerts = [t for t in told(review, "deadline") if t["rule"] == "recheck"]
    assert Counter((t["step"], t["count"]) for t in alerts) == {(s, 1): VILLAGES for s in LADDER}
    postings = [t for t in told(review, "deadline") if t["rule"] == "posting"]
    assert [t["count"] for t in postings] == [HOUSEHOLDS - 1] * VILLAGES
    assert [t["count"] for t in told(review, "breach")] == [1] * VILLAGES
    assert told(review, "job_stalled") == []
    assert broken(review.database, review.engine.library) == []


@pytest.mark.xdist_group("forked")
def test_three_workers_started_at_once_do_everything_once(review, database_url, everything_due):
    assert let_work(database_url, [0, 0, 0]) == [0, 0, 0]
    run_due(review.database, review.engine)
    assert_all_done_once(review, *everything_due)


@pytest.mark.xdist_group("forked")
def test_a_killed_process_leaves_nothing_half_done(review, database_url, everything_due):
    for kill_at in (4, 30):
        assert let_work(database_url, [kill_at]) == [-signal.SIGKILL]
        assert broken(review.database, review.engine.library) == []
    assert let_work(database_url, [0, 0]) == [0, 0]
    assert_all_done_once(review, *everything_due)


class Killed(BaseException):
    """Nothing in the program may catch the end of its process."""


def test_workers_that_die_at_every_statement_in_turn_do_everything_once(review, everything_due, monkeypatch):
    """Each worker dies one statement later than the one before it, until one lives long enough to finish."""
    countdown = [0]

    def dying(method):
        def counted(*args):
            countdown[0] -= 1
            if countdown[0] == 0:
                raise Killed
            return method(*args)

        return counted

    for name in ("rows", "run", "many", "select", "execute"):
        monkeypatch.setattr(Tx, name, dying(getattr(Tx, name)))
    deaths = 0
    while True:
        countdown[0] = deaths + 1
        try:
            run_due(review.database, review.engine)
            break
        except Killed:
            deaths += 1
    countdown[0] = 0
    assert deaths > 10
    assert_all_done_once(review, *everything_due)
    assert run_due(review.database, review.engine).groups == 0
