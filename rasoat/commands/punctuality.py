"""`rasoat punctuality`: who kept the terms, by unit and step: on-time rates, days late."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ..engine.punctuality import By
from ..foundation.defaults import DATABASE_URL
from ..foundation.messages import text
from ._common import (
    Db,
    Json,
    Keys,
    Lang,
    OnlyRole,
    OnlyStep,
    OnlyUnit,
    OnlyWorkflow,
    language,
    opened,
    print_json,
    require_unit,
)
from ._days import day

if TYPE_CHECKING:
    from rich.table import Table

    from ..api import Rasoat
    from ..engine.punctuality import Punctuality
    from ..foundation.messages import Language

__all__ = ["punctuality"]

_HEADS = ("unit", "term", "on_time", "late", "running_late", "rate", "days_late")


def punctuality(
    *,
    by: Annotated[By, typer.Option("--by", help="By village, commune, or owner's desk.")] = By.COMMUNE,
    since: Annotated[
        datetime | None, typer.Option("--since", parser=day, metavar="DAY", help="Last days from this day on.")
    ] = None,
    through: Annotated[
        datetime | None, typer.Option("--through", parser=day, metavar="DAY", help="Last days until this day.")
    ] = None,
    unit: OnlyUnit = None,
    role: OnlyRole = None,
    workflow: OnlyWorkflow = None,
    step: OnlyStep = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Tell which share of the terms whose last day lies in a period was met in time, by unit and step.

    Example: rasoat punctuality --by village --since 01/09/2022 --through 14/12/2022 --unit 42/446
    """
    from ..engine.queries import Only

    with opened(db, keys, as_json=as_json) as engine:
        require_unit(engine, unit)
        found = engine.punctuality(
            by=by,
            since=since.date() if since else None,
            through=through.date() if through else None,
            unit_path=unit,
            only=Only(role=role, workflow=workflow, rule=step),
        )
        if as_json:
            print_json([{**asdict(each), "total": each.total, "on_time_rate": each.on_time_rate} for each in found])
            return
        from rich.console import Console

        Console().print(_table(engine, found, language(lang)))


def _table(engine: Rasoat, found: list[Punctuality], tongue: Language) -> Table:
    from rich import box
    from rich.table import Table

    names = {unit.path: unit.name for unit in engine.units()}
    table = Table(*(text(f"punctuality.{head}").within(tongue) for head in _HEADS), box=box.SIMPLE_HEAD)
    for each in found:
        rules = {rule.key: rule.label.within(tongue) for rule in engine.library.workflow(each.workflow).deadlines}
        table.add_row(
            names.get(each.unit_path, each.unit_path),
            rules.get(each.rule, each.rule),
            str(each.on_time),
            str(each.late),
            str(each.running_late),
            f"{each.on_time_rate:.0%}",
            str(each.days_late),
        )
    return table
