"""What counts of a case's events, and how a case is rebuilt from them."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import pytest

from rasoat.engine.replaying import Line, in_force, lines_of, origin_of
from rasoat.foundation.clock import LEGAL_ZONE
from rasoat.foundation.errors import IntegrityError
from rasoat.persistence.cases import CaseRow
from rasoat.persistence.events import ActRow, EventRow
from tests.support.cases import compiled

START = datetime(2022, 10, 1, 9, tzinfo=LEGAL_ZONE)


def event(seq, kind, trigger="meet", payload=None, act_id=None):
    text = "" if payload is None else json.dumps(payload)
    at = START + timedelta(hours=seq)
    return EventRow(7, seq, kind, trigger, "surveyed", "agreed", act_id, date(2022, 10, 1), at, "a", text, b"")


def correction(seq, first):
    return event(seq, "correction", "correction", {"from_seq": first})


def numbers(events, known_at=None):
    return [e.seq for e in in_force(events, known_at)]


def test_facts_about_terms_say_nothing_of_where_a_case_stands():
    assert numbers([event(1, "opened"), event(2, "breach"), event(3, "step"), event(4, "deadline")]) == [1, 3]


def test_a_correction_takes_back_what_it_names_and_all_that_followed():
    history = [event(1, "opened"), event(2, "step"), event(3, "step"), correction(4, 2), event(5, "restated")]
    assert numbers(history) == [1, 5]


def test_a_correction_of_a_correction_takes_back_what_was_restated():
    history = [event(1, "opened"), event(2, "step"), correction(3, 2), event(4, "restated"), event(5, "step")]
    assert numbers([*history, correction(6, 4), event(7, "restated")]) == [1, 7]
    assert numbers([*history, correction(6, 5)]) == [1, 4]


def test_a_move_is_not_taken_back():
    assert numbers([event(1, "opened"), event(2, "step"), event(3, "moved"), correction(4, 2)]) == [1, 3]


def test_a_correction_counts_from_the_instant_it_was_known():
    history = [event(1, "opened"), event(2, "step"), correction(3, 2), event(4, "restated")]
    assert numbers(history, START + timedelta(hours=2)) == [1, 2]
    assert numbers(history, START + timedelta(hours=3)) == [1]
    assert numbers(history, START + timedelta(hours=4)) == [1, 4]


def test_a_case_is_put_back_to_its_first_definition_and_place():
    case = CaseRow(7, 1, 1, "42/19999/01", "annual@2025", "agreed", 9, date(2025, 8, 1), "poor", "none", "{}", b"h")
    history = [
        event(1, "opened", "open", {"class_before": "poor", "origin": "managed"}),
        event(2, "migration", "plan", {"from": "annual@2022", "to": "annual@2025", "unit_from": "42/446/18766/01"}),
        event(3, "moved", "recode", {"unit_from": "42/18766/01", "unit_to": "42/19999/01"}),
    ]
    origin = origin_of(case, history)
    assert (origin.workflow, origin.unit_path, origin.seq) == ("annual@2022", "42/446/18766/01", 1)
    assert (origin.class_before, origin.class_after, origin.facts) == ("poor", None, '{"origin":"managed"}')
    with pytest.raises(IntegrityError, match="not its opening"):
        origin_of(case, history[1:])


def test_a_recorded_act_is_asked_for_again_with_the_households_own_part_alone():
    act = ActRow(
        5, "meet", "meeting", "42/446/18766/01", date(2022, 10, 1), START, "TT-1", "village_head", "TT-0", "3/BB",
        '{"attendees":90}', b"",
    )  # fmt: skip
    recorded = event(2, "step", payload={"b1": 100, "certificate": "0001/2022"}, act_id=5)
    (line,) = lines_of([recorded], {5: act})
    request = line.request(compiled("annual@2022").workflow)
    assert (request.trigger, request.case_ids, request.occurred_on, request.document) == (
        "meet", (7,), date(2022, 10, 1), "3/BB",
    )  # fmt: skip
    assert (request.body, request.rows, line.certificate) == ({"attendees": 90}, {7: {"b1": 100}}, "0001/2022")
    assert (request.actor.key, request.actor.on_behalf_of) == ("TT-1", "TT-0")
    assert request.actor.mandate_for(("village_head",), "42/446/18766/01", date(2022, 10, 1)) is not None
    assert Line(event(3, "step", "posting_ended"), None).request(compiled("annual@2022").workflow).actor.key == "system"
