"""decide(): every case answered once, a group asked once, and each household what concerns it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from rasoat.deadlines.releases import calendar
from rasoat.engine import guards
from rasoat.engine.checking.simulating import everyone, open_case
from rasoat.engine.deciding import Decision, decide, refusal_counts
from rasoat.engine.values import Actor, ActRequest, Mandate
from rasoat.engine.views import Census, Context
from rasoat.foundation.clock import end_of
from tests.support.cases import MINUTES, compiled

ANNUAL = compiled("annual@2025")
DAY = date(2026, 10, 5)


def cases(number: int, state: str = "surveyed", facts: str = "{}", village: str = "01/00001/01"):
    opened = open_case(ANNUAL.workflow, {"class_before": "poor", "origin": "managed"}, date(2026, 9, 1)).case
    return [opened._replace(id=n, state=state, unit_path=village, facts=facts) for n in range(1, number + 1)]


def context(**census: Census) -> Context:
    return Context(
        now=end_of(DAY), today=date(2026, 10, 6), calendar=calendar(), census=census, census_level="village",
        round_days={1: {"started_on": date(2026, 9, 1)}},
    )  # fmt: skip


def meeting(batch, actor=None, **more) -> ActRequest:
    return ActRequest("meet", tuple(c.id for c in batch), DAY, actor or everyone(ANNUAL.workflow), body=MINUTES, **more)


def test_a_village_is_held_up_by_its_own_households_only():
    here, there = cases(2), [c._replace(id=c.id + 10) for c in cases(2, village="01/00001/02")]
    behind = context(**{"01/00001/01": Census({"listed": 1}, {"listed": (99,)})})
    decision = decide(ANNUAL, [*here, *there], meeting([*here, *there]), behind)
    assert [s.case.id for s in decision.accepted] == [11, 12]
    assert [(r.case_id, r.code) for r in decision.refused] == [
        (1, "refused.village_barrier"),
        (2, "refused.village_barrier"),
    ]
    assert decision.refused[0].fields == {"count": 1, "cases": "99"}


def test_a_barrier_counts_all_and_names_a_few():
    census = Census({"listed": 7}, {"listed": (9, 8, 7, 6, 5)})
    refusal = decide(ANNUAL, cases(1), meeting(cases(1)), context(**{"01/00001/01": census})).refused[0]
    assert refusal.fields == {"count": 7, "cases": "5, 6, 7, 8, 9…"}


def test_the_minutes_are_read_once_for_the_whole_village(monkeypatch):
    asked = []
    spec = guards.GUARDS["minutes_complete"]

    def counting(view, params):
        asked.append(view.case.id)
        return spec.check(view, params)

    monkeypatch.setitem(guards.GUARDS, "minutes_complete", replace(spec, check=counting))
    from rasoat.engine.machine import CompiledWorkflow

    batch = cases(50)
    decision = decide(CompiledWorkflow(ANNUAL.workflow), batch, meeting(batch), context())
    assert len(decision.accepted) == 50
    assert len(asked) == 1


def test_cases_of_one_batch_may_take_different_arrows_and_be_refused_for_different_reasons():
    batch = [
        cases(1, "registered")[0]._replace(id=1, facts='{"origin":"request"}'),
        cases(1, "registered")[0]._replace(id=2, facts='{"origin":"request"}'),
        cases(1, "registered")[0]._replace(id=3, facts='{"origin":"managed"}'),
        cases(1, "posted")[0]._replace(id=4),
    ]
    request = ActRequest(
        "screen", (1, 2, 3, 4), DAY, everyone(ANNUAL.workflow),
        rows={1: {"signs": 1}, 2: {"signs": 5, "reply": "7"}, 3: {"signs": 1}, 4: {"signs": 1}},
    )  # fmt: skip
    decision = decide(ANNUAL, batch, request, context())
    assert [(s.case.id, s.transition.target) for s in decision.accepted] == [(1, "listed"), (2, "screened_out")]
    assert [(r.case_id, r.code) for r in decision.refused] == [
        (3, "refused.managed_needs_no_screening"),
        (4, "refused.state"),
    ]
    assert refusal_counts(decision.refused) == {"refused.managed_needs_no_screening": 1, "refused.state": 1}


def test_an_office_is_found_for_each_village():
    here, there = cases(1), [cases(1, village="01/00001/02")[0]._replace(id=2)]
    actor = Actor("tt01", (Mandate("village_head", "01/00001/01"),))
    decision = decide(ANNUAL, [*here, *there], meeting([*here, *there], actor), context())
    assert [(s.case.id, s.role) for s in decision.accepted] == [(1, "village_head")]
    assert [(r.case_id, r.code) for r in decision.refused] == [(2, "refused.role")]
    assert "“tt01” holds no mandate for unit 01/00001/02" in decision.refused[0].reason.en


def test_facts_of_one_household_do_not_spill_into_the_next():
    batch = [c._replace(facts=f'{{"meetings_without_agreement":{c.id}}}') for c in cases(3)]
    below = replace(meeting(batch), body=MINUTES | {"in_favour": 4})
    decision = decide(ANNUAL, batch, below, context())
    assert [s.facts["meetings_without_agreement"] for s in decision.accepted] == [2, 3, 4]


def test_an_unknown_act_is_refused_for_every_case_of_the_batch():
    decision = decide(ANNUAL, cases(3), replace(meeting(cases(3)), trigger="vote"), context())
    assert isinstance(decision, Decision)
    assert [(r.case_id, r.code) for r in decision.refused] == [(n, "refused.unknown_trigger") for n in (1, 2, 3)]


def test_the_reason_told_is_that_of_the_arrow_that_was_meant():
    """Who forgets a decision's number is not told that the household is poor, why another arrow stood aside."""
    case = cases(1, "opined", '{"class_after":"poor","opinion":"4"}')
    request = ActRequest("recognise", (1,), DAY, everyone(ANNUAL.workflow), body={"opinion": "4"})
    assert [r.code for r in decide(ANNUAL, case, request, context()).refused] == ["refused.document_number"]


def test_a_refusal_cites_the_guards_own_article_or_else_the_arrows():
    unsigned = replace(meeting(cases(1)), body=MINUTES | {"signed_by_chair": False})
    refusal = decide(ANNUAL, cases(1), unsigned, context()).refused[0]
    assert refusal.article == "QĐ 24/2021/QĐ-TTg Điều 4 khoản 3 điểm c"
    held = decide(ANNUAL, cases(1), meeting(cases(1)), context(**{"01/00001/01": Census({"listed": 1})})).refused[0]
    assert held.article == "QĐ 24/2021/QĐ-TTg Điều 4 khoản 3"
