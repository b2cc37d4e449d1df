"""Data of a message → title, plain text and HTML, in one language.

One Jinja2 template per kind, ``templates/<kind>.j2``, serves both formats: it calls the macros of
``_parts.txt.j2`` or ``_parts.html.j2``. Sentences come from the message catalogue, never from a template.
A host's own directory is looked in first, for ``<kind>.<language>.<format>.j2``, ``<kind>.<format>.j2``
and ``<kind>.j2`` in that order.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ..foundation.clock import LEGAL_ZONE
from ..foundation.errors import DefinitionError, InputError
from ..foundation.messages import LANGUAGES, Language, fault
from . import wording
from .optional import require

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jinja2 import Template
    from jinja2.runtime import Context
    from jinja2.sandbox import SandboxedEnvironment

__all__ = ["Rendered", "render"]

Format = Literal["txt", "html"]

_BLANK_LINES = re.compile(r"[ \t]*\n(?:[ \t]*\n)+")


class Rendered(NamedTuple):
    """A message as people read it."""

    title: str
    text: str
    html: str


def render(kind: str, language: Language, data: Mapping[str, Any], *, templates: Path | None = None) -> Rendered:
    """Return the message `kind` says about `data` in `language`.

    `templates` is a host's directory of overriding templates. `DefinitionError` if the kind has no
    template; `InputError` if `data` lacks something the template speaks of, or the language is unknown.
    """
    if language not in LANGUAGES:
        raise fault(InputError, "sending.language", language=language, known=", ".join(LANGUAGES))
    title, _, text = _fill(kind, language, "txt", data, templates).partition("\n")
    html = _fill(kind, language, "html", {**data, "title": title}, templates)
    return Rendered(title.strip(), text.strip() + "\n", html.strip() + "\n")


def _fill(kind: str, language: Language, form: Format, data: Mapping[str, Any], templates: Path | None) -> str:
    jinja2 = require("jinja2", purpose="rendering messages")
    template = _template(kind, language, form, templates)
    try:
        filled = template.render(data, language=language, layout=f"_layout.{form}.j2", parts=f"_parts.{form}.j2")
    except jinja2.TemplateRuntimeError as error:
        msg = f"message {kind!r} in {language!r}: {error.message}; the data given has {', '.join(sorted(data))}"
        raise InputError(msg) from error
    return _BLANK_LINES.sub("\n\n", filled.strip())


def _template(kind: str, language: Language, form: Format, templates: Path | None) -> Template:
    jinja2 = require("jinja2", purpose="rendering messages")
    names = [f"{kind}.{language}.{form}.j2", f"{kind}.{form}.j2", f"{kind}.j2"]
    try:
        return _environment(form, templates).select_template(names)
    except jinja2.TemplatesNotFound as error:
        msg = f"message kind {kind!r} has no template for {language}/{form}; expected one of {', '.join(names)}"
        raise DefinitionError(msg) from error


@cache
def _environment(form: Format, templates: Path | None) -> SandboxedEnvironment:
    jinja2 = require("jinja2", purpose="rendering messages")
    sandbox = require("jinja2.sandbox", purpose="rendering messages")
    loaders = [jinja2.PackageLoader("rasoat.notifications", "templates")]
    if templates is not None:
        loaders.insert(0, jinja2.FileSystemLoader(templates))
    environment: SandboxedEnvironment = sandbox.ImmutableSandboxedEnvironment(
        loader=jinja2.ChoiceLoader(loaders),
        undefined=jinja2.StrictUndefined,
        autoescape=form == "html",
        trim_blocks=True,
        lstrip_blocks=True,
    )
    in_language = jinja2.pass_context
    environment.globals.update(
        t=in_language(_sentence),
        counted=in_language(_counted),
        scope=in_language(_scope),
        standing=in_language(_standing),
    )
    environment.filters.update(
        day=in_language(_day),
        short_day=in_language(_short_day),
        instant=in_language(_instant),
        label=in_language(_label),
        number=in_language(_number),
        share=in_language(_share),
    )
    return environment


def _sentence(context: Context, code: str, **fields: object) -> str:
    return wording.sentence(code, context["language"], **fields)


def _counted(context: Context, thing: str, count: int) -> str:
    return wording.counted(thing, count, context["language"])


def _scope(context: Context, item: Mapping[str, Any]) -> str:
    return wording.scope(item["count"], item["counting"], item["village"], context["language"])


def _standing(context: Context, days_left: int) -> str:
    return wording.standing(days_left, context["language"])


def _day(context: Context, iso: str) -> str:
    return wording.official_date(date.fromisoformat(iso), context["language"])


def _short_day(context: Context, iso: str) -> str:
    return wording.short_date(date.fromisoformat(iso), context["language"])


def _instant(context: Context, iso: str) -> str:
    local = datetime.fromisoformat(iso).astimezone(LEGAL_ZONE)
    written = wording.official_date(local.date(), context["language"])
    return wording.sentence("instant", context["language"], clock=f"{local:%H:%M}", date=written)


def _label(context: Context, pair: Mapping[str, str]) -> str:
    return pair[context["language"]]


def _number(context: Context, value: int) -> str:
    return wording.grouped_digits(value, context["language"])


def _share(context: Context, part: int, whole: int) -> str:
    return wording.percentage(Fraction(part, whole), context["language"])
