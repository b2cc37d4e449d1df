"""Running cases that go on in another village, or under their commune's new code: one event a case, terms and all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..foundation.logs import Log
from ..persistence.canonical import canonical_json
from ..persistence.chain import EventCore, hash_events
from ..persistence.deadlines import open_of
from ..persistence.events import EventRow, insert_events
from ..persistence.moves import Rehomed, Remade, rehome, remake
from ..persistence.types import instant_text
from .terms import owner_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..persistence.cases import CaseRow
    from ..persistence.database import Tx
    from ..persistence.deadlines import DeadlineRow
    from .people import HouseholdOrder
    from .service import Engine

__all__ = ["relocate"]

log = Log("rasoat.engine")


def relocate(
    tx: Tx,
    engine: Engine,
    cases: Sequence[CaseRow],
    path_of: Callable[[str], str],
    *,
    how: str,
    order: HouseholdOrder,
) -> int:
    """Let locked cases lie where `path_of` says of their present path; return how many moved.

    `how` is ``move`` (the household went to another village) or ``recode`` (its commune got another code).
    """
    moving = [(case, path_of(case.unit_path)) for case in cases]
    moving = [(case, path) for case, path in moving if path != case.unit_path]
    now = engine.clock.now()
    cores = [_core(case, path, how, order, instant_text(now)) for case, path in moving]
    hashes = hash_events({case.id: case.head for case, _ in moving}, cores)
    rehome(
        tx,
        [
            Rehomed(case.workflow, path, case.state, case.seq + 1, case.last_on, digest, case.id, case.seq)
            for (case, path), digest in zip(moving, hashes, strict=True)
        ],
    )
    insert_events(
        tx,
        [
            EventRow(*core[:7], order.on, now, order.actor.key, core.payload, digest)
            for core, digest in zip(cores, hashes, strict=True)
        ],
    )
    paths = {case.id: path for case, path in moving}
    rows = [row for rows in open_of(tx, list(paths)).values() for row in rows]
    remake(tx, [_remade(engine, row, paths[row.subject_id]) for row in rows])
    log.info("cases_relocated", how=how, count=len(moving))
    return len(moving)


def _core(case: CaseRow, path: str, how: str, order: HouseholdOrder, stamp: str) -> EventCore:
    payload = {"unit_from": case.unit_path, "unit_to": path, "document": order.document}
    if order.actor.on_behalf_of is not None:
        payload["on_behalf_of"] = order.actor.on_behalf_of
    return EventCore(
        case.id, case.seq + 1, "moved", how, case.state, case.state, None,
        order.on.isoformat(), stamp, order.actor.key, canonical_json(payload).decode(), "",
    )  # fmt: skip


def _remade(engine: Engine, row: DeadlineRow, path: str) -> Remade:
    workflow = engine.library.compiled(row.workflow).workflow
    return Remade(
        row.workflow, path, row.owner_role, owner_path(workflow.deadline(row.rule), workflow, path), row.length,
        row.unit, row.calendar, row.due_on, row.due_at, row.next_at, row.provisional, row.id,
    )  # fmt: skip
