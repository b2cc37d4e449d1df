"""Suspending, resuming, extending, superseding and cancelling running terms, by whoever may, on a document."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import date

import pytest

from rasoat.deadlines.releases import calendar
from rasoat.engine import ledger as orders
from rasoat.engine.definition import Extension
from rasoat.engine.ledger import Order
from rasoat.engine.rounds import open_season_end
from rasoat.engine.values import Actor, Mandate
from rasoat.foundation.errors import IdempotencyError, NotFoundError
from rasoat.persistence.rounds import rounds
from tests.support.clockwork import at, deadlines, events, ledger, told, work_at
from tests.support.invariants import broken
from tests.support.reviews import BEATS, Beat

SUPERIOR = Actor("ct01", (Mandate("supervisor", "42/446"),))
COMMITTEE = Actor("cb02", (Mandate("committee", "42/446/18766"),))
COMPLAINT = Beat("complain", date(2022, 10, 25), {"subject_code": "score"})
SURVEY = Beat("survey", date(2022, 11, 10), row=lambda _: BEATS[1].row(1) | {"surveyor": "rsv2"})


@pytest.fixture
def rechecking(review):
    """Two cases under re-check since 25/10/2022: the seventh working day is 03/11."""
    ids = review.open_round(1, villages=1, households=2)
    review.run([*BEATS[:4], COMPLAINT], ids)
    return [row.id for row in deadlines(review, "recheck")]


@pytest.fixture
def extendable(review):
    """A regime that lets the superior extend the re-check once, and not after it has run out."""
    compiled = review.engine.library.compiled("annual@2022")
    rules = tuple(
        replace(r, extendable=Extension("supervisor")) if r.key == "recheck" else r for r in compiled.workflow.deadlines
    )
    changed = type(compiled)(replace(compiled.workflow, deadlines=rules))
    review.engine.library.compiled = lambda _: changed
    return changed


def decide(review, command, ids, day, *more, actor=SUPERIOR, document="15/CĐ-UBND", **fields):
    instant = at(day, 17)
    if instant > review.clock.now():
        review.clock.move_to(instant)
    with review.database.begin() as tx:
        return command(tx, review.engine, Order(tuple(ids), day, actor, document, **fields), *more)


def codes(ruling):
    return [refusal.code for refusal in ruling.refused]


def test_a_suspended_term_stands_still_and_keeps_what_is_left(review, rechecking):
    stopped = decide(review, orders.suspend, rechecking, date(2022, 10, 28), reason="storm")
    assert [(c.kind, c.status, c.new_due_on) for c in stopped.changed] == [
        ("suspended", "suspended", date(2022, 11, 3))
    ] * 2
    assert work_at(review, at(date(2022, 11, 8))).groups == 0
    # 26 and 27/10 were used, five working days are left: from Wednesday 09/11 on.
    run_on = decide(review, orders.resume, rechecking, date(2022, 11, 9), document="16/CĐ-UBND")
    assert {c.new_due_on for c in run_on.changed} == {date(2022, 11, 15)}
    (row, _) = deadlines(review, "recheck")
    assert (row.status, row.due_at) == ("open", at(date(2022, 11, 16), 0))
    assert work_at(review, at(date(2022, 11, 16))).breaches == 2
    kept = ledger(review, rechecking)[rechecking[0]]
    assert [(e.seq, e.kind, e.occurred_on, e.actor, e.document) for e in kept[:2]] == [
        (1, "suspended", date(2022, 10, 28), "ct01", "15/CĐ-UBND"),
        (2, "resumed", date(2022, 11, 9), "ct01", "16/CĐ-UBND"),
    ]
    assert json.loads(kept[0].detail)["reason"] == "storm"
    assert json.loads(kept[1].detail) == {"old_due_on": "2022-11-03", "new_due_on": "2022-11-15"}
    assert [(e.trigger, json.loads(e.payload)["document"]) for e in events(review, "deadline")] == [
        ("suspended", "15/CĐ-UBND"), ("resumed", "16/CĐ-UBND")
    ] * 2  # fmt: skip
    assert broken(review.database, review.engine.library) == []


def test_the_owner_is_told_of_each_decision_once_for_all_households_of_the_village(review, rechecking, extendable):
    decide(review, orders.extend, rechecking, date(2022, 10, 27), 2, document="14/CĐ-UBND")
    decide(review, orders.suspend, rechecking, date(2022, 10, 28), reason="storm")
    decide(review, orders.resume, rechecking, date(2022, 11, 9), document="16/CĐ-UBND")
    decide(review, orders.cancel, rechecking, date(2022, 11, 10), document="17/CĐ-UBND")
    found = told(review, "term_decision")
    assert [(m["decided"], m["document"], m["count"], m["role"], m["unit"]) for m in found] == [
        (kind, document, 2, "committee", "42/446/18766")
        for kind, document in [("extended", "14/CĐ-UBND"), ("suspended", "15/CĐ-UBND"), ("resumed", "16/CĐ-UBND"),
                               ("cancelled", "17/CĐ-UBND")]
    ]  # fmt: skip
    assert [(m["old_due_on"], m["due_on"]) for m in found[:3]] == [
        ("2022-11-03", "2022-11-07"), ("2022-11-07", "2022-11-07"), ("2022-11-07", "2022-11-17")
    ]  # fmt: skip


def test_nobody_is_told_of_a_decision_that_was_refused_or_rolled_back(review, rechecking):
    decide(review, orders.suspend, rechecking, date(2022, 10, 28), document=" ")
    with suppress(ZeroDivisionError), review.database.begin() as tx:
        order = Order(tuple(rechecking), date(2022, 10, 28), SUPERIOR, "15/CĐ-UBND")
        assert orders.suspend(tx, review.engine, order).ok
        raise ZeroDivisionError
    assert told(review, "term_decision") == []


def test_a_step_done_while_its_term_stands_still_is_not_late(review, rechecking):
    decide(review, orders.suspend, rechecking, date(2022, 10, 28))
    ids = [row.subject_id for row in deadlines(review, "recheck")]
    review.run([SURVEY, Beat("meet", date(2022, 11, 11), BEATS[2].body)], ids)
    review.run([Beat("post", date(2022, 11, 14), BEATS[3].body)], ids)
    assert {(row.status, row.breached_at) for row in deadlines(review, "recheck")} == {("met", None)}
    assert broken(review.database, review.engine.library) == []


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"document": " "}, "clock.refused.no_document"),
        ({"actor": COMMITTEE}, "clock.refused.authority"),
        ({"actor": Actor("x", (Mandate("supervisor", "42/447"),))}, "clock.refused.authority"),
        ({"actor": Actor("x", (Mandate("supervisor", "42", valid_to=date(2022, 10, 31)),))}, "clock.refused.authority"),
        ({"day": date(2022, 11, 5)}, "clock.refused.expired"),
        ({"day": date(2022, 10, 25)}, "clock.refused.too_early"),
    ],
)
def test_a_suspension_is_refused_with_its_reason(review, rechecking, order, code):
    review.clock.move_to(at(date(2022, 11, 5)))
    order = {"day": date(2022, 10, 28), **order}
    day = order.pop("day")
    ruling = decide(review, orders.suspend, rechecking, day, **order)
    assert codes(ruling) == [code] * 2
    assert all(refusal.reason.vi and refusal.reason.en for refusal in ruling.refused)
    assert {row.status for row in deadlines(review, "recheck")} == {"open"}
    assert ledger(review, rechecking) == {}


def test_a_posting_is_not_cancelled_since_nothing_else_would_take_its_cases_on(review):
    review.run(BEATS[:4], review.open_round(1, villages=1, households=2))
    postings = [row.id for row in deadlines(review, "posting")]
    ruling = decide(review, orders.cancel, postings, date(2022, 10, 25))
    assert set(codes(ruling)) == {"clock.refused.closes_step"}
    assert {row.status for row in deadlines(review, "posting")} == {"open"}


def test_a_decision_about_the_future_is_refused(review, rechecking):
    with review.database.begin() as tx:
        order = Order(tuple(rechecking), date(2022, 10, 26), SUPERIOR, "15/CĐ-UBND")
        assert codes(orders.suspend(tx, review.engine, order)) == ["refused.future"] * 2


def test_a_decision_entered_later_than_the_limit_is_refused(review, rechecking):
    review.engine.settings["back_dating_days"] = 10
    review.clock.move_to(at(date(2022, 11, 15)))
    ruling = decide(review, orders.suspend, rechecking, date(2022, 11, 1))
    assert codes(ruling) == ["refused.too_old"] * 2


def test_all_of_an_order_is_done_or_nothing(review, rechecking):
    decide(review, orders.suspend, rechecking[:1], date(2022, 10, 28))
    ruling = decide(review, orders.suspend, rechecking, date(2022, 10, 28))
    assert codes(ruling) == ["clock.refused.suspended"]
    assert [row.status for row in deadlines(review, "recheck")] == ["suspended", "open"]


def test_what_is_not_suspended_is_not_resumed_and_never_before_it_stopped(review, rechecking):
    assert codes(decide(review, orders.resume, rechecking, date(2022, 10, 26))) == ["clock.refused.not_suspended"] * 2
    decide(review, orders.suspend, rechecking, date(2022, 10, 28))
    assert codes(decide(review, orders.resume, rechecking, date(2022, 10, 27))) == ["clock.refused.too_early"] * 2


def test_without_a_rule_no_term_is_extended(review, rechecking):
    assert (
        codes(decide(review, orders.extend, rechecking, date(2022, 10, 28), 5)) == ["clock.refused.not_extendable"] * 2
    )


def test_a_term_is_extended_by_who_may_as_often_as_the_rule_says(review, rechecking, extendable):
    assert (
        codes(decide(review, orders.extend, rechecking, date(2022, 10, 28), 5, actor=COMMITTEE))
        == ["clock.refused.authority"] * 2
    )
    ruling = decide(review, orders.extend, rechecking, date(2022, 10, 28), 5)
    assert {change.new_due_on for change in ruling.changed} == {date(2022, 11, 10)}
    assert (
        codes(decide(review, orders.extend, rechecking, date(2022, 10, 28), 1)) == ["clock.refused.extended_enough"] * 2
    )
    assert work_at(review, at(date(2022, 11, 4))).breaches == 0
    assert work_at(review, at(date(2022, 11, 11))).breaches == 2
    assert [t["step"] for t in told(review, "deadline") if t["rule"] == "recheck"] == [-2, -1, 0, 1]


def test_a_term_that_ran_out_is_not_extended_unless_its_rule_says_so(review, rechecking, extendable):
    work_at(review, at(date(2022, 11, 4)))
    assert codes(decide(review, orders.extend, rechecking, date(2022, 11, 4), 5)) == ["clock.refused.expired"] * 2
    rule = extendable.workflow.deadline("recheck")
    object.__setattr__(rule, "extendable", Extension("supervisor", after_expiry=True))
    ruling = decide(review, orders.extend, rechecking, date(2022, 11, 4), 5)
    assert {change.new_due_on for change in ruling.changed} == {date(2022, 11, 10)}
    assert all(row.breached_at for row in deadlines(review, "recheck"))


def test_a_term_suspended_then_extended_keeps_its_whole_budget(review, rechecking, extendable):
    decide(review, orders.suspend, rechecking, date(2022, 10, 28))
    decide(review, orders.resume, rechecking, date(2022, 11, 9))
    decide(review, orders.extend, rechecking, date(2022, 11, 9), 3)
    assert {row.due_on for row in deadlines(review, "recheck")} == {date(2022, 11, 18)}
    with review.database.read() as tx:
        (first, _) = orders.held(tx, review.engine, deadlines(review, "recheck"))
    now = calendar(as_known_on=date(2022, 11, 9))
    assert first.running.remaining(date(2022, 11, 9), now) == 7
    assert first.running.consumed(date(2022, 11, 9), now) == 3


def test_a_cancelled_deadline_alerts_nobody_and_its_case_goes_on(review, rechecking):
    ruling = decide(review, orders.cancel, rechecking, date(2022, 10, 28), reason="opened_in_error")
    assert {change.status for change in ruling.changed} == {"cancelled"}
    assert work_at(review, at(date(2022, 12, 1))).breaches == 0
    assert {(row.closed_on, row.cause) for row in deadlines(review, "recheck")} == {
        (date(2022, 10, 28), "opened_in_error")
    }
    assert codes(decide(review, orders.cancel, rechecking, date(2022, 11, 1))) == ["clock.refused.closed"] * 2


def test_a_rounds_fixed_date_moves_with_its_plan_and_is_recorded_as_met(review):
    review.open_round(1, villages=1, households=1)
    with review.database.begin() as tx:
        open_season_end(tx, review.engine, rounds(tx, [1])[1])
    (season,) = deadlines(review)
    assert codes(decide(review, orders.suspend, [season.id], date(2022, 10, 3))) == ["clock.refused.fixed_date"]
    moved = decide(review, orders.supersede, [season.id], date(2022, 10, 3), date(2022, 11, 30), document="99/KH-UBND")
    assert [(c.old_due_on, c.new_due_on) for c in moved.changed] == [(date(2022, 12, 14), date(2022, 11, 30))]
    met = decide(review, orders.fulfil, [season.id], date(2022, 12, 1), actor=COMMITTEE)
    assert [change.status for change in met.changed] == ["met_late"]
    kept = ledger(review, [season.id])[season.id]
    assert [(e.seq, e.kind, e.document) for e in kept] == [
        (1, "opened", ""), (2, "superseded", "99/KH-UBND"), (3, "met", "15/CĐ-UBND")
    ]  # fmt: skip
    assert events(review, "deadline") == []


def test_a_counted_term_is_neither_set_by_hand_nor_recorded_as_met(review, rechecking):
    ruling = decide(review, orders.supersede, rechecking, date(2022, 10, 28), date(2022, 12, 1))
    assert codes(ruling) == ["clock.refused.counted_term"] * 2
    ruling = decide(review, orders.fulfil, rechecking, date(2022, 10, 28), actor=COMMITTEE)
    assert codes(ruling) == ["clock.refused.by_step"] * 2


def test_an_order_about_an_unknown_deadline_is_a_fault(review, rechecking):
    with pytest.raises(NotFoundError, match="no deadline 999"):
        decide(review, orders.cancel, [999, *rechecking], date(2022, 10, 28))


def test_an_order_under_its_key_is_done_once_and_answered_alike(review, rechecking, extendable):
    day, key = date(2022, 10, 28), {"idempotency_key": "gia-han-1"}
    first = decide(review, orders.extend, rechecking, day, 5, **key)
    assert decide(review, orders.extend, rechecking, day, 5, **key) == first
    assert {row.due_on for row in deadlines(review, "recheck")} == {date(2022, 11, 10)}
    with pytest.raises(IdempotencyError):
        decide(review, orders.extend, rechecking, day, 6, **key)
    with pytest.raises(IdempotencyError):
        decide(review, orders.suspend, rechecking, day, **key)


def test_a_refused_order_is_not_remembered_under_its_key(review, rechecking, extendable):
    day, key = date(2022, 10, 28), {"idempotency_key": "gia-han-1"}
    assert not decide(review, orders.extend, rechecking, day, 5, actor=COMMITTEE, **key).ok
    assert decide(review, orders.extend, rechecking, day, 5, **key).ok
