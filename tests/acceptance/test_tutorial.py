"""The tutorial is run as it is written, command by command."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from rasoat.cli import app

if TYPE_CHECKING:
    import pytest

DOCS = Path(__file__).parents[2] / "docs"
RUNNER = CliRunner()


def steps() -> list[tuple[int, str]]:
    text = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh(?: exit=(\d))?\n(.*?)```", text, flags=re.DOTALL)
    return [(int(code or 0), line) for code, block in blocks for line in block.strip().splitlines()]


def test_every_command_of_the_tutorial_does_what_the_text_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copytree(DOCS / "tutorial", tmp_path / "village")
    monkeypatch.chdir(tmp_path / "village")
    said = ""
    for expected, line in steps():
        words = shlex.split(line)
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            monkeypatch.setenv(name, value)
            continue
        done = RUNNER.invoke(app, words[1:])
        assert done.exit_code == expected, f"{line}\n{done.output}"
        said = done.stdout
    shown = json.loads(said)
    assert (shown["state"], shown["class_after"]) == ("recognised", "poor")
    assert shown["certificate"] == "0001/2022/GCN-HN.HCN"
    closed = next(e for e in shown["events"] if e["trigger"] == "posting_ended")
    assert (closed["occurred_on"], closed["recorded_at"][:16]) == ("2022-10-13", "2022-10-13T17:00")
