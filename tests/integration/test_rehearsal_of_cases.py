"""A recorded round under another definition, calendar or setting: the report names what differs, nothing is written."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest
from sqlalchemy import select

from rasoat.deadlines.calendar import Calendar, DayFact, DayKind
from rasoat.deadlines.releases import calendar
from rasoat.engine.migrating import settled
from rasoat.engine.moving import Migration
from rasoat.engine.rehearsing import Difference, Under, rehearse
from rasoat.foundation.messages import Text
from rasoat.workflows.migrations import shipped_migrations
from tests.support.regimes import JuneRound


@pytest.fixture
def june(database_url, tmp_path):
    started = JuneRound.open(database_url, tmp_path)
    yield started
    started.engine.close()


def rehearsed(june, **under):
    with june.engine.database.read() as tx:
        return rehearse(tx, june.engine.engine, june.ids(), Under(**under))


def everything(june):
    with june.engine.database.read() as tx:
        tables = june.engine.database.tables.metadata.sorted_tables
        return {table.name: sorted(map(repr, tx.select(select(table)))) for table in tables}


def test_under_what_was_in_force_nothing_differs(june):
    june.whole()
    found = rehearsed(june)
    assert found.differences == []
    assert (found.cases, found.unchanged, found.left_out) == (len(june.ids()), len(june.ids()), {})


def test_a_rehearsal_writes_nothing(june):
    june.whole()
    before = everything(june)
    rehearsed(june, workflow="annual@2025")
    assert everything(june) == before


def test_under_the_definition_of_2025_only_the_desk_of_the_opinion_differs(june):
    june.whole()
    kinds = Counter(d.kind for d in rehearsed(june, workflow="annual@2025").differences)
    assert kinds == {"owner": len(june.ids())}
    assert {d[2:] for d in rehearsed(june, workflow="annual@2025").differences} == {
        ("opinion", "superior_chair@42/446", "superior_chair@42")
    }


def holiday(day):
    """The calendar as it was, with one more day off."""
    known = calendar(as_known_on=date(2025, 6, 1))
    facts = {fact.day: fact for fact in known.special_days()}
    facts[day] = DayFact(day, DayKind.HOLIDAY, Text("nghỉ", "off"), None, None, "rehearsal", "INFERRED")
    span = {"first_day": known.first_day, "last_day": known.last_day, "confirmed_through": known.confirmed_through}
    return Calendar("rehearsed", facts, **span)


def test_under_a_calendar_with_one_more_day_off_postings_end_later(june):
    june.whole()
    found = rehearsed(june, calendar=holiday(date(2025, 6, 16)))
    due = {d[2:] for d in found.differences if d.kind == "due" and d.what == "posting"}
    assert due == {("posting", "2025-06-17", "2025-06-18")}
    complaining = june.ids(1)[0]
    assert Difference(complaining, "due", "recheck", "2025-06-24", "2025-06-25") in found.differences


def test_a_last_day_that_moves_past_the_next_act_refuses_it_once_for_each_case(june):
    june.whole()
    found = rehearsed(june, calendar=holiday(date(2025, 6, 23)))
    refused = [d for d in found.differences if d.kind == "refused"]
    assert [(d.case_id, d.what) for d in refused if d.case_id == june.ids(1)[0]] == [(june.ids(1)[0], "summarise")]
    assert len({d.case_id for d in refused}) == len(refused)


def test_a_setting_can_be_rehearsed(june):
    """Had the share been counted by households, the minutes lacked what to count."""
    june.whole()
    found = rehearsed(june, settings={"agreement_base": "households"})
    assert {(d.kind, d.what, d.rehearsed) for d in found.differences if d.kind == "refused"} == {
        ("refused", "meet", "refused.votes_missing")
    }
    assert found.unchanged == 0


def test_cases_that_were_moved_meanwhile_are_left_out_and_named(june):
    june.to_posted(june.ids(), date(2025, 6, 20))
    june.to_settled(date(2025, 6, 26))
    june.move_to(date(2025, 7, 1), 9)
    plan = settled(shipped_migrations()["2025-07-01.annual"], {})
    Migration(june.engine.database, june.engine.engine, plan).apply("admin")
    found = rehearsed(june)
    assert found.left_out == dict.fromkeys(june.ids(), "migration")
    assert found.cases == 0


def test_the_summary_counts_equal_differences_together(june):
    june.whole()
    found = rehearsed(june, workflow="annual@2025")
    assert found.summary() == {("owner", "opinion", "superior_chair@42/446", "superior_chair@42"): len(june.ids())}
