"""fire_many: load and lock, decide, apply. The one way by which cases change."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from ..foundation.clock import legal_date
from ..foundation.errors import NotFoundError
from ..foundation.logs import Log
from ..foundation.messages import fault
from ..persistence.canonical import canonical_json
from ..persistence.cases import CaseRow, insert_cases
from ..persistence.chain import EventCore, hash_events
from ..persistence.events import ActRow, EventRow, act_digest, insert_act, insert_events
from ..persistence.rounds import rounds, settings_for
from ..persistence.types import instant_text
from .applying import StoredAct, apply
from .deciding import Decision, Step, decide, refusal_counts
from .forms import form
from .gathering import census_of, gather
from .repeating import once
from .settings import require_changeable
from .values import SYSTEM, ActRequest, Mode, Refusal
from .views import Context

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..deadlines.calendar import Calendar
    from ..foundation.clock import Clock
    from ..foundation.ids import IdSource
    from ..persistence.database import Tx
    from .gathering import Group
    from .machine import CompiledWorkflow

__all__ = [
    "BRIEF",
    "CaseOpening",
    "Engine",
    "Library",
    "Moved",
    "Observer",
    "Outcome",
    "act_digest",
    "common_path",
    "fit_forms",
    "outcome_from",
    "outcome_to",
]

log = Log("rasoat.engine")

BRIEF: Final = 100
"""An act to so many cases at most is brief: on SQLite it may share its commit with others."""


class Library(Protocol):
    """Where workflows come from."""

    def compiled(self, workflow_id: str) -> CompiledWorkflow:
        """Return a workflow version by ``key@regime``; `NotFoundError` if there is none."""
        ...


class Observer(Protocol):
    """A host's hook inside the transaction: it may veto by raising, or write rows of its own.

    A correction or an undo is shown as a request of that trigger, with the steps that then hold in their place.
    """

    def __call__(self, tx: Tx, request: ActRequest, steps: Sequence[Step]) -> None:
        """See the steps that are about to be committed."""
        ...


@dataclass(frozen=True, slots=True)
class Moved:
    """A case after its step."""

    case_id: int
    from_state: str
    to_state: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to an act: what moved, what was refused and why. `act_id` is None when nothing moved."""

    act_id: int | None
    accepted: tuple[Moved, ...]
    refused: tuple[Refusal, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing was refused."""
        return not self.refused


@dataclass(frozen=True, slots=True)
class CaseOpening:
    """A household entering a round: its own facts (origin, former, whatever the workflow's first guards read)."""

    household_id: int
    unit_path: str
    class_before: str
    opened_on: date
    facts: Mapping[str, Any]


class _NothingDoneError(Exception):
    """Undoes what was done for an act that then was refused."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


class _Decided(NamedTuple):
    compiled: CompiledWorkflow
    request: ActRequest
    context: Context
    decision: Decision


class Engine:
    """Moves cases. Holds no state of its own beside what it was given."""

    def __init__(
        self,
        library: Library,
        calendar_for: Callable[[date, str], Calendar],
        clock: Clock,
        ids: IdSource,
        *,
        settings: Mapping[str, Any] | None = None,
        observers: Sequence[Observer] = (),
    ) -> None:
        self.library = library
        self.calendar_for = calendar_for
        self.clock = clock
        self.ids = ids
        self.settings = dict(settings or {})
        self.observers = tuple(observers)

    def open_cases(self, tx: Tx, round_id: int, openings: Sequence[CaseOpening], actor: str = SYSTEM.key) -> list[int]:
        """Open a case for each household of a round; return their ids in the same order."""
        opened_in = rounds(tx, [round_id])[round_id]
        workflow = self.library.compiled(opened_in.workflow).workflow
        now = self.clock.now()
        stamp = instant_text(now)
        ids = self.ids.take(len(openings))
        cores = [_opening_core(i, workflow.initial.key, o, stamp, actor) for i, o in zip(ids, openings, strict=True)]
        hashes = hash_events({}, cores)
        insert_cases(
            tx,
            [
                CaseRow(
                    core.case_id, round_id, o.household_id, o.unit_path, workflow.id, workflow.initial.key,
                    1, o.opened_on, o.class_before, None, canonical_json(dict(o.facts)).decode(), digest,
                )
                for core, o, digest in zip(cores, openings, hashes, strict=True)
            ],
        )  # fmt: skip
        insert_events(
            tx,
            [
                EventRow(*core[:7], o.opened_on, now, actor, core.payload, digest)
                for core, o, digest in zip(cores, openings, hashes, strict=True)
            ],
        )
        log.info("cases_opened", round=round_id, count=len(openings), workflow=workflow.id)
        return list(ids)

    def fire_many(self, tx: Tx, request: ActRequest) -> Outcome:
        """Do an act to its cases in the caller's transaction: all of them, or each that can (`request.mode`).

        Raises `ConflictError` when another writer was first, `NotFoundError` for unknown cases,
        `IdempotencyError` for a key used with another body. A refusal is part of the outcome.
        """
        return once(
            tx, request.idempotency_key, lambda: _request_body(request), self.clock, lambda: self._fire(tx, request),
            write=outcome_to, read=outcome_from, keeps=lambda outcome: outcome.act_id is not None,
        )  # fmt: skip

    def _fire(self, tx: Tx, request: ActRequest) -> Outcome:
        if not request.case_ids:
            raise fault(NotFoundError, "found.no_case_named", trigger=request.trigger)
        now = self.clock.now()
        groups = gather(tx, self.library, request.case_ids)
        over = _run_out(groups, now) if request.actor is not SYSTEM else {}
        if not over:
            return self._settle(tx, groups, request, now)
        try:
            with tx.savepoint():
                return self._after_terms(tx, over, request, now)
        except _NothingDoneError as nothing:
            return nothing.outcome

    def _after_terms(
        self, tx: Tx, over: Mapping[tuple[str, date], Sequence[int]], request: ActRequest, now: datetime
    ) -> Outcome:
        """Let terms that are over close their step first: what an act meets must not hang on the worker's hour.

        An act that is refused leaves even that undone: who may not act moves nothing.
        """
        for (timer, day), ids in sorted(over.items()):
            self._fire(tx, ActRequest(timer, tuple(ids), day, SYSTEM, mode=Mode.EACH))
        outcome = self._settle(tx, gather(tx, self.library, request.case_ids), request, now)
        if outcome.act_id is None:
            raise _NothingDoneError(outcome)
        return outcome

    def _settle(self, tx: Tx, groups: Sequence[Group], request: ActRequest, now: datetime) -> Outcome:
        decided = [self._decide(tx, group, request, now) for group in groups]
        refused = tuple(refusal for group in decided for refusal in group.decision.refused)
        if not any(group.decision.accepted for group in decided) or (refused and request.mode is Mode.ALL):
            self._log_refused(request, refused)
            return Outcome(None, (), refused)
        return self._write(tx, request, now, decided, refused)

    def _decide(self, tx: Tx, group: Group, request: ActRequest, now: datetime) -> _Decided:
        compiled, cases = group.compiled, group.cases
        context = self._context(tx, group, request, now)
        fitted, faults = fit_forms(compiled, cases, request)
        faulty = {fault.case_id for fault in faults}
        decision = decide(compiled, [case for case in cases if case.id not in faulty], fitted, context)
        return _Decided(compiled, fitted, context, Decision(decision.accepted, (*faults, *decision.refused)))

    def _write(
        self, tx: Tx, request: ActRequest, now: datetime, decided: Sequence[_Decided], refused: tuple[Refusal, ...]
    ) -> Outcome:
        moving = [group for group in decided if group.decision.accepted]
        with tx.together():
            return self._write_together(tx, request, now, moving, refused)

    def _write_together(
        self, tx: Tx, request: ActRequest, now: datetime, moving: Sequence[_Decided], refused: tuple[Refusal, ...]
    ) -> Outcome:
        act = self._store_act(tx, moving, now)
        moved: list[Moved] = []
        for group in moving:
            steps = group.decision.accepted
            for observer in self.observers:
                tx.flush()
                observer(tx, group.request, steps)
            applied = apply(tx, group.compiled.workflow, steps, group.request, act, group.context, self.ids)
            moved += [Moved(s.case.id, s.case.state, s.transition.target) for s in steps]
            log.info(
                "act_applied", trigger=request.trigger, workflow=group.compiled.workflow.id, act=act.id,
                moved=len(steps), refused=len(refused), **applied._asdict(),
            )  # fmt: skip
        return Outcome(act.id, tuple(sorted(moved, key=lambda m: m.case_id)), refused)

    def _store_act(self, tx: Tx, moving: Sequence[_Decided], now: datetime) -> StoredAct:
        first, request = moving[0], moving[0].request
        act = ActRow(
            id=self.ids.take(1)[0],
            trigger=request.trigger,
            form=first.compiled.workflow.triggers[request.trigger].form,
            unit_path=common_path([s.case.unit_path for group in moving for s in group.decision.accepted]),
            occurred_on=request.occurred_on,
            recorded_at=now,
            actor=request.actor.key,
            role=first.decision.accepted[0].role,
            on_behalf_of=request.actor.on_behalf_of,
            document=request.document,
            body=canonical_json(dict(request.body)).decode(),
            digest=b"",
        )
        digest = act_digest(act)
        insert_act(tx, act._replace(digest=digest))
        return StoredAct(act.id, digest.hex(), instant_text(now))

    def _context(self, tx: Tx, group: Group, request: ActRequest, now: datetime) -> Context:
        compiled, today = group.compiled, legal_date(now)
        level = compiled.census_levels.get(request.trigger, "")
        stored = group.settings_stored
        return Context(
            now=now,
            today=today,
            calendar=self.calendar_for(today, group.commune),
            settings=self.settings_in_force(tx, compiled.workflow.id, group.commune) if stored else self.settings,
            census=census_of(tx, group, request),
            deadlines=group.running,
            round_days=group.round_days,
            census_level=level,
        )

    def settings_in_force(self, tx: Tx, workflow: str, unit_path: str) -> dict[str, Any]:
        """Return the deployment's settings, overlaid by those stored for the unit and those above it.

        `InputError` if one is stored that is part of the definition and would be ignored.
        """
        stored = settings_for(tx, workflow, unit_path)
        require_changeable(self.library.compiled(workflow).workflow, stored)
        return {**self.settings, **{key: json.loads(value) for key, value in stored.items()}}

    def _log_refused(self, request: ActRequest, refused: Sequence[Refusal]) -> None:
        log.info("act_refused", trigger=request.trigger, refused=len(refused), codes=refusal_counts(refused))


def _run_out(groups: Sequence[Group], now: datetime) -> dict[tuple[str, date], list[int]]:
    """Return the cases whose step a term that is over would close, by the timer and the term's last day."""
    over: dict[tuple[str, date], list[int]] = {}
    for group in groups:
        for row in (row for rows in group.running.values() for row in rows if row.subject == "case"):
            timer = group.compiled.workflow.deadline(row.rule).on_expiry
            if timer and row.status == "open" and row.due_at <= now:
                over.setdefault((timer, row.due_on), []).append(row.subject_id)
    return over


def fit_forms(
    compiled: CompiledWorkflow, cases: Sequence[CaseRow], request: ActRequest
) -> tuple[ActRequest, tuple[Refusal, ...]]:
    """Bring the act's body and each household's row into canonical form, or refuse: all cases, or the faulty row's.

    Cases that the act cannot move at all are left for `decide` to refuse: where they stand matters more.
    """
    trigger = compiled.workflow.triggers.get(request.trigger)
    cases = [case for case in cases if compiled.leaves(case.state, request.trigger)]
    if trigger is None or not cases:
        return request, ()
    shape = form(trigger.form)
    body, faults = shape.body(request.body)
    refused = [_form_refusal(case.id, trigger.article, fault) for fault in faults for case in cases]
    rows: dict[int, Mapping[str, Any]] = {}
    for case in cases:
        rows[case.id], row_faults = shape.row(request.rows.get(case.id, {}))
        refused += [_form_refusal(case.id, trigger.article, fault) for fault in row_faults]
    kept = {case_id: row for case_id, row in rows.items() if row}
    return replace(request, body=body, rows=kept), tuple(refused)


def _form_refusal(case_id: int, article: object, fault: Any) -> Refusal:
    fields = {"field": fault.field, "value": fault.value, "expected": fault.expected}
    return Refusal("refused.form", str(article), fields, case_id)


def _opening_core(case_id: int, state: str, opening: CaseOpening, stamp: str, actor: str) -> EventCore:
    payload = canonical_json({"class_before": opening.class_before, **opening.facts}).decode()
    return EventCore(
        case_id, 1, "opened", "open", "", state, None, opening.opened_on.isoformat(), stamp, actor, payload, ""
    )  # fmt: skip


def common_path(paths: Sequence[str]) -> str:
    """Return the deepest unit that holds every path."""
    shortest, longest = min(paths).split("/"), max(paths).split("/")
    shared = 0
    while shared < min(len(shortest), len(longest)) and shortest[shared] == longest[shared]:
        shared += 1
    return "/".join(shortest[:shared])


def _request_body(request: ActRequest) -> dict[str, Any]:
    return {
        "trigger": request.trigger,
        "cases": [str(i) for i in sorted(request.case_ids)],
        "occurred_on": request.occurred_on.isoformat(),
        "actor": request.actor.key,
        "on_behalf_of": request.actor.on_behalf_of,
        "body": _plain(request.body),
        "rows": {str(k): _plain(v) for k, v in request.rows.items()},
        "document": request.document,
        "mode": request.mode.value,
    }


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, date) else v for k, v in values.items()}


def outcome_to(outcome: Outcome) -> dict[str, Any]:
    """Return an answer as it is remembered under its idempotency key."""
    return {
        "act_id": str(outcome.act_id),
        "accepted": [[str(m.case_id), m.from_state, m.to_state] for m in outcome.accepted],
        "refused": [
            [r.code, r.article, {k: str(v) for k, v in r.fields.items()}, str(r.case_id)] for r in outcome.refused
        ],
    }


def outcome_from(answer: Mapping[str, Any]) -> Outcome:
    """Read what `outcome_to` wrote."""
    return Outcome(
        int(answer["act_id"]),
        tuple(Moved(int(i), a, b) for i, a, b in answer["accepted"]),
        tuple(Refusal(code, article, fields, int(case_id)) for code, article, fields, case_id in answer["refused"]),
    )
