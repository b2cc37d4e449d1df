"""`rasoat workflows settings|set|unset`: what a deployment chose where the law leaves it open."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ..foundation.defaults import DATABASE_URL
from ._common import Db, Json, Keys, opened, print_json
from ._speaking import require_known, wrong_usage

__all__ = ["list_settings", "set_setting", "unset_setting"]

Key = Annotated[str, typer.Argument(help="The setting's name, as `rasoat workflows show` gives it.")]
Workflow = Annotated[str, typer.Option("--workflow", help="For this definition, KEY@REGIME; empty: all that know it.")]
Unit = Annotated[str, typer.Option("--unit", help="For this unit (path) and all below it; empty: everywhere.")]


def list_settings(db: Db = DATABASE_URL, keys: Keys = None, *, as_json: Json = False) -> None:
    """List the settings stored in the database; what is not listed has its definition's default.

    Example: rasoat workflows settings --json
    """
    with opened(db, keys, as_json=as_json) as engine:
        found = engine.settings()
    if as_json:
        print_json({"settings": [each._asdict() for each in found]})
        return
    for each in found:
        value = json.dumps(each.value, ensure_ascii=False)
        typer.echo(f"{each.key} = {value}\t{each.workflow or '*'}\t{each.unit_path or '*'}")


def set_setting(
    key: Key,
    value: Annotated[str, typer.Argument(help="The value as JSON: true, 3, '\"households\"'.")],
    *,
    workflow: Workflow = "",
    unit: Unit = "",
    db: Db = DATABASE_URL,
    keys: Keys = None,
    as_json: Json = False,
) -> None:
    """Store a setting; one that is part of a definition (how a term is counted) is refused.

    Example: rasoat workflows set silence_override true --workflow annual@2022 --unit 42
    """
    try:
        given = json.loads(value)
    except ValueError as error:
        raise wrong_usage(code="usage.json", value=value) from error
    with opened(db, keys, as_json=as_json) as engine:
        engine.set_setting(key, given, workflow=workflow, unit_path=unit)
    if as_json:
        print_json({"key": key, "value": given, "workflow": workflow, "unit_path": unit})


def unset_setting(
    key: Key,
    *,
    workflow: Workflow = "",
    unit: Unit = "",
    db: Db = DATABASE_URL,
    keys: Keys = None,
    as_json: Json = False,
) -> None:
    """Remove a stored setting: what is stored above it, or the default, holds again.

    Example: rasoat workflows unset silence_override --workflow annual@2022 --unit 42
    """
    with opened(db, keys, as_json=as_json) as engine:
        stored = {each.key for each in engine.settings()}
        if key not in stored:  # what no definition knows any more may still be taken away
            ids = engine.library.ids()
            require_known("KEY", key, stored.union(*(engine.library.workflow(each).settings for each in ids)))
        engine.unset_setting(key, workflow=workflow, unit_path=unit)
    if as_json:
        print_json({"key": key, "workflow": workflow, "unit_path": unit})
