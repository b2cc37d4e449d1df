"""How long committees wait: each question over a million cases, on SQLite or on an empty PostgreSQL database.

``python benchmarks/queries.py sqlite:////tmp/queries.db 1000000``
"""

from __future__ import annotations

import statistics
import sys
import time
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from rasoat.deadlines.release_files import parse_release
from rasoat.deadlines.releases import Library, calendar, releases
from rasoat.engine.punctuality import By, punctuality
from rasoat.engine.queries import Only, agenda, overdue
from rasoat.foundation.clock import LEGAL_ZONE, end_of
from rasoat.persistence.database import Database
from rasoat.persistence.deadlines import DeadlineRow, insert_deadlines
from rasoat.persistence.migrating import upgrade
from rasoat.persistence.rounds import RoundRow, insert_round
from rasoat.persistence.wakeups import due_groups, next_wake_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rasoat.deadlines.calendar import Calendar
    from rasoat.persistence.database import Tx

TODAY = date(2022, 11, 4)
SEASON = date(2022, 9, 1)
PROVINCES, COMMUNES, VILLAGES = 10, 20, 8
ROUNDS = 200
_STORM = """
scope = "03/005"
known_from = 2022-11-01
standing = "official"
decision = "1/QĐ-UBND"
title = { vi = "Nghỉ do bão", en = "Storm" }
source = "benchmark"
tag = "INFERRED"
[[closure]]
name = { vi = "Nghỉ do bão", en = "Storm" }
days = [2022-11-07]
"""


def deadlines(count: int) -> Iterator[DeadlineRow]:
    """One deadline a case: most of them met, one in twenty running, one in a hundred late."""
    for i in range(count):
        path = f"{i % PROVINCES:02d}/{i // 10 % 10:03d}/{i // 100 % COMMUNES:05d}/{i // 2000 % VILLAGES:02d}"
        running, late = i % 20 == 3, i % 100 == 3
        due_on = TODAY - timedelta(days=1 + i % 9) if late else TODAY + timedelta(days=i % 30)
        due_on = due_on if running else SEASON + timedelta(days=i % 60)
        yield DeadlineRow(
            id=i + 1, subject="case", subject_id=i + 1, round_id=i % ROUNDS, unit_path=path, workflow="annual@2022",
            rule="recheck" if i % 3 else "opinion", kind="maximum", owner_role="committee",
            owner_path=path.rpartition("/")[0], started_on=due_on - timedelta(days=9), length=7, unit="working_days",
            calendar="vn/2022-01-01", due_on=due_on, due_at=end_of(due_on),
            next_at=end_of(due_on) + timedelta(days=20) if running else None, status="open" if running else "met",
            provisional=False, opened_seq=1, breached_at=end_of(due_on) if late else None,
            closed_on=None if running else due_on - timedelta(days=i % 3), cause=None,
        )  # fmt: skip


def fill(database: Database, count: int) -> None:
    upgrade(database)
    opened = datetime(2022, 9, 1, 8, tzinfo=LEGAL_ZONE)
    with database.begin() as tx:
        for i in range(ROUNDS):
            path = f"{i % PROVINCES:02d}/{i // 10 % 10:03d}/{i // 100 % COMMUNES:05d}"
            insert_round(tx, RoundRow(i, f"R{i}", "annual@2022", path, SEASON, None, None, opened))
        batch = []
        for row in deadlines(count):
            batch.append(row)
            if len(batch) == 20_000:
                insert_deadlines(tx, batch)
                batch = []
        insert_deadlines(tx, batch)


def questions() -> dict[str, Callable[[Tx], object]]:
    known = calendar(as_known_on=TODAY)
    now = datetime(2022, 11, 4, 9, tzinfo=LEGAL_ZONE)
    commune = "03/005/00007"
    # One district was closed for a storm: each unit's days are its own.
    closed = Library([*releases(), parse_release(_STORM, "storm")])

    def own(path: str) -> Calendar:
        return closed.calendar(as_known_on=TODAY, unit=path)

    return {
        "overdue, everywhere": lambda tx: overdue(tx, TODAY, known, today=TODAY),
        "overdue, a province": lambda tx: overdue(tx, TODAY, known, today=TODAY, unit_path="03"),
        "overdue, a commune": lambda tx: overdue(tx, TODAY, known, today=TODAY, unit_path=commune),
        "agenda of three days, a province": lambda tx: agenda(tx, TODAY, known, unit_path="03"),
        "agenda of three days, one role and step": lambda tx: agenda(
            tx, TODAY, known, only=Only(role="committee", rule="recheck")
        ),
        "overdue, everywhere, each unit's own days": lambda tx: overdue(tx, TODAY, own, today=TODAY),
        "agenda, a province, each unit's own days": lambda tx: agenda(tx, TODAY, own, unit_path="03"),
        "agenda, everywhere, each unit's own days": lambda tx: agenda(tx, TODAY, own),
        "punctuality, a commune": lambda tx: punctuality(tx, TODAY, known, unit_path=commune),
        "punctuality by commune, a province": lambda tx: punctuality(tx, TODAY, known, by=By.COMMUNE, unit_path="03"),
        "punctuality by commune, everywhere": lambda tx: punctuality(tx, TODAY, known, by=By.COMMUNE),
        "what falls due now": lambda tx: due_groups(tx, now, 200),
        "the next wake-up": next_wake_at,
    }


def main(url: str, count: int) -> None:
    database = Database.open(url, synchronous="OFF")
    began = time.perf_counter()
    fill(database, count)
    print(f"{count:,} deadlines written in {time.perf_counter() - began:.1f} s")
    with database.read() as tx:
        for name, ask in questions().items():
            times = []
            for _ in range(5):
                began = time.perf_counter()
                ask(tx)
                times.append(time.perf_counter() - began)
            print(f"{name:<42} {statistics.median(times) * 1000:9.1f} ms")
    database.dispose()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000)
