"""One picture of the write path's ratios and of the peers, for docs/performance.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks import peers, write_path


def draw(ratios: Sequence[write_path.Result], others: Sequence[peers.Result], file: Path) -> None:
    """Write the picture as SVG."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5))
    labels = [f"{r.database}\n{r.steps} a commit" for r in ratios]
    left.bar(labels, [r.ratio for r in ratios], color="#4477aa", label="measured")
    left.scatter(labels, [r.target for r in ratios], color="#ee6677", zorder=3, label="target")
    left.axhline(1, color="grey", linewidth=0.8)
    left.set_ylabel("times the driver's own time")
    left.set_title("Engine over floor, same rows")
    left.tick_params(axis="x", labelsize=7)
    left.legend()
    names = [r.name for r in others]
    for offset, column, label in ((-0.2, "one", "one a commit"), (0.2, "hundred", "100 a commit")):
        values = [getattr(r, column) or 0 for r in others]
        right.barh([i + offset for i in range(len(names))], values, height=0.38, label=label)
    right.set_yticks(range(len(names)), names, fontsize=7)
    right.invert_yaxis()
    right.set_xscale("log")
    right.set_xlabel("µs a step (log), SQLite, synchronous=FULL")
    right.set_title("Beside others")
    right.legend()
    figure.tight_layout()
    figure.savefig(file)
