"""Corrections: a wrong entry is corrected by an event that names it, why, and by whose authority; nothing is edited.

The corrected act's later acts are done again with the corrected values (`restating`). What would no longer have been
lawful stands in the way, and then nothing changes. `undo` takes a last step back. `docs/corrections.md` shows how both
stand on record.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from ..foundation.clock import legal_date
from ..foundation.errors import InputError, NotFoundError
from ..foundation.logs import Log
from ..foundation.messages import fault
from ..persistence import deadlines as deadline_rows
from ..persistence.canonical import canonical_json
from ..persistence.cases import lock
from ..persistence.corrections import cases_of_act
from ..persistence.events import acts, history
from ..persistence.ledger import entries_of
from .obstacles import obstacles
from .offices import may_order
from .openings import require_class, require_facts
from .repeating import once
from .replaying import STEPS, in_force, origin_of
from .restating import OnRecord, Restated, place_of, restate
from .rewriting import write
from .service import Outcome, fit_forms, outcome_from, outcome_to
from .surroundings import Stored
from .values import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..persistence.cases import CaseRow
    from ..persistence.database import Tx
    from ..persistence.events import ActRow
    from .service import Engine
    from .values import Actor, ActRequest

__all__ = ["CORRECTION_ROLES", "Correction", "OpeningCorrection", "Undo", "correct", "undo"]

log = Log("rasoat.corrections")
CORRECTION_ROLES = ("committee", "commune_chair")
"""Who may correct unless the setting ``correction_roles`` says otherwise; no text of the law regulates it."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What was wrong about an act, and who says so.

    `body` gives the fields of the form that change (None empties one), `rows` those of single households by case id,
    `occurred_on` and `document` the act's own if they were wrong. `decided_on` is the day of the correction,
    `authority` the document that orders it, `reason` why, without a person's name: it is kept for ever.
    """

    act_id: int
    actor: Actor
    decided_on: date
    authority: str
    reason: str
    body: Mapping[str, Any] = field(default_factory=dict)
    rows: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    occurred_on: date | None = None
    document: str | None = None
    idempotency_key: str | None = None

    @property
    def trigger(self) -> str:
        """Under what its act is kept."""
        return "correction"

    @property
    def concerns_all(self) -> bool:
        """Whether the act itself changes, and with it every case it moved."""
        return bool(self.body) or self.occurred_on is not None or self.document is not None


@dataclass(frozen=True, slots=True)
class Undo:
    """The last step of cases, taken back: the act that made it (all its cases, or those named), and who says so."""

    act_id: int
    actor: Actor
    decided_on: date
    authority: str
    reason: str
    case_ids: tuple[int, ...] = ()
    idempotency_key: str | None = None

    @property
    def trigger(self) -> str:
        """Under what its act is kept."""
        return "undo"


@dataclass(frozen=True, slots=True)
class OpeningCorrection:
    """What was wrong about what a case brought when it was opened, and who says so.

    `facts` are those that change (None takes one out), `class_before` the class from which the household came. Every
    later act of the case is done again from there. What the household's own register says is not touched.
    """

    case_id: int
    actor: Actor
    decided_on: date
    authority: str
    reason: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    class_before: str | None = None
    idempotency_key: str | None = None

    @property
    def trigger(self) -> str:
        """Under what its act is kept."""
        return "correction"


class _Asked(NamedTuple):
    """A correction or an undo with what is on record of the cases it concerns."""

    order: Correction | Undo
    act: ActRow
    records: Sequence[OnRecord]
    now: datetime

    @property
    def ids(self) -> list[int]:
        return [record.case.id for record in self.records]


_Order = Correction | OpeningCorrection | Undo


def correct(tx: Tx, engine: Engine, order: Correction | OpeningCorrection) -> Outcome:
    """Correct an act, or what a case was opened with, in the caller's transaction: wholly, or not and why not.

    Raises `NotFoundError` for an unknown act or case, `ConflictError` when another writer was first,
    `IdempotencyError` for a key used with another body.
    """
    return _once(tx, engine, order, _correct_opening if isinstance(order, OpeningCorrection) else _correct)


def undo(tx: Tx, engine: Engine, order: Undo) -> Outcome:
    """Take a last step back in the caller's transaction; errors as `correct`."""
    return _once(tx, engine, order, _undo)


def _once(tx: Tx, engine: Engine, order: Any, do: Callable[[Tx, Engine, Any], Outcome]) -> Outcome:
    return once(
        tx, order.idempotency_key, lambda: _order_body(order), engine.clock, lambda: do(tx, engine, order),
        write=outcome_to, read=outcome_from, keeps=lambda outcome: outcome.act_id is not None,
    )  # fmt: skip


def _correct(tx: Tx, engine: Engine, order: Correction) -> Outcome:
    asked = _asked(tx, engine, order, () if order.concerns_all else tuple(order.rows))
    if unknown := set(order.rows) - set(asked.ids):
        raise fault(NotFoundError, "found.act_case", act=order.act_id, cases=", ".join(map(str, sorted(unknown))))
    refused = _objections(tx, engine, order, asked.records, asked.now)
    requests, faults = ({}, ()) if refused else _requests(engine, order, asked)
    if refused or faults:
        return _refused(order, (*refused, *faults))
    return _carry_out(tx, engine, asked, requests)


def _correct_opening(tx: Tx, engine: Engine, order: OpeningCorrection) -> Outcome:
    [record] = _records(tx, lock(tx, [order.case_id]))
    workflow = engine.library.compiled(record.case.workflow).workflow
    require_class(workflow, order.class_before)
    require_facts(workflow, order.case_id, order.facts)
    now = engine.clock.now()
    refused = _objections(tx, engine, order, [record], now)
    old = origin_of(record.case, record.events)
    facts = {key: value for key, value in {**json.loads(old.facts), **order.facts}.items() if value is not None}
    origin = old._replace(facts=canonical_json(facts).decode(), class_before=order.class_before or old.class_before)
    if not refused and origin == old:
        refused = (Refusal("correcting.opening_unchanged", "", {}, record.case.id),)
    if refused:
        return _refused(order, refused)
    found = restate(Stored(tx, engine), record, 0, None, now, legal_date(now), origin)
    return _written(tx, engine, order, None, [found], {})


def _undo(tx: Tx, engine: Engine, order: Undo) -> Outcome:
    asked = _asked(tx, engine, order, order.case_ids)
    refused = (*_objections(tx, engine, order, asked.records, asked.now), *_built_upon(engine, asked))
    return _refused(order, refused) if refused else _carry_out(tx, engine, asked, None)


def _asked(tx: Tx, engine: Engine, order: Correction | Undo, only: Sequence[int]) -> _Asked:
    found = acts(tx, [order.act_id])
    if order.act_id not in found:
        raise fault(NotFoundError, "found.no_act", act_id=order.act_id)
    act = found[order.act_id]
    ids = cases_of_act(tx, act)
    if unknown := set(only) - set(ids):
        raise fault(NotFoundError, "found.act_case", act=act.id, cases=", ".join(map(str, sorted(unknown))))
    records = _records(tx, lock(tx, [i for i in ids if not only or i in only]))
    counting = [record for record in records if place_of(record, act.id) is not None]
    return _Asked(order, act, counting, engine.clock.now())


def _records(tx: Tx, cases: Sequence[CaseRow]) -> list[OnRecord]:
    ids = [case.id for case in cases]
    events: dict[int, list[Any]] = defaultdict(list)
    for event in history(tx, ids):
        events[event.case_id].append(event)
    terms: dict[int, list[Any]] = defaultdict(list)
    for row in deadline_rows.of_subjects(tx, ids):
        terms[row.subject_id].append(row)
    ledgers = entries_of(tx, [row.id for rows in terms.values() for row in rows])
    known = acts(tx, sorted({e.act_id for rows in events.values() for e in rows if e.act_id is not None}))
    return [OnRecord.of(c, events[c.id], in_force(events[c.id]), known, terms[c.id], ledgers) for c in cases]


def _objections(
    tx: Tx, engine: Engine, order: _Order, records: Sequence[OnRecord], now: datetime
) -> tuple[Refusal, ...]:
    """Return why this may not be done at all: nothing left to correct, no reason, document, authority or such day."""
    today = legal_date(now)
    if not records and not isinstance(order, OpeningCorrection):
        return (Refusal("correcting.not_in_force", "", {"act": order.act_id}),)
    if not order.reason.strip():
        return (Refusal("correcting.no_reason"),)
    if not order.authority.strip():
        return (Refusal("correcting.no_document"),)
    if order.decided_on > today:
        return (Refusal("refused.future", "", {"day": order.decided_on, "today": today}),)
    if order.decided_on < (done_on := _done_on(order, records[0])):
        return (Refusal("refused.before_previous", "", {"day": order.decided_on, "previous": done_on}),)
    return tuple(
        Refusal("correcting.authority", "", {**roles, "actor": order.actor.key, "unit": case.unit_path}, case.id)
        for case in {(record.case.workflow, record.case.unit_path): record.case for record in records}.values()
        if (roles := _lacking(tx, engine, order, case, today)) is not None
    )


def _done_on(order: _Order, record: OnRecord) -> date:
    """Return the day of what is corrected: the act's, or that on which the case was opened."""
    if isinstance(order, OpeningCorrection):
        return record.events[0].occurred_on
    return next(line.event.occurred_on for line in record.lines if line.event.act_id == order.act_id)


def _lacking(tx: Tx, engine: Engine, order: _Order, case: CaseRow, today: date) -> dict[str, str] | None:
    """Return the roles of which the actor holds none for a village, None if one is held.

    It must be held on the day of the decision and today: an office that is over orders nothing by an earlier date.
    """
    workflow, path = engine.library.compiled(case.workflow).workflow, case.unit_path
    settings = engine.settings_in_force(tx, case.workflow, path)
    roles = tuple(settings.get("correction_roles", CORRECTION_ROLES))
    if all(may_order(workflow, settings, order.actor, roles, path, day) for day in (order.decided_on, today)):
        return None
    labels = [workflow.roles[role].label for role in roles if role in workflow.roles]
    return {
        "roles_vi": ", ".join(label.vi for label in labels),
        "roles_en": ", ".join(label.en for label in labels),
    }


def _requests(engine: Engine, order: Correction, asked: _Asked) -> tuple[dict[int, ActRequest], tuple[Refusal, ...]]:
    """Return the corrected act for each case, its form fitted; or the faults of the form."""
    requests: dict[int, ActRequest] = {}
    refused: list[Refusal] = []
    for record in asked.records:
        compiled = engine.library.compiled(record.case.workflow)
        line = record.lines[place_of(record, asked.act.id) or 0]
        old = line.request(compiled.workflow)
        then = record.case._replace(state=line.event.from_state)
        fitted, faults = fit_forms(compiled, [then], _changed(order, old, record.case.id))
        if not faults and _content(fitted, record.case.id) == _content(old, record.case.id):
            faults = (Refusal("correcting.nothing_changes", "", {"act": asked.act.id}, record.case.id),)
        refused += faults
        requests[record.case.id] = fitted
    return requests, tuple(refused)


def _changed(order: Correction, old: ActRequest, case_id: int) -> ActRequest:
    def merged(known: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in {**known, **given}.items() if value is not None}

    return replace(
        old,
        body=merged(old.body, order.body),
        rows={case_id: merged(old.rows[case_id], order.rows.get(case_id, {}))},
        occurred_on=order.occurred_on or old.occurred_on,
        document=order.document if order.document is not None else old.document,
    )


def _content(request: ActRequest, case_id: int) -> tuple[object, ...]:
    return request.occurred_on, request.document, dict(request.body), dict(request.rows.get(case_id, {}))


def _built_upon(engine: Engine, asked: _Asked) -> tuple[Refusal, ...]:
    """Return the cases whose last step is another one, and those that hold a certificate by it."""
    found = []
    for record in asked.records:
        workflow = engine.library.compiled(record.case.workflow).workflow
        last = [line for line in record.lines if line.event.kind in STEPS][-1].event
        if workflow.triggers[asked.act.trigger].is_timer:
            found.append(Refusal("correcting.timer", "", {"day": asked.act.occurred_on}, record.case.id))
        elif last.act_id != asked.act.id:
            label = workflow.triggers[last.trigger].label
            fields = {"act_vi": label.vi, "act_en": label.en, "day": last.occurred_on}
            found.append(Refusal("correcting.built_upon", "", fields, record.case.id))
    return tuple(found)


def _carry_out(tx: Tx, engine: Engine, asked: _Asked, requests: Mapping[int, ActRequest] | None) -> Outcome:
    stored, today = Stored(tx, engine), legal_date(asked.now)
    found: list[Restated | Refusal] = []
    for record in asked.records:
        place = place_of(record, asked.act.id)
        if place is None:
            raise fault(InputError, "correcting.gone", act=asked.act.id, case=record.case.id)
        request = None if requests is None else requests[record.case.id]
        found.append(restate(stored, record, place, request, asked.now, today))
    return _written(tx, engine, asked.order, asked.act, found, requests)


def _written(
    tx: Tx,
    engine: Engine,
    order: _Order,
    act: ActRow | None,
    found: Sequence[Restated | Refusal],
    requests: Mapping[int, ActRequest] | None,
) -> Outcome:
    """Write restated cases if nothing stands in the way of any; `act` is None where an opening was wrong."""
    refused = [each for each in found if isinstance(each, Refusal)]
    restated = [each for each in found if not isinstance(each, Refusal)]
    refused += [] if refused else obstacles(tx, engine, act, restated, requests)
    if refused:
        return _refused(order, tuple(refused))
    outcome = write(tx, engine, order, act, restated, requests)
    wrong = None if act is None else act.id
    log.info("corrected", act=wrong, by=outcome.act_id, cases=len(restated), undone=requests is None)
    return outcome


def _refused(order: _Order, refused: tuple[Refusal, ...]) -> Outcome:
    wrong = order.case_id if isinstance(order, OpeningCorrection) else order.act_id
    log.info("correction_refused", order=type(order).__name__, of=wrong, codes=sorted({each.code for each in refused}))
    return Outcome(None, (), refused)


def _order_body(order: _Order) -> dict[str, Any]:
    """Return what an idempotency key stands for."""
    said: dict[str, Any] = {
        "order": type(order).__name__,
        "actor": order.actor.key,
        "on_behalf_of": order.actor.on_behalf_of,
        "decided_on": order.decided_on.isoformat(),
        "authority": order.authority,
        "reason": order.reason,
    }
    if isinstance(order, OpeningCorrection):
        return {**said, "case": str(order.case_id), "facts": _plain(order.facts), "class_before": order.class_before}
    said["act"] = str(order.act_id)
    if isinstance(order, Undo):
        return {**said, "cases": [str(i) for i in sorted(order.case_ids)]}
    day = order.occurred_on.isoformat() if order.occurred_on else None
    rows = {str(i): _plain(row) for i, row in order.rows.items()}
    return {**said, "body": _plain(order.body), "rows": rows, "occurred_on": day, "document": order.document}


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, date) else v for k, v in values.items()}
