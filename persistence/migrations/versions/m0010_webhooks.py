"""Webhook subscriptions: who is sent which facts, and how far each has come; facts found by when they were written.

The release before knows neither and runs on beside them.
"""

import sqlalchemy as sa
from alembic import context, op

from rasoat.persistence.types import Instant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PATH = sa.String(120).with_variant(sa.String(120, collation="C"), "postgresql")
CODE = sa.String(64)


def upgrade() -> None:
    """Create the table and the index."""
    attributes = context.config.attributes
    schema, prefix = attributes["schema"], attributes["prefix"]
    op.create_table(
        f"{prefix}webhook",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("owner", CODE, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("unit_path", PATH, nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("secret_number", sa.SmallInteger(), nullable=False),
        sa.Column("rotated_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.Column("seen_id", CODE, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema=schema,
    )
    name = op.f(f"ix_{prefix}outbox_created_at_id")
    op.create_index(name, f"{prefix}outbox", ["created_at", "id"], schema=schema)


def downgrade() -> None:
    """Drop them."""
    attributes = context.config.attributes
    schema, prefix = attributes["schema"], attributes["prefix"]
    op.drop_index(op.f(f"ix_{prefix}outbox_created_at_id"), f"{prefix}outbox", schema=schema)
    op.drop_table(f"{prefix}webhook", schema=schema)
