"""Who is told and how, from a TOML file, wired to one engine; the worker's jobs of dispatch and digest."""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import asdict
from datetime import time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .foundation.errors import DefinitionError, InputError
from .foundation.files import read_toml
from .foundation.messages import fault, located
from .notifications.channels.registry import Surroundings, build
from .notifications.composing import Settings
from .notifications.delivering import Sender
from .notifications.directory_file import load as load_directory
from .notifications.dispatch import dispatch
from .notifications.morning import write_digests, write_summaries
from .notifications.operations import forget
from .notifications.optional import require
from .notifications.retrying import BreakerPolicy, RateLimit, RetryPolicy
from .notifications.setup import DIGEST_AT, OVERSEERS, SUMMARY_AT, Notify, Sending
from .notifications.toml_tables import TomlTable
from .notifications.webhooks import CHANNEL, SubscriptionChannel, alone, guard_for, queued_events, write_events
from .persistence import inbox
from .persistence.messages import next_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from .api import Rasoat
    from .notifications.channels.guard import AddressGuard
    from .notifications.directory import StaffDirectory
    from .notifications.model import Message
    from .persistence.database import Database
    from .worker import Job

__all__ = [
    "DatabaseInbox",
    "load_notify",
    "notify_file",
    "notify_jobs",
    "subscription_channel",
    "subscription_jobs",
]

VARIABLE = "RASOAT_NOTIFY"


class DatabaseInbox:
    """The in-app inbox as a table: a message is there once, whoever delivers it and however often."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, message: Message) -> bool:
        """Keep the message; False if its id is there already. Its address names the inbox."""
        row = inbox.InboxRow(
            message.id,
            message.address,
            message.kind,
            message.severity,
            message.title,
            message.text,
            message.html,
            message.created_at,
            None,
        )
        with self._database.begin() as tx:
            return inbox.put(tx, row)


def notify_file(given: Path | None) -> Path | None:
    """Return the settings file asked for, or the one named by ``RASOAT_NOTIFY``."""
    named = os.environ.get(VARIABLE)
    return given or (Path(named) if named else None)


def load_notify(path: Path, app: Rasoat) -> Notify:
    """Read the settings of messages (see docs/notifications.md); `DefinitionError` names what is wrong in the file.

    The directory's path is relative to the file's folder; secrets come from the environment or from files. Without
    the package that renders messages `MissingExtraError`: a fact taken up by a sender that cannot write it would die.
    """
    require("jinja2", purpose="rendering messages")
    document = read_toml(path)
    try:
        return _notify(TomlTable("settings", document), path.parent, app)
    except (DefinitionError, InputError) as error:
        raise located(path, error, DefinitionError) from error


def notify_jobs(notify: Notify) -> tuple[Job, ...]:
    """Return the worker's jobs of this room: write digests and summaries when it is time, then dispatch."""
    from .worker import Job  # noqa: PLC0415  the scheduler is for workers, not for every command that sends

    chance = random.Random().random  # noqa: S311  spreads retries, protects nothing

    def digest(app: Rasoat, _stop: Callable[[], bool]) -> Mapping[str, Any]:
        digests = write_digests(app.database, app.engine, notify)
        return {"digests": digests, "summaries": write_summaries(app.database, app.engine, notify)}

    def send(app: Rasoat, stop: Callable[[], bool]) -> Mapping[str, Any]:
        events = write_events(app.database, app.clock)
        done = dispatch(app.database, app.engine, notify, chance=chance, stop=stop)
        return {
            **asdict(done.gathered),
            "events": events,
            "sent": done.sent,
            "failed": done.failed,
            "dead": done.dead + done.gathered.dead,
        }

    return (
        Job("digest", timedelta(minutes=5), digest),
        Job("dispatch", timedelta(seconds=30), send, _next_message),
        *([Job("retention", timedelta(hours=6), _forgetting(notify.retention))] if notify.retention else []),
    )


def subscription_jobs(channel: SubscriptionChannel) -> tuple[Job, ...]:
    """Return the job of a worker without settings of messages: webhook subscriptions are served all the same."""
    from .worker import Job  # noqa: PLC0415  as above

    chance = random.Random().random  # noqa: S311  as above

    def serve(app: Rasoat, stop: Callable[[], bool]) -> Mapping[str, Any]:
        events = write_events(app.database, app.clock)
        sender = Sender(app.database, app.clock, alone(channel), chance)
        ends = Counter[str]()
        for message_id in queued_events(app.database, app.clock.now()):
            if stop():
                break
            ends[sender.send_next(message_id) or "held"] += 1
        return {"events": events, **ends}

    return (Job("subscriptions", timedelta(seconds=30), serve),)


def subscription_channel(
    app: Rasoat, guard: AddressGuard | None = None, source: str = "/rasoat"
) -> SubscriptionChannel:
    """Return the channel over which webhook subscriptions are served; without `guard` to public addresses alone."""
    return SubscriptionChannel(app.database, lambda: app.vault, app.clock, guard, source=source)


def _forgetting(older_than: timedelta) -> Callable[[Rasoat, Callable[[], bool]], Mapping[str, Any]]:
    def run(app: Rasoat, stop: Callable[[], bool]) -> Mapping[str, Any]:
        return forget(app.database, app.engine, older_than, stop=stop)._asdict()

    return run


def _next_message(app: Rasoat) -> datetime | None:
    with app.database.read() as tx:
        return next_at(tx)


def _notify(top: TomlTable, folder: Path, app: Rasoat) -> Notify:
    directory = load_directory(folder / top.take("directory", str))
    channels = build(top.table("channels").rest(), Surroundings(app.clock, DatabaseInbox(app.database), os.environ))
    if CHANNEL in channels:
        raise fault(DefinitionError, "usage.channel_name", CHANNEL=CHANNEL)
    channels[CHANNEL] = _subscriptions(top.table("subscriptions"), app)
    messages, digest = top.table("messages"), top.table("digest")
    found = Notify(
        directory=directory,
        channels=channels,
        list_link=messages.take("list_link", str, ""),
        settings=_settings(messages, folder),
        sending=_sending(top.table("sending")),
        digest_at=digest.take("at", time, DIGEST_AT),
        summary_at=digest.take("summary_at", time, SUMMARY_AT),
        overseers=digest.strings("overseers", OVERSEERS),
        retention=_retention(top.table("retention")),
    )
    digest.finish()
    top.finish()
    _require_channels(directory, found)
    return found


def _retention(table: TomlTable) -> timedelta | None:
    days = table.take("days", int, 0)
    table.finish()
    return timedelta(days=days) if days else None


def _subscriptions(table: TomlTable, app: Rasoat) -> SubscriptionChannel:
    guard = guard_for(table.strings("networks", ()))
    source = table.take("source", str, "/rasoat")
    table.finish()
    return subscription_channel(app, guard, source)


def _settings(table: TomlTable, folder: Path) -> Settings:
    templates = table.take("templates", str, "")
    found = Settings(
        base_url=table.take("base_url", str, ""),
        show_household_codes=table.take("show_household_codes", bool, default=False),
        burst=table.take("burst", int, 6),
        templates=folder / templates if templates else None,
    )
    table.finish()
    return found


def _sending(table: TomlTable) -> Sending:
    usual = Sending()
    found = Sending(
        retries=RetryPolicy(
            first=timedelta(seconds=table.take("first_retry_seconds", float, 30.0)),
            attempts=table.take("attempts", int, usual.retries.attempts),
        ),
        breaker=BreakerPolicy(
            failures=table.take("breaker_failures", int, usual.breaker.failures),
            rest=timedelta(seconds=table.take("breaker_rest_seconds", float, usual.breaker.rest.total_seconds())),
        ),
        rate=RateLimit(burst=table.take("hourly_per_recipient", int, usual.rate.burst)),
        lease=timedelta(seconds=table.take("lease_seconds", float, usual.lease.total_seconds())),
        at_once=table.take("at_once", int, usual.at_once),
    )
    table.finish()
    return found


def _require_channels(directory: StaffDirectory, notify: Notify) -> None:
    """Refuse a person who wants to be reached over a channel that is not set up: such messages would die one by one."""
    for person in directory.people.values():
        wishes = person.preferences
        wanted = {*wishes.channels, *(name for route in wishes.routes.values() for name in route.channels)}
        if missing := wanted - set(notify.channels):
            raise fault(DefinitionError, "usage.person_channel", person=person.key, channels=", ".join(sorted(missing)))
