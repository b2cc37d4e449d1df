"""Every command, found by walking the tree: help with an example that parses, --json, languages, completion."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest
import typer.main
from typer.testing import CliRunner

from rasoat.cli import app
from rasoat.commands._examples import EXAMPLES
from rasoat.commands._progress import counting
from rasoat.commands._speaking import by_locale

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNNER = CliRunner()
ROOT: Any = typer.main.get_command(app)
SERVES_UNTIL_STOPPED = {"serve"}


def commands(group: Any = ROOT, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def walked(group: Any = ROOT) -> Iterator[Any]:
    yield group
    for command in getattr(group, "commands", {}).values():
        yield from walked(command)


TREE = dict(commands())


def options(command: Any) -> set[str]:
    return {word for parameter in command.params for word in parameter.opts}


def examples(command: Any) -> list[list[str]]:
    told = [part.partition("Example")[2] for part in (command.help or "", command.epilog or "")]
    found = re.findall(r"\s(rasoat .*?)(?=\n\s*\n|\n\s*rasoat |\Z)", "\n\n".join(told), flags=re.DOTALL)
    return [shlex.split(" ".join(each.split())) for each in found]


def test_the_tree_is_walked_whole() -> None:
    assert len(TREE) > 60
    assert {"act", "case show", "household split", "audit prove"} <= set(TREE)


@pytest.mark.parametrize("name", TREE)
def test_help_ends_well_and_shows_an_example_that_the_command_understands(name: str) -> None:
    command = TREE[name]
    shown = examples(command)
    assert shown, f"rasoat {name} --help shows no example"
    for words in shown:
        said = words[1 : words.index(">")] if ">" in words else words[1:]
        assert " ".join(said).startswith(name)
        context = command.make_context(name, [], resilient_parsing=True)
        given, rest, _ = command.make_parser(context).parse_args(said[len(name.split()) :])
        missing = [p.name for p in command.params if p.required and given.get(p.name) in (None, [], ())]
        assert (missing, rest) == ([], [])
    assert RUNNER.invoke(app, [*name.split(), "--help"]).exit_code == 0


@pytest.mark.parametrize("name", sorted(set(TREE) - SERVES_UNTIL_STOPPED))
def test_every_command_answers_in_json_if_asked(name: str) -> None:
    assert "--json" in options(TREE[name])


def test_every_command_and_family_takes_the_language_once() -> None:
    for command in walked():
        assert [parameter.opts for parameter in command.params].count(["--lang", "--language"]) == 1, command.name


@pytest.mark.parametrize(
    "words",
    [
        ("worker", "--once", "--check", "--lang", "en"),
        ("worker", "--once", "--check", "--lang=en"),
        ("workflows", "set", "--lang", "en", "silence_override", "{"),
        ("workflows", "--lang", "en", "set", "silence_override", "{"),
    ],
    ids=" ".join,
)
def test_a_command_without_words_of_its_own_to_say_takes_the_language_too(words: tuple[str, ...]) -> None:
    done = RUNNER.invoke(app, [*words, "--db", "sqlite://"], env={"LC_ALL": "vi_VN.UTF-8"})
    assert (done.exit_code, "Error: " in done.stderr, "No such option" in done.stderr) == (2, True, False)


def test_every_language_option_is_called_the_same_and_follows_the_locale() -> None:
    for name, command in TREE.items():
        for parameter in command.params:
            if "--language" in parameter.opts:
                assert "--lang" in parameter.opts, name
                assert (parameter.envvar, parameter.callback is not None) == ("RASOAT_LANG", True), name


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_example_stands_for_a_command_that_is_gone_or_has_its_own(name: str) -> None:
    assert "rasoat " + name not in (TREE[name].help or "")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "vi"),
        ({"LANG": "C.UTF-8"}, "vi"),
        ({"LANG": "vi_VN.UTF-8"}, "vi"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({"LC_ALL": "vi_VN.UTF-8", "LANG": "en_US.UTF-8"}, "vi"),
        ({"LC_ALL": "", "LC_MESSAGES": "en_GB.UTF-8", "LANG": "vi_VN.UTF-8"}, "en"),
    ],
)
def test_the_locale_chooses_the_language(environment: dict[str, str], expected: str) -> None:
    assert by_locale(environment) == expected


@pytest.mark.parametrize(
    ("words", "environment", "expected"),
    [
        ([], {"LANG": "vi_VN.UTF-8"}, "Ngày cuối cùng"),
        ([], {"LANG": "en_US.UTF-8"}, "Last day"),
        (["--lang", "vi"], {"LANG": "en_US.UTF-8"}, "Ngày cuối cùng"),
        ([], {"LANG": "vi_VN.UTF-8", "RASOAT_LANG": "en"}, "Last day"),
        (["--lang", "vi"], {"RASOAT_LANG": "en"}, "Ngày cuối cùng"),
    ],
)
def test_an_answer_is_in_the_language_asked_for_else_the_locales(
    words: list[str], environment: dict[str, str], expected: str
) -> None:
    known: dict[str, str | None] = {"LC_ALL": None, "LC_MESSAGES": None, "LANG": None, "RASOAT_LANG": None}
    done = RUNNER.invoke(app, ["due", "2025-12-31", "5", *words], env={**known, **environment})
    assert expected in done.stdout


@pytest.mark.parametrize(("lang", "said"), [("vi", "Không có"), ("en", "neither a file")])
def test_a_fault_is_told_in_the_language_of_the_command(lang: str, said: str) -> None:
    done = RUNNER.invoke(app, ["plan", "show", "no-such-plan", "--lang", lang])
    assert done.exit_code == 2
    assert said in done.stderr
    assert ("Không có" in done.stderr) == (lang == "vi")


def test_nothing_is_coloured_and_no_bar_is_drawn_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    done = RUNNER.invoke(app, ["workflows", "show", "annual@2022"])
    assert "\x1b" not in done.output
    with counting("import", 10, quiet=False) as progress:
        progress(10)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes_commands(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Which shell it is, Typer asks the processes above: in a test there may be none.
    monkeypatch.setattr("typer.completion._get_shell_name", lambda: shell)
    done = RUNNER.invoke(app, ["--show-completion"], prog_name="rasoat")
    assert "_RASOAT_COMPLETE" in done.output
    asked = {"_RASOAT_COMPLETE": f"complete_{shell}", "COMP_WORDS": "rasoat hou", "COMP_CWORD": "1"}
    typed = {"_TYPER_COMPLETE_ARGS": "rasoat hou", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    assert "household" in RUNNER.invoke(app, [], prog_name="rasoat", env={**asked, **typed}).output
