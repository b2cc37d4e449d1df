"""What a definition must hold to before a case may run under it.

`check` proves everything; `require_sound` raises when something is wrong. The structural part is cheap and runs
whenever a definition is loaded; terms and invariants are explored by ``rasoat workflows check``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...foundation.errors import DefinitionError
from ...foundation.messages import Text, joined, located, text
from ..machine import CompiledWorkflow
from .findings import Finding, PathLine, Severity
from .structure import structural

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...deadlines.calendar import Calendar
    from ..definition import Workflow

__all__ = ["Finding", "PathLine", "Severity", "check", "require_sound", "require_structure"]


def check(workflow: Workflow, calendar: Calendar | None = None) -> tuple[Finding, ...]:
    """Return every finding: structure first, and if that holds, terms on `calendar` and invariants on all histories.

    Without a calendar the latest release is taken. Seconds, not milliseconds: the histories are many.
    """
    found = tuple(structural(workflow))
    if any(finding.severity is Severity.ERROR for finding in found):
        return found
    # Exploring draws in the calendar releases and the decision path, which loading a definition does not need.
    from ...deadlines.releases import calendar as latest  # noqa: PLC0415
    from .exploring import explored  # noqa: PLC0415 - as above
    from .timing import timed  # noqa: PLC0415 - as above

    return (*found, *timed(workflow, calendar or latest()), *explored(CompiledWorkflow(workflow)))


def require_sound(workflow: Workflow, calendar: Calendar | None = None) -> None:
    """Raise `DefinitionError` with every error that `check` finds."""
    _refuse(workflow, check(workflow, calendar))


def require_structure(workflow: Workflow) -> None:
    """Raise `DefinitionError` with every structural error: what loading asks of a definition."""
    _refuse(workflow, structural(workflow))


def _refuse(workflow: Workflow, findings: Iterable[Finding]) -> None:
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        told = joined((Text(each.told("vi"), each.told("en")) for each in errors), "\n")
        raise located(workflow.id, joined([text("check.refused", count=len(errors)), told], "\n"), DefinitionError)
