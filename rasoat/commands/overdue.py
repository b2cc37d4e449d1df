"""`rasoat overdue`: what is past its last day, in which village, on whose desk."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ..foundation.defaults import DATABASE_URL
from ._common import Db, Json, Keys, Lang, language, opened, print_json
from .due import DATE_FORMATS

if TYPE_CHECKING:
    from rich.table import Table

    from ..api import Rasoat
    from ..engine.queries import DueLine
    from ..foundation.messages import Language

__all__ = ["overdue"]


def overdue(
    *,
    unit: Annotated[str | None, typer.Option("--unit", help="Only this unit and what lies below it (path).")] = None,
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", formats=DATE_FORMATS, help="As it stood on this legal day.")
    ] = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """List what is overdue, computed now from the deadlines; nothing overdue is no error.

    Example: rasoat overdue --unit 42/446 --as-of 08/11/2022
    """
    tongue = language(lang)
    with opened(db, keys, as_json=as_json) as engine:
        day = as_of.date() if as_of else engine.today()
        lines = engine.overdue(unit_path=unit, as_of=day)
        if as_json:
            print_json({"as_of": day, "overdue": [asdict(line) for line in lines]})
            return
        from rich.console import Console

        Console().print(_table(engine, lines, tongue))


def _table(engine: Rasoat, lines: list[DueLine], tongue: Language) -> Table:
    from rich import box
    from rich.table import Table

    heads = {
        "vi": ("Đơn vị", "Thời hạn", "Thuộc trách nhiệm", "Hạn cuối", "Số hồ sơ", "Ngày làm việc quá hạn"),
        "en": ("Unit", "Term", "On whose desk", "Last day", "Cases", "Working days late"),
    }
    names = {unit.path: unit.name for unit in engine.units()}
    table = Table(*heads[tongue], box=box.SIMPLE_HEAD)
    for line in lines:
        workflow = engine.library.workflow(line.workflow)
        desk = f"{workflow.roles[line.owner_role].label.within(tongue)}, {names.get(line.owner_path, line.owner_path)}"
        label = workflow.deadline(line.rule).label.within(tongue)
        place = names.get(line.unit_path, line.unit_path)
        table.add_row(place, label, desk, f"{line.due_on:%d/%m/%Y}", str(line.count), str(line.days))
    return table
