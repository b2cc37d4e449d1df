"""What must be told with a fact: outbox rows, one per office and step, never one per household."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from ..foundation.clock import legal_date
from ..foundation.paths import at_level
from ..persistence.canonical import canonical_json
from ..persistence.outbox import OutboxRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from ..persistence.deadlines import DeadlineRow
    from .deciding import Step
    from .definition import DeadlineRule, Workflow

__all__ = ["TOLD", "Decided", "act_waiting", "breach_found", "stalled", "term_decided", "tiding", "tiding_id", "what"]

_LONGEST_SUBJECT = 64
_SIGNER = "commune_chair"
TOLD = frozenset({"suspended", "resumed", "extended", "superseded", "cancelled"})
"""Decisions about running terms whose owners are told. That a date was met is the owner's own statement."""


class Decided(NamedTuple):
    """What a decision made of one deadline: its rule, its row before, and its last day since."""

    rule: DeadlineRule
    row: DeadlineRow
    due_on: date


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
        subject=subject if len(subject) <= _LONGEST_SUBJECT else tiding_id(subject),
        data=canonical_json(data).decode(),
        status="queued",
        created_at=now,
        next_at=now,
        lease_until=None,
        attempts=0,
    )


def act_waiting(workflow: Workflow, steps: Sequence[Step], act_id: int | None, now: datetime) -> list[OutboxRow]:
    """Tell the office on whose desk the cases now lie, once per act, village and state."""
    counts: dict[tuple[int, str, str], int] = {}
    for step in steps:
        case, target = step.case, step.transition.target
        if _hands_over(workflow, case.state, target):
            place = (case.round_id, case.unit_path, target)
            counts[place] = counts.get(place, 0) + 1
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


@lru_cache(maxsize=4096)
def _hands_over(workflow: Workflow, source: str, target: str) -> bool:
    desk = workflow.states[target].desk
    return bool(desk) and desk != workflow.states[source].desk


def breach_found(
    late: Sequence[tuple[DeadlineRule, DeadlineRow]],
    now: datetime,
    causes: Mapping[int, str] = MappingProxyType({}),
) -> list[OutboxRow]:
    """Tell the owner of breaches, once per rule, village, due day and cause; toward citizens, ask for apologies.

    `causes` of lateness are by deadline; one that is not there is not known yet.
    """
    groups: dict[tuple[object, ...], list[tuple[DeadlineRule, DeadlineRow]]] = {}
    for rule, row in late:
        key = (rule.key, row.unit_path, row.owner_path, row.due_on, row.round_id, causes.get(row.id))
        groups.setdefault(key, []).append((rule, row))
    found = [(group[0][0], [row for _, row in group], key[-1]) for key, group in groups.items()]
    return [
        told
        for rule, rows, cause in found
        for told in (_breach(rule, rows, cause, now), *_apologies(rule, rows, cause, now))
    ]


def _breach(rule: DeadlineRule, rows: Sequence[DeadlineRow], cause: object, now: datetime) -> OutboxRow:
    row = rows[0]
    subject = f"{row.round_id}:{row.unit_path}:{rule.key}:{row.due_on}:{min(r.id for r in rows)}"
    data = {**what(rule, row, len(rows)), "cause": cause}
    return tiding("breach", "breach", row.owner_role, row.owner_path, row.unit_path, subject, data, now)


def _apologies(rule: DeadlineRule, rows: Sequence[DeadlineRow], cause: object, now: datetime) -> list[OutboxRow]:
    """Ask the chair to sign the letters of apology (phiếu xin lỗi và hẹn lại ngày trả kết quả) of breached terms.

    A letter is each citizen's own; the chair is told once per village and day of receipt. Nothing goes to the citizen.
    """
    if not rule.toward_citizen or rule.term is None:
        return []
    received: dict[date, list[DeadlineRow]] = {}
    for row in rows:
        received.setdefault(row.started_on, []).append(row)
    return [_apology(rule, mine, cause, now) for mine in received.values()]


def _apology(rule: DeadlineRule, rows: Sequence[DeadlineRow], cause: object, now: datetime) -> OutboxRow:
    row = rows[0]
    subject = f"{row.round_id}:{row.unit_path}:{rule.key}:{row.due_on}:{row.started_on}:{min(r.id for r in rows)}"
    data = {
        **what(rule, row, len(rows)),
        "cause": cause,
        "received_on": row.started_on.isoformat(),
        "length": row.length,
        "cases": [str(r.subject_id) for r in rows],
    }
    return tiding(
        "delay_notice", "urgent", _SIGNER, at_level(row.unit_path, "commune"), row.unit_path, subject, data, now
    )


def term_decided(kind: str, document: str, day: date, decided: Sequence[Decided], now: datetime) -> list[OutboxRow]:
    """Tell the owners of a decision about running terms, once per village, rule and pair of last days."""
    if kind not in TOLD:
        return []
    groups: dict[tuple[object, ...], list[Decided]] = {}
    for each in decided:
        row = each.row
        key = (row.round_id, row.unit_path, row.owner_path, row.rule, row.due_on, each.due_on)
        groups.setdefault(key, []).append(each)
    return [_decision(kind, document, day, group, now) for group in groups.values()]


def _decision(kind: str, document: str, day: date, group: Sequence[Decided], now: datetime) -> OutboxRow:
    rule, row, due_on = group[0]
    data = {
        **what(rule, row, len(group)),
        "decided": kind,
        "document": document,
        "decided_on": day.isoformat(),
        "old_due_on": row.due_on.isoformat(),
        "due_on": due_on.isoformat(),
    }
    first = min(each.row.id for each in group)
    subject = f"{kind}:{document}:{day}:{row.round_id}:{row.unit_path}:{row.rule}:{row.due_on}>{due_on}:{first}"
    return tiding("term_decision", "warning", row.owner_role, row.owner_path, row.unit_path, subject, data, now)


def what(rule: DeadlineRule, row: DeadlineRow, count: int) -> dict[str, Any]:
    """Return what every message about a deadline says: which term, of how many households, whose desk, until when."""
    return {
        "workflow": row.workflow,
        "rule": row.rule,
        "label": rule.label._asdict(),
        "article": str(rule.article),
        "due_on": row.due_on.isoformat(),
        "count": count,
        "round": str(row.round_id),
        "subject": row.subject,
        "owner_role": row.owner_role,
        "owner_path": row.owner_path,
        "toward_citizen": rule.toward_citizen,
    }


def stalled(job: str, role: str, unit_path: str, problem: str, now: datetime) -> OutboxRow:
    """Tell an office that something the worker must do cannot be done, once a day while it lasts."""
    data = {"job": job, "last_success": None, "problem": problem}
    subject = f"{job}:{unit_path}:{legal_date(now)}:{problem}"
    return tiding("job_stalled", "urgent", role, unit_path, unit_path, subject, data, now)
