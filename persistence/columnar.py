"""Every table as a Parquet file, for analysis elsewhere (the ``reports`` extra). It is not read back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Boolean, Integer, LargeBinary, select

from ..foundation.errors import InputError
from ..foundation.messages import fault
from .copying import tables_by_name
from .types import Instant, LegalDay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Table

    from .database import Database, Tx

__all__ = ["write_parquet"]

_ROWS_AT_ONCE = 20_000


def write_parquet(
    database: Database, folder: Path, *, progress: Callable[[int], None] = lambda _: None
) -> dict[str, int]:
    """Write each table to ``<table>.parquet`` in the empty `folder`; return the rows by table.

    Days and instants keep their types, bytes stay bytes; personal data stays sealed. `InputError` without pyarrow.
    """
    pa, parquet = _pyarrow()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise fault(InputError, "export.folder", folder=folder)
    counts: dict[str, int] = {}
    with database.read() as tx:
        for name, table in tables_by_name(database).items():
            schema = pa.schema([pa.field(c.name, _type(pa, c.type), c.nullable) for c in table.columns])
            counts[name] = 0
            with parquet.ParquetWriter(folder / f"{name}.parquet", schema) as writer:
                for rows in _parts(tx, table):
                    columns = zip(*rows, strict=True)
                    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
                    writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
                    counts[name] += len(rows)
                    progress(sum(counts.values()))
    return counts


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa  # noqa: PLC0415  an extra
        from pyarrow import parquet  # noqa: PLC0415  as above
    except ModuleNotFoundError:
        raise fault(InputError, "export.parquet") from None
    return pa, parquet


def _parts(tx: Tx, table: Table) -> Iterator[Sequence[Any]]:
    options = {"stream_results": True, "yield_per": _ROWS_AT_ONCE}
    yield from tx.connection.execute(select(table).order_by(*table.primary_key), execution_options=options).partitions()


def _type(pa: Any, kind: Any) -> Any:
    for known, made in (
        (LegalDay, pa.date32()),
        (Instant, pa.timestamp("us", tz="UTC")),
        (LargeBinary, pa.binary()),
        (Boolean, pa.bool_()),
        (BigInteger, pa.int64()),
        (Integer, pa.int32()),
    ):
        if isinstance(kind, known):
            return made
    return pa.string()
