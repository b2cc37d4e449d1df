"""Who a household was before, its members' identity numbers as keyed hashes, the turns of a history.

The release before does not know the tables and runs on beside them; households it registers meanwhile are found by
their heads' numbers, as before.
"""

import sqlalchemy as sa
from alembic import context, op

from rasoat.persistence.types import Instant, LegalDay

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PATH = sa.String(120).with_variant(sa.String(120, collation="C"), "postgresql")
DIGEST = sa.LargeBinary(32)
CODE = sa.String(64)
TURNS = sa.text("kind IN ('correction', 'migration', 'moved')")
REFUSAL = "append-only: the record is never changed or deleted; enter a correction instead"


def upgrade() -> None:
    """Create the tables, the trigger that keeps the lineage, and the index."""
    attributes = context.config.attributes
    schema, prefix = attributes["schema"], attributes["prefix"]
    op.create_table(
        f"{prefix}household_lineage",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("household_id", ID, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("other_id", ID),
        sa.Column("old_code", CODE, nullable=False),
        sa.Column("new_code", CODE, nullable=False),
        sa.Column("old_path", PATH, nullable=False),
        sa.Column("new_path", PATH, nullable=False),
        sa.Column("on_day", LegalDay(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("actor", CODE, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema=schema,
    )
    for column in ("household_id", "other_id", "old_code"):
        name = op.f(f"ix_{prefix}household_lineage_{column}")
        op.create_index(name, f"{prefix}household_lineage", [column], schema=schema)
    op.create_table(
        f"{prefix}household_member",
        sa.Column("identity_index", DIGEST, nullable=False),
        sa.Column("household_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("identity_index", "household_id"),
        schema=schema,
    )
    name = op.f(f"ix_{prefix}household_member_household_id")
    op.create_index(name, f"{prefix}household_member", ["household_id"], schema=schema)
    op.create_index(
        op.f(f"ix_{prefix}event_turns"), f"{prefix}event", ["case_id", "seq"], schema=schema,
        sqlite_where=TURNS, postgresql_where=TURNS,
    )  # fmt: skip
    _keep(schema, prefix)


def downgrade() -> None:
    """Drop them; triggers and indexes go with their tables."""
    attributes = context.config.attributes
    schema, prefix = attributes["schema"], attributes["prefix"]
    op.drop_index(op.f(f"ix_{prefix}event_turns"), f"{prefix}event", schema=schema)
    op.drop_table(f"{prefix}household_member", schema=schema)
    op.drop_table(f"{prefix}household_lineage", schema=schema)


def _keep(schema: str | None, prefix: str) -> None:
    place, table = f'"{schema}".' if schema else "", f"{prefix}household_lineage"
    if op.get_bind().dialect.name == "postgresql":
        refuse, on = f'EXECUTE FUNCTION {place}"{prefix}append_only"()', f'ON {place}"{table}"'
        _run(f'CREATE TRIGGER "{table}_append_only" BEFORE UPDATE OR DELETE {on} FOR EACH ROW {refuse}')
        _run(f'CREATE TRIGGER "{table}_no_truncate" BEFORE TRUNCATE {on} FOR EACH STATEMENT {refuse}')
        return
    for verb in ("UPDATE", "DELETE"):
        refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is {REFUSAL}'); END"
        _run(f'CREATE TRIGGER {place}"{table}_no_{verb.lower()}" BEFORE {verb} ON "{table}" {refuse}')


def _run(statement: str) -> None:
    op.get_bind().exec_driver_sql(statement)
