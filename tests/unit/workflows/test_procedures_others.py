"""Average living standard (QĐ 24/2021 Điều 6), low-income workers (NĐ 30/2025), the in-year procedure of 2016–2021."""

from __future__ import annotations

from datetime import date

import pytest

from tests.support.cases import Walk, compiled

ROUND = date(2022, 9, 15)
OFFICE = {"at_commune_office": True}
DECISION, REFUSAL = {"number": "5/QĐ-UBND"}, {"number": "6/UBND", "reason": "ngoài khoảng thu nhập"}
AVERAGE, WORKER, IN_YEAR = "average-living@2022", "low-income-worker@2025", "in-year@2016"


def income(amount: int = 2_000_000, area: str = "rural", surveyor: str = "RSV-1") -> dict:
    return {"income": amount, "area": area, "respondent": "head", "surveyor": surveyor}


def average(until: str, *, row=None, workflow: str = AVERAGE, **settings) -> Walk:
    walk = Walk(
        workflow, ROUND, opened_on=date(2022, 9, 1), settings=settings,
        works_in="salt", class_before="none", household_class="none",
    )  # fmt: skip
    course = (
        ("receive", date(2022, 9, 5), {"number": "1"}, None),
        ("survey", date(2022, 9, 16), None, row or income()),
        ("post", date(2022, 9, 19), OFFICE, None),
        ("posting_ended", date(2022, 9, 26), None, None),
    )
    for trigger, day, body, own in course:
        if walk.state == until:
            return walk
        walk.does(trigger, day, body, own)
    assert walk.state == until
    return walk


def contested(day: date) -> Walk:
    walk = average("posted")
    assert walk.does("complain", day, {"subject_code": "income"}) == "recheck"
    return walk


# Điều 6.


def test_a_household_that_does_not_live_by_the_four_fields_is_not_received():
    walk = Walk(AVERAGE, ROUND, opened_on=date(2022, 9, 1), works_in="other", class_before="none")
    assert walk.code("receive", date(2022, 9, 5), {"number": "1"}) == "refused.not_on_farm"


def test_a_poor_household_is_not_of_average_living_standard():
    walk = Walk(AVERAGE, ROUND, opened_on=date(2022, 9, 1), works_in="fishery", class_before="poor")
    assert walk.code("receive", date(2022, 9, 5), {"number": "1"}) == "refused.already_on_list"


def test_the_review_starts_on_the_fifteenth_and_requests_come_before_it():
    walk = Walk(AVERAGE, ROUND, opened_on=date(2022, 9, 1), works_in="forestry", class_before="none")
    assert walk.code("receive", ROUND, {"number": "1"}) == "refused.after_cutoff"
    refusal = average("received").refused("survey", date(2022, 9, 14), row=income())
    assert (refusal.code, refusal.article) == ("refused.too_early", "QĐ 24/2021/QĐ-TTg Điều 3 khoản 2")


@pytest.mark.parametrize(
    ("amount", "area", "found"),
    [
        (1_500_000, "rural", "none"),
        (1_500_001, "rural", "average"),
        (2_250_000, "rural", "average"),
        (2_250_001, "rural", "none"),
        (2_000_000, "urban", "none"),
        (2_000_001, "urban", "average"),
        (3_000_000, "urban", "average"),
        (3_000_001, "urban", "none"),
    ],
)
def test_the_band_of_average_living_excludes_its_lower_limit_and_includes_its_upper(amount, area, found):
    assert average("surveyed", row=income(amount, area)).facts["class_after"] == found


@pytest.mark.parametrize("missing", ["income", "area", "respondent"])
def test_an_income_survey_with_a_gap_is_refused(missing):
    row = {key: value for key, value in income().items() if key != missing}
    assert average("received").code("survey", date(2022, 9, 16), row=row) == "refused.income_incomplete"


def test_no_meeting_no_phieu_a_no_phieu_b():
    triggers = compiled(AVERAGE).workflow.triggers
    assert {"meet", "screen"}.isdisjoint(triggers)
    assert triggers["survey"].form == "income_survey"


def test_it_is_posted_five_working_days_at_the_commune_office_alone():
    assert average("surveyed").code("post", date(2022, 9, 19), {"at_village_house": True}) == "refused.commune_office"
    walk = average("posted")
    assert walk.due("posting") == date(2022, 9, 26)
    assert walk.timer("posting_ended", "posting") == "settled"


def test_a_re_check_has_three_working_days_and_waits_for_the_rest_of_the_posting():
    walk = contested(date(2022, 9, 20))
    assert walk.due("recheck") == date(2022, 9, 23)
    assert walk.does("survey", date(2022, 9, 22), row=income(2_300_000, surveyor="RSV-2")) == "rechecked"
    assert walk.due("posting_rest") == date(2022, 9, 26)
    assert walk.code("recognise", date(2022, 9, 23), DECISION) == "refused.state"
    assert walk.code("posting_ended", date(2022, 9, 23)) == "refused.term_running"
    assert walk.timer("posting_ended", "posting_rest") == "settled"
    assert walk.facts["class_after"] == "none"


def test_a_re_check_that_ends_after_the_posting_is_not_posted_again():
    walk = contested(date(2022, 9, 26))
    assert walk.does("survey", date(2022, 9, 28), row=income(surveyor="RSV-2")) == "settled"
    assert walk.does("recognise", date(2022, 9, 29), DECISION) == "recognised"


def test_a_re_check_is_done_by_somebody_else_and_in_full():
    walk = contested(date(2022, 9, 20))
    assert walk.code("survey", date(2022, 9, 22), row=income()) == "refused.separation"
    gap = {"area": "rural", "respondent": "head", "surveyor": "RSV-2"}
    assert walk.code("survey", date(2022, 9, 22), row=gap) == "refused.income_incomplete"


def test_a_complaint_is_taken_to_the_end_of_the_posting_and_then_only_if_received_before():
    assert average("posted").code("complain", date(2022, 9, 27), {"subject_code": "x"}) == "refused.term_over"
    late = average("settled")
    assert late.does("complain", date(2022, 9, 27), {"subject_code": "x"}) == "settled"
    in_time = average("settled")
    assert in_time.does("complain", date(2022, 9, 23), {"subject_code": "x"}) == "recheck"
    assert in_time.does("complain", date(2022, 9, 23), {"subject_code": "y"}) == "recheck"
    assert in_time.does("survey", date(2022, 9, 28), row=income(surveyor="RSV-2")) == "settled"
    assert in_time.does("complain", date(2022, 9, 23), {"subject_code": "z"}) == "settled"
    assert in_time.facts["complaints"] == 3
    assert "late_complaints" not in in_time.facts


def test_dieu_6_a_complaint_after_the_five_days_joins_nothing_and_is_recorded_as_late():
    walk = contested(date(2022, 9, 23))
    assert walk.does("complain", date(2022, 9, 27), {"subject_code": "y"}) == "recheck"
    assert (walk.facts["complaints"], walk.facts["late_complaints"]) == (1, 1)
    assert walk.does("survey", date(2022, 9, 28), row=income(surveyor="RSV-2")) == "settled"
    assert walk.does("complain", date(2022, 9, 29), {"subject_code": "z"}) == "settled"
    assert (walk.facts["complaints"], walk.facts["late_complaints"]) == (1, 2)


def test_the_decision_falls_within_fifteen_days_of_the_rounds_start():
    assert average("received").due("decision") == date(2022, 9, 30)


def test_recognition_needs_an_income_in_the_band_and_a_number_and_gives_no_certificate():
    assert average("settled").code("recognise", date(2022, 9, 27)) == "refused.document_number"
    outside = average("settled", row=income(1))
    assert outside.code("recognise", date(2022, 9, 27), DECISION) == "refused.not_qualified"
    walk = average("settled")
    assert walk.code("refuse", date(2022, 9, 27), REFUSAL) == "refused.qualified"
    assert walk.does("recognise", date(2022, 9, 27), DECISION) == "recognised"
    assert (walk.facts["settled_class"], "certified" in walk.facts) == ("average", False)


def test_a_refusal_is_written_by_law_until_mid_2025_and_by_setting_since():
    walk = average("settled", row=income(1))
    assert walk.code("refuse", date(2022, 9, 27), {"number": "6"}) == "refused.reason_missing"
    assert walk.code("refuse", date(2022, 9, 27), {"reason": "x"}) == "refused.document_number"
    since = average("settled", row=income(1), workflow="average-living@2025")
    assert since.refused("refuse", date(2022, 9, 27)).article == "Thiết lập written_refusal"
    waived = average("settled", row=income(1), workflow="average-living@2025", written_refusal=False)
    assert waived.does("refuse", date(2022, 9, 27)) == "refused"


# NĐ 30/2025.


@pytest.mark.parametrize(
    ("amount", "area", "found"),
    [
        (0, "rural", "low_income"),
        (2_250_000, "rural", "low_income"),
        (2_250_001, "rural", "none"),
        (3_000_000, "urban", "low_income"),
        (3_000_001, "urban", "none"),
    ],
)
def test_a_low_income_worker_earns_no_more_than_the_limit(amount, area, found):
    assert average("surveyed", row=income(amount, area), workflow=WORKER).facts["class_after"] == found


def test_a_low_income_worker_is_a_person_outside_poor_and_near_poor_households():
    assert compiled(WORKER).workflow.subject == "person"
    for household in ("poor", "near_poor"):
        walk = Walk(WORKER, ROUND, opened_on=date(2022, 9, 1), household_class=household)
        refusal = walk.refused("receive", date(2022, 9, 5), {"number": "1"})
        assert (refusal.code, refusal.article) == ("refused.already_on_list", "NĐ 30/2025/NĐ-CP")


def test_recognising_a_worker_leaves_the_households_class_alone():
    walk = average("settled", workflow=WORKER)
    assert walk.does("recognise", date(2022, 9, 27), DECISION) == "recognised"
    assert "settled_class" not in walk.facts


def test_every_provision_of_the_workers_procedure_is_the_decree_or_a_setting():
    workflow = compiled(WORKER).workflow
    acts = {a.article.act for a in (*workflow.states.values(), *workflow.triggers.values(), *workflow.deadlines)}
    assert {act for act in acts if not act.startswith("Thiết lập")} == {"NĐ 30/2025/NĐ-CP"}


# TT 17/2016.


def in_year(until: str, *, found="poor", before="none", **settings) -> Walk:
    walk = Walk(IN_YEAR, date(2020, 11, 20), class_before=before, settings=settings)
    course = (
        ("receive", date(2020, 11, 20), {"number": "1"}, None),
        ("appraise", date(2020, 11, 24), None, {"class_found": found, "area": "rural", "kind": "income"}),
        ("recognise", date(2020, 11, 26), DECISION, None),
        ("post", date(2020, 11, 27), OFFICE, None),
    )
    for trigger, day, body, own in course:
        if walk.state == until:
            return walk
        walk.does(trigger, day, body, own)
    assert walk.state == until
    return walk


def test_in_2020_all_is_done_within_seven_working_days_of_the_request():
    walk = in_year("received")
    assert walk.due("decision") == date(2020, 12, 1)
    done = in_year("recognised")
    assert (done.open_rules(), done.facts["class_after"], done.facts["kind"]) == (set(), "poor", "income")


def test_in_2020_the_decision_waits_for_the_appraisal_and_is_posted_at_the_commune_office():
    assert in_year("received").code("recognise", date(2020, 11, 26), DECISION) == "refused.state"
    row = {"area": "rural"}
    assert in_year("received").code("appraise", date(2020, 11, 24), row=row) == "refused.class_missing"
    assert in_year("appraised").code("recognise", date(2020, 11, 26)) == "refused.document_number"
    assert in_year("decided").code("post", date(2020, 11, 27), {"at_village_house": True}) == "refused.commune_office"


def test_in_2020_what_changes_is_recognised_and_what_does_not_is_declined():
    assert in_year("appraised", found="none", before="poor").facts["change"] == "escaped_poverty"
    same = in_year("appraised", found="poor", before="poor")
    assert same.code("recognise", date(2020, 11, 26), DECISION) == "refused.not_qualified"
    assert same.code("refuse", date(2020, 11, 26), {"number": "6"}) == "refused.reason_missing"
    assert same.does("refuse", date(2020, 11, 26), REFUSAL) == "refused"
    changed = in_year("appraised")
    assert changed.code("refuse", date(2020, 11, 26), REFUSAL) == "refused.qualified"


@pytest.mark.parametrize("workflow_id", [AVERAGE, WORKER, IN_YEAR])
def test_who_withdraws_gives_a_reason(workflow_id):
    walk = Walk(
        workflow_id, ROUND, opened_on=date(2022, 9, 1), class_before="none", works_in="salt", household_class="none"
    )
    walk.does("receive", date(2022, 9, 5), {"number": "1"})
    assert walk.code("withdraw", date(2022, 9, 16)) == "refused.reason_missing"
    assert walk.does("withdraw", date(2022, 9, 16), row={"reason": "chuyển đi"}) == "withdrawn"
    assert walk.open_rules() == set()
