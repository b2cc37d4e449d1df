"""Writers side by side, each a process of its own, one step a commit: where they stop scaling, and who is in the way.

    python -m benchmarks.writers [--database postgresql] [--writers 1 2 4 8 16] [--steps 120] [--provinces 34]

Every writer has a round of its own. First all of them do it through the driver alone, replaying what the engine wrote
in a rehearsal; then, on a database like it, through the engine. Both begin together at a barrier; what counts is all
steps over the time from the first start to the last end. `--provinces` cuts the tables first (PostgreSQL), whose
backends are asked meanwhile what they do: work, wait for the disk, for one another's rows, or for their client.

On SQLite a last line tells what group commit brings: sixteen threads of one process, each step a transaction, first
with a commit each, then briefly, when those who stand in line share their commits.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import psycopg
import structlog

from benchmarks.floor import open_floor
from benchmarks.places import KINDS, databases, machine
from benchmarks.recording import Work, recorded
from rasoat.foundation.ids import CountingIds
from rasoat.persistence.database import Database
from rasoat.persistence.migrating import upgrade
from rasoat.persistence.partitioning import partition
from tests.support.reviews import BEATS, Review, commune

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Barrier

_ACTS = 2
_THREADS = 16
_SPACING = 10_000_000
_FORK = multiprocessing.get_context("fork")


class Result(NamedTuple):
    """Steps a second of so many writers, through the driver alone and through the engine."""

    database: str
    writers: int
    floor: float
    engine: float
    doing: dict[str, float]
    """Shares of the server's backends by what they were found doing while the engine's writers were connected."""


class _Places(NamedTuple):
    """The databases of one run."""

    rehearsal: str
    floor: str
    engine: str


def main(arguments: Sequence[str] | None = None) -> list[Result]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=KINDS, nargs="*", default=KINDS)
    parser.add_argument("--writers", type=int, nargs="*", default=(1, 2, 4, 8, 16))
    parser.add_argument("--steps", type=int, default=120, help="of each writer")
    parser.add_argument("--provinces", type=int, default=0, help="cut the tables into so many provinces first")
    options = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    print(machine())
    results = []
    for kind in options.database:
        for writers in options.writers:
            results.append(measure(kind, writers, options.steps, options.provinces))
            print(line(results[-1]), flush=True)
        if kind == "sqlite":
            alone, shared = group_commit(options.steps)
            print(f"sqlite     {_THREADS} threads: {alone:,.0f} steps/s with a commit each, {shared:,.0f} sharing them")
    return results


def line(result: Result) -> str:
    """Return one line of the report."""
    share = result.engine / result.floor
    return (
        f"{result.database:<10} {result.writers:>2} writers: floor {result.floor:6,.0f} steps/s, "
        f"engine {result.engine:6,.0f}, {100 * share:.0f} % of it{_backends(result.doing)}"
    )


def _backends(doing: dict[str, float]) -> str:
    shares = sorted(doing.items(), key=lambda item: -item[1])
    return f"; backends: {', '.join(f'{100 * share:.0f} % {what}' for what, share in shares)}" if doing else ""


def measure(kind: str, writers: int, steps: int, provinces: int) -> Result:
    """Let `writers` processes do `steps` steps each, by the driver alone and by the engine."""
    with databases(kind) as new:
        places = _Places(new("rehearsal"), new("floor"), new("engine"))
        for url in places:
            database = Database.open(url)
            upgrade(database)
            if provinces and kind == "postgresql":
                partition(database, [f"{code:02d}" for code in range(42, 42 + provinces)])
            database.dispose()
        told: Queue[tuple[str, float, float]] = _FORK.Queue()
        barrier = _FORK.Barrier(writers)
        started = [_FORK.Process(target=_write, args=(n, places, steps, barrier, told)) for n in range(writers)]
        for process in started:
            process.start()
        with _watching(places.engine) as seen:
            spans = [told.get(timeout=600) for _ in range(2 * writers)]
        for process in started:
            process.join()
        failed = [process.exitcode for process in started if process.exitcode]
        if failed:
            msg = f"{len(failed)} of {writers} writers failed"
            raise RuntimeError(msg)
    rates = {side: writers * steps / _lasted(spans, side) for side in ("floor", "engine")}
    return Result(kind, writers, rates["floor"], rates["engine"], {k: n / seen.total() for k, n in seen.items()})


_DOING = {
    None: "working", "Lock": "waiting for another's row", "LWLock": "waiting for the server's own memory",
    "IO": "waiting for the disk", "Client": "waiting for their client",
}  # fmt: skip


@contextmanager
def _watching(url: str) -> Iterator[Counter[str]]:
    """Ask PostgreSQL, every hundredth of a second, what the backends of a database do."""
    seen: Counter[str] = Counter()
    if url.startswith("sqlite"):
        yield seen
        return
    over = threading.Event()

    def watch() -> None:
        asked = (
            "SELECT state LIKE 'idle%', wait_event_type, count(*) FROM pg_stat_activity WHERE datname ="
            " current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' GROUP BY 1, 2"
        )
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            while not over.wait(0.01):
                for idle, kind, number in connection.execute(asked):
                    seen["waiting for their client" if idle else _DOING.get(kind, f"waiting: {kind}")] += number

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def group_commit(steps: int) -> tuple[float, float]:
    """Return steps a second of sixteen threads on SQLite: each with a commit of its own, and sharing commits."""
    with databases("sqlite") as new:
        alone, shared = (_by_threads(new(f"briefly{briefly:d}"), steps, briefly=briefly) for briefly in (False, True))
    return alone, shared


def _by_threads(url: str, steps: int, *, briefly: bool) -> float:
    review = Review.start(url)
    rounds = [review.open_round(n + 1, 1, steps // _ACTS, commune(n)) for n in range(_THREADS)]

    def write(ids: list[int]) -> None:
        for case_id in ids:
            with review.database.begin(briefly=briefly) as tx:
                review.engine.fire_many(tx, beat.request([case_id]))

    began = time.perf_counter()
    with ThreadPoolExecutor(_THREADS) as pool:
        for beat in BEATS[:_ACTS]:
            review.move_to(beat)
            list(pool.map(write, rounds))
    taken = time.perf_counter() - began
    review.database.dispose()
    return _ACTS * sum(map(len, rounds)) / taken


def _write(number: int, places: _Places, steps: int, barrier: Barrier, told: Queue[tuple[str, float, float]]) -> None:
    script: list[list[Work]] = []
    review, ids = _round(places.rehearsal, number, steps)
    for beat in BEATS[:_ACTS]:
        for case_id in ids:
            script.append([])
            with recorded(script[-1]):
                review.run([beat], [case_id])
    review.database.dispose()
    _round(places.floor, number, steps)[0].database.dispose()
    with open_floor(places.floor) as floor:
        commits = [floor.prepare(work) for work in script]
        told.put(("floor", *_timed(commits, barrier)))
    review, ids = _round(places.engine, number, steps)
    acts = [lambda beat=beat, i=i: review.run([beat], [i]) for beat in BEATS[:_ACTS] for i in ids]
    told.put(("engine", *_timed(acts, barrier)))
    review.database.dispose()


def _round(url: str, number: int, steps: int) -> tuple[Review, list[int]]:
    review = Review(Database.open(url), ids=CountingIds(number * _SPACING + 1))
    return review, review.open_round(number + 1, 1, steps // _ACTS, commune(number))


def _timed(actions: Sequence[Callable[[], object]], barrier: Barrier) -> tuple[float, float]:
    barrier.wait(timeout=600)
    began = time.monotonic()
    for action in actions:
        action()
    return began, time.monotonic()


def _lasted(spans: Sequence[tuple[str, float, float]], side: str) -> float:
    mine = [span for span in spans if span[0] == side]
    return max(end for *_, end in mine) - min(began for _, began, _ in mine)


if __name__ == "__main__":
    main()
