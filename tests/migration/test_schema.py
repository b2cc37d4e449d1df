"""A schema built fresh and a schema that was migrated are one and the same, triggers and all."""

from __future__ import annotations

import pytest
from sqlalchemy import MetaData, inspect, text
from sqlalchemy.schema import CreateSchema

from rasoat.foundation.errors import StorageError
from rasoat.persistence.database import Database
from rasoat.persistence.migrating import current_revision, downgrade, head_revision, require_current, upgrade

PLACES = [(None, "rasoat_"), (None, "povrev_"), ("review", "rasoat_"), ("Rà soát", "x-")]


@pytest.fixture
def open_database():
    opened = []

    def open_(url, schema, prefix):
        opened.append(Database.open(url, schema=schema, prefix=prefix))
        database = opened[-1]
        if schema:
            with database.engine.begin() as connection:
                connection.execute(CreateSchema(schema))
        return database

    yield open_
    for database in opened:
        database.dispose()


def shape(database):
    """Everything the database itself says of the engine's tables, whatever their order."""
    schema, prefix = database.schema, database.prefix
    inspector = inspect(database.engine)
    names = [n for n in inspector.get_table_names(schema) if n.startswith(prefix) and n != f"{prefix}schema_version"]
    tables = {
        name: {
            "columns": sorted(
                (c["name"], str(c["type"]), c["nullable"], c.get("default"))
                for c in inspector.get_columns(name, schema)
            ),
            "key": inspector.get_pk_constraint(name, schema)["constrained_columns"],
            "indexes": sorted(map(str, map(index_shape, inspector.get_indexes(name, schema)))),
            "unique": sorted(str(u["column_names"]) for u in inspector.get_unique_constraints(name, schema)),
            "foreign": inspector.get_foreign_keys(name, schema),
        }
        for name in names
    }
    return tables, triggers(database)


def index_shape(index):
    options = sorted((name, str(value)) for name, value in index["dialect_options"].items())
    return index["name"], index["column_names"], index["unique"], options


def triggers(database):
    if database.engine.dialect.name == "sqlite":
        query = "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'"
    else:
        query = """
            SELECT t.tgname, t.tgrelid::regclass::text, pg_get_triggerdef(t.oid), p.prosrc
            FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE NOT t.tgisinternal"""
    with database.engine.connect() as connection:
        return sorted(tuple(row) for row in connection.execute(text(query)))


def places(url):
    return [place for place in PLACES if place[0] is None or url.startswith("postgresql")]


def test_fresh_equals_migrated(database_url, tmp_path, open_database):
    for number, (schema, prefix) in enumerate(places(database_url)):
        migrated = open_database(_beside(database_url, tmp_path, f"m{number}"), schema, prefix)
        upgrade(migrated)
        found = shape(migrated)
        if schema is None:
            migrated.tables.metadata.drop_all(migrated.engine)
            assert shape(migrated) == ({}, [])
        else:
            with migrated.engine.begin() as connection:
                connection.exec_driver_sql(f'DROP SCHEMA "{schema}" CASCADE')
                connection.execute(CreateSchema(schema))
        migrated.tables.metadata.create_all(migrated.engine)
        assert shape(migrated) == found
        assert len(found[0]) == len(migrated.tables.metadata.tables)
        migrated.tables.metadata.drop_all(migrated.engine)


def _beside(url, tmp_path, name):
    return f"sqlite:///{tmp_path / name}.db" if url.startswith("sqlite") else url


def test_no_foreign_key_leads_to_the_record(database_url, open_database):
    database = open_database(database_url, None, "rasoat_")
    upgrade(database)
    reflected = MetaData()
    reflected.reflect(database.engine)
    assert [key for table in reflected.tables.values() for key in table.foreign_keys] == []


def test_down_to_nothing_and_up_again_leaves_the_same(database_url, open_database):
    database = open_database(database_url, None, "rasoat_")
    upgrade(database)
    found = shape(database)
    downgrade(database, "base")
    assert shape(database) == ({}, [])
    upgrade(database)
    assert shape(database) == found
    assert current_revision(database) == head_revision()


def test_an_older_schema_is_refused_by_name(database_url, open_database):
    database = open_database(database_url, None, "rasoat_")
    upgrade(database, "0001")
    with pytest.raises(StorageError, match="0001"):
        require_current(database)
    upgrade(database)
    require_current(database)


def test_two_prefixes_live_in_one_database(database_url, open_database):
    one = open_database(database_url, None, "rasoat_")
    upgrade(one)
    other = Database(one.engine, prefix="povrev_")
    upgrade(other)
    require_current(one)
    require_current(other)
    assert {n.removeprefix("rasoat_") for n in shape(one)[0]} == {n.removeprefix("povrev_") for n in shape(other)[0]}
