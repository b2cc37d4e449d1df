"""A workflow as a picture: SVG drawn here, with labels, offices, terms and legal articles on it."""

from __future__ import annotations

from collections import defaultdict
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ..definition import StateKind
from .layering import LayoutEdge, LayoutNode, layered
from .measuring import width_of, wrapped
from .wording import Arrow, Wording, arrows_of, leaves_anywhere, story

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ...foundation.messages import Language
    from ..definition import DeadlineRule, State, Workflow
    from .layering import Layout, Point, Route

__all__ = ["svg"]

_ANYWHERE = "*"
_MARGIN = 28.0
_PADDING = 10.0
_BOX_TEXT = 210.0
_LABEL_TEXT = 190.0
_FOOT = 1.55  # line height
_STRAIGHT = 0.5

_STYLE = """
text { font-family: "Noto Sans", "DejaVu Sans", Arial, sans-serif; fill: #1f2933; }
.title { font-size: 20px; font-weight: bold; } .under { font-size: 12px; fill: #52606d; }
.name { font-size: 13px; font-weight: bold; } .desk { font-size: 11px; fill: #3e4c59; }
.term { font-size: 11px; fill: #8a4b08; } .place { font-size: 10px; fill: #5f6c7b; }
.act { font-size: 11px; fill: #243b53; }
.box { fill: #ffffff; stroke: #486581; stroke-width: 1.4; }
.initial .box { fill: #e0ecf8; } .waiting .box { fill: #fff6e0; stroke: #b7791f; }
.end .box { fill: #e6f4ea; stroke: #2f6f4f; stroke-width: 2.4; } .anywhere .box { stroke-dasharray: 3 3; }
.current .box { fill: #ffd166; stroke: #c2410c; stroke-width: 4; }
.way { fill: none; stroke: #627d98; stroke-width: 1.4; } .timer .way { stroke: #b7791f; stroke-dasharray: 6 4; }
.back .way { stroke: #b4532a; } .tip { fill: #627d98; } .timer .tip { fill: #b7791f; } .back .tip { fill: #b4532a; }
""".strip()


class _Line(NamedTuple):
    """One line of text with its class, which settles its size."""

    text: str
    style: str


_SIZES = {
    "title": 20.0,
    "under": 12.0,
    "name": 13.0,
    "desk": 11.0,
    "term": 11.0,
    "place": 10.0,
    "act": 11.0,
    "ask": 10.0,
}
_BOLD = {"title", "name"}


def svg(workflow: Workflow, language: Language = "vi", *, current: str | None = None) -> str:
    """Return the workflow as an SVG document; the state `current` is highlighted."""
    return _Picture(workflow, Wording(workflow, language), current).draw()


class _Picture:
    def __init__(self, workflow: Workflow, wording: Wording, current: str | None) -> None:
        self.workflow = workflow
        self.wording = wording
        self.current = current
        self.boxes: dict[str, list[_Line]] = {}
        self.labels: dict[str, list[_Line]] = {}
        self.bundles = _bundled(workflow)
        self.leavers = [a for a in arrows_of(workflow) if leaves_anywhere(workflow, a)]
        self.stayers = _staying(workflow)

    def draw(self) -> str:
        nodes, edges = self._nodes(), self._edges()
        layout = layered(nodes, edges)
        head = self._head(max(layout.width, 640.0))
        top = _MARGIN + _height(head)
        width = max(layout.width + 2 * _MARGIN, 700.0)
        height = top + layout.height + 2 * _MARGIN
        shift = (width - layout.width) / 2
        size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
        language = self.wording.language
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="t d" lang="{language}">',
            f'<title id="t">{escape(self.workflow.label.within(language))} ({self.workflow.id})</title>',
            f'<desc id="d">{escape(self._description())}</desc>',
            f"<style>{_STYLE}</style>",
            f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
            *_lines(head, _MARGIN, _MARGIN, "start"),
            f'<g transform="translate({shift:.1f} {top + _MARGIN / 2:.1f})">',
            *self._ways(layout),
            *self._states(layout),
            "</g>",
            "</svg>",
        ]
        return "\n".join(parts) + "\n"

    def _head(self, limit: float) -> list[_Line]:
        workflow, wording = self.workflow, self.wording
        until = workflow.effective_to.strftime("%d/%m/%Y") if workflow.effective_to else "…"
        about = f"{workflow.id} · {workflow.article} · {workflow.effective_from:%d/%m/%Y} – {until}"
        title = workflow.label.within(wording.language)
        return [
            *(_Line(line, "title") for line in wrapped(title, _SIZES["title"], limit, bold=True)),
            *(_Line(line, "under") for line in wrapped(about, _SIZES["under"], limit)),
            *(_Line(line, "under") for line in wrapped(wording.say("legend"), _SIZES["under"], limit)),
            *(_Line(line, "term") for rule in workflow.deadlines for line in self._explained(rule, limit)),
        ]

    def _explained(self, rule: DeadlineRule, limit: float) -> list[str]:
        wording = self.wording
        told = f"{wording.mark(rule)} {rule.label.within(wording.language)} ({wording.provision(rule.article)})"
        return wrapped(told, _SIZES["term"], limit)

    def _description(self) -> str:
        if self.current is None:
            return self.wording.say("picture")
        return self.wording.say("picture_of_case", state=self.wording.state(self.current))

    def _nodes(self) -> list[LayoutNode]:
        order = story(self.workflow)
        self.boxes = {key: self._box(self.workflow.states[key]) for key in order}
        if not self.leavers:
            return [LayoutNode(key, *_size(self.boxes[key])) for key in order]
        self.boxes[_ANYWHERE] = [_Line(line, "name") for line in self._anywhere()]
        # The sheet tells the story from the top; what may happen at any step comes last.
        targets = {arrow.target for arrow in self.leavers}
        order = [key for key in order if key not in targets] + [_ANYWHERE] + [key for key in order if key in targets]
        return [LayoutNode(key, *_size(self.boxes[key])) for key in order]

    def _anywhere(self) -> list[str]:
        sources = {arrow.source for arrow in self.leavers}
        unfinished = {s.key for s in self.workflow.states.values() if s.kind is not StateKind.END}
        if sources == unfinished:
            return wrapped(self.wording.say("any_step"), _SIZES["name"], _BOX_TEXT, bold=True)
        return [self.wording.state(key) for key in self.workflow.states if key in sources]

    def _box(self, state: State) -> list[_Line]:
        wording = self.wording
        lines = [(wording.state(state.key), "name"), (wording.desk(state), "desk")]
        running = [rule for rule in self.workflow.deadlines if state.key in rule.lives_in]
        lines += [(f"◷ {wording.mark(rule)} {wording.term(rule)}", "term") for rule in running]
        lines += [(f"↺ {wording.trigger(t)}", "desk") for t in self.stayers[state.key]]
        lines.append((wording.provision(state.article), "place"))
        return [
            _Line(line, style)
            for text, style in lines
            if text
            for line in wrapped(text, _SIZES[style], _BOX_TEXT, bold=style in _BOLD)
        ]

    def _edges(self) -> list[LayoutEdge]:
        edges = []
        for (source, target), arrows in self.bundles.items():
            key = f"{source}>{target}"
            self.labels[key] = [line for arrow in arrows for line in self._label(arrow)]
            width, height = _size(self.labels[key])
            edges.append(LayoutEdge(key, source, target, width + 14, height))
        return edges

    def _label(self, arrow: Arrow) -> Iterable[_Line]:
        wording, transition = self.wording, arrow.transition
        lines = [(wording.trigger(transition.trigger), "act"), (wording.provision(transition.article), "place")]
        for text, style in lines:
            yield from (_Line(line, style) for line in wrapped(text, _SIZES[style], _LABEL_TEXT))

    def _states(self, layout: Layout) -> Iterable[str]:
        for key, box in layout.boxes.items():
            state = self.workflow.states.get(key)
            kind = state.kind.value if state else "anywhere"
            classes = f"{kind} current" if key == self.current else kind
            radius = 22 if kind in {"initial", "end"} else 8
            yield f'<g class="{classes}" id="{escape("state-" + key if state else "anywhere")}">'
            yield (
                f'<rect class="box" x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" '
                f'height="{box.height:.1f}" rx="{radius}"/>'
            )
            yield from _lines(self.boxes[key], box.x + box.width / 2, box.y + _PADDING, "middle")
            yield "</g>"

    def _ways(self, layout: Layout) -> Iterable[str]:
        for (source, target), arrows in self.bundles.items():
            key = f"{source}>{target}"
            route = layout.routes[key]
            timed = all(self.workflow.triggers[a.transition.trigger].is_timer for a in arrows)
            classes = " ".join(["arrow", *(["timer"] if timed else []), *(["back"] if route.back else [])])
            yield f'<g class="{classes}" id="{escape(f"arrow-{key}")}">'
            yield f"<title>{escape(self._asked(arrows))}</title>"
            yield from _way(route)
            yield from _lines(self.labels[key], route.label.x + 14, route.label.y + _PADDING, "start")
            yield "</g>"

    def _asked(self, arrows: Sequence[Arrow]) -> str:
        """Return what hovering over an arrow shows: who acts, and what is asked."""
        wording = self.wording
        return "\n".join(
            "; ".join([f"{wording.trigger(t.trigger)} ({wording.actors(t.trigger)})", *wording.guards(t)])
            for t in (arrow.transition for arrow in arrows)
        )


def _bundled(workflow: Workflow) -> dict[tuple[str, str], list[Arrow]]:
    """Return the arrows by their two ends; those that leave from anywhere start at one box of their own."""
    bundles: dict[tuple[str, str], list[Arrow]] = defaultdict(list)
    for arrow in arrows_of(workflow):
        source = _ANYWHERE if leaves_anywhere(workflow, arrow) else arrow.source
        known = {known.transition.key for known in bundles[source, arrow.target]} if not arrow.stays else {""}
        if not arrow.stays and arrow.transition.key not in known:
            bundles[source, arrow.target].append(arrow)
    return {ends: arrows for ends, arrows in bundles.items() if arrows}


def _staying(workflow: Workflow) -> dict[str, list[str]]:
    """Return the acts that leave a case where it is, by state."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for arrow in arrows_of(workflow):
        if arrow.stays:
            found[arrow.source][arrow.transition.trigger] = None
    return defaultdict(list, {state: list(triggers) for state, triggers in found.items()})


def _size(lines: Sequence[_Line]) -> tuple[float, float]:
    widest = max((width_of(line.text, _SIZES[line.style], bold=line.style in _BOLD) for line in lines), default=0.0)
    return widest + 2 * _PADDING, _height(lines) + 2 * _PADDING


def _height(lines: Sequence[_Line]) -> float:
    return sum(_SIZES[line.style] * _leading(line) for line in lines)


def _leading(line: _Line) -> float:
    return _FOOT if line.style in {"title", "under"} else 1.32


def _lines(lines: Sequence[_Line], x: float, y: float, anchor: str) -> Iterable[str]:
    for line in lines:
        y += _SIZES[line.style] * _leading(line)
        baseline = y - _SIZES[line.style] * 0.32
        place = f'x="{x:.1f}" y="{baseline:.1f}" text-anchor="{anchor}"'
        yield f'<text class="{line.style}" {place}>{escape(line.text)}</text>'


def _way(route: Route) -> Iterable[str]:
    points = route.points
    path = f"M{points[0].x:.1f} {points[0].y:.1f}"
    for before, after in pairwise(points):
        middle = (before.y + after.y) / 2
        straight = abs(before.x - after.x) < _STRAIGHT
        path += (
            f" L{after.x:.1f} {after.y:.1f}"
            if straight
            else f" C{before.x:.1f} {middle:.1f} {after.x:.1f} {middle:.1f} {after.x:.1f} {after.y:.1f}"
        )
    yield f'<path class="way" d="{path}"/>'
    yield _tip(points[-1], upward=points[-1].y < points[-2].y)


def _tip(end: Point, *, upward: bool) -> str:
    back = end.y + 9 if upward else end.y - 9
    left, right = f"L{end.x - 4.5:.1f} {back:.1f}", f"L{end.x + 4.5:.1f} {back:.1f}"
    return f'<path class="tip" d="M{end.x:.1f} {end.y:.1f} {left} {right} Z"/>'
