"""The README's Python example runs as it stands, and so do its commands."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from rasoat.cli import app

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[2]
RUNNER = CliRunner()
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_embedding_example_runs_and_shows_a_refusal_with_its_article(tmp_path: Path) -> None:
    (example,) = blocks("python")
    for _ in ("the first time", "and again on the same database"):
        done = subprocess.run(
            [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("refused.state – QĐ 24/2021/QĐ-TTg Điều 4 khoản 3 – Hồ sơ đang ở bước")


def test_every_command_of_the_readme_works_as_it_stands_after_the_demonstration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _, commands = blocks("sh")
    assert RUNNER.invoke(app, ["demo", "--out", "out/demo", "--json"]).exit_code == 0
    ran = 0
    for line in commands.splitlines():
        words = shlex.split(line, comments=True)
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            if name != "PATH":
                monkeypatch.setenv(name, value)
            continue
        done = RUNNER.invoke(app, words[1:])
        assert done.exit_code == (1 if "exit 1" in line else 0), f"{line}\n{done.output}"
        ran += 1
    assert ran >= 5


def test_every_file_the_readme_links_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
