"""The host runs Alembic of its own in the same database: neither sees the other's revision."""

from __future__ import annotations

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import inspect

from rasoat.persistence.database import Database
from rasoat.persistence.migrating import current_revision, head_revision, require_current, upgrade

ENV = """
from alembic import context
from sqlalchemy import create_engine
engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.begin() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
"""
REVISION = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "host1", None
def upgrade():
    op.create_table("host_note", sa.Column("id", sa.Integer, primary_key=True))
def downgrade():
    op.drop_table("host_note")
"""


@pytest.fixture
def host(database_url, tmp_path):
    """Return the configuration of a host's own migrations over the test's database."""
    folder = tmp_path / "host"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(ENV, encoding="utf-8")
    (folder / "versions" / "host1.py").write_text(REVISION, encoding="utf-8")
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    config.set_main_option("sqlalchemy.url", database_url.replace("%", "%%"))
    return config


@pytest.mark.parametrize("host_first", [True, False])
def test_both_migrate_in_either_order(database_url, host, host_first):
    database = Database.open(database_url)
    try:
        steps = [lambda: command.upgrade(host, "head"), lambda: upgrade(database)]
        for step in steps if host_first else reversed(steps):
            step()
        require_current(database)
        names = inspect(database.engine).get_table_names()
        assert {"host_note", "alembic_version", "rasoat_event", "rasoat_schema_version"} <= set(names)
        with database.engine.connect() as connection:
            [(seen,)] = connection.exec_driver_sql("SELECT version_num FROM alembic_version").all()
        assert seen == "host1"
        command.downgrade(host, "base")
        assert current_revision(database) == head_revision()
        assert "host_note" not in inspect(database.engine).get_table_names()
    finally:
        database.dispose()
