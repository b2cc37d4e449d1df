"""What is written beside a change of a household: its lineage, and in the chains of its running cases that it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..foundation.errors import InputError
from ..persistence.cases import lock
from ..persistence.lineage import LineageRow, cases_of_households, insert_lineage
from .chaining import Note, note
from .definition import StateKind
from .values import ActRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..persistence.database import Tx
    from ..persistence.rounds import HouseholdRow
    from .people import HouseholdOrder
    from .service import Engine

__all__ = ["keep", "note_running", "running", "withdraw"]


def keep(
    tx: Tx,
    engine: Engine,
    order: HouseholdOrder,
    kind: str,
    changes: Sequence[tuple[HouseholdRow, HouseholdRow, int | None]],
) -> None:
    """Append to the lineage what became of households, and for whom: (before, after, the other one concerned)."""
    now = engine.clock.now()
    insert_lineage(
        tx,
        [
            LineageRow(
                new_id, after.id, kind, other, before.code, after.code, before.unit_path, after.unit_path,
                order.on, now, order.actor.key, order.document, order.actor.on_behalf_of, before.area, after.area,
            )
            for new_id, (before, after, other) in zip(engine.ids.take(len(changes)), changes, strict=True)
        ],
    )  # fmt: skip


def running(tx: Tx, engine: Engine, household_ids: Sequence[int]) -> list[int]:
    """Return the cases of some households that have not ended."""
    return [
        case_id
        for case_id, workflow, state in cases_of_households(tx, household_ids)
        if engine.library.compiled(workflow).workflow.state(state).kind is not StateKind.END
    ]


def note_running(
    tx: Tx, engine: Engine, order: HouseholdOrder, row: HouseholdRow, what: str, **said: str
) -> tuple[int, ...]:
    """Say in the chains of a household's running cases what happened to it, and for whom it was entered; they go on."""
    found = running(tx, engine, [row.id])
    told = {**said, "document": order.document}
    if order.actor.on_behalf_of is not None:
        told["on_behalf_of"] = order.actor.on_behalf_of
    notes = [Note(case_id, "household", what, order.on, told) for case_id in found]
    note(tx, lock(tx, found), notes, order.actor.key, engine.clock.now())
    return tuple(found)


def withdraw(tx: Tx, engine: Engine, order: HouseholdOrder, row: HouseholdRow, reason: str) -> tuple[int, ...]:
    """Withdraw a household's running cases from their rounds; `InputError` says why one cannot be."""
    found = running(tx, engine, [row.id])
    for case_id in found:
        rows = {case_id: {"reason": reason}}
        request = ActRequest("withdraw", (case_id,), order.on, order.actor, rows=rows, document=order.document)
        outcome = engine.fire_many(tx, request)
        if not outcome.ok:
            why = outcome.refused[0].reason
            msg = f"household {row.code}: its running case {case_id} cannot be withdrawn from its round: {why.en}"
            raise InputError(msg, vi=f"hộ {row.code}: không rút được hồ sơ đang chạy {case_id} khỏi đợt: {why.vi}")
    return tuple(found)
