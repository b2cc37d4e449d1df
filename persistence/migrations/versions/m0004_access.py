"""Who may come in and who looked: service tokens, the log of personal reads, the order of the change feed."""

import sqlalchemy as sa
from alembic import context, op

from rasoat.persistence.types import Instant

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PATH = sa.String(120).with_variant(sa.String(120, collation="C"), "postgresql")
DIGEST = sa.LargeBinary(32)
CODE = sa.String(64)
REFUSAL = "append-only: the record is never changed or deleted; enter a correction instead"


def upgrade() -> None:
    """Create the two tables and the feed's index; make the log append only."""
    attributes = context.config.attributes
    schema, prefix = attributes["schema"], attributes["prefix"]
    op.create_table(
        f"{prefix}service_token",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("name", CODE, nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("holdings", sa.Text(), nullable=False),
        sa.Column("acts_for", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("revoked_at", Instant()),
        sa.PrimaryKeyConstraint("id"),
        schema=schema,
    )
    op.create_table(
        f"{prefix}personal_read",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("read_at", Instant(), nullable=False),
        sa.Column("actor", CODE, nullable=False),
        sa.Column("on_behalf_of", CODE),
        sa.Column("household_id", ID, nullable=False),
        sa.Column("unit_path", PATH, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema=schema,
    )
    op.create_index(
        op.f(f"ix_{prefix}personal_read_household_id"), f"{prefix}personal_read", ["household_id"], schema=schema
    )
    op.create_index(op.f(f"ix_{prefix}event_recorded_at"), f"{prefix}event", ["recorded_at"], schema=schema)
    _keep(f"{prefix}personal_read", f'"{schema}".' if schema else "", f'"{prefix}append_only"')


def downgrade() -> None:
    """Drop what `upgrade` made; the triggers go with their table."""
    attributes = context.config.attributes
    schema, prefix = attributes["schema"], attributes["prefix"]
    op.drop_index(op.f(f"ix_{prefix}event_recorded_at"), f"{prefix}event", schema=schema)
    op.drop_table(f"{prefix}personal_read", schema=schema)
    op.drop_table(f"{prefix}service_token", schema=schema)


def _keep(table: str, schema: str, function: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        refuse = f"EXECUTE FUNCTION {schema}{function}()"
        on = f'ON {schema}"{table}"'
        _run(f'CREATE TRIGGER "{table}_append_only" BEFORE UPDATE OR DELETE {on} FOR EACH ROW {refuse}')
        _run(f'CREATE TRIGGER "{table}_no_truncate" BEFORE TRUNCATE {on} FOR EACH STATEMENT {refuse}')
        return
    for verb in ("UPDATE", "DELETE"):
        trigger = f'{schema}"{table}_no_{verb.lower()}"'
        refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is {REFUSAL}'); END"
        _run(f'CREATE TRIGGER {trigger} BEFORE {verb} ON "{table}" {refuse}')


def _run(statement: str) -> None:
    op.get_bind().exec_driver_sql(statement)
