"""What a correction writes of restated cases: one act, their events, terms, papers, classes, and who must be told."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ..foundation.paths import at_level
from ..persistence import certificates
from ..persistence import deadlines as deadline_rows
from ..persistence.canonical import canonical_json
from ..persistence.cases import Advance, advance
from ..persistence.chain import EventCore, hash_events
from ..persistence.corrections import copy_rungs, set_aside, set_class_before, withdraw_certificates
from ..persistence.events import ActRow, EventRow, act_digest, insert_act, insert_events
from ..persistence.outbox import enqueue
from ..persistence.rounds import set_class
from ..persistence.types import instant_text
from .applying import breach_core
from .breaches import Entry, enter, enter_breaches
from .service import Moved, Outcome, common_path
from .tidings import breach_found, tiding
from .values import ActRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from ..persistence.database import Tx
    from ..persistence.deadlines import DeadlineRow
    from ..persistence.outbox import OutboxRow
    from .correcting import Correction, OpeningCorrection, Undo
    from .replaying import Recorded
    from .restating import Restated
    from .service import Engine

__all__ = ["write"]


def write(
    tx: Tx,
    engine: Engine,
    order: Correction | OpeningCorrection | Undo,
    act: ActRow | None,
    restated: Sequence[Restated],
    requests: Mapping[int, ActRequest] | None,
) -> Outcome:
    """Write restated cases. The caller holds their locks and owns the transaction; nothing stands in the way.

    `act` is the act that was wrong, None where the opening of a case was.
    """
    now = engine.clock.now()
    corrected = None if act is None else _corrected_act(engine, act, requests, now)
    said = _order_act(engine, order, act, corrected, restated)
    _show(tx, engine, order, act, said, restated)
    for row in (said, corrected):
        if row is not None:
            insert_act(tx, row)
    new_ids = _new_ids(engine, restated)
    numbers = _certificates(tx, said, restated)
    _write_terms(tx, said, restated, new_ids)
    told = _write_events(tx, said, act, corrected, restated, new_ids, numbers)
    set_class_before(tx, [_brought(each) for each in restated if each.case.class_before != each.new.case.class_before])
    set_class(tx, [pair for each in restated if (pair := _class_of(each)) is not None])
    enqueue(tx, [*told, *_handed_over(engine, said, restated)])
    moved = sorted((Moved(e.case.id, e.case.state, e.new.case.state) for e in restated), key=lambda m: m.case_id)
    return Outcome(said.id, tuple(moved), ())


def _show(
    tx: Tx,
    engine: Engine,
    order: Correction | OpeningCorrection | Undo,
    act: ActRow | None,
    said: ActRow,
    restated: Sequence[Restated],
) -> None:
    """Show a host's hooks the order as an act of its own, with the steps that take the place of what it takes back."""
    if not engine.observers:
        return
    cases = tuple(each.case.id for each in restated)
    wrong = {"act": act.id} if act is not None else {"opening": dict(restated[0].opening)}
    body = {**wrong, "reason": order.reason}
    request = ActRequest(said.trigger, cases, order.decided_on, order.actor, body, document=order.authority)
    steps = [recorded.step for each in restated for recorded in each.steps]
    for observer in engine.observers:
        observer(tx, request, steps)


def _corrected_act(
    engine: Engine, act: ActRow, requests: Mapping[int, ActRequest] | None, now: datetime
) -> ActRow | None:
    """Return the act with its corrected values, a row of its own; None if only households' own parts change."""
    if not requests:
        return None
    request = next(iter(requests.values()))
    body = canonical_json(dict(request.body)).decode()
    if (body, request.occurred_on, request.document) == (act.body, act.occurred_on, act.document):
        return None
    row = act._replace(
        id=engine.ids.take(1)[0],
        occurred_on=request.occurred_on,
        recorded_at=now,
        document=request.document,
        body=body,
        digest=b"",
    )
    return row._replace(digest=act_digest(row))


def _order_act(
    engine: Engine,
    order: Correction | OpeningCorrection | Undo,
    act: ActRow | None,
    corrected: ActRow | None,
    restated: Sequence[Restated],
) -> ActRow:
    path = common_path([each.case.unit_path for each in restated])
    mandates = [m for m in order.actor.mandates if m.covers(m.role, path, order.decided_on)]
    body = {**_wrong(act, corrected, restated[0]), "reason": order.reason}
    row = ActRow(
        id=engine.ids.take(1)[0],
        trigger=order.trigger,
        form="correction",
        unit_path=path,
        occurred_on=order.decided_on,
        recorded_at=engine.clock.now(),
        actor=order.actor.key,
        role=mandates[0].role if mandates else order.actor.mandates[0].role,
        on_behalf_of=order.actor.on_behalf_of,
        document=order.authority,
        body=canonical_json(body).decode(),
        digest=b"",
    )
    return row._replace(digest=act_digest(row))


def _wrong(act: ActRow | None, corrected: ActRow | None, each: Restated) -> dict[str, Any]:
    """Return what was wrong and what holds instead: an act and its corrected version, or what a case brought."""
    said: dict[str, Any] = {
        "act": None if act is None else str(act.id),
        "corrected": None if corrected is None else str(corrected.id),
    }
    return said if act is not None else {**said, "opening": each.opening}


def _new_ids(engine: Engine, restated: Sequence[Restated]) -> dict[tuple[int, str, int], int]:
    """Return an id for each term that is inserted: by case, rule and the event that opened it."""
    keys = [(each.case.id, life.rule, life.opened_seq) for each in restated for life, _ in each.terms.inserted]
    return dict(zip(keys, engine.ids.take(len(keys)), strict=True))


def _certificates(tx: Tx, said: ActRow, restated: Sequence[Restated]) -> Mapping[int, str]:
    """Withdraw certificates that no longer say what holds, issue new ones; return each case's number from now on."""
    numbers = certificates.of_cases(tx, [each.case.id for each in restated])
    changed = [e for e in restated if e.facts_before.get("certified") != e.facts_after.get("certified")]
    withdrawn = [each.case.id for each in changed if each.case.id in numbers]
    withdraw_certificates(tx, withdrawn, said.occurred_on)
    kept = {case_id: number for case_id, number in numbers.items() if case_id not in withdrawn}
    asked = [
        (each.case.id, each.case.unit_path, str(each.facts_after["certified"]), style)
        for each in changed
        if each.facts_after.get("certified") and (style := _style(each)) is not None
    ]
    for style in sorted({style for *_, style in asked}):
        mine = [each[:3] for each in asked if each[3] == style]
        kept |= certificates.issue(tx, mine, style, said.occurred_on, said.id)
    return kept


def _style(each: Restated) -> str | None:
    effects = (use for recorded in each.steps for use in recorded.step.transition.effects)
    return next((use.params["style"] for use in effects if use.name == "certify"), None)


def _write_events(
    tx: Tx,
    said: ActRow,
    act: ActRow | None,
    corrected: ActRow | None,
    restated: Sequence[Restated],
    new_ids: Mapping[tuple[int, str, int], int],
    numbers: Mapping[int, str],
) -> list[OutboxRow]:
    """Append the events of every case and let the cases stand where they lead; return what must be told of breaches."""
    stamp = instant_text(said.recorded_at)
    cores: list[tuple[EventCore, date]] = []
    late: list[tuple[Any, DeadlineRow]] = []
    for each in restated:
        cores.append((_correction_core(each, said, act, corrected, stamp), said.occurred_on))
        for recorded in each.steps:
            breached = [_numbered(row, new_ids) for row in recorded.breached]
            late += [(each.new.world.compiled(row.workflow).workflow.deadline(row.rule), row) for row in breached]
            day = recorded.request.occurred_on
            cores += [(core, day) for core in _breach_cores(recorded, breached, said, stamp)]
            cores.append((_step_core(recorded, said, act, corrected, stamp, numbers), day))
    hashes = hash_events({each.case.id: each.case.head for each in restated}, [core for core, _ in cores])
    heads = {core.case_id: digest for (core, _), digest in zip(cores, hashes, strict=True)}
    advance(tx, [_advanced(each, heads[each.case.id]) for each in restated])
    rows = [
        EventRow(*core[:7], day, said.recorded_at, core.actor, core.payload, digest)
        for (core, day), digest in zip(cores, hashes, strict=True)
    ]
    insert_events(tx, rows)
    enter_breaches(tx, [row for _, row in late], said.recorded_at, said.actor, "correction")
    return breach_found(late, said.recorded_at)


def _correction_core(
    each: Restated, said: ActRow, act: ActRow | None, corrected: ActRow | None, stamp: str
) -> EventCore:
    payload = {**_wrong(act, corrected, each), "from_seq": each.from_seq}
    return EventCore(
        each.case.id, each.case.seq + 1, "correction", said.trigger, each.case.state, each.base.state, said.id,
        said.occurred_on.isoformat(), stamp, said.actor, canonical_json(payload).decode(), said.digest.hex(),
    )  # fmt: skip


def _breach_cores(recorded: Recorded, breached: Sequence[DeadlineRow], said: ActRow, stamp: str) -> list[EventCore]:
    day, state = recorded.request.occurred_on.isoformat(), recorded.step.case.state
    first = recorded.seq - len(breached)
    return [breach_core(row, state, first + i, day, stamp, said.actor) for i, row in enumerate(breached)]


def _step_core(
    recorded: Recorded,
    said: ActRow,
    act: ActRow | None,
    corrected: ActRow | None,
    stamp: str,
    numbers: Mapping[int, str],
) -> EventCore:
    step, behind = recorded.step, recorded.line.act if recorded.line else None
    if behind is not None and act is not None and behind.id == act.id and corrected is not None:
        behind = corrected
    case_id = step.case.id
    own = dict(recorded.request.rows.get(case_id, {}))
    if case_id in numbers and any(use.name == "certify" for use in step.transition.effects):
        own["certificate"] = numbers[case_id]
    return EventCore(
        case_id, recorded.seq, "restated", recorded.request.trigger, step.case.state, step.transition.target,
        None if behind is None else behind.id, recorded.request.occurred_on.isoformat(), stamp, said.actor,
        canonical_json(own).decode() if own else "", "" if behind is None else behind.digest.hex(),
    )  # fmt: skip


def _advanced(each: Restated, head: bytes) -> Advance:
    case = each.new.case
    seq = max(case.seq, each.case.seq + 1)
    return Advance(case.state, seq, case.last_on, case.class_after, case.facts, head, case.id, each.case.seq)


def _numbered(row: DeadlineRow, new_ids: Mapping[tuple[int, str, int], int]) -> DeadlineRow:
    return row._replace(id=new_ids.get((row.subject_id, row.rule, row.opened_seq), row.id))


def _write_terms(
    tx: Tx, said: ActRow, restated: Sequence[Restated], new_ids: Mapping[tuple[int, str, int], int]
) -> None:
    day = said.occurred_on
    deadline_rows.close(tx, [closing for each in restated for closing in each.terms.closings])
    aside = [row for each in restated for row in each.terms.aside]
    inserted = [(_numbered(life, new_ids), before) for each in restated for life, before in each.terms.inserted]
    set_aside(tx, day, [row.id for row in aside])
    deadline_rows.insert_deadlines(tx, [life for life, _ in inserted])
    copy_rungs(tx, {before.id: life.id for life, before in inserted if before is not None})
    successors = {before.id: str(life.id) for life, before in inserted if before is not None}
    lines = [Entry(row.id, "corrected", day, {**_as_it_was(row), "by": successors.get(row.id)}) for row in aside]
    enter(tx, lines, said.recorded_at, said.actor, said.document or "")


def _as_it_was(row: DeadlineRow) -> dict[str, Any]:
    return {
        "old_status": row.status,
        "old_closed_on": row.closed_on.isoformat() if row.closed_on else None,
        "old_due_on": row.due_on.isoformat(),
        "old_cause": row.cause,
    }


def _class_of(each: Restated) -> tuple[str, int] | None:
    """Return the class the household has from now on, None if the correction leaves it as it is."""
    before, after = each.facts_before.get("settled_class"), each.facts_after.get("settled_class")
    return None if before == after else (str(after or each.new.case.class_before), each.case.household_id)


def _brought(each: Restated) -> tuple[str, int]:
    return each.new.case.class_before, each.case.id


def _handed_over(engine: Engine, said: ActRow, restated: Sequence[Restated]) -> list[OutboxRow]:
    """Tell the office on whose desk cases lie from now on, once per round, village and state."""
    counts: Counter[tuple[int, str, str, str]] = Counter(
        (each.case.round_id, each.case.unit_path, each.new.case.state, each.case.workflow)
        for each in restated
        if each.new.case.state != each.case.state
    )
    found = []
    for (round_id, path, state, workflow_id), count in counts.items():
        workflow = engine.library.compiled(workflow_id).workflow
        desk = workflow.states[state].desk
        if desk:
            data = {"workflow": workflow_id, "state": state, "count": count, "round": str(round_id)}
            office = at_level(path, workflow.roles[desk].level)
            subject = f"{round_id}:{path}:{state}:{said.id}"
            found.append(tiding("act_waiting", "info", desk, office, path, subject, data, said.recorded_at))
    return found
