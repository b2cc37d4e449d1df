"""Messages stored before they are sent, every attempt, digests, the in-app inbox, circuit breakers and rate limits.

The release before does not know these tables and runs on beside them; the outbox's new columns may be null.
"""

import sqlalchemy as sa
from alembic import context, op

from rasoat.persistence.types import Instant, LegalDay

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None

CODE = sa.String(64)
PERSON = sa.String(200)
QUEUED = sa.text("status = 'queued'")
UNSETTLED = sa.text("settled_at IS NULL")
TABLES = ("message", "message_fact", "message_attempt", "held_notice", "notice_day", "circuit", "pace", "inbox")


def upgrade() -> None:
    """Create the tables, and say in the outbox when and why a row was settled."""
    attributes = context.config.attributes
    schema, prefix = attributes["schema"], attributes["prefix"]
    op.add_column(f"{prefix}outbox", sa.Column("settled_at", Instant()), schema=schema)
    op.add_column(f"{prefix}outbox", sa.Column("problem", sa.Text()), schema=schema)
    _messages(schema, prefix)
    _digests(schema, prefix)
    _storm_control(schema, prefix)
    op.create_table(
        f"{prefix}inbox",
        sa.Column("message_id", CODE, nullable=False),
        sa.Column("address", PERSON, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("severity", sa.String(12), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("read_at", Instant()),
        sa.PrimaryKeyConstraint("message_id"),
        schema=schema,
    )
    op.create_index(
        op.f(f"ix_{prefix}inbox_address_created_at"), f"{prefix}inbox", ["address", "created_at"], schema=schema
    )


def downgrade() -> None:
    """Drop the tables; their indexes go with them."""
    attributes = context.config.attributes
    schema, prefix = attributes["schema"], attributes["prefix"]
    for name in TABLES:
        op.drop_table(prefix + name, schema=schema)
    op.drop_column(f"{prefix}outbox", "problem", schema=schema)
    op.drop_column(f"{prefix}outbox", "settled_at", schema=schema)


def _messages(schema: str | None, prefix: str) -> None:
    op.create_table(
        f"{prefix}message",
        sa.Column("id", CODE, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("severity", sa.String(12), nullable=False),
        sa.Column("recipient", PERSON, nullable=False),
        sa.Column("channel", CODE, nullable=False),
        sa.Column("endpoint", CODE, nullable=False),
        sa.Column("envelope", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("next_at", Instant(), nullable=False),
        sa.Column("lease_until", Instant()),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("forgiven", sa.SmallInteger(), nullable=False),
        sa.Column("settled_at", Instant()),
        sa.Column("problem", sa.Text()),
        sa.PrimaryKeyConstraint("id"),
        schema=schema,
    )
    op.create_index(
        op.f(f"ix_{prefix}message_next"),
        f"{prefix}message",
        ["next_at"],
        schema=schema,
        sqlite_where=QUEUED,
        postgresql_where=QUEUED,
    )
    op.create_table(
        f"{prefix}message_fact",
        sa.Column("message_id", CODE, nullable=False),
        sa.Column("outbox_id", CODE, nullable=False),
        sa.PrimaryKeyConstraint("message_id", "outbox_id"),
        schema=schema,
    )
    op.create_index(op.f(f"ix_{prefix}message_fact_outbox_id"), f"{prefix}message_fact", ["outbox_id"], schema=schema)
    op.create_table(
        f"{prefix}message_attempt",
        sa.Column("message_id", CODE, nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant()),
        sa.Column("outcome", sa.String(12)),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text()),
        sa.PrimaryKeyConstraint("message_id", "number"),
        schema=schema,
    )


def _digests(schema: str | None, prefix: str) -> None:
    op.create_table(
        f"{prefix}held_notice",
        sa.Column("recipient", PERSON, nullable=False),
        sa.Column("outbox_id", CODE, nullable=False),
        sa.Column("held_at", Instant(), nullable=False),
        sa.Column("settled_at", Instant()),
        sa.PrimaryKeyConstraint("recipient", "outbox_id"),
        schema=schema,
    )
    op.create_index(
        op.f(f"ix_{prefix}held_notice_waiting"),
        f"{prefix}held_notice",
        ["held_at"],
        schema=schema,
        sqlite_where=UNSETTLED,
        postgresql_where=UNSETTLED,
    )
    op.create_index(op.f(f"ix_{prefix}held_notice_outbox_id"), f"{prefix}held_notice", ["outbox_id"], schema=schema)
    op.create_table(
        f"{prefix}notice_day",
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("recipient", PERSON, nullable=False),
        sa.Column("day", LegalDay(), nullable=False),
        sa.Column("composed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "recipient", "day"),
        schema=schema,
    )


def _storm_control(schema: str | None, prefix: str) -> None:
    op.create_table(
        f"{prefix}circuit",
        sa.Column("endpoint", CODE, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("rests_until", Instant()),
        sa.PrimaryKeyConstraint("endpoint"),
        schema=schema,
    )
    op.create_table(
        f"{prefix}pace",
        sa.Column("recipient", PERSON, nullable=False),
        sa.Column("channel", CODE, nullable=False),
        sa.Column("full_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("recipient", "channel"),
        schema=schema,
    )
