"""Several small writes as one statement: what PostgreSQL is asked once, it answers in one journey.

Each write becomes a member of one ``WITH``. All of them see the database as it was before, so none may build on another
or touch a row that another touches; foreign keys are checked when all are done.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from .statements import Compiled

__all__ = ["FEW", "Write", "write_together"]

FEW = 4
"""Rows of one statement up to which it is worth writing each out; more are quicker by COPY or over a JSON array."""


class Write(NamedTuple):
    """A statement, its rows in the order it declares, and who is told how many rows it touched."""

    name: str
    compiled: Compiled
    rows: Sequence[Sequence[Any]]
    told: Callable[[int], None] | None


def write_together(cursor: Any, writes: Sequence[Write]) -> None:
    """Do all of `writes` in one statement, then tell each how many rows it touched."""
    shape = tuple((write.compiled.sql, len(write.rows), write.told is not None) for write in writes)
    values: list[Any] = []
    for write in writes:
        for row in write.rows:
            values += write.compiled.row(row)
    cursor.execute(_combined(shape), values)
    counts = iter(cursor.fetchone())
    for write in writes:
        if write.told is not None:
            write.told(sum(next(counts) for _ in write.rows))


@lru_cache(maxsize=1024)
def _combined(shape: tuple[tuple[str, int, bool], ...]) -> str:
    members: list[str] = []
    counted: list[str] = []
    for sql, rows, told in shape:
        for _ in range(rows):
            name = f"write_{len(members)}"
            members.append(f"{name} AS ({sql}{' RETURNING 1' if told else ''})")
            counted += [f"(SELECT count(*) FROM {name})"] if told else []  # noqa: S608  names of our own
    return f"WITH {', '.join(members)} SELECT {', '.join(counted) or '1'}"
