"""Caseloads that stand anywhere in a season: cases with open terms, put there without walking every step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rasoat.engine.service import CaseOpening
from rasoat.engine.terms import compute, owner_path
from rasoat.persistence.deadlines import DeadlineRow, insert_deadlines
from rasoat.persistence.rounds import RoundRow, insert_round

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from rasoat.deadlines.calendar import Calendar
    from tests.support.reviews import Review

__all__ = ["open_terms"]

_STATE = {"posting": "posted", "recheck": "recheck", "opinion": "awaiting_opinion", "reposting": "reposted"}


def open_terms(
    review: Review, calendar: Calendar, terms: Iterable[tuple[str, str, date]], *, workflow: str = "annual@2022"
) -> list[DeadlineRow]:
    """Open one case for each (village path, rule, start), in the state in which that term runs on `calendar`."""
    rules = {rule.key: rule for rule in review.engine.library.compiled(workflow).workflow.deadlines}
    given = list(terms)
    with review.database.begin() as tx:
        round_id = review.engine.ids.take(1)[0]
        commune = given[0][0].rpartition("/")[0]
        insert_round(
            tx, RoundRow(round_id, f"R{round_id}", workflow, commune, given[0][2], None, None, review.clock.now())
        )
        openings = [
            CaseOpening(i, path, "poor", start, {"origin": "managed"}) for i, (path, _, start) in enumerate(given)
        ]
        cases = review.engine.open_cases(tx, round_id, openings)
        rows = list(_rows(review, calendar, round_id, cases, given, rules, workflow))
        insert_deadlines(tx, rows)
        case = tx.tables.case
        for rule in {rule for _, rule, _ in given}:
            mine = [i for i, (_, key, _) in zip(cases, given, strict=True) if key == rule]
            for first in range(0, len(mine), 500):
                chunk = mine[first : first + 500]
                tx.execute(case.update().where(case.c.id.in_(chunk)).values(state=_STATE[rule]))
    return rows


def _rows(review, calendar, round_id, cases, given, rules, workflow) -> Iterator[DeadlineRow]:
    definition = review.engine.library.compiled(workflow).workflow
    computed = {(rule, start): compute(rules[rule], start, calendar) for _, rule, start in set(given)}
    ids = review.engine.ids.take(len(given))
    for new_id, case_id, (path, key, start) in zip(ids, cases, given, strict=True):
        rule, due = rules[key], computed[key, start]
        yield DeadlineRow(
            id=new_id, subject="case", subject_id=case_id, round_id=round_id, unit_path=path, workflow=workflow,
            rule=key, kind=rule.kind.value, owner_role=rule.owner, owner_path=owner_path(rule, definition, path),
            started_on=start, length=rule.term.length, unit=rule.term.unit.value, calendar=calendar.key,
            due_on=due.due_on, due_at=due.due_at, next_at=due.next_at, status="open", provisional=due.provisional,
            opened_seq=1, breached_at=None, closed_on=None, cause=None,
        )  # fmt: skip
