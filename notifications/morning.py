"""The digest of each working morning and the week's summary: one for each recipient, however many workers there are."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from ..engine.queries import overdue
from ..foundation.clock import legal_date, start_of
from ..persistence.held import EVERYBODY, claim_day, last_day, release
from ..persistence.messages import lists_since, store
from ..persistence.rates import on_time
from .digests import UnitRate, digest_due, lines_told, not_told, summary_due, weekly_summary
from .gathering import composer_for, names_for
from .pages import Morning, Page, Readers, follow_offices, self_and_above
from .storing import row_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime

    from ..engine.queries import DueLine
    from ..engine.service import Engine
    from ..persistence.database import Database
    from ..persistence.rates import Rate
    from .composing import Draft
    from .digests import Line
    from .model import Recipient
    from .outbox_alerts import Names
    from .setup import Notify

__all__ = ["write_digests", "write_summaries"]

_DIGEST, _SUMMARY = "digest", "weekly_summary"
_WEEK = timedelta(days=7)


def write_digests(database: Database, engine: Engine, notify: Notify) -> int:
    """Write this working morning's digests if it is time and nobody has yet; return how many messages that are.

    Each tells what is overdue, due today and due within two working days at the recipient's desks, and what was kept
    back for the digest. One without content is not written. `dispatch` sends them.
    """
    now = engine.clock.now()
    today = legal_date(now)
    with database.read() as tx:
        last = last_day(tx, _DIGEST)
    if not digest_due(now, last, notify.digest_at, engine.calendar_for(today, "").is_working):
        return 0
    readers = Readers(notify.directory, today)
    follow_offices(database, readers, now)
    with database.read() as tx:
        morning = Morning.seen(tx, engine, notify, readers, today)
        told = _told_today(lists_since(tx, start_of(today)))
    composer = composer_for(engine, notify, morning.known.names, morning.rows)
    written = 0
    for page in morning.pages():
        due = not_told(page.due, _told_over_all(told, notify, page.recipient.key))
        drafts = composer.digest(page.recipient, due, page.kept, now, left_out=len(page.due) - len(due))
        written += _keep(database, _DIGEST, today, page, drafts, now)
    _close_day(database, _DIGEST, today, now)
    return written


def _told_today(lists: Sequence[tuple[str, str, str]]) -> dict[tuple[str, str], dict[Line, int]]:
    """Return the lines told since midnight, by recipient and channel."""
    told: dict[tuple[str, str], dict[Line, int]] = {}
    for recipient, channel, data in lists:
        lines = told.setdefault((recipient, channel), {})
        for line, count in lines_told(json.loads(data)).items():
            lines[line] = max(count, lines.get(line, 0))
    return told


def _told_over_all(told: dict[tuple[str, str], dict[Line, int]], notify: Notify, key: str) -> dict[Line, int]:
    """Return the lines a recipient has had over every channel on which the digest goes out."""
    lists = [told.get((key, channel), {}) for channel in notify.directory.preferences(key).channels]
    first, *others = lists or [{}]
    return {line: min(each[line] for each in lists) for line in first if all(line in other for other in others)}


def write_summaries(database: Database, engine: Engine, notify: Notify) -> int:
    """Write last week's on-time rates by unit for those who oversee, on the first working day; return how many.

    Weeks of days off, or in which no sender ran, are caught up in the same message, back to the last summary.
    """
    now = engine.clock.now()
    today = legal_date(now)
    monday = today - timedelta(days=today.weekday())
    calendar = engine.calendar_for(today, "")
    with database.read() as tx:
        last = last_day(tx, _SUMMARY)
        if not summary_due(now, last, notify.summary_at, calendar.is_working):
            return 0
        first = monday - _WEEK if last is None else last
        rates = on_time(tx, first, monday - timedelta(days=1))
        late = overdue(tx, today, calendar, today=today)
        names = names_for(tx, engine, _paths(rates, late))
    composer = composer_for(engine, notify, names, [])
    written = 0
    for recipient, units in _watched(notify, rates, late, names, today):
        data = weekly_summary(first, monday - timedelta(days=1), units)
        drafts = composer.periodic(recipient, "weekly_summary", f"weekly:{monday}", data, now)
        written += _keep(database, _SUMMARY, monday, Page(recipient), drafts, now)
    _close_day(database, _SUMMARY, monday, now)
    return written


def _keep(database: Database, kind: str, day: date, page: Page, drafts: Sequence[Draft], now: datetime) -> int:
    """Store one recipient's messages, unless another worker has claimed the day for them."""
    key = page.recipient.key
    with database.begin() as tx:
        if not claim_day(tx, kind, key, day, now):
            return 0
        store(tx, [row_of(draft) for draft in drafts], [(d.message.id, fact) for d in drafts for fact in page.facts])
        release(tx, key, page.facts, now)
    return len(drafts)


def _close_day(database: Database, kind: str, day: date, now: datetime) -> None:
    with database.begin() as tx:
        claim_day(tx, kind, EVERYBODY, day, now)


def _watched(
    notify: Notify, rates: Sequence[Rate], late: Sequence[DueLine], names: Names, today: date
) -> Iterator[tuple[Recipient, list[UnitRate]]]:
    """Yield each person who oversees a unit with the rates of what lies directly below it."""
    readers = Readers(notify.directory, today)
    told: set[str] = set()
    places = sorted({place for path in _paths(rates, late) for place in self_and_above(path)})
    for place in places:
        units: list[UnitRate] | None = None
        for recipient in (r for role in notify.overseers for r in readers.holding(role, place)):
            if recipient.key not in told:
                told.add(recipient.key)
                units = units or _below(place, rates, late, names)
                yield recipient, units


def _paths(rates: Sequence[Rate], late: Sequence[DueLine]) -> set[str]:
    return {rate.unit_path for rate in rates} | {line.unit_path for line in late}


def _below(place: str, rates: Sequence[Rate], late: Sequence[DueLine], names: Names) -> list[UnitRate]:
    """Return the rates of the units directly below `place`, and of what is its own."""
    due: Counter[str] = Counter()
    met: Counter[str] = Counter()
    overdue_now: Counter[str] = Counter()
    for rate in rates:
        if child := _child(place, rate.unit_path):
            due[child] += rate.due
            met[child] += rate.met
    for line in late:
        if child := _child(place, line.unit_path):
            overdue_now[child] += line.count
    return [
        UnitRate(names.unit(child), due[child], met[child], overdue_now[child])
        for child in sorted({*due, *overdue_now})
    ]


def _child(place: str, path: str) -> str | None:
    """Return the unit directly below `place` in which `path` lies; `place` itself for its own; None outside."""
    if path == place:
        return place
    if not path.startswith(place + "/"):
        return None
    return f"{place}/{path.removeprefix(place + '/').partition('/')[0]}"
