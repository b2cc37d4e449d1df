"""The commands as a user types them: exit codes, the shape of --json, refusals in Vietnamese and English."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from rasoat.cli import app
from rasoat.demo.files import shipped

if TYPE_CHECKING:
    from pathlib import Path

RUNNER = CliRunner()
COMMUNE, VILLAGE = "42/446/18766", "42/446/18766/18766-01"


def run(*words: str) -> tuple[int, str, str]:
    done = RUNNER.invoke(app, list(words))
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/try.db"


@pytest.fixture
def filled(url: str) -> str:
    data = shipped()
    assert run("import", str(data / "don-vi.csv"), "--kind", "units", "--db", url)[0] == 0
    code, out, err = run(
        "import", str(data / "phu-luc-I-2022.xlsx"), "--round", "R", "--started-on", "26/09/2022", "--db", url, "--json"
    )
    assert code == 0, err
    assert json.loads(out)["cases_opened"] == 267
    return url


def act(url: str, *words: str) -> tuple[int, Any, str]:
    code, out, err = run("act", *words, "--actor", "BCD-XA", "--role", f"committee:{COMMUNE}", "--db", url, "--json")
    return code, json.loads(out) if out else None, err


def test_the_swapped_new_year_of_2026_moves_the_last_day() -> None:
    code, out, _ = run("due", "2025-12-31", "5", "--json")
    assert code == 0
    assert json.loads(out)["due_on"] == "2026-01-09"


def test_importing_the_same_list_twice_changes_nothing(filled: str) -> None:
    path = str(shipped() / "phu-luc-I-2022.csv")
    code, out, _ = run("import", path, "--round", "R", "--started-on", "26/09/2022", "--db", filled, "--json")
    assert code == 0
    assert (json.loads(out)["new"], json.loads(out)["cases_opened"]) == (0, 0)


def test_an_act_moves_the_cases_and_says_so(filled: str) -> None:
    code, answer, _ = act(filled, "list_managed", "--case", "18766-01-001", "--on", "27/09/2022")
    assert code == 0
    assert [(m["from"], m["to"]) for m in answer["accepted"]] == [("registered", "listed")]
    code, out, _ = run("case", "show", "18766-01-001", "--db", filled, "--json")
    shown = json.loads(out)
    assert (shown["state"], [e["kind"] for e in shown["events"]]) == ("listed", ["opened", "step"])
    assert shown["events"][1]["article"] == "QĐ 24/2021/QĐ-TTg Điều 4 khoản 1 điểm a"


def test_a_refusal_ends_with_1_and_gives_reason_and_article_in_both_languages(filled: str) -> None:
    code, answer, _ = act(
        filled, "post", "--case", "18766-01-001", "--on", "27/09/2022", "--field", "at_commune_office=true"
    )
    assert code == 1
    (refusal,) = answer["refused"]
    assert refusal["code"] == "refused.state"
    assert refusal["article"].startswith("QĐ 24/2021/QĐ-TTg Điều 4")
    assert "Hồ sơ đang ở bước" in refusal["reason"]["vi"]
    assert "The case stands at" in refusal["reason"]["en"]


def test_one_refused_case_refuses_the_batch_unless_each_is_asked_for(filled: str) -> None:
    words = ("list_managed", "--round", "R", "--unit", VILLAGE, "--on", "27/09/2022")
    code, answer, _ = act(filled, *words)
    assert (code, answer["accepted"]) == (1, [])
    code, answer, _ = act(filled, *words, "--each")
    assert code == 1
    assert answer["accepted"]
    assert answer["refused"]


def test_the_same_idempotency_key_gives_the_same_answer_and_does_it_once(filled: str) -> None:
    words = ("list_managed", "--case", "18766-01-002", "--on", "27/09/2022", "--idempotency-key", "k1")
    first = act(filled, *words)
    assert act(filled, *words) == first
    code, _, err = run(
        "act", "list_managed", "--case", "18766-01-003", "--on", "27/09/2022", "--idempotency-key", "k1",
        "--actor", "BCD-XA", "--role", f"committee:{COMMUNE}", "--db", filled,
    )  # fmt: skip
    assert code == 1
    assert "nội dung khác" in err


@pytest.mark.parametrize(
    "words",
    [
        ("act", "post", "--on", "hôm qua", "--actor", "a", "--role", "committee:42", "--case", "1"),
        ("act", "post", "--on", "27/09/2022", "--actor", "a", "--role", "committee", "--case", "1"),
        ("act", "post", "--on", "27/09/2022", "--actor", "a", "--role", "committee:42"),
        ("case", "show", "no-such-household"),
        ("case", "show", "1", "--lang", "fr"),
        ("import", "no-such-file.csv"),
        ("no-such-command",),
    ],
)
def test_wrong_usage_ends_with_2(words: tuple[str, ...], url: str) -> None:
    given = [*words, "--db", url] if words[0] != "no-such-command" else list(words)
    assert run(*given)[0] == 2


def test_another_database_is_refused_with_what_was_expected() -> None:
    code, _, err = run("case", "show", "1", "--db", "mysql://nowhere/x")
    assert code == 1
    assert "sqlite:///" in err


def test_a_bad_row_imports_nothing_and_names_its_place(filled: str, tmp_path: Path) -> None:
    text = (shipped() / "phu-luc-I-2022.csv").read_text(encoding="utf-8-sig").splitlines()
    bad = tmp_path / "bad.csv"
    rows = [
        text[0],
        text[1].replace("18766-01-001", "X-1").replace("999044000019", "999044000098").replace("1944", "31/02/1944"),
        text[2].replace("18766-01-002", "X-2").replace("999159000022", "999159000099"),
    ]
    bad.write_text("\n".join(rows), encoding="utf-8")
    code, out, _ = run("import", str(bad), "--db", filled, "--json")
    assert code == 1
    report = json.loads(out)
    assert report["imported"] == 0
    (error,) = report["errors"]
    assert (error["row"], error["column"], error["value"]) == (2, "ngày sinh", "31/02/1944")
    refused = tmp_path / "refused.csv"
    code, out, _ = run("import", str(bad), "--db", filled, "--partial", str(refused), "--json")
    assert (code, json.loads(out)["new"], json.loads(out)["refused_rows"]) == (0, 1, 1)
    (told,) = json.loads(out)["errors"]
    assert (told["row"], told["column"], told["value"]) == (2, "ngày sinh", "31/02/1944")
    assert told == error
    code, out, err = run("import", str(bad), "--db", filled, "--partial", str(refused), "--lang", "en")
    assert (code, err.count(told["expected"]["en"])) == (0, 1)
    assert "errors" not in out
    mended = refused.read_text(encoding="utf-8-sig").replace("31/02/1944", "28/02/1944")
    refused.write_text(mended, encoding="utf-8")
    code, out, _ = run("import", str(refused), "--db", filled, "--json")
    assert (code, json.loads(out)["new"]) == (0, 1)
    code, out, _ = run("case", "show", "X-1", "--db", filled)
    assert code == 2  # registered, but in no round


def test_the_version_is_shown() -> None:
    code, out, _ = run("--version")
    assert code == 0
    assert out.startswith("rasoat ")


def test_the_schema_says_where_it_stands(url: str) -> None:
    assert run("db", "revision", "--db", url)[0] == 2
    assert run("db", "upgrade", "--db", url)[0] == 0
    shown = json.loads(run("db", "revision", "--db", url, "--json")[1])
    assert shown["database"] == shown["release"]
    assert shown["trial"] is False
