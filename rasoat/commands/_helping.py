"""Help and wrong usage in the language of the command.

English stands in the code, where developers read it: docstrings and `help=`. Vietnamese stands in the catalogue,
`foundation/catalogue/help/*.toml`: one table a command (``["calendar show"]``) with ``summary`` and one line each
parameter. What a command's own table lacks is looked for in its family's (``[calendar]``), then in ``[shared]``.
Nothing of it is read before somebody asks for help.
"""

from __future__ import annotations

import re
import tomllib
from contextlib import contextmanager
from copy import copy
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from ._common import Lang
from ._speaking import asked_for, speaking, spoken

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["SpokenCommand", "SpokenGroup", "help_tables", "make_spoken", "vietnamese"]

ROOT, SHARED = "rasoat", "shared"
_UsageError: Any = typer.BadParameter.__base__
"""What typer raises for wrong usage of any kind; of these it hands out `BadParameter` alone by name."""

_NAMES, _QUOTE = {"argument", "parameter"}, "'"
"""The fields of what typer says that name a part of the command line, as its help does."""
_EXAMPLE = re.compile(r"\bExamples?:")
_FIXED = {
    "ARGUMENTS_PANEL_TITLE": "cli.arguments",
    "OPTIONS_PANEL_TITLE": "cli.options",
    "COMMANDS_PANEL_TITLE": "cli.commands",
    "DEFAULT_STRING": "cli.default",
    "ENVVAR_STRING": "cli.variable",
    "REQUIRED_LONG_STRING": "cli.required",
}
"""The words typer's help pages consist of, by the names of its constants."""


_TyperClass: Any = object
"""What `_Spoken` stands in front of: one of typer's two classes, which share what it calls and no base of typer's."""


class _Spoken(_TyperClass):  # type: ignore[misc]  # see above
    """Help in the language it is asked in, and ``--lang`` taken everywhere."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _take_language(self)

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """Write the usage line."""
        _write_usage(self, ctx, formatter)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help page."""
        with _fixed_words():
            super(_Spoken, _told(self, ctx)).format_help(ctx, formatter)


class SpokenCommand(_Spoken, TyperCommand):
    """A command whose help is in the language it is asked in, and which can be told the language itself."""


class SpokenGroup(_Spoken, TyperGroup):
    """A family of commands whose help, and what is said of wrong usage, are in the language it is asked in."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command line in the language that its words, the environment or the locale choose."""
        words = kwargs["args"] if "args" in kwargs else next(iter(args), None)
        with speaking(asked_for(words)):
            return super().main(*args, **kwargs)

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Read the words of this level."""
        with _wrong_usage_told():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Read the words of the levels below, and do what they say."""
        with _wrong_usage_told():
            return super().invoke(ctx)


def make_spoken(app: typer.Typer) -> None:
    """Let every command below `app` give its help in both languages."""
    for command in app.registered_commands:
        command.cls = SpokenCommand
    for group in app.registered_groups:
        group.cls = SpokenGroup
        if group.typer_instance is not None:
            make_spoken(group.typer_instance)


@cache
def help_tables() -> Mapping[str, Mapping[str, str]]:
    """Return the Vietnamese help: command path → parameter, or ``summary`` or ``epilog`` → sentence."""
    found: dict[str, Mapping[str, str]] = {}
    for file in (files("rasoat.foundation") / "catalogue" / "help").iterdir():
        if file.name.endswith(".toml"):
            found |= tomllib.loads(file.read_text(encoding="utf-8"))
    return found


def vietnamese(path: Sequence[str], key: str) -> tuple[str, str | None]:
    """Return the table and the sentence that a command's `key` is told with; `None` where there is none."""
    tables = help_tables()
    own, family = (" ".join(part) or ROOT for part in (path, path[:-1]))
    places = (own,) if key in {"summary", "epilog"} else (own, family, SHARED)
    return next(((place, tables[place][key]) for place in places if key in tables.get(place, ())), (own, None))


def _take_language(command: Any) -> None:
    """Let a command take ``--lang`` that does not ask for it: faults and help have a language everywhere."""
    if all("--lang" not in parameter.opts for parameter in command.params):
        command.params.append(_language_option())


@cache
def _language_option() -> Any:
    """Return ``--lang`` as it is everywhere, for commands that do not look at what it says."""
    plain = typer.Typer(add_completion=False)

    @plain.command()
    def _speak(*, lang: Lang = "vi") -> None:
        """Take the option alone."""

    (option,) = (each for each in typer.main.get_command(plain).params if each.name == "lang")
    option.expose_value = False
    return option


def _told(command: Any, ctx: Any) -> Any:
    """Return the command as the language has it: itself in English, a translated copy in Vietnamese."""
    if spoken() == "en":
        return command
    path = _path(ctx)
    told = _described(command, path)
    told.params = [_parameter(each, path) for each in command.get_params(ctx)]
    told.add_help_option = False  # it is one of the parameters by now
    if hasattr(command, "commands"):
        told.commands = {name: _described(each, (*path, name)) for name, each in command.commands.items()}
    return told


def _described(command: Any, path: tuple[str, ...]) -> Any:
    told = copy(command)
    told.help = _with_examples(vietnamese(path, "summary")[1], command.help)
    told.epilog = vietnamese(path, "epilog")[1] or _with_examples("", command.epilog)
    return told


def _parameter(parameter: Any, path: tuple[str, ...]) -> Any:
    told = copy(parameter)
    told.help = vietnamese(path, parameter.name)[1] or parameter.help
    if isinstance(parameter.show_default, str):
        told.show_default = vietnamese(path, f"{parameter.name}_default")[1] or parameter.show_default
    if parameter.metavar is not None:
        told.metavar = _metavar(parameter.metavar)
    return told


def _metavar(name: str) -> str:
    return help_tables()["metavar"].get(name, name)


def _with_examples(said: str | None, english: str | None) -> str | None:
    """Return a sentence with the examples of the English one, which are the same in every language."""
    example = _EXAMPLE.search(english or "")
    if said is None or not english or example is None:
        return said or english
    return "\n\n".join(filter(None, (said, _word("cli.example") + english[example.end() :])))


def _write_usage(command: Any, ctx: Any, formatter: Any) -> None:
    known = {
        command.options_metavar: "cli.some_options",
        getattr(command, "subcommand_metavar", ""): "cli.some_command",
    }
    pieces = _told(command, ctx).collect_usage_pieces(ctx)
    pieces = [_word(known[piece]) if piece in known else piece for piece in pieces]
    formatter.write_usage(ctx.command_path, " ".join(pieces), prefix=_word("cli.usage") + " ")


def _path(ctx: Any) -> tuple[str, ...]:
    """Return the names of a command and its families, without the program's."""
    return () if ctx.parent is None else (*_path(ctx.parent), ctx.info_name)


@contextmanager
def _fixed_words() -> Iterator[None]:
    from typer import rich_utils

    before = {name: getattr(rich_utils, name) for name in _FIXED}
    try:
        for name, code in _FIXED.items():
            setattr(rich_utils, name, _word(code, value="{}"))
        yield
    finally:
        for name, word in before.items():
            setattr(rich_utils, name, word)


@contextmanager
def _wrong_usage_told() -> Iterator[None]:
    """Say what is wrong with the words of a command line, and end with exit code 2; 1 if somebody broke it off."""
    try:
        yield
    except typer.Abort:
        typer.echo(_word("cli.aborted"), err=True)
        raise typer.Exit(1) from None
    except _UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            raise
        if error.ctx is not None:
            typer.echo(error.ctx.get_usage(), err=True)
            typer.echo(_word("cli.try", command=error.ctx.command_path), err=True)
        typer.echo(_word("cli.error", reason=_translated(error.format_message())), err=True)
        raise typer.Exit(error.exit_code) from error


def _translated(said: str) -> str:
    """Return in Vietnamese what typer says in English, if that is the language and the catalogue has the sentence."""
    from ..foundation.messages import codes, message

    if spoken() == "en":
        return said
    known = (message(code) for code in codes() if code.startswith("typer."))
    for sentence in sorted(known, key=lambda each: -len(each.en)):
        if match := re.fullmatch(_pattern(sentence.en), said, re.DOTALL):
            return sentence.vi.format_map({name: _part(name, part) for name, part in match.groupdict().items()})
    return said


def _part(name: str, said: str) -> str:
    return f"'{_metavar(said.strip(_QUOTE))}'" if name in _NAMES else _translated(said)


def _pattern(template: str) -> str:
    return re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(template))


def _word(code: str, **fields: str) -> str:
    from ..foundation.messages import text

    return text(code, **fields).within(spoken())
