"""Cases, units and rounds as of any legal day, as known on any day, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from rasoat.engine.history import case_as_of, cases_as_of, states_as_of
from rasoat.engine.ledger import Order, extend, suspend
from rasoat.engine.queries import StateCount
from rasoat.foundation.clock import LEGAL_ZONE, end_of
from rasoat.foundation.errors import NotFoundError
from tests.support.correcting import certificate, fix, take_back, terms
from tests.support.reviews import BEATS, COMMUNE, Beat, Review, officials

V1, V2 = f"{COMMUNE}/01", f"{COMMUNE}/02"


@pytest.fixture
def review(database_url):
    found = Review.start(database_url)
    yield found
    found.database.dispose()


def past(review, case_id, day, known=None):
    with review.database.read() as tx:
        return case_as_of(tx, review.engine, case_id, day, known or review.clock.now())


def test_a_case_stands_on_each_day_where_its_last_act_by_then_had_brought_it(review):
    ids = review.open_round(1, villages=1, households=1)
    review.run(BEATS, ids)
    stood = [past(review, ids[0], day).case.state for day in (date(2022, 9, 26), *(beat.day for beat in BEATS))]
    assert stood == [
        "registered", "listed", "surveyed", "agreed", "posted", "settled", "summarised", "reported",
        "awaiting_opinion", "opined", "recognised",
    ]  # fmt: skip
    assert past(review, ids[0], date(2022, 10, 2)).case.class_after is None
    assert past(review, ids[0], date(2022, 10, 3)).case.class_after == "near_poor"
    assert past(review, ids[0], date(2022, 11, 6)).certificate is None
    assert past(review, ids[0], date(2022, 11, 7)).certificate == certificate(review, ids[0])


def test_what_was_entered_late_is_known_only_from_its_entry_on(review):
    ids = review.open_round(1, villages=1, households=1)
    review.run(BEATS[:5], ids)
    entered = datetime(2022, 11, 1, 9, tzinfo=LEGAL_ZONE)
    review.run([Beat("complain", date(2022, 10, 26), {"subject_code": "B1"}, entered=entered)], ids)
    assert past(review, ids[0], date(2022, 10, 26), end_of(date(2022, 10, 31))).case.state == "posted"
    assert past(review, ids[0], date(2022, 10, 26)).case.state == "recheck"
    assert past(review, ids[0], date(2022, 10, 25)).case.state == "posted"


def test_what_was_corrected_later_shows_both_pasts(review):
    ids = review.open_round(1, villages=2, households=2)
    review.run(BEATS[:3], ids)
    before = review.clock.now()
    review.clock.move_to(datetime(2022, 10, 12, 9, tzinfo=LEGAL_ZONE))
    fix(review, ids[0], "meet", body={"in_favour": 30})
    on_that_day = date(2022, 10, 10)
    assert past(review, ids[0], on_that_day, before).case.state == "agreed"
    assert past(review, ids[0], on_that_day).case.state == "resurvey"
    with review.database.read() as tx:
        then = states_as_of(tx, on_that_day, before, round_id=1)
        now = states_as_of(tx, on_that_day, review.clock.now(), round_id=1)
    assert then == [StateCount(V1, "agreed", 2), StateCount(V2, "agreed", 2)]
    assert now == [StateCount(V1, "resurvey", 2), StateCount(V2, "resurvey", 2)]


def test_what_was_taken_back_had_not_happened(review):
    ids = review.open_round(1, villages=1, households=2)
    review.run(BEATS[:4], ids)
    take_back(review, ids[0], "post", only=ids[:1])
    with review.database.read() as tx:
        assert states_as_of(tx, date(2022, 10, 24), review.clock.now()) == [
            StateCount(V1, "agreed", 1),
            StateCount(V1, "posted", 1),
        ]


def test_a_unit_is_asked_by_its_path_and_a_round_by_its_own_cases(review):
    ids = review.open_round(1, villages=2, households=2)
    review.open_round(2, villages=1, households=1, path="42/446/20001")
    review.run(BEATS[:2], ids)
    now = review.clock.now()
    with review.database.read() as tx:
        assert states_as_of(tx, date(2022, 10, 3), now, unit_path=V2) == [StateCount(V2, "surveyed", 2)]
        assert {p.case.id for p in cases_as_of(tx, review.engine, date(2022, 10, 3), now, unit_path=V2)} == set(ids[2:])
        assert [line.state for line in states_as_of(tx, date(2022, 10, 3), now, round_id=2)] == ["registered"]
        assert sum(line.count for line in states_as_of(tx, date(2022, 10, 3), now, unit_path="42/446")) == 5
        assert states_as_of(tx, date(2022, 9, 25), now, unit_path="42/446") == []


def test_a_term_has_the_last_day_and_the_standing_it_had_then(review):
    ids = review.open_round(1, villages=1, households=1)
    review.run(BEATS[:8], ids)
    before = terms(review, ids[0], "opinion")[0]
    review.clock.move_to(datetime(2022, 11, 3, 9, tzinfo=LEGAL_ZONE))
    with review.database.begin() as tx:
        order = Order((before.id,), date(2022, 11, 3), officials_and_supervisor(), "9/QĐ", "storm")
        assert suspend(tx, review.engine, order).ok
        assert not extend(tx, review.engine, order, 2).ok
    (opinion,) = (d for d in past(review, ids[0], date(2022, 11, 2)).deadlines if d.rule == "opinion")
    assert (opinion.status, opinion.due_on, opinion.closed_on) == ("open", before.due_on, None)
    (opinion,) = (d for d in past(review, ids[0], date(2022, 11, 3)).deadlines if d.rule == "opinion")
    assert opinion.status == "suspended"
    (posting,) = (d for d in past(review, ids[0], date(2022, 10, 25)).deadlines)
    assert (posting.rule, posting.status) == ("posting", "open")
    (posting,) = (d for d in past(review, ids[0], date(2022, 10, 27)).deadlines)
    assert (posting.status, posting.closed_on) == ("met", date(2022, 10, 27))


def officials_and_supervisor():
    from rasoat.engine.values import Actor, Mandate

    own = officials()
    return Actor(own.key, (*own.mandates, Mandate("supervisor", "42")))


def test_a_case_that_was_not_open_then_is_not_found(review):
    ids = review.open_round(1, villages=1, households=1)
    with pytest.raises(NotFoundError, match="was not open on 2022-09-25") as early:
        past(review, ids[0], date(2022, 9, 25))
    assert "chưa mở vào ngày 25/09/2022" in str(early.value.vi)
    with pytest.raises(NotFoundError):
        past(review, ids[0], date(2022, 9, 26), end_of(date(2022, 9, 20)))
