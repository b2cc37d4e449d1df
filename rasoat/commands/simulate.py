"""`rasoat simulate`: what falls due when, and on whose desk, if something happened. Changes nothing."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..foundation.defaults import DATABASE_URL
from ._common import Db, Json, Keys, Now, opened, print_json
from ._days import day
from ._fields import read_fields, texts_of
from ._progress import progress
from ._refusals import refusals
from ._speaking import wrong_usage

if TYPE_CHECKING:
    from ..engine.simulating import FallsDue, Supposition

__all__ = ["simulate"]


def simulate(
    *,
    until: Annotated[datetime, typer.Option("--until", parser=day, metavar="DAY", help="How far to look.")],
    suppose: Annotated[str | None, typer.Option("--suppose", help="An act: complain, post …")] = None,
    unit: Annotated[list[str] | None, typer.Option("--unit", help="Where (path); may be repeated.")] = None,
    units_file: Annotated[
        Path | None, typer.Option("--units-file", exists=True, dir_okay=False, help="Unit paths, one a line.")
    ] = None,
    day: Annotated[
        int | None, typer.Option("--day", min=1, help="On which working day of the term that runs (posting: 3).")
    ] = None,
    on: Annotated[datetime | None, typer.Option("--on", parser=day, metavar="DAY", help="Or on this day.")] = None,
    households: Annotated[int | None, typer.Option("--households", min=1, help="Only so many of each village.")] = None,
    field: Annotated[list[str] | None, typer.Option("--field", help="NAME=VALUE of the act's form.")] = None,
    row: Annotated[list[str] | None, typer.Option("--row", help="NAME=VALUE of each household's part.")] = None,
    now: Now = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    as_json: Json = False,
) -> None:
    """Say what an act would bring about, on a copy of the caseload; without --suppose: what comes if nobody acts.

    Example: rasoat simulate --suppose complain --day 3 --field subject_code=score --unit 42/446/18766/01
      --until 2022-11-30
    """
    with refusals(as_json=as_json):
        paths = [*(unit or []), *(_read_paths(units_file) if units_file else [])]
    if suppose and not paths:
        raise wrong_usage(code="usage.where")
    with opened(db, keys, as_json=as_json, now=now, asks=True) as engine:
        from ..engine.simulating import Supposition

        supposed: list[Supposition] = []
        if suppose:
            texts = texts_of(engine, suppose)
            body, own = read_fields(field, texts), read_fields(row, texts)
            supposed.append(Supposition(suppose, tuple(paths), on.date() if on else None, day, households, body, own))
        with progress("supposing", quiet=as_json):
            answer = engine.what_if(supposed, until.date(), unit_paths=paths)
        if as_json:
            lists = {name: getattr(answer, name) for name in ("expected", "added", "removed")}
            shown = {name: [asdict(line) for line in lines] for name, lines in lists.items()}
            print_json({"until": answer.until, "moved": answer.moved, "refused": answer.refused, **shown})
            return
        changes = [("+", answer.added), ("-", answer.removed)] if suppose else [(" ", answer.expected)]
        for sign, lines in changes:
            for line in lines:
                typer.echo(_line(sign, line))
        for code, count in answer.refused.items():
            typer.echo(f"{code}: {count}", err=True)


def _read_paths(file: Path) -> list[str]:
    from ..foundation.files import read_utf8

    lines = read_utf8(file).splitlines()
    return [line.strip() for line in lines if line.strip()]


def _line(sign: str, line: FallsDue) -> str:
    desk = f"{line.owner_role} {line.owner_path}"
    return (
        f"{sign} {line.due_on:%d/%m/%Y}  {line.unit_path:<20} {line.rule:<12} {line.count:>5}  {line.outcome:<9} {desk}"
    )
