"""The worker: APScheduler as an alarm clock over a few fixed jobs. All it does derives from the tables.

Nothing is kept in the scheduler: its store lives in memory, every run asks the database what is due, and any number of
workers may run at once. The timers' job also wakes at the next due instant, so that a posting closes at midnight.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MISSED
from apscheduler.executors.pool import BasePoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler

from .engine.definition import SUPERVISOR
from .engine.tidings import tiding
from .engine.timers import run_due
from .foundation.clock import LEGAL_ZONE, SystemClock, end_of, legal_date
from .foundation.errors import RasoatError
from .health import Health
from .persistence.checkpoint_rows import take_due_checkpoint
from .persistence.marking import is_trial
from .persistence.outbox import enqueue
from .persistence.wakeups import next_wake_at, top_units

if TYPE_CHECKING:
    from apscheduler.events import JobExecutionEvent

    from .api import Rasoat

__all__ = ["Job", "Worker", "standard_jobs"]

log = structlog.get_logger("rasoat.worker")

Stop = Callable[[], bool]
CHECKPOINTS_VARIABLE = "RASOAT_CHECKPOINTS"
_WATCH = "watch"
_WATCH_EVERY = timedelta(seconds=30)
_PATIENCE = timedelta(minutes=5)
_MAX_GROUPS = 2_000


@dataclass(frozen=True, slots=True)
class Job:
    """Something the worker does again and again.

    `run` does everything that is due at the engine's clock, bounded: it returns counts, with ``stopped_short`` set if
    more is due, and ends early when its second argument says so. `wake` tells when it is needed next, if that is
    known; at the latest it runs after `every`.
    """

    name: str
    every: timedelta
    run: Callable[[Rasoat, Stop], Mapping[str, Any]]
    wake: Callable[[Rasoat], datetime | None] | None = None

    @property
    def stalled_after(self) -> timedelta:
        """How long the job may go without a success before that is an alert."""
        return max(10 * self.every, _PATIENCE)


def standard_jobs() -> tuple[Job, ...]:
    """Return the jobs every worker runs, in the order in which one round of them is done."""
    return (
        Job("timers", timedelta(minutes=1), _timers, _next_timer),
        Job("seasons", timedelta(hours=1), _seasons, _next_day),
        Job("checkpoint", timedelta(hours=1), _seal),
    )


def _timers(engine: Rasoat, stop: Stop) -> Mapping[str, Any]:
    """Close postings, climb ladders, record breaches."""
    return asdict(run_due(engine.database, engine.engine, max_groups=_MAX_GROUPS, stop=stop))


def _next_timer(engine: Rasoat) -> datetime | None:
    with engine.database.read() as tx:
        return next_wake_at(tx)


def _seasons(engine: Rasoat, stop: Stop) -> Mapping[str, Any]:
    """Flag the rounds that can't make their season any more."""
    return {"lost": engine.flag_lost(stop=stop)}


def _next_day(engine: Rasoat) -> datetime:
    """Return the next midnight: what is certain changes with the legal day."""
    return end_of(legal_date(engine.clock.now()))


class _Threads(BasePoolExecutor):  # type: ignore[misc]  # published without types
    """Runs the jobs in a pool of ours, so that their end can be waited for without the scheduler's locks."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        super().__init__(pool)


def _seal(engine: Rasoat, _stop: Stop) -> Mapping[str, Any]:
    """Seal all cases once a day; ``RASOAT_CHECKPOINTS`` names a folder outside the database that gets a copy."""
    folder = os.environ.get(CHECKPOINTS_VARIABLE)
    path = Path(folder) if folder else None
    signed = take_due_checkpoint(engine.database, engine.clock, engine.keys, folder=path)
    return {"taken": 0 if signed is None else 1, "number": None if signed is None else signed.checkpoint.number}


class Worker:
    """Runs jobs over one engine until it is told to stop."""

    def __init__(self, engine: Rasoat, jobs: tuple[Job, ...] | None = None, *, health_file: Path | None = None) -> None:
        self.engine = engine
        self.jobs = {job.name: job for job in (standard_jobs() if jobs is None else jobs)}
        self.health = Health()
        self._health_file = health_file
        self._stopping = threading.Event()
        self._scheduler: BackgroundScheduler | None = None
        self._pool: ThreadPoolExecutor | None = None
        # The scheduler lives in the machine's time, whatever clock the engine was given.
        self._clock = SystemClock()

    def once(self) -> dict[str, Mapping[str, Any]]:
        """Run every job once, now, in order; a job that fails keeps no other from running.

        Returns what each did; a failed one has ``error`` instead.
        """
        self._expect(self.engine.clock.now())
        done: dict[str, Mapping[str, Any]] = {}
        for job in self.jobs.values():
            try:
                done[job.name] = self._run(job)
            except Exception as error:  # noqa: BLE001  whatever a job raised is reported and alerted, not lost
                done[job.name] = {"error": str(error)}
                self._alert(job.name, str(error), None)
        self._write_health(self.engine.clock.now())
        return done

    def run(self) -> None:
        """Run until `stop` or SIGTERM; what has begun is finished, or ends at its next safe point."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: self.stop())
        self._expect(self._clock.now())
        # One thread for each job, one for the watch, one to wake jobs earlier.
        self._pool = ThreadPoolExecutor(len(self.jobs) + 2, thread_name_prefix="rasoat")
        self._scheduler = self._scheduled(self._pool)
        self._scheduler.start()
        log.info("worker_started", jobs=list(self.jobs))
        self._stopping.wait()
        self._scheduler.pause()
        self._scheduler.shutdown(wait=False)
        # A job's end is heard by `_after`, which asks the scheduler: waiting inside `shutdown` would lock both.
        self._pool.shutdown(wait=True)
        self._write_health(self._clock.now())
        log.info("worker_stopped")

    def stop(self) -> None:
        """Ask the worker to stop; returns at once."""
        self._stopping.set()

    def _scheduled(self, pool: ThreadPoolExecutor) -> BackgroundScheduler:
        scheduler = BackgroundScheduler(
            timezone=LEGAL_ZONE,
            jobstores={"default": MemoryJobStore()},
            executors={"default": _Threads(pool)},
            # Nothing is ever skipped for being late, and what piled up runs once: a run does all that is due.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        now = self._clock.now()
        for job in self.jobs.values():
            seconds = job.every.total_seconds()
            scheduler.add_job(self._run, "interval", [job], id=job.name, seconds=seconds, next_run_time=now)
        scheduler.add_job(self._watch, "interval", id=_WATCH, seconds=_WATCH_EVERY.total_seconds(), next_run_time=now)
        scheduler.add_listener(self._after, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR | EVENT_JOB_MISSED)
        return scheduler

    def _expect(self, now: datetime) -> None:
        self._look_for_the_mark()
        for job in self.jobs.values():
            self.health.expect(job.name, now, job.stalled_after)

    def _look_for_the_mark(self) -> None:
        """See whether the database is for trials; one that does not answer now fails the jobs, which is told."""
        try:
            with self.engine.database.read() as tx:
                self.health.trial = is_trial(tx)
        except RasoatError as error:
            log.warning("mark_unread", code=error.code)

    def _run(self, job: Job) -> Mapping[str, Any]:
        try:
            did = job.run(self.engine, self._stopping.is_set)
        except Exception as error:
            self.health.failed(job.name, str(error) or type(error).__name__)
            raise
        now = self._clock.now() if self._scheduler else self.engine.clock.now()
        self.health.succeeded(job.name, now, did)
        if did.get("stopped_short"):
            log.warning("job_stopped_short", job=job.name, **did)
        elif any(did.values()):
            log.info("job_done", job=job.name, **did)
        return did

    def _after(self, event: JobExecutionEvent) -> None:
        """Wake earlier if more is due, or turn what went wrong into an alert."""
        if event.code == EVENT_JOB_EXECUTED:
            if event.job_id in self.jobs and self._pool is not None and not self._stopping.is_set():
                # Elsewhere: a quick job's end is heard while the scheduler has yet to set its next hour.
                self._pool.submit(self._wake_earlier, self.jobs[event.job_id], event.retval)
            return
        missed = event.code == EVENT_JOB_MISSED
        problem = "missed its hour" if missed else str(event.exception) or type(event.exception).__name__
        log.error("job_missed" if missed else "job_failed", job=event.job_id, problem=problem)
        self._alert(event.job_id, problem, None)

    def _wake_earlier(self, job: Job, did: Mapping[str, Any]) -> None:
        scheduler, now = self._scheduler, self._clock.now()
        scheduled = scheduler.get_job(job.name) if scheduler else None
        if scheduler is None or scheduled is None:
            return
        wake = now if did.get("stopped_short") else job.wake(self.engine) if job.wake else None
        # What is still due after a run is held by someone else: the next round takes it, not a busy loop.
        sooner = wake is not None and (wake > now or did.get("stopped_short"))
        if sooner and wake is not None and wake < scheduled.next_run_time:
            scheduler.modify_job(job.name, next_run_time=wake)

    def _watch(self) -> None:
        """Write the health file, and tell of jobs that have not succeeded for too long."""
        now = self._clock.now()
        for name, last_success in self.health.stalled(now).items():
            log.error("job_stalled", job=name, last_success=last_success and last_success.isoformat())
            self._alert(name, "no success for too long", last_success)
        self._write_health(now)

    def _write_health(self, now: datetime) -> None:
        if self._health_file is not None:
            self.health.write(self._health_file, now)

    def _alert(self, job: str, problem: str, last_success: datetime | None) -> None:
        """Queue a message to whoever stands over every province of this installation, once a day and problem."""
        now = self.engine.clock.now()
        since = last_success.isoformat() if last_success else None
        data = {"job": job, "last_success": since, "problem": problem}
        subject = f"{job}:{since or legal_date(now)}:{problem}"
        try:
            with self.engine.database.begin() as tx:
                told = [
                    tiding("job_stalled", "urgent", SUPERVISOR, path, path, subject, data, now)
                    for path in top_units(tx)
                ]
                enqueue(tx, told)
        except RasoatError as error:
            # The database itself may be what failed; the log and the health file say so.
            log.exception("alert_not_queued", job=job, code=error.code)
