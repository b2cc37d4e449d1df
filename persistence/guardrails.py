"""Append-only, enforced by the database: no row of the record is changed or deleted, by whatever program.

Triggers refuse UPDATE and DELETE, TRUNCATE on PostgreSQL, and INSERT OR REPLACE on SQLite. No foreign key points at
these tables with a cascade, so that deleting something else cannot reach them either. `docs/deploy-postgresql.md` adds
a role that lacks the right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import DDL, event

if TYPE_CHECKING:
    from sqlalchemy import MetaData, Table

__all__ = ["guard"]

_REFUSAL = "append-only: the record is never changed or deleted; enter a correction instead"
_CLAIMED = "rung"


def guard(metadata: MetaData, tables: tuple[Table, ...], prefix: str) -> None:
    """Let `metadata.create_all` create the triggers with the tables."""
    schema = f'"{metadata.schema}".' if metadata.schema else ""
    function = f'{schema}"{prefix}append_only"'
    body = f"BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is {_REFUSAL}'; END"
    create = f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"
    _listen(metadata, "before_create", create, "postgresql")
    for table in tables:
        for statement in (*_sqlite_triggers(schema, table.name), _no_replace(schema, table, prefix)):
            _listen(table, "after_create", statement, "sqlite")
        for statement in _postgresql_triggers(f'{schema}"{table.name}"', table.name, function):
            _listen(table, "after_create", statement, "postgresql")
    _listen(metadata, "after_drop", f"DROP FUNCTION IF EXISTS {function}()", "postgresql")


def _listen(target: MetaData | Table, moment: str, statement: str, dialect: str) -> None:
    event.listen(target, moment, DDL(statement).execute_if(dialect=dialect))  # type: ignore[no-untyped-call]  # untyped upstream


def _sqlite_triggers(schema: str, table: str) -> list[str]:
    return [
        f'CREATE TRIGGER {schema}"{table}_no_{verb.lower()}" BEFORE {verb} ON "{table}" '
        f"BEGIN SELECT RAISE(ABORT, '{table} is {_REFUSAL}'); END"
        for verb in ("UPDATE", "DELETE")
    ]


def _no_replace(schema: str, table: Table, prefix: str) -> str:
    """Refuse an insertion under a key that is taken: REPLACE deletes the row before, and no delete trigger fires.

    A rung that is claimed already stays as it is, whoever claims it again: that is no fault.
    """
    name = table.name
    same = " AND ".join(f'"{column.name}" = NEW."{column.name}"' for column in table.primary_key.columns)
    refuse = f"RAISE(ABORT, 'UNIQUE constraint failed: the key is taken, and {name} is {_REFUSAL}')"
    then = "RAISE(IGNORE)" if name == prefix + _CLAIMED else refuse
    return (
        f'CREATE TRIGGER {schema}"{name}_no_replace" BEFORE INSERT ON "{name}" '  # noqa: S608  our own names, quoted
        f'WHEN EXISTS (SELECT 1 FROM "{name}" WHERE {same}) BEGIN SELECT {then}; END'
    )


def _postgresql_triggers(qualified: str, table: str, function: str) -> list[str]:
    return [
        (
            f'CREATE TRIGGER "{table}_append_only" BEFORE UPDATE OR DELETE ON {qualified} '
            f"FOR EACH ROW EXECUTE FUNCTION {function}()"
        ),
        (
            f'CREATE TRIGGER "{table}_no_truncate" BEFORE TRUNCATE ON {qualified} '
            f"FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
        ),
    ]
