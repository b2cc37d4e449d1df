"""Simulation: time that jumps from event to event, and what-if questions that change nothing."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from rasoat.deadlines.releases import calendar
from rasoat.engine.simulating import FallsDue, Supposition, fast_forward, what_if
from rasoat.foundation.errors import InputError, NotFoundError
from tests.support.caseload import open_terms
from tests.support.clockwork import at, deadlines, told
from tests.support.invariants import broken
from tests.support.reviews import BEATS

FIRST, SECOND = "42/446/18766/01", "42/446/18766/02"
COMPLAINT = {"subject_code": "score"}


@pytest.fixture
def posted(review):
    ids = review.open_round(1, villages=2, households=3)
    review.run(BEATS[:4], ids)
    return ids


def everything(review):
    """Every row of every table."""
    with review.database.read() as tx:
        return {name: sorted(map(repr, tx.select(select(table)))) for name, table in tx.tables.metadata.tables.items()}


def ask(review, *suppositions, until=date(2022, 11, 11), **options):
    return what_if(review.database, review.engine, suppositions, until, **options)


def test_complaints_on_the_third_day_of_posting_what_falls_due_when_on_whose_desk(review, posted):
    before = everything(review)
    answer = ask(review, Supposition("complain", (FIRST,), working_day=3, body=COMPLAINT), unit_paths=[SECOND])
    posting = {"workflow": "annual@2022", "owner_role": "committee", "owner_path": "42/446/18766"}
    ended = date(2022, 10, 27)
    assert answer.expected == tuple(
        FallsDue(ended, village, rule="posting", outcome="met", count=3, **posting) for village in (FIRST, SECOND)
    )
    # Posted on Monday 24/10; complained on Thursday 27/10, its third working day; seven working days end on 07/11.
    assert [line for line in answer.added if line.rule == "recheck"] == [
        FallsDue(date(2022, 11, 7), FIRST, rule="recheck", outcome="breached", count=3, **posting)
    ]
    assert (answer.moved, answer.refused) == (3, {})
    assert everything(review) == before


def test_only_some_households_of_each_village_are_supposed(review, posted):
    answer = ask(review, Supposition("complain", (FIRST, SECOND), on=date(2022, 10, 26), households=1, body=COMPLAINT))
    rechecks = [(line.unit_path, line.count) for line in answer.added if line.rule == "recheck"]
    assert rechecks == [(FIRST, 1), (SECOND, 1)]


def test_what_the_procedure_refuses_is_told_by_its_code(review, posted):
    answer = ask(review, Supposition("summarise", (FIRST,), on=date(2022, 10, 25)))
    assert (answer.moved, answer.refused) == (0, {"refused.state": 3})
    assert answer.added == ()
    assert answer.removed == ()


def test_suppositions_follow_one_another_in_time(review, posted):
    survey = {"b1": 100, "b2": 20, "area": "rural", "respondent": "head", "surveyor": "rsv9"}
    answer = ask(
        review,
        Supposition("survey", (FIRST,), on=date(2022, 10, 28), row=survey),
        Supposition("complain", (FIRST,), on=date(2022, 10, 26), body=COMPLAINT),
        Supposition("meet", (FIRST,), on=date(2022, 10, 31), body=BEATS[2].body),
        Supposition("post", (FIRST,), on=date(2022, 11, 1), body=BEATS[3].body),
    )
    assert (answer.moved, answer.refused) == (12, {})
    assert {(line.rule, line.due_on, line.outcome) for line in answer.added} >= {
        ("recheck", date(2022, 11, 4), "met"), ("reposting", date(2022, 11, 4), "met")
    }  # fmt: skip


def test_without_suppositions_one_sees_what_comes_if_nobody_acts(review, posted):
    answer = ask(review)
    assert answer.expected == answer.supposed
    assert {line.outcome for line in answer.expected} == {"met"}


def test_a_supposition_names_one_day_about_cases_that_are_there(review, posted):
    with pytest.raises(InputError, match="name either"):
        Supposition("complain", (FIRST,))
    with pytest.raises(InputError, match="name either"):
        Supposition("complain", (FIRST,), on=date(2022, 10, 26), working_day=3)
    with pytest.raises(NotFoundError, match="no case in 42/446/18766/09"):
        ask(review, Supposition("complain", ("42/446/18766/09",), on=date(2022, 10, 26), body=COMPLAINT))
    for far in (date(2022, 10, 1), date(2999, 12, 31)):
        with pytest.raises(InputError, match="a year ahead at most"):
            ask(review, until=far)


def test_time_jumps_through_a_whole_season_and_everything_happens_on_its_day(review):
    """Two hundred villages under re-check or posting: a month passes in a few jumps."""
    began = date(2022, 10, 24)
    review.clock.move_to(at(began))
    known = calendar(as_known_on=began)
    villages = [f"42/446/{20_000 + n // 10}/{n % 10:02d}" for n in range(200)]
    terms = [
        (v, rule, began + timedelta(days=n % 3)) for n, v in enumerate(villages) for rule in ("posting", "recheck")
    ]
    open_terms(review, known, terms)
    ran = fast_forward(review.database, review.engine, review.clock, at(date(2022, 11, 25)))
    assert review.clock.now() == at(date(2022, 11, 25))
    assert (ran.fired, ran.breaches, ran.refused, ran.failed) == (200, 200, 0, 0)
    rows = deadlines(review)
    assert all(row.closed_on == row.due_on for row in rows if row.rule == "posting")
    assert all(row.breached_at == row.due_at for row in rows if row.rule == "recheck")
    assert [t for t in told(review, "deadline") if t["missed"]] == []
    assert broken(review.database, review.engine.library) == []
