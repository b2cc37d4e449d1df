"""`rasoat log export`: a round's events for process mining."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from ..foundation.defaults import DATABASE_URL
from ._common import Db, Json, Keys, opened, print_json
from ._speaking import wrong_usage

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Event logs.")


class Format(StrEnum):
    """Formats as they are typed."""

    XES = "xes"
    CSV = "csv"


@app.callback()
def _family() -> None:
    """Keep `export` a sub-command although it stands alone."""


@app.command()
def export(
    *,
    round_code: Annotated[str, typer.Option("--round", help="Code of the round.")],
    form: Annotated[Format, typer.Option("--format", help="XES (IEEE 1849) or CSV.")] = Format.XES,
    finished: Annotated[bool, typer.Option("--finished", help="Only cases that have ended.")] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write to a file, not standard output.")] = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    as_json: Json = False,
) -> None:
    """Write a round's events, one trace a case, without personal data.

    With --json (and --out) the number of cases written is printed. Example: rasoat log export --round 18766-2022
    """
    from ..engine.exporting.eventlog import traces
    from ..engine.exporting.logfiles import write_csv, write_xes

    if as_json and out is None:
        raise wrong_usage(code="usage.log_out")
    with opened(db, keys, as_json=as_json) as engine:
        ids = sorted(engine.cases_of_round(round_code).values())
        with engine.database.read() as tx, _writing(out) as file:
            found = traces(tx, engine.library, ids, finished=finished)
            written = write_xes(found, file, name=round_code) if form is Format.XES else write_csv(found, file)
    if as_json:
        print_json({"round": round_code, "format": form.value, "cases": written, "file": str(out)})


@contextmanager
def _writing(out: Path | None) -> Iterator[IO[str]]:
    if out is None:
        yield sys.stdout
    else:
        with out.open("w", encoding="utf-8", newline="") as file:
            yield file
