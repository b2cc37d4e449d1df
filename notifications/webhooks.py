"""Facts of the outbox → signed events at the addresses that other systems subscribed with.

Each fact becomes one stored message for each subscription, written with the note of how far that subscription has come;
from there it is sent like every other message: retried, paced, its endpoint's breaker watched. A receiver that has seen
a `webhook-id` before has seen the event before.
"""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import TYPE_CHECKING, get_args

from ..foundation.logs import Log
from ..persistence import webhooks
from ..persistence.changes import settled_before
from ..persistence.messages import MessageRow, store
from .channels.guard import AddressGuard, Neighbourhood
from .channels.trust import machines_trust
from .channels.webhook import WebhookChannel
from .directory import StaffDirectory
from .model import PermanentFailure, message_id
from .setup import Notify
from .storing import endpoint_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from ..foundation.clock import Clock
    from ..persistence.database import Database, Tx
    from ..persistence.outbox import OutboxRow
    from ..persistence.vault import Vault
    from ..persistence.webhooks import WebhookRow
    from .model import Message, Receipt

__all__ = ["CHANNEL", "SubscriptionChannel", "alone", "guard_for", "queued_events", "secret_of", "write_events"]

CHANNEL = "subscription"
"""The channel's name: no channel of an installation's own may bear it."""
_AT_ONCE = 500
_BOTH_SIGN = timedelta(days=1)

log = Log("rasoat.notifications")


def secret_of(vault: Vault, webhook_id: int, number: int) -> str:
    """Return a subscription's secret (``whsec_…``); nothing of it is stored, it follows from the index key."""
    return "whsec_" + base64.b64encode(vault.keyed_index("webhook", str(webhook_id), str(number))).decode()


def guard_for(networks: Iterable[str]) -> AddressGuard:
    """Return the guard that lets through to public addresses by https, and to `networks` (CIDR, ``loopback`` …)."""
    named = frozenset(networks)
    near = named & frozenset(get_args(Neighbourhood))
    return AddressGuard(near, sorted(named - near), plain_abroad=False)


class SubscriptionChannel:
    """Posts events to subscribers, each signed with the subscription's own secret."""

    name = CHANNEL
    guarantee = WebhookChannel.guarantee

    def __init__(
        self,
        database: Database,
        vault: Callable[[], Vault],
        clock: Clock,
        guard: AddressGuard | None = None,
        *,
        source: str = "/rasoat",
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._guard = guard or guard_for(())
        self._source = source
        self._tls = machines_trust()

    def send(self, message: Message) -> Receipt:
        """Post the event; `PermanentFailure` if the subscription is there no more."""
        webhook_id = int(message.recipient.key.removeprefix(_PREFIX))
        with self._database.read() as tx:
            row = webhooks.webhook(tx, webhook_id)
        if row is None:
            msg = f"subscription {webhook_id} was deleted"
            raise PermanentFailure(msg)
        channel = WebhookChannel(
            self._secrets(row), self._clock, name=CHANNEL, source=self._source, guard=self._guard, tls=self._tls
        )
        return channel.send(message)

    def _secrets(self, row: WebhookRow) -> list[str]:
        fresh = row.secret_number > 1 and self._clock.now() < row.rotated_at + _BOTH_SIGN
        numbers = [row.secret_number, row.secret_number - 1] if fresh else [row.secret_number]
        return [secret_of(self._vault(), row.id, number) for number in numbers]


def alone(channel: SubscriptionChannel) -> Notify:
    """Return the setup of a sender that serves subscriptions and nobody else."""
    return Notify(StaffDirectory({}, ()), {CHANNEL: channel})


def write_events(database: Database, clock: Clock) -> int:
    """Queue what the outbox tells and no subscription was sent yet; return how many events were queued."""
    with database.read() as tx:
        ids = webhooks.working(tx)
    return sum(_written(database, clock, webhook_id) for webhook_id in ids)


def queued_events(database: Database, now: datetime) -> list[str]:
    """Return the ids of the events whose time has come."""
    with database.read() as tx:
        return webhooks.queued(tx, CHANNEL, now)


_PREFIX = "subscription-"


def _written(database: Database, clock: Clock, webhook_id: int) -> int:
    total = 0
    while True:
        with database.begin() as tx:
            count, more = _page(tx, clock.now(), webhook_id)
        total += count
        if not more:
            return total


def _page(tx: Tx, now: datetime, webhook_id: int) -> tuple[int, bool]:
    row = webhooks.webhook(tx, webhook_id)
    if row is None or row.status != "active":
        return 0, False
    settled = settled_before(tx, now)
    facts = webhooks.facts_for(tx, row, settled, _AT_ONCE)
    more = len(facts) == _AT_ONCE
    # What does not concern a subscription is passed over once, not looked through again at every run.
    reached = (facts[-1].created_at, facts[-1].id) if more else webhooks.settled_through(tx, row, settled)
    if reached is None or not webhooks.advance(tx, row, *reached) or not facts:
        return 0, False
    events = [_event(row, fact, now) for fact in facts]
    store(tx, events, [(event.id, fact.id) for event, fact in zip(events, facts, strict=True)])
    log.info("events_queued", subscription=row.id, count=len(events))
    return len(events), more


def _event(row: WebhookRow, fact: OutboxRow, now: datetime) -> MessageRow:
    recipient = f"{_PREFIX}{row.id}"
    envelope = {"name": row.owner, "role": fact.role, "unit": fact.unit_path, "language": "vi", "address": row.url}
    data = {
        **json.loads(fact.data),
        "kind": fact.kind,
        "severity": fact.severity,
        "about": fact.about_path,
        "told": {"role": fact.role, "unit": fact.unit_path},
    }
    return MessageRow(
        id=message_id(fact.id, "event", recipient, CHANNEL),
        kind=fact.kind,
        severity=fact.severity,
        recipient=recipient,
        channel=CHANNEL,
        endpoint=endpoint_of(CHANNEL, row.url),
        envelope=json.dumps(envelope, ensure_ascii=False, sort_keys=True),
        title=fact.kind,
        text="",
        html="",
        data=json.dumps(data, ensure_ascii=False, sort_keys=True),
        created_at=now,
        status="queued",
        next_at=now,
        lease_until=None,
        attempts=0,
        forgiven=0,
    )
