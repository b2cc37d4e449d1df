"""Coordinates for rows whose order is settled: every cell as near to its neighbours as the order allows.

Each row is a least-squares problem with separations, which isotonic regression (pool adjacent
violators) solves exactly; sweeps down and up let the rows find one another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["place", "pooled"]

_SWEEPS = 120
_STRAIGHT = 8.0  # how much more two bends of one arrow want to be in line than an arrow and its box


class _Placed(Protocol):
    width: float
    shift: float
    pull: float
    x: float

    @property
    def is_bend(self) -> bool: ...
    @property
    def above(self) -> Sequence[_Placed]: ...
    @property
    def below(self) -> Sequence[_Placed]: ...


def place(rows: Sequence[Sequence[_Placed]], spacing: float) -> None:
    """Set the `x` (the middle) of every cell; cells of a row keep their order and stand `spacing` apart."""
    for row in rows:
        edge = 0.0
        for cell in row:
            cell.x = edge + cell.width / 2
            edge += cell.width + spacing
    for sweep in range(_SWEEPS):
        going_down = sweep % 2 == 0
        last = sweep >= _SWEEPS - 2
        for row in rows if going_down else list(reversed(rows)):
            _settle(row, spacing, down=going_down or last, up=not going_down or last)


def _settle(row: Sequence[_Placed], spacing: float, *, down: bool, up: bool) -> None:
    wishes, weights, offsets = [], [], []
    offset = 0.0
    for i, cell in enumerate(row):
        if i:
            offset += row[i - 1].width / 2 + spacing + cell.width / 2
        near = [*(cell.above if down else ()), *(cell.below if up else ())]
        pulls = [
            (n.x + n.shift - cell.shift, n.pull * cell.pull * (_STRAIGHT if cell.is_bend and n.is_bend else 1.0))
            for n in near
        ]
        total = sum(weight for _, weight in pulls)
        wishes.append(sum(x * w for x, w in pulls) / total - offset if pulls else cell.x - offset)
        weights.append(total or 0.01)
        offsets.append(offset)
    for cell, x, shift in zip(row, pooled(wishes, weights), offsets, strict=True):
        cell.x = x + shift


def pooled(wishes: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Return the non-decreasing sequence nearest to `wishes` in weighted least squares."""
    blocks: list[tuple[float, float, int]] = []
    for wish, weight in zip(wishes, weights, strict=True):
        mean, mass, count = wish, weight, 1
        while blocks and blocks[-1][0] > mean:
            earlier, its_mass, its_count = blocks.pop()
            mean = (earlier * its_mass + mean * mass) / (its_mass + mass)
            mass, count = mass + its_mass, count + its_count
        blocks.append((mean, mass, count))
    return [mean for mean, _, count in blocks for _ in range(count)]
