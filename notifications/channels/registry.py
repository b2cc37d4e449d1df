"""From settings to channels: the built-in kinds, and those that packages offer as `rasoat.channels`."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, cast

from ...foundation.errors import DefinitionError, InputError
from ...foundation.messages import fault
from .apprise import AppriseChannel
from .inbox import InboxChannel
from .log import LogChannel
from .settings import ChannelSettings
from .smtp import Relay, SmtpChannel
from .trust import machines_trust
from .webhook import Patience, WebhookChannel

if TYPE_CHECKING:
    from ...foundation.clock import Clock
    from ..model import Channel
    from .inbox import InboxStore
    from .smtp import Security

__all__ = ["GROUP", "Factory", "Surroundings", "build", "kinds"]

GROUP = "rasoat.channels"
"""Entry points of this group name a `Factory`; the entry point's name is the channel kind."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a channel may need from the process it lives in."""

    clock: Clock
    inbox: InboxStore | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


Factory = Callable[[ChannelSettings, Surroundings], "Channel"]


def build(tables: Mapping[str, Mapping[str, Any]], surroundings: Surroundings) -> dict[str, Channel]:
    """Return the channels that `tables` describe, by name: ``{"email": {"kind": "smtp", "host": …}}``.

    `DefinitionError` for an unknown kind, an unknown or missing key, a secret in plain text.
    """
    known = kinds()
    return {name: _channel(name, table, known, surroundings) for name, table in tables.items()}


def kinds() -> dict[str, Factory]:
    """Return every channel kind by name. `DefinitionError` if a package offers a name that is taken."""
    known = dict(_BUILT_IN)
    for point in entry_points(group=GROUP):
        if point.name in known:
            raise fault(DefinitionError, "sending.kind_taken", name=point.name, value=point.value)
        known[point.name] = cast("Factory", point.load())
    return known


def _channel(name: str, table: Mapping[str, Any], known: Mapping[str, Factory], surroundings: Surroundings) -> Channel:
    settings = ChannelSettings(name, table, surroundings.environment)
    kind = settings.need("kind")
    if kind not in known:
        settings.refuse("setting.among", key="kind", value=repr(kind), known=", ".join(sorted(known)))
    try:
        channel = known[kind](settings, surroundings)
    except InputError as error:
        settings.refuse_for(error)
    settings.finish()
    return channel


def _smtp(settings: ChannelSettings, _: Surroundings) -> Channel:
    authority = settings.take("ca_file", str, "")
    relay = Relay(
        host=settings.need("host"),
        port=settings.take("port", int, 0) or None,
        security=cast("Security", settings.take("security", str, "starttls")),
        username=settings.take("username", str, "") or None,
        password=settings.secret("password"),
        timeout=settings.take("timeout", float, 30.0),
        tls=_tls(settings, authority),
    )
    return SmtpChannel(relay, settings.need("sender"), name=settings.name, guard=settings.guard("private"))


def _webhook(settings: ChannelSettings, surroundings: Surroundings) -> Channel:
    authority = settings.take("ca_file", str, "")
    return WebhookChannel(
        settings.secrets("secrets"),
        surroundings.clock,
        name=settings.name,
        source=settings.take("source", str, "/rasoat"),
        patience=Patience(settings.take("timeout", float, 10.0), settings.take("total", float, 30.0)),
        follow_redirects=settings.take("follow_redirects", bool, default=False),
        guard=settings.guard(),
        tls=_tls(settings, authority),
    )


def _apprise(settings: ChannelSettings, _: Surroundings) -> Channel:
    return AppriseChannel(
        settings.strings("schemes"),
        name=settings.name,
        url=settings.secret("url"),
        guard=settings.guard(),
    )


def _inbox(settings: ChannelSettings, surroundings: Surroundings) -> Channel:
    if surroundings.inbox is None:
        settings.refuse("setting.no_inbox")
    return InboxChannel(surroundings.inbox, name=settings.name)


def _log(settings: ChannelSettings, _: Surroundings) -> Channel:
    return LogChannel(name=settings.name)


def _tls(settings: ChannelSettings, authority: str) -> ssl.SSLContext:
    if not authority:
        return machines_trust()
    try:
        return ssl.create_default_context(cafile=authority)
    except OSError as error:
        settings.refuse("setting.ca_file", file=repr(authority), reason=error)


_BUILT_IN: Mapping[str, Factory] = {
    "smtp": _smtp,
    "webhook": _webhook,
    "apprise": _apprise,
    "inbox": _inbox,
    "log": _log,
}
