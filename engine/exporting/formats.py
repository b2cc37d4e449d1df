"""The formats in which a workflow can be exported, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...foundation.errors import InputError
from ...foundation.messages import fault
from .bpmn import bpmn
from .markdown import markdown
from .mermaid import mermaid
from .petri import pnml
from .plain import as_json
from .svg import svg

if TYPE_CHECKING:
    from ...foundation.messages import Language
    from ..definition import Workflow

__all__ = ["FORMATS", "export"]

FORMATS = ("mermaid", "svg", "bpmn", "xes-model", "json", "md")
_WITH_CASE = {"mermaid": mermaid, "svg": svg, "md": markdown}


def export(workflow: Workflow, form: str, language: Language = "vi", *, current: str | None = None) -> str:
    """Return a workflow in one of `FORMATS`; `current` is the state in which one case stands.

    `InputError` if the format is unknown, or is one of a model alone and a case was named.
    """
    if form not in FORMATS:
        raise fault(InputError, "exporting.format", form=form, known=", ".join(FORMATS))
    if form in _WITH_CASE:
        if current is not None:
            workflow.state(current)
        return _WITH_CASE[form](workflow, language, current=current)
    if current is not None:
        raise fault(InputError, "exporting.format_case", form=form, known=", ".join(_WITH_CASE))
    return {
        "bpmn": lambda: bpmn(workflow, language),
        "xes-model": lambda: pnml(workflow),
        "json": lambda: as_json(workflow),
    }[form]()
