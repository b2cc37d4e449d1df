"""A layered layout for directed graphs: ranks, order within ranks, coordinates. Pure arithmetic, no drawing.

The given order of the nodes is the order of the story: an arrow to an earlier node goes back. Labels
of arrows are nodes of the layout, so that no text ever covers another.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from .placing import place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Box", "Layout", "LayoutEdge", "LayoutNode", "Point", "Route", "layered"]

_SWEEPS = 16
_RANK_GAP = 34.0
_SPACING = 26.0
_DUMMY_WIDTH = 8.0
_BACK_PULL = 0.1  # an arrow that goes back makes way for the story


class LayoutNode(NamedTuple):
    """A box to place."""

    key: str
    width: float
    height: float


class LayoutEdge(NamedTuple):
    """An arrow to route, with the size of its label."""

    key: str
    source: str
    target: str
    width: float
    height: float


class Point(NamedTuple):
    """A place on the sheet; y grows downward."""

    x: float
    y: float


class Box(NamedTuple):
    """A rectangle, by its upper left corner."""

    x: float
    y: float
    width: float
    height: float


class Route(NamedTuple):
    """An arrow's way: points where it passes, in its own direction, and the box of its label."""

    points: tuple[Point, ...]
    label: Box
    back: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is."""

    width: float
    height: float
    boxes: Mapping[str, Box]
    routes: Mapping[str, Route]


@dataclass(slots=True)
class _Cell:
    """A node of the layered graph: a real box, an arrow's label, or a bend. Arrows touch it `shift` off its middle."""

    key: tuple[str, ...]
    rank: int
    width: float
    height: float
    shift: float = 0.0
    pull: float = 1.0
    x: float = 0.0
    above: list[_Cell] = field(default_factory=list)
    below: list[_Cell] = field(default_factory=list)

    @property
    def is_bend(self) -> bool:
        return len(self.key) > 1


def layered(nodes: Sequence[LayoutNode], edges: Sequence[LayoutEdge]) -> Layout:
    """Lay out a graph from top to bottom. Each edge joins two different nodes."""
    order = {node.key: i for i, node in enumerate(nodes)}
    down = [e if order[e.source] < order[e.target] else e._replace(source=e.target, target=e.source) for e in edges]
    back = {edge.key for edge in edges if order[edge.source] > order[edge.target]}
    ranks = _ranks(nodes, down)
    cells = {n.key: _Cell((n.key,), ranks[n.key], n.width, n.height) for n in nodes}
    chains = {edge.key: _chain(edge, cells, _BACK_PULL if edge.key in back else 1.0) for edge in down}
    rows = _rows(cells, chains)
    _order(rows)
    place(rows, _SPACING)
    return _drawn(edges, cells, chains, rows, order)


def _ranks(nodes: Sequence[LayoutNode], down: Sequence[LayoutEdge]) -> dict[str, int]:
    """Return even ranks, as low as the longest way down asks; labels take the odd ranks between."""
    incoming: dict[str, list[str]] = defaultdict(list)
    for edge in down:
        incoming[edge.target].append(edge.source)
    ranks: dict[str, int] = {}
    for node in nodes:  # already in an order in which every edge goes forward
        ranks[node.key] = max((ranks[source] + 2 for source in incoming[node.key]), default=0)
    return ranks


def _chain(edge: LayoutEdge, cells: Mapping[str, _Cell], pull: float) -> list[_Cell]:
    """Return the cells through which an arrow passes, from its upper to its lower end, and link them."""
    upper, lower = cells[edge.source], cells[edge.target]
    span = range(upper.rank + 1, lower.rank)
    middle = span[len(span) // 2]
    middle -= 1 - middle % 2  # labels live on odd ranks
    bends = [_Cell((edge.key, str(r)), r, _DUMMY_WIDTH, 0.0, pull=pull) for r in span]
    label = bends[middle - span.start]
    label.width, label.height = edge.width, edge.height
    label.shift = (_DUMMY_WIDTH - edge.width) / 2  # the arrow passes along its label's left side
    chain = [upper, *bends, lower]
    for above, below in pairwise(chain):
        above.below.append(below)
        below.above.append(above)
    return chain


def _rows(cells: Mapping[str, _Cell], chains: Mapping[str, list[_Cell]]) -> list[list[_Cell]]:
    everything = [*cells.values(), *(bend for chain in chains.values() for bend in chain[1:-1])]
    rows: list[list[_Cell]] = [[] for _ in range(max(c.rank for c in everything) + 1)]
    for cell in everything:
        rows[cell.rank].append(cell)
    return rows


def _order(rows: list[list[_Cell]]) -> None:
    """Sort each row by where its neighbours are, sweeping down and up; keep the order with the fewest crossings."""
    best, best_rows = _crossings(rows), [list(row) for row in rows]
    for sweep in range(_SWEEPS):
        going_down = sweep % 2 == 0
        for row in rows if going_down else list(reversed(rows)):
            _sort(row, rows, going_down=going_down)
        _transpose(rows)
        found = _crossings(rows)
        if found < best:
            best, best_rows = found, [list(row) for row in rows]
    rows[:] = best_rows


def _sort(row: list[_Cell], rows: list[list[_Cell]], *, going_down: bool) -> None:
    if not row:
        return
    beside = row[0].rank + (-1 if going_down else 1)
    positions = {id(c): i for i, c in enumerate(rows[beside])} if 0 <= beside < len(rows) else {}
    own = {id(c): i for i, c in enumerate(row)}

    def wanted(cell: _Cell) -> float:
        near = [positions[id(n)] for n in (cell.above if going_down else cell.below) if id(n) in positions]
        return sum(near) / len(near) if near else float(own[id(cell)])

    row.sort(key=lambda cell: (wanted(cell), own[id(cell)]))


def _transpose(rows: list[list[_Cell]]) -> None:
    """Exchange neighbours of a row as long as that undoes crossings."""
    for row in rows:
        positions = _positions(rows, row)
        improved = True
        while improved:
            improved = False
            for i in range(len(row) - 1):
                left, right = row[i], row[i + 1]
                if _pair(left, right, positions) > _pair(right, left, positions):
                    row[i], row[i + 1] = right, left
                    improved = True


def _positions(rows: list[list[_Cell]], row: list[_Cell]) -> dict[int, int]:
    rank = row[0].rank if row else 0
    beside = [r for r in (rank - 1, rank + 1) if 0 <= r < len(rows)]
    return {id(cell): i for r in beside for i, cell in enumerate(rows[r])}


def _pair(left: _Cell, right: _Cell, positions: Mapping[int, int]) -> int:
    """Count the crossings between the arrows of two cells of a row, `left` standing left of `right`."""
    return sum(
        positions[id(a)] > positions[id(b)]
        for one, other in ((left.above, right.above), (left.below, right.below))
        for a in one
        for b in other
    )


def _crossings(rows: list[list[_Cell]]) -> int:
    count = 0
    for row in rows[1:]:
        positions = {id(cell): i for i, cell in enumerate(rows[row[0].rank - 1])} if row else {}
        ends = [(positions[id(a)], i) for i, cell in enumerate(row) for a in cell.above]
        count += sum((a < b and i > j) or (a > b and i < j) for n, (a, i) in enumerate(ends) for b, j in ends[n + 1 :])
    return count


def _drawn(
    edges: Sequence[LayoutEdge],
    cells: Mapping[str, _Cell],
    chains: Mapping[str, list[_Cell]],
    rows: list[list[_Cell]],
    order: Mapping[str, int],
) -> Layout:
    heights = [max((cell.height for cell in row), default=0.0) for row in rows]
    tops = [sum(heights[:i]) + i * _RANK_GAP for i in range(len(rows))]
    left = min(cell.x - cell.width / 2 for row in rows for cell in row)
    right = max(cell.x + cell.width / 2 for row in rows for cell in row)

    def box(cell: _Cell) -> Box:
        top = tops[cell.rank] + (heights[cell.rank] - cell.height) / 2
        return Box(cell.x - cell.width / 2 - left, top, cell.width, cell.height)

    boxes = {key: box(cell) for key, cell in cells.items()}
    ports = _Ports(chains, boxes, left)
    routes: dict[str, Route] = {}
    for edge in edges:
        chain = chains[edge.key]
        points = ports.leave(edge.key, chain)
        for bend in chain[1:-1]:
            x = bend.x + bend.shift - left
            points += [Point(x, tops[bend.rank]), Point(x, tops[bend.rank] + heights[bend.rank])]
        points += ports.arrive(edge.key, chain)
        label = max(chain[1:-1], key=lambda bend: bend.height)
        back = order[edge.source] > order[edge.target]
        routes[edge.key] = Route(tuple(reversed(points)) if back else tuple(points), box(label), back)
    return Layout(right - left, tops[-1] + heights[-1], boxes, routes)


class _Ports:
    """Where arrows touch a box: spread along its side in the order of their other ends."""

    def __init__(self, chains: Mapping[str, list[_Cell]], boxes: Mapping[str, Box], left: float) -> None:
        self.boxes = boxes
        self.left = left
        sides: dict[tuple[str, int], list[tuple[float, str]]] = defaultdict(list)
        for key, chain in chains.items():
            sides[chain[0].key[0], 1].append((chain[1].x + chain[1].shift, key))
            sides[chain[-1].key[0], 0].append((chain[-2].x + chain[-2].shift, key))
        self._x: dict[tuple[str, str], float] = {}
        for (node, _), touching in sides.items():
            box = boxes[node]
            for i, (_, key) in enumerate(sorted(touching), 1):
                self._x[node, key] = box.x + box.width * i / (len(touching) + 1)

    def leave(self, key: str, chain: list[_Cell]) -> list[Point]:
        """Return where the chain leaves the lower side of its upper box."""
        box = self.boxes[chain[0].key[0]]
        return [Point(self._x[chain[0].key[0], key], box.y + box.height)]

    def arrive(self, key: str, chain: list[_Cell]) -> list[Point]:
        """Return where the chain meets the upper side of its lower box."""
        return [Point(self._x[chain[-1].key[0], key], self.boxes[chain[-1].key[0]].y)]
