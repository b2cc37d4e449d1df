"""The engine beside what people use instead, each in a process of its own at a size it can bear, SQLite at FULL.

    python -m benchmarks.peers [--scale 1.0]

The others change a state, write a history row and open or close a deadline; the engine does all it always does.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.places import machine

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
LAPS = 3


class Contender(NamedTuple):
    """A module of `contenders`, what it stands for, and how many cases it can bear: one a commit, 100 a commit."""

    module: str
    name: str
    one: int
    hundred: int


CONTENDERS = (
    Contender("whole_engine", "Rà soát, everything on", 200, 4000),
    Contender("djangofsm", "django-fsm-2 + Django ORM", 60, 400),
    Contender("tutorial", "transitions, a machine per case + ORM", 60, 400),
    Contender("statemachine", "python-statemachine + ORM", 60, 400),
    Contender("spiff", "SpiffWorkflow, an instance as JSON", 60, 400),
    Contender("durable", "DBOS, a workflow per case", 20, 0),
)


class Result(NamedTuple):
    """Microseconds a step: the median of the laps, None where a contender has no such way of working."""

    name: str
    one: float | None
    hundred: float | None


def main(arguments: Sequence[str] | None = None) -> list[Result]:
    """Measure every contender in turns and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="of every contender's number of cases")
    options = parser.parse_args(arguments)
    print(machine())
    laps: dict[tuple[str, int], list[float]] = {}
    for _ in range(LAPS):
        for contender in CONTENDERS:
            for at_once, cases in ((1, contender.one), (100, contender.hundred)):
                if cases:
                    size = max(at_once, int(cases * options.scale) // at_once * at_once)
                    laps.setdefault((contender.name, at_once), []).append(_lap(contender.module, size, at_once))
    results = [Result(c.name, _median(laps, c.name, 1), _median(laps, c.name, 100)) for c in CONTENDERS]
    for result in results:
        print(line(result, results[0]), flush=True)
    return results


def line(result: Result, engine: Result) -> str:
    """Return one line of the report."""
    one, hundred = _told(result.one, engine.one), _told(result.hundred, engine.hundred)
    return f"{result.name:<40} one a commit {one}   100 a commit {hundred}"


def _told(taken: float | None, engine: float | None) -> str:
    return f"{'–':>22}" if taken is None or engine is None else f"{taken:8.0f} µs {taken / engine:6.1f} ×"


def _median(laps: dict[tuple[str, int], list[float]], name: str, at_once: int) -> float | None:
    return statistics.median(laps[name, at_once]) if (name, at_once) in laps else None


def _lap(module: str, cases: int, at_once: int) -> float:
    with tempfile.TemporaryDirectory(prefix="rasoat-peer-") as folder:
        command = [
            sys.executable,
            "-m",
            "benchmarks.peers",
            "--lap",
            module,
            f"{folder}/peer.db",
            str(cases),
            str(at_once),
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        msg = f"{module} failed:\n{done.stderr[-2000:]}"
        raise RuntimeError(msg)
    return float(json.loads(done.stdout.splitlines()[-1]))


def _run_lap(module: str, path: str, cases: int, at_once: int) -> None:
    """Run one contender in this process; imports, schema and the cases' own rows are not counted."""
    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    contender = importlib.import_module(f"benchmarks.contenders.{module}")
    begun: list[float] = []
    steps = contender.run(path, cases, at_once, lambda: begun.append(time.perf_counter()))
    print(json.dumps((time.perf_counter() - begun[0]) / steps * 1e6))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--lap"]:
        _run_lap(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
    else:
        main()
