"""A calendar decided at short notice: how long 100,000 open deadlines take to be put on it.

    python -m benchmarks.recalendaring [--moved 100000] [--database sqlite]

A district's re-checks begun before New Year 2026, counted on what was known on 24/12/2025. On 25/12/2025 the decision
12729/VPCP-KGVX takes 02/01/2026 off: `moved` of them end a working day later. Every one gets a new last day, a line in
its ledger, an event in its case's chain and, with its village's others, a message to its owner.
"""

from __future__ import annotations

import argparse
import cProfile
import logging
import pstats
import time
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

import structlog

from benchmarks.places import KINDS, databases, machine
from rasoat.deadlines.releases import calendar, library
from rasoat.engine.recalendar import recalendar
from rasoat.foundation.clock import LEGAL_ZONE
from tests.support.caseload import open_terms
from tests.support.reviews import DISTRICT, Review

if TYPE_CHECKING:
    from collections.abc import Sequence

BEFORE, DECIDED = date(2025, 12, 24), date(2025, 12, 25)
MOVING, STAYING = date(2025, 12, 24), date(2025, 12, 15)
VILLAGE = 250


class Result(NamedTuple):
    """How many deadlines moved; seconds of the dry run, of the change itself, and of this process's computing in it."""

    database: str
    moved: int
    dry_seconds: float
    seconds: float
    computing: float


def main(arguments: Sequence[str] | None = None) -> list[Result]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moved", type=int, default=100_000)
    parser.add_argument("--database", choices=KINDS, nargs="*", default=KINDS)
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    options = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    print(machine())
    results = []
    for kind in options.database:
        with databases(kind) as new:
            results.append(measure(kind, new("recalendaring"), options.moved, profile=options.profile))
        print(line(results[-1]), flush=True)
    return results


def line(result: Result) -> str:
    """Return a result as it is printed."""
    return (
        f"{result.database:<10} {result.moved:>9,} deadlines moved: dry run {result.dry_seconds:6.2f} s, "
        f"on record {result.seconds:6.2f} s, "
        f"of which {result.computing:.2f} s computing ({result.moved / result.seconds:,.0f} a second)"
    )


def measure(kind: str, url: str, moved: int, *, profile: bool) -> Result:
    """Fill a database with deadlines, of which `moved` move, and put them on the new calendar."""
    review = Review.start(url)
    database = review.database
    review.clock.move_to(datetime(2025, 12, 24, 9, tzinfo=LEGAL_ZONE))
    villages = [f"{DISTRICT}/{18_700 + n // 10}/{n % 10 + 1:02d}" for n in range(-(-moved // VILLAGE))]
    for start, count in ((MOVING, moved), (STAYING, moved // 2)):
        terms = [(villages[n % len(villages)], "recheck", start) for n in range(count)]
        open_terms(review, calendar(as_known_on=BEFORE), terms)
    review.clock.move_to(datetime(2025, 12, 25, 9, tzinfo=LEGAL_ZONE))
    began = time.perf_counter()
    recalendar(database, review.engine, library(), dry_run=True)
    dry = time.perf_counter() - began
    meter = cProfile.Profile()
    if profile:
        meter.enable()
    began, computed = time.perf_counter(), time.process_time()
    done = recalendar(database, review.engine, library())
    seconds, computing = time.perf_counter() - began, time.process_time() - computed
    if profile:
        meter.disable()
        pstats.Stats(meter).sort_stats("cumulative").print_stats(45)
    database.dispose()
    return Result(kind, done.moved, dry, seconds, computing)


if __name__ == "__main__":
    main()
