"""`rasoat round open | milestones | states | left-out`: a commune's round, its dates, how far it is, whom it forgot."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from ..foundation.defaults import DATABASE_URL
from ..foundation.messages import text
from ._common import Db, Json, Keys, Lang, language, opened, print_json
from ._days import day

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="One round of a commune.")

Code = Annotated[str, typer.Argument(help="The round's code.")]


@app.command(name="open")
def open_round(
    code: Code,
    unit: Annotated[str, typer.Option("--unit", help="Path of the commune.")],
    started_on: Annotated[datetime, typer.Option("--started-on", parser=day, metavar="DAY", help="The first day.")],
    *,
    procedure: Annotated[str, typer.Option("--procedure", help="The round's procedure.")] = "annual",
    plan: Annotated[
        str | None, typer.Option("--plan", help="The campaign plan it belongs to (key or file); its dates are opened.")
    ] = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    as_json: Json = False,
) -> None:
    """Open a round under the regime in force on its first day, with its season and the dates of its plan.

    Example: rasoat round open 18766-2024 --unit 42/446/18766 --started-on 01/09/2024 --plan hai-duong-2024
    """
    from ..workflows.plans import find_plan

    with opened(db, keys, as_json=as_json) as engine:
        chosen = find_plan(plan) if plan else None
        begun = started_on.date()
        if chosen is not None:
            chosen.milestone_deadlines()  # a plan with a faulty date is refused before anything is written
        ends_on = engine.season_end(procedure, begun)
        row = engine.open_round(code, procedure, unit, begun, ends_on=ends_on, plan=chosen.key if chosen else None)
        new = engine.open_milestones(code, chosen) if chosen else 0
    said = {
        "round": row.code, "workflow": row.workflow, "unit": row.unit_path, "started_on": row.started_on,
        "ends_on": row.ends_on, "plan": row.plan, "milestones": new,
    }  # fmt: skip
    if as_json:
        print_json(said)
    else:
        typer.echo("\t".join(str(value) for value in said.values() if value is not None))


@app.command()
def milestones(
    code: Code,
    plan: Annotated[str, typer.Argument(help="A plan file, or the key of a plan that comes with the project.")],
    *,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    as_json: Json = False,
) -> None:
    """Open the dates that a campaign plan sets for the round's commune, each a deadline with its owner."""
    from ..workflows.plans import find_plan

    with opened(db, keys, as_json=as_json) as engine:
        new = engine.open_milestones(code, find_plan(plan))
    if as_json:
        print_json({"round": code, "milestones": new})
    else:
        typer.echo(f"{code}\t+{new}")


@app.command(name="left-out")
def left_out(
    code: Code,
    *,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """List the households the commune manages (poor, near-poor) that have no case in the round (không bỏ sót)."""
    tongue = language(lang)
    with opened(db, keys, as_json=as_json) as engine:
        codes = engine.left_out(code)
    if as_json:
        print_json(codes)
        return
    for each in codes:
        typer.echo(each)
    typer.echo(text("lineage.left_out", count=len(codes)).within(tongue), err=True)


@app.command()
def states(
    code: Code,
    *,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Count the round's cases by village and step.

    Example: rasoat round states 18766-2022
    """
    from ..persistence.rounds import round_by_code

    tongue = language(lang)
    with opened(db, keys, as_json=as_json) as engine:
        counts = engine.states(code)
        names = {unit.path: unit.name for unit in engine.units()}
        with engine.queries.read() as tx:
            opened_in = round_by_code(tx, code)
        workflow = engine.library.workflow(opened_in.workflow) if opened_in else None
    if as_json:
        print_json([asdict(count) for count in counts])
        return
    for each in counts:
        state = workflow.state(each.state).label.within(tongue) if workflow else each.state
        typer.echo(f"{names.get(each.unit_path, each.unit_path)}\t{state}\t{each.count}")
