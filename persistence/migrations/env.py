"""Alembic's entry: runs on the connection `migrating` hands over, never on a URL of its own."""

from alembic import context

from rasoat.persistence.migrating import version_table
from rasoat.persistence.tables import tables_for

attributes = context.config.attributes
schema, prefix = attributes.get("schema"), attributes.get("prefix", "rasoat_")
context.configure(
    connection=attributes["connection"],
    target_metadata=tables_for(schema, prefix).metadata,
    transactional_ddl=True,
    **version_table(schema, prefix),
)
context.run_migrations()
