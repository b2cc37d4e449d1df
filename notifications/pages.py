"""Who is told what in this morning's digest: the lines of each recipient's desks, and the notices kept back for it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING

from ..engine.queries import due_between, overdue
from ..foundation.messages import Text
from ..persistence.held import HeldRow, hold, release, waiting
from ..persistence.outbox import facts_by_id
from ..persistence.rates import round_labels
from .alerts import group
from .composing import Held
from .digests import RECKONED, SOON, Entry
from .directory import resolve
from .gathering import known_of
from .outbox_alerts import read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    from ..engine.queries import DueLine
    from ..engine.service import Engine
    from ..persistence.database import Database, Tx
    from ..persistence.outbox import OutboxRow
    from .alerts import Notice
    from .directory import Directory
    from .model import Recipient
    from .outbox_alerts import Known
    from .setup import Notify

__all__ = ["Morning", "Page", "Readers", "follow_offices", "self_and_above"]

_LONGEST_CLOSURE = 5
"""Working days for which a unit's offices may be closed in between (a storm) without its digest missing a term."""


@dataclass(slots=True)
class Page:
    """One recipient's digest: `due` lines of the desks, notices `kept` back, the outbox rows (`facts`) it settles."""

    recipient: Recipient
    due: list[Entry] = field(default_factory=list)
    kept: list[Held] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)


class Readers:
    """Asks the directory as of one day, each question once."""

    def __init__(self, directory: Directory, today: date) -> None:
        self._directory = directory
        self._today = today
        self._found: dict[tuple[str, str, bool], tuple[Recipient, ...]] = {}

    def at_desk(self, role: str, path: str) -> tuple[Recipient, ...]:
        """Return who answers for a role in a unit, at the next level up where nobody holds it."""
        return self._ask(role, path, climbing=True)

    def holding(self, role: str, path: str) -> tuple[Recipient, ...]:
        """Return who holds a role in the very unit."""
        return self._ask(role, path, climbing=False)

    def _ask(self, role: str, path: str, *, climbing: bool) -> tuple[Recipient, ...]:
        key = (role, path, climbing)
        if key not in self._found:
            if climbing:
                self._found[key] = resolve(self._directory, role, path, self._today).recipients
            else:
                self._found[key] = self._directory.holders(role, path, self._today)
        return self._found[key]


def self_and_above(path: str) -> list[str]:
    """Return a unit's path and those above it, the province first."""
    return list(accumulate(path.split("/"), lambda above, code: f"{above}/{code}"))


def follow_offices(database: Database, readers: Readers, now: datetime) -> None:
    """Hand notices kept for somebody who no longer holds the office to whoever holds it today."""
    with database.read() as tx:
        held = waiting(tx)
        rows = {row.id: row for row in facts_by_id(tx, [one.outbox_id for one in held])}
    moves = []
    for one in held:
        heirs = [r.key for r in readers.at_desk(rows[one.outbox_id].role, rows[one.outbox_id].unit_path)]
        if heirs and one.recipient not in heirs:
            moves.append((one, heirs))
    if not moves:
        return
    with database.begin() as tx:
        for one, heirs in moves:
            hold(tx, [one._replace(recipient=heir) for heir in heirs])
            release(tx, one.recipient, [one.outbox_id], now)


@dataclass(frozen=True)
class Morning:
    """What is due on a morning and what was held back, as read in one transaction."""

    notify: Notify
    readers: Readers
    lines: Sequence[DueLine]
    labels: Mapping[tuple[str, str], Mapping[str, str]]
    rows: Sequence[OutboxRow]
    held: Sequence[HeldRow]
    known: Known

    @classmethod
    def seen(cls, tx: Tx, engine: Engine, notify: Notify, readers: Readers, today: date) -> Morning:
        """Ask the database for everything this morning's digests tell."""
        calendar = engine.calendar_for(today, "")
        # Where local closures fall in between, what is due soon lies further ahead: `digest` leaves out what does not.
        soon = calendar.add_working_days(today, SOON + _LONGEST_CLOSURE)
        lines = [
            *overdue(tx, today, calendar, today=today),
            *due_between(tx, today, today, soon, calendar, today=today),
        ]
        held = waiting(tx)
        rows = facts_by_id(tx, sorted({one.outbox_id for one in held}))
        places = {path for line in lines for path in (line.unit_path, line.owner_path)}
        known = known_of(tx, engine, rows, notify.list_link, beside=places)
        return cls(notify, readers, lines, round_labels(tx), rows, held, known)

    def pages(self) -> list[Page]:
        """Return each recipient's page, also one that turns out to be empty."""
        pages: dict[str, Page] = {}
        for line in self.lines:
            for reader in self._readers_of(line):
                pages.setdefault(reader.key, Page(reader)).due.append(self._entry(line, reader))
        for reader, rows in self._held_by_reader():
            self._add_held(pages.setdefault(reader.key, Page(reader)), rows)
        return list(pages.values())

    def _readers_of(self, line: DueLine) -> list[Recipient]:
        """Return whose desk it is and who oversees it, each person once."""
        found = {r.key: r for r in self.readers.at_desk(line.owner_role, line.owner_path)}
        for path in reversed(self_and_above(line.unit_path)):
            for role in self.notify.overseers:
                for recipient in self.readers.holding(role, path):
                    found.setdefault(recipient.key, recipient)
        return list(found.values())

    def _entry(self, line: DueLine, reader: Recipient) -> Entry:
        names = self.known.names
        rules = {rule.key: rule.label for rule in names.workflow(line.workflow).deadlines}
        own = self.labels.get((line.unit_path, line.rule))
        label = rules.get(line.rule) or (Text(**own) if own else Text(line.rule, line.rule))
        kept = names.workflow(line.workflow).subject
        return Entry(
            kind="deadline",
            count=line.count,
            counting="round" if line.rule not in rules else kept if kept in ("household", "person") else "case",
            village=names.place(line.unit_path, reader.role, reader.unit),
            step=label,
            desk=names.desk(line.owner_role, line.owner_path, line.workflow),
            due_on=line.due_on,
            days_left=self.known.calendar(line.unit_path).working_days_between(self.known.today, line.due_on),
        )

    def _held_by_reader(self) -> Iterator[tuple[Recipient, list[OutboxRow]]]:
        rows = {row.id: row for row in self.rows}
        mine: dict[str, list[OutboxRow]] = defaultdict(list)
        people: dict[str, Recipient] = {}
        for one in self.held:
            row = rows[one.outbox_id]
            for recipient in self.readers.at_desk(row.role, row.unit_path):
                if recipient.key == one.recipient:
                    mine[recipient.key].append(row)
                    people.setdefault(recipient.key, recipient)
        for key, found in mine.items():
            yield people[key], found

    def _add_held(self, page: Page, rows: Sequence[OutboxRow]) -> None:
        """Add what was kept back: reminders of what is due anyway as lines, all else as changes."""
        page.facts += [row.id for row in rows]
        for notice in group(read(rows, self.known).alerts):
            entry = Entry.of(notice, self._days_left(notice))
            if notice.like.kind in RECKONED and entry.days_left is not None and entry.days_left <= SOON:
                page.due.append(entry)
            else:
                page.kept.append(Held(page.recipient, notice))

    def _days_left(self, notice: Notice) -> int | None:
        last = notice.like.due_on
        calendar = self.known.calendar(notice.like.about)
        return None if last is None or notice.like.over else calendar.working_days_between(self.known.today, last)
