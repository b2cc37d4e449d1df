"""What a case was opened with, corrected: its later acts are done again from there, or the correction is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest

from rasoat.engine.correcting import OpeningCorrection, correct
from rasoat.engine.history import past_cases
from rasoat.engine.openings import require_class
from rasoat.engine.replaying import origin_of
from rasoat.engine.values import Actor, Mandate
from rasoat.foundation.errors import IdempotencyError, InputError, NotFoundError
from rasoat.workflows.library import WorkflowLibrary
from tests.support.correcting import AUTHORITY, REASON, case_row, codes, events_of, terms
from tests.support.invariants import broken
from tests.support.reviews import BEATS, COMMUNE, STARTED, Review, officials


@pytest.fixture
def review(database_url):
    found = Review.start(database_url)
    yield found
    found.database.dispose()


def ran(review, beats):
    ids = review.open_round(1, villages=1, households=2)
    review.run(BEATS[:beats], ids)
    return ids


def reopen(review, case_id, **said):
    day = review.clock.now().date()
    order = OpeningCorrection(case_id, officials(), day, AUTHORITY, REASON)
    with review.database.begin() as tx:
        return correct(tx, review.engine, replace(order, **said))


def test_the_class_a_household_came_from_is_corrected_and_what_follows_from_it(review):
    ids = ran(review, len(BEATS))
    other, before = case_row(review, ids[1]), events_of(review, ids[0])
    assert (case_row(review, ids[0]).class_before, change(review, ids[0])) == ("near_poor", "unchanged")
    outcome = reopen(review, ids[0], class_before="poor")
    assert [(m.case_id, m.to_state) for m in outcome.accepted] == [(ids[0], "recognised")]
    row = case_row(review, ids[0])
    assert (row.class_before, row.class_after) == ("poor", "near_poor")
    assert change(review, ids[0]) == "escaped_to_near_poor"
    assert case_row(review, ids[1]) == other
    after = events_of(review, ids[0])
    assert after[: len(before)] == before
    correction, *restated = after[len(before) :]
    assert json.loads(correction.payload) == {
        "act": None, "corrected": None, "from_seq": 2, "opening": {"class_before": "poor", "origin": "managed"}
    }  # fmt: skip
    assert [e.trigger for e in restated if e.kind == "restated"] == [beat.trigger for beat in BEATS]
    assert {row.status for row in terms(review, ids[0], "posting")} == {"met"}
    assert broken(review.database, review.engine.library) == []


def change(review, case_id):
    return json.loads(case_row(review, case_id).facts).get("change")


def test_a_case_that_was_only_opened_is_corrected_and_goes_on(review):
    ids = ran(review, 0)
    seen = []
    review.engine.observers = (lambda _, request, steps: seen.append((request.body, steps)),)
    reopen(review, ids[0], facts={"former": True}, class_before="none")
    assert seen == [({"opening": {"class_before": "none", "former": True, "origin": "managed"}, "reason": REASON}, [])]
    assert json.loads(case_row(review, ids[0]).facts) == {"former": True, "origin": "managed"}
    reopen(review, ids[0], facts={"former": None})
    row = case_row(review, ids[0])
    assert (json.loads(row.facts), row.class_before, row.seq) == ({"origin": "managed"}, "none", 3)
    review.run(BEATS, ids)
    assert broken(review.database, review.engine.library) == []


def test_what_would_not_have_been_lawful_from_there_stands_in_the_way(review):
    ids = ran(review, 2)
    before = events_of(review, ids[0])
    assert codes(reopen(review, ids[0], facts={"origin": "request"})) == {"correcting.later_act"}
    assert events_of(review, ids[0]) == before


def test_the_past_shows_what_was_known_then(review):
    ids = ran(review, 3)
    known_before = review.clock.now()
    review.clock.move_to(known_before + timedelta(hours=1))
    reopen(review, ids[0], facts={"former": True})
    today = date(2022, 10, 10)
    with review.database.read() as tx:
        now, then = (
            next(iter(past_cases(tx, review.engine, ids[:1], today, at))) for at in (review.clock.now(), known_before)
        )
    assert "former" in now.facts
    assert "former" not in then.facts
    row, events = case_row(review, ids[0]), events_of(review, ids[0])
    assert "former" not in origin_of(row, events, known_before).facts
    assert "former" in origin_of(row, events).facts


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"reason": " "}, "correcting.no_reason"),
        ({"authority": ""}, "correcting.no_document"),
        ({"actor": Actor("x", (Mandate("village_head", COMMUNE),))}, "correcting.authority"),
        ({"decided_on": date(2023, 1, 1)}, "refused.future"),
        ({"decided_on": STARTED - timedelta(days=1)}, "refused.before_previous"),
        ({"class_before": "near_poor"}, "correcting.opening_unchanged"),
    ],
)
def test_what_it_must_bring(review, change, code):
    ids = ran(review, 1)
    assert codes(reopen(review, ids[0], **{"class_before": "poor", **change})) == {code}


def test_it_may_be_decided_on_the_day_of_the_opening(review):
    ids = ran(review, 1)
    assert events_of(review, ids[0])[0].occurred_on == STARTED
    assert reopen(review, ids[0], class_before="poor", decided_on=STARTED).ok


def test_the_class_is_corrected_as_such_and_not_as_a_fact(review):
    ids = ran(review, 1)
    before = events_of(review, ids[0])
    with pytest.raises(InputError, match="opens with") as raised:
        reopen(review, ids[0], facts={"class_before": "poor"})
    assert "class_before:" not in str(raised.value)
    assert events_of(review, ids[0]) == before
    assert reopen(review, ids[0], class_before="average").ok
    assert case_row(review, ids[0]).class_before == "average"


@pytest.mark.parametrize(
    ("procedure", "taken", "refused"),
    [
        ("annual@2022", {"none", "poor", "near_poor", "average"}, {"rich"}),
        ("monthly-entry@2022", {"none", "near_poor", "average"}, {"poor"}),
        ("monthly-exit@2022", {"poor", "near_poor"}, {"none", "average"}),
        ("low-income-worker@2025", set(), {"none", "poor", "near_poor", "average"}),
    ],
)
def test_a_class_is_held_to_what_the_procedure_opens_with(procedure, taken, refused):
    workflow = WorkflowLibrary().compiled(procedure).workflow
    for class_before in (*taken, None):
        require_class(workflow, class_before)
    for class_before in refused:
        with pytest.raises(InputError, match=class_before):
            require_class(workflow, class_before)


def test_a_class_that_is_none_an_unknown_case_and_another_body_under_its_key_are_refused(review):
    ids = ran(review, 1)
    with pytest.raises(InputError, match="class_before"):
        reopen(review, ids[0], class_before="rich")
    for strange in ({"b1": 10}, {"former": "yes"}, {"origin": "lottery"}):
        with pytest.raises(InputError, match="opens with"):
            reopen(review, ids[0], facts=strange)
    with pytest.raises(NotFoundError, match="999"):
        reopen(review, 999, class_before="poor")
    first = reopen(review, ids[0], class_before="poor", idempotency_key="k")
    assert reopen(review, ids[0], class_before="poor", idempotency_key="k") == first
    with pytest.raises(IdempotencyError):
        reopen(review, ids[0], class_before="none", idempotency_key="k")
