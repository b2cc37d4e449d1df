"""The worker's sweep: 1,000 terms fall due among ten thousand, and among a million, that do not.

    python -m benchmarks.sweep [--open 10000 1000000] [--database sqlite]

The re-checks of a commune (ten villages of 100 households) climb their ladder together. Each time they are due, the
claim alone is done with the driver (one UPDATE over the index of wake-ups, RETURNING) and put back; then the worker
finds them, locks the cases, claims each rung, tells the offices and sets the next wake-up, a village a commit.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

import structlog
from sqlalchemy import text

from benchmarks.places import KINDS, databases, machine
from rasoat.engine.timers import run_due
from rasoat.foundation.clock import LEGAL_ZONE, end_of
from rasoat.foundation.ids import TimeOrderedIds
from rasoat.persistence.deadlines import DeadlineRow, insert_deadlines
from rasoat.persistence.wakeups import next_wake_at
from tests.support.reviews import BEATS, Beat, Review

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rasoat.persistence.database import Database

COMPLAIN = Beat("complain", date(2022, 10, 25), {"subject_code": "diem"})
FAR = date(2026, 12, 1)
VILLAGES, HOUSEHOLDS = 10, 100
WAKES = 5
_CHUNK = 20_000


class Result(NamedTuple):
    """Medians over the ladder's wake-ups, in milliseconds."""

    database: str
    open: int
    due: int
    claim_ms: float
    sweep_ms: float
    ratio: float


def main(arguments: Sequence[str] | None = None) -> list[Result]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--open", type=int, nargs="*", default=(10_000, 1_000_000))
    parser.add_argument("--database", choices=KINDS, nargs="*", default=KINDS)
    options = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    print(machine())
    results = []
    for kind in options.database:
        for number in options.open:
            with databases(kind) as new:
                results.append(measure(kind, new("sweep"), number))
            print(line(results[-1]), flush=True)
    return results


def line(result: Result) -> str:
    """Return one line of the report."""
    return (
        f"{result.database:<10} {result.due:,} of {result.open:>9,} due: claim alone {result.claim_ms:6.1f} ms, "
        f"find, claim and act {result.sweep_ms:7.1f} ms, ratio {result.ratio:.1f}"
    )


def measure(kind: str, url: str, number: int) -> Result:
    """Sweep at each of the ladder's wake-ups."""
    review = Review.start(url, ids=TimeOrderedIds())
    ids = review.open_round(1, VILLAGES, HOUSEHOLDS)
    review.run([*BEATS[:4], COMPLAIN], ids)
    _fill(review.database, number - len(ids))
    claims, sweeps = [], []
    for _ in range(WAKES):
        with review.database.read() as tx:
            wake = next_wake_at(tx)
        assert wake is not None
        review.clock.move_to(wake)
        claims.append(_claim(review.database, wake, len(ids)))
        started = time.perf_counter()
        ran = run_due(review.database, review.engine)
        sweeps.append(time.perf_counter() - started)
        assert ran.rungs + ran.breaches >= len(ids), ran
    review.database.dispose()
    claim, sweep = statistics.median(claims) * 1e3, statistics.median(sweeps) * 1e3
    ratios = [s / c for s, c in zip(sweeps, claims, strict=True)]
    return Result(kind, number, len(ids), round(claim, 1), round(sweep, 1), round(statistics.median(ratios), 2))


def _claim(database: Database, now: datetime, expected: int) -> float:
    """Time the bare claim of what is due; put it back."""
    table = database.tables.deadline.name
    stored = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if database.engine.dialect.name == "sqlite" else now
    later = end_of(FAR).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if database.engine.dialect.name == "sqlite" else end_of(FAR)
    claim = text(f"UPDATE {table} SET next_at = :later WHERE status = 'open' AND next_at <= :now RETURNING id")
    with database.engine.connect() as connection:
        started = time.perf_counter()
        claimed = connection.execute(claim, {"now": stored, "later": later}).all()
        connection.commit()
        taken = time.perf_counter() - started
        assert len(claimed) == expected
        back = text(f"UPDATE {table} SET next_at = :now WHERE next_at = :later AND subject_id <> 0")
        connection.execute(back, {"now": stored, "later": later})
        connection.commit()
    return taken


def _fill(database: Database, number: int) -> None:
    """Add open terms that are not due."""
    start = datetime(2022, 10, 25, tzinfo=LEGAL_ZONE)
    for first in range(0, number, _CHUNK):
        with database.begin() as tx:
            insert_deadlines(tx, [_row(i, start) for i in range(first, min(first + _CHUNK, number))])


def _row(i: int, started: datetime) -> DeadlineRow:
    due = date.fromordinal(FAR.toordinal() + i % 300)
    path = f"{i % 63:02d}/446/{20_000 + i % 997}/{1 + i % 9:02d}"
    provisional = False
    return DeadlineRow(
        i + 1, "case", 0, 0, path, "annual@2022", "recheck", "maximum", "committee", path.rpartition("/")[0],
        started.date(), 7, "working_days", "vn", due, end_of(due), end_of(due), "open", provisional, 1,
        None, None, None,
    )  # fmt: skip


if __name__ == "__main__":
    main()
