"""Create or upgrade the engine's tables with Alembic, beside whatever migrations the host runs."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from ..foundation.errors import StorageError
from ..foundation.messages import fault
from .transactions import translated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic.config import Config
    from sqlalchemy.engine import Connection

    from .database import Database

__all__ = ["LOCK_TIMEOUT", "current_revision", "head_revision", "require_current", "upgrade"]

LOCK_TIMEOUT = "5s"
_STATEMENT_TIMEOUT = "30min"


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the schema to `revision` in one transaction; running it twice changes nothing."""
    from alembic import command  # noqa: PLC0415  opening a database need not pay for Alembic

    found = current_revision(database)
    _require_known(found)
    if revision == "head" and found == head_revision():
        return
    with _migrating(database) as connection:
        command.upgrade(_config(database, connection), revision)


def downgrade(database: Database, revision: str) -> None:
    """Take the schema back to `revision`."""
    from alembic import command  # noqa: PLC0415  opening a database need not pay for Alembic

    with _migrating(database) as connection:
        command.downgrade(_config(database, connection), revision)


def head_revision() -> str:
    """Return the revision this release works with."""
    return _revisions()[0]


def current_revision(database: Database) -> str | None:
    """Return the revision the database is at, None if it has no tables of ours."""
    from alembic.migration import MigrationContext  # noqa: PLC0415  opening a database need not pay for Alembic

    with translated("connect"), database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=version_table(database.schema, database.prefix))
        return context.get_current_revision()


def require_current(database: Database) -> None:
    """`StorageError` unless the database is at this release's revision."""
    found, wanted = current_revision(database), head_revision()
    _require_known(found)
    if found != wanted:
        raise fault(StorageError, "opening.older_release", found=found or "none", wanted=wanted)


def version_table(schema: str | None, prefix: str) -> dict[str, Any]:
    """Return where our revision is kept: a table of our own, so that a host's Alembic never meets it."""
    return {"version_table": f"{prefix}schema_version", "version_table_schema": schema}


def _require_known(revision: str | None) -> None:
    """`StorageError` for a revision that only a newer release can have written."""
    if revision is not None and revision not in _revisions():
        raise fault(StorageError, "opening.newer_release", found=revision, wanted=head_revision())


@cache
def _revisions() -> tuple[str, ...]:
    """Return every revision this release knows, the newest first; read once, since opening a database asks for them."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415  as above

    found = tuple(script.revision for script in ScriptDirectory.from_config(_bare_config()).walk_revisions())
    if not found:
        msg = "the package ships no migrations; it is broken, install it again"
        raise StorageError(msg)
    return found


@contextmanager
def _migrating(database: Database) -> Iterator[Connection]:
    with database.begin() as tx:
        if tx.dialect == "postgresql":
            tx.connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            tx.connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{_STATEMENT_TIMEOUT}'")
        yield tx.connection


def _bare_config() -> Config:
    from alembic.config import Config  # noqa: PLC0415  opening a database need not pay for Alembic

    config = Config()
    config.set_main_option("script_location", f"{__package__}:migrations")
    config.set_main_option("path_separator", "os")
    return config


def _config(database: Database, connection: Connection) -> Config:
    config = _bare_config()
    config.attributes.update(connection=connection, schema=database.schema, prefix=database.prefix)
    return config
