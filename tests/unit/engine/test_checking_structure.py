"""A definition with a fault does not run, and what it is told names the fault."""

from __future__ import annotations

import pytest

from rasoat.engine.checking import Severity, check, require_sound, require_structure
from rasoat.engine.checking.structure import structural
from rasoat.foundation.errors import DefinitionError
from tests.support.cases import library
from tests.support.definitions import altered, arrow, arrows

ANNUAL = "annual@2022"
SETTING = {"act": "Thiết lập", "tag": "SETTING"}
NEW_STATE = {"kind": "work", "desk": "committee", "label": {"vi": "x", "en": "x"}, "article": {"act": "QĐ 24"}}


def drop_arrows(table, keep):
    table["transitions"] = [one for one in table["transitions"] if keep(one)]


def no_guard(table, trigger, source, name):
    one = arrow(table, trigger, source)
    one["guards"] = [guard for guard in one["guards"] if guard["name"] != name]


def add_guard(table, trigger, source, **guard):
    arrow(table, trigger, source).setdefault("guards", []).append(guard)


FAULTS = {
    "a state nobody comes to": ("unreachable", "limbo", lambda t: t["states"].update(limbo=NEW_STATE)),
    "a state without a way out": (
        "trap",
        "settled",
        lambda t: drop_arrows(t, lambda one: "settled" not in one["from"] and "@open" not in one["from"]),
    ),
    "a loop that never ends": (
        "endless",
        "recheck",
        lambda t: (
            drop_arrows(t, lambda one: one["trigger"] != "withdraw" and one["from"] != ["recheck_agreed"]),
            t["stages"].update(rechecking=["recheck", "rechecked", "recheck_agreed"]),
        ),
    ),
    "an arrow out of an end": (
        "end_left",
        "recognised",
        lambda t: arrow(t, "recognise", "opined")["from"].append("recognised"),
    ),
    "a waiting state without a deadline": (
        "waits_without_deadline",
        "awaiting_opinion",
        lambda t: (t["deadlines"].pop("opinion"), drop_arrows(t, lambda one: one["trigger"] != "override_silence")),
    ),
    "a state on nobody's desk": ("no_desk", "agreed", lambda t: t["states"]["agreed"].pop("desk")),
    "an act without a role": ("no_role", "survey", lambda t: t["triggers"]["survey"].update(roles=[])),
    "a timer that a person may fire": (
        "timer_with_role",
        "posting_ended",
        lambda t: t["triggers"]["posting_ended"].update(roles=["committee"]),
    ),
    "an act that leads nowhere": (
        "trigger_unused",
        "withdraw",
        lambda t: drop_arrows(t, lambda one: one["trigger"] != "withdraw"),
    ),
    "a district office after the districts": (
        "level_gone",
        "superior_chair",
        lambda t: t.update(effective_from=library().workflow("annual@2025").effective_from),
    ),
    "an arrow without an article": (
        "no_article",
        "post:agreed>posted",
        lambda t: arrow(t, "post", "agreed").update(article={"act": " "}),
    ),
    "an arrow that another always precedes": (
        "shadowed",
        "withdraw",
        lambda t: t["transitions"].append({**arrow(t, "withdraw", "@open"), "to": "not_poor"}),
    ),
    "a criterion that does not exist": (
        "name_unknown",
        "@fewer",
        lambda t: arrow(t, "screen", "registered")["guards"][-1].update(limit="@fewer"),
    ),
    "a setting that does not exist": (
        "name_unknown",
        "separate_duties",
        lambda t: t["settings"].pop("separate_duties"),
    ),
    "a barrier of an unknown state": (
        "name_unknown",
        "forgotten",
        lambda t: arrow(t, "report", "summarised")["guards"][0].update(waiting=["forgotten"]),
    ),
    "a guard on a deadline that does not exist": (
        "name_unknown",
        "display",
        lambda t: arrow(t, "complain", "posted")["guards"][0].update(deadline="display"),
    ),
    "a setting cited as law": (
        "setting_as_law",
        "separate_duties",
        lambda t: arrow(t, "survey", "recheck")["guards"][1].pop("article"),
    ),
    "a guard on a deadline that does not run there": (
        "deadline_not_open",
        "posting",
        lambda t: add_guard(t, "summarise", "settled", name="before_end_of", deadline="posting"),
    ),
    "a deadline that never opens": (
        "never_opens",
        "posting",
        lambda t: t["deadlines"]["posting"].update(lives_in=["registered"]),
    ),
    "a deadline that outlives the case": (
        "never_closes",
        "opinion",
        lambda t: t["deadlines"]["opinion"].update(lives_in=["awaiting_opinion", "not_poor"]),
    ),
    "a posting that nothing ends": ("no_outcome", "posting", lambda t: t["deadlines"]["posting"].pop("on_expiry")),
    "a fixed deadline without a day": (
        "no_day",
        "opinion",
        lambda t: (
            t["deadlines"]["opinion"].update(kind="fixed"),
            [t["deadlines"]["opinion"].pop(key) for key in ("length", "unit")],
        ),
    ),
    "a deadline counted from nothing": (
        "counts_from_nothing",
        "stamped_on",
        lambda t: t["deadlines"]["opinion"].update(counts_from="stamped_on"),
    ),
    "a cause of lateness that nobody sets": (
        "cause_unset",
        "flood",
        lambda t: t["deadlines"]["recheck"].update(causes=["flood"]),
    ),
    "a timer that fires where it leads nowhere": (
        "timer_stuck",
        "recheck",
        lambda t: t["deadlines"]["posting"].update(lives_in=["posted", "recheck"]),
    ),
    "a timer that does not wait for its term": (
        "timer_unguarded",
        "reposting",
        lambda t: no_guard(t, "posting_ended", "reposted", "term_over"),
    ),
    "a timer that shuts out an act done in time": (
        "timer_shuts_out",
        "complain",
        lambda t: drop_arrows(t, lambda o: o["trigger"] != "complain" or "settled" not in o["from"]),
    ),
    "a fact that nobody leaves": (
        "fact_unwritten",
        "surveyed_by",
        lambda t: arrow(t, "survey", "listed").update(effects=[{"name": "score"}]),
    ),
    "a source that is not one": (
        "source_unknown",
        "form.number",
        lambda t: arrow(t, "report", "summarised").update(effects=[{"name": "remember", "reported": "form.number"}]),
    ),
    "an invariant of an unknown kind": (
        "condition_unknown",
        "sealed",
        lambda t: t["invariants"]["posted"].update(kind="sealed"),
    ),
    "an invariant with a parameter too few": (
        "condition_params",
        "working_days",
        lambda t: t["invariants"]["posted"].pop("working_days"),
    ),
    "an invariant about an unknown act": (
        "name_unknown",
        "vote",
        lambda t: t["invariants"]["agreement"].update(act="vote"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_definition_is_refused_with_a_message_that_names_the_fault(fault):
    code, named, change = FAULTS[fault]
    workflow = altered(ANNUAL, change)
    found = [finding for finding in structural(workflow) if finding.code == f"check.{code}"]
    assert found, [f.code for f in structural(workflow)]
    assert any(
        named in finding.where + finding.text.vi and named in finding.where + finding.text.en for finding in found
    )
    with pytest.raises(DefinitionError, match=f"check.{code}"):
        require_structure(workflow)


def test_a_faulty_definition_is_not_explored_any_further():
    workflow = altered(ANNUAL, lambda t: t["states"]["agreed"].pop("desk"))
    assert {finding.code for finding in check(workflow)} == {"check.no_desk"}
    with pytest.raises(DefinitionError, match="annual@2022: may not run, faults: 1\n"):
        require_sound(workflow)


def test_a_setting_nobody_uses_is_pointed_out_without_stopping_the_definition():
    workflow = altered(ANNUAL, lambda t: t["settings"].update(idle={"label": {"vi": "x", "en": "x"}, "default": 1}))
    assert [(f.code, f.severity) for f in structural(workflow)] == [("check.setting_unused", Severity.WARNING)]
    require_structure(workflow)


@pytest.mark.parametrize("workflow_id", library().ids())
def test_the_shipped_definitions_have_no_structural_finding_at_all(workflow_id):
    assert list(structural(library().workflow(workflow_id))) == []


def test_the_library_refuses_a_faulty_definition_of_a_host(tmp_path):
    from rasoat.workflows.library import WorkflowLibrary

    (tmp_path / "annual@2030.toml").write_text(
        'extends = "annual@2025"\nkey = "annual"\nregime = "2030"\neffective_from = 2030-01-01\n'
        'without = ["transitions.withdraw"]\n',
        encoding="utf-8",
    )
    with pytest.raises(DefinitionError, match="withdraw"):
        WorkflowLibrary([tmp_path]).compiled("annual@2030")


def test_several_faults_are_all_told_at_once():
    workflow = altered(
        ANNUAL,
        lambda t: t["states"]["agreed"].pop("desk"),
        lambda t: t["deadlines"]["posting"].pop("on_expiry"),
        lambda t: [one.update(guards=[]) for one in arrows(t, "posting_ended")],
    )
    with pytest.raises(DefinitionError) as caught:
        require_structure(workflow)
    assert all(code in str(caught.value) for code in ("check.no_desk", "check.no_outcome", "check.timer_unguarded"))
