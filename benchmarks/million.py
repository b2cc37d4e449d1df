"""A million cases stream through one process: memory must stay flat, whatever the database holds already.

    python -m benchmarks.million [--cases 1000000] [--acts 4] [--database sqlite]

Communes of 1,000 households are opened one after the other and taken through the first acts of their review (listing,
survey, meeting, posting), a commune an act, an act a commit. Every act is checked to have moved all its cases.
"""

from __future__ import annotations

import argparse
import logging
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import structlog

from benchmarks.places import KINDS, databases, machine
from rasoat.foundation.ids import TimeOrderedIds
from tests.support.reviews import BEATS, Review, commune

if TYPE_CHECKING:
    from collections.abc import Sequence

_VILLAGES, _HOUSEHOLDS = 10, 100


class Mark(NamedTuple):
    """The state of the run after so many cases."""

    cases: int
    seconds: float
    steps_a_second: float
    resident_mib: float
    database_mib: float


def main(arguments: Sequence[str] | None = None) -> list[Mark]:
    """Run and print a line every tenth of the way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--acts", type=int, default=4, choices=range(1, len(BEATS) + 1))
    parser.add_argument("--database", choices=KINDS, default="sqlite")
    options = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    print(machine())
    with databases(options.database) as new:
        marks = stream(new("million"), options.cases, options.acts)
    print(f"flat: {marks[0].resident_mib:.0f} MiB after a tenth, {marks[-1].resident_mib:.0f} MiB at the end")
    return marks


def stream(url: str, cases: int, acts: int) -> list[Mark]:
    """Take `cases` cases through `acts` acts; return a mark after each tenth."""
    review = Review.start(url, ids=TimeOrderedIds())
    communes = cases // (_VILLAGES * _HOUSEHOLDS)
    marks: list[Mark] = []
    started = time.perf_counter()
    for number in range(communes):
        ids = review.open_round(number + 1, _VILLAGES, _HOUSEHOLDS, commune(number))
        review.run(BEATS[:acts], ids)
        if (number + 1) % max(1, communes // 10) == 0:
            marks.append(_mark(review, (number + 1) * len(ids), acts, time.perf_counter() - started))
            print(line(marks[-1]), flush=True)
    review.database.dispose()
    return marks


def line(mark: Mark) -> str:
    """Return one line of the report."""
    return "{:>9,} cases  {:7.0f} s  {:7,.0f} steps/s  {:5.0f} MiB resident  {:6.0f} MiB on disk".format(*mark)


def _mark(review: Review, cases: int, acts: int, seconds: float) -> Mark:
    return Mark(cases, seconds, cases * acts / seconds, _resident_mib(), _database_mib(review))


def _resident_mib() -> float:
    """Return the memory this process holds now; the peak would hide that it grows no more."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def _database_mib(review: Review) -> float:
    url = review.database.engine.url
    if url.get_backend_name() == "sqlite":
        return sum(f.stat().st_size for f in Path(str(url.database)).parent.iterdir()) / 2**20
    with review.database.engine.connect() as connection:
        size = connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one()
    return float(size) / 2**20


if __name__ == "__main__":
    main()
