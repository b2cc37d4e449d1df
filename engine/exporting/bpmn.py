"""A workflow as BPMN 2.0 with its diagram (OMG formal/2011-01-03), for modelling tools and process engines."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from .bpmn_model import Kind, process_of
from .bpmn_sheet import laid_out
from .measuring import wrapped

if TYPE_CHECKING:
    from ...foundation.messages import Language
    from ..definition import Workflow
    from .bpmn_model import Flow, Node, Process
    from .bpmn_sheet import Sheet
    from .layering import Box, Point

__all__ = ["bpmn"]

_MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"
_DIAGRAM = "http://www.omg.org/spec/BPMN/20100524/DI"
_DC = "http://www.omg.org/spec/DD/20100524/DC"
_DI = "http://www.omg.org/spec/DD/20100524/DI"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_PREFIXES = {"bpmn": _MODEL, "bpmndi": _DIAGRAM, "dc": _DC, "di": _DI, "xsi": _XSI}
_NAME_WIDTH = 104.0


def bpmn(workflow: Workflow, language: Language = "vi") -> str:
    """Return the workflow as a BPMN 2.0 document: one lane a role, timers for its terms, laid out."""
    process = process_of(workflow, language)
    for prefix, uri in _PREFIXES.items():
        ET.register_namespace(prefix, uri)
    root = ET.Element(
        _m("definitions"),
        {
            "id": f"definitions_{_name(workflow)}",
            "targetNamespace": "https://rasoat.example/bpmn",
            "expressionLanguage": "https://www.python.org/",
            "exporter": "rasoat",
        },
    )
    _collaboration(root, process)
    _process(root, process)
    _drawing(root, process, laid_out(process))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False).join(
        ('<?xml version="1.0" encoding="UTF-8"?>\n', "\n")
    )


def _m(tag: str) -> str:
    return f"{{{_MODEL}}}{tag}"


def _name(workflow: Workflow) -> str:
    return workflow.id.replace("@", "_")


def _collaboration(root: ET.Element, process: Process) -> None:
    workflow = process.workflow
    pool = ET.SubElement(root, _m("collaboration"), id="collaboration")
    name = f"{workflow.label.within(process.wording.language)} ({workflow.id})"
    ET.SubElement(pool, _m("participant"), id="pool", name=name, processRef=f"process_{_name(workflow)}")


def _process(root: ET.Element, process: Process) -> None:
    workflow, wording = process.workflow, process.wording
    element = ET.SubElement(
        root,
        _m("process"),
        id=f"process_{_name(workflow)}",
        name=workflow.label.within(wording.language),
        isExecutable="true",
    )
    ET.SubElement(element, _m("documentation")).text = f"{workflow.id} · {workflow.article} · {workflow.fingerprint}"
    lanes = ET.SubElement(element, _m("laneSet"), id="lanes")
    for role, nodes in process.lanes.items():
        lane = ET.SubElement(lanes, _m("lane"), id=f"lane_{role}", name=wording.role(role))
        for node in nodes:
            ET.SubElement(lane, _m("flowNodeRef")).text = node.key
    for node in process.nodes.values():
        _node(element, node, process)
    for flow in process.flows:
        _flow(element, flow)


def _node(parent: ET.Element, node: Node, process: Process) -> None:
    element = ET.SubElement(parent, _m(node.kind.value), id=node.key)
    if node.name:
        element.set("name", node.name)
    if node.kind is Kind.TIMER:
        element.set("attachedToRef", f"task_{node.state}")
        element.set("cancelActivity", str(node.interrupts).lower())
    if node.note:
        ET.SubElement(element, _m("documentation")).text = node.note
    for flow in process.flows:
        if flow.target == node.key:
            ET.SubElement(element, _m("incoming")).text = flow.key
    for flow in process.flows:
        if flow.source == node.key:
            ET.SubElement(element, _m("outgoing")).text = flow.key
    if node.due:
        timer = ET.SubElement(element, _m("timerEventDefinition"), id=f"{node.key}_timer")
        _expression(timer, "timeDate", node.due)


def _flow(parent: ET.Element, flow: Flow) -> None:
    element = ET.SubElement(parent, _m("sequenceFlow"), id=flow.key, sourceRef=flow.source, targetRef=flow.target)
    if flow.name:
        element.set("name", flow.name)
    if flow.condition:
        _expression(element, "conditionExpression", flow.condition)


def _expression(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, _m(tag), {f"{{{_XSI}}}type": "bpmn:tFormalExpression"}).text = text


def _drawing(root: ET.Element, process: Process, sheet: Sheet) -> None:
    diagram = ET.SubElement(root, f"{{{_DIAGRAM}}}BPMNDiagram", id="diagram")
    plane = ET.SubElement(diagram, f"{{{_DIAGRAM}}}BPMNPlane", id="plane", bpmnElement="collaboration")
    _shape(plane, "pool", sheet.pool, isHorizontal="true")
    for role, box in sheet.lanes.items():
        _shape(plane, f"lane_{role}", box, isHorizontal="true")
    for node in process.nodes.values():
        extra = {"isMarkerVisible": "true"} if node.kind is Kind.CHOICE else {}
        shape = _shape(plane, node.key, sheet.boxes[node.key], **extra)
        if node.name and node.kind is not Kind.TASK:
            _label(shape, _beside(node, sheet.boxes[node.key]))
    for flow in process.flows:
        edge = ET.SubElement(plane, f"{{{_DIAGRAM}}}BPMNEdge", id=f"{flow.key}_edge", bpmnElement=flow.key)
        for point in sheet.ways[flow.key]:
            ET.SubElement(edge, f"{{{_DI}}}waypoint", x=f"{point.x:.0f}", y=f"{point.y:.0f}")
        if flow.name:
            _label(edge, _along(flow, sheet.ways[flow.key], process))


def _shape(plane: ET.Element, key: str, box: Box, **extra: str) -> ET.Element:
    shape = ET.SubElement(plane, f"{{{_DIAGRAM}}}BPMNShape", {"id": f"{key}_shape", "bpmnElement": key, **extra})
    _bounds(shape, *box)
    return shape


def _label(owner: ET.Element, box: tuple[float, float, float, float]) -> None:
    _bounds(ET.SubElement(owner, f"{{{_DIAGRAM}}}BPMNLabel"), *box)


def _bounds(owner: ET.Element, x: float, y: float, width: float, height: float) -> None:
    ET.SubElement(owner, f"{{{_DC}}}Bounds", x=f"{x:.0f}", y=f"{y:.0f}", width=f"{width:.0f}", height=f"{height:.0f}")


def _beside(node: Node, box: Box) -> tuple[float, float, float, float]:
    if node.kind is Kind.TIMER:
        return box.x + box.width + 1, box.y + box.height / 2 + 2, 40.0, 44.0
    if node.kind is Kind.CHOICE:
        return box.x - 36, box.y + box.height - 10, 56.0, 12.0
    height = _line_height(node.name, box.width + 38)
    return box.x - 19, box.y + box.height + 3, box.width + 38, height


def _along(flow: Flow, way: tuple[Point, ...], process: Process) -> tuple[float, float, float, float]:
    """Return where a flow's name stands: behind the step it leaves, in turn above and below the way out."""
    height = _line_height(flow.name, _NAME_WIDTH)
    if _loops(flow, process) and process.nodes[flow.target].kind is Kind.END:
        return way[-1].x - 82, way[-1].y + 2, 62.0, 33.0
    if _loops(flow, process):
        return (way[1].x + way[2].x) / 2 - 70, way[1].y - 14, 140.0, 14.0
    if process.nodes[flow.source].kind is Kind.TIMER:
        return way[1].x + 6, way[1].y - 15, 160.0, 14.0
    above, below = way[0].y - 2.0, way[0].y + 2.0
    for other in process.flows:
        if other.source != flow.source or not other.name or _loops(other, process):
            continue
        its_height = _line_height(other.name, _NAME_WIDTH)
        goes_above = above >= way[0].y - 2.0 or way[0].y - above <= below - way[0].y
        if other is flow:
            return way[0].x + 4, above - height if goes_above else below, _NAME_WIDTH, height
        above, below = (above - its_height - 3, below) if goes_above else (above, below + its_height + 3)
    return way[0].x + 4, above - height, _NAME_WIDTH, height


def _line_height(name: str, width: float) -> float:
    return 11.0 * len(wrapped(name, 10.0, width))


def _loops(flow: Flow, process: Process) -> bool:
    return process.nodes[flow.source].state == process.nodes[flow.target].state
