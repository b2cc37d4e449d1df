"""The role that docs/deploy-postgresql.md describes: it can work, and it cannot touch the record."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import DBAPIError

from rasoat.persistence.database import Database
from tests.support.invariants import broken
from tests.support.reviews import BEATS, Review

PAGE = Path(__file__).resolve().parents[2] / "docs" / "deploy-postgresql.md"


@pytest.mark.postgres
def test_a_role_without_the_right_cannot_touch_the_record(postgres_url):
    owner = Review.start(postgres_url)
    ids = owner.open_round(1, villages=1, households=6)
    [statements] = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    with owner.database.engine.begin() as connection:
        connection.exec_driver_sql("DROP ROLE IF EXISTS rasoat_app")
        connection.exec_driver_sql(statements)
    app = Review(
        Database.open(make_url(postgres_url).set(username="rasoat_app").render_as_string()), ids=owner.engine.ids
    )
    bare = create_engine(make_url(postgres_url).set(username="rasoat_app"))
    try:
        app.run(BEATS, ids)
        assert broken(app.database, app.engine.library) == []
        for table in ("event", "act", "deadline_entry", "rung"):
            for verb in (f"DELETE FROM rasoat_{table}", f"TRUNCATE rasoat_{table}", f"DROP TABLE rasoat_{table}"):
                with pytest.raises(DBAPIError, match=r"permission denied|must be owner"), bare.begin() as connection:
                    connection.exec_driver_sql(verb)
        with pytest.raises(DBAPIError, match="must be owner"), bare.begin() as connection:
            connection.exec_driver_sql("DROP TRIGGER rasoat_event_append_only ON rasoat_event")
    finally:
        app.database.dispose()
        bare.dispose()
        with owner.database.engine.begin() as connection:
            connection.exec_driver_sql("DROP OWNED BY rasoat_app")
            connection.exec_driver_sql("DROP ROLE rasoat_app")
        owner.database.dispose()
