"""The write path against the floor: each commit of a commune's review is timed in turn by driver and by engine.

    python -m benchmarks.write_path [--database sqlite] [--steps 1 100 1000] [--cases 400]

Both sides write the same rows, byte for byte: the floor replays what the engine wrote in a rehearsal. The engine does
everything (forms, guards, authorisation, deadlines, outbox, event chain). A third side is the engine with a constant
in place of each hash: the difference is the chain's cost. Order alternates; medians over the pairs' ratios.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

import structlog

from benchmarks.floor import open_floor
from benchmarks.places import KINDS, databases, machine
from benchmarks.recording import Work, recorded
from rasoat.persistence.chain import hash_events
from tests.support.reviews import BEATS, Beat, Review, commune

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

TARGETS = {
    ("sqlite", 1): 1.5, ("sqlite", 100): 1.3, ("sqlite", 1000): 1.1,
    ("postgresql", 1): 1.6, ("postgresql", 100): 1.4, ("postgresql", 1000): 1.2,
}  # fmt: skip
_WARM = 40


class Result(NamedTuple):
    """Medians over the pairs of one workload."""

    database: str
    steps: int
    pairs: int
    floor_us: float
    engine_us: float
    ratio: float
    quartiles: tuple[float, float]
    chain_share: float
    target: float


def main(arguments: Sequence[str] | None = None) -> list[Result]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=KINDS, nargs="*", default=KINDS)
    parser.add_argument("--steps", type=int, nargs="*", default=(1, 100, 1000))
    parser.add_argument("--commits", type=int, default=0, help="communes' rounds per workload (0: by size)")
    parser.add_argument("--json", help="write the results to this file")
    options = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    print(machine())
    results = []
    for kind in options.database:
        for steps in options.steps:
            results.append(measure(kind, steps, options.commits or {1: 120, 100: 12, 1000: 4}.get(steps, 8)))
            print(line(results[-1]), flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:  # noqa: PTH123  a path from the command line
            json.dump([r._asdict() for r in results], file, indent=2)
    return results


def line(result: Result) -> str:
    """Return one line of the report."""
    low, high = result.quartiles
    return (
        f"{result.database:<10} {result.steps:>5} a commit: floor {result.floor_us:8.1f} µs a step, "
        f"engine {result.engine_us:8.1f}, ratio {result.ratio:.2f} ({low:.2f}–{high:.2f}, {result.pairs} pairs; "
        f"target {result.target}); chain {100 * result.chain_share:.0f} % of the engine's time"
    )


def measure(kind: str, steps: int, rounds: int) -> Result:
    """Time every commit of `rounds` communes of `steps` households each, floor and engine in turn."""
    with databases(kind) as new, ExitStack() as stack:
        chain = stack.enter_context(_switchable_chain())
        script = _rehearse(new("rehearsal"), steps, rounds)
        floor_review = _prepared(new("floor"), steps, rounds)[0]
        floor_review.database.dispose()
        floor = stack.enter_context(
            open_floor(str(floor_review.database.engine.url.render_as_string(hide_password=False)))
        )
        full, groups = _prepared(new("engine"), steps, rounds)
        bare, _ = _prepared(new("unchained"), steps, rounds)
        stack.callback(full.database.dispose)
        stack.callback(bare.database.dispose)
        times: list[tuple[float, float, float]] = []
        place = 0
        for beat in BEATS:
            for ids in groups:
                sides = [
                    floor.prepare(script[place]),
                    _act(full, beat, ids),
                    _unchained(chain, _act(bare, beat, ids)),
                ]
                times.append(_in_turn(sides, place))
                place += 1
    return _summed_up(kind, steps, times[min(_WARM, len(times) // 4) :])


def _in_turn(sides: list[Callable[[], None]], place: int) -> tuple[float, float, float]:
    taken = [0.0] * len(sides)
    for offset in range(len(sides)):
        side = (place + offset) % len(sides)
        started = time.perf_counter()
        sides[side]()
        taken[side] = time.perf_counter() - started
    return taken[0], taken[1], taken[2]


def _summed_up(kind: str, steps: int, times: list[tuple[float, float, float]]) -> Result:
    ratios = [engine / floor for floor, engine, _ in times]
    shares = [(engine - unchained) / engine for _, engine, unchained in times]
    low, middle, high = statistics.quantiles(ratios, n=4)
    per_step = [statistics.median(column) / steps * 1e6 for column in zip(*times, strict=True)]
    return Result(
        kind, steps, len(times), round(per_step[0], 1), round(per_step[1], 1), round(middle, 3),
        (round(low, 3), round(high, 3)), round(statistics.median(shares), 3), TARGETS.get((kind, steps), 0.0),
    )  # fmt: skip


def _act(review: Review, beat: Beat, ids: list[int]) -> Callable[[], None]:
    """Return what does one act; the request is built before, as the floor's parameters are."""
    request = beat.request(ids)

    def act() -> None:
        with review.database.begin() as tx:
            outcome = review.engine.fire_many(tx, request)
        assert len(outcome.accepted) == len(ids)

    review.move_to(beat)
    return act


def _unchained(chain: _Chain, act: Callable[[], None]) -> Callable[[], None]:
    def unchained() -> None:
        chain.on = False
        act()
        chain.on = True

    return unchained


class _Chain:
    """The real chain, or a constant in place of every hash."""

    def __init__(self) -> None:
        self.on = True

    def __call__(self, heads: Any, cores: Any) -> list[bytes]:
        return hash_events(heads, cores) if self.on else [bytes(32)] * len(cores)


@contextmanager
def _switchable_chain() -> Iterator[_Chain]:
    chain = _Chain()
    with mock.patch("rasoat.engine.applying.hash_events", chain):
        yield chain


def _prepared(url: str, steps: int, rounds: int) -> tuple[Review, list[list[int]]]:
    review = Review.start(url)
    return review, [review.open_round(n + 1, 1, steps, commune(n)) for n in range(rounds)]


def _rehearse(url: str, steps: int, rounds: int) -> list[list[Work]]:
    """Run the whole script once; return the row work of each commit."""
    review, groups = _prepared(url, steps, rounds)
    script: list[list[Work]] = []
    for beat in BEATS:
        for ids in groups:
            script.append([])
            with recorded(script[-1]):
                _act(review, beat, ids)()
    review.database.dispose()
    return script


if __name__ == "__main__":
    main()
