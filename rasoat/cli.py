"""The command line. Exit codes: 0 done, 1 refused (with reasons), 2 wrong usage."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from . import __version__
from .commands import (
    act,
    audit,
    backup,
    calendar,
    case,
    correct,
    database,
    deadline,
    demo,
    due,
    feed,
    history,
    household,
    importing,
    keys,
    lineage,
    log,
    migrate,
    outbox,
    overdue,
    plan,
    punctuality,
    rehearse,
    rounds,
    serve,
    simulate,
    token,
    worker,
    workflows,
)
from .commands._common import ActingFor, Lang, configure_logging
from .commands._examples import show_examples
from .commands._helping import SpokenGroup, make_spoken

__all__ = ["app", "main"]

app = typer.Typer(
    name="rasoat",
    cls=SpokenGroup,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="Rà soát hộ nghèo, hộ cận nghèo: the case engine and the legal clock.",
    epilog="Exit codes: 0 done, 1 refused (with reasons), 2 wrong usage.",
)
app.command("demo")(demo.demo)
app.command("import")(importing.import_file)
app.command("act")(act.act)
app.command("correct")(correct.correct)
app.command("correct-opening")(correct.correct_opening)
app.command("undo")(correct.undo)
app.command("history")(history.history)
app.command("due")(due.due)
app.command("overdue")(overdue.overdue)
app.command("punctuality")(punctuality.punctuality)
app.add_typer(case.app, name="case")
app.add_typer(plan.app, name="plan")
app.add_typer(workflows.app, name="workflows")
app.add_typer(calendar.app, name="calendar")
app.add_typer(database.app, name="db")
app.add_typer(keys.app, name="keys")
app.command("worker")(worker.worker)
app.add_typer(deadline.app, name="deadline")
app.add_typer(feed.app, name="feed")
app.command("simulate")(simulate.simulate)
app.command("serve")(serve.serve)
app.add_typer(token.app, name="token")
app.add_typer(log.app, name="log")
app.add_typer(migrate.app, name="migrate")
app.command("rehearse")(rehearse.rehearse)
app.add_typer(audit.app, name="audit")
app.add_typer(outbox.app, name="outbox")
household.app.add_typer(lineage.app)
app.add_typer(household.app, name="household")
app.add_typer(rounds.app, name="round")
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("export")(backup.export)
app.command("load")(backup.load)

show_examples(app)
make_spoken(app)


def _version(asked: bool) -> None:  # noqa: FBT001  a typer callback takes the option's value alone
    if asked:
        typer.echo(f"rasoat {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[  # noqa: ARG001  its callback has done all there is to do
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and stop.")
    ] = False,
    log_json: Annotated[bool, typer.Option("--log-json", help="Logs as JSON lines on standard error.")] = False,
    log_level: Annotated[str | None, typer.Option("--log-level", help="debug, info, warning or error.")] = None,
    lang: Lang = "vi",  # noqa: ARG001  as above
    on_behalf_of: ActingFor = None,  # noqa: ARG001  as above
) -> None:
    configure_logging(as_json=log_json or None, level=log_level)


def main() -> None:
    """Run the command line with UTF-8 output, whatever the console's own encoding."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8")
    app()
