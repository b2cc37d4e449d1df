"""Households through time, on SQLite and on PostgreSQL: ids survive, lineage is kept, running cases follow a rule."""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from rasoat import Actor, ActRequest, CountingIds, FrozenClock, Household, HouseholdOrder, Mandate, Person, Rasoat
from rasoat.engine.queries import StateCount
from rasoat.foundation.clock import LEGAL_ZONE
from rasoat.foundation.errors import InputError, NotFoundError, PermissionDeniedError
from rasoat.persistence.deadlines import open_of
from tests.support.invariants import broken

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMUNE, OTHER, THIRD = "42/446/18766", "42/446/18769", "42/446/19999"
V1, V2, V3 = f"{COMMUNE}/01", f"{COMMUNE}/02", f"{OTHER}/01"
OPENED = date(2022, 9, 26)
OFFICES = ("committee", "enumerator", "village_head", "commune_chair")
OFFICIAL = Actor("CB-1", tuple(Mandate(office, "42/446") for office in OFFICES), everywhere=frozenset(OFFICES))
ORDER = HouseholdOrder(OFFICIAL, date(2022, 10, 1), "31/QĐ-UBND")
MINUTES = {"attendees": 50, "in_favour": 45, "copies": 2} | {
    f"signed_by_{who}": True for who in ("chair", "secretary", "households")
}


def person(name: str, relation: str = "con", identity: str | None = None) -> Person:
    return Person(name, relation, "1970-01-01", "male", identity)


def family(code: str, *names: str, path: str = V1, identities: tuple[str | None, ...] = ()) -> Household:
    numbers = (*identities, *(None for _ in names[len(identities) :]))
    people = [person(name, "con" if i else "chủ hộ", numbers[i]) for i, name in enumerate(names)]
    return Household(code, path, tuple(people), "rural", "poor")


@pytest.fixture
def engine(database_url: str) -> Iterator[Rasoat]:
    clock = FrozenClock(datetime(2022, 10, 1, 9, tzinfo=LEGAL_ZONE))
    found = Rasoat.open(database_url, keys="development-anywhere", clock=clock, ids=CountingIds())
    level = {"valid_from": date(2000, 1, 1)}
    found.register_units(
        [
            {"code": "42", "level": "province", "name": "T", "parent": None, **level},
            {"code": "446", "level": "district", "name": "H", "parent": "42", **level},
            {"code": "18766", "level": "commune", "name": "X", "parent": "446", **level},
            {"code": "01", "level": "village", "name": "Thôn 1", "parent": "18766", **level},
            {"code": "02", "level": "village", "name": "Thôn 2", "parent": "18766", **level},
        ]
    )
    yield found
    found.close()


def put_forward(engine: Rasoat, *households: Household) -> dict[str, int]:
    engine.register_households(households)
    engine.open_round("R", "annual", COMMUNE, OPENED, ends_on=date(2022, 12, 14))
    facts = {h.code: {"origin": "managed"} for h in households}
    return dict(engine.put_forward("R", facts, OPENED).case_ids)


def people(engine: Rasoat, code: str) -> list[tuple[str, str]]:
    household_id = engine.lineage(code)[1][-1].household_id if engine.lineage(code)[1] else None
    table = engine.database.tables.household
    with engine.database.read() as tx:
        known = tx.select(select(table.c.id).where(table.c.code == code))
    found = engine.household(known[0][0] if known else household_id)
    return [(member.name, member.relation) for member in found.members]


def row(engine: Rasoat, code: str) -> Any:
    table = engine.database.tables.household
    with engine.database.read() as tx:
        return tx.select(select(table).where(table.c.code == code))[0]


def until_posted(engine: Rasoat, cases: dict[str, int]) -> None:
    ids = tuple(cases.values())
    scored = {"b1": 120, "b2": 40, "area": "rural", "respondent": "head", "surveyor": "R"}
    for trigger, day, body, rows in (
        ("list_managed", 27, {}, {}),
        ("survey", 28, {}, dict.fromkeys(ids, scored)),
        ("meet", 29, MINUTES, {}),
        ("post", 30, {"at_village_house": True, "at_commune_office": True}, {}),
    ):
        asked = ActRequest(trigger, ids, date(2022, 9, day), OFFICIAL, body=body, rows=rows)
        assert engine.fire_many(asked).ok, trigger


def whole(engine: Rasoat) -> bool:
    return broken(engine.database, engine.library) == []


def test_members_who_leave_found_a_household_of_their_own(engine):
    cases = put_forward(engine, family("H1", "A", "B", "C", identities=("111111111", "222222222", "333333333")))
    before = row(engine, "H1")
    change = engine.split_household(ORDER, "H1", "H9", {3: "chủ hộ"})
    assert (row(engine, "H1").id, row(engine, "H1").persons) == (before.id, 2)
    assert people(engine, "H1") == [("A", "chủ hộ"), ("B", "con")]
    assert people(engine, "H9") == [("C", "chủ hộ")]
    assert change.households == {"H1": before.id, "H9": row(engine, "H9").id}
    assert change.followed == (cases["H1"],)
    code, lines = engine.lineage("H9")
    assert (code, [(line.kind, line.other_id, line.document) for line in lines]) == (
        "H9", [("split", before.id, ORDER.document)],
    )  # fmt: skip
    assert engine.find_by_identity("333333333") == ["H9"]
    assert engine.left_out("R") == ["H9"]  # it enters the round by a case of its own
    told = [e for e in engine.case("H1").events if e.kind == "household"]
    assert [(e.trigger, json.loads(e.payload)["household"]) for e in told] == [("split", str(row(engine, "H9").id))]
    assert whole(engine)


@pytest.mark.parametrize("members", [{1: "chủ hộ"}, {2: "chủ hộ", 3: "con"}, {4: "chủ hộ"}, {0: "chủ hộ"}, {}])
def test_a_split_leaves_the_head_and_takes_only_members_there_are(engine, members):
    put_forward(engine, family("H1", "A", "B"))
    with pytest.raises(InputError):
        engine.split_household(ORDER, "H1", "H9", members)
    with pytest.raises(NotFoundError):
        engine.lineage("H9")


def test_a_merged_households_case_is_withdrawn_and_its_code_stands_for_the_other(engine):
    cases = put_forward(
        engine, family("H1", "A", identities=("111111111",)), family("H2", "B", identities=("222222222",))
    )
    until_posted(engine, cases)
    change = engine.merge_households(ORDER, "H1", "H2", {1: "con rể"})
    assert change.withdrawn == (cases["H1"],)
    assert engine.case(cases["H1"]).case.state == "withdrawn"
    assert json.loads(engine.case(cases["H1"]).case.facts)["reason"] == "merged: H2"
    assert engine.case(cases["H2"]).case.state == "posted"
    assert people(engine, "H2") == [("B", "chủ hộ"), ("A", "con rể")]
    assert row(engine, "H1").valid_to == ORDER.on
    assert engine.lineage("H1")[0] == "H2"
    assert engine.find_by_identity("111111111") == []  # A is a member now, no head
    with pytest.raises(InputError):
        engine.merge_households(ORDER, "H1", "H2")  # H1 is H2 by now
    assert whole(engine)


def test_a_household_under_another_head_is_found_by_the_new_heads_number(engine):
    put_forward(engine, family("H1", "A", "B", identities=("111111111", "222222222")))
    engine.change_head(ORDER, "H1", 2, {1: "bố", 2: "chủ hộ"})
    assert people(engine, "H1") == [("B", "chủ hộ"), ("A", "bố")]
    assert engine.find_by_identity("222222222") == ["H1"]
    assert engine.find_by_identity("111111111") == []
    assert [line.kind for line in engine.lineage("H1")[1]] == ["head"]
    with pytest.raises(InputError, match="its head already"):
        engine.change_head(ORDER, "H1", 1)
    assert whole(engine)


def test_within_the_commune_a_running_case_goes_along_with_its_terms(engine):
    cases = put_forward(engine, family("H1", "A"), family("H2", "B"))
    until_posted(engine, cases)
    change = engine.move_household(ORDER, "H1", V2)
    assert (change.followed, change.withdrawn) == ((cases["H1"],), ())
    assert engine.case("H1").case.unit_path == V2
    with engine.database.read() as tx:
        (posting,) = open_of(tx, [cases["H1"]])[cases["H1"]]
    assert (posting.unit_path, posting.owner_path) == (V2, COMMUNE)
    assert engine.states_as_of(date(2022, 9, 30)) == [StateCount(V1, "posted", 2)]
    assert engine.states_as_of(date(2022, 10, 1)) == [StateCount(V1, "posted", 1), StateCount(V2, "posted", 1)]
    assert engine.states_as_of(date(2022, 9, 30), unit_path=V2) == []
    assert engine.case_as_of("H1", date(2022, 9, 30)).case.unit_path == V1
    assert whole(engine)


def test_out_of_the_commune_a_running_case_is_withdrawn(engine):
    cases = put_forward(engine, family("H1", "A"))
    since = {"valid_from": date(2000, 1, 1)}
    engine.register_units(
        [
            {"code": "42", "level": "province", "name": "T", "parent": None, **since},
            {"code": "446", "level": "district", "name": "H", "parent": "42", **since},
            {"code": "18769", "level": "commune", "name": "X", "parent": "446", **since},
            {"code": "01", "level": "village", "name": "V", "parent": "18769", **since},
        ]
    )
    change = engine.move_household(ORDER, "H1", V3)
    assert (change.followed, change.withdrawn) == ((), (cases["H1"],))
    assert (engine.case("H1").case.state, engine.case("H1").case.unit_path) == ("withdrawn", V1)
    assert row(engine, "H1").unit_path == V3
    assert whole(engine)


def test_a_recoded_commune_takes_everything_along_and_old_codes_resolve(engine):
    cases = put_forward(engine, family("18766-01-001", "A"), family("18766-01-002", "B"))
    until_posted(engine, cases)
    ids = {code: row(engine, code).id for code in cases}
    new = "42/446/19999"
    change = engine.recode_commune(ORDER, COMMUNE, new)
    assert change.households == {"19999-01-001": ids["18766-01-001"], "19999-01-002": ids["18766-01-002"]}
    assert engine.case("18766-01-001").case == engine.case("19999-01-001").case
    assert engine.case("18766-01-001").case.unit_path == f"{new}/01"
    assert [e.kind for e in engine.case("18766-01-001").events].count("moved") == 1
    assert engine.states("R") == [StateCount(f"{new}/01", "posted", 2)]
    assert engine.states_as_of(date(2022, 9, 30), unit_path=COMMUNE) == [StateCount(V1, "posted", 2)]
    code, lines = engine.lineage("18766-01-001")
    assert (code, [(line.kind, line.old_code, line.old_path) for line in lines]) == (
        "19999-01-001", [("recoded", "18766-01-001", V1)],
    )  # fmt: skip
    paths = {unit.path: (unit.code, unit.valid_to) for unit in engine.units()}
    assert paths[new] == ("19999", None)
    assert paths[COMMUNE][1] == date(2022, 9, 30)
    withdrawn = ActRequest("withdraw", (cases["18766-01-001"],), date(2022, 10, 1), OFFICIAL,
                           rows={cases["18766-01-001"]: {"reason": "x"}})  # fmt: skip
    assert engine.fire(withdrawn).ok
    assert whole(engine)


def test_a_case_that_moved_is_corrected_like_any_other(engine):
    from rasoat import Correction

    cases = put_forward(engine, family("H1", "A"), family("H2", "B"))
    until_posted(engine, cases)
    engine.move_household(ORDER, "H1", V2)
    order = Correction(engine.entry("H1", "post"), OFFICIAL, ORDER.on, "1/QĐ", "nhầm", occurred_on=date(2022, 9, 29))
    assert engine.correct(order).ok
    view = engine.case("H1")
    assert (view.case.state, view.case.unit_path) == ("posted", V2)
    assert engine.case_as_of("H1").case.facts == view.case.facts
    assert engine.case_as_of("H1").case.unit_path == V2
    assert whole(engine)


def test_one_person_is_in_one_household_whichever_place_it_has_there(engine):
    first = family("H1", "A", "B", identities=("111111111", "222222222"))
    done = engine.register_households([first, family("H2", "C", "B", path=V2, identities=(None, "222222222"))])
    assert [(d.code, d.other_code, d.by) for d in done.refused] == [("H2", "H1", "member_identity")]
    done = engine.register_households([family("H3", "B", path=V2, identities=("222222222",))])
    assert [(d.code, d.other_code) for d in done.refused] == [("H3", "H1")]
    done = engine.register_households([family("H4", "D", "A", identities=(None, "111111111"))])
    assert [(d.code, d.other_code) for d in done.refused] == [("H4", "H1")]
    assert done.new == 0


def test_who_was_erased_is_found_by_no_number(engine):
    engine.register_households([family("H1", "A", "B", identities=("111111111", "222222222"))])
    engine.erase_household("H1", reason="theo yêu cầu", document="9/QĐ", actor="CB-1")
    assert engine.register_households([family("H2", "B", path=V2, identities=("222222222",))]).refused == ()


@pytest.mark.parametrize(
    ("order", "fault"),
    [
        (HouseholdOrder(Actor("x"), ORDER.on, "1"), PermissionDeniedError),
        (HouseholdOrder(Actor("x", (Mandate("committee", OTHER),)), ORDER.on, "1"), PermissionDeniedError),
        (HouseholdOrder(OFFICIAL, ORDER.on, " "), InputError),
        (HouseholdOrder(OFFICIAL, date(2022, 10, 2), "1"), InputError),
    ],
)
def test_a_change_needs_authority_a_document_and_a_day_that_has_come(engine, order, fault):
    put_forward(engine, family("H1", "A", "B"))
    for change in (
        lambda: engine.split_household(order, "H1", "H9", {2: "chủ hộ"}),
        lambda: engine.change_head(order, "H1", 2),
        lambda: engine.move_household(order, "H1", V2),
        lambda: engine.recode_commune(order, COMMUNE, "42/446/19999"),
    ):
        with pytest.raises(fault):
            change()
    assert people(engine, "H1") == [("A", "chủ hộ"), ("B", "con")]
    assert row(engine, "H1").unit_path == V1


def test_the_lineage_cannot_be_changed(engine):
    put_forward(engine, family("H1", "A"))
    engine.move_household(ORDER, "H1", V2)
    table = engine.database.tables.household_lineage
    with pytest.raises(Exception, match="append-only") as caught, engine.database.begin() as tx:
        tx.execute(table.update().values(document="x"))
    assert caught.value is not None


def test_a_look_at_people_by_a_change_is_noted(engine):
    put_forward(engine, family("H1", "A", "B"))
    engine.change_head(ORDER, "H1", 2, {1: "bố"})
    table = engine.database.tables.personal_read
    with engine.database.read() as tx:
        noted = tx.select(select(table.c.actor, table.c.purpose))
    assert [tuple(line) for line in noted] == [("CB-1", "household head: 31/QĐ-UBND")]


def neighbour(engine: Rasoat) -> None:
    """Another commune of the district with a village of the same number, on record with one household and its round."""
    since = date(2016, 1, 1)
    with engine.transaction() as tx:
        rows = [(OTHER, "18769", "commune", "Xã Láng Giềng"), (V3, "01", "village", "Thôn 1")]
        values = [
            {"path": p, "code": c, "level": level, "name": n, "valid_from": since, "valid_to": None}
            for p, c, level, n in rows
        ]
        tx.execute(tx.tables.unit.insert(), values)
    engine.register_households([family("18769-01-001", "N", path=V3)])
    engine.open_round("R2", "annual", OTHER, OPENED, ends_on=date(2022, 12, 14))
    engine.put_forward("R2", {"18769-01-001": {"origin": "managed"}}, OPENED)


def test_communes_become_one_and_every_household_keeps_its_identity_and_its_case(engine):
    cases = put_forward(engine, family("18766-01-001", "A"))
    neighbour(engine)
    ids = {code: row(engine, code).id for code in ("18766-01-001", "18769-01-001")}
    change = engine.merge_communes(ORDER, [COMMUNE, OTHER], THIRD, villages={V3: f"{THIRD}/11"}, name="Xã Chung")
    # Both codes would be 19999-01-001: the second household keeps the one it has.
    assert change.households == {"19999-01-001": ids["18766-01-001"], "18769-01-001": ids["18769-01-001"]}
    assert engine.case("18766-01-001").case.id == cases["18766-01-001"]
    assert engine.case("18766-01-001").case.unit_path == f"{THIRD}/01"
    assert engine.case("18769-01-001").case.unit_path == f"{THIRD}/11"
    assert {engine.cases_of_round(code).popitem()[0] for code in ("R", "R2")} == set(change.households)
    units = {unit.path: unit for unit in engine.units() if unit.valid_to is None}
    assert (units[THIRD].name, units[THIRD].code, units[f"{THIRD}/11"].name) == ("Xã Chung", "19999", "Thôn 1")
    assert not [path for path in units if path.startswith((COMMUNE, OTHER))]
    table = engine.database.tables.unit_lineage
    with engine.database.read() as tx:
        pairs = [tuple(r) for r in tx.select(select(table.c.old_path, table.c.new_path, table.c.kind))]
    assert {(COMMUNE, THIRD, "merged"), (OTHER, THIRD, "merged"), (V3, f"{THIRD}/11", "recoded")} <= {*pairs}
    _, lines = engine.lineage("18769-01-001")
    assert [(line.old_path, line.new_path) for line in lines] == [(V3, f"{THIRD}/11")]
    listed = ActRequest("list_managed", (cases["18766-01-001"],), ORDER.on, OFFICIAL)
    assert engine.fire(listed).ok
    assert whole(engine)


def test_a_commune_takes_another_one_in(engine):
    put_forward(engine, family("18766-01-001", "A"))
    neighbour(engine)
    change = engine.merge_communes(ORDER, [COMMUNE, OTHER], COMMUNE, villages={V3: f"{COMMUNE}/11"})
    assert list(change.households) == ["18769-01-001"]
    assert engine.case("18766-01-001").case.unit_path == V1
    assert engine.case("18769-01-001").case.unit_path == f"{COMMUNE}/11"
    assert whole(engine)


@pytest.mark.parametrize(
    ("communes", "new", "villages", "said"),
    [
        ([COMMUNE, OTHER], THIRD, {}, f"{V3} → {THIRD}/01: another unit lies there"),
        ([COMMUNE], THIRD, {}, "at least two communes"),
        ([COMMUNE, OTHER], "42/19999", {}, "a path of the same level"),
        ([COMMUNE, THIRD], OTHER, {}, "holds households already"),
        ([COMMUNE, OTHER], THIRD, {V3: "42/446/7/1"}, "right below"),
        ([COMMUNE, OTHER], THIRD, {"42/446/7/1": f"{THIRD}/11"}, "goes to a path right below"),
    ],
)
def test_a_merger_in_which_villages_would_get_mixed_up_is_refused_whole(engine, communes, new, villages, said):
    put_forward(engine, family("18766-01-001", "A"))
    neighbour(engine)
    before = (engine.units(), row(engine, "18766-01-001"), row(engine, "18769-01-001"))
    with pytest.raises(InputError, match=re.escape(said)):
        engine.merge_communes(ORDER, communes, new, villages=villages)
    assert (engine.units(), row(engine, "18766-01-001"), row(engine, "18769-01-001")) == before
