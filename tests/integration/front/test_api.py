"""The public API on both databases: what a host relies on."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from rasoat import (
    ActRequest,
    CountingIds,
    Database,
    FrozenClock,
    Household,
    Mode,
    Person,
    Rasoat,
    RasoatError,
)
from rasoat.foundation.clock import LEGAL_ZONE
from rasoat.foundation.errors import InputError, NotFoundError
from rasoat.persistence.keys import DevelopmentKeys
from tests.support.embedding import COMMUNE, OPENED, UNITS, VILLAGE, household, listing

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2022, 9, 27, 9, tzinfo=LEGAL_ZONE))


@pytest.fixture
def engine(database_url: str, clock: FrozenClock) -> Iterator[Rasoat]:
    opened = Rasoat.open(database_url, keys="development-anywhere", clock=clock, ids=CountingIds())
    opened.register_units(UNITS)
    yield opened
    opened.close()


@pytest.fixture
def cases(engine: Rasoat) -> dict[str, int]:
    engine.register_households([household(n) for n in range(3)])
    engine.open_round("R", "annual", COMMUNE, OPENED)
    return dict(engine.put_forward("R", {f"HB-{n:03}": {"origin": "managed"} for n in range(3)}, OPENED).case_ids)


def test_registering_and_putting_forward_twice_changes_nothing(engine: Rasoat, cases: dict[str, int]) -> None:
    assert engine.register_units(UNITS) == 0
    assert engine.register_households([household(n) for n in range(3)]).new == 0
    again = engine.put_forward("R", {"HB-000": {"origin": "managed"}}, OPENED)
    assert (again.new, again.case_ids["HB-000"]) == (0, cases["HB-000"])


def test_the_same_identity_number_under_another_code_is_refused(engine: Rasoat) -> None:
    engine.register_households([household(1, "001122334455")])
    done = engine.register_households([household(2, "001 122 334 455"), household(3, "001122334466")])
    assert [(d.code, d.other_code, d.by) for d in done.refused] == [("HB-002", "HB-001", "identity")]
    assert done.new == 1


def test_the_same_head_name_birth_and_commune_is_flagged_and_kept(engine: Rasoat) -> None:
    first = household(1, name="Trần Hoà")
    twin = Household("HB-900", VILLAGE, (Person("Trần  Hòa", "chủ hộ", first.members[0].born, "male"),), "rural")
    engine.register_households([first])
    done = engine.register_households([twin])
    assert [(d.code, d.other_code) for d in done.flagged] == [("HB-900", "HB-001")]
    assert done.new == 1


def test_a_household_comes_back_as_it_was_registered(engine: Rasoat) -> None:
    given = household(5, "001122334455")
    known = engine.register_households([given])
    assert engine.household(known.ids["HB-005"]) == given


def test_managed_households_in_no_round_are_listed_as_left_out(engine: Rasoat, cases: dict[str, int]) -> None:
    assert engine.left_out("R") == []
    engine.register_households([household(9)])
    assert engine.left_out("R") == ["HB-009"]


def test_all_or_nothing_is_the_default_and_each_is_a_choice(engine: Rasoat, cases: dict[str, int]) -> None:
    first, second, third = cases.values()
    assert engine.fire(listing(first)).ok
    whole = engine.fire_many(listing(first, second, third))
    assert (whole.act_id, whole.accepted, len(whole.refused)) == (None, (), 1)
    each = engine.fire_many(listing(first, second, third, mode=Mode.EACH))
    assert ([m.case_id for m in each.accepted], [r.case_id for r in each.refused]) == ([second, third], [first])


def test_a_host_that_rolls_back_leaves_neither_its_row_nor_ours(engine: Rasoat, cases: dict[str, int]) -> None:
    with engine.database.engine.connect() as connection:
        connection.execute(text("CREATE TABLE host_row (n integer)"))
        connection.commit()
        connection.execute(text("INSERT INTO host_row VALUES (1)"))
        assert engine.fire(listing(cases["HB-000"]), connection=connection).ok
        connection.rollback()
        assert connection.execute(text("SELECT count(*) FROM host_row")).scalar() == 0
        connection.rollback()
    assert engine.case("HB-000").case.state == "registered"


def test_a_host_that_commits_keeps_both(engine: Rasoat, cases: dict[str, int]) -> None:
    bound = Rasoat.bind(
        Database(engine.database.engine), keys=DevelopmentKeys("sqlite://"), clock=engine.clock, ids=engine.ids
    )
    with engine.database.engine.connect() as connection:
        connection.execute(text("CREATE TABLE host_row (n integer)"))
        connection.execute(text("INSERT INTO host_row VALUES (1)"))
        bound.fire(listing(cases["HB-000"]), connection=connection)
        connection.commit()
        assert connection.execute(text("SELECT count(*) FROM host_row")).scalar() == 1
        connection.rollback()
    assert engine.case("HB-000").case.state == "listed"


def test_an_observer_may_veto_and_nothing_is_written(database_url: str, clock: FrozenClock) -> None:
    class VetoError(Exception):
        """The host says no."""

    def veto(_tx: object, request: ActRequest, _steps: object) -> None:
        if request.trigger == "list_managed":
            raise VetoError

    engine = Rasoat.open(
        database_url, keys="development-anywhere", clock=clock, ids=CountingIds(), observers=[veto]
    )  # fmt: skip
    engine.register_units(UNITS)
    engine.register_households([household(0)])
    engine.open_round("R", "annual", COMMUNE, OPENED)
    case_id = engine.put_forward("R", {"HB-000": {"origin": "managed"}}, OPENED).case_ids["HB-000"]
    with pytest.raises(VetoError):
        engine.fire(listing(case_id))
    assert engine.case(case_id).case.seq == 1
    engine.close()


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        (lambda e: e.case("nobody"), NotFoundError),
        (lambda e: e.fire(listing(1, 2)), InputError),
        (lambda e: e.fire_many(listing(987_654)), NotFoundError),
        (lambda e: e.open_round("R2", "annual", COMMUNE, date(2027, 9, 1)), NotFoundError),
        (lambda e: e.open_round("R3", "nothing", COMMUNE, OPENED), NotFoundError),
        (lambda e: e.put_forward("R", {"HB-unknown": {}}, OPENED), NotFoundError),
        (lambda e: e.open_round("R", "annual", COMMUNE, OPENED + timedelta(days=1)), InputError),
    ],
)
def test_a_wrong_call_is_a_fault_of_the_one_tree(
    engine: Rasoat, cases: dict[str, int], call: object, fault: type[RasoatError]
) -> None:
    with pytest.raises(fault) as caught:
        call(engine)  # type: ignore[operator]  # a lambda of the table above
    assert isinstance(caught.value, RasoatError)
    assert cases


def test_a_database_of_another_release_is_refused_with_the_command_that_mends_it(empty_database_url: str) -> None:
    with pytest.raises(RasoatError, match="rasoat db upgrade"):
        Rasoat.open(empty_database_url, keys="development-anywhere", create=False)


def test_postgresql_without_keys_is_refused_with_how_to_make_them(postgres_url: str) -> None:
    with pytest.raises(InputError, match="rasoat keys init"):
        Rasoat.open(postgres_url)
