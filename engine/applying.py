"""apply(): what was decided, written in one transaction: cases, events, deadlines, outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..persistence import deadlines as deadline_rows
from ..persistence.canonical import canonical_json
from ..persistence.cases import Advance, advance
from ..persistence.certificates import issue
from ..persistence.chain import EventCore, hash_events
from ..persistence.events import EventRow, insert_events
from ..persistence.outbox import enqueue
from ..persistence.rounds import set_class
from .breaches import enter_breaches
from .late_entry import is_overtaken, record_overtaken
from .terms import Computed, closing, compute, opened_row, rules_closed, rules_opened, start_day
from .tidings import act_waiting, breach_found

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from ..foundation.ids import IdSource
    from ..persistence.database import Tx
    from ..persistence.deadlines import Closing, DeadlineRow
    from .deciding import Step
    from .definition import DeadlineRule, Workflow
    from .values import ActRequest
    from .views import Context

__all__ = ["Applied", "StoredAct", "apply", "breach_core"]


class StoredAct(NamedTuple):
    """The act as stored: its id and digest, which every event of it carries."""

    id: int | None
    digest: str
    stamp: str


class Applied(NamedTuple):
    """What one application wrote, for logs and observers."""

    opened: int
    closed: int
    breached: int
    told: int


def apply(
    tx: Tx,
    workflow: Workflow,
    steps: Sequence[Step],
    request: ActRequest,
    act: StoredAct,
    context: Context,
    ids: IdSource,
) -> Applied:
    """Write the accepted `steps`. The caller holds the cases' locks and owns the transaction."""
    plan = _Plan(workflow, request, act, context)
    plan.number(_certificates(tx, steps, request, act))
    for step in steps:
        plan.add(step)
    events, advances = plan.chained()
    advance(tx, advances)
    insert_events(tx, events)
    set_class(tx, _settled(steps))
    deadline_rows.close(tx, plan.closings)
    carried = {closing.deadline_id: closing.cause for closing in plan.closings if closing.cause}
    late = [row for _, row in plan.late]
    causes = enter_breaches(tx, late, context.now, request.actor.key, "act", carried)
    record_overtaken(tx, workflow, plan.overtaken, context.calendar, context.now)
    opened = plan.deadlines(ids)
    deadline_rows.insert_deadlines(tx, opened)
    told = [*breach_found(plan.late, context.now, causes), *act_waiting(workflow, steps, act.id, context.now)]
    enqueue(tx, told)
    return Applied(len(opened), len(plan.closings), len(plan.late), len(told))


def _settled(steps: Sequence[Step]) -> list[tuple[str, int]]:
    """Return what the act makes of households whose class it settles: (class, household id)."""
    return [
        (str(step.facts["settled_class"]), step.case.household_id)
        for step in steps
        if any(use.name == "settle" for use in step.transition.effects)
    ]


def _certificates(tx: Tx, steps: Sequence[Step], request: ActRequest, act: StoredAct) -> Mapping[int, str]:
    """Draw certificate numbers (Mẫu 03) for the steps that give one; by case id."""
    style = next((u.params["style"] for s in steps for u in s.transition.effects if u.name == "certify"), None)
    certified = [s for s in steps if style and any(u.name == "certify" for u in s.transition.effects)]
    certified = [s for s in certified if s.facts.get("certified")]
    if not certified or style is None or act.id is None:
        return {}
    asked = [(s.case.id, s.case.unit_path, str(s.facts["certified"])) for s in certified]
    return issue(tx, asked, style, request.occurred_on, act.id)


class _Plan:
    """Rows of one application, gathered before anything is written."""

    def __init__(self, workflow: Workflow, request: ActRequest, act: StoredAct, context: Context) -> None:
        self.workflow = workflow
        self.request = request
        self.act = act
        self.context = context
        self.closings: list[Closing] = []
        self.late: list[tuple[DeadlineRule, DeadlineRow]] = []
        self.overtaken: list[DeadlineRow] = []
        self._moves: list[tuple[Step, int]] = []
        self._cores: list[EventCore] = []
        self._opening: list[tuple[Step, DeadlineRule, date, int]] = []
        self._computed: dict[tuple[str, date], Computed] = {}
        self._certificates: Mapping[int, str] = {}
        self._day = request.occurred_on.isoformat()

    def number(self, certificates: Mapping[int, str]) -> None:
        """Take the certificate numbers drawn for this act, by case id."""
        self._certificates = certificates

    def add(self, step: Step) -> None:
        """Gather what one case's step writes."""
        case, target = step.case, step.transition.target
        seq = self._end(step)
        act = self.act
        self._cores.append(
            EventCore(
                case.id, seq, "step", self.request.trigger, case.state, target, act.id,
                self._day, act.stamp, self.request.actor.key, self._payload(case.id), act.digest,
            )
        )  # fmt: skip
        self._moves.append((step, seq))
        for rule in rules_opened(self.workflow, case.state, target):
            start = start_day(rule, step, self.context, self.request.occurred_on)
            self._opening.append((step, rule, start, seq))

    def _end(self, step: Step) -> int:
        """Close the deadlines this step ends, recording breaches it brings to light; return the step's number."""
        seq = step.case.seq + 1
        ended = rules_closed(self.workflow, step.case.state, step.transition.target)
        for row in self.context.deadlines.get(step.case.id, ()) if ended else ():
            if row.rule not in ended:
                continue
            rule = self.workflow.deadline(row.rule)
            ending = closing(rule, row, step, self.request.occurred_on, self.context.now)
            self.closings.append(ending)
            if is_overtaken(row, self.context.now):
                self.overtaken.append(row)
            if ending.breached_at is not None and row.breached_at is None:
                self.late.append((rule, row))
                self._cores.append(
                    breach_core(row, step.case.state, seq, self._day, self.act.stamp, self.request.actor.key)
                )
                seq += 1
        return seq

    def _payload(self, case_id: int) -> str:
        own = dict(self.request.rows.get(case_id, ()))
        if case_id in self._certificates:
            own["certificate"] = self._certificates[case_id]
        return canonical_json(own).decode() if own else ""

    def chained(self) -> tuple[list[EventRow], list[Advance]]:
        """Return the events with their hashes, and each case's new row with its new head."""
        hashes = hash_events({step.case.id: step.case.head for step, _ in self._moves}, self._cores)
        heads = {core.case_id: digest for core, digest in zip(self._cores, hashes, strict=True)}
        return [self._row(c, h) for c, h in zip(self._cores, hashes, strict=True)], [
            Advance(
                step.transition.target,
                seq,
                step.last_on(self.request.occurred_on),
                step.class_after,
                step.facts_text,
                heads[step.case.id],
                step.case.id,
                step.case.seq,
            )
            for step, seq in self._moves
        ]

    def _row(self, core: EventCore, digest: bytes) -> EventRow:
        return EventRow(*core[:7], self.request.occurred_on, self.context.now, core.actor, core.payload, digest)

    def deadlines(self, ids: IdSource) -> list[DeadlineRow]:
        """Return the deadlines that open, with due days computed once per rule and start."""
        return [
            self._deadline(new_id, *opening)
            for new_id, opening in zip(ids.take(len(self._opening)), self._opening, strict=True)
        ]

    def _deadline(self, new_id: int, step: Step, rule: DeadlineRule, start: date, seq: int) -> DeadlineRow:
        due = self._compute(rule, start)
        return opened_row(new_id, rule, self.workflow, step.case, start, due, self.context.calendar.key, seq)

    def _compute(self, rule: DeadlineRule, start: date) -> Computed:
        found = self._computed.get((rule.key, start))
        if found is None:
            found = self._computed[rule.key, start] = compute(rule, start, self.context.calendar)
        return found


def breach_core(row: DeadlineRow, state: str, seq: int, day: str, stamp: str, actor: str) -> EventCore:
    """Return the event that records that a case's deadline was passed."""
    payload = canonical_json({"deadline": str(row.id), "due_on": row.due_on.isoformat(), "rule": row.rule}).decode()
    return EventCore(row.subject_id, seq, "breach", row.rule, state, state, None, day, stamp, actor, payload, "")
