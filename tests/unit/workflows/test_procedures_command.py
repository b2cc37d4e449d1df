"""`rasoat workflows …`: what a procedure says can be read, and whether it holds can be asked."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from rasoat.commands.workflows import app
from tests.support.cases import library


def run(*arguments: str, code: int = 0):
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    return result


def test_every_regime_is_listed_with_its_period():
    lines = run("list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(library().ids())
    assert "01/07/2025 – 31/12/2026" in lines[1]
    listed = json.loads(run("list", "--json").stdout)["workflows"]
    assert [one["fingerprint"] for one in listed] == [library().workflow(i).fingerprint for i in library().ids()]


def test_what_is_shown_names_settings_doubts_and_how_sure_each_provision_is():
    told = run("show", "annual@2022", "--lang", "en").stdout
    assert "silence_override = false" in told
    assert "[SETTING, D2]" in told
    assert "QĐ 24/2021/QĐ-TTg Điều 4 khoản 5 điểm b [FOUND]" in told
    assert "back_dating_days = —" in told
    workflow = library().workflow("annual@2022")
    for key in (*workflow.states, *workflow.settings, *(rule.key for rule in workflow.deadlines)):
        assert f"  {key} " in told
    assert all(invariant.label.en in told for invariant in workflow.invariants)


def test_a_procedure_without_a_regime_is_shown_as_it_stands_now():
    assert run("show", "monthly-exit").stdout.startswith("monthly-exit@2025")
    shown = json.loads(run("show", "annual", "--json").stdout)
    assert (shown["id"], shown["roles"]["superior_chair"]["level"]) == ("annual@2025", "province")


def test_a_sound_procedure_passes_and_its_known_excess_is_told_with_the_dated_course():
    assert run("check", "in-year").stdout.splitlines() == ["✓ in-year@2016"]
    told = run("check", "average-living@2022", "--lang", "en").stdout
    assert told.startswith("✓ average-living@2022")
    assert "      30/01/2023  Receive a complaint → Under re-check" in told


@pytest.fixture
def broken(tmp_path):
    path = tmp_path / "draft.toml"
    path.write_text(
        'extends = "in-year@2016"\nkey = "in-year"\nregime = "2099"\neffective_from = 2099-01-01\n'
        'without = ["transitions.withdraw"]\n',
        encoding="utf-8",
    )
    return path


def test_a_faulty_file_is_refused_with_its_faults(broken):
    told = run("check", str(broken), "--lang", "en", code=1).stdout
    assert "✗ in-year@2099" in told
    assert "triggers.withdraw: No arrow uses act “withdraw”. [check.trigger_unused]" in told
    found = json.loads(run("check", str(broken), "--json", code=1).stdout)
    assert found["sound"] is False
    assert {finding["severity"] for finding in found["workflows"]["in-year@2099"]} == {"error"}


def test_a_file_that_does_not_load_is_refused_too(broken):
    broken.write_text("key = ", encoding="utf-8")
    assert "draft.toml không đúng cú pháp TOML" in run("check", str(broken), code=1).stderr


def test_an_unknown_procedure_is_wrong_usage():
    assert "Không có quy trình “yearly”; có: annual@2022" in run("check", "yearly", code=2).stderr
    assert json.loads(run("show", "yearly@1", "--json", code=2).stdout)["error"]["code"] == "not_found"


def test_a_hosts_own_definitions_are_found_in_its_directory(broken):
    broken.rename(broken.parent / "in-year@2099.toml")
    text = (
        (broken.parent / "in-year@2099.toml")
        .read_text(encoding="utf-8")
        .replace('without = ["transitions.withdraw"]\n', "")
    )
    (broken.parent / "in-year@2099.toml").write_text(text, encoding="utf-8")
    assert "in-year@2099" in run("list", "--definitions-dir", str(broken.parent)).stdout


def test_a_forms_schema_is_printed():
    assert "meeting" in run("forms").stdout.split()
    schema = json.loads(run("forms", "meeting").stdout)["meeting"]
    assert schema["body"]["properties"]["attendees"]["minimum"] == 1
    assert "Không có biểu mẫu “ballot”" in run("forms", "ballot", code=1).stderr


def test_a_table_of_ones_own_scores_a_file_of_answers(tmp_path):
    table, answers = tmp_path / "b.csv", tmp_path / "answers.csv"
    table.write_text(
        "form,area,question,total,vi,en,answer,points\n"
        "B,rural,roof,b1,Mái,Roof,straw,0\nB,rural,roof,b1,Mái,Roof,tile,60\n"
        "B,rural,water,b2,Nước,Water,safe,0\nB,rural,water,b2,Nước,Water,unsafe,10\n",
        encoding="utf-8",
    )
    answers.write_text("household,roof,water\nH1,tile,unsafe\nH2,straw,safe\n", encoding="utf-8")
    assert run("score", str(table), str(answers)).stdout.splitlines() == [
        "household,b1,b2,area", "H1,60,10,rural", "H2,0,0,rural",
    ]  # fmt: skip
    assert json.loads(run("score", str(table), str(answers), "--json").stdout)["scores"][0]["b1"] == 60
    answers.write_text("household,roof,water\nH1,tile,unsafe\nH2,gold,safe\nH3,straw,\n", encoding="utf-8")
    told = run("score", str(table), str(answers), code=2).stderr
    assert "dòng 3: b: “roof” = “gold”" in told
    assert "dòng 4: b: “water” = “”" in told
