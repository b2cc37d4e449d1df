"""A migration plan is checked against both definitions before it touches a case, and refused by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from rasoat.engine.migrating import Treatment, UnitChange, check_plan, settled
from rasoat.foundation.errors import DefinitionError, InputError, NotFoundError
from rasoat.workflows.migrations import find_migration, load_migration, shipped_migrations
from tests.support.cases import library

PLAN = shipped_migrations()["2025-07-01.annual"]
OLD, NEW = library().workflow("annual@2022"), library().workflow("annual@2025")


def faults(plan, old=OLD, new=NEW):
    return [fault.en for fault in check_plan(plan, old, new)]


@pytest.mark.parametrize("key", shipped_migrations())
def test_every_shipped_plan_is_sound_under_every_answer(key):
    plan = shipped_migrations()[key]
    assert faults(plan, library().workflow(plan.source), library().workflow(plan.target)) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"states": {"lised": "listed"}}, "no state “lised”"),
        ({"states": {"listed": "lissted"}}, "“lissted”, which annual@2025 does not have"),
        ({"states": {"listed": "recognised"}}, "straight to the end “recognised”"),
        ({"states": {"recognised": "opined"}}, "a case that has ended keeps its definition"),
        ({"deadlines": {"postng": Treatment.KEEP}}, "no term “postng”"),
        ({"on": date(2025, 6, 30)}, "not in force on 2025-06-30"),
        ({"on": date(2027, 1, 1)}, "not in force on 2027-01-01"),
        ({"key": "k" * 33}, "longer than 32"),
    ],
)
def test_a_faulty_plan_is_refused_with_the_fault_named(change, named):
    found = faults(replace(PLAN, **change))
    assert len(found) == 1
    assert named in found[0]


def test_a_fault_that_only_one_answer_brings_is_found():
    choice = PLAN.choices["pending_at_district"]
    wrong = choice.options["forward"]._replace(states={"awaiting_opinion": "lost"})
    choices = {choice.key: replace(choice, options={**choice.options, "forward": wrong})}
    assert "“lost”" in faults(replace(PLAN, choices=choices))[0]


def test_a_default_that_is_no_answer_is_refused():
    choice = replace(PLAN.choices["pending_at_district"], default="ask")
    assert "“ask”" in faults(replace(PLAN, choices={choice.key: choice}))[0]


def test_another_procedure_is_no_target():
    assert "not the same procedure" in faults(PLAN, OLD, library().workflow("monthly-entry@2025"))[0]


def test_a_definition_is_not_moved_to_itself():
    assert faults(replace(PLAN, on=date(2025, 6, 1)), OLD, OLD) == ["The plan moves annual@2022 to itself."]


def test_a_term_that_changes_its_kind_must_be_restarted():
    posting = next(r for r in NEW.deadlines if r.key == "posting")
    maximum = replace(posting, kind=OLD.deadline("recheck").kind, on_expiry="")
    new = replace(NEW, deadlines=tuple(maximum if r.key == "posting" else r for r in NEW.deadlines))
    assert "must be restarted" in faults(PLAN, OLD, new)[0]
    assert faults(replace(PLAN, deadlines={"posting": Treatment.RESTART}), OLD, new) == []


def test_an_unanswered_question_takes_its_default_and_an_unknown_one_is_refused():
    assert settled(PLAN, {}).state("awaiting_opinion") == "reported"
    assert settled(PLAN, {"pending_at_district": "keep_term"}).state("awaiting_opinion") == "awaiting_opinion"
    with pytest.raises(InputError, match="leaves no choice colour"):
        settled(PLAN, {"colour": "red"})
    with pytest.raises(InputError, match="is not one of forward"):
        settled(PLAN, {"pending_at_district": "wait"})


def test_unit_paths_lose_the_district_and_recoded_communes_go_where_the_plan_says():
    change = UnitChange(drops_district=True, recoded={"42/446/18769": "42/18766"})
    assert change.path("42/446/18766/01", "village") == "42/18766/01"
    assert change.path("42/446/18766", "commune") == "42/18766"
    assert change.path("42/18766/01", "village") == "42/18766/01"
    assert change.path("42/446/18769/03", "village") == "42/18766/03"
    assert UnitChange().path("42/446/18766/01", "village") == "42/446/18766/01"


TEXT = """
key = "p"
from = "annual@2022"
to = "annual@2025"
on = 2025-07-01
document = "QĐ"
label = { vi = "a", en = "b" }
article = { act = "QĐ", tag = "SETTING" }
"""


def test_a_plan_is_read_from_a_file_of_the_deployments_own(tmp_path):
    path = tmp_path / "p.toml"
    path.write_text(TEXT + '[deadlines]\nopinion = "restart"\n', encoding="utf-8")
    assert find_migration(str(path)).treatment("opinion") is Treatment.RESTART
    assert find_migration(str(path)).treatment("posting") is Treatment.KEEP


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (TEXT + "color = 1", "unknown key 'color'"),
        (TEXT + '[deadlines]\nopinion = "double"', "keep, restart, recompute"),
        (TEXT + "[states]\nlisted = 3", "names of states"),
        (TEXT + "[units]\ndistrict = true", "unknown key 'district'"),
        (TEXT.replace("p", "q", 1), "must agree"),
        ("key = ", "not valid TOML"),
    ],
)
def test_a_file_that_says_what_no_plan_can_is_refused(text, named):
    with pytest.raises(DefinitionError, match=named):
        load_migration(text, "p")


def test_an_unknown_plan_is_named_with_those_there_are():
    with pytest.raises(NotFoundError, match=r"2025-07-01\.annual"):
        find_migration("2026-01-01.annual")
