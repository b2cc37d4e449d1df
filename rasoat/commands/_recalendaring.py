"""A calendar release over the open deadlines of a database: what it moves, or would move."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from ._common import opened
from ._progress import progress

if TYPE_CHECKING:
    from pathlib import Path

    from ..deadlines.releases import Library, Release

__all__ = ["moved_in", "show_moved", "tried"]


def tried(file: Path, releases_dir: Path | None) -> tuple[Release, bool, Library]:
    """Return a release, whether it is new, and the releases there would be with it; nothing is written."""
    from ..deadlines.releases import Library, library, load_release

    release, known = load_release(file), library(releases_dir if releases_dir and releases_dir.is_dir() else None)
    new = all(each.key != release.key for each in known.releases)
    return release, new, Library([*known.releases, release]) if new else known


def moved_in(
    db: str,
    keys: str | None,
    shelf: Library,
    *,
    dry_run: bool,
    now: str | None,
    as_json: bool,
    within: str | None = None,
) -> dict[str, Any]:
    """Move the open deadlines of a database onto the releases of `shelf`, or only say which, as JSON values."""
    with opened(db, keys, as_json=as_json, now=now, asks=dry_run) as engine, progress("counting", quiet=as_json):
        done = engine.recalendar(library=shelf, unit_path=within, dry_run=dry_run)
    shifts = [{**asdict(s), "old_due_on": str(s.old_due_on), "new_due_on": str(s.new_due_on)} for s in done.shifts]
    counts = {"moved": done.moved, "firm": done.firm, "provisional": done.provisional, "checked": done.checked}
    return {"dry_run": dry_run, **counts, "shifts": shifts}


def show_moved(found: dict[str, Any]) -> None:
    """Show what moves, one line a village, step and pair of last days."""
    for shift in found["shifts"]:
        days = f"{shift['old_due_on']} → {shift['new_due_on']}"
        typer.echo(f"{days}  {shift['count']:>6}  {shift['rule']:<12} {shift['unit_path']}  {shift['decision']}")
    typer.echo(f"{found['moved']} / {found['checked']}")
