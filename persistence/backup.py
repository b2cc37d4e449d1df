"""A backup is one file that is checked before it gets its name, and a restore writes only where nothing is.

SQLite is copied by its own online backup, page by page, while others go on writing. PostgreSQL has no file of its own
to copy; its backup is an export (`copying`), which any of the two databases can load. Continuous archiving and
point-in-time recovery are PostgreSQL's own business (pg_basebackup and WAL), and stay so.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from ..foundation.errors import InputError, IntegrityError, NotFoundError, StorageError
from ..foundation.messages import fault
from .archives import new_archive, opened_archive
from .copying import check_export, export_all, load_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from .database import Database

__all__ = ["backup", "kind_of", "restore"]

Kind = Literal["sqlite", "export"]

_MAGIC: Final = b"SQLite format 3\x00"
_PAGES_AT_ONCE: Final = 4096


def _unwatched(_done: int) -> None:
    """Tell nobody."""


def backup(database: Database, path: Path, *, taken_at: str, progress: Callable[[int], None] = _unwatched) -> Kind:
    """Write a backup of `database` to the new file `path`; it appears only once it is complete and was read back.

    From SQLite it is a database file; from PostgreSQL an export, and `path` must end in ``.zip``. Readable by its
    owner only. `InputError` if `path` exists, `IntegrityError` if what was written does not check.
    """
    _require_free(path)
    if database.engine.dialect.name == "sqlite":
        _copied(path, lambda target: _copy_from(database, target, progress))
        return "sqlite"
    if path.suffix != ".zip":
        raise fault(InputError, "backup.zip", path=path)
    with new_archive(path) as archive:
        export_all(database, archive, taken_at=taken_at, progress=progress)
    with opened_archive(path) as archive:
        check_export(archive)
    return "export"


def restore(path: Path, database: Database, *, progress: Callable[[int], None] = _unwatched) -> Kind:
    """Bring a backup back to `database`, which must be empty: no file yet for SQLite, no rows otherwise.

    An export goes into either database, a SQLite backup into a SQLite file. `InputError` if that is not so,
    `IntegrityError` if the backup is damaged; then nothing is left behind.
    """
    if kind_of(path) == "export":
        with opened_archive(path) as archive:
            load_all(database, archive, progress=progress)
        return "export"
    target = database.engine.url.database
    if database.engine.dialect.name != "sqlite" or not target or target == ":memory:":
        raise fault(InputError, "backup.sqlite", path=path)
    _require_free(Path(target))
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as source:
        _copied(Path(target), lambda copy: _copy(source, copy, progress))
    return "sqlite"


def kind_of(path: Path) -> Kind:
    """Return what kind of backup `path` is; `NotFoundError` if there is none."""
    if path.is_dir():
        return "export"
    try:
        with path.open("rb") as file:
            return "sqlite" if file.read(len(_MAGIC)) == _MAGIC else "export"
    except FileNotFoundError:
        raise fault(NotFoundError, "found.no_file", path=path) from None


def _require_free(path: Path) -> None:
    if path.exists():
        raise fault(InputError, "backup.exists", path=path)


def _copied(path: Path, copy: Callable[[sqlite3.Connection], None]) -> None:
    """Let `copy` fill a database beside `path`; check it, and give it its name."""
    beside = path.with_name(f".{path.name}.part")
    beside.unlink(missing_ok=True)
    os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with closing(sqlite3.connect(beside)) as target:
            copy(target)
            _require_sound(target, path)
            target.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(path)
    except sqlite3.Error as error:
        raise fault(StorageError, "backup.failed", path=path, error=error) from error
    finally:
        beside.unlink(missing_ok=True)


def _copy_from(database: Database, target: sqlite3.Connection, progress: Callable[[int], None]) -> None:
    raw = database.engine.raw_connection()
    try:
        source = raw.dbapi_connection
        # One view for the whole copy: without it every write by others would start the copy anew.
        source.execute("BEGIN")  # type: ignore[union-attr]  # a connection that was just opened
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()  # type: ignore[union-attr]  # as above
        _copy(source, target, progress)  # type: ignore[arg-type]  # sqlite3's own, behind the pool's proxy
        source.rollback()  # type: ignore[union-attr]  # as above
    finally:
        raw.close()


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, progress: Callable[[int], None]) -> None:
    source.backup(target, pages=_PAGES_AT_ONCE, progress=lambda _, left, total: progress(total - left))


def _require_sound(target: sqlite3.Connection, path: Path) -> None:
    found = [text for (text,) in target.execute("PRAGMA integrity_check(5)")]
    if found != ["ok"]:
        raise fault(IntegrityError, "backup.damaged", path=path, found="; ".join(found))
