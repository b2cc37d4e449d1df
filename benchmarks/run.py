"""All of `make bench`: start-up, write path, its parts, writers, sweep, upgrade, peers; table and picture go to docs/.

    python -m benchmarks [--million] [--quick]

`--quick` runs each of them at a size that says nothing but that it runs, and writes into build/bench instead.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import million, parts, peers, plotting, starting, sweep, upgrade, write_path, writers
from benchmarks.places import machine

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent


class _Sizes(NamedTuple):
    """The arguments of each benchmark."""

    write_path: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()
    sweep: tuple[str, ...] = ()
    upgrade: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()
    million: tuple[str, ...] = ()


_FULL = _Sizes()
_QUICK = _Sizes(
    write_path=("--steps", "1", "20", "--commits", "2"),
    parts=("--steps", "1", "20", "--commits", "2"),
    writers=("--writers", "1", "2", "--steps", "8"),
    sweep=("--open", "2000"),
    upgrade=("--cases", "2000"),
    peers=("--scale", "0.05"),
    million=("--cases", "2000"),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure one after the other; write the page and the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--million", action="store_true", help="stream a million cases as well (half an hour)")
    parser.add_argument("--quick", action="store_true", help="small sizes, into build/bench: does it run?")
    options = parser.parse_args(arguments)
    sizes, folder = (_QUICK, ROOT / "build" / "bench") if options.quick else (_FULL, ROOT / "docs")
    about = machine()
    started = starting.main()
    paths = write_path.main(sizes.write_path)
    others = peers.main(sizes.peers)
    lines = [f"import rasoat {started.import_ms} ms, open and ask {started.open_ms} ms"]
    lines += [write_path.line(result) for result in paths]
    lines += [parts.table(result) for result in parts.main(sizes.parts)]
    lines += [writers.line(result) for result in writers.main(sizes.writers)]
    lines += [sweep.line(result) for result in sweep.main(sizes.sweep)]
    lines += [upgrade.line(result) for result in upgrade.main(sizes.upgrade)]
    lines += [peers.line(result, others[0]) for result in others]
    lines += [million.line(mark) for mark in (million.main(sizes.million) if options.million or options.quick else [])]
    folder.mkdir(parents=True, exist_ok=True)
    page = [
        "# Figures of the last `make bench`",
        "",
        about,
        "",
        "![ratios and peers](performance.svg)",
        "",
        "```",
        *lines,
    ]
    (folder / "performance-figures.md").write_text("\n".join([*page, "```", ""]), encoding="utf-8")
    plotting.draw(paths, others, folder / "performance.svg")


if __name__ == "__main__":
    main()
