"""SQLite refuses INSERT OR REPLACE on the record too: no delete trigger fires for the row that it puts out of the way.

The release before never inserts a key twice but for rungs, where it asks for nothing to happen then; so it does.
"""

from alembic import context, op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEYS = {
    "event": ("case_id", "seq"),
    "act": ("id",),
    "deadline_entry": ("deadline_id", "seq"),
    "rung": ("deadline_id", "due_on", "step"),
    "personal_read": ("id",),
    "checkpoint": ("number",),
    "checkpoint_head": ("case_id", "number"),
    "erasure": ("household_id",),
    "household_lineage": ("id",),
}
CLAIMED = "rung"
REFUSAL = "append-only: the record is never changed or deleted; enter a correction instead"


def upgrade() -> None:
    """Create the triggers; PostgreSQL needs none."""
    if op.get_bind().dialect.name != "sqlite":
        return
    schema, prefix = _place()
    for name, key in KEYS.items():
        table = prefix + name
        same = " AND ".join(f'"{column}" = NEW."{column}"' for column in key)
        refuse = f"RAISE(ABORT, 'UNIQUE constraint failed: the key is taken, and {table} is {REFUSAL}')"
        then = "RAISE(IGNORE)" if name == CLAIMED else refuse
        _run(
            f'CREATE TRIGGER {schema}"{table}_no_replace" BEFORE INSERT ON "{table}" '  # noqa: S608  our own names, quoted
            f'WHEN EXISTS (SELECT 1 FROM "{table}" WHERE {same}) BEGIN SELECT {then}; END'
        )


def downgrade() -> None:
    """Drop the triggers."""
    if op.get_bind().dialect.name != "sqlite":
        return
    schema, prefix = _place()
    for name in KEYS:
        _run(f'DROP TRIGGER {schema}"{prefix}{name}_no_replace"')


def _place() -> tuple[str, str]:
    attributes = context.config.attributes
    return (f'"{attributes["schema"]}".' if attributes["schema"] else ""), attributes["prefix"]


def _run(statement: str) -> None:
    op.get_bind().exec_driver_sql(statement)
