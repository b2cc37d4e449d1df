"""What the engine writes, commit by commit: the row work that the floor then does with nothing else around it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

from rasoat.persistence.statements import compile_for
from rasoat.persistence.transactions import Tx

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rasoat.persistence.statements import Compiled, Statement

READS = frozenset({"lock cases for an act", "open deadlines of cases", "claim rungs"})
"""What must be read before anyone can decide, and rows whose writing answers; all else read is the engine's cost."""


class Work(NamedTuple):
    """One statement and its rows, values in the order the statement declares them."""

    compiled: Compiled
    rows: list[Any]
    reads: bool


@contextmanager
def recorded(into: list[Work]) -> Iterator[None]:
    """Note every row the engine writes, and the reads nobody can do without, while still doing them."""

    def note(tx: Tx, statement: Statement, rows: list[Any], *, reads: bool = False) -> None:
        into.append(Work(compile_for(statement, tx.tables, tx.dialect), rows, reads))

    run, many, rows = Tx.run, Tx.many, Tx.rows

    def noted_run(self: Tx, statement: Statement, *values: Any) -> int:
        note(self, statement, [values])
        return run(self, statement, *values)

    def noted_many(self: Tx, statement: Statement, given: Any) -> int:
        if given:
            note(self, statement, list(given))
        return many(self, statement, given)

    def noted_later(self: Tx, statement: Statement, given: Any, told: Any = None) -> None:
        touched = noted_many(self, statement, given)
        if given and told is not None:
            told(touched)

    def noted_rows(self: Tx, statement: Statement, *values: Any) -> list[tuple[Any, ...]]:
        if statement.name in READS:
            note(self, statement, [values], reads=True)
        return rows(self, statement, *values)

    with mock.patch.multiple(Tx, run=noted_run, many=noted_many, later=noted_later, rows=noted_rows):
        yield
