"""A recorded round under another definition, calendar or setting: the report names what differs, nothing is written."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest
from sqlalchemy import select

from rasoat import Actor, Correction, HouseholdOrder, Mandate
from rasoat.deadlines.calendar import Calendar, DayFact, DayKind
from rasoat.deadlines.releases import calendar
from rasoat.engine.rehearsing import Difference, Under, rehearse
from rasoat.foundation.messages import Text
from tests.support.regimes import MINUTES, OLD, JuneRound


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
    assert found.differences == ()
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


def migrate(june, **answers):
    june.move_to(date(2025, 7, 1), 9)
    june.engine.migrate("2025-07-01.annual", actor="admin", answers=answers)


def test_cases_that_were_migrated_meanwhile_are_replayed_under_the_one_definition(june):
    """Begun under the district, decided under the province: nothing differs under the definition of 2025."""
    june.to_posted(june.ids(), date(2025, 6, 20))
    june.to_settled(date(2025, 6, 26))
    migrate(june)
    june.to_reported(june.ids(), date(2025, 7, 2))
    june.to_decided(june.ids(), date(2025, 7, 3), date(2025, 7, 7), date(2025, 7, 8))
    found = rehearsed(june)
    assert (found.cases, found.left_out, found.differences) == (len(june.ids()), {}, ())
    under_the_district = rehearsed(june, workflow="annual@2022")
    assert {d[1:] for d in under_the_district.differences} == {
        ("owner", "opinion", "superior_chair@42", "superior_chair@42/446")
    }


def test_a_case_that_a_migration_put_back_is_left_out_with_the_reason(june):
    june.to_posted(june.ids(), date(2025, 6, 20))
    june.to_settled(date(2025, 6, 26))
    june.to_reported(june.ids(), date(2025, 6, 27))
    migrate(june, pending_at_district="report_again")
    found = rehearsed(june)
    assert found.cases == 0
    assert set(found.left_out) == set(june.ids())
    assert "put it back from “reported” to “summarised”" in found.left_out[june.ids()[0]].en


def test_a_corrected_act_is_replayed_as_corrected_in_the_place_of_the_wrong_one(june):
    june.whole()
    ids = june.ids(2)
    (posted,) = [e for e in june.engine.case(ids[0]).events if e.trigger == "post"]
    chair = Actor("ct", (Mandate("commune_chair", OLD),))
    said = {"decided_on": date(2025, 6, 30), "authority": "80/QĐ-UBND", "reason": "nhập nhầm ngày"}
    order = Correction(posted.act_id, chair, **said, occurred_on=date(2025, 6, 11))
    outcome = june.engine.correct(order)
    assert outcome.ok, outcome.refused
    assert {e.kind for e in june.engine.case(ids[0]).events} >= {"correction", "restated"}
    found = rehearsed(june)
    assert (found.cases, found.left_out, found.differences) == (len(june.ids()), {}, ())
    later = rehearsed(june, calendar=holiday(date(2025, 6, 16)))
    moved = {(d.recorded, d.rehearsed) for d in later.differences if (d.case_id, d.kind) == (ids[0], "due")}
    assert moved == {("2025-06-16", "2025-06-17")}


def test_a_household_that_moved_meanwhile_is_replayed_in_the_village_where_it_was(june):
    """Still unscored when it came, it would have held up the meeting that its new village had held before."""
    late, ids = june.cases["H1-1"], june.ids()
    june.must("list_managed", date(2025, 6, 3), ids)
    june.must("survey", date(2025, 6, 5), [i for i in ids if i != late])
    june.must("meet", date(2025, 6, 9), june.ids(2), MINUTES)
    june.move_to(date(2025, 6, 10), 9)
    official = Actor("ct", (Mandate("commune_chair", OLD),))
    june.engine.move_household(HouseholdOrder(official, date(2025, 6, 10), "01/XN"), "H1-1", f"{OLD}/02")
    june.must("survey", date(2025, 6, 11), [late])
    found = rehearsed(june)
    assert (found.cases, found.left_out, found.differences) == (len(ids), {}, ())


def test_the_summary_counts_equal_differences_together(june):
    june.whole()
    found = rehearsed(june, workflow="annual@2025")
    assert found.summary() == {("owner", "opinion", "superior_chair@42/446", "superior_chair@42"): len(june.ids())}
