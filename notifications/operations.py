"""What an operator does with the outbox: look, send again, give up, try a channel, count, forget."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ..foundation.clock import legal_date
from ..foundation.errors import InputError, NotFoundError
from ..foundation.messages import fault
from ..persistence import inbox, messages, outbox
from ..persistence.held import waiting_count
from ..persistence.pacing import forget_idle
from .composing import Composer
from .delivering import Sender
from .gathering import known_of
from .outbox_alerts import read
from .rendering import render
from .storing import endpoint_of, envelope_of, message_of, row_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime, timedelta

    from ..engine.service import Engine
    from ..foundation.messages import Language
    from ..persistence.database import Database, Tx
    from ..persistence.messages import AttemptRow, MessageRow
    from ..persistence.outbox import OutboxRow
    from .model import Recipient
    from .outbox_alerts import Known
    from .rendering import Rendered
    from .setup import Notify

__all__ = ["Forgotten", "Metrics", "Shown", "discard", "forget", "letters", "metrics", "retry", "show", "try_channel"]


_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Metrics:
    """How delivery stands: messages by status, facts that wait or could not be told, and the oldest of what waits."""

    queued: int
    sent: int
    failed: int
    discarded: int
    facts_queued: int
    facts_untold: int
    held: int
    oldest_unsent: datetime | None


class Shown(NamedTuple):
    """A message with its attempts and the facts it tells, or a fact with the messages that tell it."""

    message: MessageRow | None
    attempts: tuple[AttemptRow, ...]
    facts: tuple[OutboxRow, ...]
    told_by: tuple[MessageRow, ...]


class Forgotten(NamedTuple):
    """What retention deleted."""

    messages: int
    facts: int
    read_in_inbox: int


def metrics(tx: Tx) -> Metrics:
    """Return how delivery stands; `failed` are messages that are dead, until they are sent again or discarded."""
    found, facts = messages.counts(tx), outbox.count_facts(tx)
    waiting = [since for since in (messages.oldest_unsent(tx), outbox.oldest_queued(tx)) if since is not None]
    return Metrics(
        queued=found.get("queued", 0),
        sent=found.get("sent", 0),
        failed=found.get("dead", 0),
        discarded=found.get("discarded", 0),
        facts_queued=facts.get("queued", 0),
        facts_untold=facts.get("dead", 0) + facts.get("unreachable", 0),
        held=waiting_count(tx),
        oldest_unsent=min(waiting, default=None),
    )


def show(tx: Tx, reference: str) -> Shown:
    """Return what stands under an id or its beginning (the reference printed in a message)."""
    found = messages.ids_like(tx, reference) if reference else []
    if not found:
        raise fault(NotFoundError, "sending.no_message", reference=reference)
    if len(found) > 1:
        raise fault(InputError, "sending.several", reference=reference, found=", ".join(found))
    message = messages.message_by_id(tx, found[0])
    if message is None:
        return Shown(None, (), tuple(outbox.facts_by_id(tx, found)), tuple(messages.messages_of(tx, found[0])))
    facts = outbox.facts_by_id(tx, messages.facts_of(tx, message.id))
    return Shown(message, tuple(messages.attempts_of(tx, message.id)), tuple(facts), ())


def retry(database: Database, engine: Engine, notify: Notify | None, reference: str) -> str:
    """Queue a dead or discarded message, or an untold fact, again; return its id.

    A message goes to the address the directory has by now, where it knows the person in that office.
    """
    now = engine.clock.now()
    with database.begin() as tx:
        shown = show(tx, reference)
        if shown.message is None:
            done, found = outbox.requeue_fact(tx, shown.facts[0].id, now), shown.facts[0].id
        else:
            found = shown.message.id
            done = messages.requeue(tx, found, now, *_addressed(shown.message, notify, legal_date(now)))
    if not done:
        raise fault(InputError, "sending.not_dead", found=found)
    return found


def discard(database: Database, engine: Engine, reference: str) -> str:
    """Give up a message or fact that has not gone out; return its id."""
    now = engine.clock.now()
    with database.begin() as tx:
        shown = show(tx, reference)
        if shown.message is None:
            found = shown.facts[0].id
            done = outbox.discard_fact(tx, found, now)
        else:
            found = shown.message.id
            done = shown.message.status in ("queued", "dead") and messages.settle(
                tx, found, "discarded", now, shown.message.problem
            )
    if not done:
        raise fault(InputError, "sending.gone", found=found)
    return found


def try_channel(
    database: Database, engine: Engine, notify: Notify, channel: str, to: Recipient, chance: Callable[[], float]
) -> tuple[str, AttemptRow]:
    """Send a message that only tries `channel` to somebody; return its id and the attempt, which is on record."""
    if channel not in notify.channels:
        raise fault(
            InputError, "sending.no_channel", channel=channel, known=", ".join(sorted(notify.channels)) or "none"
        )
    now = engine.clock.now()
    composer = Composer(notify.directory, engine.calendar_for(legal_date(now), ""), notify.settings)
    row = row_of(composer.test(to, channel, now))._replace(next_at=now)
    with database.begin() as tx:
        messages.store(tx, [row], [])
    Sender(database, engine.clock, notify, chance).send_next(only=row.id)
    with database.read() as tx:
        attempts = messages.attempts_of(tx, row.id)
    if not attempts:
        raise fault(InputError, "sending.rests", channel=channel, key=to.key, message=row.id)
    return row.id, attempts[-1]


def forget(
    database: Database, engine: Engine, older_than: timedelta, *, stop: Callable[[], bool] = lambda: False
) -> Forgotten:
    """Delete what was settled longer ago than `older_than`. What has not been delivered stays, whatever its age.

    Some thousand messages a transaction, so that no other writer waits long; `stop` is asked in between.
    """
    before = engine.clock.now() - older_than
    gone = Forgotten(0, 0, 0)
    while not stop():
        with database.begin() as tx:
            told, facts = messages.forget(tx, before, _AT_ONCE)
            read_before = inbox.forget_read(tx, before)
            forget_idle(tx, before)
        gone = Forgotten(gone.messages + told, gone.facts + facts, gone.read_in_inbox + read_before)
        if max(told, facts) < _AT_ONCE:
            break
    return gone


def letters(database: Database, engine: Engine, reference: str, language: Language) -> list[Rendered]:
    """Return the letters of apology (phiếu xin lỗi và hẹn lại ngày trả kết quả) a fact asks to be signed.

    One for each citizen, addressed by the household's code; number, day and signature stay blank. The new date is a
    suggestion counted from today. Nothing is sent.
    """
    with database.read() as tx:
        facts = [fact for fact in show(tx, reference).facts if fact.kind == "delay_notice"]
        if not facts:
            raise fault(InputError, "sending.no_letter", reference=reference)
        known = known_of(tx, engine, facts)
        return [
            render("delay_notice", language, {**letter, "case": code, "households": [code]})
            for fact in facts
            for letter in [_letter(fact, known)]
            for code in outbox.household_codes(tx, [int(case) for case in json.loads(fact.data)["cases"]])
        ]


def _letter(fact: OutboxRow, known: Known) -> dict[str, Any]:
    (alert,) = read([fact], known).alerts
    said = {"village": alert.village, "counting": alert.counting, "count": 1, "due_on": str(alert.due_on)}
    shown = {"step": alert.step._asdict(), "desk": alert.desk._asdict(), "households_more": 0}
    return {**alert.details, **said, **shown, "reference": fact.id[:8]}


def _addressed(message: MessageRow, notify: Notify | None, today: date) -> tuple[str, str]:
    """Return envelope and endpoint of a message as the directory knows its recipient today."""
    was = message_of(message).recipient
    if notify is not None:
        for person in notify.directory.holders(was.role, was.unit, today):
            if person.key == was.key:
                return envelope_of(person, message.channel), endpoint_of(
                    message.channel, person.addresses.get(message.channel, "")
                )
    return message.envelope, message.endpoint
