"""The README's Python example runs as it stands, and its commands exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_embedding_example_runs_and_shows_a_refusal_with_its_article(tmp_path: Path) -> None:
    (example,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("refused.state – QĐ 24/2021/QĐ-TTg Điều 4 khoản 3 – Hồ sơ đang ở bước")


def commands() -> list[str]:
    lines = "\n".join(blocks("sh")).splitlines()
    return [line.split("#")[0].strip() for line in lines if line.startswith("rasoat ")]


@pytest.mark.parametrize("command", commands())
def test_each_command_of_the_readme_is_known(command: str, tmp_path: Path) -> None:
    words = command.split()[1:]
    family = words[:2] if words[0] in ("case", "plan", "calendar", "db", "workflows", "keys") else words[:1]
    done = subprocess.run(
        [sys.executable, "-c", "from rasoat.cli import main; main()", *family, "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    for option in re.findall(r"--[a-z-]+", command):
        assert option in done.stdout


def test_every_file_the_readme_links_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
