"""What committees ask of a caseload: late, due soon, on whose desk, how punctual; each answered from an index."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import text

from rasoat.deadlines.release_files import parse_release
from rasoat.deadlines.releases import Library, calendar, releases
from rasoat.engine import ledger as orders
from rasoat.engine.ledger import Order
from rasoat.engine.punctuality import By, punctuality
from rasoat.engine.queries import Only, agenda, due_between, overdue
from rasoat.engine.values import Actor, Mandate
from rasoat.foundation.errors import CalendarError
from rasoat.persistence import wakeups
from rasoat.persistence.deadlines import Closing, close, insert_deadlines
from rasoat.persistence.transactions import Tx
from tests.support.caseload import open_terms
from tests.support.clockwork import at

TODAY = date(2022, 11, 4)  # a Friday
CALENDAR = calendar(as_known_on=TODAY)
FIRST, SECOND, OTHER = "42/446/18766/01", "42/446/18766/02", "42/447/18800/01"


@pytest.fixture
def caseload(review):
    """Re-checks and opinions in two communes, due from Wednesday 02/11 to Thursday 10/11, and a posting."""
    review.clock.move_to(at(TODAY))
    due = {"recheck": 7, "opinion": 5}
    terms = [
        (village, rule, CALENDAR.add_working_days(last, -due[rule]))
        for village, rule, last in (
            (FIRST, "recheck", date(2022, 11, 2)),
            (FIRST, "recheck", date(2022, 11, 2)),
            (FIRST, "recheck", date(2022, 11, 4)),
            (SECOND, "recheck", date(2022, 11, 7)),
            (SECOND, "opinion", date(2022, 11, 3)),
            (SECOND, "opinion", date(2022, 11, 9)),
            (SECOND, "opinion", date(2022, 11, 10)),
        )
    ]
    here = open_terms(review, CALENDAR, [*terms, (FIRST, "posting", date(2022, 10, 28))])
    return [*here, *open_terms(review, CALENDAR, [(OTHER, "recheck", CALENDAR.add_working_days(TODAY, -8))])]


def ask(review, question, *arguments, **options):
    with review.database.read() as tx:
        return question(tx, *arguments, **options)


def brief(lines):
    return [(line.unit_path, line.rule, line.due_on.day, line.count, line.days) for line in lines]


def test_overdue_tells_how_many_how_late_and_on_whose_desk(review, caseload):
    lines = ask(review, overdue, TODAY, CALENDAR, unit_path="42/446", today=TODAY)
    assert brief(lines) == [(FIRST, "recheck", 2, 2, 2), (SECOND, "opinion", 3, 1, 1)]
    assert [(line.owner_role, line.owner_path) for line in lines] == [
        ("committee", "42/446/18766"), ("superior_chair", "42/446")
    ]  # fmt: skip


def test_the_agenda_tells_late_today_and_the_next_working_days(review, caseload):
    days = [line.days for line in ask(review, agenda, TODAY, CALENDAR, unit_path="42/446")]
    assert days == [2, 1, 0, -1, -3]  # late, late, today, Monday, Wednesday; Thursday lies beyond
    assert [line.days for line in ask(review, agenda, TODAY, CALENDAR, working_days=1, unit_path="42/446")][2:] == [
        0,
        -1,
    ]


def test_on_a_day_off_after_the_last_day_it_is_one_day_late_not_none(review, caseload):
    saturday = date(2022, 11, 5)
    lines = ask(review, overdue, saturday, CALENDAR, unit_path=FIRST)
    assert [(line.due_on.day, line.days) for line in lines] == [(2, 2), (4, 1)]


STORM = """
scope = "42/446"
known_from = 2022-11-04
standing = "official"
decision = "12/CĐ-UBND"
title = { vi = "Nghỉ do bão", en = "Storm" }
source = "Thử"
tag = "INFERRED"
[[closure]]
name = { vi = "Nghỉ do bão", en = "Storm" }
days = [2022-11-03, 2022-11-07, 2022-11-08]
"""
CLOSED = Library([*releases(), parse_release(STORM, "storm")])


def by_unit(path):
    return CLOSED.calendar(as_known_on=TODAY, unit=path)


def test_days_are_counted_as_each_unit_works_where_one_was_closed(review, caseload):
    """One district was closed on 03, 07 and 08/11, the other was not: late and soon are told by each one's own days."""
    late = brief(ask(review, overdue, TODAY, by_unit, today=TODAY))
    assert late == [(FIRST, "recheck", 2, 2, 1), (SECOND, "opinion", 3, 1, 1), (OTHER, "recheck", 3, 1, 1)]
    lines = brief(ask(review, agenda, TODAY, by_unit, working_days=2))
    assert lines[3:] == [
        (FIRST, "recheck", 4, 1, 0),
        (SECOND, "recheck", 7, 1, 0),  # a day on which the district was closed
        (SECOND, "opinion", 9, 1, -1),
        (SECOND, "opinion", 10, 1, -2),
    ]
    (elsewhere,) = open_terms(review, CALENDAR, [(OTHER, "recheck", CALENDAR.add_working_days(date(2022, 11, 9), -7))])
    assert elsewhere.due_on == date(2022, 11, 9)
    asked = ask(review, agenda, TODAY, by_unit, working_days=2)
    assert OTHER not in {line.unit_path for line in asked if line.due_on > TODAY}, "three working days ahead over there"
    assert (OTHER, "recheck", 9, 1, -3) in brief(ask(review, agenda, TODAY, by_unit, working_days=3))


def test_days_late_in_the_rates_are_the_own_days_of_each_unit(review, caseload):
    as_of = date(2022, 11, 9)
    worst = {line.unit_path: line.worst for line in ask(review, punctuality, as_of, by_unit, only=Only(rule="recheck"))}
    assert worst == {"42/446/18766": 2, "42/447/18800": 4}


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (Only(role="superior_chair"), {"opinion"}),
        (Only(rule="recheck"), {"recheck"}),
        (Only(workflow="annual"), {"recheck", "opinion"}),
        (Only(workflow="annual@2022"), {"recheck", "opinion"}),
        (Only(workflow="annual@2025"), set()),
        (Only(workflow="annua"), set()),
        (Only(plan="99/KH-UBND"), {"recheck"}),
        (Only(plan="unknown"), set()),
    ],
)
def test_a_question_is_narrowed_to_role_step_procedure_and_campaign(review, caseload, only, expected):
    with review.database.begin() as tx:
        opened = tx.tables.round
        tx.execute(opened.update().where(opened.c.id == caseload[-1].round_id).values(plan="99/KH-UBND"))
    lines = ask(review, overdue, TODAY, CALENDAR, only=only)
    assert {line.rule for line in lines} == expected
    if only.plan == "99/KH-UBND":
        assert {line.unit_path for line in lines} == {OTHER}


def test_one_rounds_lines_are_its_own(review, caseload):
    lines = ask(review, overdue, TODAY, CALENDAR, only=Only(round_id=caseload[-1].round_id))
    assert {line.unit_path for line in lines} == {OTHER}


def test_a_suspended_term_is_not_late_and_a_posting_never_is(review, caseload):
    order = Order((caseload[2].id,), TODAY, Actor("ct", (Mandate("supervisor", "42"),)), "1/CĐ")
    with review.database.begin() as tx:
        assert orders.suspend(tx, review.engine, order).ok
    lines = ask(review, overdue, date(2022, 11, 30), CALENDAR, unit_path=FIRST)
    assert brief(lines) == [(FIRST, "recheck", 2, 2, 20)]


def closed(review, row, day, status):
    with review.database.begin() as tx:
        close(tx, [Closing(status, day, None, None, row.id)])


def test_a_past_day_is_told_as_it_was_then(review, caseload):
    closed(review, caseload[0], date(2022, 11, 8), "met_late")
    closed(review, caseload[2], date(2022, 11, 4), "met")
    asked = {"unit_path": FIRST, "today": date(2022, 11, 10)}
    assert brief(ask(review, overdue, date(2022, 11, 7), CALENDAR, **asked)) == [(FIRST, "recheck", 2, 2, 3)]
    assert brief(ask(review, overdue, date(2022, 11, 8), CALENDAR, **asked)) == [(FIRST, "recheck", 2, 1, 4)]
    then = ask(review, due_between, date(2022, 11, 3), date(2022, 11, 4), date(2022, 11, 4), CALENDAR, **asked)
    assert brief(then) == [(FIRST, "recheck", 4, 1, -1)]


def test_punctuality_by_commune_village_and_desk(review, caseload):
    closed(review, caseload[0], date(2022, 11, 1), "met")
    closed(review, caseload[1], date(2022, 11, 8), "met_late")
    closed(review, caseload[4], date(2022, 11, 3), "met")
    as_of = date(2022, 11, 9)
    lines = ask(review, punctuality, as_of, CALENDAR, unit_path="42/446")
    told = [(p.unit_path, p.rule, p.on_time, p.late, p.running_late, p.days_late, p.worst) for p in lines]
    # Of the four re-checks one was met in time, one 4 days late, two run 3 and 2 days late.
    assert told == [("42/446/18766", "opinion", 1, 0, 0, 0, 0), ("42/446/18766", "recheck", 1, 1, 2, 9, 4)]
    assert [line.on_time_rate for line in lines] == [1.0, 0.25]
    by_village = ask(review, punctuality, as_of, CALENDAR, by=By.VILLAGE, only=Only(rule="recheck"))
    assert [(p.unit_path, p.total) for p in by_village] == [(FIRST, 3), (SECOND, 1), (OTHER, 1)]
    by_desk = ask(review, punctuality, as_of, CALENDAR, by=By.OWNER, only=Only(rule="opinion"))
    assert [(p.unit_path, p.total) for p in by_desk] == [("42/446", 1)]
    period = {"since": date(2022, 11, 3), "through": date(2022, 11, 4), "unit_path": "42/446"}
    assert [(p.rule, p.total) for p in ask(review, punctuality, as_of, CALENDAR, **period)] == [
        ("opinion", 1), ("recheck", 1)
    ]  # fmt: skip


@pytest.mark.parametrize("by", [By.VILLAGE, By.COMMUNE])
@pytest.mark.parametrize("stray", [False, True], ids=["as opened", "under a procedure no round was opened under"])
def test_the_whole_country_is_counted_alike_with_and_without_sorting(review, caseload, by, stray, monkeypatch):
    for row, day, status in zip(caseload, (1, 8, 3), ("met", "met_late", "met"), strict=False):
        closed(review, row, date(2022, 11, day), status)
    if stray:
        d = review.database.tables.deadline
        with review.database.begin() as tx:
            tx.execute(d.update().where(d.c.id == caseload[0].id).values(workflow="annual@2021"))
    as_of = date(2022, 11, 9)
    quick = ask(review, punctuality, as_of, CALENDAR, by=by)
    monkeypatch.setattr("rasoat.engine.punctuality._MOST_COLUMNS", 0)
    assert quick == ask(review, punctuality, as_of, CALENDAR, by=by)
    assert sum(line.on_time for line in quick) == 2
    assert ("annual@2021" in {line.workflow for line in quick}) is stray


QUESTIONS = {
    "overdue": (lambda tx: overdue(tx, TODAY, CALENDAR, unit_path="42/446", today=TODAY), {"open_due"}),
    "agenda": (lambda tx: agenda(tx, TODAY, CALENDAR), {"open_due"}),
    "punctuality": (lambda tx: punctuality(tx, TODAY, CALENDAR, unit_path="42/446/18766"), {"unit"}),
    "what is due": (lambda tx: wakeups.due_groups(tx, at(TODAY), 100), {"wake"}),
    "next wake-up": (wakeups.next_wake_at, {"wake"}),
    "cases of a group": (
        lambda tx: wakeups.subjects_of(tx, wakeups.DueGroup("case", 1, "annual@2022", "recheck", FIRST, TODAY)),
        {"open_due", "unit"},
    ),
}


@pytest.fixture
def years_of_deadlines(review, caseload):
    """Ten thousand deadlines that were met long ago, in a hundred communes, beside the few that run."""
    row = caseload[0]
    past = [
        row._replace(
            id=1_000_000 + i, subject_id=1_000_000 + i, unit_path=f"42/446/{19_000 + i % 100}/01", status="met",
            closed_on=date(2021, 11, 1), due_on=date(2021, 10, 1) + timedelta(days=i % 60), next_at=None,
        )
        for i in range(10_000)
    ]  # fmt: skip
    soon = [row._replace(id=2_000_000 + i, subject_id=2_000_000 + i, due_on=date(2023, 1, 1) + timedelta(days=i % 300),
                         next_at=at(date(2023, 1, 1) + timedelta(days=i % 300))) for i in range(3_000)]  # fmt: skip
    with review.database.begin() as tx:
        insert_deadlines(tx, [*past, *soon])
    with review.database.begin() as tx:
        tx.connection.execute(text("ANALYZE"))


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_is_answered_from_an_index(review, years_of_deadlines, name, monkeypatch):
    question, indexes = QUESTIONS[name]
    asked = []
    select = Tx.select
    monkeypatch.setattr(Tx, "select", lambda tx, query, *more: asked.append(query) or select(tx, query, *more))
    with review.database.read() as tx:
        question(tx)
        plans = "\n".join(_plan(tx, query) for query in asked)
    used = {index for index in ("open_due", "unit", "wake", "open_subject") if f"rasoat_deadline_{index}" in plans}
    assert used, plans
    assert used <= indexes, plans
    assert "SCAN rasoat_deadline\n" not in plans + "\n"
    assert "Seq Scan on rasoat_deadline " not in plans


def _plan(tx, query):
    explain = "EXPLAIN QUERY PLAN " if tx.dialect == "sqlite" else "EXPLAIN "
    compiled = query.compile(dialect=tx.connection.dialect, compile_kwargs={"render_postcompile": True})
    rows = tx.connection.exec_driver_sql(explain + str(compiled), _bound(compiled, tx))
    return "\n".join(str(row[-1]) for row in rows)


def _bound(compiled, tx):
    values = compiled.construct_params()
    processors = compiled._bind_processors
    bound = {key: processors[key](value) if key in processors else value for key, value in values.items()}
    return tuple(bound[key] for key in compiled.positiontup) if compiled.positional else bound


def test_a_day_beyond_the_calendar_is_an_error_not_a_guess(review, caseload):
    with pytest.raises(CalendarError):
        ask(review, agenda, CALENDAR.last_day - timedelta(days=1), CALENDAR)
