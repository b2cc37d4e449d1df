"""PostgreSQL cut into provinces: the same rounds, the same record, the same refusals."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from rasoat.commands.database import app
from rasoat.engine.timers import run_due
from rasoat.foundation.errors import ConflictError, InputError, StorageError
from rasoat.persistence.audit import Audit
from rasoat.persistence.database import Database
from rasoat.persistence.events import acts, insert_act
from rasoat.persistence.partitioning import HASH_PARTS, HASHED, PROVINCIAL, Partitioned, partition
from tests.support.invariants import broken, counts
from tests.support.reviews import BEATS, officials

PLACES = ("42/446/18766", "01/001/00001", "42", "420/1/1", "79/760/26734")
pytestmark = pytest.mark.postgres


@pytest.fixture
def review(postgres_url, start_review):
    return start_review(postgres_url)


def lying(review, name):
    """Number of rows in each part of a table that has any."""
    table = getattr(review.database.tables, name).fullname
    with review.database.engine.connect() as connection:
        query = text(f"SELECT tableoid::regclass::text, count(*) FROM {table} GROUP BY 1 ORDER BY 1")
        return dict(map(tuple, connection.execute(query)))


def run(review, beats, ids, province):
    """Do acts to cases of any province, by officials of that province."""
    for beat in beats:
        review.move_to(beat)
        asked = beat.request(ids)
        actor = asked.actor if beat.trigger == "posting_ended" else officials(province)
        with review.database.begin() as tx:
            outcome = review.engine.fire_many(tx, replace(asked, actor=actor))
        assert len(outcome.accepted) == len(ids), outcome.refused


def test_two_provinces_run_a_round_each_and_the_record_verifies(review):
    partition(review.database, ["01", "42"])
    here = review.open_round(1, villages=2, households=6)
    there = review.open_round(2, villages=1, households=6, path="01/001/00001")
    for beat in BEATS:
        if beat.trigger == "posting_ended":
            review.move_to(beat)
            run_due(review.database, review.engine)
        else:
            run(review, [beat], here, "42")
            run(review, [beat], there, "01")
    assert lying(review, "case") == {"rasoat_case_p01": 6, "rasoat_case_p42": 12}
    assert lying(review, "deadline") == {"rasoat_deadline_p01": 12, "rasoat_deadline_p42": 24}
    assert set(lying(review, "act")) == {"rasoat_act_p01", "rasoat_act_p42"}
    assert sum(lying(review, "event").values()) == 18 * (1 + len(BEATS))
    assert broken(review.database, review.engine.library) == []
    with review.database.read() as tx:
        assert list(Audit(tx, {}).everything()) == []


def test_a_database_in_use_is_cut_and_goes_on_and_another_province_gets_its_part_later(review):
    rounds = {path: review.open_round(n + 1, 1, 2, path) for n, path in enumerate(PLACES)}
    for path, ids in rounds.items():
        run(review, BEATS[:4], ids, path.partition("/")[0])
    before = counts(review.database)
    assert partition(review.database, ["42"]) == Partitioned((*PROVINCIAL, *HASHED), ("42",))
    assert lying(review, "case") == {"rasoat_case_p42": 4, "rasoat_case_rest": 6}
    assert partition(review.database, ["79", "42", "79"]) == Partitioned((), ("79",))
    assert partition(review.database, ["42"]) == Partitioned((), ())
    assert lying(review, "case") == {"rasoat_case_p42": 4, "rasoat_case_p79": 2, "rasoat_case_rest": 4}
    assert counts(review.database) == before
    run(review, BEATS[4:], rounds["79/760/26734"], "79")
    assert broken(review.database, review.engine.library) == []


def test_parts_refuse_what_the_whole_refuses(review):
    partition(review.database, ["42"])
    review.run(BEATS[:4], review.open_round(1, villages=1, households=2))
    parts = ["rasoat_event", "rasoat_act_p42", *(f"rasoat_event_h{i:02d}" for i in range(HASH_PARTS))]
    for part in parts:
        for verb in (f"TRUNCATE {part}", f"DELETE FROM {part}", f"UPDATE {part} SET actor = 'x'"):
            with review.database.engine.connect() as connection:
                filled = connection.exec_driver_sql(f"SELECT count(*) FROM {part}").scalar_one()
                if not filled and not verb.startswith("TRUNCATE"):
                    continue
                with pytest.raises(DBAPIError, match="append-only"):
                    connection.exec_driver_sql(verb)


def test_an_id_is_taken_once_in_whatever_province(review):
    partition(review.database, ["01", "42"])
    review.run(BEATS[:4], review.open_round(1, villages=1, households=1))
    tables = review.database.tables
    with review.database.read() as tx:
        act = next(iter(acts(tx, [row.id for row in tx.select(select(tables.act.c.id))]).values()))
        term = dict(tx.select(select(tables.deadline))[0]._mapping)
    with pytest.raises(ConflictError, match="act_key"), review.database.begin() as tx:
        insert_act(tx, act._replace(unit_path="01/001/00001"))
    with pytest.raises(StorageError, match="deadline_key"), review.database.begin() as tx:
        tx.execute(insert(tables.deadline), {**term, "unit_path": "01/001/00001"})


def test_a_case_that_moves_to_another_province_lies_in_its_part(review):
    partition(review.database, ["01", "42"])
    ids = review.open_round(1, villages=1, households=2)
    case = review.database.tables.case
    with review.database.begin() as tx:
        tx.execute(update(case).where(case.c.id == ids[0]).values(unit_path="01/001/00001/01"))
    assert lying(review, "case") == {"rasoat_case_p01": 1, "rasoat_case_p42": 1}
    review.run(BEATS[:1], ids[1:])


def test_a_question_about_one_province_reads_its_part_alone(review):
    partition(review.database, ["01", "42"])
    with review.database.engine.connect() as connection:
        query = "EXPLAIN SELECT * FROM rasoat_deadline WHERE unit_path >= '42/' AND unit_path < '420'"
        plan = "\n".join(connection.exec_driver_sql(query).scalars())
    assert "rasoat_deadline_p42" in plan
    assert "rasoat_deadline_p01" not in plan


def test_the_command_takes_the_provinces_on_record_unless_told(review):
    url = review.database.engine.url.render_as_string(hide_password=False)
    runner = CliRunner()
    none = runner.invoke(app, ["partition", "--db", url])
    assert none.exit_code == 2
    done = runner.invoke(app, ["partition", "--db", url, "--province", "42", "--province", "01", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"tables": [*PROVINCIAL, *HASHED], "provinces": ["01", "42"]}
    review.open_round(1, villages=1, households=1, path="79/760/26734")
    assert json.loads(runner.invoke(app, ["partition", "--db", url, "--json"]).stdout)["provinces"] == ["79"]


@pytest.mark.parametrize("code", ["", "4/2", "42'", "42 ", "123456789"])
def test_what_is_no_province_is_refused_by_name(review, code):
    with pytest.raises(InputError, match="province"):
        partition(review.database, ["01", code])


def test_sqlite_has_no_parts(tmp_path):
    database = Database.open(f"sqlite:///{tmp_path / 'one.db'}")
    with pytest.raises(StorageError, match="PostgreSQL"):
        partition(database, ["42"])
    database.dispose()
