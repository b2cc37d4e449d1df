"""A workflow as a Petri net in PNML (ISO/IEC 15909-2): the model against which an exported log replays.

A place is a state, a transition an arrow; its label is the act's key, as the log names it. A breach leaves
the case where it is. All ends are one place, so that the net has one final marking and nothing happens unseen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from ..definition import DeadlineKind, StateKind
from .wording import arrows_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..definition import Workflow

__all__ = ["pnml"]

_OPENED = "opened"
_START, _DONE = "before", "done"


def pnml(workflow: Workflow) -> str:
    """Return the net as a PNML document; it starts before the case is opened and ends when it has ended."""
    root = ET.Element("pnml")
    net = ET.SubElement(root, "net", id=workflow.id, type="http://www.pnml.org/version-2009/grammar/pnmlcoremodel")
    _named(net, f"{workflow.label.vi} ({workflow.id})")
    page = ET.SubElement(net, "page", id="page")
    lasting = [f"p_{state.key}" for state in workflow.states.values() if state.kind is not StateKind.END]
    for key in (_START, *lasting, _DONE):
        place = ET.SubElement(page, "place", id=key)
        _named(place, key)
        if key == _START:
            ET.SubElement(ET.SubElement(place, "initialMarking"), "text").text = "1"
    for number, (source, target, label) in enumerate(_moves(workflow), 1):
        _transition(page, f"t{number}", source, target, label)
    marking = ET.SubElement(ET.SubElement(net, "finalmarkings"), "marking")
    place = ET.SubElement(marking, "place", idref=_DONE)
    ET.SubElement(place, "text").text = "1"
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _place(workflow: Workflow, state: str) -> str:
    return _DONE if workflow.states[state].kind is StateKind.END else f"p_{state}"


def _moves(workflow: Workflow) -> Iterable[tuple[str, str, str]]:
    """Return what moves a case, each once: from place, to place, label."""
    yield _START, _place(workflow, workflow.initial.key), _OPENED
    arrows = arrows_of(workflow)
    yield from dict.fromkeys(
        (_place(workflow, a.source), _place(workflow, a.target), a.transition.trigger) for a in arrows
    )
    for rule in workflow.deadlines:
        if rule.kind is not DeadlineKind.MINIMUM:
            for place in sorted(_place(workflow, state) for state in rule.lives_in):
                yield place, place, f"breach:{rule.key}"


def _transition(page: ET.Element, key: str, source: str, target: str, label: str) -> None:
    _named(ET.SubElement(page, "transition", id=key), label)
    ET.SubElement(page, "arc", id=f"{key}_in", source=source, target=key)
    ET.SubElement(page, "arc", id=f"{key}_out", source=key, target=target)


def _named(owner: ET.Element, name: str) -> None:
    ET.SubElement(ET.SubElement(owner, "name"), "text").text = name
