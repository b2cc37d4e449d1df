"""Checkpoints over all chains, and the record of whose personal data was erased; the database keeps both append-only.

The release before does not know these tables and runs on beside them.
"""

import sqlalchemy as sa
from alembic import context, op

from rasoat.persistence.types import Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DIGEST = sa.LargeBinary(32)
CODE = sa.String(64)
TABLES = ("checkpoint", "checkpoint_head", "erasure")
REFUSAL = "append-only: the record is never changed or deleted; enter a correction instead"


def upgrade() -> None:
    """Create the tables, and the triggers that keep them."""
    attributes = context.config.attributes
    schema, prefix = attributes["schema"], attributes["prefix"]
    op.create_table(
        f"{prefix}checkpoint",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("taken_at", Instant(), nullable=False),
        sa.Column("leaf_count", ID, nullable=False),
        sa.Column("root", DIGEST, nullable=False),
        sa.Column("previous", DIGEST, nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=False),
        sa.Column("secret", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        schema=schema,
    )
    op.create_table(
        f"{prefix}checkpoint_head",
        sa.Column("case_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("head", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("case_id", "number"),
        sqlite_with_rowid=False,
        schema=schema,
    )
    op.create_table(
        f"{prefix}erasure",
        sa.Column("household_id", ID, autoincrement=False, nullable=False),
        sa.Column("erased_at", Instant(), nullable=False),
        sa.Column("actor", CODE, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("household_id"),
        schema=schema,
    )
    for name in TABLES:
        _keep(f'"{schema}".' if schema else "", prefix, prefix + name)


def downgrade() -> None:
    """Drop the tables; their triggers go with them."""
    attributes = context.config.attributes
    for name in TABLES:
        op.drop_table(attributes["prefix"] + name, schema=attributes["schema"])


def _keep(schema: str, prefix: str, table: str) -> None:
    run = op.get_bind().exec_driver_sql
    if op.get_bind().dialect.name == "postgresql":
        refuse = f'EXECUTE FUNCTION {schema}"{prefix}append_only"()'
        on = f'ON {schema}"{table}"'
        run(f'CREATE TRIGGER "{table}_append_only" BEFORE UPDATE OR DELETE {on} FOR EACH ROW {refuse}')
        run(f'CREATE TRIGGER "{table}_no_truncate" BEFORE TRUNCATE {on} FOR EACH STATEMENT {refuse}')
        return
    for verb in ("UPDATE", "DELETE"):
        refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is {REFUSAL}'); END"
        run(f'CREATE TRIGGER {schema}"{table}_no_{verb.lower()}" BEFORE {verb} ON "{table}" {refuse}')
