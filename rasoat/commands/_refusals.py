"""How a command says no: the reason on standard error (or as JSON on standard output) and the documented exit code."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from ..foundation.errors import InputError, NotFoundError, RasoatError
from ._speaking import spoken

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["REFUSED", "WRONG_USAGE", "refusals"]

REFUSED = 1
WRONG_USAGE = 2


@contextmanager
def refusals(*, as_json: bool) -> Iterator[None]:
    """Turn a fault into its message and exit code: 1 refused, 2 wrong usage."""
    try:
        yield
    except RasoatError as fault:
        from ..foundation.messages import text

        title = text(f"web.{fault.code}")
        if as_json:
            error = {"code": fault.code, "message": str(fault), "title": title._asdict()}
            typer.echo(json.dumps({"error": error}, ensure_ascii=False))
        else:
            typer.echo(f"{title.vi}\n{fault}" if spoken() == "vi" else str(fault), err=True)
        raise typer.Exit(WRONG_USAGE if isinstance(fault, InputError | NotFoundError) else REFUSED) from fault
