"""`rasoat backup`, `restore`, `export`, `load`: the whole database, out and in again, checked both times."""

from __future__ import annotations

from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from ..foundation.defaults import DATABASE_URL
from ..foundation.messages import text
from ._common import Db, Json, Keys, Lang, language, print_json
from ._progress import counting
from ._refusals import refusals
from .audit import verified

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..foundation.messages import Language
    from ..persistence.database import Database
    from ..persistence.keys import KeyRing

__all__ = ["backup", "export", "load", "restore"]

Verify = Annotated[
    bool, typer.Option("--verify/--no-verify", help="Whether to verify every chain of the copy, which needs the keys.")
]


class Format(StrEnum):
    """Formats of an export as they are typed."""

    JSONL = "jsonl"
    PARQUET = "parquet"


def backup(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The new backup file; for PostgreSQL ending in .zip.")],
    *,
    verify: Verify = True,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Back the database up into one file while others go on working; the copy is read back and verified.

    Keep the keys' backup apart from it. Example: rasoat backup /backup/2022-12-14.db
    """
    from ..foundation.clock import SystemClock
    from ..opening import prepared_keys
    from ..persistence.backup import backup as back_up
    from ..persistence.types import instant_text

    tongue = language(lang)
    with refusals(as_json=as_json), _current(db) as database:
        ring = prepared_keys(database, keys, db, create=False).ring() if verify else None
        with counting(text("audit.copy.backing_up").within(tongue), None, quiet=as_json) as progress:
            kind = back_up(database, path, taken_at=instant_text(SystemClock().now()), progress=progress)
        copy = _reading(path) if kind == "sqlite" else db
        found = _verified(copy, ring, tongue, as_json=as_json) if ring else {}
    _done("audit.copy.backed_up", {"path": str(path), "kind": kind, **found}, tongue, as_json=as_json)


def restore(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A backup, or an export.")],
    *,
    verify: Verify = True,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Bring a backup back into a database that is empty yet, and verify it. Nothing is ever overwritten.

    Example: rasoat restore /backup/2022-12-14.db --db sqlite:////srv/rasoat/rasoat.db --keys file:/etc/rasoat/keys.json
    """
    from ..persistence.backup import restore as bring_back

    tongue = language(lang)
    with refusals(as_json=as_json), _whole_or_none(db), _any(db) as database:
        ring = _ring(keys, db) if verify else None
        with counting(text("audit.copy.restoring").within(tongue), None, quiet=as_json) as progress:
            kind = bring_back(path, database, progress=progress)
        found = _verified(db, ring, tongue, as_json=as_json) if ring else {}
    _done("audit.copy.restored", {"path": str(path), "kind": kind, **found}, tongue, as_json=as_json)


def export(
    path: Annotated[Path, typer.Argument(metavar="DIR|FILE.zip", help="A new folder, or a new zip file.")],
    *,
    form: Annotated[
        Format, typer.Option("--format", help="jsonl: can be loaded again; parquet: for analysis, into a folder.")
    ] = Format.JSONL,
    db: Db = DATABASE_URL,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Write everything in an open format: a file of rows per table, and a manifest with counts and SHA-256 digests.

    Personal data stays sealed in it. Example: rasoat export everything.zip
    """
    from ..foundation.clock import SystemClock
    from ..persistence.archives import new_archive
    from ..persistence.columnar import write_parquet
    from ..persistence.copying import export_all, row_count
    from ..persistence.types import instant_text

    tongue = language(lang)
    title = text("audit.copy.exporting").within(tongue)
    with (
        refusals(as_json=as_json),
        _current(db) as database,
        counting(title, row_count(database), quiet=as_json) as progress,
    ):
        if form is Format.PARQUET:
            counts = write_parquet(database, path, progress=progress)
        else:
            with new_archive(path) as archive:
                taken_at = instant_text(SystemClock().now())
                manifest = export_all(database, archive, taken_at=taken_at, progress=progress)
            counts = {part.table: part.rows for part in manifest.tables}
    rows = sum(counts.values())
    _done("audit.copy.exported", {"path": str(path), "rows": rows, "tables": counts}, tongue, as_json=as_json)


def load(
    path: Annotated[Path, typer.Argument(metavar="DIR|FILE.zip", help="What `rasoat export` wrote.")],
    *,
    verify: Verify = True,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Load an export into an empty database of either kind, all of it or nothing, and verify every chain.

    Example: rasoat load everything.zip --db postgresql+psycopg:///rasoat --keys file:/etc/rasoat/keys.json
    """
    from ..persistence.archives import opened_archive
    from ..persistence.copying import load_all, manifest_from

    tongue = language(lang)
    with refusals(as_json=as_json), _whole_or_none(db), _any(db) as database:
        ring = _ring(keys, db) if verify else None
        with opened_archive(path) as archive:
            total = manifest_from(archive).rows
            with counting(text("audit.copy.loading").within(tongue), total, quiet=as_json) as progress:
                load_all(database, archive, progress=progress)
        found = _verified(db, ring, tongue, as_json=as_json) if ring else {}
    _done("audit.copy.loaded", {"path": str(path), "rows": total, **found}, tongue, as_json=as_json)


@contextmanager
def _any(db: str, *, create: bool = True) -> Iterator[Database]:
    from ..opening import require_place
    from ..persistence.database import Database

    require_place(db, create=create)
    database = Database.open(db)
    try:
        yield database
    finally:
        database.dispose()


@contextmanager
def _current(db: str) -> Iterator[Database]:
    from ..persistence.migrating import require_current

    with _any(db, create=False) as database:
        require_current(database)
        yield database


def _reading(path: Path) -> str:
    """Return the URL under which a copy is read without a byte of it, or a file beside it, being written."""
    return f"sqlite:///file:{quote(str(path.resolve()))}?mode=ro&immutable=1&uri=true"


def _ring(keys: str | None, db: str) -> KeyRing:
    """Return the keys to verify with, looked for before anything is written."""
    from ..foundation.errors import NotFoundError
    from ..foundation.messages import fault
    from ..opening import key_source
    from ..persistence.keys import FileKeys

    source = key_source(keys, db)
    if isinstance(source, FileKeys) and not source.path.exists():
        raise fault(NotFoundError, "opening.keys_first", path=source.path)
    return source.ring()


def _verified(url: str, ring: KeyRing, tongue: Language, *, as_json: bool) -> dict[str, int]:
    """Verify the database at `url`; return what was read."""
    from ..opening import require_keys_of

    with _any(url) as database:
        require_keys_of(database, ring, "--keys")
        return verified(database, ring, tongue, as_json=as_json)


@contextmanager
def _whole_or_none(db: str) -> Iterator[None]:
    """Take away the new SQLite file of a run that failed, so that it can simply be run again."""
    from ..opening import sqlite_file

    path = sqlite_file(db)
    fresh = path is not None and not path.exists()
    try:
        yield
    except typer.Exit:
        raise  # what was brought in is there to be looked at
    except BaseException:
        if fresh and path is not None:
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
        raise


def _done(code: str, fields: dict[str, Any], tongue: Language, *, as_json: bool) -> None:
    if as_json:
        print_json(fields)
        return
    typer.echo(text(code, **fields).within(tongue))
    if "cases" in fields:
        typer.echo(text("audit.whole", **fields).within(tongue))
