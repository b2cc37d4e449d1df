"""Where a process is drawn: one band a lane, one column a step, arrows in corridors of their own.

Steps stand in columns by the longest way to them. Long arrows run through a corridor at the top of the
lane they enter and turn in the gaps between columns; each has its own track, so that no two lie on each
other and none crosses a box.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .bpmn_model import Kind
from .layering import Box, Point
from .wording import story

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from .bpmn_model import Flow, Node, Process

__all__ = ["Sheet", "laid_out"]

_HEADER = 30.0  # the pool's and each lane's name
_TASK = (150.0, 84.0)
_TO_GATEWAY = 36.0
_GATEWAY = 50.0
_EVENT = 36.0
_ROW = 290.0
_HEADROOM = 46.0
_TRACK = 12.0
_GAP = 112.0  # room for the names of the arrows that leave a step
_TIP = 28.0  # a stretch before each step in which no arrow turns
_TIMER_STEP = 76.0
_BELOW = 44.0


@dataclass(frozen=True, slots=True)
class Sheet:
    """Boxes of the pool, the lanes and the nodes, and the way of each flow."""

    pool: Box
    lanes: Mapping[str, Box]
    boxes: Mapping[str, Box]
    ways: Mapping[str, tuple[Point, ...]]


def laid_out(process: Process) -> Sheet:
    """Return where everything of a process is drawn."""
    return _Drawing(process).sheet()


class _Drawing:
    def __init__(self, process: Process) -> None:
        self.process = process
        self.columns = _columns(process)
        self.rows = self._rows()
        self.lanes = list(process.lanes)
        self.task_width = max(_TASK[0], 16 + _TIMER_STEP * _most_timers(process))
        self.cell_width = self.task_width + _TO_GATEWAY + _GATEWAY
        self.long = [f for f in process.flows if self._is_long(f)]
        self.corridor = self._tracks(lambda flow: [self.process.nodes[flow.target].lane])
        self.turns = self._tracks(self._gaps_of)
        self.boxes: dict[str, Box] = {}

    def sheet(self) -> Sheet:
        lefts, right = self._column_lefts()
        lane_tops, bottom = self._lane_tops()
        for node in self.process.nodes.values():
            if node.kind is not Kind.TIMER:
                cell = self._cell(node, lefts, lane_tops)
                self.boxes[node.key] = self._in_cell(node, cell)
        self._hang_timers()
        width = right - _HEADER
        ends = [*(lane_tops[lane] for lane in self.lanes[1:]), bottom]
        lanes = {
            lane: Box(_HEADER, lane_tops[lane], width, end - lane_tops[lane])
            for lane, end in zip(self.lanes, ends, strict=True)
        }
        ways = {flow.key: self._way(flow, lefts, lane_tops) for flow in self.process.flows}
        return Sheet(Box(0.0, 0.0, right, bottom), lanes, self.boxes, ways)

    def _rows(self) -> dict[str, int]:
        """Return which row of its lane each state takes: columns may hold several states of one lane."""
        taken: dict[tuple[str, int], int] = defaultdict(int)
        rows: dict[str, int] = {}
        for node in self.process.nodes.values():
            if node.state not in rows and (node.kind is Kind.TASK or node.key == f"end_{node.state}"):
                place = (node.lane, self.columns[node.state])
                rows[node.state] = taken[place]
                taken[place] += 1
        return rows

    def _is_long(self, flow: Flow) -> bool:
        source, target = self.process.nodes[flow.source], self.process.nodes[flow.target]
        if source.state == target.state:
            return False
        straight = self.rows[source.state] == self.rows[target.state] and source.lane == target.lane
        return self.columns[target.state] != self.columns[source.state] + 1 or not straight

    def _tracks(self, places: Callable[[Flow], Sequence[Hashable]]) -> dict[tuple[str, Hashable], int]:
        """Give each long arrow a track of its own in every place it passes: (flow, place) → track."""
        used: dict[Hashable, int] = defaultdict(int)
        found: dict[tuple[str, Hashable], int] = {}
        for flow in self.long:
            for place in places(flow):
                found[flow.key, place] = used[place]
                used[place] += 1
        return found

    def _gaps_of(self, flow: Flow) -> list[int]:
        """Return the gaps in which a long arrow turns: behind its source's column, before its target's."""
        source, target = (self.columns[self.process.nodes[end].state] for end in (flow.source, flow.target))
        return list(dict.fromkeys((source, target - 1)))

    def _column_lefts(self) -> tuple[list[float], float]:
        last = max(self.columns.values())
        widths = [_GAP + _TIP + _TRACK * sum(place == gap for _, place in self.turns) for gap in range(-1, last + 1)]
        lefts, x = [], 2 * _HEADER + _EVENT + 20
        for column in range(last + 1):
            x += widths[column]
            lefts.append(x)
            x += self.cell_width
        return lefts, x + widths[last + 1]

    def _lane_tops(self) -> tuple[dict[str, float], float]:
        tops, y = {}, 0.0
        for lane in self.lanes:
            tops[lane] = y
            states = {n.state for n in self.process.nodes.values() if n.lane == lane}
            rows = 1 + max((self.rows[s] for s in states if s in self.rows), default=0)
            y += self._corridor_height(lane) + rows * _ROW
        return tops, y

    def _corridor_height(self, lane: str) -> float:
        return _TRACK * (1 + sum(place == lane for _, place in self.corridor))

    def _cell(self, node: Node, lefts: list[float], tops: Mapping[str, float]) -> Point:
        top = tops[node.lane] + self._corridor_height(node.lane) + _HEADROOM + self.rows[node.state] * _ROW
        return Point(lefts[self.columns[node.state]], top)

    def _in_cell(self, node: Node, cell: Point) -> Box:
        """Return a node's box in its step's cell: the task, its gateway behind it, its own ends below."""
        middle = cell.y + _TASK[1] / 2
        gateway_x = cell.x + self.task_width + _TO_GATEWAY
        if node.kind is Kind.START:
            return Box(2 * _HEADER + 20, middle - _EVENT / 2, _EVENT, _EVENT)
        if node.kind is Kind.TASK:
            return Box(cell.x, cell.y, self.task_width, _TASK[1])
        if node.kind is Kind.CHOICE:
            below = _BELOW + _TASK[1] / 2 + 20 if node.key.startswith("expiry") else 0.0
            return Box(gateway_x, middle - _GATEWAY / 2 + below, _GATEWAY, _GATEWAY)
        if node.key == f"end_{node.state}":
            return Box(cell.x, middle - _EVENT / 2, _EVENT, _EVENT)
        if node.key.startswith("overdue"):
            return Box(cell.x + 8 + _TIMER_STEP * self._timer_place(node), cell.y + _TASK[1] + _BELOW, _EVENT, _EVENT)
        return Box(gateway_x + (_GATEWAY - _EVENT) / 2, middle + _GATEWAY / 2 + 22, _EVENT, _EVENT)

    def _timer_place(self, node: Node) -> int:
        rule = node.key.rpartition("__")[2]
        kept = [n for n in self.process.nodes.values() if n.kind is Kind.TIMER and n.state == node.state]
        return next(i for i, timer in enumerate(kept) if timer.key.rpartition("__")[2] == rule)

    def _hang_timers(self) -> None:
        for node in self.process.nodes.values():
            if node.kind is not Kind.TIMER:
                continue
            task = self.boxes[f"task_{node.state}"]
            x = task.x + 8 + _TIMER_STEP * self._timer_place(node)
            self.boxes[node.key] = Box(x, task.y + task.height - _EVENT / 2, _EVENT, _EVENT)

    def _way(self, flow: Flow, lefts: list[float], tops: Mapping[str, float]) -> tuple[Point, ...]:
        source, target = self.boxes[flow.source], self.boxes[flow.target]
        nodes = self.process.nodes
        if nodes[flow.source].state == nodes[flow.target].state:
            return self._inside(flow, source, target)
        start = self._out_of(nodes[flow.source], source)
        goal = Point(target.x, target.y + target.height / 2)
        if flow not in self.long:
            return (*start, *([] if start[-1].y == goal.y else self._step_over(start[-1], goal)), goal)
        lane = nodes[flow.target].lane
        away, near = self._gaps_of(flow)[0], self._gaps_of(flow)[-1]
        corridor = tops[lane] + _TRACK * (1 + self.corridor[flow.key, lane])
        out_x = self._turn_x(flow, away, lefts)
        in_x = self._turn_x(flow, near, lefts)
        if away == near:
            return (*start, Point(out_x, start[-1].y), Point(out_x, goal.y), goal)
        return (
            *start, Point(out_x, start[-1].y), Point(out_x, corridor), Point(in_x, corridor), Point(in_x, goal.y), goal,
        )  # fmt: skip

    def _turn_x(self, flow: Flow, gap: int, lefts: list[float]) -> float:
        """Return where a long arrow turns in the gap behind column `gap` (-1: before the first)."""
        behind = lefts[gap] + self.cell_width if gap >= 0 else 2 * _HEADER + _EVENT + 20
        return behind + _GAP + _TRACK * self.turns[flow.key, gap]

    def _step_over(self, start: Point, goal: Point) -> list[Point]:
        x = goal.x - 14
        return [Point(x, start.y), Point(x, goal.y)]

    def _out_of(self, node: Node, box: Box) -> list[Point]:
        if node.kind is Kind.TIMER:
            low = box.y + box.height + _BELOW + 86
            return [Point(box.x + box.width / 2, box.y + box.height), Point(box.x + box.width / 2, low)]
        return [Point(box.x + box.width, box.y + box.height / 2)]

    def _inside(self, flow: Flow, source: Box, target: Box) -> tuple[Point, ...]:
        """Return a way within one step's cell: to its gateway, down to an end of its own, or back over the top."""
        kind, nodes = self.process.nodes[flow.source].kind, self.process.nodes
        if nodes[flow.target].kind is Kind.TASK and kind is not Kind.START:
            same = [f for f in self.process.flows if (f.source, f.target) == (flow.source, flow.target)]
            height = source.y if kind is Kind.CHOICE else target.y
            top = min(height, target.y) - 14 - 10 * same.index(flow)
            x = source.x + source.width / 2 if kind is Kind.CHOICE else source.x + source.width - 14
            into = target.x + target.width / 2 - 12 * same.index(flow)
            return Point(x, source.y), Point(x, top), Point(into, top), Point(into, target.y)
        if target.y > source.y + source.height:
            x = source.x + source.width / 2
            down = Point(target.x + target.width / 2, target.y)
            if abs(down.x - x) < 1:
                return Point(x, source.y + source.height), down
            turn = target.y + target.height / 2
            return Point(x, source.y + source.height), Point(x, turn), Point(target.x, turn)
        return (
            Point(source.x + source.width, source.y + source.height / 2),
            Point(target.x, target.y + target.height / 2),
        )


def _most_timers(process: Process) -> int:
    timers = Counter(node.state for node in process.nodes.values() if node.kind is Kind.TIMER)
    return max(timers.values(), default=0)


def _columns(process: Process) -> dict[str, int]:
    """Return each state's column: one behind the furthest state that leads to it from before it in the story."""
    order = {key: i for i, key in enumerate(story(process.workflow))}
    columns = dict.fromkeys(order, 0)
    leads = [(process.nodes[f.source].state, process.nodes[f.target].state) for f in process.flows]
    for key, place in order.items():
        before = [columns[source] + 1 for source, target in leads if target == key and order[source] < place]
        columns[key] = max(before, default=0)
    return columns
