"""What must be told with a fact: outbox rows, one per office and step, never one per household."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any

from ..foundation.paths import at_level
from ..persistence.canonical import canonical_json
from ..persistence.outbox import OutboxRow

if TYPE_CHECKING:
    from datetime import datetime
    from collections.abc import Sequence
    from ..persistence.deadlines import DeadlineRow
    from .deciding import Step
    from .definition import DeadlineRule, Workflow

__all__ = ["act_waiting", "breach_found", "tiding", "tiding_id"]


def tiding_id(*parts: object) -> str:
    """Return the deterministic id of what is told: the same fact, rung and office give the same id."""
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:32]


def tiding(
    kind: str, severity: str, role: str, unit_path: str, about: str, subject: str, data: dict[str, Any], now: datetime
) -> OutboxRow:
    """Return one outbox row; its id follows from kind, subject, role and unit."""
    return OutboxRow(
        id=tiding_id(kind, subject, role, unit_path),
        kind=kind,
        severity=severity,
        role=role,
        unit_path=unit_path,
        about_path=about,
        subject=subject,
        data=canonical_json(data).decode(),
        status="queued",
        created_at=now,
        next_at=now,
        lease_until=None,
        attempts=0,
    )


def act_waiting(workflow: Workflow, steps: Sequence[Step], act_id: int | None, now: datetime) -> list[OutboxRow]:
    """Tell the office on whose desk the cases now lie, once per act, village and state."""
    counts = Counter(
        (s.case.round_id, s.case.unit_path, s.transition.target) for s in steps if _hands_over(workflow, s)
    )
    return [
        tiding(
            "act_waiting",
            "info",
            workflow.states[state].desk,
            at_level(path, workflow.roles[workflow.states[state].desk].level),
            path,
            f"{round_id}:{path}:{state}:{act_id}",
            {"workflow": workflow.id, "state": state, "count": count, "round": str(round_id)},
            now,
        )
        for (round_id, path, state), count in counts.items()
    ]


def _hands_over(workflow: Workflow, step: Step) -> bool:
    desk, before = workflow.states[step.transition.target].desk, workflow.states[step.case.state].desk
    return bool(desk) and desk != before


def breach_found(
    workflow: Workflow, late: Sequence[tuple[DeadlineRule, DeadlineRow]], now: datetime
) -> list[OutboxRow]:
    """Tell the owner of breaches, once per rule, village and due day."""
    counts = Counter((rule.key, row.unit_path, row.owner_path, row.due_on, row.round_id) for rule, row in late)
    return [
        tiding(
            "breach",
            "breach",
            workflow.deadline(rule).owner,
            owner,
            path,
            f"{round_id}:{path}:{rule}:{due_on.isoformat()}",
            {
                "workflow": workflow.id,
                "rule": rule,
                "due_on": due_on.isoformat(),
                "count": count,
                "round": str(round_id),
                "toward_citizen": workflow.deadline(rule).toward_citizen,
            },
            now,
        )
        for (rule, path, owner, due_on, round_id), count in counts.items()
    ]
