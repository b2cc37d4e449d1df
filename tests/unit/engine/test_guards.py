"""Guards: what each lets pass, at its very edge, and what it says when it does not."""

from __future__ import annotations

import json
from datetime import date, datetime

import pytest

from rasoat.engine.checking.simulating import Simulated, open_case
from rasoat.engine.guards import GUARDS, Scope, guard_spec
from rasoat.engine.values import Actor, ActRequest
from rasoat.engine.views import Census, Context, View
from rasoat.foundation.clock import LEGAL_ZONE, end_of
from rasoat.foundation.errors import DefinitionError
from rasoat.foundation.messages import message
from tests.support.cases import Walk, compiled

ANNUAL = compiled("annual@2022").workflow
DAY = date(2022, 10, 26)


def view(
    body=None, row=None, facts=None, *, day=DAY, now=None, deadlines=(), settings=None, behind=None, actor="x"
) -> View:
    case = open_case(ANNUAL, {"class_before": "poor", **(facts or {})}, date(2022, 9, 26)).case
    context = Context(
        now=now or datetime(2022, 10, 26, 9, tzinfo=LEGAL_ZONE), today=DAY, calendar=None,  # type: ignore[arg-type]  # no guard here asks it
        settings=settings or {}, census={"1": Census(behind or {})}, deadlines={1: tuple(deadlines)},
        round_days={1: {"started_on": date(2022, 9, 26)}}, census_level="round",
    )  # fmt: skip
    found = View(ANNUAL, ActRequest("meet", (1,), day, Actor(actor), body or {}, {1: row or {}}), context)
    found.turn_to(case, json.loads(case.facts))
    found.under(ANNUAL.transitions[0], None)
    return found


def asked(name: str, seen: View, **params) -> str | None:
    refusal = guard_spec(name, params).check(seen, params)
    if refusal is None:
        return None
    assert refusal.reason.vi
    assert refusal.reason.en
    return refusal.code


@pytest.mark.parametrize(("favour", "attendees", "ok"), [(1, 2, True), (4, 9, False), (5, 9, True), (0, 0, False)])
def test_a_share_is_reckoned_in_whole_numbers(favour, attendees, ok):
    seen = view({"in_favour": favour, "attendees": attendees})
    assert (asked("agreement_at_least", seen, percent=50) is None) is ok
    assert (asked("agreement_below", seen, percent=50) is None) is not ok


def test_a_share_by_household_needs_the_households_counted():
    seen = view({"in_favour": 9, "attendees": 9}, settings={"agreement_base": "households"})
    for name in ("agreement_at_least", "agreement_below"):
        assert asked(name, seen, percent=50, base="@agreement_base") == "refused.votes_missing"
    seen = view(
        {"in_favour": 9, "attendees": 9, "households_in_favour": 1, "households_represented": 4},
        settings={"agreement_base": "households"},
    )
    assert asked("agreement_at_least", seen, percent=50, base="@agreement_base") == "refused.agreement_below"


def test_a_households_own_row_goes_before_the_act():
    seen = view({"signs": 9}, {"signs": 2})
    assert asked("count_below", seen, field="signs", limit=3) is None
    assert asked("count_at_least", seen, field="signs", limit=3) == "refused.count_below"
    assert asked("count_below", view(), field="signs", limit=3) == "refused.count_not_below"


def test_a_limit_may_be_a_criterion_by_name():
    assert asked("count_below", view({}, {"signs": 3}), field="signs", limit="@phieu_a_fewer_than") is None
    assert asked("count_at_least", view({}, {"signs": 4}), field="signs", limit="@phieu_a_fewer_than") is None


def test_a_setting_switches_a_guard_off_and_its_default_holds_otherwise():
    params = {"fields": ["reply"], "code": "refused.reply_missing", "setting": "reply_when_screened_out"}
    assert asked("given", view(), **params) == "refused.reply_missing"
    assert asked("given", view(settings={"reply_when_screened_out": False}), **params) is None
    assert asked("given", view({"reply": ""}), **params) == "refused.reply_missing"


def test_a_fact_may_be_absent_on_purpose():
    assert asked("fact_is", view(), fact="rechecked_on", values=[""]) is None
    assert asked("fact_is", view(facts={"rechecked_on": "x"}), fact="rechecked_on", values=[""]) == "refused.fact"
    assert asked("fact_is", view(), fact="class_before", values=["poor"]) is None
    assert asked("any_fact_in", view(), facts=["class_before", "class_after"], values=["none"]) == "refused.fact"


@pytest.mark.parametrize(
    ("name", "passing", "refusing", "code"),
    [
        ("from_day", (26, 27), (25,), "refused.too_early"),
        ("after", (27,), (25, 26), "refused.not_after"),
        ("until", (25, 26), (27,), "refused.too_late"),
        ("before", (25,), (26, 27), "refused.after_cutoff"),
    ],
)
def test_a_day_is_a_border_that_each_guard_draws_on_its_own_side(name, passing, refusing, code):
    facts = {"mark": "2022-10-26"}
    for day in passing:
        assert asked(name, view(facts=facts, day=date(2022, 10, day)), day="mark") is None
    for day in refusing:
        assert asked(name, view(facts=facts, day=date(2022, 10, day)), day="mark") == code
    assert asked(name, view(), day="mark") == code


def test_a_window_holds_both_its_days_and_an_unknown_one_holds_none():
    facts = {"posted_on": "2022-10-24", "posting_until": "2022-10-27"}
    window = {"start": "posted_on", "end": "posting_until"}
    for day, inside in ((23, False), (24, True), (27, True), (28, False)):
        seen = view(facts=facts, day=date(2022, 10, day))
        assert (asked("within", seen, **window) is None) is inside
        assert (asked("not_within", seen, **window) is None) is not inside
    assert asked("within", view(), **window) == "refused.outside_window"
    assert asked("not_within", view(), **window) is None


def test_days_of_the_round_are_facts_too():
    assert asked("from_day", view(day=date(2022, 9, 26)), day="started_on") is None
    assert asked("from_day", view(day=date(2022, 9, 25)), day="started_on") == "refused.too_early"


def test_a_term_is_over_at_midnight_and_overdue_the_day_after():
    walk = Walk("annual@2022", date(2022, 9, 26), origin="managed", class_before="poor")
    posted: Simulated = walk.simulated
    walk.simulated = posted.__class__(posted.case._replace(state="agreed", last_on=date(2022, 10, 24)))
    walk.does("post", date(2022, 10, 24), {"at_commune_office": True, "at_village_house": True})
    rows, due = walk.simulated.deadlines, date(2022, 10, 27)
    last_minute = datetime(2022, 10, 27, 23, 59, 59, tzinfo=LEGAL_ZONE)
    term = {"deadline": "posting"}
    assert asked("term_over", view(day=due, now=last_minute, deadlines=rows), **term) == "refused.term_running"
    assert asked("term_over", view(day=due, now=end_of(due), deadlines=rows), **term) is None
    assert asked("before_end_of", view(day=due, deadlines=rows), **term) is None
    assert asked("before_end_of", view(day=date(2022, 10, 28), deadlines=rows), **term) == "refused.term_over"
    assert asked("overdue", view(day=due, deadlines=rows), **term) == "refused.not_overdue"
    assert asked("overdue", view(day=date(2022, 10, 28), deadlines=rows), **term) is None
    for name in ("term_over", "before_end_of", "overdue"):
        assert asked(name, view(), **term) is not None


def test_who_surveyed_is_known_by_key_and_who_did_not_say_is_let_pass():
    params = {"fact": "surveyed_by", "field": "surveyor", "setting": "separate_duties"}
    same = view({}, {"surveyor": "RSV-1"}, {"surveyed_by": "RSV-1"})
    assert asked("not_by", same, **params) == "refused.separation"
    assert asked("not_by", view({}, {"surveyor": "RSV-2"}, {"surveyed_by": "RSV-1"}), **params) is None
    assert asked("not_by", view({}, {}, {"surveyed_by": "RSV-1"}), **params) is None
    assert asked("not_by", view({}, {}, {"surveyed_by": "RSV-1"}, actor="RSV-1"), **params) == "refused.separation"
    waived = view({}, {"surveyor": "RSV-1"}, {"surveyed_by": "RSV-1"}, settings={"separate_duties": False})
    assert asked("not_by", waived, **params) is None


def test_an_act_must_name_what_was_kept_and_nothing_kept_names_nothing():
    params = {"field": "opinion", "fact": "opinion", "code": "refused.opinion_not_taken"}
    assert asked("act_names_fact", view({"opinion": "4"}, facts={"opinion": "4"}), **params) is None
    assert asked("act_names_fact", view({"opinion": "5"}, facts={"opinion": "4"}), **params) == params["code"]
    assert asked("act_names_fact", view(), **params) == params["code"]


def test_minutes_lack_what_they_lack():
    whole = {"copies": 2, "signed_by": ["chair", "secretary"]}
    signed = {"signed_by_chair": True, "signed_by_secretary": True}
    assert asked("minutes_complete", view({**signed, "copies": 2}), **whole) is None
    assert asked("minutes_complete", view({**signed, "copies": 1}), **whole) == "refused.minutes_copies"
    assert (
        asked("minutes_complete", view({"signed_by_chair": True, "copies": 2}), **whole) == "refused.minutes_unsigned"
    )


def test_a_barrier_waits_for_the_states_it_names():
    assert asked("commune_past", view(behind={"posted": 1}), waiting=["posted"]) == "refused.commune_barrier"
    assert asked("commune_past", view(behind={"posted": 1}), waiting=["settled"]) is None


def test_guards_are_known_by_name_with_their_parameters():
    with pytest.raises(DefinitionError, match=r"unknown guard 'luck'; known guards: .*minutes_complete"):
        guard_spec("luck", {})
    with pytest.raises(DefinitionError, match=r"missing \['day'\], unknown \['days'\]"):
        guard_spec("after", {"days": 1})


def test_a_guard_that_reads_the_act_alone_says_so():
    """decide() asks a guard of scope `act` once for a whole village: one that reads a household must not claim it."""

    class Blind:
        """A view that knows the act and the round, and of the household nothing."""

        def __init__(self, seen):
            self._seen = seen

        def __getattr__(self, name):
            assert name not in {"facts", "row", "fact", "day_fact", "given", "due"}, f"reads {name}"
            return getattr(self._seen, name)

    params = {
        "percent": 50, "copies": 2, "signed_by": ["chair"], "fields": ["radio"], "code": "refused.fact",
        "waiting": ["posted"], "setting": "separate_duties", "value": True,
    }  # fmt: skip
    body = {"in_favour": 1, "attendees": 1, "copies": 2, "signed_by_chair": True}
    for spec in GUARDS.values():
        if spec.scope is Scope.ACT:
            spec.check(Blind(view(body)), {name: params[name] for name in spec.required})  # type: ignore[arg-type]  # stands in for a view


def test_every_code_a_guard_may_give_is_in_the_catalogue():
    for workflow_id in (
        "annual@2022",
        "monthly-entry@2022",
        "monthly-exit@2022",
        "average-living@2025",
        "in-year@2016",
    ):
        for arrow in compiled(workflow_id).workflow.transitions:
            for use in arrow.guards:
                if "code" in use.params:
                    assert message(use.params["code"]).vi


def test_a_row_may_not_differ_from_what_the_household_is_registered_with():
    params = {"field": "area", "fact": "area", "code": "refused.area_registered"}
    assert asked("as_registered", view({}, {"area": "urban"}, {"area": "rural"}), **params) == "refused.area_registered"
    assert asked("as_registered", view({}, {"area": "rural"}, {"area": "rural"}), **params) is None
    assert asked("as_registered", view({}, {"area": "urban"}), **params) is None


def test_an_act_belongs_inside_the_season_of_its_rounds_year():
    last = {"month": 12, "day": 14}
    assert asked("until_date", view(day=date(2022, 12, 14)), date=last) is None
    assert asked("until_date", view(day=date(2022, 12, 15)), date="@season_ends") == "refused.too_late"
