"""`rasoat feed …`: calendars to subscribe to: a desk's open deadlines, a campaign's milestones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ..foundation.defaults import DATABASE_URL
from ._common import Db, Json, Keys, Lang, Now, language, opened, print_json
from ._refusals import refusals

if TYPE_CHECKING:
    from ..deadlines.feeds import FeedEntry
    from ..foundation.messages import Language
    from ..workflows.plans.model import MilestoneDeadline

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="iCalendar feeds (RFC 5545).")


@app.command()
def desk(
    role: Annotated[str, typer.Argument(help="The role whose open deadlines are wanted: committee …")],
    unit: Annotated[str, typer.Argument(help="The unit (path) in which or below which it is held.")],
    *,
    now: Now = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Write the open deadlines that lie on a desk: one entry a village, step and last day."""
    from ..engine.feeding import deadline_entries

    tongue = language(lang)
    with opened(db, keys, as_json=as_json, now=now, asks=True) as engine:
        if as_json:
            with engine.database.read() as tx:
                print_json({"entries": [e._asdict() for e in deadline_entries(tx, engine.engine, role, unit, tongue)]})
            return
        typer.echo(engine.desk_feed(role, unit, tongue), nl=False)


@app.command()
def milestones(
    plan: Annotated[str, typer.Argument(help="A campaign plan: its key or its file (rasoat plan list).")],
    *,
    level: Annotated[
        str | None, typer.Option("--level", help="Only this level's: province, district, commune, village.")
    ] = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Write the dates of a campaign plan; refused while one of them is faulty (rasoat plan check)."""
    from ..deadlines.feeds import icalendar_text
    from ..foundation.clock import SystemClock
    from ..foundation.messages import text
    from ..workflows.plans import find_plan

    tongue = language(lang)
    with refusals(as_json=as_json):
        found = find_plan(plan)
        stones = [stone for stone in found.milestone_deadlines() if level in {None, str(stone.level)}]
        name = text("clock.feed.milestones", plan=found.document).within(tongue)
        entries = [_entry(stone, tongue) for stone in stones]
        if as_json:
            print_json({"name": name, "entries": [entry._asdict() for entry in entries]})
            return
        typer.echo(icalendar_text(name, entries, SystemClock().now()), nl=False)


def _entry(stone: MilestoneDeadline, tongue: Language) -> FeedEntry:
    from ..deadlines.feeds import FeedEntry
    from ..foundation.messages import message

    who = message(f"plan.level.{stone.level}").within(tongue)
    about = f"{stone.plan} {stone.article or ''}".strip()
    return FeedEntry(f"{stone.key}@rasoat", stone.due_on, f"{stone.label.within(tongue)} ({who})", about)
