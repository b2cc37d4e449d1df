"""Which language a command speaks: as ``--lang`` or ``RASOAT_LANG`` say, else as the locale does, else Vietnamese."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ..foundation.messages import Language

__all__ = ["asked_for", "by_locale", "chosen", "language", "require_known", "speaking", "spoken", "wrong_usage"]

_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")
_NO_LANGUAGE = {"", "C", "POSIX"}
_OPTIONS = ("--lang", "--language")
_Given = TypeVar("_Given", bound=str)
_SPOKEN: ContextVar[Language | None] = ContextVar("rasoat_spoken", default=None)


def language(given: str) -> Language:
    """Return the language asked for; wrong usage if it is neither."""
    if given not in ("vi", "en"):
        raise wrong_usage(code="usage.lang", given=given)
    return "en" if given == "en" else "vi"


def by_locale(environment: Mapping[str, str]) -> Language:
    """Return the language of a locale: Vietnamese for vi_VN and where none is set, English for any other."""
    told = next((value for name in _LOCALE if (value := environment.get(name))), "")
    code = told.partition(".")[0]
    return "vi" if code in _NO_LANGUAGE or code.partition("_")[0].lower() == "vi" else "en"


def spoken() -> Language:
    """Return the language of the command that runs."""
    return _SPOKEN.get() or language(os.environ.get("RASOAT_LANG") or by_locale(os.environ))


def asked_for(words: Sequence[str] | None = None) -> Language:
    """Return the language a whole command line asks for, wherever in it: help is given before anything else is read."""
    typed = sys.argv[1:] if words is None else list(words)
    typed = typed[: typed.index("--")] if "--" in typed else typed
    given = [after for word, after in pairwise(typed) if word in _OPTIONS]
    given += [word.partition("=")[2] for word in typed if word.partition("=")[0] in _OPTIONS]
    told = next((each for each in (*reversed(given), os.environ.get("RASOAT_LANG")) if each in ("vi", "en")), None)
    return language(told or by_locale(os.environ))


@contextmanager
def speaking(tongue: Language) -> Iterator[None]:
    """Speak `tongue` unless an option says otherwise; afterwards what was spoken before."""
    before = _SPOKEN.set(tongue)
    try:
        yield
    finally:
        _SPOKEN.reset(before)


def wrong_usage(*, code: str, **fields: object) -> typer.BadParameter:
    """Return the fault of a line that was typed wrongly, in the language of the command."""
    from ..foundation.messages import text

    return typer.BadParameter(text(code, **fields).within(spoken()))


def require_known(option: str, given: str | None, known: Iterable[str]) -> None:
    """Refuse a name that nothing has: a typing error is not an empty answer."""
    names = sorted(known)
    if given is not None and given not in names:
        raise wrong_usage(code="usage.unknown", option=option, given=given, known=", ".join(names))


def chosen(ctx: typer.Context, param: typer.CallbackParam, value: _Given) -> _Given:
    """Take what ``--lang`` says here; if it is not given here, what the whole line says; a typer callback."""
    source = ctx.get_parameter_source(param.name or "")
    told = spoken() if source is not None and source.name == "DEFAULT" else language(value)
    before = _SPOKEN.set(told)
    ctx.call_on_close(partial(_SPOKEN.reset, before))
    return type(value)(told)
