"""Which text governs a case follows from its start date; a released definition never changes."""

from __future__ import annotations

import itertools
import tomllib
from datetime import date, timedelta
from pathlib import Path

import pytest

from rasoat.engine.definition import Confidence
from rasoat.foundation.errors import DefinitionError, NotFoundError
from rasoat.workflows.library import WorkflowLibrary
from tests.support.cases import library

RELEASED = Path(__file__).resolve().parents[3] / "workflows" / "released.toml"
KEYS = sorted({workflow_id.split("@")[0] for workflow_id in library().ids()})


@pytest.mark.parametrize(
    ("key", "day", "regime"),
    [
        ("annual", date(2021, 9, 1), "annual@2022"),
        ("annual", date(2025, 6, 30), "annual@2022"),
        ("annual", date(2025, 7, 1), "annual@2025"),
        ("annual", date(2026, 12, 31), "annual@2025"),
        ("monthly-entry", date(2022, 1, 15), "monthly-entry@2022"),
        ("monthly-entry", date(2026, 9, 15), "monthly-entry@2025"),
        ("monthly-exit", date(2025, 6, 15), "monthly-exit@2022"),
        ("monthly-exit", date(2025, 7, 15), "monthly-exit@2025"),
        ("average-living", date(2024, 3, 15), "average-living@2022"),
        ("average-living", date(2025, 9, 15), "average-living@2025"),
        ("low-income-worker", date(2025, 3, 15), "low-income-worker@2025"),
        ("in-year", date(2020, 11, 20), "in-year@2016"),
    ],
)
def test_a_case_takes_its_regime_from_its_start_date(key, day, regime):
    assert library().in_force(key, day).id == regime


@pytest.mark.parametrize("key", KEYS)
def test_nothing_opens_from_2027_on_and_the_message_says_what_to_add(key):
    with pytest.raises(NotFoundError, match=rf"no regime of '{key}' is in force on 2027-01-01.*{key}@"):
        library().in_force(key, date(2027, 1, 1))


def test_a_regime_of_2027_is_a_file_and_no_code(tmp_path):
    (tmp_path / "annual@2027.toml").write_text(
        'extends = "annual@2025"\nkey = "annual"\nregime = "2027"\n'
        "effective_from = 2027-01-01\neffective_to = 2030-12-31\n"
        "[criteria]\nb1_limit_rural = 200\n[deadlines.opinion]\nlength = 7\n",
        encoding="utf-8",
    )
    found = WorkflowLibrary([tmp_path]).in_force("annual", date(2027, 9, 1))
    assert (found.id, found.criteria["b1_limit_rural"]) == ("annual@2027", 200)
    assert found.deadline("opinion").term.length == 7
    assert found.criteria["b1_limit_urban"] == 175


@pytest.mark.parametrize("key", KEYS)
def test_the_regimes_of_a_procedure_follow_one_another_without_gap_or_overlap(key):
    versions = library().versions(key)
    for earlier, later in itertools.pairwise(versions):
        assert later.effective_from == earlier.effective_to + timedelta(days=1)


def test_since_july_2025_no_procedure_knows_a_district():
    for workflow_id in library().ids():
        workflow = library().workflow(workflow_id)
        if workflow.effective_from >= date(2025, 7, 1):
            assert "district" not in {role.level for role in workflow.roles.values()}


def test_since_july_2025_the_provincial_chair_gives_the_opinion():
    before, since = (library().workflow(f"annual@{regime}") for regime in ("2022", "2025"))
    assert (before.roles["superior_chair"].level, since.roles["superior_chair"].level) == ("district", "province")
    assert "QĐ 2306/QĐ-BNNMT" in str(since.triggers["give_opinion"].article)
    assert {"NĐ 131/2025/NĐ-CP", "QĐ 2306/QĐ-BNNMT"} <= set(since.basis)


def test_only_what_differs_is_said_by_the_later_regime():
    before, since = (library().workflow(f"annual@{regime}") for regime in ("2022", "2025"))
    assert before.states.keys() == since.states.keys()
    assert [t.key for t in before.transitions] == [t.key for t in since.transitions]
    assert {r.key: r.term for r in before.deadlines if r.key != "opinion"} == {
        r.key: r.term for r in since.deadlines if r.key != "opinion"
    }


@pytest.mark.parametrize("workflow_id", library().ids())
def test_every_provision_says_how_sure_it_is_and_no_setting_passes_for_law(workflow_id):
    workflow = library().workflow(workflow_id)
    places = [s.article for s in workflow.states.values()] + [t.article for t in workflow.triggers.values()]
    places += [t.article for t in workflow.transitions] + [d.article for d in workflow.deadlines]
    places += [g.article for t in workflow.transitions for g in t.guards if g.article] + [workflow.article]
    for article in places:
        assert (article.tag is Confidence.SETTING) == article.act.startswith("Thiết lập"), article
    for rule in workflow.deadlines:
        given = {name for name in rule.from_settings if name.endswith("_days")}
        assert bool(given) == (rule.article.tag is Confidence.SETTING), rule.key


def test_released_definitions_are_frozen():
    """Whoever changes a released definition changes running cases: add a regime instead, or say so here."""
    committed = tomllib.loads(RELEASED.read_text(encoding="utf-8"))["fingerprints"]
    assert {i: library().workflow(i).fingerprint for i in library().ids()} == committed


def test_a_file_whose_name_is_not_its_key_and_regime_is_refused(tmp_path):
    (tmp_path / "annual@2031.toml").write_text(
        'extends = "annual@2025"\nkey = "annual"\nregime = "2030"\neffective_from = 2030-01-01\n', encoding="utf-8"
    )
    with pytest.raises(DefinitionError, match="file name and key@regime must agree"):
        WorkflowLibrary([tmp_path]).compiled("annual@2031")


def test_a_regime_without_an_end_does_not_inherit_one(tmp_path):
    (tmp_path / "annual@2030.toml").write_text(
        'extends = "annual@2025"\nkey = "annual"\nregime = "2030"\neffective_from = 2030-01-01\n', encoding="utf-8"
    )
    assert WorkflowLibrary([tmp_path]).workflow("annual@2030").effective_to is None


def test_what_does_not_exist_is_refused_with_what_does():
    with pytest.raises(NotFoundError, match=r"annual@2022, annual@2025"):
        library().workflow("annual@1999")
    with pytest.raises(NotFoundError, match=r"no procedure 'yearly'; there are annual, average-living"):
        library().in_force("yearly", date(2022, 9, 1))


def test_a_file_can_be_read_beside_the_library_without_joining_it(tmp_path):
    path = tmp_path / "draft.toml"
    path.write_text(
        'extends = "in-year@2016"\nkey = "in-year"\nregime = "2099"\neffective_from = 2099-01-01\n', encoding="utf-8"
    )
    assert library().read(path).id == "in-year@2099"
    assert "in-year@2099" not in library().ids()
    path.write_text("key =", encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"draft\.toml: not valid TOML"):
        library().read(path)
