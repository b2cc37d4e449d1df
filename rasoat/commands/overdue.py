"""`rasoat overdue`: what is past its last day, or falls due, in which village, on whose desk."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ..foundation.defaults import DATABASE_URL
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
from ._speaking import require_known, wrong_usage

if TYPE_CHECKING:
    from rich.table import Table

    from ..api import Rasoat
    from ..engine.queries import DueLine
    from ..foundation.messages import Language

__all__ = ["overdue"]


def overdue(
    *,
    unit: OnlyUnit = None,
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", parser=day, metavar="DAY", help="As it stood on this legal day.")
    ] = None,
    within: Annotated[
        int | None, typer.Option("--within", min=0, help="Also what falls due today and in so many working days.")
    ] = None,
    due_from: Annotated[
        datetime | None, typer.Option("--from", parser=day, metavar="DAY", help="What falls due from this day …")
    ] = None,
    due_to: Annotated[
        datetime | None, typer.Option("--to", parser=day, metavar="DAY", help="… to this day, as things stand now.")
    ] = None,
    role: OnlyRole = None,
    plan: Annotated[str | None, typer.Option("--plan", help="Only rounds of this campaign plan.")] = None,
    workflow: OnlyWorkflow = None,
    step: OnlyStep = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """List what is overdue, computed now from the deadlines; nothing overdue is no error.

    Example: rasoat overdue --unit 42/446 --as-of 08/11/2022
    """
    tongue = language(lang)
    if within is not None and as_of is not None:
        raise wrong_usage(code="usage.overdue_ahead")
    narrowed = any((within is not None, as_of, role, plan, workflow, step))
    if (due_from is None) != (due_to is None) or (due_from and narrowed):
        raise wrong_usage(code="usage.due_between")
    with opened(db, keys, as_json=as_json) as engine:
        from ..engine.queries import Only

        require_unit(engine, unit)
        day = as_of.date() if as_of else engine.today()
        _require_names(engine, role, workflow)
        only = Only(role=role, plan=plan, workflow=workflow, rule=step)
        if due_from and due_to:
            lines = engine.due_between(due_from.date(), due_to.date(), unit_path=unit)
        elif within is not None:
            lines = engine.agenda(working_days=within, unit_path=unit, only=only)
        else:
            lines = engine.overdue(unit_path=unit, as_of=day, only=only)
        if as_json:
            print_json({"as_of": day, "overdue": [asdict(line) for line in lines]})
            return
        from rich.console import Console

        Console().print(_table(engine, lines, tongue))


def _require_names(engine: Rasoat, role: str | None, workflow: str | None) -> None:
    """Refuse a role or a procedure that no definition has."""
    ids = engine.library.ids()
    require_known("--workflow", workflow, {*ids, *(each.partition("@")[0] for each in ids)})
    if role is not None:
        require_known("--role", role, {key for each in ids for key in engine.library.workflow(each).roles})


def _table(engine: Rasoat, lines: list[DueLine], tongue: Language) -> Table:
    from rich import box
    from rich.table import Table

    from ..engine.rounds import SEASON_END
    from ..foundation.messages import message

    heads = {
        "vi": ("Đơn vị", "Thời hạn", "Thuộc trách nhiệm", "Hạn cuối", "Số hồ sơ", "Ngày làm việc quá hạn"),
        "en": ("Unit", "Term", "On whose desk", "Last day", "Cases", "Working days late"),
    }
    names = {unit.path: unit.name for unit in engine.units()}
    table = Table(*heads[tongue], box=box.SIMPLE_HEAD)
    for line in lines:
        workflow = engine.library.workflow(line.workflow)
        role = workflow.roles[line.owner_role].label.within(tongue)
        desk = f"{role}, {names.get(line.owner_path, line.owner_path)}"
        # A round's own date (its season's end, a plan's milestone) is no rule of the procedure.
        rules = {rule.key: rule.label for rule in workflow.deadlines} | {SEASON_END: message("clock.season_end")}
        label = rules[line.rule].within(tongue) if line.rule in rules else line.rule
        place = names.get(line.unit_path, line.unit_path)
        table.add_row(place, label, desk, f"{line.due_on:%d/%m/%Y}", str(line.count), str(line.days))
    return table
