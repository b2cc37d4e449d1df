"""The change feed never steps over an event that is committed late."""

from __future__ import annotations

from datetime import date

import pytest

from rasoat import Actor, ActRequest, Mandate, Rasoat
from rasoat.persistence import changes
from rasoat.persistence.keys import FileKeys, create_key_file
from rasoat.persistence.scoping import Scope
from tests.support.serving import COMMUNE, STARTED, code, household, units_of

SCOPE = Scope(("42",))
ACTOR = Actor("CB-01", (Mandate("committee", COMMUNE),))


@pytest.fixture
def engine(database_url, tmp_path):
    create_key_file(tmp_path / "keys.json")
    opened = Rasoat.open(database_url, keys=FileKeys(tmp_path / "keys.json"))
    yield opened
    opened.close()


def _cases(engine):
    engine.register_units(units_of(1))
    engine.register_households([household(1, 1), household(1, 2)])
    engine.open_round("R", "annual", COMMUNE, STARTED)
    found = engine.put_forward("R", {code(1, n): {"origin": "managed"} for n in (1, 2)}, STARTED)
    return [found.case_ids[code(1, n)] for n in (1, 2)]


def _listing(case):
    return ActRequest("list_managed", (case,), date(2022, 9, 27), ACTOR)


def _read(engine, position):
    with engine.database.read() as tx:
        before = changes.settled_before(tx, engine.clock.now())
        return changes.changes(tx, SCOPE, position, before, limit=100)


def test_an_event_that_is_committed_late_is_still_delivered(engine, monkeypatch):
    monkeypatch.setattr(changes, "_SKEW", changes.timedelta(0))  # one process, one clock
    slow, quick = _cases(engine)
    opened = _read(engine, changes.START)
    assert [c.seq for c in opened] == [1, 1]
    position = opened[-1].position
    if engine.database.engine.dialect.name == "postgresql":  # SQLite lets nobody write beside the slow one
        with engine.transaction() as tx:
            engine.engine.fire_many(tx, _listing(slow))
            engine.fire_many(_listing(quick))
            assert _read(engine, position) == []  # the quick one is committed, but not settled
    else:
        engine.fire_many(_listing(slow))
        engine.fire_many(_listing(quick))
    assert [c.case_id for c in _read(engine, position)] == [slow, quick]


def test_an_event_of_this_very_instant_waits_until_the_instant_is_over(engine):
    _cases(engine)
    with engine.database.read() as tx:
        [first, second] = changes.changes(tx, SCOPE, changes.START, engine.clock.now(), limit=10)
        assert changes.changes(tx, SCOPE, changes.START, first.recorded_at, limit=10) == []
        assert changes.changes(tx, SCOPE, first.position, engine.clock.now(), limit=10) == [second]
