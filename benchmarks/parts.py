"""What a step spends its time on: every part of the write path timed by itself, without what it calls of the others.

    python -m benchmarks.parts [--database sqlite postgresql] [--steps 1 100 1000] [--commits 20]

A commune's review is run with a stopwatch around each part; a part's own time is what passes in it outside the parts it
calls. "in the database" is the driver's calls: what `benchmarks.write_path` calls the floor, and it cannot be had for
less. The stopwatches cost some tenths of a microsecond each; "the rest" holds what no part is named for, and theirs.
"""

from __future__ import annotations

import argparse
import functools
import logging
import pkgutil
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

import structlog

from benchmarks.places import KINDS, databases, machine
from tests.support.reviews import BEATS, Review, commune

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SQL, WAIT = "in the database", "begin, commit, wait for the disk"
PARTS: dict[str, tuple[str, ...]] = {
    SQL: (
        "persistence.bulk.run_many",
        "persistence.transactions.write_together",
        "persistence.transactions.Tx.rows",
        "persistence.transactions.Tx.run",
    ),
    WAIT: ("persistence.loans.Loan.start", "persistence.loans.Loan.end"),
    "connection from the pool and back": (
        "persistence.loans.Loan.__enter__",
        "persistence.loans.Loan.__exit__",
    ),
    "read cases and running terms": ("engine.service.gather",),
    "settings, calendar, census": ("engine.service.Engine._context",),
    "forms": ("engine.service.fit_forms",),
    "decide: mandates, guards, effects": ("engine.service.decide",),
    "facts, payloads, letters as canonical JSON": (
        "engine.deciding.canonical_text",
        "engine.applying.canonical_json",
        "engine.service.canonical_json",
        "engine.tidings.canonical_json",
    ),
    "the act's own row": ("engine.service.Engine._store_act",),
    "hashes of the chain": ("engine.applying.hash_events", "persistence.events.act_hash"),
    "terms closed and opened, rungs missed": (
        "engine.applying._Plan._end",
        "engine.applying._Plan.deadlines",
        "engine.applying.record_overtaken",
        "engine.applying.enter_breaches",
    ),
    "letters to the next desk": ("engine.applying.act_waiting", "engine.applying.breach_found"),
    "rows of cases, events, deadlines": ("engine.service.apply",),
}


class Result(NamedTuple):
    """Own time of every part, in microseconds a step."""

    database: str
    steps: int
    parts: dict[str, float]


class Stopwatch:
    """Own times of nested calls."""

    def __init__(self) -> None:
        self.own: dict[str, float] = {}
        self._stack: list[str] = []
        self._since = 0.0

    def wrap(self, part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return `call` with its own time noted under `part`."""

        @functools.wraps(call)
        def timed(*args: Any, **named: Any) -> Any:
            self._turn()
            self._stack.append(part)
            try:
                return call(*args, **named)
            finally:
                self._turn()
                self._stack.pop()

        return timed

    def _turn(self) -> None:
        now = time.perf_counter()
        if self._stack:
            self.own[self._stack[-1]] = self.own.get(self._stack[-1], 0.0) + now - self._since
        self._since = now


def main(arguments: Sequence[str] | None = None) -> list[Result]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=KINDS, nargs="*", default=KINDS)
    parser.add_argument("--steps", type=int, nargs="*", default=(1, 100, 1000))
    parser.add_argument("--commits", type=int, default=0, help="communes' rounds per workload (0: by size)")
    options = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    print(machine())
    results = []
    for kind in options.database:
        for steps in options.steps:
            results.append(measure(kind, steps, options.commits or {1: 200, 100: 20, 1000: 4}.get(steps, 10)))
            print(table(results[-1]), flush=True)
    return results


def measure(kind: str, steps: int, rounds: int) -> Result:
    """Run `rounds` communes of `steps` households each through their review, the first of them unmeasured."""
    with databases(kind) as new:
        review = Review.start(new("parts"))
        groups = [review.open_round(n + 1, 1, steps, commune(n)) for n in range(rounds + 1)]
        watch = Stopwatch()
        fire = watch.wrap("the rest", review.fire)
        for beat in BEATS:
            review.run([beat], groups[0])
            with _watched(watch):
                for ids in groups[1:]:
                    fire(beat, ids)
        review.database.dispose()
    done = len(BEATS) * rounds * steps
    return Result(kind, steps, {part: watch.own.get(part, 0.0) / done * 1e6 for part in (*PARTS, "the rest")})


def table(result: Result) -> str:
    """Return the parts as lines, the dearest first."""
    whole = sum(result.parts.values())
    lines = [f"{result.database}, {result.steps} a commit: {whole:.1f} µs a step"]
    for part, micros in sorted(result.parts.items(), key=lambda item: -item[1]):
        lines.append(f"  {micros:8.1f} µs  {100 * micros / whole:3.0f} %  {part}")
    return "\n".join(lines)


@contextmanager
def _watched(watch: Stopwatch) -> Iterator[None]:
    with ExitStack() as stack:
        for part, places in PARTS.items():
            for place in places:
                target = f"rasoat.{place}"
                stack.enter_context(mock.patch(target, watch.wrap(part, _at(target))))
        yield


def _at(target: str) -> Callable[..., Any]:
    found: Callable[..., Any] = pkgutil.resolve_name(target)
    return found


if __name__ == "__main__":
    main()
