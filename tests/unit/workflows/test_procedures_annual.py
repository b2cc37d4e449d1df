"""QĐ 24/2021/QĐ-TTg Điều 4, arrow by arrow: what each act does, under which provision, and every way it is refused."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from rasoat.engine.values import SYSTEM, Actor, Mandate
from rasoat.foundation.clock import LEGAL_ZONE
from tests.support.cases import MINUTES, POSTED, Walk, compiled, survey_row

START = date(2022, 9, 26)
ANNUAL = "annual@2022"
LISTED, SURVEYED, MET, POST, ENDED = (
    date(2022, 9, 27),
    date(2022, 10, 3),
    date(2022, 10, 10),
    date(2022, 10, 24),
    date(2022, 10, 27),
)
SUMMED, REPORTED, RECEIVED, OPINED, DECIDED = (
    date(2022, 10, 28),
    date(2022, 10, 31),
    date(2022, 11, 1),
    date(2022, 11, 4),
    date(2022, 11, 7),
)
NUMBER = {"number": "31/BC-UBND"}
OPINION = {"number": "412/UBND-LĐTBXH"}
DECISION = {"number": "77/QĐ-UBND", "opinion": "412/UBND-LĐTBXH"}

_COURSE = (
    ("listed", "list_managed", LISTED, None, None),
    ("surveyed", "survey", SURVEYED, None, survey_row()),
    ("agreed", "meet", MET, MINUTES, None),
    ("posted", "post", POST, POSTED, None),
    ("settled", "posting_ended", ENDED, None, None),
    ("summarised", "summarise", SUMMED, None, None),
    ("reported", "report", REPORTED, NUMBER, None),
    ("awaiting_opinion", "receive_report", RECEIVED, None, None),
    ("opined", "give_opinion", OPINED, OPINION, None),
)


def at(state: str, *, row: dict | None = None, class_before: str = "poor", **settings) -> Walk:
    """A managed household's case, taken by the plain course to `state`."""
    walk = Walk(ANNUAL, START, origin="managed", class_before=class_before, settings=settings)
    for reached, trigger, day, body, own in _COURSE:
        if walk.state == state:
            return walk
        assert walk.does(trigger, day, body, row if row and trigger == "survey" else own) == reached
    assert walk.state == state
    return walk


def requested(**settings) -> Walk:
    """The case of a household that asked for a review (Mẫu 01)."""
    return Walk(ANNUAL, START, origin="request", class_before="none", settings=settings)


def rechecking(state: str = "recheck") -> Walk:
    """A case whose posted result was contested on 26/10/2022."""
    walk = at("posted")
    walk.does("complain", date(2022, 10, 26), {"subject_code": "income"})
    steps = (
        ("survey", date(2022, 10, 28), None, survey_row(130, 20, surveyor="RSV-2")),
        ("meet", date(2022, 11, 1), MINUTES, None),
        ("post", date(2022, 11, 2), POSTED, None),
    )
    for trigger, day, body, row in steps:
        if walk.state == state:
            return walk
        walk.does(trigger, day, body, row)
    assert walk.state == state
    return walk


# Điều 4 khoản 1: the list.


def test_a_managed_household_is_listed_without_phieu_a():
    assert at("listed").state == "listed"


def test_a_household_that_asked_cannot_be_listed_as_managed():
    refusal = requested().refused("list_managed", LISTED)
    assert (refusal.code, refusal.article) == ("refused.not_managed", "QĐ 24/2021/QĐ-TTg Điều 4 khoản 1 điểm a")


@pytest.mark.parametrize(("trigger", "walk"), [("list_managed", at("registered")), ("screen", requested())])
def test_nothing_is_listed_before_the_round_starts(trigger, walk):
    walk.simulated = walk.simulated.__class__(walk.simulated.case._replace(last_on=date(2022, 9, 1)))
    refusal = walk.refused(trigger, date(2022, 9, 25), row={"signs": 2})
    assert (refusal.code, refusal.article) == ("refused.too_early", "QĐ 24/2021/QĐ-TTg Điều 3 khoản 1 điểm a")


def test_a_request_is_received_and_kept_with_the_case():
    walk = requested()
    assert walk.does("receive", LISTED, {"number": "12"}) == "registered"
    assert (walk.facts["received_on"], walk.facts["request"]) == ("2022-09-27", "12")


def test_a_managed_household_files_no_request():
    assert at("registered").code("receive", LISTED, {"number": "12"}) == "refused.managed_needs_no_request"


@pytest.mark.parametrize("signs", [0, 3])
def test_fewer_than_four_signs_of_phieu_a_put_a_household_on_the_list(signs):
    assert requested().does("screen", LISTED, row={"signs": signs}) == "listed"


@pytest.mark.parametrize("signs", [4, 9])
def test_four_signs_of_phieu_a_or_more_leave_it_off_with_a_written_reply(signs):
    walk = requested()
    assert walk.does("screen", LISTED, row={"signs": signs, "reply": "15/TL-UBND"}) == "screened_out"
    assert walk.facts["reply"] == "15/TL-UBND"


def test_a_household_left_off_needs_a_written_reply_while_the_setting_says_so():
    refusal = requested().refused("screen", LISTED, row={"signs": 4})
    assert (refusal.code, refusal.article) == ("refused.reply_missing", "Thiết lập reply_when_screened_out")
    assert requested(reply_when_screened_out=False).does("screen", LISTED, row={"signs": 4}) == "screened_out"


def test_a_managed_household_is_not_screened():
    assert at("registered").code("screen", LISTED, row={"signs": 2}) == "refused.managed_needs_no_screening"


# Điều 4 khoản 2: the survey.


@pytest.mark.parametrize(
    ("b1", "b2", "area", "found"),
    [
        (140, 30, "rural", "poor"),
        (140, 20, "rural", "near_poor"),
        (141, 120, "rural", "none"),
        (175, 30, "urban", "poor"),
        (175, 20, "urban", "near_poor"),
        (176, 120, "urban", "none"),
    ],
)
def test_the_scores_of_phieu_b_give_the_class_and_the_limits_belong_to_it(b1, b2, area, found):
    walk = at("surveyed", row=survey_row(b1, b2, area=area))
    assert walk.facts["class_after"] == found


@pytest.mark.parametrize("missing", ["b1", "b2", "area", "respondent"])
def test_a_survey_with_a_gap_is_refused(missing):
    row = {key: value for key, value in survey_row().items() if key != missing}
    refusal = at("listed").refused("survey", SURVEYED, row=row)
    assert (refusal.code, refusal.fields["missing"]) == ("refused.survey_incomplete", missing)
    assert refusal.article == "QĐ 24/2021/QĐ-TTg Điều 4 khoản 2"


# Điều 4 khoản 3: the meeting.


@pytest.mark.parametrize(("attendees", "in_favour"), [(10, 5), (9, 5), (1, 1)])
def test_half_of_all_who_attend_are_enough(attendees, in_favour):
    minutes = MINUTES | {"attendees": attendees, "in_favour": in_favour}
    assert at("surveyed").does("meet", MET, minutes) == "agreed"


@pytest.mark.parametrize(("attendees", "in_favour"), [(9, 4), (10, 0), (100_000, 49_999)])
def test_below_half_the_household_is_surveyed_and_the_village_meets_again(attendees, in_favour):
    walk = at("surveyed")
    assert walk.does("meet", MET, MINUTES | {"attendees": attendees, "in_favour": in_favour}) == "resurvey"
    assert walk.facts["meetings_without_agreement"] == 1
    assert walk.does("survey", date(2022, 10, 12), row=survey_row()) == "surveyed"
    assert walk.does("meet", date(2022, 10, 14), MINUTES) == "agreed"


def test_a_meeting_that_nobody_attended_agrees_to_nothing():
    assert at("surveyed").does("meet", MET, MINUTES | {"attendees": 0, "in_favour": 0}) == "resurvey"


@pytest.mark.parametrize("who", ["chair", "secretary", "households"])
def test_minutes_that_one_side_did_not_sign_are_refused(who):
    refusal = at("surveyed").refused("meet", MET, MINUTES | {f"signed_by_{who}": False})
    assert (refusal.code, refusal.fields["missing"]) == ("refused.minutes_unsigned", who)
    assert refusal.article == "QĐ 24/2021/QĐ-TTg Điều 4 khoản 3 điểm c"


def test_minutes_are_made_in_two_copies():
    assert at("surveyed").code("meet", MET, MINUTES | {"copies": 1}) == "refused.minutes_copies"


@pytest.mark.parametrize("state", ["registered", "listed", "resurvey"])
def test_the_village_does_not_meet_before_every_household_is_scored(state):
    walk = at("surveyed")
    walk.behind = {state: 2}
    refusal = walk.refused("meet", MET, MINUTES)
    assert (refusal.code, refusal.fields["count"]) == ("refused.village_barrier", 2)


def test_households_already_past_the_survey_do_not_hold_the_meeting_up():
    walk = at("surveyed")
    walk.behind = {"surveyed": 1, "posted": 3, "screened_out": 1}
    assert walk.does("meet", MET, MINUTES) == "agreed"


def test_the_share_may_be_counted_by_household_where_the_province_says_so():
    votes = {"households_represented": 9, "households_in_favour": 4}
    assert at("surveyed", agreement_base="households").does("meet", MET, MINUTES | votes) == "resurvey"
    assert at("surveyed", agreement_base="households").code("meet", MET, MINUTES) == "refused.votes_missing"


# Điều 4 khoản 4: posting, complaint, re-check, summary.


@pytest.mark.parametrize("place", ["at_village_house", "at_commune_office"])
def test_a_list_posted_at_one_place_only_is_not_posted(place):
    refusal = at("agreed").refused("post", POST, POSTED | {place: False})
    assert (refusal.code, refusal.fields["missing"]) == ("refused.posting_places", place)
    assert refusal.article == "QĐ 24/2021/QĐ-TTg Điều 4 khoản 4 điểm a"


def test_a_posting_lasts_three_working_days_and_then_ends_by_itself():
    walk = at("posted")
    assert walk.due("posting") == ENDED
    assert walk.timer("posting_ended", "posting") == "settled"
    assert walk.facts["posting_until"] == "2022-10-27"


def test_a_posting_cannot_end_before_midnight_of_its_last_day():
    early = datetime(2022, 10, 27, 23, 59, tzinfo=LEGAL_ZONE)
    assert at("posted").code("posting_ended", ENDED, entered=early) == "refused.term_running"
    assert at("posted").code("posting_ended", date(2022, 10, 26)) == "refused.term_running"


def test_no_official_ends_a_posting_by_hand():
    walk = at("posted")
    assert walk.code("posting_ended", ENDED, actor=walk.actor) == "refused.role"


def test_a_contested_result_is_re_checked_within_seven_working_days_of_the_complaint():
    walk = rechecking()
    assert walk.open_rules() == {"recheck"}
    assert walk.due("recheck") == date(2022, 11, 4)
    assert walk.facts["cause_recheck"] is True


def test_the_complaint_may_come_on_the_last_day_of_the_posting_and_not_after_it():
    assert at("posted").does("complain", ENDED, {"subject_code": "income"}) == "recheck"
    late = datetime(2022, 10, 28, 9, tzinfo=LEGAL_ZONE)
    walk = at("posted")
    refusal = walk.refused("complain", date(2022, 10, 28), {"subject_code": "income"}, entered=late)
    assert refusal.code == "refused.term_over"


@pytest.mark.parametrize("state", ["settled", "summarised", "reported", "awaiting_opinion", "opined"])
def test_a_complaint_received_in_time_but_entered_late_still_brings_the_re_check(state):
    walk = at(state)
    assert walk.does("complain", date(2022, 10, 26), {"subject_code": "income"}) == "recheck"
    assert walk.due("recheck") == date(2022, 11, 4)
    assert "opinion" not in walk.facts


@pytest.mark.parametrize("state", ["settled", "summarised", "reported", "awaiting_opinion", "opined"])
def test_a_complaint_after_the_posting_is_recorded_and_moves_nothing(state):
    walk = at(state)
    day = walk.simulated.case.last_on
    assert walk.does("complain", max(day, date(2022, 10, 28)), {"subject_code": "income"}) == state
    assert walk.facts["late_complaints"] == 1


@pytest.mark.parametrize("state", ["recheck", "rechecked", "recheck_agreed"])
def test_a_second_complaint_joins_the_re_check_that_runs(state):
    walk = rechecking(state)
    due = walk.due("recheck")
    assert walk.does("complain", date(2022, 10, 27), {"subject_code": "members"}) == state
    assert (walk.facts["complaints"], walk.due("recheck")) == (2, due)


@pytest.mark.parametrize("state", ["recheck", "rechecked", "recheck_agreed"])
def test_dieu_4_khoan_4_a_complaint_after_the_posting_does_not_join_the_re_check_in_time(state):
    """QĐ 24/2021/QĐ-TTg Điều 4 khoản 4 điểm b: only what is received while the list is posted calls for a re-check."""
    walk = rechecking(state)
    day, due = max(walk.simulated.case.last_on, date(2022, 10, 28)), walk.due("recheck")
    assert walk.does("complain", day, {"subject_code": "members"}) == state
    assert (walk.facts["complaints"], walk.facts["late_complaints"], walk.due("recheck")) == (1, 1, due)
    assert walk.facts["late_complaint_on"] == day.isoformat()
    assert walk.does("complain", date(2022, 10, 27), {"subject_code": "income"}) == state
    assert (walk.facts["complaints"], walk.facts["late_complaints"]) == (2, 1)


def test_dieu_4_khoan_4_the_posting_is_the_measure_for_a_re_check_that_began_after_it():
    walk = at("settled")
    walk.does("complain", date(2022, 10, 27), {"subject_code": "income"})
    for day in (date(2022, 10, 26), date(2022, 10, 28)):
        assert walk.does("complain", day, {"subject_code": "members"}) == "recheck"
    assert (walk.facts["complaints"], walk.facts["late_complaints"]) == (2, 1)


def test_a_second_re_check_is_joined_by_complaints_about_the_re_posted_result():
    walk = rechecking("reposted")
    walk.world = walk.world.__class__(
        walk.world.compiled, walk.world.calendar, walk.world.round_days, {"second_recheck": True}
    )
    walk.does("complain", date(2022, 11, 3), {"subject_code": "income"})
    for day in (date(2022, 11, 4), date(2022, 11, 8)):  # re-posted on 02/11, until 07/11
        assert walk.does("complain", day, {"subject_code": "members"}) == "recheck"
    assert (walk.facts["complaints"], walk.facts["late_complaints"]) == (3, 1)


def test_a_complaint_before_the_posting_is_out_of_order():
    assert at("settled").code("complain", date(2022, 10, 21), {"subject_code": "x"}) == "refused.before_previous"


def test_a_re_check_surveys_meets_and_posts_again_for_three_working_days():
    walk = rechecking("reposted")
    assert walk.facts["class_after"] == "near_poor"
    assert walk.due("reposting") == date(2022, 11, 7)
    assert walk.timer("posting_ended", "reposting") == "settled"
    assert "posting_until" not in walk.facts


def test_who_surveyed_a_household_does_not_re_check_it():
    refusal = rechecking().refused("survey", date(2022, 10, 28), row=survey_row())
    assert (refusal.code, refusal.article) == ("refused.separation", "Thiết lập separate_duties")


def test_a_re_check_with_a_gap_is_refused():
    row = {"b1": 1, "area": "rural", "respondent": "head", "surveyor": "RSV-2"}
    assert rechecking().code("survey", date(2022, 10, 28), row=row) == "refused.survey_incomplete"


def test_a_meeting_on_the_re_check_below_half_sends_it_back():
    walk = rechecking("rechecked")
    assert walk.does("meet", date(2022, 11, 1), MINUTES | {"in_favour": 4}) == "recheck"
    assert walk.due("recheck") == date(2022, 11, 4)


def test_the_minutes_of_a_re_check_are_minutes_too():
    walk = rechecking("rechecked")
    assert walk.code("meet", date(2022, 11, 1), MINUTES | {"signed_by_secretary": False}) == "refused.minutes_unsigned"


def test_a_re_check_is_posted_at_both_places():
    walk = rechecking("recheck_agreed")
    assert walk.code("post", date(2022, 11, 2), {"at_commune_office": True}) == "refused.posting_places"


def test_a_complaint_about_the_re_posted_result_is_recorded_only_by_default():
    walk = rechecking("reposted")
    assert walk.does("complain", date(2022, 11, 3), {"subject_code": "income"}) == "reposted"
    assert walk.facts["late_complaints"] == 1


def test_a_province_may_allow_a_second_re_check():
    walk = rechecking("reposted")
    walk.world = walk.world.__class__(
        walk.world.compiled, walk.world.calendar, walk.world.round_days, {"second_recheck": True}
    )
    assert walk.does("complain", date(2022, 11, 3), {"subject_code": "income"}) == "recheck"


UNSETTLED = sorted(
    {"registered", "listed", "surveyed", "resurvey", "agreed", "posted", "recheck", "reposted", "settled"}
)


@pytest.mark.parametrize("state", UNSETTLED)
@pytest.mark.parametrize(("at_state", "trigger"), [("settled", "summarise"), ("summarised", "report")])
def test_no_list_is_made_while_one_household_of_the_commune_is_not_done(at_state, trigger, state):
    walk = at(at_state)
    walk.behind = {state: 1}
    assert walk.code(trigger, REPORTED, NUMBER if trigger == "report" else {}) == "refused.commune_barrier"


@pytest.mark.parametrize(
    ("before", "scores", "change"),
    [
        ("poor", (141, 0), "escaped_poverty"),
        ("near_poor", (141, 0), "escaped_near_poverty"),
        ("poor", (140, 20), "escaped_to_near_poor"),
        ("near_poor", (140, 30), "fell_to_poor"),
        ("poor", (140, 30), "unchanged"),
        ("none", (140, 30), "newly_arisen"),
        ("average", (140, 30), "newly_arisen"),
        ("average", (141, 0), "unchanged"),
    ],
)
def test_the_summary_says_what_changed_for_the_household(before, scores, change):
    assert at("summarised", class_before=before, row=survey_row(*scores)).facts["change"] == change


# Điều 4 khoản 5 and 6: the superior's opinion, recognition.


def test_a_report_has_its_number():
    assert at("summarised").code("report", REPORTED) == "refused.document_number"


def test_the_superiors_five_working_days_count_from_the_day_the_report_arrives():
    walk = at("awaiting_opinion")
    assert walk.due("opinion") == date(2022, 11, 8)
    deadline = walk.simulated.deadlines[0]
    assert (deadline.owner_role, deadline.owner_path) == ("superior_chair", "01/001")


def test_an_opinion_is_a_document_with_a_number():
    assert at("awaiting_opinion").code("give_opinion", OPINED) == "refused.document_number"


def test_the_superiors_silence_blocks_recognition_by_default():
    walk = at("awaiting_opinion")
    assert walk.code("override_silence", date(2022, 11, 9), OPINION) == "refused.setting"
    assert walk.code("recognise", date(2022, 11, 9), DECISION) == "refused.state"


def test_silence_may_be_recorded_past_the_term_where_the_setting_allows_it():
    assert at("awaiting_opinion", silence_override=True).code("override_silence", date(2022, 11, 8), OPINION) == (
        "refused.not_overdue"
    )
    walk = at("awaiting_opinion", silence_override=True)
    assert walk.code("override_silence", date(2022, 11, 9)) == "refused.document_number"
    assert walk.does("override_silence", date(2022, 11, 9), OPINION) == "opined"


def test_the_decision_recognises_numbers_and_certifies_the_poor():
    walk = at("opined")
    assert walk.does("recognise", DECIDED, DECISION) == "recognised"
    assert (walk.facts["certified"], walk.facts["decision"]) == ("poor", "77/QĐ-UBND")


def test_a_household_that_escaped_is_decided_upon_but_gets_no_certificate():
    walk = at("opined", row=survey_row(141, 0))
    assert walk.does("recognise", DECIDED, DECISION) == "recognised"
    assert "certified" not in walk.facts


@pytest.mark.parametrize("before", ["none", "average"])
def test_a_household_that_was_and_is_not_poor_leaves_without_a_decision(before):
    walk = at("opined", class_before=before, row=survey_row(141, 0))
    assert walk.does("recognise", DECIDED, DECISION) == "not_poor"
    assert "certified" not in walk.facts


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"opinion": OPINION["number"]}, "refused.document_number"),
        ({"number": "77/QĐ-UBND"}, "refused.opinion_not_taken"),
        ({"number": "77/QĐ-UBND", "opinion": "413"}, "refused.opinion_not_taken"),
    ],
)
def test_a_decision_has_a_number_and_takes_the_opinion_into_account(body, code):
    refusal = at("opined").refused("recognise", DECIDED, body)
    assert (refusal.code, refusal.article) == (code, "QĐ 24/2021/QĐ-TTg Điều 4 khoản 6")


# Every act: state, office, day.


def test_a_case_may_be_withdrawn_until_it_is_decided_and_not_after():
    for state in compiled(ANNUAL).workflow.states:
        if state in {"registered", "listed", "surveyed", "posted", "settled", "awaiting_opinion", "opined"}:
            walk = at(state)
            assert walk.does("withdraw", DECIDED, row={"reason": "chuyển đi"}) == "withdrawn"
            assert walk.open_rules() == set()
    walk = at("opined")
    walk.does("recognise", DECIDED, DECISION)
    assert walk.code("withdraw", DECIDED, row={"reason": "chuyển đi"}) == "refused.state"
    assert at("listed").code("withdraw", DECIDED) == "refused.reason_missing"


def test_each_act_is_refused_from_every_state_it_does_not_leave():
    workflow = compiled(ANNUAL).workflow
    for trigger in workflow.triggers:
        for state in workflow.states:
            if not workflow.leaving(state, trigger):
                walk = at("registered")
                walk.simulated = walk.simulated.__class__(walk.simulated.case._replace(state=state))
                assert walk.code(trigger, DECIDED) == "refused.state"


def test_each_act_is_refused_to_who_holds_none_of_its_offices():
    workflow = compiled(ANNUAL).workflow
    for arrow in workflow.transitions:
        others = tuple(role for role in workflow.roles if role not in workflow.triggers[arrow.trigger].roles)
        walk = at("registered")
        walk.simulated = walk.simulated.__class__(walk.simulated.case._replace(state=arrow.sources[0]))
        wrong = Actor("cb02", tuple(Mandate(role, "01") for role in others))
        assert walk.code(arrow.trigger, DECIDED, actor=wrong) == "refused.role"


def test_an_office_in_another_unit_or_at_another_time_gives_no_power():
    walk = at("registered")
    for mandate in (
        Mandate("committee", "01/001/00002"),
        Mandate("committee", "01", valid_from=date(2022, 9, 28)),
        Mandate("committee", "01", valid_to=date(2022, 9, 26)),
    ):
        assert walk.code("list_managed", LISTED, actor=Actor("cb03", (mandate,))) == "refused.role"
    assert walk.code("list_managed", LISTED, actor=SYSTEM) == "refused.role"


def test_nothing_happens_in_the_future_nor_before_the_step_it_follows():
    entered = datetime(2022, 10, 10, 9, tzinfo=LEGAL_ZONE)
    assert at("surveyed").code("meet", date(2022, 10, 11), MINUTES, entered=entered) == "refused.future"
    assert at("surveyed").code("meet", date(2022, 10, 2), MINUTES) == "refused.before_previous"


def test_late_entry_is_unlimited_unless_the_setting_limits_it():
    entered = datetime(2022, 12, 1, 9, tzinfo=LEGAL_ZONE)
    assert at("surveyed").does("meet", MET, MINUTES, entered=entered) == "agreed"
    assert at("surveyed", back_dating_days=30).code("meet", MET, MINUTES, entered=entered) == "refused.too_old"


def test_an_act_the_procedure_does_not_know_is_refused_with_those_it_knows():
    refusal = at("listed").refused("appraise", SURVEYED)
    assert refusal.code == "refused.unknown_trigger"
    assert "summarise" in str(refusal.fields["known"])


def test_nobody_is_listed_after_the_season_has_ended():
    walk = Walk("annual@2022", date(2022, 9, 26), origin="managed", class_before="poor")
    refusal = walk.refused("list_managed", date(2022, 12, 15))
    assert (refusal.code, refusal.article) == ("refused.too_late", "QĐ 24/2021/QĐ-TTg Điều 3 khoản 1 điểm a")
    assert walk.does("list_managed", date(2022, 12, 14)) == "listed"


def test_a_survey_cannot_move_a_household_to_another_income_limit():
    walk = Walk("annual@2022", date(2022, 9, 26), origin="managed", class_before="poor", area="rural")
    walk.does("list_managed", date(2022, 9, 26))
    assert walk.code("survey", date(2022, 9, 27), row=survey_row(170, 40, area="urban")) == "refused.area_registered"
    assert walk.does("survey", date(2022, 9, 27), row=survey_row(170, 40)) == "surveyed"
    assert walk.facts["class_after"] == "none"
