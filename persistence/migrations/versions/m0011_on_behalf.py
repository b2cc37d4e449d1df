"""For whom a change or an erasure of a household was entered, and its registered area before and since a change.

The release before writes none of these columns: they may be empty.
"""

import sqlalchemy as sa
from alembic import context, op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ADDED = (
    ("erasure", "on_behalf_of", sa.String(64)),
    ("household_lineage", "on_behalf_of", sa.String(64)),
    ("household_lineage", "old_area", sa.String(8)),
    ("household_lineage", "new_area", sa.String(8)),
)


def upgrade() -> None:
    """Add the columns."""
    attributes = context.config.attributes
    for table, column, kind in ADDED:
        op.add_column(attributes["prefix"] + table, sa.Column(column, kind), schema=attributes["schema"])


def downgrade() -> None:
    """Drop them."""
    attributes = context.config.attributes
    for table, column, _ in ADDED:
        op.drop_column(attributes["prefix"] + table, column, schema=attributes["schema"])
