"""Weaken one guard, and the exploration finds the history that breaks the law, and tells it step by step."""

from __future__ import annotations

import pytest

from rasoat.engine.checking import Severity, require_sound
from rasoat.engine.checking.exploring import explored
from rasoat.engine.machine import CompiledWorkflow
from rasoat.foundation.errors import DefinitionError
from tests.support.cases import compiled, library
from tests.support.definitions import altered, arrow

ANNUAL, ENTRY, EXIT, AVERAGE = "annual@2022", "monthly-entry@2022", "monthly-exit@2022", "average-living@2022"


def unguarded(table, trigger, source, target, *names):
    one = arrow(table, trigger, source, target)
    one["guards"] = [guard for guard in one["guards"] if guard["name"] not in names]


def reroute(table, trigger, source, old, new):
    arrow(table, trigger, source, old)["to"] = new


def one_household(table):
    """Keep to one opening: what is weakened shows on any."""
    wanted = {"origin": "managed", "class_before": "poor", "works_in": "salt", "area": "rural"}
    if "works_in" in table["opens_with"] or table["key"] == "monthly-entry":
        wanted["class_before"] = "none"
    table["opens_with"] = {name: [wanted[name]] for name in table["opens_with"]}


WEAKENED = {
    "agreement: the village need not agree": (
        ANNUAL,
        "agreement",
        lambda t: unguarded(t, "meet", "surveyed", "agreed", "agreement_at_least"),
    ),
    "agreement: a third is enough": (
        ANNUAL,
        "agreement",
        lambda t: [g.update(percent=30) for g in arrow(t, "meet", "surveyed", "agreed")["guards"] if "percent" in g],
    ),
    "agreement: a re-check goes without a meeting": (
        ANNUAL,
        "agreement",
        lambda t: reroute(t, "survey", "recheck", "rechecked", "recheck_agreed"),
    ),
    "posted: the posting is two days long": (
        ANNUAL,
        "posted",
        lambda t: t["deadlines"]["posting"].update(length=2),
    ),
    "posted: the timer does not wait": (
        ANNUAL,
        "posted",
        lambda t: (
            unguarded(t, "posting_ended", "posted", "settled", "term_over"),
            unguarded(t, "summarise", "settled", "summarised", "after_last_of"),
            t["triggers"]["posting_ended"].update(roles=["committee"]),
        ),
    ),
    "posted: the lists are made on the last day of the posting": (
        ANNUAL,
        "posted",
        lambda t: unguarded(t, "summarise", "settled", "summarised", "after_last_of"),
    ),
    "posted: a re-check is not posted again": (
        ANNUAL,
        "posted",
        lambda t: (
            reroute(t, "meet", "rechecked", "recheck_agreed", "settled"),
            unguarded(t, "summarise", "settled", "summarised", "after_last_of"),
        ),
    ),
    "places: one place is enough": (
        ANNUAL,
        "places",
        lambda t: arrow(t, "post", "agreed")["guards"][0].update(fields=["at_commune_office"]),
    ),
    "opinion: the superior is passed over": (
        ANNUAL,
        "opinion",
        lambda t: arrow(t, "recognise", "opined", "recognised").update(
            {"from": ["opined", "summarised"], "guards": []}
        ),
    ),
    "opinion: an opinion on the contested result still counts": (
        ANNUAL,
        "opinion",
        lambda t: t["transitions"].append(
            {"trigger": "recognise", "from": ["summarised"], "to": "recognised",
             "guards": [{"name": "act_names_fact", "field": "opinion", "fact": "opinion", "code": "refused.fact"}],
             "effects": [{"name": "remember", "opinion": "1"}]}
        )
        or next(a for a in t["transitions"] if a.get("cancels") and a["trigger"] == "complain").update(effects=[
            {"name": "remember", "complained_on": "day", "cause_recheck": True}]),
    ),
    "opinion: silence is enough by default": (
        ANNUAL,
        "opinion",
        lambda t: unguarded(t, "override_silence", "awaiting_opinion", "opined", "setting_is", "overdue"),
    ),
    "barrier: the lists are made too early": (
        ANNUAL,
        "barrier",
        lambda t: unguarded(t, "summarise", "settled", "summarised", "commune_past"),
    ),
    "barrier: households in re-check are forgotten": (
        ANNUAL,
        "barrier",
        lambda t: arrow(t, "summarise", "settled")["guards"][0].update(waiting=["registered", "posted", "reposted"]),
    ),
    "certificate: everybody gets one": (
        ANNUAL,
        "certificate",
        lambda t: arrow(t, "recognise", "opined", "recognised")["effects"][-1].update(
            classes=["poor", "near_poor", "none"]
        ),
    ),
    "qualified: whoever asks is recognised": (
        ENTRY,
        "qualified",
        lambda t: unguarded(t, "recognise", "summarised", "recognised", "fact_is"),
    ),
    "certificate: one for leaving poverty": (
        EXIT,
        "certificate",
        lambda t: arrow(t, "recognise", "summarised")["effects"].append(
            {"name": "certify", "classes": ["near_poor"], "style": "{number}"}
        ),
    ),
    "posted: a re-check ends the posting of five days": (
        AVERAGE,
        "posted",
        lambda t: (
            unguarded(t, "survey", "recheck", "settled", "after"),
            unguarded(t, "recognise", "settled", "recognised", "after_last_of"),
            t["transitions"].remove(arrow(t, "survey", "recheck", "rechecked")),
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("weakness", WEAKENED)
def test_a_weakened_guard_lets_a_history_break_the_law_and_the_history_is_shown(weakness):
    workflow_id, key, change = WEAKENED[weakness]
    workflow = altered(workflow_id, change, one_household)
    broken = [f for f in explored(CompiledWorkflow(workflow)) if f.where == f"invariants.{key}"]
    assert [(f.code, f.severity) for f in broken] == [("check.invariant_broken", Severity.ERROR)]
    assert workflow.invariants
    law = next(i for i in workflow.invariants if i.key == key)
    assert law.label.en in broken[0].text.en
    assert str(law.article) in broken[0].text.vi
    assert len(broken[0].path) >= 3
    days = [line.day for line in broken[0].path]
    assert all(day is not None for day in days)
    assert workflow.states[broken[0].fields["state"]].label.en in broken[0].path[-1].label.en


@pytest.mark.parametrize("workflow_id", library().ids())
def test_no_history_of_a_shipped_procedure_breaks_an_invariant_and_every_arrow_is_taken(workflow_id):
    assert list(explored(compiled(workflow_id))) == []


@pytest.mark.parametrize("workflow_id", [i for i in library().ids() if i.startswith(("annual", "monthly"))])
def test_the_procedures_with_a_meeting_carry_the_laws_own_conditions(workflow_id):
    workflow = compiled(workflow_id).workflow
    demanded = {"agreement", "posted", "places", "certificate"}
    demanded |= {"opinion", "barrier"} if workflow.key == "annual" else {"qualified"}
    assert {i.key for i in workflow.invariants} >= demanded
    ends = {"recognised", "not_poor"} if workflow.key == "annual" else {"recognised", "refused"}
    assert all(set(i.before) == ends for i in workflow.invariants if i.key in {"agreement", "posted", "places"})


def test_an_unsound_definition_is_refused_with_its_counter_example():
    workflow = altered(ENTRY, lambda t: unguarded(t, "recognise", "summarised", "recognised", "fact_is"))
    with pytest.raises(DefinitionError, match=r"check\.invariant_broken(.|\n)*Decide recognition"):
        require_sound(workflow)


def test_an_arrow_that_no_history_takes_is_pointed_out():
    workflow = altered(AVERAGE, lambda t: t["criteria"].update(income_upto_rural=1))
    found = {(f.code, f.severity, f.where) for f in explored(CompiledWorkflow(workflow))}
    assert ("check.arrow_dead", Severity.WARNING, "transitions.recognise:settled>recognised") in found


def test_a_definition_that_makes_the_engine_stumble_is_found_before_a_case_does():
    workflow = altered(AVERAGE, lambda t: t["criteria"].pop("income_upto_rural"))
    found = [f for f in explored(CompiledWorkflow(workflow)) if f.code == "check.breaks_down"]
    assert [(f.severity, f.where) for f in found] == [(Severity.ERROR, "triggers.survey")]
    assert "income_upto_rural" in found[0].text.en


def test_a_form_without_samples_is_noted(monkeypatch):
    from rasoat.engine import forms

    class Bare:
        key = "appraisal"

        def body(self, given):
            return given, ()

        row = body

        def schema(self):
            return {}

    monkeypatch.setitem(forms._FORMS, "appraisal", Bare())
    found = {(f.code, f.where) for f in explored(CompiledWorkflow(library().workflow("in-year@2016")))}
    assert ("check.unsampled", "forms.appraisal") in found
