"""Tables of what goes out: facts in the outbox, messages and their attempts, digests, inbox, answers given before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, SmallInteger, String, Table, Text, text

from .types import Code, Digest, Id, Instant, LegalDay, Path

if TYPE_CHECKING:
    from sqlalchemy import MetaData

__all__ = ["delivery_tables"]

_QUEUED = text("status = 'queued'")
_UNSETTLED = text("settled_at IS NULL")
_Person = String(200)


def delivery_tables(metadata: MetaData, prefix: str) -> dict[str, Table]:
    """Return the tables of what goes out, by their names in `Tables`."""
    return {
        "outbox": _outbox(metadata, prefix),
        "idempotency": Table(
            prefix + "idempotency",
            metadata,
            Column("key", String(200), primary_key=True),
            Column("body_digest", Digest, nullable=False),
            Column("answer", Text, nullable=False),
            Column("recorded_at", Instant, nullable=False),
        ),
        "message": _messages(metadata, prefix),
        "message_fact": Table(
            prefix + "message_fact",
            metadata,
            Column("message_id", Code, nullable=False),
            Column("outbox_id", Code, nullable=False, comment="a fact this message tells"),
            PrimaryKeyConstraint("message_id", "outbox_id"),
            Index(None, "outbox_id"),
        ),
        "message_attempt": _attempts(metadata, prefix),
        "held_notice": Table(
            prefix + "held_notice",
            metadata,
            Column("recipient", _Person, nullable=False),
            Column("outbox_id", Code, nullable=False, comment="a fact that waits for this recipient's digest"),
            Column("held_at", Instant, nullable=False),
            Column("settled_at", Instant),
            PrimaryKeyConstraint("recipient", "outbox_id"),
            Index(f"ix_{prefix}held_notice_waiting", "held_at", sqlite_where=_UNSETTLED, postgresql_where=_UNSETTLED),
            Index(None, "outbox_id"),
        ),
        "notice_day": Table(
            prefix + "notice_day",
            metadata,
            Column("kind", String(32), nullable=False, comment="digest | weekly_summary"),
            Column("recipient", _Person, nullable=False, comment="'' once everybody's turn has come"),
            Column("day", LegalDay, nullable=False),
            Column("composed_at", Instant, nullable=False),
            PrimaryKeyConstraint("kind", "recipient", "day"),
        ),
        "circuit": Table(
            prefix + "circuit",
            metadata,
            Column("endpoint", Code, primary_key=True),
            Column("failures", Integer, nullable=False, comment="in a row"),
            Column("rests_until", Instant),
        ),
        "pace": Table(
            prefix + "pace",
            metadata,
            Column("recipient", _Person, nullable=False),
            Column("channel", Code, nullable=False),
            Column("full_at", Instant, nullable=False, comment="when the bucket of the rate limit is full again"),
            PrimaryKeyConstraint("recipient", "channel"),
        ),
        "inbox": _inbox(metadata, prefix),
        "webhook": _webhooks(metadata, prefix),
    }


def _outbox(metadata: MetaData, prefix: str) -> Table:
    return Table(
        prefix + "outbox",
        metadata,
        Column("id", Code, primary_key=True, comment="hash of kind, subject, role and unit"),
        Column("kind", String(32), nullable=False),
        Column("severity", String(12), nullable=False),
        Column("role", String(32), nullable=False),
        Column("unit_path", Path, nullable=False, comment="the unit whose role holder is told"),
        Column("about_path", Path, nullable=False, comment="the unit it is about"),
        Column("subject", Code, nullable=False),
        Column("data", Text, nullable=False),
        Column("status", String(12), nullable=False, comment="queued | told | moot | unreachable | dead | discarded"),
        Column("created_at", Instant, nullable=False),
        Column("next_at", Instant, nullable=False),
        Column("lease_until", Instant, comment="until then one composer has it"),
        Column("attempts", SmallInteger, nullable=False, comment="how often a composer took it"),
        Column("settled_at", Instant),
        Column("problem", Text, comment="why it is dead or unreachable"),
        Index(f"ix_{prefix}outbox_next", "next_at", sqlite_where=_QUEUED, postgresql_where=_QUEUED),
        Index(None, "created_at", "id"),
    )


def _messages(metadata: MetaData, prefix: str) -> Table:
    return Table(
        prefix + "message",
        metadata,
        Column("id", Code, primary_key=True, comment="hash of subject, rung, recipient, channel"),
        Column("kind", String(32), nullable=False),
        Column("severity", String(12), nullable=False),
        Column("recipient", _Person, nullable=False, comment="the person's key in the directory"),
        Column("channel", Code, nullable=False),
        Column("endpoint", Code, nullable=False, comment="the counterpart whose circuit breaker counts"),
        Column("envelope", Text, nullable=False, comment="JSON: name, role, unit, language, address"),
        Column("title", Text, nullable=False),
        Column("text", Text, nullable=False),
        Column("html", Text, nullable=False),
        Column("data", Text, nullable=False, comment="canonical JSON: the data of the event a webhook sends"),
        Column("created_at", Instant, nullable=False),
        Column("status", String(12), nullable=False, comment="queued | sent | dead | discarded"),
        Column("next_at", Instant, nullable=False),
        Column("lease_until", Instant, comment="until then one sender has it"),
        Column("attempts", SmallInteger, nullable=False),
        Column("forgiven", SmallInteger, nullable=False, comment="attempts before it was queued again by hand"),
        Column("settled_at", Instant),
        Column("problem", Text, comment="the last failure"),
        Index(f"ix_{prefix}message_next", "next_at", sqlite_where=_QUEUED, postgresql_where=_QUEUED),
    )


def _attempts(metadata: MetaData, prefix: str) -> Table:
    return Table(
        prefix + "message_attempt",
        metadata,
        Column("message_id", Code, nullable=False),
        Column("number", SmallInteger, nullable=False),
        Column("started_at", Instant, nullable=False),
        Column("ended_at", Instant, comment="null: the sender died before it could say"),
        Column("outcome", String(12), comment="sent | temporary | permanent; null as above"),
        Column("detail", Text, nullable=False, comment="the counterpart's answer, or why it failed"),
        Column("handle", Text, comment="what the counterpart knows the message by"),
        PrimaryKeyConstraint("message_id", "number"),
    )


def _inbox(metadata: MetaData, prefix: str) -> Table:
    return Table(
        prefix + "inbox",
        metadata,
        Column("message_id", Code, primary_key=True),
        Column("address", _Person, nullable=False, comment="whose inbox"),
        Column("kind", String(32), nullable=False),
        Column("severity", String(12), nullable=False),
        Column("title", Text, nullable=False),
        Column("text", Text, nullable=False),
        Column("html", Text, nullable=False),
        Column("created_at", Instant, nullable=False),
        Column("read_at", Instant),
        Index(None, "address", "created_at"),
    )


def _webhooks(metadata: MetaData, prefix: str) -> Table:
    return Table(
        prefix + "webhook",
        metadata,
        Column("id", Id, primary_key=True, autoincrement=False),
        Column("owner", Code, nullable=False, comment="whose credentials asked for it"),
        Column("url", Text, nullable=False),
        Column("unit_path", Path, nullable=False, comment="facts about this unit and below are delivered"),
        Column("kinds", Text, nullable=False, comment="JSON list; empty: every kind"),
        Column("status", String(12), nullable=False, comment="active | paused"),
        Column("created_at", Instant, nullable=False),
        Column("secret_number", SmallInteger, nullable=False, comment="the secret follows from it and the index key"),
        Column("rotated_at", Instant, nullable=False, comment="for a day the secret before signs too"),
        Column("seen_at", Instant, nullable=False, comment="the last fact delivered or passed over"),
        Column("seen_id", Code, nullable=False),
    )
