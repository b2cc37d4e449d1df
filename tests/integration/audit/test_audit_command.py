"""`rasoat audit …` as an auditor uses it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from rasoat.cli import app
from tests.integration.audit.conftest import Record

RUN = CliRunner()


@pytest.fixture
def at(tmp_path):
    record = Record(f"sqlite:///{tmp_path / 'audit.db'}")
    record.run()
    yield record
    record.database.dispose()


def call(record, *arguments, keys=True):
    url = str(record.database.engine.url)
    given = ["--db", url, "--keys", "development"] if keys else []
    return RUN.invoke(app, ["audit", *map(str, arguments), *given])


def test_a_whole_record_exits_with_0_and_says_what_was_read(at):
    answer = call(at, "verify", "--lang", "en")
    assert (answer.exit_code, answer.stdout) == (0, "Whole: 4 cases, 44 events, 0 checkpoints.\n")


def test_a_broken_record_exits_with_1_and_says_where(at):
    at.tamper(f"UPDATE rasoat_event SET actor = 'cb99' WHERE case_id = {at.ids[0]} AND seq = 2")
    answer = call(at, "verify")
    assert answer.exit_code == 1
    assert f"Hồ sơ {at.ids[0]}: nội dung sự kiện số 2" in answer.stdout
    told = json.loads(call(at, "verify", "--case", at.ids[0], "--json").stdout)
    assert (told["whole"], told["cases"], told["findings"]) == (False, 1, 1)
    assert [(f["kind"], f["case_id"], f["seq"]) for f in told["shown"]] == [("altered", str(at.ids[0]), 2)]
    assert call(at, "verify", "--case", at.ids[1]).exit_code == 0
    assert call(at, "verify", "--round", "R1").exit_code == 1


def test_more_findings_than_shown_are_counted(at):
    at.tamper("UPDATE rasoat_event SET actor = 'cb99' WHERE seq = 2")
    answer = call(at, "verify", "--limit", 1, "--lang", "en")
    assert answer.stdout.splitlines()[1:] == [
        "… and 3 more findings",
        "NOT WHOLE: 4 findings in 4 cases, 44 events, 0 checkpoints.",
    ]


def test_wrong_usage_exits_with_2(at):
    assert call(at, "verify", "--case", 1, "--round", "R1").exit_code == 2
    assert call(at, "verify", "--case", 12345).exit_code == 2
    assert call(at, "verify", "--round", "R9").exit_code == 2


def test_a_checkpoint_is_taken_listed_exported_and_held_against(at, tmp_path):
    kept = tmp_path / "kept"
    taken = json.loads(call(at, "checkpoint", "--export", kept, "--json").stdout)
    assert json.loads((kept / "checkpoint-000001.json").read_text()) == taken["checkpoint"]
    assert json.loads(call(at, "checkpoints", "--json").stdout) == [taken["checkpoint"]]
    assert call(at, "checkpoint", "--due").stdout == "Chưa đến lúc lấy mốc niêm phong mới.\n"
    assert call(at, "verify", "--against", kept).exit_code == 0
    at.tamper("DELETE FROM rasoat_checkpoint_head", "DELETE FROM rasoat_checkpoint")
    assert call(at, "verify").exit_code == 0
    answer = call(at, "verify", "--against", kept, "--lang", "en")
    assert answer.exit_code == 1
    assert "Checkpoint 1: it was kept outside the database and is gone" in answer.stdout


def test_a_file_that_is_no_checkpoint_is_named(at, tmp_path):
    (tmp_path / "x.json").write_text("{}")
    answer = call(at, "verify", "--against", tmp_path / "x.json")
    assert answer.exit_code == 2
    assert "x.json: Đây không phải mốc niêm phong" in answer.stderr


def test_a_household_gets_its_proof_the_verifier_and_the_key(at, tmp_path):
    call(at, "checkpoint")
    proof, key, verifier = (tmp_path / name for name in ("proof.json", "key.pem", "rasoat_verify.py"))
    told = json.loads(call(at, "prove", at.ids[2], "--out", proof, "--json").stdout)
    assert told == {"case": str(at.ids[2]), "events": 11, "checkpoint": 1, "file": str(proof)}
    assert call(at, "public-key", "--out", key).exit_code == 0
    assert call(at, "verifier", "--out", verifier, keys=False).exit_code == 0
    space = {"__name__": "rasoat_verify"}
    exec(compile(verifier.read_text(), "rasoat_verify.py", "exec"), space)  # noqa: S102  the file as handed out
    assert space["main"]([str(proof), "--key", str(key)]) == 0
    assert len(json.loads(proof.read_text())["events"]) == 11
    call(at, "prove", at.ids[2], "--out", proof, "--no-events")
    assert json.loads(proof.read_text())["events"] == []
    assert call(at, "public-key", "--id", "ed25519-0").exit_code == 2
