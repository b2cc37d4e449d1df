"""`rasoat round left-out`: managed households that a round forgot."""

from __future__ import annotations

from typing import Annotated

import typer

from ..foundation.defaults import DATABASE_URL
from ..foundation.messages import text
from ._common import Db, Json, Keys, Lang, language, opened, print_json

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="One round of a commune.")


@app.callback()
def _family() -> None:
    """Keep `left-out` a sub-command although it stands alone."""


@app.command(name="left-out")
def left_out(
    code: Annotated[str, typer.Argument(help="The round's code.")],
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
