"""What the villages of a round have done so far, from a CSV file: village, step, day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..rows import RowError, RowsRefusedError, day_in, read_csv

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date
    from pathlib import Path

__all__ = ["load_progress"]

_COLUMNS = ("village", "step", "day")


def load_progress(path: Path, steps: Collection[str], *, through: date) -> dict[str, dict[str, date]]:
    """Return for each village the day on which each step made so far began.

    A village that has done nothing yet has one row with step and day blank. `RowsRefusedError` names every
    faulty row: an unknown step, a step twice, an unreadable or missing day, a day after `through`.
    """
    progress: dict[str, dict[str, date]] = {}
    faults: list[RowError] = []
    for row in read_csv(path, _COLUMNS):
        village, step = row.cells.get("village"), row.cells.get("step")
        day = day_in(row, "day", faults)
        if village is None:
            faults.append(row.fault("village", "rows.missing"))
            continue
        done = progress.setdefault(village, {})
        if step is None and "day" not in row.cells:
            continue
        if step is None or step not in steps:
            faults.append(row.fault("step", "rows.unknown_step", known=", ".join(steps)))
        elif step in done:
            faults.append(row.fault("step", "rows.twice"))
        elif day is not None and day > through:
            faults.append(row.fault("day", "rows.future", day=f"{through:%d/%m/%Y}"))
        elif day is not None:
            done[step] = day
        elif "day" not in row.cells:
            faults.append(row.fault("day", "rows.missing"))
    if faults:
        raise RowsRefusedError(faults)
    return progress
