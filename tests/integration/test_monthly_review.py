"""A monthly round through the database and the worker: two clocks, a re-check, and why the decision came late."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest
from sqlalchemy import select

from rasoat.deadlines.releases import calendar
from rasoat.engine.checking.simulating import everyone
from rasoat.engine.service import CaseOpening, Engine
from rasoat.engine.timers import run_due
from rasoat.engine.values import ActRequest
from rasoat.foundation.clock import LEGAL_ZONE, FrozenClock, end_of
from rasoat.foundation.ids import CountingIds
from rasoat.persistence.database import Database
from rasoat.persistence.migrating import upgrade
from rasoat.persistence.rounds import RoundRow, insert_round
from tests.support.cases import MINUTES, POSTED, library, survey_row

ROUND = date(2026, 9, 15)
COMMUNE, VILLAGE = "01/18766", "01/18766/01"


@pytest.fixture
def office(database_url):
    database = Database.open(database_url)
    upgrade(database)
    found = Office(database)
    yield found
    database.dispose()


class Office:
    """A commune office whose worker runs before each act, as it would."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = FrozenClock(datetime.combine(date(2026, 9, 1), time(8), LEGAL_ZONE))
        self.engine = Engine(
            library(), lambda day, unit: calendar(as_known_on=day, unit=unit), self.clock, CountingIds()
        )
        self.actor = everyone(library().workflow("monthly-entry@2025"))

    def open(self, *classes: str) -> list[int]:
        row = RoundRow(1, "R1", "monthly-entry@2025", COMMUNE, ROUND, None, None, self.clock.now())
        openings = [CaseOpening(n, VILLAGE, before, date(2026, 9, 1), {}) for n, before in enumerate(classes, start=1)]
        with self.database.begin() as tx:
            insert_round(tx, row)
            return self.engine.open_cases(tx, 1, openings)

    def does(self, trigger: str, day: date, ids: list[int], body=None, row=None) -> None:
        self.until(datetime.combine(day, time(15), LEGAL_ZONE))
        rows = dict.fromkeys(ids, row) if row else {}
        with self.database.begin() as tx:
            outcome = self.engine.fire_many(tx, ActRequest(trigger, tuple(ids), day, self.actor, body or {}, rows))
        assert outcome.ok, [(r.code, dict(r.fields)) for r in outcome.refused]

    def until(self, instant: datetime) -> None:
        self.clock.move_to(instant)
        run_due(self.database, self.engine)

    def deadlines(self, case_id: int) -> dict[str, tuple]:
        table = self.database.tables.deadline
        query = select(table.c.rule, table.c.due_on, table.c.status, table.c.cause).where(table.c.subject_id == case_id)
        with self.database.read() as tx:
            return {row.rule: (str(row.due_on)[:10], row.status, row.cause) for row in tx.select(query, {})}


def test_a_decision_after_a_re_check_is_late_because_of_the_re_check(office):
    contested, plain = office.open("none", "none")
    both = [contested, plain]
    office.does("receive", date(2026, 9, 10), both, {"number": "12"})
    office.does("screen", date(2026, 9, 16), both, row={"signs": 2})
    office.does("survey", date(2026, 9, 16), both, row=survey_row())
    office.does("meet", date(2026, 9, 17), both, MINUTES)
    office.does("post", date(2026, 9, 18), both, POSTED)
    office.does("complain", date(2026, 9, 23), [contested], {"subject_code": "income"})
    office.does("summarise", date(2026, 9, 24), [plain])
    office.does("recognise", date(2026, 9, 25), [plain], {"number": "88/QĐ-UBND"})
    office.does("survey", date(2026, 9, 28), [contested], row=survey_row(surveyor="RSV-2"))
    office.does("meet", date(2026, 10, 1), [contested], MINUTES)
    office.does("post", date(2026, 10, 2), [contested], POSTED)
    office.until(end_of(date(2026, 10, 7)))
    office.does("summarise", date(2026, 10, 8), [contested])
    office.does("recognise", date(2026, 10, 8), [contested], {"number": "91/QĐ-UBND"})

    assert office.deadlines(plain)["decision"] == ("2026-09-30", "met", None)
    assert office.deadlines(plain)["receipt"] == ("2026-09-25", "met", None)
    late = office.deadlines(contested)
    assert late["decision"] == ("2026-09-30", "met_late", "recheck")
    assert late["recheck"] == ("2026-10-02", "met", None)
    assert late["reposting"] == ("2026-10-07", "met", None)
    assert late["posting"][1] == "cancelled"
    assert late["receipt"][1:] == ("met_late", "waiting_for_round")


def test_a_decision_that_is_late_for_no_reason_of_the_law_is_plainly_late(office):
    (case,) = office.open("none")
    office.does("receive", date(2026, 9, 14), [case], {"number": "12"})
    office.does("screen", date(2026, 9, 16), [case], row={"signs": 2})
    office.does("survey", date(2026, 9, 16), [case], row=survey_row(150, 0))
    office.does("meet", date(2026, 9, 17), [case], MINUTES)
    office.does("post", date(2026, 9, 18), [case], POSTED)
    office.until(end_of(date(2026, 9, 23)))
    office.does("summarise", date(2026, 9, 24), [case])
    office.does("refuse", date(2026, 10, 1), [case], {"number": "9/UBND", "reason": "không đạt chuẩn"})
    assert office.deadlines(case)["decision"] == ("2026-09-30", "met_late", None)
