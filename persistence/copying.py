"""Everything in an open format: one JSON Lines file per table and a manifest that counts and digests them.

The same content gives the same bytes whatever database it comes from: rows by primary key in byte order, members in
canonical form, ids as decimal strings, bytes as hexadecimal, days and instants in ISO form. So two databases hold the
same if their manifests name the same digests.
"""

from __future__ import annotations

import json
from datetime import date
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import BigInteger, Boolean, Integer, LargeBinary, String, collate, func, select

from ..foundation.errors import InputError, IntegrityError, StorageError
from ..foundation.messages import fault
from .canonical import canonical_json
from .migrating import current_revision, head_revision, upgrade
from .statements import insertion
from .types import Instant, LegalDay, instant_from_text, instant_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy import Column, Select, Table

    from .archives import Archive
    from .database import Database, Tx

__all__ = [
    "MANIFEST",
    "Manifest",
    "TableFile",
    "check_export",
    "export_all",
    "load_all",
    "manifest_from",
    "row_count",
    "table_rows",
    "tables_by_name",
]

MANIFEST: Final = "manifest.json"
_FORM: Final = "rasoat.export/1"
_ROWS_AT_ONCE: Final = 5000


class TableFile(NamedTuple):
    """One table's file: its columns in order, how many rows it has, and the SHA-256 of its bytes (hexadecimal)."""

    table: str
    columns: tuple[str, ...]
    rows: int
    sha256: str

    @property
    def file(self) -> str:
        """The file's name in the export."""
        return f"{self.table}.jsonl"


class Manifest(NamedTuple):
    """What an export holds. `taken_at` is an ISO instant; `revision` the schema's."""

    revision: str
    taken_at: str
    tables: tuple[TableFile, ...]

    @property
    def rows(self) -> int:
        """How many rows there are in all."""
        return sum(table.rows for table in self.tables)

    def to_json(self) -> bytes:
        """Return the manifest file, canonical JSON."""
        tables = [
            {"columns": list(t.columns), "file": t.file, "rows": t.rows, "sha256": t.sha256, "table": t.table}
            for t in self.tables
        ]
        return canonical_json(
            {"form": _FORM, "revision": self.revision, "tables": tables, "taken_at": self.taken_at}
        )  # fmt: skip


class _Shape(NamedTuple):
    """How values of a column's type stand in JSON, and how what was read goes into the database."""

    outward: Callable[[Any], Any]
    inward: Callable[[Tx, Any], Any]


def export_all(
    database: Database, archive: Archive, *, taken_at: str, progress: Callable[[int], None] = lambda _: None
) -> Manifest:
    """Write every table and the manifest, from one view of the database; the manifest last, so that it vouches."""
    revision = current_revision(database)
    if revision != head_revision():
        raise fault(StorageError, "export.revision_here", found=revision or "none", wanted=head_revision())
    written: list[TableFile] = []
    done = 0
    with database.read() as tx:
        for name, table in tables_by_name(database).items():
            part = _export(tx, archive, name, table, _onward(progress, done))
            written.append(part)
            done += part.rows
    manifest = Manifest(revision, taken_at, tuple(written))
    with archive.writing(MANIFEST) as file:
        file.write(manifest.to_json())
    return manifest


def load_all(database: Database, archive: Archive, *, progress: Callable[[int], None] = lambda _: None) -> Manifest:
    """Load an export into an empty database, all of it or nothing; an older export is brought to this release after.

    `InputError` if the database holds anything or the export is of a later release, `IntegrityError` if a file is not
    what the manifest says.
    """
    manifest = check_export(archive)
    _prepare(database, manifest)
    tables = tables_by_name(database)
    unknown = [t.table for t in manifest.tables if t.table not in tables]
    if unknown:
        raise fault(InputError, "export.table", table=unknown[0])
    done = 0
    with database.begin() as tx:
        _require_empty(tx, {t.table: tables[t.table] for t in manifest.tables})
        for part in manifest.tables:
            for count in _load(tx, archive, part, tables[part.table]):
                done += count
                progress(done)
    upgrade(database)
    return manifest


def check_export(archive: Archive) -> Manifest:
    """Read an export through; `IntegrityError` if a file is missing or is not what the manifest says."""
    manifest = manifest_from(archive)
    for part in manifest.tables:
        try:
            with archive.reading(part.file) as file:
                digest, count = sha256(), 0
                while lines := list(islice(file, _ROWS_AT_ONCE)):
                    digest.update(b"".join(lines))
                    count += len(lines)
        except FileNotFoundError:
            raise fault(IntegrityError, "export.part", path=archive.path, file=part.file) from None
        _require_as_told(part, count, digest.hexdigest())
    return manifest


def manifest_from(archive: Archive) -> Manifest:
    """Read an export's manifest; `InputError` if there is none."""
    try:
        with archive.reading(MANIFEST) as file:
            members = json.loads(file.read())
        tables = tuple(
            TableFile(t["table"], tuple(t["columns"]), t["rows"], t["sha256"]) for t in members["tables"]
        )  # fmt: skip
        if members["form"] == _FORM:
            return Manifest(members["revision"], members["taken_at"], tables)
    except (ValueError, KeyError, TypeError, FileNotFoundError):
        pass
    raise fault(InputError, "export.no_manifest", path=archive.path, form=_FORM)


def tables_by_name(database: Database) -> dict[str, Table]:
    """Return the engine's tables by name without prefix, in a stable order."""
    named = {t.name.removeprefix(database.prefix): t for t in database.tables.metadata.tables.values()}
    return dict(sorted(named.items()))


def row_count(database: Database) -> int:
    """Return how many rows there are in all tables."""
    with database.read() as tx:
        tables = tables_by_name(database).values()
        return sum(tx.select(select(func.count()).select_from(table))[0][0] for table in tables)


def table_rows(tx: Tx, table: Table) -> Iterator[Sequence[dict[str, Any]]]:
    """Yield a table's rows by primary key as they stand in JSON, some thousand at a time."""
    shapes = [(column.name, _nullable(_shape(column).outward)) for column in table.columns]
    rows = tx.connection.execute(
        _in_order(table, tx.dialect), execution_options={"stream_results": True, "yield_per": _ROWS_AT_ONCE}
    )
    for part in rows.partitions():
        yield [
            {
                name: None if value is None else outward(value)
                for (name, outward), value in zip(shapes, row, strict=True)
            }
            for row in part
        ]


def _onward(progress: Callable[[int], None], before: int) -> Callable[[int], None]:
    return lambda done: progress(before + done)


def _in_order(table: Table, dialect: str) -> Select[Any]:
    # Byte order, as SQLite has it: two databases must write the same file.
    def key(column: Column[Any]) -> Any:
        return collate(column, "C") if dialect == "postgresql" and isinstance(column.type, String) else column

    return select(table).order_by(*(key(column) for column in table.primary_key))


def _export(tx: Tx, archive: Archive, name: str, table: Table, progress: Callable[[int], None]) -> TableFile:
    digest, count = sha256(), 0
    with archive.writing(f"{name}.jsonl") as file:
        for rows in table_rows(tx, table):
            block = b"".join(canonical_json(row) + b"\n" for row in rows)
            digest.update(block)
            file.write(block)
            count += len(rows)
            progress(count)
    return TableFile(name, tuple(column.name for column in table.columns), count, digest.hexdigest())


def _prepare(database: Database, manifest: Manifest) -> None:
    """Bring an untouched database to the revision of the export."""
    found = current_revision(database)
    if found is None:
        try:
            upgrade(database, manifest.revision)
        except Exception as error:
            raise fault(InputError, "export.unknown_revision", revision=manifest.revision) from error
    elif found != manifest.revision:
        raise fault(InputError, "export.revision", revision=manifest.revision, found=found)


def _require_empty(tx: Tx, tables: dict[str, Table]) -> None:
    for name, table in tables.items():
        if tx.select(select(func.count()).select_from(select(1).select_from(table).limit(1).subquery()))[0][0]:
            raise fault(InputError, "export.not_empty", name=name)


def _load(tx: Tx, archive: Archive, part: TableFile, table: Table) -> Iterator[int]:
    statement = insertion(f"load {part.table}", lambda _: table, part.columns)
    shapes = [(name, _shape(table.c[name]).inward) for name in part.columns]
    digest, count = sha256(), 0
    with archive.reading(part.file) as file:
        while lines := list(islice(file, _ROWS_AT_ONCE)):
            for line in lines:
                digest.update(line)
            tx.many(statement, [_row(tx, shapes, line, part, count + i) for i, line in enumerate(lines, 1)])
            count += len(lines)
            yield len(lines)
    _require_as_told(part, count, digest.hexdigest())


def _require_as_told(part: TableFile, count: int, digest: str) -> None:
    if (count, digest) != (part.rows, part.sha256):
        raise fault(
            IntegrityError,
            "export.damaged",
            file=part.file,
            count=count,
            digest=digest,
            rows=part.rows,
            sha256=part.sha256,
        )


def _row(
    tx: Tx, shapes: Iterable[tuple[str, Callable[[Tx, Any], Any]]], line: bytes, part: TableFile, number: int
) -> tuple[Any, ...]:  # fmt: skip
    try:
        members = json.loads(line)
        return tuple(None if members[name] is None else inward(tx, members[name]) for name, inward in shapes)
    except (ValueError, KeyError, TypeError) as error:
        raise fault(InputError, "export.row", file=part.file, number=number, error=error) from None


def _shape(column: Column[Any]) -> _Shape:
    for kinds, shape in _SHAPES:
        if isinstance(column.type, kinds):
            return shape
    msg = f"{column.table.name}.{column.name}: {column.type!r} has no form in an export yet"
    raise StorageError(msg)


def _as_is(value: Any) -> Any:
    return value


def _nullable(shape: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else shape(value)


def _kept(_tx: Tx, value: Any) -> Any:
    return value


_SHAPES: Final[tuple[tuple[Any, _Shape], ...]] = (
    (LegalDay, _Shape(date.isoformat, lambda tx, text: tx.day(date.fromisoformat(text)))),
    (Instant, _Shape(instant_text, lambda tx, text: tx.instant(instant_from_text(text)))),
    (LargeBinary, _Shape(bytes.hex, lambda _, text: bytes.fromhex(text))),
    (Boolean, _Shape(_as_is, _kept)),
    (BigInteger, _Shape(str, lambda _, text: int(text))),
    (Integer, _Shape(_as_is, _kept)),
    (String, _Shape(_as_is, _kept)),
)
