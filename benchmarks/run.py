"""Everything `make bench` measures: start-up, write path, sweep, peers; the table and the picture go into docs/.

python -m benchmarks [--million]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import million, peers, plotting, starting, sweep, write_path
from benchmarks.places import machine

if TYPE_CHECKING:
    from collections.abc import Sequence

DOCS = Path(__file__).resolve().parent.parent / "docs"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure one after the other; write docs/performance-figures.md and docs/performance.svg."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--million", action="store_true", help="stream a million cases as well (half an hour)")
    options = parser.parse_args(arguments)
    about = machine()
    started = starting.main()
    paths = write_path.main([])
    sweeps = sweep.main([])
    others = peers.main([])
    marks = million.main([]) if options.million else []
    text = _page(about, started, paths, sweeps, others, marks)
    (DOCS / "performance-figures.md").write_text(text, encoding="utf-8")
    plotting.draw(paths, others, DOCS / "performance.svg")


def _page(
    about: str,
    started: starting.Result,
    paths: Sequence[write_path.Result],
    sweeps: Sequence[sweep.Result],
    others: Sequence[peers.Result],
    marks: Sequence[million.Mark],
) -> str:
    lines = ["# Figures of the last `make bench`", "", about, "", "![ratios and peers](performance.svg)", "", "```"]
    lines += [f"import rasoat {started.import_ms} ms, open and ask {started.open_ms} ms"]
    lines += [write_path.line(result) for result in paths]
    lines += [sweep.line(result) for result in sweeps]
    lines += [peers.line(result, others[0]) for result in others]
    lines += [million.line(mark) for mark in marks]
    return "\n".join([*lines, "```", ""])


if __name__ == "__main__":
    main()
