"""PostgreSQL: the large tables in parts, by province where a row lies in one and by case or term where it does not.

``case``, ``act`` and ``deadline`` carry the path of their unit, so each province is a range of it ("C" collation:
``42`` and all below sort from ``42`` to before ``420``); their key takes the path in, as PostgreSQL asks of a key of a
partitioned table. That an id is taken once, in whatever province, is then held by a table of the ids alone
(``act_key``, ``deadline_key``), and for cases by the key of their first event. ``event``, ``deadline_entry`` and
``rung`` carry no path: they are dealt out by the hash of the case or term they belong to, under the keys they have.
`docs/decisions/partitions.md` says what was rejected.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ..foundation.errors import InputError, StorageError
from ..foundation.messages import fault
from .migrating import LOCK_TIMEOUT, require_current

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from .database import Database

__all__ = ["HASHED", "HASH_PARTS", "KEYED", "PROVINCIAL", "Partitioned", "partition"]

PROVINCIAL = ("case", "act", "deadline")
HASHED = {"event": "case_id", "deadline_entry": "deadline_id", "rung": "deadline_id"}
KEYED = ("act", "deadline")
HASH_PARTS = 16

_PROVINCE = re.compile(r"[0-9A-Za-z]{1,8}")
_WHOLE = "_whole"
_REST = "_rest"


class Partitioned(NamedTuple):
    """What a call did: tables cut into parts, provinces that got parts of their own."""

    tables: tuple[str, ...]
    provinces: tuple[str, ...]


def partition(database: Database, provinces: Sequence[str]) -> Partitioned:
    """Cut the large tables into parts, or give further provinces theirs, in one transaction; again changes nothing.

    `provinces` are unit codes of provinces; rows of any other lie in the part ``…_rest``. Rows on record are copied:
    the tables are locked meanwhile, so on a database in use do it in a maintenance window. Grants to roles must be
    given again. `InputError` for a code that is none, `StorageError` on SQLite or on a schema of another release.
    """
    if database.engine.dialect.name != "postgresql":
        raise fault(StorageError, "partition.sqlite")
    if bad := [code for code in provinces if not _PROVINCE.fullmatch(code)]:
        raise fault(InputError, "partition.province", province=bad[0])
    require_current(database)
    wanted = sorted(set(provinces))
    with database.begin() as tx:
        work = _Work(tx.connection, database.schema, database.prefix)
        work.run(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        cut = tuple(name for name in (*PROVINCIAL, *HASHED) if not work.is_cut(name))
        for name in cut:
            work.cut(name)
        fresh = tuple(code for code in wanted if not work.exists(f"{PROVINCIAL[0]}_p{code}"))
        if fresh:
            for name in PROVINCIAL:
                work.add_provinces(name, fresh)
    return Partitioned(cut, fresh)


class _Work:
    """The statements, on one connection under one schema and prefix."""

    def __init__(self, connection: Connection, schema: str | None, prefix: str) -> None:
        self._connection = connection
        self._schema = schema
        self._prefix = prefix

    def run(self, statement: str) -> None:
        self._connection.exec_driver_sql(statement)

    def exists(self, name: str) -> bool:
        return bool(self._column("SELECT to_regclass(%s) IS NOT NULL", self._table(name))[0])

    def is_cut(self, name: str) -> bool:
        query = "SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(%s)"
        return bool(self._column(query, self._table(name))[0])

    def cut(self, name: str) -> None:
        """Put a partitioned table in a table's place: same columns, indexes, triggers and rows."""
        table, whole = self._table(name), self._table(name + _WHOLE)
        self.run(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        key, indexes, triggers = self._key(table), self._indexes(table), self._triggers(table)
        self.run(f"ALTER TABLE {table} RENAME TO {self._bare(name + _WHOLE)}")
        by = f"HASH ({HASHED[name]})" if name in HASHED else "RANGE (unit_path)"
        self.run(f"CREATE TABLE {table} (LIKE {whole} INCLUDING DEFAULTS INCLUDING COMMENTS) PARTITION BY {by}")
        self._first_parts(name)
        self._fill(table, whole)
        self.run(f"DROP TABLE {whole}")
        path = () if name in HASHED else ("unit_path",)
        columns = ", ".join(f'"{column}"' for column in (*key, *path))
        self.run(f"ALTER TABLE {table} ADD CONSTRAINT {self._bare(name, 'pk_')} PRIMARY KEY ({columns})")
        for statement in (*indexes, *triggers):
            self.run(statement)
        for part in self._parts(table):
            self._guard_part(table, part)
        if name in KEYED:
            self._keep_ids_unique(name)

    def add_provinces(self, name: str, codes: Sequence[str]) -> None:
        """Give provinces a part each; rows of theirs that lay in the rest go over to it."""
        table, rest, old = self._table(name), self._table(name + _REST), self._table(name + _REST + _WHOLE)
        self.run(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        self.run(f"ALTER TABLE {table} DETACH PARTITION {rest}")
        self.run(f"ALTER TABLE {rest} RENAME TO {self._bare(name + _REST + _WHOLE)}")
        self.run(f"CREATE TABLE {rest} PARTITION OF {table} DEFAULT")
        left = "true"
        for code in codes:
            part, first, end = self._table(f"{name}_p{code}"), f"'{code}'", f"'{code}0'"  # "/" sorts right before "0"
            self.run(f"CREATE TABLE {part} PARTITION OF {table} FOR VALUES FROM ({first}) TO ({end})")
            mine = f"(unit_path >= {first} AND unit_path < {end})"
            # Into the part itself: through the whole their ids would be taken a second time.
            self._fill(part, old, where=mine)
            self._guard_part(table, part)
            left += f" AND NOT {mine}"
        self._fill(rest, old, where=left)
        self._guard_part(table, rest)
        self.run(f"DROP TABLE {old}")

    def _fill(self, into: str, source: str, *, what: str = "*", where: str = "true") -> None:
        self.run(f"INSERT INTO {into} SELECT {what} FROM {source} WHERE {where}")  # noqa: S608  our own names; codes were checked

    def _first_parts(self, name: str) -> None:
        table = self._table(name)
        if name not in HASHED:
            self.run(f"CREATE TABLE {self._table(name + _REST)} PARTITION OF {table} DEFAULT")
            return
        for i in range(HASH_PARTS):
            part = self._table(f"{name}_h{i:02d}")
            self.run(f"CREATE TABLE {part} PARTITION OF {table} FOR VALUES WITH (MODULUS {HASH_PARTS}, REMAINDER {i})")

    def _guard_part(self, table: str, part: str) -> None:
        """Refuse to empty a part as the whole does: PostgreSQL hands row triggers down, statement triggers not."""
        for statement in self._triggers(table):
            if " BEFORE TRUNCATE " in statement:
                self.run(statement.replace(f" ON {self._as_told(table)} ", f" ON {part} ", 1))

    def _keep_ids_unique(self, name: str) -> None:
        """Note every id in a table of ids, whose key refuses one that another province has taken."""
        table, keys, take = self._table(name), self._table(name + "_key"), self._table(name + "_take_key")
        self.run(f"CREATE TABLE {keys} (id bigint PRIMARY KEY)")
        self._fill(keys, table, what="id")
        body = f"BEGIN INSERT INTO {keys} SELECT id FROM fresh; RETURN NULL; END"  # noqa: S608  our own name, quoted
        self.run(f"CREATE FUNCTION {take}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
        self.run(
            f"CREATE TRIGGER {self._bare(name + '_take_key')} AFTER INSERT ON {table}"
            f" REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION {take}()"
        )

    def _key(self, table: str) -> list[str]:
        return self._column(
            "SELECT a.attname FROM pg_index i"
            " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)"
            " WHERE i.indisprimary AND i.indrelid = to_regclass(%s) ORDER BY array_position(i.indkey, a.attnum)",
            table,
        )

    def _indexes(self, table: str) -> list[str]:
        return self._column(
            "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE NOT indisprimary AND indrelid = to_regclass(%s)",
            table,
        )

    def _triggers(self, table: str) -> list[str]:
        return self._column(
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = to_regclass(%s)", table
        )

    def _parts(self, table: str) -> list[str]:
        return self._column(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(%s) ORDER BY 1", table
        )

    def _as_told(self, table: str) -> str:
        """Return a table's name as `pg_get_triggerdef` writes it."""
        query = "SELECT format('%%I.%%I', nspname, relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
        return str(self._column(f"{query} WHERE c.oid = to_regclass(%s)", table)[0])

    def _column(self, query: str, table: str) -> list[str]:
        return list(self._connection.exec_driver_sql(query, (table,)).scalars())

    def _table(self, name: str) -> str:
        return (f'"{self._schema}".' if self._schema else "") + self._bare(name)

    def _bare(self, name: str, before: str = "") -> str:
        return f'"{before}{self._prefix}{name}"'
