"""The database refuses to change or delete what is on record: events, acts, ledgers of deadlines, claimed rungs.

Works while the release before still runs: that release never changes these rows either.
"""

from alembic import context, op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("event", "act", "deadline_entry", "rung")
REFUSAL = "append-only: the record is never changed or deleted; enter a correction instead"


def upgrade() -> None:
    """Create the triggers."""
    schema, prefix = _place()
    if op.get_bind().dialect.name == "postgresql":
        body = f"BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is {REFUSAL}'; END"
        _run(f'CREATE FUNCTION {schema}"{prefix}append_only"() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$')
    for name in TABLES:
        table = prefix + name
        if op.get_bind().dialect.name == "postgresql":
            refuse = f'EXECUTE FUNCTION {schema}"{prefix}append_only"()'
            on = f'ON {schema}"{table}"'
            _run(f'CREATE TRIGGER "{table}_append_only" BEFORE UPDATE OR DELETE {on} FOR EACH ROW {refuse}')
            _run(f'CREATE TRIGGER "{table}_no_truncate" BEFORE TRUNCATE {on} FOR EACH STATEMENT {refuse}')
        else:
            for verb in ("UPDATE", "DELETE"):
                trigger = f'{schema}"{table}_no_{verb.lower()}"'
                refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is {REFUSAL}'); END"
                _run(f'CREATE TRIGGER {trigger} BEFORE {verb} ON "{table}" {refuse}')


def downgrade() -> None:
    """Drop the triggers."""
    schema, prefix = _place()
    for name in TABLES:
        table = prefix + name
        if op.get_bind().dialect.name == "postgresql":
            for kind in ("append_only", "no_truncate"):
                _run(f'DROP TRIGGER "{table}_{kind}" ON {schema}"{table}"')
        else:
            for verb in ("update", "delete"):
                _run(f'DROP TRIGGER {schema}"{table}_no_{verb}"')
    if op.get_bind().dialect.name == "postgresql":
        _run(f'DROP FUNCTION {schema}"{prefix}append_only"()')


def _place() -> tuple[str, str]:
    attributes = context.config.attributes
    return (f'"{attributes["schema"]}".' if attributes["schema"] else ""), attributes["prefix"]


def _run(statement: str) -> None:
    op.get_bind().exec_driver_sql(statement)
