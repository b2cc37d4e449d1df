"""Whatever is typed, a command ends with a message and an exit code: no traceback, from any command, for any value.

The message is in Vietnamese: that is the language where none is chosen.
"""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from rasoat.cli import app

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNNER = CliRunner()
VIETNAMESE = re.compile(r"[àáảãạăắằẳẵặâấầẩẫậèéẻẽẹêếềểễệìíỉĩịòóỏõọôốồổỗộơớờởỡợùúủũụưứừửữựỳýỷỹỵđ]", re.IGNORECASE)
VILLAGE = Path(__file__).parents[3] / "docs" / "tutorial"
LEFT_OUT = {"serve", "demo"}
"""What ends only when it is told to, and what plays a whole round for whatever sound value is beside the tried one."""

WORDS = ("\ufeff⁂\x7f", "99999999999999999999999999")
NUMBERS = ("99999999999999999999999999", "0")
DAYS = ("31/11/2022", "9999-12-31")
INSTANTS = ("9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+14:00")
FILES = ("utf16.toml", "utf16.csv", "folder", "missing/file.zip", "binary.xlsx")
DATABASES = (
    "sqlite:////nonexistent/x.db",
    "sqlite:///folder",
    "sqlite:///binary.xlsx",
    "mysql://x",
    "nonsense",
    "sqlite:///",
)
OWN = {
    "now": INSTANTS,
    "db": DATABASES,
    "database": DATABASES,
    "keys": ("file:missing", "file:folder", "file:utf16.json", "x"),
}


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if hasattr(command, "commands"):
        for name, below in command.commands.items():
            yield from leaves(below, (*path, name))
    else:
        yield path, command


TREE: Any = typer.main.get_command(app)
COMMANDS = {" ".join(path): command for path, command in leaves(TREE) if path[0] not in LEFT_OUT}


def _kind(parameter: Any) -> Any:
    return parameter.type_descriptor.annotation


def hostile(parameter: Any) -> tuple[str, ...]:
    if parameter.name in OWN:
        return OWN[parameter.name]
    if parameter.metavar == "DAY":
        return DAYS
    if _kind(parameter) is int:
        return NUMBERS
    if _kind(parameter) is Path:
        return FILES
    return WORDS


def sound(parameter: Any) -> str:
    """A value that lets the command go on to the one under test."""
    by_name = {"db": "sqlite:///v.db", "role": "committee:42/446/18766", "case": "HB-001", "reference": "HB-001"}
    if parameter.metavar == "DAY":
        return "27/09/2022"
    if _kind(parameter) is int:
        return "1"
    if isinstance(_kind(parameter), type) and issubclass(_kind(parameter), Enum):
        return str(next(iter(_kind(parameter))).value)
    return by_name.get(parameter.name or "", "don-vi.csv" if _kind(parameter) is Path else "x")


def typed(command: Any, tried: Any, value: str) -> list[str]:
    options, arguments = [], []
    for parameter in command.params:
        if parameter is not tried and not parameter.required:
            continue
        given = value if parameter is tried else sound(parameter)
        if parameter.param_type_name == "option":
            options += [f"{parameter.opts[0]}={given}"]
        else:
            arguments.append(given)
    once = ["--once"] if command.name == "worker" and tried.name != "once" else []
    return [*options, *once, "--", *arguments]


def in_english(told: str) -> bool:
    """Whether what follows the title of a refusal, which is in Vietnamese for every kind, is not."""
    title, _, reason = told.strip().partition("\n")
    return not VIETNAMESE.search(reason or title)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile") / "v"
    copytree(VILLAGE, folder)
    (folder / "folder").mkdir()
    for ending in ("toml", "json", "csv"):
        (folder / f"utf16.{ending}").write_bytes('{"ế": 1}'.encode("utf-16"))
    (folder / "binary.xlsx").write_bytes(bytes(range(256)))
    with pytest.MonkeyPatch.context() as here:
        here.chdir(folder)
        here.setenv("RASOAT_DATABASE_URL", "sqlite:///v.db")
        for words in (
            ["don-vi.csv", "--kind", "units"],
            ["danh-sach.csv", "--round", "R", "--started-on", "26/09/2022"],
        ):
            assert RUNNER.invoke(app, ["import", *words]).exit_code == 0
    return folder


@pytest.fixture
def village(prepared: Path, tmp_path: Path) -> Path:
    """A village of the test's own: what one command does to it, another does not meet."""
    return copytree(prepared, tmp_path / "v")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_no_value_makes_a_command_fall_or_speak_english(
    name: str, village: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(village)
    monkeypatch.setenv("RASOAT_DATABASE_URL", "sqlite:///v.db")
    monkeypatch.setattr("typer.testing._get_command", lambda _: TREE)  # built once, not for every value
    command, fallen, foreign = COMMANDS[name], [], []
    for parameter in command.params:
        if parameter.param_type_name == "option" and (parameter.is_flag or parameter.is_eager):
            continue
        for value in hostile(parameter)[: 1 if name == "workflows check" else None]:  # it explores a procedure
            words = [*name.split(), *typed(command, parameter, value)]
            done = RUNNER.invoke(app, words)
            if done.exception is not None and not isinstance(done.exception, SystemExit):
                fallen.append(f"{words}: {done.exception!r}"[:300])
            elif done.exit_code and done.stderr and in_english(done.stderr):
                foreign.append(f"{words}: {done.stderr}"[:600])
    assert fallen == []
    assert foreign == []
