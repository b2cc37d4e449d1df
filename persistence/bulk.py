"""Many rows at once, each database by its quickest way.

SQLite runs a prepared statement row by row faster than anything else. PostgreSQL pays for every statement: inserts
travel as one COPY, updates as one statement over a JSON array. A handful of rows is worth neither.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .combining import FEW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .statements import Compiled, Copy

__all__ = ["run_many"]


def run_many(cursor: Any, compiled: Compiled, rows: Sequence[Sequence[Any]]) -> int:
    """Run a compiled statement for every row; return the number of rows touched in all."""
    if compiled.dialect == "sqlite":
        cursor.executemany(compiled.sql, compiled.arranged(rows))
        return cursor.rowcount  # type: ignore[no-any-return]  # DBAPI cursors are untyped
    if len(rows) > FEW and compiled.copy is not None:
        return _copy(cursor, compiled.copy, rows)
    if len(rows) > FEW and compiled.recordset is not None:
        members = [dict(zip(compiled.params, row, strict=True)) for row in rows]
        cursor.execute(compiled.recordset, (json.dumps(members, ensure_ascii=False, default=_in_json),))
        return cursor.rowcount  # type: ignore[no-any-return]  # as above
    touched = 0
    for row in rows:
        cursor.execute(compiled.sql, compiled.row(row))
        touched += cursor.rowcount
    return touched


def _copy(cursor: Any, target: Copy, rows: Sequence[Sequence[Any]]) -> int:
    with cursor.copy(target.command) as copy:
        copy.set_types(target.types)
        for row in rows:
            copy.write_row(row)
    return len(rows)


def _in_json(value: Any) -> str:
    """Write what JSON has no form for as PostgreSQL reads it: bytes, days, instants."""
    return "\\x" + value.hex() if isinstance(value, bytes) else value.isoformat()
