"""Alerts → messages: resolve recipients, group, route, coalesce, render. Sends nothing, stores nothing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..foundation.clock import legal_date
from ..foundation.errors import InputError
from ..foundation.messages import Text, fault
from .alerts import group
from .coalescing import coalesce
from .digests import Entry, catch_up, digest, not_told
from .directory import resolve
from .model import Message, message_id
from .preferences import next_allowed
from .rendering import render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date, datetime
    from pathlib import Path

    from ..deadlines.calendar import Calendar
    from .alerts import Alert, Notice
    from .coalescing import Parcel
    from .digests import Line
    from .directory import Climb, Directory
    from .kinds import Kind
    from .model import Recipient, Severity

__all__ = ["Composer", "Composition", "Draft", "Earlier", "Held", "Postponed", "Settings", "digest_identity"]

_MOST_CLIMBS = 5
_PERIODIC = "periodic"


def digest_identity(day: date) -> tuple[str, str]:
    """Return subject and rung of the digest of a day."""
    return f"digest:{day}", _PERIODIC


def _code(code: str) -> Text:
    return Text(code, code)


@dataclass(frozen=True, slots=True)
class Settings:
    """What an installation decides about its messages.

    `base_url` is where links lead. `show_household_codes` puts up to `most_codes` household codes into messages (a
    letter then names its addressee by the code); off by default. More than `burst` messages at once for one
    recipient on one channel become a catch-up. `name_role` and `name_unit` give the names officials read.
    """

    base_url: str = ""
    show_household_codes: bool = False
    most_codes: int = 20
    burst: int = 6
    templates: Path | None = None
    name_role: Callable[[str], Text] = field(default=_code)
    name_unit: Callable[[str], Text] = field(default=_code)

    def __post_init__(self) -> None:
        """Refuse an address for links that is not a web address."""
        if self.base_url and urlsplit(self.base_url).scheme not in {"http", "https"}:
            raise fault(InputError, "sending.base_url", base_url=self.base_url)

    @property
    def codes_shown(self) -> int:
        """How many household codes a message may show for one matter."""
        return self.most_codes if self.show_household_codes else 0

    def link(self, path: str) -> str:
        """Return the full address of `path`; empty where either is missing."""
        return f"{self.base_url.rstrip('/')}/{path.lstrip('/')}" if self.base_url and path else ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to store before it is sent: not before `not_before`; it settles the facts `covered`."""

    message: Message
    covered: tuple[tuple[str, str], ...]
    not_before: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """A notice that waits for `recipient`'s next digest."""

    recipient: Recipient
    notice: Notice


@dataclass(frozen=True, slots=True)
class Postponed:
    """A notice all of whose recipients have quiet hours: it is composed anew at `until`, of what is so by then."""

    notice: Notice
    until: datetime


@dataclass(frozen=True, slots=True)
class Composition:
    """What became of alerts: each is in a draft, held for a digest, postponed, or unreachable (nobody to the top).

    `repeated` are facts that a list of the same day, by its message id, has told already.
    """

    drafts: tuple[Draft, ...]
    held: tuple[Held, ...]
    unreachable: tuple[Notice, ...]
    postponed: tuple[Postponed, ...] = ()
    repeated: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Earlier:
    """The day's digest as it went to a recipient over a channel: its message id, and the lines it lists."""

    message_id: str
    lines: Mapping[Line, int]


def _nothing(_recipient: str, _channel: str) -> Earlier | None:
    return None


@dataclass(frozen=True, slots=True)
class _Told:
    """A notice on its way to one recipient, and the levels that had nobody."""

    recipient: Recipient
    notice: Notice
    climbed: tuple[Climb, ...]


@dataclass(frozen=True, slots=True)
class _Content:
    """What a message says, before it is said in a language: `identity` is its subject and rung."""

    kind: Kind
    severity: Severity
    identity: tuple[str, str]
    data: Mapping[str, Any]
    covered: tuple[tuple[str, str], ...] = ()


class Composer:
    """Turns alerts into messages for people.

    `calendar` is the calendar of every unit, or gives that of a unit's path: with its local closures.
    """

    def __init__(
        self, directory: Directory, calendar: Calendar | Callable[[str], Calendar], settings: Settings | None = None
    ) -> None:
        self._directory = directory
        self._calendar_of = calendar if callable(calendar) else lambda _path: calendar
        self._settings = settings or Settings()

    def compose(
        self, alerts: Iterable[Alert], at: datetime, earlier: Callable[[str, str], Earlier | None] = _nothing
    ) -> Composition:
        """Return the messages that tell `alerts`, oldest first, as of the instant `at`.

        The same alerts give the same messages with the same ids. Store the drafts before sending: the
        grouping of a later call differs once alerts have joined or left. `earlier` gives the day's digest of a
        recipient (by key) and channel: a catch-up does not tell again what stands in it.
        """
        queues: dict[tuple[str, str], list[_Told]] = defaultdict(list)
        held: list[Held] = []
        unreachable: list[Notice] = []
        postponed: list[Postponed] = []
        for notice in group(alerts):
            found = resolve(self._directory, notice.like.role, notice.like.unit, legal_date(at))
            if not found.recipients:
                unreachable.append(notice)
            if (until := self._all_quiet(found.recipients, notice.like.severity, at)) is not None:
                postponed.append(Postponed(notice, until))
                continue
            for recipient in found.recipients:
                route = self._directory.preferences(recipient.key).route(notice.like.severity)
                if route.delivery == "digest":
                    held.append(Held(recipient, notice))
                    continue
                for channel in route.channels:
                    queues[recipient.key, channel].append(_Told(recipient, notice, found.climbed))
        drafts: list[Draft] = []
        repeated: list[tuple[str, tuple[tuple[str, str], ...]]] = []
        for (key, channel), queue in queues.items():
            for draft in self._drafts(channel, queue, at, partial(earlier, key, channel)):
                if isinstance(draft, Draft):
                    drafts.append(draft)
                else:
                    repeated.append(draft)
        return Composition(tuple(drafts), tuple(held), tuple(unreachable), tuple(postponed), tuple(repeated))

    def digest(
        self, recipient: Recipient, due: Iterable[Entry], held: Iterable[Held], at: datetime, *, left_out: int = 0
    ) -> tuple[Draft, ...]:
        """Return `recipient`'s digest of the day over each preferred channel; empty when there is nothing to tell.

        `due` comes from the committee's queries, `held` are the notices kept back since the last digest. `left_out`
        lines a catch-up of the same day has told already.
        """
        kept = tuple(held)
        today = legal_date(at)
        changed = [Entry.of(item.notice, self._days_left(item.notice, today)) for item in kept]
        data = digest(today, due, changed)
        if data is None:
            return ()
        data["left_out"] = left_out
        covered = tuple((subject, item.notice.like.rung) for item in kept for subject in item.notice.subjects)
        return self.periodic(recipient, "digest", digest_identity(today)[0], data, at, covered=covered)

    def test(self, recipient: Recipient, channel: str, at: datetime) -> Draft:
        """Return a message that only tries `channel`."""
        identity = (f"test:{at.isoformat()}", "test")
        return self._draft(recipient, channel, _Content("channel_test", "info", identity, {"channel": channel}), at)

    def periodic(
        self,
        recipient: Recipient,
        kind: Kind,
        subject: str,
        data: Mapping[str, Any],
        at: datetime,
        *,
        covered: tuple[tuple[str, str], ...] = (),
    ) -> tuple[Draft, ...]:
        """Return one message of `kind` over each preferred channel of `recipient` (digest, weekly summary)."""
        channels = self._directory.preferences(recipient.key).channels
        content = _Content(kind, "info", (subject, _PERIODIC), data, covered)
        return tuple(self._draft(recipient, channel, content, at) for channel in channels)

    def _drafts(
        self, channel: str, queue: Sequence[_Told], at: datetime, earlier: Callable[[], Earlier | None]
    ) -> Iterable[Draft | tuple[str, tuple[tuple[str, str], ...]]]:
        recipient = queue[0].recipient
        climbs: dict[tuple[str, str], list[Climb]] = defaultdict(list)
        for told in queue:
            for subject in told.notice.subjects:
                climbs[subject, told.notice.like.rung] += told.climbed
        for parcel in coalesce([told.notice for told in queue], limit=self._settings.burst):
            before = earlier() if parcel.is_catch_up else None
            kind, data = self._content(parcel, legal_date(at), before)
            if before and parcel.is_catch_up and not data["sections"]:
                yield before.message_id, parcel.covered
                continue
            climbed = tuple(dict.fromkeys(climb for fact in parcel.covered for climb in climbs[fact]))
            data |= self._climbed(climbed)
            content = _Content(kind, parcel.severity, (parcel.subject, parcel.rung), data, parcel.covered)
            yield self._draft(recipient, channel, content, at)

    def _content(self, parcel: Parcel, today: date, before: Earlier | None) -> tuple[Kind, dict[str, Any]]:
        if not parcel.is_catch_up:
            notice = parcel.notices[0]
            return notice.like.kind, self._notice_data(notice, today)
        backlog = [Entry.of(n, self._days_left(n, today)) for n in parcel.notices]
        left = not_told(backlog, before.lines) if before else backlog
        return "digest", {**catch_up(today, left), "left_out": len(backlog) - len(left)}

    def _notice_data(self, notice: Notice, today: date) -> dict[str, Any]:
        like = notice.like
        shown = notice.households[: self._settings.codes_shown]
        data: dict[str, Any] = {
            "count": notice.count,
            "counting": like.counting,
            "village": like.village,
            "households": list(shown),
            "households_more": max(0, notice.count - len(shown)) if shown else 0,
            "step": like.step._asdict(),
            "desk": like.desk._asdict(),
            "article": like.article,
            "due_on": like.due_on.isoformat() if like.due_on else None,
            "days_left": self._days_left(notice, today),
            "link": self._settings.link(notice.link),
            **like.details,
        }
        if not self._settings.show_household_codes and data.get("addressee"):
            data["addressee"] = None
        return data

    def _draft(self, recipient: Recipient, channel: str, content: _Content, at: datetime) -> Draft:
        subject, rung = content.identity
        key = message_id(subject, rung, recipient.key, channel)
        data = {**content.data, "reference": key[:8], "as_of": at.isoformat()}
        readable = {**data, "recipient_name": recipient.name}
        shown = render(content.kind, recipient.language, readable, templates=self._settings.templates)
        message = Message(
            id=key,
            kind=content.kind,
            severity=content.severity,
            recipient=recipient,
            channel=channel,
            title=shown.title,
            text=shown.text,
            html=shown.html,
            data={
                **data,
                "kind": content.kind,
                "severity": content.severity,
                "rung": rung,
                "recipient": {"key": recipient.key, "role": recipient.role, "unit": recipient.unit},
                "language": recipient.language,
                "title": shown.title,
                "text": shown.text,
            },
            created_at=at,
        )
        return Draft(message, content.covered, self._allowed(recipient, content.severity, at))

    def _allowed(self, recipient: Recipient, severity: Severity, at: datetime) -> datetime:
        """Return when the recipient's quiet hours let a message through; `at` itself outside them."""
        quiet = self._directory.preferences(recipient.key).quiet
        return next_allowed(at, quiet, severity, self._calendar_of(recipient.unit).is_working)

    def _all_quiet(self, recipients: Sequence[Recipient], severity: Severity, at: datetime) -> datetime | None:
        """Return when the first recipient may be told, if none of them may now; None if somebody may, or gets a digest.

        A notice that waits is not written yet: by the time it goes out, counts and days left would be wrong.
        """
        routes = (self._directory.preferences(recipient.key).route(severity) for recipient in recipients)
        if any(route.delivery == "digest" for route in routes):
            return None
        first = min((self._allowed(recipient, severity, at) for recipient in recipients), default=at)
        return first if first > at else None

    def _days_left(self, notice: Notice, today: date) -> int | None:
        like = notice.like
        if like.due_on is None or like.over:
            return None
        return self._calendar_of(like.about or like.unit).working_days_between(today, like.due_on)

    def _climbed(self, climbed: Sequence[Climb]) -> dict[str, Any]:
        names = self._settings
        told = [
            {"role": names.name_role(climb.role)._asdict(), "unit": names.name_unit(climb.unit)._asdict()}
            for climb in climbed[:_MOST_CLIMBS]
        ]
        return {"climbed": told, "climbed_more": max(0, len(climbed) - _MOST_CLIMBS)}
