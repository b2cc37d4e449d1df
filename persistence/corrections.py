"""What a correction asks and writes beside acts and events: whom an act moved, terms and certificates set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, insert, literal_column, null, select, update

from .historical import in_force
from .statements import in_ids, keyed_update

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from .database import Tx
    from .events import ActRow
    from .statements import Given
    from .tables import Tables

__all__ = [
    "Passed",
    "cases_of_act",
    "copy_rungs",
    "later_cases",
    "passed_by_others",
    "set_aside",
    "set_class_before",
    "withdraw_certificates",
]


class Passed(NamedTuple):
    """An act by which other cases of a round went on: its trigger, its day, and the village of those cases."""

    trigger: str
    occurred_on: date
    unit_path: str
    workflow: str


def cases_of_act(tx: Tx, act: ActRow) -> list[int]:
    """Return the cases that an act moved when it was entered, in id order."""
    event = tx.tables.event.c
    query = select(event.case_id).where(event.recorded_at == act.recorded_at, event.act_id == act.id)
    return sorted({case_id for (case_id,) in tx.select(query)})


def passed_by_others(
    tx: Tx, round_id: int, triggers: Sequence[str], since: date, leaving_out: Sequence[int]
) -> list[Passed]:
    """Return the acts under `triggers` since a day that moved other cases of the round and still count."""
    event, case = tx.tables.event, tx.tables.case
    query = (
        select(event.c.trigger, event.c.occurred_on, case.c.unit_path, case.c.workflow)
        .join_from(event, case, case.c.id == event.c.case_id)
        .where(case.c.round_id == round_id, ~in_ids(case.c.id, "ids"))
        .where(event.c.trigger.in_(triggers), event.c.kind.in_(("step", "restated")), event.c.occurred_on >= since)
        .where(in_force(tx, event))
        .distinct()
        .order_by(event.c.occurred_on, event.c.trigger, case.c.unit_path)
    )
    return [Passed(*row) for row in tx.select(query, {"ids": tx.ids(leaving_out)})]


def later_cases(tx: Tx, cases: Mapping[int, int]) -> dict[int, int]:
    """Return the first later case of each household that has one: `cases` gives household id → case id."""
    case = tx.tables.case.c
    query = select(case.household_id, case.id).where(in_ids(case.household_id, "ids")).order_by(case.id.desc())
    rows = tx.select(query, {"ids": tx.ids(sorted(cases))})
    return {row.household_id: row.id for row in rows if row.id > cases[row.household_id]}


def _setting_aside(tables: Tables, given: Given) -> Any:
    d = tables.deadline.c
    values = {
        "status": literal_column("'superseded'"),
        "closed_on": func.coalesce(d.closed_on, given("closed_on_", d.closed_on)),
        "cause": literal_column("'corrected'"),
        "next_at": null(),
    }
    return update(tables.deadline).values(values).where(d.id == given("id_", d.id))


_SET_ASIDE = keyed_update("set deadlines aside", ("closed_on_", "id_"), _setting_aside)


def set_aside(tx: Tx, on: date, deadline_ids: Sequence[int]) -> None:
    """Mark terms, running or over, as superseded by a correction of `on`; a breach on record stays with them."""
    tx.many(_SET_ASIDE, [(tx.day(on), i) for i in deadline_ids])


def _setting_class_before(tables: Tables, given: Given) -> Any:
    case = tables.case.c
    values = {"class_before": given("class_before_", case.class_before)}
    return update(tables.case).values(values).where(case.id == given("id_", case.id))


_SET_CLASS_BEFORE = keyed_update("set classes before", ("class_before_", "id_"), _setting_class_before)


def set_class_before(tx: Tx, rows: Sequence[tuple[str, int]]) -> None:
    """Set the class from which cases were opened: (class, case id)."""
    tx.many(_SET_CLASS_BEFORE, rows)


def copy_rungs(tx: Tx, pairs: Mapping[int, int]) -> None:
    """Let terms that take the place of others (old id → new id) be told of no more than those were not."""
    if not pairs:
        return
    rung = tx.tables.rung
    query = select(rung).where(in_ids(rung.c.deadline_id, "ids"))
    rows = [row._asdict() for row in tx.select(query, {"ids": tx.ids(sorted(pairs))})]
    if rows:
        tx.execute(insert(rung), [{**row, "deadline_id": pairs[row["deadline_id"]]} for row in rows])


def withdraw_certificates(tx: Tx, case_ids: Sequence[int], on: date) -> int:
    """Mark the certificates in force of some cases as withdrawn; none is deleted and no number is given again."""
    certificate = tx.tables.certificate
    query = update(certificate).where(certificate.c.case_id.in_(case_ids), certificate.c.withdrawn_on.is_(None))
    return tx.execute(query.values(withdrawn_on=on)) if case_ids else 0
