"""`rasoat keys …`: the keys to personal data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ._common import Json, print_json
from ._refusals import refusals

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="The keys to personal data and to checkpoints.")


@app.command()
def init(path: Annotated[Path, typer.Argument(help="The new key file.")], *, as_json: Json = False) -> None:
    """Generate keys into a new file that only its owner can read. Back it up: without it no name can be read again.

    Example: rasoat keys init /etc/rasoat/keys.json
    """
    from ..persistence.keys import create_key_file

    with refusals(as_json=as_json):
        ring = create_key_file(path)
    if as_json:
        print_json({"path": str(path), "active": ring.active})
    else:
        typer.echo(f"{path}: {ring.active}")
