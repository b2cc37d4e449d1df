"""`rasoat rehearse`: a recorded round under another definition, calendar or setting."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..foundation.defaults import DATABASE_URL
from ..foundation.messages import text
from ._common import Db, Json, Keys, Lang, language, opened, print_json
from ._progress import progress
from ._speaking import wrong_usage

if TYPE_CHECKING:
    from ..engine.rehearsing import Rehearsal

__all__ = ["rehearse"]

_NOTHING: list[str] = []


def rehearse(
    *,
    round_code: Annotated[str, typer.Option("--round", help="Code of the round to replay.")],
    workflow: Annotated[str | None, typer.Option("--workflow", help="Under this definition, KEY@REGIME.")] = None,
    calendar: Annotated[str | None, typer.Option("--calendar", help="On this calendar, e.g. vn/2025-12-25.")] = None,
    setting: Annotated[
        list[str], typer.Option("--setting", help="With this setting, KEY=JSON.", metavar="KEY=JSON")
    ] = _NOTHING,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Replay a round's recorded acts and tell what would have differed. Nothing is changed.

    Example: rasoat rehearse --round 18766-2022 --workflow annual@2025
    """
    tongue = language(lang)
    with opened(db, keys, as_json=as_json) as engine, progress("replaying", quiet=as_json) as told:
        found = engine.rehearse(
            round_code, workflow=workflow, calendar=calendar, settings=_settings(setting), progress=told
        )
    if as_json:
        print_json(_object(found))
        return
    for (kind, what, recorded, rehearsed), count in sorted(found.summary().items()):
        said = text(f"migration.difference.{kind}", count=count, what=what, recorded=recorded, rehearsed=rehearsed)
        typer.echo(said.within(tongue))
    for case_id, why in found.left_out.items():
        typer.echo(text("migration.rehearsal.left_out", case=case_id, why=why.within(tongue)).within(tongue))
    total = text("migration.rehearsal.total", cases=found.cases, unchanged=found.unchanged)
    typer.echo(total.within(tongue))


def _settings(given: list[str]) -> dict[str, Any]:
    found = {}
    for one in given:
        key, _, value = one.partition("=")
        try:
            found[key] = json.loads(value)
        except ValueError as error:
            raise wrong_usage(code="usage.setting", setting=one) from error
    return found


def _object(found: Rehearsal) -> dict[str, Any]:
    return {
        "cases": found.cases,
        "unchanged": found.unchanged,
        "differences": [{**d._asdict(), "case_id": str(d.case_id)} for d in found.differences],
        "left_out": {str(case_id): why._asdict() for case_id, why in found.left_out.items()},
    }
