"""What holds of a store at every instant between two commits, asked of all of it at once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from rasoat.engine.service import act_digest
from rasoat.persistence.cases import CaseRow
from rasoat.persistence.chain import ChainHead, EventCore, StoredEvent
from rasoat.persistence.events import acts, history
from rasoat.persistence.types import instant_text
from rasoat.persistence.verification import verify_chain

if TYPE_CHECKING:
    from rasoat.engine.service import Library
    from rasoat.persistence.database import Database, Tx
    from rasoat.persistence.events import EventRow

__all__ = ["broken", "counts"]


def broken(database: Database, library: Library) -> list[str]:
    """Name everything that contradicts itself; empty if the store is whole."""
    with database.read() as tx:
        cases = _cases(tx)
        return [*_chains(tx, cases), *_deadlines(tx, cases, library), *_strays(tx), *_doubles(tx)]


def counts(database: Database) -> dict[str, int]:
    """Number of rows in every table."""
    with database.read() as tx:
        return {
            name: tx.select(select(func.count()).select_from(table))[0][0]
            for name, table in tx.tables.metadata.tables.items()
        }


def _cases(tx: Tx) -> list[CaseRow]:
    columns = [tx.tables.case.c[name] for name in CaseRow._fields]
    return [CaseRow(*row) for row in tx.select(select(*columns))]


def _chains(tx: Tx, cases: list[CaseRow]) -> list[str]:
    events: dict[int, list[EventRow]] = {case.id: [] for case in cases}
    for event in history(tx, list(events)):
        events[event.case_id].append(event)
    stored = acts(tx, sorted({e.act_id for rows in events.values() for e in rows if e.act_id is not None}))
    digests = {i: act_digest(act).hex() for i, act in stored.items()}
    kept = {i: act.digest.hex() for i, act in stored.items()}
    faults = [f"act {i}: its digest is not that of its row" for i in stored if digests[i] != kept[i]]
    for case in cases:
        rows = [StoredEvent(_core(e, kept), e.hash) for e in events[case.id]]
        found = verify_chain(rows, ChainHead(case.id, case.seq, case.head), act_digest_of=digests.get)
        faults += [f"case {case.id}: {finding}" for finding in found]
        if events[case.id] and events[case.id][-1].to_state != case.state:
            faults.append(f"case {case.id} stands in {case.state}, its last event says {events[case.id][-1].to_state}")
    return faults


def _core(event: EventRow, digests: dict[int, str]) -> EventCore:
    act = "" if event.act_id is None else digests.get(event.act_id, "")
    day, instant = event.occurred_on.isoformat(), instant_text(event.recorded_at)
    return EventCore(*event[:7], day, instant, event.actor, event.payload, act)


def _deadlines(tx: Tx, cases: list[CaseRow], library: Library) -> list[str]:
    table = tx.tables.deadline
    of_cases = table.c.closed_on.is_(None), table.c.subject == "case"
    open_rows = tx.select(select(table.c.subject_id, table.c.rule).where(*of_cases))
    running = Counter((row.subject_id, row.rule) for row in open_rows)
    wanted = Counter(
        (case.id, rule.key)
        for case in cases
        for rule in library.compiled(case.workflow).workflow.deadlines
        if case.state in rule.lives_in
    )
    faults = [f"deadline {rule} of case {i}: {n} too many" for (i, rule), n in (running - wanted).items()]
    return faults + [f"deadline {rule} of case {i}: {n} missing" for (i, rule), n in (wanted - running).items()]


def _strays(tx: Tx) -> list[str]:
    act, event, case = tx.tables.act, tx.tables.event, tx.tables.case
    alone = tx.select(select(act.c.id).where(act.c.id.not_in(select(event.c.act_id).where(event.c.act_id.isnot(None)))))
    strays = tx.select(select(event.c.case_id).where(event.c.case_id.not_in(select(case.c.id))))
    return [f"act {i} moved no case" for (i,) in alone] + [f"event of unknown case {i}" for (i,) in strays]


def _doubles(tx: Tx) -> list[str]:
    case = tx.tables.case
    query = select(case.c.household_id, func.count()).group_by(case.c.round_id, case.c.household_id)
    return [f"household {i} has {n} cases in one round" for i, n in tx.select(query) if n > 1]
