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
_EXTRAS = {
    "apprise": "notify",
    "jinja2": "notify",
    "httpx": "notify",
    "psycopg": "postgres",
    "pyarrow": "reports",
} | dict.fromkeys(("fastapi", "starlette", "uvicorn", "jwt", "multipart", "prometheus_client"), "web")
"""Which extra brings a package that a command may find missing."""


@contextmanager
def refusals(*, as_json: bool) -> Iterator[None]:
    """Turn a fault into its message and exit code: 1 refused, 2 wrong usage."""
    try:
        with _named():
            yield
    except RasoatError as fault:
        from ..foundation.messages import text

        title = text(f"web.{fault.code}")
        if as_json:
            error = {"code": fault.code, "message": str(fault), "title": title._asdict()}
            if fault.vi is not None:
                error["message_vi"] = fault.vi
            typer.echo(json.dumps({"error": error}, ensure_ascii=False))
        else:
            typer.echo(f"{title.vi}\n{fault.vi or fault}" if spoken() == "vi" else str(fault), err=True)
        raise typer.Exit(WRONG_USAGE if isinstance(fault, InputError | NotFoundError) else REFUSED) from fault


@contextmanager
def _named() -> Iterator[None]:
    """Give what a file or a database refused a name of ours."""
    try:
        yield
    except OSError as error:
        from ..foundation.messages import fault

        raise fault(InputError, "opening.file", path=error.filename, reason=error.strerror or error) from error
    except ModuleNotFoundError as error:
        from ..foundation.messages import fault

        if (extra := _EXTRAS.get((error.name or "").partition(".")[0])) is None:
            raise
        raise fault(InputError, "opening.extra", module=error.name, extra=extra) from error
    except OverflowError as error:
        from ..foundation.messages import fault

        raise fault(InputError, "opening.range", reason=error) from error
    except Exception as error:
        from ..persistence.transactions import fault_of

        found = None if isinstance(error, RasoatError) else fault_of(error, "query")
        if found is None:
            raise
        raise found from error
