"""The front door of the legal clock: decisions, proofs, milestones of a plan, feeds."""

from __future__ import annotations

from datetime import date

import icalendar
import pytest

from rasoat import Rasoat
from rasoat.deadlines.releases import calendar
from rasoat.engine.ledger import Order
from rasoat.engine.simulating import Supposition
from rasoat.engine.values import Actor, Mandate
from rasoat.foundation.clock import FrozenClock
from rasoat.foundation.errors import DefinitionError, InputError, NotFoundError
from rasoat.persistence.keys import create_key_file
from rasoat.workflows.plans import find_plan
from tests.support.caseload import open_terms
from tests.support.clockwork import at, deadlines, ledger
from tests.support.reviews import BEATS, Beat

COMPLAINT = Beat("complain", date(2022, 10, 25), {"subject_code": "score"})
SUPERIOR = Actor("ct01", (Mandate("supervisor", "42/446"),))


@pytest.fixture
def rechecking(review):
    ids = review.open_round(1, villages=2, households=2)
    review.run([*BEATS[:4], COMPLAINT], ids)
    return [row.id for row in deadlines(review, "recheck")]


@pytest.fixture
def engine(review, database_url, tmp_path):
    create_key_file(tmp_path / "keys")
    opened = Rasoat.open(database_url, keys=f"file:{tmp_path / 'keys'}", clock=FrozenClock(at(date(2022, 10, 28))))
    yield opened
    opened.close()


def order(ids, day, document="15/CĐ-UBND"):
    return Order(tuple(ids), day, SUPERIOR, document, "storm")


def test_a_deadline_says_what_is_left_and_proves_its_last_day(engine, rechecking):
    view = engine.deadline(rechecking[0])
    assert (view.remaining, view.consumed) == (4, 3)
    proof = view.proof()
    assert (proof.start, proof.due_on) == (date(2022, 10, 25), date(2022, 11, 3))
    with pytest.raises(NotFoundError, match="no deadline 999"):
        engine.deadline(999)


def test_a_resumed_term_proves_the_whole_term_and_names_what_stopped_it(engine, rechecking):
    assert engine.suspend(order(rechecking, date(2022, 10, 28))).ok
    with pytest.raises(InputError, match="is suspended"):
        engine.deadline(rechecking[0]).proof()
    engine.clock.move_to(at(date(2022, 11, 9)))
    assert engine.resume(order(rechecking, date(2022, 11, 9), "16/CĐ-UBND")).ok
    view = engine.deadline(rechecking[0])
    assert (view.remaining, view.consumed) == (4, 3)
    proof = view.proof()
    assert proof.due_on == view.held.row.due_on == date(2022, 11, 15)
    assert (proof.start, proof.term.length) == (view.held.row.started_on, 7) == (date(2022, 10, 25), 7)
    assert [(c.kind, c.day, c.document, c.length) for c in proof.changes] == [
        ("suspended", date(2022, 10, 28), "15/CĐ-UBND", 2),
        ("resumed", date(2022, 11, 9), "16/CĐ-UBND", None),
    ]
    page = " ".join(proof.render("vi").split())
    assert "Thời hạn: 7 ngày làm việc" in page
    assert "Ngày xảy ra sự kiện: thứ Ba, 25/10/2022" in page
    assert "Tạm dừng, không tính từ thứ Sáu, 28/10/2022, theo văn bản 15/CĐ-UBND" in page
    assert "đến khi tạm dừng đã dùng 2 ngày làm việc" in page
    assert "Tính tiếp từ thứ Tư, 09/11/2022, theo văn bản 16/CĐ-UBND" in page
    assert page.count("không tính: thời hạn đang tạm dừng") == len(range(28, 32)) + 8


def test_a_last_day_is_proved_on_the_calendar_it_rests_on(engine, review):
    """Computed on 24/12/2025, before 12729/VPCP-KGVX took 02/01/2026 off: the page says why it is the day on record."""
    (row,) = open_terms(
        review, calendar(as_known_on=date(2025, 12, 24)), [("42/446/18766/01", "recheck", date(2025, 12, 24))]
    )
    engine.clock.move_to(at(date(2025, 12, 26)))
    before = engine.deadline(row.id).proof()
    assert (before.due_on, before.calendar) == (row.due_on, "vn/2025-10-16") == (date(2026, 1, 5), "vn/2025-10-16")
    engine.recalendar()
    view = engine.deadline(row.id)
    after = view.proof()
    assert (
        (after.due_on, after.calendar) == (view.held.row.due_on, "vn/2025-12-25") == (date(2026, 1, 6), "vn/2025-12-25")
    )


def test_a_fixed_date_has_no_budget_to_prove(engine, review):
    engine.open_round("R9", "annual", "42/446/18766", date(2022, 10, 3), ends_on=date(2022, 12, 14))
    (season,) = deadlines(review, "season_end")
    view = engine.deadline(season.id)
    assert view.remaining is None
    with pytest.raises(InputError, match="fixed date"):
        view.proof()
    assert engine.fulfil(order([season.id], date(2022, 10, 28))).changed[0].status == "met"


def test_the_dates_of_a_plan_become_deadlines_of_a_round_once(engine, review):
    plan = find_plan("hai-duong-2024")
    engine.clock.move_to(at(date(2024, 9, 3)))
    engine.open_round("R9", "annual", "30/290/10600", date(2024, 9, 1), plan=plan.key)
    assert engine.open_milestones("R9", plan) == 6
    assert engine.open_milestones("R9", plan) == 0
    rows = deadlines(review)
    assert {(row.rule, row.due_on) for row in rows} == {
        ("season.0", date(2024, 12, 14)),
        ("training.1", date(2024, 8, 30)),
        ("review.0", date(2024, 11, 15)),
        ("approval.0", date(2024, 11, 30)),
        ("recognition.0", date(2024, 12, 15)),
        ("recognition.1", date(2024, 12, 15)),
    }
    kept = ledger(review, [row.id for row in rows])
    assert {entries[0].document for entries in kept.values()} == {str(plan.document)}
    with pytest.raises(NotFoundError, match="no round"):
        engine.open_milestones("unknown", plan)


def test_a_plan_with_an_impossible_date_opens_nothing(engine, review):
    """The plan of 2022 names 31/11: what is meant must be stated first."""
    engine.open_round("R9", "annual", "11/094/03127", date(2022, 10, 3))
    with pytest.raises(DefinitionError, match="31/11/2022"):
        engine.open_milestones("R9", find_plan("dien-bien-2022"))
    assert deadlines(review) == []


def test_agenda_and_punctuality_are_asked_at_the_front_door(engine, rechecking):
    assert [(line.rule, line.days) for line in engine.agenda(working_days=4)] == [("recheck", -4)] * 2
    engine.clock.move_to(at(date(2022, 11, 4)))
    assert [(p.unit_path, p.running_late) for p in engine.punctuality()] == [("42/446/18766", 4)]


def test_what_if_and_a_dry_calendar_change_leave_everything_as_it_is(engine, review, rechecking):
    before = deadlines(review)
    survey = {"b1": 100, "b2": 20, "area": "rural", "respondent": "head", "surveyor": "rsv9"}
    supposed = Supposition("survey", ("42/446/18766/01",), on=date(2022, 10, 31), row=survey)
    answer = engine.what_if([supposed], date(2022, 11, 4))
    assert (answer.moved, answer.refused) == (2, {})
    assert engine.recalendar(dry_run=True).moved == 0
    assert deadlines(review) == before


def events_of(feed):
    calendar = icalendar.Calendar.from_ical(feed)
    return {(str(e["SUMMARY"]), e["DTSTART"].dt): str(e["UID"]) for e in calendar.walk("VEVENT")}


def test_a_desks_feed_lists_its_open_deadlines_and_moves_them_under_the_same_uid(engine, rechecking):
    before = events_of(engine.desk_feed("committee", "42/446/18766"))
    assert [day for _, day in before] == [date(2022, 11, 3)] * 2
    assert all("Phúc tra" in summary and "(2 hồ sơ)" in summary for summary, _ in before)
    assert events_of(engine.desk_feed("superior_chair", "42/446")) == {}
    engine.suspend(order(rechecking, date(2022, 10, 28)))
    assert events_of(engine.desk_feed("committee", "42/446/18766")) == {}
    engine.clock.move_to(at(date(2022, 11, 9)))
    engine.resume(order(rechecking, date(2022, 11, 9)))
    after = events_of(engine.desk_feed("committee", "42", "en"))
    assert [day for _, day in after] == [date(2022, 11, 15)] * 2
    assert set(after.values()) == set(before.values())
    assert all("(2 cases)" in summary for summary, _ in after)
