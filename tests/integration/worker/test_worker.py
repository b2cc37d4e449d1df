"""The worker's alarm clock: jobs once or for ever, failures that become alerts, a graceful end, a health file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rasoat import Rasoat
from rasoat.cli import app
from rasoat.foundation.clock import FrozenClock, SystemClock
from rasoat.foundation.errors import InputError
from rasoat.foundation.messages import message
from rasoat.health import Health, read_health
from rasoat.persistence.keys import create_key_file
from rasoat.persistence.marking import mark_trial
from rasoat.worker import Job, Worker, standard_jobs
from tests.support.clockwork import at, deadlines, told
from tests.support.reviews import BEATS

ROOT = Path(__file__).parents[3]
NOON = at(date(2022, 10, 28), 12)


@pytest.fixture
def posted(review):
    review.run(BEATS[:4], review.open_round(1, villages=1, households=2))
    return review


@pytest.fixture
def engine(posted, database_url, tmp_path):
    opened = Rasoat.open(database_url, keys=f"file:{make_keys(tmp_path)}", clock=FrozenClock(NOON))
    yield opened
    opened.close()


def make_keys(folder):
    path = folder / "keys"
    create_key_file(path)
    return path


def rasoat(*arguments):
    return CliRunner().invoke(app, ["worker", *arguments])


MAIN = "from rasoat.cli import main; main()"


def job(name, run, **options):
    return Job(name, timedelta(seconds=options.pop("every", 60)), run, **options)


def run_until(worker, reached, seconds=60):
    """Let the worker run until `reached` is set, then stop it; the end must be its own."""
    thread = threading.Thread(target=worker.run)
    thread.start()
    assert reached.wait(seconds)
    worker.stop()
    thread.join(seconds)
    assert not thread.is_alive()


def test_once_does_what_is_due_and_says_what_it_did(engine, posted):
    done = Worker(engine).once()
    assert done["timers"]["fired"] == 2
    assert {row.status for row in deadlines(posted)} == {"met"}
    assert not any(Worker(engine).once()["timers"].values())


def test_a_failing_job_is_an_alert_and_keeps_no_other_from_running(engine, posted):
    def fails(_engine, _stop):
        msg = "the relay is gone"
        raise OSError(msg)

    done = Worker(engine, (job("dispatch", fails), *standard_jobs())).once()
    assert done["dispatch"] == {"error": "the relay is gone"}
    assert done["timers"]["fired"] == 2
    (alert,) = told(posted, "job_stalled")
    assert (alert["role"], alert["unit"], alert["job"], alert["problem"]) == (
        "supervisor", "42", "dispatch", "the relay is gone"
    )  # fmt: skip
    Worker(engine, (job("dispatch", fails),)).once()
    assert len(told(posted, "job_stalled")) == 1


def test_the_running_worker_turns_a_failure_into_an_alert_and_goes_on(engine, posted):
    runs, again = [], threading.Event()

    def flaky(_engine, _stop):
        runs.append(1)
        if len(runs) == 1:
            msg = "first time"
            raise OSError(msg)
        again.set()
        return {}

    worker = Worker(engine, (job("flaky", flaky, every=1),))
    run_until(worker, again)
    assert [t["problem"] for t in told(posted, "job_stalled")] == ["first time"]
    assert worker.health.report(datetime.now(UTC))["healthy"]


def test_a_run_that_stopped_short_goes_on_at_once(engine):
    runs, done = [], threading.Event()

    def bounded(_engine, _stop):
        runs.append(1)
        if len(runs) == 3:
            done.set()
        return {"stopped_short": len(runs) < 3}

    run_until(Worker(engine, (job("bounded", bounded, every=3600),)), done)
    assert len(runs) == 3


def test_the_worker_wakes_at_the_next_due_instant_not_only_when_polling(engine):
    times, twice = [], threading.Event()
    due = SystemClock().now() + timedelta(seconds=2)

    def run(_engine, _stop):
        times.append(SystemClock().now())
        if len(times) == 2:
            twice.set()
        return {}

    run_until(Worker(engine, (job("timers", run, every=3600, wake=lambda _: due),)), twice)
    assert times[1] >= due


def test_what_is_still_due_after_a_run_does_not_make_the_worker_spin(engine):
    runs, waited = [], threading.Event()

    def run(_engine, _stop):
        runs.append(1)
        threading.Timer(1.0, waited.set).start()
        return {}

    past = SystemClock().now() - timedelta(days=1)
    run_until(Worker(engine, (job("timers", run, every=3600, wake=lambda _: past),)), waited)
    assert len(runs) == 1


def test_a_stop_is_told_to_the_job_that_runs_and_waited_for(engine):
    began, ended = threading.Event(), []

    def long(_engine, stop):
        began.set()
        while not stop():
            threading.Event().wait(0.01)
        ended.append(True)
        return {"stopped_short": True}

    run_until(Worker(engine, (job("long", long),)), began)
    assert ended == [True]


def test_a_job_without_success_for_too_long_is_told_once(engine, posted, tmp_path):
    worker = Worker(engine, (job("checkpoint", lambda *_: {}),), health_file=tmp_path / "health.json")
    began = SystemClock().now() - timedelta(hours=2)
    worker.health.expect("checkpoint", began, worker.jobs["checkpoint"].stalled_after)
    worker._watch()
    worker._watch()
    (alert,) = told(posted, "job_stalled")
    assert (alert["job"], alert["last_success"]) == ("checkpoint", None)
    report = json.loads((tmp_path / "health.json").read_text())
    assert report["healthy"] is False
    assert report["jobs"]["checkpoint"]["stalled"] is True
    assert report["jobs"]["checkpoint"]["age_seconds"] >= 7200


@pytest.mark.parametrize("made_for_trials", [False, True])
def test_the_health_of_a_worker_says_whether_its_database_is_for_trials(
    review, database_url, tmp_path, made_for_trials
):
    if made_for_trials:
        with review.database.begin() as tx:
            mark_trial(tx)
    health = tmp_path / "health.json"
    opened = Rasoat.open(database_url, keys=f"file:{make_keys(tmp_path)}")
    Worker(opened, (job("nothing", lambda *_: {}),), health_file=health).once()
    opened.close()

    assert read_health(health, SystemClock().now())["trial"] is made_for_trials
    shown = rasoat("--db", database_url, "--check", "--health", str(health)).stdout
    assert any(sentence in shown for sentence in message("opening.trial")) is made_for_trials


def test_health_tells_age_error_and_what_was_done():
    health, began = Health(), datetime(2022, 10, 28, tzinfo=UTC)
    health.expect("timers", began, timedelta(minutes=10))
    assert health.stalled(began + timedelta(minutes=10)) == {}
    assert health.stalled(began + timedelta(minutes=11)) == {"timers": None}
    health.succeeded("timers", began + timedelta(minutes=11), {"fired": 3})
    report = health.report(began + timedelta(minutes=12))
    assert report["healthy"]
    assert report["jobs"]["timers"]["age_seconds"] == 60
    assert report["jobs"]["timers"]["did"] == {"fired": 3}
    health.failed("timers", "no database")
    assert health.report(began + timedelta(minutes=12))["jobs"]["timers"]["error"] == "no database"
    assert not health.report(began + timedelta(minutes=12))["healthy"]


def test_an_old_health_file_speaks_of_a_worker_that_is_gone(tmp_path):
    health, began = Health(), datetime(2022, 10, 28, tzinfo=UTC)
    health.expect("timers", began, timedelta(minutes=10))
    health.write(tmp_path / "h", began)
    assert read_health(tmp_path / "h", began + timedelta(minutes=1))["healthy"]
    assert not read_health(tmp_path / "h", began + timedelta(minutes=4))["healthy"]
    with pytest.raises(InputError, match="no readable health file"):
        read_health(tmp_path / "none", began)


def test_the_command_runs_everything_due_at_an_instant(posted, database_url, tmp_path):
    keys = f"file:{make_keys(tmp_path)}"
    arguments = ("--db", database_url, "--keys", keys, "--once", "--json", "--health", str(tmp_path / "h"))
    before = rasoat(*arguments, "--now", "2022-10-27T17:00+07:00")
    assert (before.exit_code, json.loads(before.stdout)["jobs"]["timers"]["fired"]) == (0, 0), before.stderr
    after = rasoat(*arguments, "--now", "2022-10-28T00:00+07:00")
    assert json.loads(after.stdout)["jobs"]["timers"]["fired"] == 2
    assert json.loads((tmp_path / "h").read_text())["healthy"]
    assert rasoat("--db", database_url, "--now", "2022-10-28T00:00+07:00").exit_code == 2
    assert rasoat("--db", database_url, "--keys", keys, "--once", "--now", "yesterday").exit_code == 2


def test_the_command_ends_gracefully_on_sigterm_and_leaves_its_health(posted, database_url, tmp_path):
    path, keys = tmp_path / "health.json", f"file:{make_keys(tmp_path)}"
    worker = subprocess.Popen(
        [sys.executable, "-c", MAIN, "worker", "--db", database_url, "--keys", keys, "--health", path],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    try:
        fired = threading.Event()
        for _ in range(600):
            if path.exists() and json.loads(path.read_text())["jobs"]["timers"]["last_success"]:
                break
            if {row.status for row in deadlines(posted)} == {"met"}:
                break
            fired.wait(0.1)
        os.kill(worker.pid, signal.SIGTERM)
        _, error = worker.communicate(timeout=60)
    finally:
        worker.kill()
    assert worker.returncode == 0, error
    report = json.loads(path.read_text())
    assert report["jobs"]["timers"]["did"]["fired"] == 2
    assert {row.status for row in deadlines(posted)} == {"met"}
    checked = rasoat("--db", database_url, "--check", "--health", str(path), "--json")
    assert checked.exit_code == 0, checked.stderr
    assert json.loads(checked.stdout)["healthy"]
