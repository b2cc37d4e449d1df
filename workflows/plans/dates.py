"""Date expressions as Vietnamese plans write them ("Từ ngày 16/11 đến 30/11/2022"), read without repairing anything.

A date that does not exist stays unread; beside it stands what was probably meant, as a suggestion with
a finding. Nothing rolls: 31/11 is never 01/12. "Trước ngày D" ends on the day before D, "đến hết ngày D"
and "đến ngày D" include D. The first date of a range takes the month and the year that it lacks from the
second ("21/9 đến 30/10/2022").
"""

from __future__ import annotations

import unicodedata
from calendar import monthrange
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import MAXYEAR, date, timedelta
from enum import StrEnum
from typing import NamedTuple

from ._words import Token, Written, tokens, unread_words, written_dates
from .findings import Finding, Severity, Span, finding

__all__ = ["DateExpression", "Kind", "parse", "vietnamese"]

_DAY = timedelta(days=1)
_PAIR = 2
_OPENING, _CLOSING = ("", "start", "after"), ("until", "before", "dash")
_YEAR_DIGITS = 4
_MONTHS = 12
_LONGEST_MONTH = 31
_LONGEST_WINDOW = timedelta(days=183)  # a longer one is no reading of a range that crosses the year's end
_JANUARY_AND_FEBRUARY = 2  # the months written with a leading zero in official papers


class Kind(StrEnum):
    """The shape of an expression."""

    WINDOW = "window"
    """From a first day to a last day."""
    BEFORE = "before"
    """"Trước ngày D": over at the end of D−1."""
    FROM = "from"
    """"Từ ngày D", no end."""
    UNTIL = "until"
    """"Đến hết ngày D": D included, no start."""
    DAY = "day"
    """One day, or one month written as such."""
    MONTHLY = "monthly"
    """"Từ ngày 15 hằng tháng"."""
    UNDATED = "undated"
    """Words without a date."""


@dataclass(frozen=True, slots=True)
class DateExpression:
    """What an expression says.

    `first` and `last` (inclusive) are the days as written, ``None`` where nothing readable is written.
    `meant_first` and `meant_last` are the same days with every suggestion taken. `end_excluded`: the
    expression names the day after `last` ("trước ngày …").
    """

    text: str
    kind: Kind
    first: date | None = None
    last: date | None = None
    meant_first: date | None = None
    meant_last: date | None = None
    end_excluded: bool = False
    day_of_month: int | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether nothing erroneous was found, so that the days may be used."""
        return all(found.severity is not Severity.ERROR for found in self.findings)


def parse(
    written: str, *, year: int | None = None, expects: Kind | None = None, following: date | None = None
) -> DateExpression:
    """Read `written`.

    `year` is the year the expression belongs to: it stands in where none is written (noted as a finding), and a
    date of an earlier year is held for a slip. `expects` is the kind the caller
    holds the expression to be: a "from" that should be a window lacks its end. `following` is the first
    day of what comes next, used only to suggest such an end.
    """
    text = unicodedata.normalize("NFC", written)
    found = tokens(text)
    dates = written_dates(found)
    notes = _unread(found) if dates else []
    if len(dates) > _PAIR:
        span = Span(dates[2].span.begin, dates[-1].span.end)
        return _Draft(text, Kind.UNDATED, [*notes, finding("date.too_many", span=span, written=text)]).expression()
    if any(token.name == "monthly" for token in found) and len(dates) == 1:
        return _monthly(text, dates[0], notes)
    if not dates:
        return _without_dates(text, expects, notes)
    draft = _draft(text, dates, year)
    draft.findings = [*notes, *draft.findings]
    _require_end(draft, expects, following)
    return draft.expression()


def vietnamese(day: date) -> str:
    """Return `day` as official papers write it: 05/9/2022, 14/12/2024, 10/01/2025."""
    month = f"{day.month:02d}" if day.month <= _JANUARY_AND_FEBRUARY else str(day.month)
    return f"{day.day:02d}/{month}/{day.year}"


def _unread(found: list[Token]) -> list[Finding]:
    unread = unread_words(found)
    return [finding("date.words_unread", span=unread[0], words=unread[1])] if unread else []


# ── one date ──────────────────────────────────────────────────────────────────────────────────────


class _Days(NamedTuple):
    """A written date's days: more than one where only the month is written."""

    first: date
    last: date


@dataclass(slots=True)
class _Reading:
    """A date as read, and as probably meant."""

    written: Written
    read: _Days | None
    meant: _Days | None
    findings: list[Finding]


def _read(written: Written, year: int | None) -> _Reading:
    findings: list[Finding] = []
    if written.month is None:
        findings.append(finding("date.unreadable", span=written.span, written=written.text))
        return _Reading(written, None, None, findings)
    number, meant_year = _year(written, year, findings)
    if meant_year is None:
        return _Reading(written, None, None, findings)
    meant = _days(written.day, written.month, meant_year)
    exists = meant is not None
    meant = meant or _nearest(written.day, written.month, meant_year)
    if not exists:
        findings.append(_impossible(written, meant))
    if number is None and meant is not None:
        findings.append(_year_length(written, meant))
    return _Reading(written, meant if exists and number is not None else None, meant, findings)


def _year(written: Written, context: int | None, findings: list[Finding]) -> tuple[int | None, int | None]:
    """Return the year as written and as meant."""
    if written.year is None:
        if context is None:
            findings.append(finding("date.year_missing", span=written.span, written=written.text))
        else:
            findings.append(finding("date.year_assumed", span=written.span, written=written.text, year=context))
        return context, context
    if len(written.year) == _YEAR_DIGITS and written.year[0] != "0":
        return int(written.year), int(written.year)
    return None, _probable_year(written.year, context)


def _probable_year(digits: str, context: int | None) -> int:
    """Return the year that one slip of the keyboard turns into `digits`: best the one of the plan."""
    if len(digits) == _YEAR_DIGITS + 1 and context is not None:
        slips = {digits[:i] + digits[i + 1 :] for i in range(len(digits))}
        return context if str(context) in slips else int(digits[:_YEAR_DIGITS])
    if len(digits) > _YEAR_DIGITS:
        return int(digits[:_YEAR_DIGITS])
    return context if context is not None else 2000 + int(digits[-2:])


def _days(day: int | None, month: int, year: int) -> _Days | None:
    with suppress(ValueError):
        if year >= MAXYEAR:  # the day after must exist too
            return None
        if day is None:
            return _Days(date(year, month, 1), date(year, month, monthrange(year, month)[1]))
        return _Days(date(year, month, day), date(year, month, day))
    return None


def _nearest(day: int | None, month: int, year: int) -> _Days | None:
    """Return what an impossible date was probably meant to be: the month's last day, or day and month swapped."""
    if day is None:
        return None
    if 1 <= month <= _MONTHS and 0 < day <= _LONGEST_MONTH:
        last = monthrange(year, month)[1]
        return _days(last, month, year)
    return _days(month, day, year)


def _impossible(written: Written, meant: _Days | None) -> Finding:
    to = vietnamese(meant.first) if meant else None
    return finding("date.impossible", span=written.span, written=written.text, replacement=to)


def _year_length(written: Written, meant: _Days) -> Finding:
    to = vietnamese(meant.first) if written.day is not None else f"{meant.first.month}/{meant.first.year}"
    return finding("date.year_length", span=written.span, written=written.text, replacement=to)


# ── the expression ────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Draft:
    text: str
    kind: Kind
    findings: list[Finding]
    first: date | None = None
    last: date | None = None
    meant_first: date | None = None
    meant_last: date | None = None
    end_excluded: bool = False

    def expression(self) -> DateExpression:
        return DateExpression(
            self.text,
            self.kind,
            self.first,
            self.last,
            self.meant_first,
            self.meant_last,
            self.end_excluded,
            findings=tuple(self.findings),
        )


def _without_dates(text: str, expects: Kind | None, notes: list[Finding]) -> DateExpression:
    if expects is not Kind.UNDATED:
        notes = [*notes, finding("date.unreadable", span=Span(0, len(text)), written=text)]
    return _Draft(text, Kind.UNDATED, notes).expression()


def _monthly(text: str, written: Written, notes: list[Finding]) -> DateExpression:
    day = written.day
    if day is None or not 1 <= day <= _LONGEST_MONTH:
        notes = [*notes, finding("date.impossible", span=written.span, written=written.text)]
        day = None
    return replace(_Draft(text, Kind.MONTHLY, notes).expression(), day_of_month=day)


def _draft(text: str, dates: list[Written], year: int | None) -> _Draft:
    if len(dates) == 1:
        return _single(text, _read(dates[0], year), year)
    head, tail = dates
    if head.relation not in _OPENING or tail.relation not in _CLOSING:
        return _Draft(text, Kind.UNDATED, [finding("date.too_many", span=tail.span, written=text)])
    return _range(text, head, tail, year)


def _single(text: str, reading: _Reading, year: int | None) -> _Draft:
    _require_year(reading, year)
    draft = _Draft(text, Kind.DAY, list(reading.findings))
    match reading.written.relation:
        case "before":
            draft.kind = Kind.BEFORE
            _set_end(draft, reading)
        case "until" | "dash":
            draft.kind = Kind.UNTIL
            _set_end(draft, reading)
        case "start" | "after":
            draft.kind = Kind.FROM
            _set_start(draft, reading)
        case _:
            _set_start(draft, reading)
            _set_end(draft, reading)
    return draft


def _range(text: str, head: Written, tail: Written, year: int | None) -> _Draft:
    end = _read(tail, year)
    inherited_year = head.year is None
    if inherited_year:
        head = replace(head, month=tail.month if head.month is None else head.month, year=tail.year)
    start = _read(head, year)
    if not (start.read and end.read and start.read.first > end.read.last):
        _require_year(start, year)
        _require_year(end, year)
    if inherited_year:  # its year is the end's, and so is the finding about it
        start.findings = [found for found in start.findings if found.code == "date.impossible"]
    draft = _Draft(text, Kind.WINDOW, [*start.findings, *end.findings])
    _set_start(draft, start)
    _set_end(draft, end)
    _require_order(draft, start, end, year, inherited_year=inherited_year)
    return draft


def _require_year(reading: _Reading, year: int | None) -> None:
    """Find a year before the plan's own, with the same day of the plan's year as meant; note a later one."""
    written = reading.written
    if year is None or reading.read is None or written.month is None or reading.read.first.year == year:
        return
    if reading.read.first.year > year:
        reading.findings.append(finding("date.next_year", span=written.span, written=written.text, year=year))
        return
    reading.meant = _days(written.day, written.month, year)
    to = vietnamese(reading.meant.first) if reading.meant else None
    reading.findings.append(
        finding("date.other_year", span=written.span, replacement=to, written=written.text, year=year)
    )


def _set_start(draft: _Draft, reading: _Reading) -> None:
    after = reading.written.relation == "after"
    if reading.read:
        draft.first = reading.read.last + _DAY if after else reading.read.first
    if reading.meant:
        draft.meant_first = reading.meant.last + _DAY if after else reading.meant.first


def _set_end(draft: _Draft, reading: _Reading) -> None:
    draft.end_excluded = reading.written.relation == "before"
    if reading.read:
        draft.last = reading.read.first - _DAY if draft.end_excluded else reading.read.last
    if reading.meant:
        draft.meant_last = reading.meant.first - _DAY if draft.end_excluded else reading.meant.last


def _require_order(draft: _Draft, start: _Reading, end: _Reading, year: int | None, *, inherited_year: bool) -> None:
    """Find an end that lies before its start, and suggest which year was meant."""
    if draft.meant_first is None or draft.meant_last is None or draft.meant_first <= draft.meant_last:
        return
    culprit, years = end, draft.meant_first.year - draft.meant_last.year
    if inherited_year:
        culprit, years = start, -1
    elif years and draft.meant_last.year == year:
        culprit, years = start, -years
    shifted = _in_another_year(culprit, years) if years else None
    if shifted and culprit is start:
        draft.meant_first = shifted
    elif shifted:
        draft.meant_last = shifted - _DAY if draft.end_excluded else shifted
    if not shifted or not timedelta() <= draft.meant_last - draft.meant_first <= _LONGEST_WINDOW:
        shifted = draft.meant_first = draft.meant_last = None
    to = vietnamese(shifted) if shifted else None
    span = culprit.written.span
    draft.findings.append(
        finding("date.order", span=span, replacement=to, begins=start.written.text, ends=end.written.text)
    )


def _in_another_year(reading: _Reading, years: int) -> date | None:
    if reading.meant is None:
        return None
    day = reading.meant.first
    days = _days(day.day, day.month, day.year + years)
    return days.first if days else None


def _require_end(draft: _Draft, expects: Kind | None, following: date | None) -> None:
    if draft.kind is not Kind.FROM or expects in (None, Kind.FROM):
        return
    to = None
    if following and draft.meant_first and following > draft.meant_first:
        draft.meant_last = following - _DAY
        to = f"từ ngày {vietnamese(draft.meant_first)} đến ngày {vietnamese(draft.meant_last)}"
    span = Span(len(draft.text), len(draft.text))
    draft.findings.append(finding("date.end_missing", span=span, written=draft.text, replacement=to))
