"""`rasoat plan …`: output shapes and exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner, Result

from rasoat.commands.plan import app

if TYPE_CHECKING:
    from pathlib import Path


def run(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def answer(*words: str, code: int = 0) -> Any:
    result = run(*words, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def test_list_names_the_five_plans():
    assert [plan["key"] for plan in answer("list")["plans"]] == [
        "quan-hoa-2020",
        "bac-ninh-2021",
        "dien-bien-2022",
        "quang-ngai-2023",
        "hai-duong-2024",
    ]
    assert "2822/KH-UBND (31/8/2022)" in run("list").stdout


def test_show_gives_each_milestone_as_written_and_as_read():
    shown = answer("show", "dien-bien-2022")
    (summary,) = [each for each in shown["milestones"] if each["key"] == "summary"]
    assert (summary["text"], summary["first"], summary["last"], summary["sound"]) == (
        "Từ ngày 16/11 đến 31/11/2022",
        "2022-11-16",
        None,
        False,
    )
    assert "summary [window] “Từ ngày 16/11 đến 31/11/2022” 16/11/2022 – …" in run("show", "dien-bien-2022").stdout


def test_check_of_a_faulty_plan_exits_1_and_of_an_odd_one_0():
    faulty = answer("check", "dien-bien-2022", code=1)
    assert faulty["errors"] is True
    (impossible,) = [each for each in faulty["findings"] if each["code"] == "date.impossible"]
    assert (impossible["severity"], impossible["milestone"], impossible["replacement"], impossible["span"]) == (
        "error",
        "summary",
        "30/11/2022",
        [18, 28],
    )
    assert answer("check", "hai-duong-2024")["errors"] is False


def test_check_speaks_both_languages():
    assert "“31/11/2022” không phải là một ngày có thật." in run("check", "dien-bien-2022").stdout
    assert "“31/11/2022” is not a day that exists." in run("check", "dien-bien-2022", "--language", "en").stdout


def test_check_reads_a_file_and_refuses_a_faulty_one(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text('key = "x"\n', encoding="utf-8")
    assert answer("check", str(path), code=1)["error"]["code"] == "definition"
    assert answer("check", "nowhere", code=2)["error"]["code"] == "not_found"


def test_latest_plans_backward_from_a_day_a_season_or_a_milestone():
    by_day = answer("latest", "--end", "2024-12-14")
    by_season = answer("latest", "--year", "2024")
    assert by_day == by_season
    assert by_day["without_complaint"][0] == {"step": "meeting", "safe": "2024-12-02", "possible": "2024-12-10"}
    assert by_day["with_complaint"][0] == {"step": "meeting", "safe": "2024-11-18", "possible": "2024-12-05"}
    by_milestone = answer("latest", "--plan", "hai-duong-2024", "--milestone", "district-report")
    assert by_milestone["end"] == "2024-12-09"
    assert "Họp dân thống nhất kết quả: an toàn đến 02/12/2024" in run("latest", "--year", "2024").stdout


@pytest.mark.parametrize(
    "words",
    [
        ("latest",),
        ("latest", "--year", "2024", "--end", "2024-12-14"),
        ("latest", "--plan", "hai-duong-2024"),
        ("latest", "--milestone", "review", "--year", "2024"),
        ("latest", "--year", "2030"),
        ("latest", "--plan", "hai-duong-2024", "--milestone", "dance"),
        ("latest", "--plan", "dien-bien-2022", "--milestone", "summary"),
        ("latest", "--end", "31/11/2022"),
    ],
)
def test_latest_without_one_last_day_is_wrong_usage(words):
    assert run(*words).exit_code == 2


def progress(folder: Path, *rows: str) -> str:
    path = folder / "progress.csv"
    path.write_text("\n".join(["village,step,day", *rows]), encoding="utf-8")
    return str(path)


def test_latest_flags_each_village_on_the_day_on_which_it_becomes_certain(tmp_path):
    file = progress(tmp_path, "Thôn 1,meeting,2024-11-28", "Thôn 2,posting,2024-11-28", "Thôn 3,recognition,2024-12-09")
    words = ("latest", "--year", "2024", "--progress", file, "--as-of")
    eve = answer(*words, "2024-12-10")
    assert eve["round_impossible_on"] == "2024-12-11"
    assert [(each["village"], each["standing"]) for each in eve["villages"]] == [
        ("Thôn 1", "at_risk"),
        ("Thôn 2", "at_risk"),
        ("Thôn 3", "made"),
    ]
    lost = answer(*words, "2024-12-11", code=1)
    assert [each["standing"] for each in lost["villages"]] == ["lost", "at_risk", "made"]
    said = run(*words, "2024-12-11", "--language", "en")
    assert said.exit_code == 1
    assert "Thôn 1: can't make it, certain since 11/12/2024" in said.stdout
    assert "Thôn 3: done in time" in said.stdout


def test_latest_refuses_progress_that_lies_in_the_future(tmp_path):
    file = progress(tmp_path, "Thôn 1,meeting,2024-11-28")
    result = run("latest", "--year", "2024", "--progress", file, "--as-of", "2024-11-27")
    assert result.exit_code == 2
    assert "không thể sau ngày 27/11/2024" in result.stderr


def test_latest_takes_other_steps_from_a_file(tmp_path):
    path = tmp_path / "steps.toml"
    path.write_text('[[step]]\nkey = "sign"\nvi = "Ký"\nen = "Sign"\n', encoding="utf-8")
    assert answer("latest", "--end", "2024-12-13", "--steps", str(path))["without_complaint"] == [
        {"step": "sign", "safe": "2024-12-13", "possible": "2024-12-13"}
    ]
