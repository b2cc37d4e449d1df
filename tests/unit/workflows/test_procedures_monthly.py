"""QĐ 24/2021/QĐ-TTg Điều 5: requests between the annual reviews, two clocks, no superior's opinion."""

from __future__ import annotations

from datetime import date

import pytest

from tests.support.cases import MINUTES, POSTED, Walk, compiled, survey_row

ROUND = date(2026, 9, 15)
RECEIVED, SCREENED, POST = date(2026, 9, 10), date(2026, 9, 16), date(2026, 9, 18)
REQUEST, DECISION = {"number": "12/ĐN"}, {"number": "88/QĐ-UBND"}
REFUSAL = {"number": "9/UBND", "reason": "không đạt chuẩn"}


def entry(until: str = "settled", *, row=None, class_before="none", **settings) -> Walk:
    """A request for recognition of 10/9/2026, taken to a state of the round of 15/9/2026."""
    walk = Walk("monthly-entry@2025", ROUND, opened_on=date(2026, 8, 1), class_before=class_before, settings=settings)
    course = (
        ("receive", RECEIVED, REQUEST, None),
        ("screen", SCREENED, None, {"signs": 3}),
        ("survey", SCREENED, None, row or survey_row()),
        ("meet", date(2026, 9, 17), MINUTES, None),
        ("post", POST, POSTED, None),
        ("posting_ended", date(2026, 9, 23), None, None),
        ("summarise", date(2026, 9, 24), None, None),
    )
    return _along(walk, course, until)


def leaving(until: str = "settled", *, row=None, class_before="poor") -> Walk:
    """A request to be recognised as having left poverty."""
    walk = Walk("monthly-exit@2025", ROUND, opened_on=date(2026, 8, 1), class_before=class_before)
    course = (
        ("receive", RECEIVED, REQUEST, None),
        ("list_managed", SCREENED, None, None),
        ("survey", SCREENED, None, row or survey_row(150, 0)),
        ("meet", date(2026, 9, 17), MINUTES, None),
        ("post", POST, POSTED, None),
        ("posting_ended", date(2026, 9, 23), None, None),
        ("summarise", date(2026, 9, 24), None, None),
    )
    return _along(walk, course, until)


def _along(walk, course, until):
    for trigger, day, body, row in course:
        if walk.state == until:
            return walk
        walk.does(trigger, day, body, row)
    assert walk.state == until
    return walk


def test_two_clocks_run_from_receipt_and_from_the_rounds_start():
    """Đ5 k2: 15 days from the start of the review. The portal prints 15 days from receipt: shown, and no law."""
    walk = entry("received")
    assert walk.open_rules() == {"decision", "receipt"}
    assert (walk.due("decision"), walk.due("receipt")) == (date(2026, 9, 30), date(2026, 9, 25))
    rules = {rule.key: rule for rule in compiled("monthly-entry@2025").workflow.deadlines}
    assert (rules["decision"].article.tag, rules["receipt"].article.tag) == ("FOUND", "SETTING")


def test_a_round_of_august_2026_ends_after_the_holidays():
    """15/8/2026 + 15 days is Sunday 30/8; 31/8 is swapped off, 01–02/9 are holidays: the last day is 03/9."""
    walk = Walk("monthly-entry@2025", date(2026, 8, 15), opened_on=date(2026, 8, 1), class_before="none")
    walk.does("receive", date(2026, 8, 10), REQUEST)
    assert walk.due("decision") == date(2026, 9, 3)


def test_a_request_of_the_fifteenth_or_later_waits_for_the_next_round():
    walk = Walk("monthly-entry@2025", ROUND, opened_on=date(2026, 9, 1), class_before="none")
    refusal = walk.refused("receive", ROUND, REQUEST)
    assert (refusal.code, refusal.article) == ("refused.after_cutoff", "Thiết lập cutoff_before_start (D8)")
    lenient = Walk(
        "monthly-entry@2025", ROUND, opened_on=ROUND, class_before="none", settings={"cutoff_before_start": False}
    )
    assert lenient.does("receive", ROUND, REQUEST) == "received"


def test_nothing_is_screened_before_the_fifteenth():
    refusal = entry("received").refused("screen", date(2026, 9, 14), row={"signs": 3})
    assert (refusal.code, refusal.article) == ("refused.too_early", "QĐ 24/2021/QĐ-TTg Điều 3 khoản 1 điểm b")


def test_a_request_screened_out_is_refused_in_writing_and_no_setting_waives_that():
    walk = entry("received")
    refusal = walk.refused("screen", SCREENED, row={"signs": 4})
    assert (refusal.code, refusal.article) == ("refused.reply_missing", "QĐ 24/2021/QĐ-TTg Điều 5 khoản 2")
    assert walk.does("screen", SCREENED, row={"signs": 4, "reply": "9/UBND"}) == "screened_out"
    assert walk.open_rules() == set()


def test_one_request_in_re_check_does_not_hold_the_others_up():
    walk = entry("settled")
    walk.behind = {"recheck": 1}
    assert walk.does("summarise", date(2026, 9, 24)) == "summarised"


def test_the_village_meets_when_every_request_of_the_round_is_scored():
    walk = entry("surveyed")
    walk.behind = {"received": 1}
    assert walk.code("meet", date(2026, 9, 17), MINUTES) == "refused.village_barrier"


def test_who_meets_the_standard_is_recognised_with_a_certificate_and_without_any_opinion():
    walk = entry("summarised")
    assert walk.code("recognise", date(2026, 9, 25)) == "refused.document_number"
    assert walk.does("recognise", date(2026, 9, 25), DECISION) == "recognised"
    assert walk.facts["certified"] == "poor"
    assert "give_opinion" not in compiled("monthly-entry@2025").workflow.triggers


def test_who_meets_the_standard_cannot_be_refused_nor_who_does_not_be_recognised():
    assert entry("summarised").code("refuse", date(2026, 9, 25), REFUSAL) == "refused.qualified"
    walk = entry("summarised", row=survey_row(141, 0))
    assert walk.code("recognise", date(2026, 9, 25), DECISION) == "refused.not_qualified"


@pytest.mark.parametrize(
    ("missing", "code"), [("number", "refused.document_number"), ("reason", "refused.reason_missing")]
)
def test_a_refusal_is_written_and_gives_the_reason(missing, code):
    walk = entry("summarised", row=survey_row(141, 0))
    body = {key: value for key, value in REFUSAL.items() if key != missing}
    refusal = walk.refused("refuse", date(2026, 9, 25), body)
    assert (refusal.code, refusal.article) == (code, "QĐ 24/2021/QĐ-TTg Điều 5 khoản 2")
    assert walk.does("refuse", date(2026, 9, 25), REFUSAL) == "refused"
    assert (walk.facts["refusal"], walk.facts["reason"]) == ("9/UBND", "không đạt chuẩn")


def test_late_because_of_the_re_check_is_told_apart_from_plainly_late():
    walk = entry("posted")
    walk.does("complain", date(2026, 9, 23), {"subject_code": "income"})
    assert walk.due("decision") == date(2026, 9, 30)
    assert walk.due("recheck") == date(2026, 10, 2)
    assert walk.facts["cause_recheck"] is True
    rule = walk.world.workflow.deadline("decision")
    assert rule.causes[0] == "recheck"
    walk.does("survey", date(2026, 9, 28), row=survey_row(surveyor="RSV-2"))
    walk.does("meet", date(2026, 10, 1), MINUTES)
    walk.does("post", date(2026, 10, 2), POSTED)
    assert walk.timer("posting_ended", "reposting") == "settled"
    assert walk.simulated.case.last_on == date(2026, 10, 7)


def test_a_meeting_below_half_is_a_cause_of_lateness_of_its_own():
    walk = entry("surveyed")
    assert walk.does("meet", date(2026, 9, 17), MINUTES | {"in_favour": 4}) == "resurvey"
    assert walk.facts["cause_no_agreement"] is True


# Leaving poverty: Mẫu 04, no Phiếu A, no certificate.


def test_leaving_needs_no_phieu_a():
    assert leaving("listed").state == "listed"
    assert "screen" not in compiled("monthly-exit@2025").workflow.triggers
    assert compiled("monthly-exit@2025").workflow.triggers["receive"].form == "exit_request"


def test_only_who_is_on_the_list_can_leave_it():
    walk = Walk("monthly-exit@2025", ROUND, opened_on=date(2026, 8, 1), class_before="none")
    assert walk.code("receive", RECEIVED, REQUEST) == "refused.not_on_list"


def test_nothing_is_listed_for_leaving_before_the_fifteenth():
    assert leaving("received").code("list_managed", date(2026, 9, 14)) == "refused.too_early"


@pytest.mark.parametrize(
    ("before", "scores", "change"),
    [
        ("poor", (150, 0), "escaped_poverty"),
        ("near_poor", (150, 0), "escaped_near_poverty"),
        ("poor", (120, 20), "escaped_to_near_poor"),
    ],
)
def test_a_better_result_is_recognised_and_brings_no_certificate(before, scores, change):
    walk = leaving("summarised", class_before=before, row=survey_row(*scores))
    assert walk.facts["change"] == change
    assert walk.code("refuse", date(2026, 9, 25), REFUSAL) == "refused.qualified"
    assert walk.does("recognise", date(2026, 9, 25), DECISION) == "recognised"
    assert "certified" not in walk.facts


@pytest.mark.parametrize(
    ("before", "scores"), [("poor", (120, 40)), ("near_poor", (120, 20)), ("near_poor", (120, 40))]
)
def test_a_result_that_is_no_better_is_refused_with_the_reason(before, scores):
    walk = leaving("summarised", class_before=before, row=survey_row(*scores))
    assert walk.code("recognise", date(2026, 9, 25), DECISION) == "refused.not_qualified"
    assert walk.does("refuse", date(2026, 9, 25), REFUSAL) == "refused"


@pytest.mark.parametrize(
    "workflow_id", [f"monthly-{way}@{regime}" for way in ("entry", "exit") for regime in (2022, 2025)]
)
def test_a_monthly_round_has_no_season(workflow_id):
    assert not {"season_starts", "season_ends"} & set(compiled(workflow_id).workflow.criteria)
