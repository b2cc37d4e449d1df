"""The one message catalogue: every sentence an official may read, in Vietnamese and English.

Files `catalogue/*.toml` hold one table per message: ``[code]`` with ``vi`` and ``en``, both with the
same named ``{fields}``. A test keeps the two languages in step.
"""

from __future__ import annotations

import re
import tomllib
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from .errors import NotFoundError, RasoatError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["LANGUAGES", "Language", "Text", "codes", "fault", "joined", "located", "message", "text"]

_ISO_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_Fault = TypeVar("_Fault", bound=RasoatError)

Language = Literal["vi", "en"]
LANGUAGES: tuple[Language, Language] = ("vi", "en")


class Text(NamedTuple):
    """One sentence in both languages of the interface."""

    vi: str
    en: str

    def within(self, language: Language) -> str:
        """Return the sentence in `language`."""
        return self.vi if language == "vi" else self.en

    def fields(self) -> tuple[frozenset[str], frozenset[str]]:
        """Return the named fields of the Vietnamese and of the English sentence."""
        return _fields(self.vi), _fields(self.en)


def message(code: str) -> Text:
    """Return the template under `code`; `NotFoundError` if the catalogue lacks it."""
    try:
        return _catalogue()[code]
    except KeyError:
        msg = f"the message catalogue has no entry {code!r}; add it to rasoat/foundation/catalogue/ with vi and en"
        raise NotFoundError(msg) from None


def text(code: str, /, **fields: object) -> Text:
    """Return the sentence under `code` with its `fields` filled in, in both languages.

    A field's value is said in words where the catalogue has them (``value.FIELD.VALUE``, for each of several parted by
    ", "; what follows a "=" fills ``{0}``); a day is written as each language writes it, a `Text` says itself.
    """
    template = message(code)
    return Text(
        *(sentence.format_map(_said(fields, tongue)) for sentence, tongue in zip(template, LANGUAGES, strict=True))
    )


def fault(kind: type[_Fault], code: str, /, **fields: object) -> _Fault:
    """Return a fault of `kind` that says the sentence under `code`, in either language."""
    said = text(code, **fields)
    return kind(said.en, vi=said.vi)


def joined(parts: Iterable[Text], joint: str = "; ") -> Text:
    """Return sentences put together, in both languages."""
    told = list(parts)
    return Text(joint.join(each.vi for each in told), joint.join(each.en for each in told))


def located(place: object, said: RasoatError | Text, kind: type[_Fault]) -> _Fault:
    """Return a fault of `kind` that says where it was met, then what `said` says, in both languages.

    What a fault says in English alone is told in English alone.
    """
    where = place if isinstance(place, Text) else Text(str(place), str(place))
    if isinstance(said, Text):
        return kind(f"{where.en}: {said.en}", vi=f"{where.vi}: {said.vi}")
    return kind(f"{where.en}: {said}", article=said.article, vi=said.vi and f"{where.vi}: {said.vi}")


def codes() -> frozenset[str]:
    """Return every code of the catalogue."""
    return frozenset(_catalogue())


@cache
def _catalogue() -> dict[str, Text]:
    entries: dict[str, Text] = {}
    for file in sorted((files(__package__) / "catalogue").iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".toml"):
            continue
        for code, pair in _flat("", tomllib.loads(file.read_text(encoding="utf-8"))):
            if code in entries:
                msg = f"{file.name}: message {code!r} is defined twice"
                raise NotFoundError(msg)
            entries[code] = pair
    return entries


class _Day(date):
    """A day as Vietnamese writes it, unless the sentence says how."""

    def __format__(self, spec: str, /) -> str:
        return super().__format__(spec or "%d/%m/%Y")


def _said(fields: dict[str, object], tongue: Language) -> dict[str, object]:
    return {name: _value(name, value, tongue) for name, value in fields.items()}


def _value(name: str, value: object, tongue: Language) -> object:
    if isinstance(value, Text):
        return value.within(tongue)
    if isinstance(value, date) and not isinstance(value, datetime):
        return _Day(value.year, value.month, value.day) if tongue == "vi" else value
    if not isinstance(value, str):
        return value
    if tongue == "vi" and (day := _ISO_DAY.fullmatch(value)):
        return "/".join(reversed(day.groups()))
    return ", ".join(_word(name, part, tongue) for part in value.split(", "))


def _word(name: str, part: str, tongue: Language) -> str:
    key, _, argument = part.partition("=")
    found = _catalogue().get(f"value.{name}.{key}")
    return part if found is None else found.within(tongue).format(argument)


def _flat(prefix: str, table: dict[str, object]) -> list[tuple[str, Text]]:
    if set(table) == {"vi", "en"}:
        return [(prefix, Text(str(table["vi"]), str(table["en"])))]
    found: list[tuple[str, Text]] = []
    for key, value in table.items():
        if not isinstance(value, dict):
            msg = f"message catalogue: {prefix or key!r} must hold vi and en, found {key!r}"
            raise NotFoundError(msg)
        found += _flat(f"{prefix}.{key}" if prefix else key, value)
    return found


def _fields(template: str) -> frozenset[str]:
    return frozenset(name.split(".")[0].split("[")[0] for _, name, _, _ in Formatter().parse(template) if name)
