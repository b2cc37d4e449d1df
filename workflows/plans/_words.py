"""The words of a date expression: which dates stand in it, where, and which relation word governs each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from .findings import Span

__all__ = ["Token", "Written", "tokens", "unread_words", "written_dates"]

_TOKENS = re.compile(
    r"""
      (?P<pair>(?P<pd>[0-9]+)\s*[-–—]\s*(?P<pe>[0-9]+)\s*/\s*(?P<pm>[0-9]+)(?:\s*/\s*(?P<py>[0-9]+))?)
    | (?P<long>(?P<ld>[0-9]+)\s+tháng\s+(?P<lm>[0-9]+)(?:\s*(?:/|,?\s*năm)\s*(?P<ly>[0-9]+))?)
    | (?P<month>tháng\s+(?P<mm>[0-9]+)(?:\s*(?:/|,?\s*năm)\s*(?P<my>[0-9]+))?)
    | (?P<slash>(?P<sd>[0-9]+)\s*/\s*(?P<sm>[0-9]+)(?:\s*/\s*(?P<sy>[0-9]+))?)
    | (?P<mark>(?P<hd>[0-9]+)(?P<sep>[-.])(?P<hm>[0-9]+)(?:(?P=sep)(?P<hy>[0-9]+))?)
    | (?P<only>ngày\s+(?P<od>[0-9]+)(?![0-9]|\s*[/.–—-]\s*[0-9]|\s+tháng\s+[0-9]))
    | (?P<monthly>\b(?:h[ằà]ng|mỗi)\s+tháng\b)
    | (?P<before>\b(?:đến\s+)?trước\b)
    | (?P<until>\b(?:(?:cho\s+)?(?:đến|tới)(?:\s+hết)?|hết|(?:chậm|muộn)\s+nhất|không\s+quá)\b)
    | (?P<start>\b(?:kể\s+|bắt\s+đầu\s+)?từ\b)
    | (?P<after>\bsau\b)
    | (?P<dash>[-–—])
    | (?P<filler>\b(?:ngày|là|vào|trong|sáng|chiều)\b)
    | (?P<word>\w+)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_RELATIONS = ("before", "until", "start", "after", "dash")
_FIELDS = {"long": "ldlmly", "month": "__mmmy", "slash": "sdsmsy", "mark": "hdhmhy", "only": "od____"}


class Token(NamedTuple):
    """A date or a word of the text; `name` says which kind."""

    name: str
    match: re.Match[str]


@dataclass(frozen=True, slots=True)
class Written:
    """One date as it stands in the text, with the relation word before it."""

    relation: str
    text: str
    span: Span
    day: int | None
    month: int | None
    year: str | None


def tokens(text: str) -> list[Token]:
    """Return the dates and words of `text` (NFC), in order."""
    return [Token(match.lastgroup or "", match) for match in _TOKENS.finditer(text)]


def written_dates(found: list[Token]) -> list[Written]:
    """Return the dates among `found`, each with the relation word before it."""
    dates: list[Written] = []
    relation = ""
    for name, match in found:
        if name in _RELATIONS:
            relation = name if name != "dash" or not relation else relation
        elif name == "pair":
            dates += _pair(relation, match)
            relation = ""
        elif name in _FIELDS:
            dates.append(_one(relation, name, match))
            relation = ""
    return dates


def unread_words(found: list[Token]) -> tuple[Span, str] | None:
    """Return the words that are neither date nor relation nor filler, and where they stand."""
    words = [match for name, match in found if name == "word"]
    if not words:
        return None
    return Span(words[0].start(), words[-1].end()), " ".join(match[0] for match in words)


def _one(relation: str, name: str, match: re.Match[str]) -> Written:
    groups, keys = match.groupdict(), _FIELDS[name]
    day, month, year = (groups.get(keys[i : i + 2]) for i in (0, 2, 4))
    span = Span(*match.span())
    if name == "only":
        span = Span(match.start("od"), match.end())
    text = match.string[span.begin : span.end]
    return Written(relation, text, span, _number(day), _number(month), year)


def _number(digits: str | None) -> int | None:
    """Return the number; no day or month has more than nine digits, so longer ones need not be exact."""
    return int(digits[:9]) if digits else None


def _pair(relation: str, match: re.Match[str]) -> list[Written]:
    """Two days of one month: "15-20/11/2022"."""
    month, year = _number(match["pm"]), match["py"]
    first = Span(match.start("pd"), match.end("pd"))
    second = Span(match.start("pe"), match.end())
    return [
        Written(relation or "start", match["pd"], first, _number(match["pd"]), month, year),
        Written("until", match.string[second.begin : second.end], second, _number(match["pe"]), month, year),
    ]
