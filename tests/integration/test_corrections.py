"""Wrong entries corrected, on SQLite and on PostgreSQL: what follows from them, what stands in the way, what stays."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import insert, select

from rasoat.engine.correcting import Correction, correct
from rasoat.engine.service import CaseOpening
from rasoat.engine.values import Actor, Mandate
from rasoat.foundation.clock import LEGAL_ZONE
from rasoat.foundation.errors import IdempotencyError, NotFoundError
from rasoat.persistence.ledger import entries_of
from rasoat.persistence.rounds import RoundRow, insert_round
from tests.support.correcting import (
    AUTHORITY,
    REASON,
    act_of,
    case_row,
    certificate,
    codes,
    events_of,
    fix,
    take_back,
    terms,
)  # fmt: skip
from tests.support.invariants import broken
from tests.support.reviews import BEATS, COMMUNE, DISTRICT, STARTED, Beat, Review, officials

MEET, POST, ENDED, SUMMARISE, OPINION = 2, 3, 4, 5, 8
VOTES_BELOW_HALF = {"in_favour": 30}


@pytest.fixture
def review(database_url):
    found = Review.start(database_url)
    yield found
    found.database.dispose()


def ran(review, beats, villages=1, households=3):
    ids = review.open_round(1, villages=villages, households=households)
    review.run(BEATS[:beats], ids)
    return ids


def whole(review):
    return broken(review.database, review.engine.library) == []


def test_a_corrected_vote_takes_the_whole_village_back_to_its_survey(review):
    ids = ran(review, MEET + 1)
    outcome = fix(review, ids[0], "meet", body=VOTES_BELOW_HALF)
    assert {m.case_id for m in outcome.accepted} == set(ids)
    assert {m.to_state for m in outcome.accepted} == {"resurvey"}
    assert {case_row(review, i).state for i in ids} == {"resurvey"}
    assert json.loads(case_row(review, ids[0]).facts)["meetings_without_agreement"] == 1
    assert "met_on" not in json.loads(case_row(review, ids[0]).facts)
    assert whole(review)


def test_the_correction_names_the_old_act_its_reason_and_its_authority(review):
    ids = ran(review, MEET + 1)
    old = act_of(review, ids[0], "meet")
    before = events_of(review, ids[0])
    outcome = fix(review, ids[0], "meet", body=VOTES_BELOW_HALF)
    after = events_of(review, ids[0])
    assert after[: len(before)] == before
    correction, restated = after[len(before) :]
    assert (correction.kind, correction.from_state, correction.to_state) == ("correction", "agreed", "surveyed")
    assert (restated.kind, restated.from_state, restated.to_state) == ("restated", "surveyed", "resurvey")
    said = act_of(review, ids[0], "correction")
    assert (said.id, said.document, said.actor, said.role) == (outcome.act_id, AUTHORITY, "cb01", "committee")
    new = act_of(review, ids[0], "meet")
    assert json.loads(said.body) == {"act": str(old.id), "corrected": str(new.id), "reason": REASON}
    assert json.loads(new.body) == {**json.loads(old.body), **VOTES_BELOW_HALF}
    assert (new.actor, new.occurred_on) == (old.actor, old.occurred_on)


def test_a_vote_below_half_is_refused_once_a_later_act_was_built_on_it(review):
    ids = ran(review, len(BEATS))
    before = [case_row(review, i) for i in ids]
    outcome = fix(review, ids[0], "meet", body=VOTES_BELOW_HALF)
    assert (outcome.act_id, outcome.accepted) == (None, ())
    assert codes(outcome) == {"correcting.later_act"}
    assert outcome.refused[0].fields["day"] == POSTED_ON
    assert [case_row(review, i) for i in ids] == before


POSTED_ON = BEATS[POST].day


def test_a_vote_that_was_below_half_by_mistake_lets_the_village_go_on(review):
    ids = ran(review, MEET)
    minutes = {**BEATS[MEET].body, **VOTES_BELOW_HALF}
    review.run([replace(BEATS[MEET], body=minutes)], ids)
    assert {case_row(review, i).state for i in ids} == {"resurvey"}
    assert {m.to_state for m in fix(review, ids[0], "meet", body={"in_favour": 85}).accepted} == {"agreed"}
    review.run(BEATS[POST:], ids)
    assert {case_row(review, i).state for i in ids} == {"recognised"}
    assert whole(review)


def test_a_corrected_day_of_posting_moves_its_last_day_and_keeps_the_old_one_on_record(review):
    ids = ran(review, POST + 1)
    old = terms(review, ids[0], "posting")[0]
    fix(review, ids[0], "post", occurred_on=date(2022, 10, 21))
    aside, new = terms(review, ids[0], "posting")
    assert (aside.id, aside.status, aside.cause) == (old.id, "superseded", "corrected")
    assert (new.started_on, new.due_on, new.status) == (date(2022, 10, 21), date(2022, 10, 26), "open")
    with review.database.read() as tx:
        line = entries_of(tx, [aside.id])[aside.id][-1]
    assert (line.kind, line.document) == ("corrected", AUTHORITY)
    assert json.loads(line.detail)["old_due_on"] == "2022-10-27"
    assert whole(review)


def test_a_term_that_had_run_out_runs_out_on_its_new_day(review):
    ids = ran(review, ENDED + 1)
    fix(review, ids[0], "post", occurred_on=date(2022, 10, 21))
    facts = json.loads(case_row(review, ids[0]).facts)
    assert (case_row(review, ids[0]).state, facts["posting_until"]) == ("settled", "2022-10-26")
    assert terms(review, ids[0], "posting")[-1].status == "met"
    assert whole(review)


def test_a_term_that_has_not_run_out_after_all_runs_on(review):
    ids = ran(review, ENDED + 1)
    fix(review, ids[0], "post", occurred_on=date(2022, 10, 26))
    assert case_row(review, ids[0]).state == "posted"
    new = terms(review, ids[0], "posting")[-1]
    assert (new.status, new.due_on) == ("open", date(2022, 10, 31))
    review.run([replace(BEATS[ENDED], day=new.due_on, entered=datetime(2022, 11, 1, 1, tzinfo=LEGAL_ZONE))], ids)
    assert case_row(review, ids[0]).state == "settled"
    assert whole(review)


def test_a_day_after_the_step_that_follows_is_refused(review):
    ids = ran(review, SUMMARISE + 1)
    assert codes(fix(review, ids[0], "post", occurred_on=date(2022, 10, 27))) == {"correcting.later_act"}


def test_an_opinion_that_was_late_by_a_wrong_date_is_in_time_after_all(review):
    ids = ran(review, OPINION)
    review.run([replace(BEATS[OPINION], day=date(2022, 11, 10))], ids)
    assert [row.status for row in terms(review, ids[0], "opinion")] == ["met_late"]
    fix(review, ids[0], "give_opinion", occurred_on=date(2022, 11, 4))
    aside, new = terms(review, ids[0], "opinion")
    assert (aside.status, aside.breached_at is None) == ("superseded", False)
    assert (new.status, new.breached_at, new.due_on) == ("met", None, aside.due_on)
    assert [e.kind for e in events_of(review, ids[0])].count("breach") == 1  # what was recorded stays
    assert whole(review)


def test_an_opinion_that_turns_out_late_is_a_breach_on_record(review):
    ids = ran(review, OPINION + 1)
    review.clock.move_to(datetime(2022, 11, 14, 9, tzinfo=LEGAL_ZONE))
    fix(review, ids[0], "give_opinion", occurred_on=date(2022, 11, 10))
    new = terms(review, ids[0], "opinion")[-1]
    assert (new.status, new.closed_on) == ("met_late", date(2022, 11, 10))
    breach = next(e for e in events_of(review, ids[0]) if e.kind == "breach")
    assert json.loads(breach.payload)["deadline"] == str(new.id)
    with review.database.read() as tx:
        kinds = [line.kind for line in entries_of(tx, [new.id])[new.id]]
    assert kinds == ["breached"]
    assert whole(review)


def test_one_households_scores_are_corrected_and_leave_its_neighbours_alone(review):
    ids = ran(review, ENDED + 1)
    neighbours = [case_row(review, i) for i in ids[1:]]
    outcome = fix(review, ids[0], "survey", rows={ids[0]: {"b1": 200}})
    assert [m.case_id for m in outcome.accepted] == [ids[0]]
    assert case_row(review, ids[0]).class_after == "none"
    assert [case_row(review, i) for i in ids[1:]] == neighbours
    assert json.loads(act_of(review, ids[0], "correction").body)["corrected"] is None
    assert whole(review)


def test_a_score_corrected_after_recognition_withdraws_the_certificate_and_gives_another(review):
    ids = ran(review, len(BEATS))
    household = case_row(review, ids[0]).household_id
    number = certificate(review, ids[0])
    assert case_row(review, ids[0]).class_after == "near_poor"
    outcome = fix(review, ids[0], "survey", rows={ids[0]: {"b2": 40}})
    assert [(m.from_state, m.to_state) for m in outcome.accepted] == [("recognised", "recognised")]
    assert case_row(review, ids[0]).class_after == "poor"
    assert certificate(review, ids[0]) not in {None, number}
    last = events_of(review, ids[0])[-1]
    assert json.loads(last.payload)["certificate"] == certificate(review, ids[0])
    table = review.database.tables.certificate
    with review.database.read() as tx:
        papers = {row.number: row for row in tx.select(select(table).where(table.c.case_id == ids[0]))}
    assert papers[number].withdrawn_on == date(2022, 11, 7)
    assert papers[certificate(review, ids[0])]._mapping["class"] == "poor"
    assert household == case_row(review, ids[0]).household_id
    assert whole(review)


def test_a_certificate_goes_when_the_household_turns_out_not_poor(review):
    ids = ran(review, len(BEATS))
    fix(review, ids[0], "survey", rows={ids[0]: {"b1": 200}})
    assert case_row(review, ids[0]).state == "recognised"  # it was near-poor before: the decision takes it off the list
    assert certificate(review, ids[0]) is None
    assert json.loads(case_row(review, ids[0]).facts)["change"] == "escaped_near_poverty"
    assert whole(review)


def test_the_households_class_follows_the_corrected_decision(review):
    ids = ran(review, len(BEATS))
    table = review.database.tables.household
    blank = {"unit_path": f"{COMMUNE}/01", "persons": 1, "area": "rural", "sealed": b"", "data_key_id": b"12345678",
             "master_key_id": "", "wrapped_key": b"", "valid_from": STARTED}  # fmt: skip
    household = case_row(review, ids[0]).household_id
    with review.database.begin() as tx:
        tx.execute(insert(table), {**blank, "id": household, "code": "H1", "class_now": "near_poor"})
    fix(review, ids[0], "survey", rows={ids[0]: {"b2": 40}})
    with review.database.read() as tx:
        assert tx.select(select(table.c.class_now).where(table.c.id == household))[0][0] == "poor"


def test_a_class_that_a_later_review_began_from_is_not_changed_behind_its_back(review):
    ids = ran(review, len(BEATS))
    with review.database.begin() as tx:
        later = RoundRow(2, "R2", "annual@2022", COMMUNE, date(2023, 9, 5), None, None, review.clock.now())
        insert_round(tx, later)
        household = case_row(review, ids[0]).household_id
        opening = CaseOpening(household, f"{COMMUNE}/01", "near_poor", date(2023, 9, 5), {"origin": "managed"})
        review.engine.open_cases(tx, 2, [opening])
    assert codes(fix(review, ids[0], "survey", rows={ids[0]: {"b2": 40}})) == {"correcting.later_case"}
    assert codes(fix(review, ids[1], "survey", rows={ids[1]: {"b1": 95}})) == set()


def test_a_household_that_others_passed_a_barrier_with_may_not_fall_behind_it(review):
    ids = ran(review, SUMMARISE + 1)
    outcome = take_back(review, ids[0], "summarise", only=[ids[0]])
    assert codes(outcome) == {"correcting.barrier"}
    assert codes(take_back(review, ids[0], "summarise")) == set()
    assert {case_row(review, i).state for i in ids} == {"settled"}
    assert whole(review)


def test_a_meeting_cannot_be_moved_before_the_day_on_which_the_village_was_scored(review):
    ids = review.open_round(1, villages=1, households=3)
    review.run(BEATS[:1], ids)
    review.run([BEATS[1]], ids[:2])
    review.run([replace(BEATS[1], day=date(2022, 10, 6))], ids[2:])
    review.run([replace(BEATS[MEET], day=date(2022, 10, 10))], ids[:2])
    assert codes(fix(review, ids[0], "meet", occurred_on=date(2022, 10, 5))) == {"correcting.behind"}
    assert codes(fix(review, ids[0], "meet", occurred_on=date(2022, 10, 7))) == set()


def test_undo_takes_a_village_back_one_step(review):
    ids = ran(review, POST + 1)
    outcome = take_back(review, ids[0], "post")
    assert {(m.from_state, m.to_state) for m in outcome.accepted} == {("posted", "agreed")}
    assert {case_row(review, i).state for i in ids} == {"agreed"}
    assert "posted_on" not in json.loads(case_row(review, ids[0]).facts)
    assert [row.status for row in terms(review, ids[0], "posting")] == ["superseded"]
    assert events_of(review, ids[0])[-1].kind == "correction"
    assert whole(review)
    review.run(BEATS[POST:], ids)
    assert {case_row(review, i).state for i in ids} == {"recognised"}
    assert whole(review)


def test_only_the_last_step_is_undone_and_no_term_that_ran_out(review):
    ids = ran(review, ENDED + 1)
    assert codes(take_back(review, ids[0], "meet")) == {"correcting.built_upon"}
    assert codes(take_back(review, ids[0], "posting_ended")) == {"correcting.timer"}


def test_a_recognition_is_not_undone_once_certificates_were_handed_out(review):
    ids = ran(review, len(BEATS))
    assert certificate(review, ids[0]) is not None
    assert "correcting.certificate" in codes(take_back(review, ids[0], "recognise"))


def test_an_act_is_corrected_twice_only_in_its_latest_version(review):
    ids = ran(review, MEET + 1)
    old = act_of(review, ids[0], "meet")
    fix(review, ids[0], "meet", body={"in_favour": 80})
    fix(review, ids[0], "meet", body={"in_favour": 70})
    assert json.loads(act_of(review, ids[0], "meet").body)["in_favour"] == 70
    with review.database.begin() as tx:
        stale = Correction(old.id, officials(), date(2022, 10, 10), AUTHORITY, REASON, body={"in_favour": 60})
        assert codes(correct(tx, review.engine, stale)) == {"correcting.not_in_force"}
    assert whole(review)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"reason": " "}, "correcting.no_reason"),
        ({"authority": ""}, "correcting.no_document"),
        ({"actor": Actor("x", (Mandate("village_head", DISTRICT),))}, "correcting.authority"),
        ({"actor": Actor("x", (Mandate("committee", "42/446/00001"),))}, "correcting.authority"),
        ({"actor": Actor("x", (Mandate("committee", COMMUNE, valid_to=date(2022, 1, 1)),))}, "correcting.authority"),
        ({"decided_on": date(2023, 1, 1)}, "refused.future"),
        ({"decided_on": date(2022, 10, 9)}, "refused.before_previous"),
        ({"body": {"in_favour": 85}}, "correcting.nothing_changes"),
        ({"body": {"in_favour": 91}}, "refused.form"),
        ({"body": {"in_favour": None}}, "refused.form"),
        ({"occurred_on": date(2022, 10, 1)}, "correcting.itself"),
        ({"occurred_on": date(2022, 12, 1)}, "correcting.itself"),
        ({"body": {"signed_by_chair": False}}, "correcting.itself"),
    ],
)
def test_what_a_correction_must_bring(review, change, code):
    ids = ran(review, MEET + 1)
    before = [events_of(review, i) for i in ids]
    assert codes(fix(review, ids[0], "meet", **{"body": {"in_favour": 80}, **change})) == {code}
    assert [events_of(review, i) for i in ids] == before


def test_an_office_that_is_over_corrects_nothing_by_an_earlier_date(review):
    ids = ran(review, MEET + 1)
    day = date(2022, 10, 10)
    former = Actor("x", (Mandate("committee", COMMUNE, valid_to=day),))
    review.clock.move_to(review.clock.now() + timedelta(days=1))
    assert codes(fix(review, ids[0], "meet", body={"in_favour": 80}, actor=former, decided_on=day)) == {
        "correcting.authority"
    }


def test_a_correction_is_done_once_under_its_key(review):
    ids = ran(review, MEET + 1)
    first = fix(review, ids[0], "meet", body={"in_favour": 80}, idempotency_key="k")
    act = act_of(review, ids[0], "correction")
    again = {"actor": officials(), "decided_on": date(2022, 10, 10), "authority": AUTHORITY, "reason": REASON}
    old = int(json.loads(act.body)["act"])
    with review.database.begin() as tx:
        order = Correction(old, **again, body={"in_favour": 80}, idempotency_key="k")
        assert correct(tx, review.engine, order) == first
        with pytest.raises(IdempotencyError):
            correct(tx, review.engine, replace(order, reason="khác"))


def test_unknown_acts_and_cases_are_named(review):
    ids = ran(review, MEET + 1)
    with pytest.raises(NotFoundError, match="case 999"):
        fix(review, ids[0], "meet", rows={999: {"b1": 1}}, body={"in_favour": 80})
    with pytest.raises(NotFoundError, match="case 999"):
        fix(review, ids[0], "survey", rows={999: {"b1": 1}})


def test_who_may_correct_is_a_setting(review):
    ids = ran(review, MEET + 1)
    review.engine.settings["correction_roles"] = ["commune_chair"]
    committee, chair = (Actor("x", (Mandate(role, COMMUNE),)) for role in ("committee", "commune_chair"))
    assert codes(fix(review, ids[0], "meet", body={"in_favour": 80}, actor=committee)) == {"correcting.authority"}
    assert codes(fix(review, ids[0], "meet", body={"in_favour": 80}, actor=chair)) == set()


def test_a_complaint_entered_late_keeps_its_place_when_the_meeting_is_corrected(review):
    ids = ran(review, ENDED + 1)
    late = Beat(
        "complain", date(2022, 10, 26), {"subject_code": "B1"}, entered=datetime(2022, 11, 1, 9, tzinfo=LEGAL_ZONE)
    )
    review.run([late], ids[:1])
    assert case_row(review, ids[0]).state == "recheck"
    fix(review, ids[0], "meet", body={"in_favour": 80})
    assert case_row(review, ids[0]).state == "recheck"
    assert [row.status for row in terms(review, ids[0], "recheck")] == ["open"]
    assert whole(review)


def test_an_open_term_that_does_not_change_keeps_its_row_and_its_rungs(review):
    ids = ran(review, OPINION)
    before = terms(review, ids[0], "opinion")
    fix(review, ids[0], "meet", body={"in_favour": 80})
    assert terms(review, ids[0], "opinion") == before
    assert whole(review)
