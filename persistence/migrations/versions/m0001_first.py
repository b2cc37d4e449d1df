"""The first schema: units, households, rounds, cases, acts, events, deadlines, outbox.

Frozen: a later change is a later migration.
"""

import sqlalchemy as sa
from alembic import context, op

from rasoat.persistence.types import Instant, LegalDay

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PATH = sa.String(120).with_variant(sa.String(120, collation="C"), "postgresql")
DIGEST = sa.LargeBinary(32)
CODE = sa.String(64)


def upgrade() -> None:
    """Create every table."""
    attributes = context.config.attributes
    schema, prefix = attributes["schema"], attributes["prefix"]
    op.create_table(
        f"{prefix}act",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("trigger", sa.String(length=32), nullable=False),
        sa.Column("form", sa.String(length=32), nullable=False),
        sa.Column("unit_path", PATH, nullable=False),
        sa.Column("occurred_on", LegalDay(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("actor", CODE, nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("on_behalf_of", CODE),
        sa.Column("document", sa.Text()),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema=schema,
    )
    op.create_index(
        op.f(f"ix_{prefix}act_unit_path_occurred_on"),
        f"{prefix}act",
        ["unit_path", "occurred_on"],
        unique=False,
        schema=schema,
    )
    op.create_table(
        f"{prefix}case",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("round_id", ID, nullable=False),
        sa.Column("household_id", ID, nullable=False),
        sa.Column("unit_path", PATH, nullable=False),
        sa.Column("workflow", CODE, nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("last_on", LegalDay(), nullable=False),
        sa.Column("class_before", sa.String(length=16), nullable=False),
        sa.Column("class_after", sa.String(length=16)),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("head", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema=schema,
    )
    op.create_index(
        op.f(f"ix_{prefix}case_household_id"), f"{prefix}case", ["household_id"], unique=False, schema=schema
    )
    op.create_index(
        op.f(f"ix_{prefix}case_round_id_unit_path_state"),
        f"{prefix}case",
        ["round_id", "unit_path", "state"],
        unique=False,
        schema=schema,
    )
    op.create_index(op.f(f"ix_{prefix}case_unit_path"), f"{prefix}case", ["unit_path"], unique=False, schema=schema)
    op.create_table(
        f"{prefix}certificate",
        sa.Column("series", CODE, nullable=False),
        sa.Column("number", CODE, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("class", sa.String(length=16), nullable=False),
        sa.Column("issued_on", LegalDay(), nullable=False),
        sa.Column("act_id", ID, nullable=False),
        sa.Column("withdrawn_on", LegalDay()),
        sa.PrimaryKeyConstraint("series", "number"),
        schema=schema,
    )
    op.create_index(
        op.f(f"ix_{prefix}certificate_case_id"), f"{prefix}certificate", ["case_id"], unique=False, schema=schema
    )
    op.create_table(
        f"{prefix}deadline",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("subject", sa.String(length=8), nullable=False),
        sa.Column("subject_id", ID, nullable=False),
        sa.Column("round_id", ID, nullable=False),
        sa.Column("unit_path", PATH, nullable=False),
        sa.Column("workflow", CODE, nullable=False),
        sa.Column("rule", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("owner_role", sa.String(length=32), nullable=False),
        sa.Column("owner_path", PATH, nullable=False),
        sa.Column("started_on", LegalDay(), nullable=False),
        sa.Column("length", sa.SmallInteger(), nullable=False),
        sa.Column("unit", sa.String(length=16), nullable=False),
        sa.Column("calendar", CODE, nullable=False),
        sa.Column("due_on", LegalDay(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("next_at", Instant()),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("opened_seq", sa.Integer(), nullable=False),
        sa.Column("breached_at", Instant()),
        sa.Column("closed_on", LegalDay()),
        sa.Column("cause", sa.String(length=32)),
        sa.PrimaryKeyConstraint("id"),
        schema=schema,
    )
    op.create_index(
        op.f(f"ix_{prefix}deadline_open_due"),
        f"{prefix}deadline",
        ["due_on", "unit_path"],
        unique=False,
        schema=schema,
        sqlite_where=sa.text("status = 'open'"),
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_index(
        op.f(f"ix_{prefix}deadline_open_subject"),
        f"{prefix}deadline",
        ["subject_id"],
        unique=False,
        schema=schema,
        sqlite_where=sa.text("closed_on IS NULL"),
        postgresql_where=sa.text("closed_on IS NULL"),
    )
    op.create_index(
        op.f(f"ix_{prefix}deadline_unit"), f"{prefix}deadline", ["unit_path", "rule"], unique=False, schema=schema
    )
    op.create_index(
        op.f(f"ix_{prefix}deadline_wake"),
        f"{prefix}deadline",
        ["next_at"],
        unique=False,
        schema=schema,
        sqlite_where=sa.text("status = 'open'"),
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_table(
        f"{prefix}deadline_entry",
        sa.Column("deadline_id", ID, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("occurred_on", LegalDay(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("actor", CODE, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("deadline_id", "seq"),
        schema=schema,
    )
    op.create_table(
        f"{prefix}event",
        sa.Column("case_id", ID, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("trigger", sa.String(length=32), nullable=False),
        sa.Column("from_state", sa.String(length=32), nullable=False),
        sa.Column("to_state", sa.String(length=32), nullable=False),
        sa.Column("act_id", ID),
        sa.Column("occurred_on", LegalDay(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("actor", CODE, nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("hash", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("case_id", "seq"),
        sqlite_with_rowid=False,
        schema=schema,
    )
    op.create_table(
        f"{prefix}household",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("code", CODE, nullable=False),
        sa.Column("unit_path", PATH, nullable=False),
        sa.Column("persons", sa.SmallInteger(), nullable=False),
        sa.Column("area", sa.String(length=8), nullable=False),
        sa.Column("class_now", sa.String(length=16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("data_key_id", sa.LargeBinary(length=8), nullable=False),
        sa.Column("master_key_id", CODE, nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("identity_index", DIGEST),
        sa.Column("twin_index", DIGEST),
        sa.Column("valid_from", LegalDay(), nullable=False),
        sa.Column("valid_to", LegalDay()),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code", name=op.f(f"uq_{prefix}household_code")),
        schema=schema,
    )
    op.create_index(
        op.f(f"ix_{prefix}household_identity_index"),
        f"{prefix}household",
        ["identity_index"],
        unique=False,
        schema=schema,
    )
    op.create_index(
        op.f(f"ix_{prefix}household_twin_index"), f"{prefix}household", ["twin_index"], unique=False, schema=schema
    )
    op.create_index(
        op.f(f"ix_{prefix}household_unit_path"), f"{prefix}household", ["unit_path"], unique=False, schema=schema
    )
    op.create_table(
        f"{prefix}idempotency",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("body_digest", DIGEST, nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        schema=schema,
    )
    op.create_table(
        f"{prefix}outbox",
        sa.Column("id", CODE, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("severity", sa.String(length=12), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("unit_path", PATH, nullable=False),
        sa.Column("about_path", PATH, nullable=False),
        sa.Column("subject", CODE, nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("next_at", Instant(), nullable=False),
        sa.Column("lease_until", Instant()),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema=schema,
    )
    op.create_index(
        op.f(f"ix_{prefix}outbox_next"),
        f"{prefix}outbox",
        ["next_at"],
        unique=False,
        schema=schema,
        sqlite_where=sa.text("status = 'queued'"),
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_table(
        f"{prefix}round",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("code", CODE, nullable=False),
        sa.Column("workflow", CODE, nullable=False),
        sa.Column("unit_path", PATH, nullable=False),
        sa.Column("started_on", LegalDay(), nullable=False),
        sa.Column("ends_on", LegalDay()),
        sa.Column("plan", CODE),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code", name=op.f(f"uq_{prefix}round_code")),
        schema=schema,
    )
    op.create_index(op.f(f"ix_{prefix}round_unit_path"), f"{prefix}round", ["unit_path"], unique=False, schema=schema)
    op.create_table(
        f"{prefix}rung",
        sa.Column("deadline_id", ID, nullable=False),
        sa.Column("due_on", LegalDay(), nullable=False),
        sa.Column("step", sa.SmallInteger(), nullable=False),
        sa.Column("claimed_at", Instant(), nullable=False),
        sa.Column("missed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("deadline_id", "due_on", "step"),
        schema=schema,
    )
    op.create_table(
        f"{prefix}setting",
        sa.Column("unit_path", PATH, nullable=False),
        sa.Column("workflow", CODE, nullable=False),
        sa.Column("key", CODE, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("unit_path", "workflow", "key"),
        schema=schema,
    )
    op.create_table(
        f"{prefix}unit",
        sa.Column("path", PATH, nullable=False),
        sa.Column("code", CODE, nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("valid_from", LegalDay(), nullable=False),
        sa.Column("valid_to", LegalDay()),
        sa.PrimaryKeyConstraint("path"),
        schema=schema,
    )
    op.create_index(op.f(f"ix_{prefix}unit_code"), f"{prefix}unit", ["code"], unique=False, schema=schema)
    op.create_table(
        f"{prefix}unit_lineage",
        sa.Column("old_path", PATH, nullable=False),
        sa.Column("new_path", PATH, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("on_day", LegalDay(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("old_path", "new_path", "on_day"),
        schema=schema,
    )


def downgrade() -> None:
    """Drop every table."""
    attributes = context.config.attributes
    schema, prefix = attributes["schema"], attributes["prefix"]
    for name in (
        "act",
        "case",
        "certificate",
        "deadline",
        "deadline_entry",
        "event",
        "household",
        "idempotency",
        "outbox",
        "round",
        "rung",
        "setting",
        "unit",
        "unit_lineage",
    ):
        op.drop_table(prefix + name, schema=schema)
