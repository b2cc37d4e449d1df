"""`rasoat db …`: the schema."""

from __future__ import annotations

from typing import Annotated

import typer

from ..foundation.defaults import DATABASE_URL
from ._common import Db, Json, print_json
from ._refusals import refusals

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="The schema: upgrade it, ask where it stands.")


@app.command()
def upgrade(db: Db = DATABASE_URL, *, as_json: Json = False) -> None:
    """Create the tables, or bring them to this release; running it twice changes nothing."""
    from ..persistence import migrating
    from ..persistence.database import Database

    with refusals(as_json=as_json):
        database = Database.open(db)
        before = migrating.current_revision(database)
        migrating.upgrade(database)
        after = migrating.current_revision(database)
        database.dispose()
    if as_json:
        print_json({"before": before, "after": after})
    else:
        typer.echo(f"{before or '–'} → {after}")


@app.command()
def revision(db: Db = DATABASE_URL, *, as_json: Json = False) -> None:
    """Show the database's revision and the one this release works with."""
    from ..persistence import migrating
    from ..persistence.database import Database

    with refusals(as_json=as_json):
        database = Database.open(db)
        found, wanted = migrating.current_revision(database), migrating.head_revision()
        database.dispose()
    if as_json:
        print_json({"database": found, "release": wanted})
    else:
        typer.echo(f"database {found or '–'}, release {wanted}")


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
    from ..persistence.database import Database
    from ..persistence.wakeups import top_units

    with refusals(as_json=as_json):
        database = Database.open(db)
        provinces = province or []
        if not provinces:
            with database.read() as tx:
                provinces = top_units(tx)
        if not provinces:
            msg = "no province is on record yet; name them with --province"
            raise InputError(msg)
        done = partitioning.partition(database, provinces)
        database.dispose()
    if as_json:
        print_json(done._asdict())
    else:
        typer.echo(f"{', '.join(done.tables) or '–'}: {', '.join(done.provinces) or '–'}")
