"""Questions go to a standby, commands to the primary; what the standby shows is whole, and may be late."""

from __future__ import annotations

import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event, insert

from rasoat import Rasoat
from rasoat.foundation.errors import StorageError
from rasoat.persistence.database import Database
from rasoat.persistence.keys import create_key_file
from rasoat.persistence.migrating import upgrade
from rasoat.persistence.replicas import behind
from tests.support.postgres import PostgresMissingError
from tests.support.reviews import BEATS, COMMUNE, Review
from tests.support.serving import Service
from tests.support.standby import Standby

pytestmark = pytest.mark.xdist_group("standby")  # one server follows, whatever number of workers ask it
DAY = date(2022, 10, 3)


@pytest.fixture(scope="module")
def standby(postgres_cluster):
    found = Standby(postgres_cluster, Path(tempfile.mkdtemp(prefix="rasoat-standby-")))
    try:
        found.start()
    except PostgresMissingError as missing:
        pytest.skip(str(missing))
    yield found
    found.stop()


@pytest.fixture
def keys(tmp_path):
    create_key_file(tmp_path / "keys.json")
    return f"file:{tmp_path / 'keys.json'}"


@pytest.fixture
def engine(postgres_url, standby, keys):
    database = Database.open(postgres_url)
    upgrade(database)
    shown(standby, database)
    database.dispose()
    engine = Rasoat.open(postgres_url, keys=keys, create=False, read_url=standby.url_of(postgres_url))
    yield engine
    engine.close()


def shown(standby, database):
    """Wait until the standby has replayed all that is committed."""
    with database.engine.connect() as connection:
        written = connection.exec_driver_sql("SELECT pg_current_wal_insert_lsn()::text").scalar_one()
    copy = create_engine(f"postgresql+psycopg://rasoat@/postgres?host={standby.folder}")
    with copy.connect() as connection:
        for _ in range(600):
            query = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
            if connection.exec_driver_sql(query, (written,)).scalar_one():
                break
            time.sleep(0.05)
        else:
            pytest.fail("the standby does not follow")
    copy.dispose()


def held_back(standby, *, hold):
    admin = create_engine(f"postgresql+psycopg://rasoat@/postgres?host={standby.folder}", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"SELECT pg_wal_replay_{'pause' if hold else 'resume'}()")
        for _ in range(600):
            state = connection.exec_driver_sql("SELECT pg_get_wal_replay_pause_state()").scalar_one()
            if state == ("paused" if hold else "not paused"):
                break
            time.sleep(0.05)
    admin.dispose()


def states(engine):
    return {line.state: line.count for line in engine.states("R1")}


@pytest.mark.postgres
def _caught_up(replica):
    """Whether the standby shows all it has received, within ten seconds."""
    for _ in range(200):
        if behind(replica) == timedelta(0):
            return True
        time.sleep(0.05)
    return False


def test_a_standby_shows_a_round_late_but_whole(engine, standby):
    review = Review(engine.database)
    ids = review.open_round(1, villages=1, households=3)
    shown(standby, engine.database)
    before = states(engine)
    held_back(standby, hold=True)
    try:
        review.run(BEATS[:2], ids)
        assert states(engine) == before
    finally:
        held_back(standby, hold=False)
    shown(standby, engine.database)
    assert sum(states(engine).values()) == 3
    assert states(engine).keys() != before.keys()
    assert _caught_up(engine.queries)
    assert behind(engine.database) is None


@pytest.mark.postgres
def test_a_standby_takes_no_command(engine):
    with pytest.raises(StorageError, match="read-only"):
        Review(engine.queries).open_round(1, villages=1, households=1)


QUESTIONS = {
    "case": lambda e, case_id: e.case(case_id),
    "cases_of_round": lambda e, _: e.cases_of_round("R1"),
    "left_out": lambda e, _: e.left_out("R1"),
    "overdue": lambda e, _: e.overdue(),
    "due_between": lambda e, _: e.due_between(DAY, DAY),
    "states": lambda e, _: e.states("R1"),
    "units": lambda e, _: e.units(),
    "case_as_of": lambda e, case_id: e.case_as_of(case_id, DAY),
    "cases_as_of": lambda e, _: list(e.cases_as_of(DAY, round_code="R1")),
    "states_as_of": lambda e, _: e.states_as_of(DAY, round_code="R1"),
    "agenda": lambda e, _: e.agenda(),
    "punctuality": lambda e, _: e.punctuality(),
    "outlooks": lambda e, _: e.outlooks("R1"),
    "lineage": lambda e, _: e.lineage("H1"),
    "desk_feed": lambda e, _: e.desk_feed("committee", COMMUNE),
    "rehearse": lambda e, _: e.rehearse("R1"),
    "what_if": lambda e, _: e.what_if([], e.today(), unit_paths=[COMMUNE]),
}
RESTING_ON = {
    "entry": lambda e, case_id: e.entry(case_id, "list_managed"),
    "run_due": lambda e, _: e.run_due(),
    "find_by_identity": lambda e, _: e.find_by_identity("001122334455"),
}


@pytest.fixture
def two_doors(tmp_path):
    """One SQLite file opened twice, and the doors each call went through."""
    url = f"sqlite:///{tmp_path / 'one.db'}"
    Rasoat.open(url).close()
    engine = Rasoat.open(url, read_url=url)
    doors = []
    for name, database in (("primary", engine.database), ("replica", engine.queries)):
        event.listen(database.engine, "checkout", lambda *_, name=name: doors.append(name))
    review = Review(engine.database)
    ids = review.open_round(1, villages=1, households=1)
    with engine.database.begin() as tx:
        row = {"unit_path": f"{COMMUNE}/01", "persons": 1, "area": "rural", "class_now": "none", "sealed": b"",
               "data_key_id": b"12345678", "master_key_id": "", "wrapped_key": b"", "valid_from": DAY}  # fmt: skip
        tx.execute(insert(tx.tables.household), {**row, "id": 1_000_000, "code": "H1"})
    review.run(BEATS[:1], ids)
    doors.clear()
    yield engine, ids[0], doors
    engine.close()


@pytest.mark.parametrize("name", QUESTIONS)
def test_questions_never_trouble_the_primary(two_doors, name):
    engine, case_id, doors = two_doors
    QUESTIONS[name](engine, case_id)
    assert set(doors) == {"replica"}


@pytest.mark.parametrize("name", RESTING_ON)
def test_what_a_decision_rests_on_is_never_asked_of_the_replica(two_doors, name):
    engine, case_id, doors = two_doors
    RESTING_ON[name](engine, case_id)
    assert set(doors) == {"primary"}


def test_without_a_replica_the_database_answers_itself(tmp_path):
    engine = Rasoat.open(f"sqlite:///{tmp_path / 'one.db'}")
    assert engine.queries is engine.database
    engine.close()


def test_a_copy_of_another_kind_or_of_another_release_is_refused(tmp_path):
    url = f"sqlite:///{tmp_path / 'one.db'}"
    with pytest.raises(StorageError, match="copy of a sqlite"):
        Rasoat.open(url, read_url="postgresql+psycopg://nobody@/none")
    with pytest.raises(StorageError, match="revision none"):
        Rasoat.open(url, read_url=f"sqlite:///{tmp_path / 'other.db'}")


@pytest.mark.postgres
def test_the_change_feed_leaves_nothing_out_while_the_standby_lags(postgres_url, engine, standby, tmp_path):
    service = Service(postgres_url, tmp_path, read_url=standby.url_of(postgres_url))
    ids = [str(case) for case in service.plant(villages=1, households=2).values()]
    said = {"trigger": BEATS[0].trigger, "occurred_on": BEATS[0].day.isoformat(), "cases": ids, "body": BEATS[0].body}
    with service.client(service.token()) as client:
        service.at(BEATS[0].at())
        shown(standby, service.engine.database)
        first = client.get("/v1/changes").json()
        held_back(standby, hold=True)
        try:
            assert client.post("/v1/acts", json=said).status_code == 201
            service.at(BEATS[0].at() + timedelta(minutes=1))
            during = client.get("/v1/changes", params={"cursor": first["next"]}).json()
        finally:
            held_back(standby, hold=False)
        shown(standby, service.engine.database)
        whole = client.get("/v1/changes").json()
    service.close()
    assert [*first["items"], *during["items"]] == whole["items"]
    assert [each["case"] for each in during["items"]] == sorted(ids)
