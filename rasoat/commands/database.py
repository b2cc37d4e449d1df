"""`rasoat db …`: the schema."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ..foundation.defaults import DATABASE_URL
from ..foundation.messages import fault
from ._common import Db, Json, Keys, is_new, print_json, say_created
from ._refusals import refusals
from ._speaking import spoken

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..persistence.database import Database

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="The schema: upgrade it, ask where it stands.")


@app.command()
def upgrade(
    db: Db = DATABASE_URL,
    *,
    keys: Keys = None,
    trial: Annotated[
        bool, typer.Option("--trial", help="For trials, for good: its clock may be told; it must hold nothing yet.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Create the tables and, beside a SQLite file, the keys; or bring the tables to this release. Twice: no change."""
    from ..opening import prepared_keys, sqlite_file
    from ..persistence import marking, migrating

    with refusals(as_json=as_json), _opened(db, create=True) as database:
        fresh = is_new(db)
        before = migrating.current_revision(database)
        migrating.upgrade(database)
        after = migrating.current_revision(database)
        if before is None and sqlite_file(db) is not None:
            prepared_keys(database, keys, db, create=True)
        if trial:
            with database.begin() as tx:
                marking.mark_trial(tx)
        if fresh:
            say_created(db)
    if as_json:
        print_json({"before": before, "after": after})
    else:
        typer.echo(f"{before or '–'} → {after}")


@app.command()
def revision(db: Db = DATABASE_URL, *, as_json: Json = False) -> None:
    """Show the database's revision, the one this release works with, and whether the database is for trials."""
    from ..foundation.messages import text
    from ..persistence import migrating
    from ..persistence.marking import is_trial

    with refusals(as_json=as_json), _opened(db) as database:
        found, wanted = migrating.current_revision(database), migrating.head_revision()
        trial = False
        if found is not None:
            with database.read() as tx:
                trial = is_trial(tx)
    if as_json:
        print_json({"database": found, "release": wanted, "trial": trial})
        return
    typer.echo(text("telling.revision", found=found or "–", wanted=wanted).within(spoken()))
    if trial:
        typer.echo(text("opening.trial").within(spoken()))


@app.command()
def partition(
    db: Db = DATABASE_URL,
    *,
    province: Annotated[
        list[str] | None, typer.Option(help="Unit code; all provinces on record if none is given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Cut the large tables into one part a province (PostgreSQL); again for a further province."""
    from ..foundation.errors import InputError
    from ..persistence import partitioning
    from ..persistence.wakeups import top_units

    with refusals(as_json=as_json), _opened(db) as database:
        provinces = province or []
        if not provinces:
            with database.read() as tx:
                provinces = top_units(tx)
        if not provinces:
            raise fault(InputError, "usage.no_province")
        done = partitioning.partition(database, provinces)
    if as_json:
        print_json(done._asdict())
    else:
        typer.echo(f"{', '.join(done.tables) or '–'}: {', '.join(done.provinces) or '–'}")


@contextmanager
def _opened(db: str, *, create: bool = False) -> Iterator[Database]:
    from ..opening import require_place
    from ..persistence.database import Database

    require_place(db, create=create)
    database = Database.open(db)
    try:
        yield database
    finally:
        database.dispose()
