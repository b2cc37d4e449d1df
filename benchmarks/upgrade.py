"""A database of a million cases at the first released schema, brought to this release: how long, which locks, how much.

    python -m benchmarks.upgrade [--cases 1000000] [--database sqlite]

The rows are written by the database itself (cases, two events each, a term each). While the upgrade runs, somebody
else goes on appending events, as the release before does: the longest wait is what an office would notice. Afterwards
every row must still be there, and the schema be this release's.
"""

from __future__ import annotations

import argparse
import resource
import threading
import time
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select, text

from benchmarks.places import KINDS, databases, machine
from rasoat.foundation.errors import ConflictError
from rasoat.persistence.database import Database
from rasoat.persistence.migrating import head_revision, require_current, upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FIRST = "0001"
_PATH = "'42/446/' || (20000 + i % 1000) || '/' || (1 + i % 9)"
_HASH = {"sqlite": "zeroblob(32)", "postgresql": "decode(repeat('00', 32), 'hex')"}
_SERIES = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :cases) ",
    "postgresql": "WITH n(i) AS (SELECT generate_series(1, :cases)) ",
}
_INSERTIONS = (
    """INSERT INTO rasoat_case {series} SELECT i, 1, i, {path}, 'annual@2022', 'surveyed', 2, '2022-10-03', 'poor',
    NULL, '{{}}', {hash} FROM n""",
    """INSERT INTO rasoat_event {series} SELECT i, 1, 'opened', '', '', 'candidate', NULL, '2022-09-26', {instant},
    'cb01', '{{}}', {hash} FROM n""",
    """INSERT INTO rasoat_event {series} SELECT i, 2, 'step', 'survey', 'candidate', 'surveyed', 1, '2022-10-03',
    {instant}, 'cb01', '{{}}', {hash} FROM n""",
    """INSERT INTO rasoat_deadline {series} SELECT i, 'case', i, 1, {path}, 'annual@2022', 'recheck', 'maximum',
    'committee', '42/446', '2022-10-03', 7, 'working_days', 'vn', '2022-10-12', {instant}, {instant}, 'open', {false},
    2, NULL, NULL, NULL FROM n""",
)
_LOCKS = """
SELECT DISTINCT l.mode, c.relname FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
WHERE l.pid = :pid AND l.granted AND c.relkind = 'r' AND c.relname IN ('rasoat_case', 'rasoat_event', 'rasoat_act',
'rasoat_deadline', 'rasoat_outbox', 'rasoat_household') AND l.mode NOT LIKE '%AccessShare%'
"""


class Result(NamedTuple):
    """What an upgrade took; `waited_s` is the longest wait of another writer, `locks` what was held of old tables."""

    database: str
    cases: int
    seconds: float
    waited_s: float
    conflicts: int
    grown_mib: float
    locks: tuple[str, ...]


def main(arguments: Sequence[str] | None = None) -> list[Result]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--database", choices=KINDS, nargs="*", default=KINDS)
    options = parser.parse_args(arguments)
    print(machine())
    results = []
    for kind in options.database:
        with databases(kind) as new:
            results.append(measure(new("upgrade"), options.cases))
        print(line(results[-1]), flush=True)
    return results


def line(result: Result) -> str:
    """Return one line of the report."""
    return (
        f"{result.database:<10} {result.cases:>9,} cases: {FIRST} to {head_revision()} in {result.seconds:6.1f} s; "
        f"another writer waited {result.waited_s:5.1f} s at most ({result.conflicts} conflicts); "
        f"{result.grown_mib:.0f} MiB more in this process; locks on old tables: {', '.join(result.locks) or 'none'}"
    )


def measure(url: str, cases: int) -> Result:
    """Fill a database at the first schema, upgrade it beside a writer, and check that nothing is lost."""
    database = Database.open(url)
    upgrade(database, FIRST)
    fill(database, cases)
    before = _counted(database)
    writer = _Writer(url)
    watcher = _Watcher(url)
    memory = _peak_mib()
    with writer, watcher:
        began = time.perf_counter()
        upgrade(database)
        seconds = time.perf_counter() - began
    require_current(database)
    after = _counted(database)
    if after != (*before[:-1], before[-1] + writer.written):
        msg = f"rows before {before}, after {after}, {writer.written} written meanwhile"
        raise RuntimeError(msg)
    database.dispose()
    kind = database.engine.dialect.name
    return Result(kind, cases, seconds, writer.waited, writer.conflicts, _peak_mib() - memory, watcher.seen())


def fill(database: Database, cases: int) -> None:
    """Write `cases` cases with two events and a term each, by the database itself."""
    kind = database.engine.dialect.name
    parts = {
        "series": _SERIES[kind], "path": _PATH, "hash": _HASH[kind],
        "instant": "'2022-10-12T17:00:00.000000Z'" if kind == "sqlite" else "timestamptz '2022-10-12 17:00Z'",
        "false": "0" if kind == "sqlite" else "false",
    }  # fmt: skip
    dated = {"'2022-09-26'", "'2022-10-03'", "'2022-10-12'"} if kind == "postgresql" else set()
    for template in _INSERTIONS:
        statement = template.format(**parts)
        for day in dated:
            statement = statement.replace(f" {day}", f" date {day}")
        with database.begin() as tx:
            tx.execute(text(statement), {"cases": cases})


def _counted(database: Database) -> tuple[int, ...]:
    with database.read() as tx:
        tables = (tx.tables.case, tx.tables.deadline, tx.tables.event)
        return tuple(tx.select(select(func.count()).select_from(table))[0][0] for table in tables)


class _Aside:
    """Something that goes on in a thread and on a connection of its own while the upgrade runs."""

    def __init__(self, url: str) -> None:
        self._database = Database.open(url)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._database.dispose()

    def _go(self) -> None:
        raise NotImplementedError


class _Writer(_Aside):
    """Appends an event now and then, as the release before would."""

    written = conflicts = 0
    waited = 0.0

    def _go(self) -> None:
        while not self._stop.wait(0.02):
            began = time.perf_counter()
            try:
                with self._database.begin() as tx:
                    tx.execute(tx.tables.event.insert(), self._event())
                self.written += 1
            except ConflictError:
                self.conflicts += 1
            self.waited = max(self.waited, time.perf_counter() - began)

    def _event(self) -> dict[str, Any]:
        day = date(2022, 10, 10)
        return {
            "case_id": 1, "seq": 3 + self.written, "kind": "step", "trigger": "meet", "from_state": "surveyed",
            "to_state": "surveyed", "act_id": None, "occurred_on": day,
            "recorded_at": datetime(2022, 10, 10, 10, tzinfo=UTC), "actor": "cb01", "payload": "", "hash": bytes(32),
        }  # fmt: skip


class _Watcher(_Aside):
    """Notes which locks on tables that were there before anyone else holds (PostgreSQL)."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._found: set[tuple[str, str]] = set()

    def seen(self) -> tuple[str, ...]:
        """Return the locks, by kind."""
        return tuple(sorted(f"{mode.removesuffix('Lock')} {table}" for table, mode in self._found))

    def _go(self) -> None:
        if self._database.engine.dialect.name != "postgresql":
            return
        with self._database.engine.connect() as connection:
            while not self._stop.wait(0.02):
                for pid in connection.execute(
                    text("SELECT pid FROM pg_stat_activity WHERE query ~ 'CREATE|ALTER'")
                ).scalars():
                    self._found |= set(self._held(connection, pid))
                connection.rollback()

    def _held(self, connection: Any, pid: int) -> Iterator[tuple[str, str]]:
        for mode, table in connection.execute(text(_LOCKS), {"pid": pid}):
            if mode not in {"RowExclusiveLock", "RowShareLock"}:
                yield table, mode


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
