"""iCalendar text (RFC 5545) of whole-day entries: a role's open deadlines, the dates of a campaign."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, NamedTuple
from unicodedata import category

from ..foundation.clock import require_aware
from ..foundation.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

__all__ = ["FeedEntry", "icalendar_text"]

_OCTETS = 75
_CONTROL = "Cc"
_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})


class FeedEntry(NamedTuple):
    """One whole day. `uid` stays the same while the entry is the same thing, so that clients move it."""

    uid: str
    day: date
    summary: str
    description: str = ""


def icalendar_text(name: str, entries: Iterable[FeedEntry], stamp: datetime) -> str:
    """Return the feed called `name`, written at `stamp`, as RFC 5545 text: CRLF, folded at 75 octets.

    Two entries with one uid are refused (`InputError`): a client would show only one of them.
    """
    return "".join(f"{folded}\r\n" for line in _lines(name, entries, stamp) for folded in _folded(line))


def _lines(name: str, entries: Iterable[FeedEntry], stamp: datetime) -> Iterator[str]:
    written = require_aware(stamp).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    yield from ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Rasoat//Legal clock//VI", "CALSCALE:GREGORIAN")
    yield f"X-WR-CALNAME:{_escaped(name)}"
    seen: set[str] = set()
    for entry in entries:
        if entry.uid in seen:
            msg = f"feed {name!r}: two entries have the uid {entry.uid!r}"
            raise InputError(msg)
        seen.add(entry.uid)
        yield from _event(entry, written)
    yield "END:VCALENDAR"


def _event(entry: FeedEntry, written: str) -> Iterator[str]:
    yield from ("BEGIN:VEVENT", f"UID:{_escaped(entry.uid)}", f"DTSTAMP:{written}")
    yield f"DTSTART;VALUE=DATE:{entry.day:%Y%m%d}"
    yield f"DTEND;VALUE=DATE:{entry.day + timedelta(days=1):%Y%m%d}"
    yield f"SUMMARY:{_escaped(entry.summary)}"
    if entry.description:
        yield f"DESCRIPTION:{_escaped(entry.description)}"
    yield from ("TRANSP:TRANSPARENT", "END:VEVENT")


def _escaped(value: str) -> str:
    lines = "\n".join(value.splitlines())
    return "".join(c for c in lines if c in "\n\t" or category(c) != _CONTROL).translate(_ESCAPES)


def _folded(line: str) -> Iterator[str]:
    """Cut a content line after at most 75 octets, never inside a character; what follows begins with a blank."""
    piece, size = "", 0
    for character in line:
        octets = len(character.encode())
        if size + octets > _OCTETS:
            yield piece
            piece, size = " ", 1
        piece += character
        size += octets
    yield piece
