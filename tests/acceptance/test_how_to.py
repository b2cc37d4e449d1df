"""The how-to pages are run as they are written."""

from __future__ import annotations

import json
import re
import shlex
import sys
import zipfile
from importlib.metadata import EntryPoint
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from rasoat.cli import app
from rasoat.notifications.channels import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parents[2] / "docs"
RUNNER = CliRunner()
BLOCK = re.compile(r"^```(?P<kind>sh|python|toml)(?P<mark>[^\n]*)\n(?P<text>.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(page: str) -> Iterator[tuple[str, str, str]]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return ((found["kind"], found["mark"].strip(), found["text"]) for found in BLOCK.finditer(text))


def run(line: str, expected: int, monkeypatch: pytest.MonkeyPatch) -> str:
    words = shlex.split(line)
    if words[0] == "export":
        name, _, value = words[1].partition("=")
        monkeypatch.setenv(name, value)
        return ""
    done = RUNNER.invoke(app, words[1:])
    assert done.exit_code == expected, f"{line}\n{done.output}"
    return done.stdout


def commands(page: str) -> list[tuple[int, str]]:
    found = [(mark, text) for kind, mark, text in blocks(page) if kind == "sh"]
    return [(int(mark.partition("=")[2] or 0), line) for mark, text in found for line in text.strip().splitlines()]


@pytest.fixture
def village(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the tutorial."""
    copytree(DOCS / "tutorial", tmp_path / "village")
    monkeypatch.chdir(tmp_path / "village")
    return tmp_path / "village"


def follow(page: str, monkeypatch: pytest.MonkeyPatch, *, through: str = "") -> list[str]:
    """Run a page's commands, up to the first one with `through` in it; return what each said."""
    said = []
    for expected, line in commands(page):
        said.append(run(line, expected, monkeypatch))
        if through and through in line:
            break
    return said


def write_files(page: str, folder: Path) -> None:
    for _, mark, text in blocks(page):
        if mark.startswith("file="):
            (folder / mark.removeprefix("file=")).write_text(text, encoding="utf-8")


def test_a_calendar_release_is_tried_brought_in_and_moves_the_posting(
    village: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow("tutorial.md", monkeypatch, through="act post")
    page = "how-to/import-a-calendar-release.md"
    write_files(page, village)
    tried, *_, due, shown = follow(page, monkeypatch)
    assert "2022-10-13 → 2022-10-14" in tried
    assert json.loads(due)["due_on"] == "2022-10-14"
    (posting,) = [row for row in json.loads(shown)["deadlines"] if row["rule"] == "posting"]
    assert posting["due_on"] == "2022-10-14"


def test_a_backup_is_restored_and_known_to_be_whole(village: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    follow("tutorial.md", monkeypatch)
    follow("how-to/restore.md", monkeypatch)
    digests = []
    for name in ("before.zip", "after.zip"):
        with zipfile.ZipFile(village / name) as archive:
            manifest = json.loads(archive.read("manifest.json"))
            digests.append({table["table"]: table["sha256"] for table in manifest["tables"]})
    assert digests[0] == digests[1]
    assert "HB-001" in run(
        "rasoat case show HB-001 --db sqlite:///restored.db --keys file:village.db.keys --json", 0, monkeypatch
    )


def test_an_older_backup_is_told_from_the_latest_by_the_kept_checkpoints(
    village: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow("tutorial.md", monkeypatch, through="act list_managed")
    run("rasoat backup old.db", 0, monkeypatch)
    run("rasoat act survey --round R --on 03/10/2022 --actor RSV --role enumerator:42/446/18766 --rows phieu-b.json", 0, monkeypatch)  # fmt: skip  # noqa: E501  a command as it is typed
    run("rasoat audit checkpoint --export checkpoints", 0, monkeypatch)
    restored = "--db sqlite:///restored.db --keys file:village.db.keys"
    run(f"rasoat restore old.db {restored}", 0, monkeypatch)
    run(f"rasoat audit verify --against checkpoints {restored}", 1, monkeypatch)


def test_the_embedding_page_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for kind, _, text in blocks("how-to/embed.md"):
        if kind == "python":
            exec(compile(text, "embed.md", "exec"), names)  # noqa: S102  the page is the test
    assert names["again"].refused[0].code == "refused.state"
    assert names["states"].count("listed") == 3


def test_a_channel_of_another_package_is_found_by_its_entry_point_and_sends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = "how-to/add-a-channel.md"
    write_files(page, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    offered = re.search(r'^(\w+) = "(pager:make)"$', (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert offered is not None
    point = EntryPoint(offered[1], offered[2], registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda *, group: [point] if group == registry.GROUP else [])
    names: dict[str, Any] = {}
    for kind, mark, text in blocks(page):
        if kind == "python" and not mark:
            exec(compile(text, page, "exec"), names)  # noqa: S102  the page is the test
    assert sys.modules.pop("pager").STATIONS["north"] == ["9f2c 0912000001 Thử"]
