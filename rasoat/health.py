"""How the worker is: the age of each job's last success, for a health file, an endpoint, a container's probe."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .foundation.errors import InputError
from .foundation.messages import fault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Health", "read_health"]

FRESH_FOR = timedelta(minutes=3)
"""A health file older than this speaks of a worker that is gone: it is written every half minute."""


@dataclass(slots=True)
class _Job:
    """What is known of one job since the worker started at `since`."""

    since: datetime
    stalled_after: timedelta
    last_success: datetime | None = None
    error: str = ""
    did: Mapping[str, Any] = field(default_factory=dict)

    def age(self, now: datetime) -> timedelta:
        return now - (self.last_success or self.since)

    def stalled(self, now: datetime) -> bool:
        return self.age(now) > self.stalled_after


class Health:
    """The state of every job; several threads may report at once."""

    def __init__(self) -> None:
        self.trial = False
        """Whether the worker's database is for trials, as a demonstration's is."""
        self._jobs: dict[str, _Job] = {}
        self._lock = threading.Lock()

    def expect(self, name: str, since: datetime, stalled_after: timedelta) -> None:
        """Watch a job from `since` on: without a success for `stalled_after` it counts as stalled."""
        with self._lock:
            self._jobs[name] = _Job(since, stalled_after)

    def succeeded(self, name: str, at: datetime, did: Mapping[str, Any]) -> None:
        """Note that a job ran to its end (or to its bound: `did` says ``stopped_short``)."""
        with self._lock:
            job = self._jobs[name]
            job.last_success, job.error, job.did = at, "", dict(did)

    def failed(self, name: str, error: str) -> None:
        """Note that a job's last run failed."""
        with self._lock:
            self._jobs[name].error = error

    def stalled(self, now: datetime) -> dict[str, datetime | None]:
        """Return the jobs without a success for too long, each with the instant of its last one."""
        with self._lock:
            return {name: job.last_success for name, job in self._jobs.items() if job.stalled(now)}

    def report(self, now: datetime) -> dict[str, Any]:
        """Return everything known, as JSON values. Healthy: no job stalled, none failed when it last ran."""
        with self._lock:
            jobs = {name: _job_dict(job, now) for name, job in self._jobs.items()}
        healthy = not any(job["stalled"] or job["error"] for job in jobs.values())
        return {"written_at": now.isoformat(), "healthy": healthy, "trial": self.trial, "jobs": jobs}

    def write(self, path: Path, now: datetime) -> None:
        """Write the report to `path` in one piece: a reader never sees half of it."""
        draft = path.with_name(path.name + ".part")
        draft.write_text(json.dumps(self.report(now), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        draft.replace(path)


def read_health(path: Path, now: datetime) -> dict[str, Any]:
    """Read a health file as of `now`: what is too old to speak of a living worker is unhealthy.

    `InputError` if there is no such file or it is none of ours.
    """
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        age = now - datetime.fromisoformat(report["written_at"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise fault(InputError, "usage.health", path=path, reason=error) from error
    fresh = age <= FRESH_FOR
    return {**report, "age_seconds": round(age.total_seconds()), "healthy": bool(report["healthy"] and fresh)}


def _job_dict(job: _Job, now: datetime) -> dict[str, Any]:
    return {
        "last_success": job.last_success.isoformat() if job.last_success else None,
        "age_seconds": round(job.age(now).total_seconds()),
        "stalled": job.stalled(now),
        "error": job.error or None,
        "did": dict(job.did),
    }
