"""A workflow as a Petri net in PNML (ISO/IEC 15909-2): the model against which an exported log replays.

A place is a state, a transition an arrow; its label is the act's key, as the log names it. A breach leaves
the case where it is. Tools read invisible transitions and the final marking from the usual extensions.
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
    for key in (_START, *(f"p_{state}" for state in workflow.states), _DONE):
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


def _moves(workflow: Workflow) -> Iterable[tuple[str, str, str]]:
    """Return what moves a case: from place, to place, label (none: it happens unseen)."""
    yield _START, f"p_{workflow.initial.key}", _OPENED
    yield from dict.fromkeys((f"p_{a.source}", f"p_{a.target}", a.transition.trigger) for a in arrows_of(workflow))
    for rule in workflow.deadlines:
        if rule.kind is not DeadlineKind.MINIMUM:
            for place in sorted(f"p_{state}" for state in rule.lives_in):
                yield place, place, f"breach:{rule.key}"
    for state in workflow.states.values():
        if state.kind is StateKind.END:
            yield f"p_{state.key}", _DONE, ""


def _transition(page: ET.Element, key: str, source: str, target: str, label: str) -> None:
    transition = ET.SubElement(page, "transition", id=key)
    _named(transition, label or key)
    if not label:
        ET.SubElement(transition, "toolspecific", tool="ProM", version="6.4", activity="$invisible$", localNodeID=key)
    ET.SubElement(page, "arc", id=f"{key}_in", source=source, target=key)
    ET.SubElement(page, "arc", id=f"{key}_out", source=key, target=target)


def _named(owner: ET.Element, name: str) -> None:
    ET.SubElement(ET.SubElement(owner, "name"), "text").text = name
