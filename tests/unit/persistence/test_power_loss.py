"""A commit on SQLite waits for the disk unless it is asked not to: what was answered survives a power loss."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from rasoat.persistence.database import Database

FULL = 2


@pytest.mark.parametrize(("options", "level"), [({}, FULL), ({"synchronous": "NORMAL"}, 1)])
def test_the_wait_for_the_disk_is_on_by_default(tmp_path, options, level):
    said = []
    database = Database.open(f"sqlite:///{tmp_path / 'a.db'}", **options)
    event.listen(database.engine, "connect", lambda connection, _: said.append(asked(connection)))
    database.engine.connect().close()
    database.dispose()
    assert said == [level]


def asked(connection):
    """What the connection was told as it was opened."""
    return connection.execute("PRAGMA synchronous").fetchone()[0]
