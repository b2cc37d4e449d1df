"""`rasoat demo`: a real commune's round of 2022, from its input files to the recognition decision."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._common import Json, Lang, language, print_json
from ._refusals import REFUSED, refusals

if TYPE_CHECKING:
    from ..demo.showing import Report

__all__ = ["demo"]


def demo(
    *,
    out: Annotated[Path, typer.Option("--out", help="Where the database and the result lists go.")] = Path("out/demo"),
    data: Annotated[
        Path | None, typer.Option("--data", exists=True, file_okay=False, help="Another folder of input files.")
    ] = None,
    db: Annotated[str | None, typer.Option("--db", help="Another database; it must be empty.")] = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Run the round of Xã Cẩm Duệ (Hà Tĩnh), 2022, on generated households, with a simulated clock.

    Exit code 1 if the result does not reproduce the notice's figures.
    """
    tongue = language(lang)
    with refusals(as_json=as_json):
        from ..demo.showing import run

        report = run(out, data, db, tongue, quiet=as_json)
    if as_json:
        print_json(_object(report))
    if not report.agrees:
        raise typer.Exit(REFUSED)


def _object(report: Report) -> dict[str, Any]:
    return {
        "agrees": report.agrees,
        "figures": [
            {
                "group": f.group,
                "notice": {"households": f.notice_households, "persons": f.notice_persons},
                "round": {"households": f.households, "persons": f.persons},
                "agrees": f.agrees,
            }
            for f in report.figures
        ],
        "acts": report.played.acts,
        "moves": report.played.moves,
        "timers_fired": report.played.fired,
        "breaches": report.played.breaches,
        "refused": len(report.played.refused),
        "database": report.database,
        "lists": [str(path) for path in report.lists],
    }
