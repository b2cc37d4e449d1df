"""`rasoat worker`: do what falls due, again and again or once; say how the worker is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._common import Db, Json, Keys, opened, print_json
from ._refusals import REFUSED, refusals
from ._speaking import spoken, wrong_usage

if TYPE_CHECKING:
    from ..api import Rasoat
    from ..worker import Job

__all__ = ["worker"]


def worker(
    db: Db,
    keys: Keys = None,
    *,
    once: Annotated[bool, typer.Option("--once", help="Do what is due now and end: for cron, Celery beat.")] = False,
    now: Annotated[
        str | None, typer.Option("--now", help="With --once: the instant, e.g. 2022-10-27T17:00+07:00.")
    ] = None,
    notify: Annotated[
        Path | None, typer.Option("--notify", envvar="RASOAT_NOTIFY", help="Settings of messages (TOML): send them.")
    ] = None,
    health: Annotated[Path | None, typer.Option("--health", help="File that says how old each success is.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Only read the health file; 1 if unhealthy.")] = False,
    as_json: Json = False,
) -> None:
    """Close postings, raise alerts, record breaches, deliver messages: as they fall due, until told to stop."""
    if (now and not once) or (check and (once or health is None)):
        raise wrong_usage(code="usage.worker")
    if check and health is not None:
        _check(health, as_json=as_json)
        return
    with opened(db, keys, as_json=as_json, now=now) as engine:
        from ..worker import Worker

        working = Worker(engine, _jobs(engine, notify), health_file=health)
        if not once:
            working.run()
            return
        done = working.once()
        _show(done, as_json=as_json)
    if any("error" in did for did in done.values()):
        raise typer.Exit(REFUSED)


def _jobs(engine: Rasoat, settings: Path | None) -> tuple[Job, ...]:
    """Return the jobs of every worker and, where messages are set up, those that write and send them."""
    from ..notifying import load_notify, notify_jobs, subscription_channel, subscription_jobs
    from ..worker import standard_jobs

    if settings is None:
        return (*standard_jobs(), *subscription_jobs(subscription_channel(engine)))
    return (*standard_jobs(), *notify_jobs(load_notify(settings, engine)))


def _check(health: Path, *, as_json: bool) -> None:
    from ..foundation.clock import SystemClock
    from ..foundation.messages import text
    from ..health import read_health

    tongue = spoken()

    with refusals(as_json=as_json):
        report = read_health(health, SystemClock().now())
    if as_json:
        print_json(report)
    else:
        for name, job in report["jobs"].items():
            state = "stalled" if job["stalled"] else job["error"] or "ok"
            told = text("telling.job", job=name), text("telling.health", health=state)
            typer.echo(f"{told[0].within(tongue):<16} {job['age_seconds']:>6} s  {told[1].within(tongue)}")
        if report.get("trial"):
            typer.echo(text("opening.trial").within(tongue))
    if not report["healthy"]:
        raise typer.Exit(REFUSED)


def _show(done: dict[str, Any], *, as_json: bool) -> None:
    from ..foundation.messages import joined, text

    if as_json:
        print_json({"jobs": done})
        return
    for name, did in done.items():
        counts = joined((text("telling.did", did=key, value=value) for key, value in did.items() if value), ", ")
        told = text("telling.job", job=name).within(spoken())
        typer.echo(f"{told:<16} {counts.within(spoken()) or '–'}")
