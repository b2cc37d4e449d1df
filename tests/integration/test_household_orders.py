"""Who may change a household or a commune, when, and that only one of several at once does. On both databases."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text, update

from rasoat import (
    Actor,
    CountingIds,
    FrozenClock,
    Household,
    HouseholdChange,
    HouseholdOrder,
    Mandate,
    OpeningCorrection,
    Person,
    Rasoat,
    TimeOrderedIds,
)
from rasoat.erasing import Erasure, destroy, erasure_of
from rasoat.foundation.clock import LEGAL_ZONE
from rasoat.foundation.errors import (
    ConflictError,
    IdempotencyError,
    InputError,
    NotFoundError,
    PermissionDeniedError,
    RasoatError,
)
from rasoat.persistence.rounds import households_by_code, insert_households
from tests.support.invariants import broken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

DISTRICT, ELSEWHERE = "42/446", "42/447"
COMMUNE, OTHER = f"{DISTRICT}/18766", f"{DISTRICT}/18769"
V1, V2, V3 = f"{COMMUNE}/01", f"{COMMUNE}/02", f"{OTHER}/03"
TODAY = date(2022, 10, 1)
UNITS = [
    ("42", "province", None), ("446", "district", "42"), ("447", "district", "42"), ("18766", "commune", "446"),
    ("18769", "commune", "446"), ("01", "village", "18766"), ("02", "village", "18766"), ("03", "village", "18769"),
    ("04", "village", "18766"),
]  # fmt: skip


def holding(*mandates: Mandate, on: date = TODAY) -> HouseholdOrder:
    return HouseholdOrder(Actor("CB-1", mandates), on, "31/QĐ-UBND")


OFFICIAL = holding(Mandate("committee", COMMUNE))


def open_engine(url: str, **options: Any) -> Rasoat:
    clock = FrozenClock(datetime(2022, 10, 1, 9, tzinfo=LEGAL_ZONE))
    return Rasoat.open(url, keys="development-anywhere", clock=clock, **options)


def family(code: str, *names: str) -> Household:
    people = [Person(name, "con" if i else "chủ hộ", "1970-01-01", "male") for i, name in enumerate(names)]
    return Household(code, V1, tuple(people), "rural", "poor")


@pytest.fixture
def engine(database_url: str) -> Iterator[Rasoat]:
    opened = open_engine(database_url, ids=CountingIds())
    opened.register_units(
        [{"code": c, "level": level, "name": c, "parent": up, "valid_from": date(2000, 1, 1)} for c, level, up in UNITS]
    )
    opened.register_households([family("K-1", "An", "Bình", "Chi"), family("K-2", "Dung", "Em")])
    opened.open_round("R", "annual", COMMUNE, date(2022, 9, 26))
    opened.put_forward("R", {"K-1": {"origin": "managed"}}, date(2022, 9, 26))  # K-2 has no case
    yield opened
    opened.close()


def rows(engine: Rasoat) -> dict[str, Any]:
    with engine.database.read() as tx:
        return {row.code: row for row in tx.select(select(tx.tables.household))}


def names(engine: Rasoat, code: str) -> list[str]:
    return [member.name for member in engine.household(rows(engine)[code].id).members]


def at_once(engine: Rasoat, url: str, changes: Sequence[Callable[[Rasoat], Any]]) -> list[Any]:
    """Begin changes while another writer holds the households, let all of them wait for it, and then go on.

    On SQLite, which has one writer, they follow each other.
    """
    writers = [open_engine(url, ids=TimeOrderedIds()) for _ in changes]

    def run(index: int) -> Any:
        try:
            return changes[index](writers[index])
        except RasoatError as error:
            return error

    with ThreadPoolExecutor(len(changes)) as pool:
        with engine.transaction() as tx:
            tx.execute(update(tx.tables.household).values(area="rural"))
            begun = [pool.submit(run, index) for index in range(len(changes))]
            if tx.dialect == "postgresql":
                until_waiting(engine, len(changes))
            else:
                time.sleep(0.05)
        answers = [each.result(timeout=60) for each in begun]
    for writer in writers:
        writer.close()
    return answers


def until_waiting(engine: Rasoat, count: int) -> None:
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    pause = threading.Event()
    for _ in range(600):
        with engine.database.read() as tx:
            if tx.select(waiting)[0][0] >= count:
                return
        pause.wait(0.05)
    pytest.fail("the changes do not wait for who holds the household")


def won(answers: Sequence[Any]) -> list[Any]:
    lost = [answer for answer in answers if isinstance(answer, Exception)]
    assert all(isinstance(each, ConflictError | InputError) for each in lost), lost
    return [answer for answer in answers if answer not in lost]


def test_of_two_mergers_into_each_other_one_is_done(engine, database_url):
    answers = at_once(
        engine, database_url, [
            lambda e: e.merge_households(OFFICIAL, "K-1", "K-2", {1: "con"}),
            lambda e: e.merge_households(OFFICIAL, "K-2", "K-1", {1: "con"}),
        ],
    )  # fmt: skip
    assert len(won(answers)) == 1
    [living] = [row for row in rows(engine).values() if row.valid_to is None]
    assert sorted(names(engine, living.code)) == ["An", "Bình", "Chi", "Dung", "Em"]
    assert broken(engine.database, engine.library) == []


def test_a_member_is_split_off_once(engine, database_url):
    splits = [lambda e, n=n: e.split_household(OFFICIAL, "K-2", f"N-{n}", {2: "chủ hộ"}) for n in range(4)]
    assert len(won(at_once(engine, database_url, splits))) == 1
    [new] = [code for code in rows(engine) if code.startswith("N-")]
    assert (names(engine, new), names(engine, "K-2")) == (["Em"], ["Dung"])


def test_of_several_who_found_a_household_under_one_code_one_does_and_the_others_are_told_to_try_again(
    engine, database_url
):
    found = [
        lambda e: e.split_household(OFFICIAL, "K-1", "N-1", {2: "chủ hộ"}),
        lambda e: e.split_household(OFFICIAL, "K-2", "N-1", {2: "chủ hộ"}),
    ]
    answers = at_once(engine, database_url, found)
    assert len(won(answers)) == 1
    [lost] = [answer for answer in answers if isinstance(answer, Exception)]
    assert isinstance(lost, ConflictError | InputError)  # at the same moment, or after
    assert [code for code in rows(engine) if code.startswith("N-")] == ["N-1"]


def test_a_code_that_is_taken_while_one_looks_is_a_conflict(engine):
    with engine.transaction() as tx, pytest.raises(ConflictError, match="took the same key first"):
        (row,) = households_by_code(tx, ["K-1"]).values()
        with tx.savepoint():
            insert_households(tx, [row._replace(id=999_999)])


@pytest.mark.parametrize("unit", [f"{COMMUNE}/77", f"{COMMUNE}/05"])
def test_nobody_goes_to_a_village_that_is_not_there_or_is_no_more(engine, unit):
    gone = {"code": "05", "level": "village", "name": "05", "parent": "18766"}
    engine.register_units(
        [{"code": c, "level": level, "name": c, "parent": up, "valid_from": date(2000, 1, 1)} for c, level, up in UNITS]
        + [{**gone, "valid_from": date(2000, 1, 1), "valid_to": date(2022, 8, 31)}]
    )
    before = rows(engine)
    for change in (
        lambda: engine.move_household(OFFICIAL, "K-2", unit),
        lambda: engine.split_household(OFFICIAL, "K-2", "N-1", {2: "chủ hộ"}, unit_path=unit),
    ):
        with pytest.raises(NotFoundError, match=unit):
            change()
    assert rows(engine) == before


def test_no_change_of_a_head_is_lost(engine, database_url):
    heads = [lambda e: e.change_head(OFFICIAL, "K-2", 2, {1: "bố"})] * 3
    done = won(at_once(engine, database_url, heads))
    if engine.database.engine.dialect.name == "postgresql":  # they saw the same household: one of them holds
        assert len(done) == 1
    assert len(engine.lineage("K-2")[1]) == len(done)
    assert sorted(names(engine, "K-2")) == ["Dung", "Em"]


def test_nobody_is_written_back_into_a_household_that_is_forgotten(engine, database_url):
    answers = at_once(
        engine, database_url, [
            lambda e: e.erase_household("K-2", reason="hết hạn", document="9/QĐ", actor="cb"),
            lambda e: e.change_head(OFFICIAL, "K-2", 2, {1: "bố"}),
            lambda e: e.move_household(OFFICIAL, "K-2", V2),
        ],
    )  # fmt: skip
    assert all(not isinstance(a, Exception) or isinstance(a, ConflictError | NotFoundError) for a in answers)
    if not isinstance(answers[0], Exception):
        row = rows(engine)["K-2"]
        assert (row.wrapped_key, row.sealed, row.identity_index) == (b"", b"", None)


def test_a_loser_may_try_again(engine, database_url):
    moves = [lambda e, v=v: e.move_household(OFFICIAL, "K-2", v) for v in (V2, f"{COMMUNE}/04")]
    answers = at_once(engine, database_url, moves)
    lost = [answer for answer in answers if isinstance(answer, Exception)]
    if engine.database.engine.dialect.name == "postgresql":
        assert [(each.code, each.retryable, bool(each.vi)) for each in lost] == [("conflict", True, True)]


def test_a_merger_leaves_nothing_sealed_in_the_household_that_ended_and_says_so(engine):
    engine.merge_households(OFFICIAL, "K-1", "K-2", {1: "anh"})
    row = rows(engine)["K-1"]
    assert (row.valid_to, row.wrapped_key, row.master_key_id, row.sealed) == (TODAY, b"", "", b"")
    with engine.database.read() as tx:
        erasure = erasure_of(tx, row.id)
    assert erasure is not None
    assert (erasure[1].reason, erasure[1].document) == ("merged: K-2", "31/QĐ-UBND")
    assert names(engine, "K-2") == ["Dung", "Em", "An", "Bình", "Chi"]
    engine.erase_household("K-1", reason="hết hạn", document="9/QĐ", actor="cb")
    assert [row.wrapped_key for row in rows(engine).values()] == [b"", b""]
    assert broken(engine.database, engine.library) == []


def test_what_an_earlier_merger_left_sealed_goes_with_the_household_its_people_are_in(engine, monkeypatch):
    """As mergers were before: the row that ended keeps its key."""
    monkeypatch.setattr("rasoat.households.destroy", lambda *_: None)
    engine.merge_households(OFFICIAL, "K-1", "K-2", {1: "anh"})
    engine.split_household(OFFICIAL, "K-2", "K-3", {3: "chủ hộ"})
    assert names(engine, "K-1") == ["An", "Bình", "Chi"]
    done = engine.erase_household("K-3", reason="hết hạn", document="9/QĐ", actor="cb")
    found = rows(engine)
    assert (found["K-1"].wrapped_key, found["K-3"].wrapped_key, done.household_id) == (b"", b"", found["K-3"].id)
    assert names(engine, "K-2") == ["Dung", "Em", "Bình", "Chi"]  # who stayed is not concerned
    with pytest.raises(InputError, match="erased before"):
        engine.erase_household("K-3", reason="hết hạn", document="9/QĐ", actor="cb")


def test_what_is_destroyed_is_on_record_once(engine):
    with engine.transaction() as tx:
        row = households_by_code(tx, ["K-1"])["K-1"]
        destroy(tx, row, Erasure("x", "1/QĐ", "cb"), engine.clock.now())
    with engine.database.read() as tx:
        assert erasure_of(tx, row.id) == (engine.clock.now(), Erasure("x", "1/QĐ", "cb"))


@pytest.mark.parametrize(
    ("old", "new", "fault", "said"),
    [
        (V1, f"{OTHER}/09", InputError, f"{V1} is no commune"),
        (f"{DISTRICT}/7", f"{DISTRICT}/8", InputError, "is no commune"),
        (COMMUNE, "42/999/18766", InputError, "does not exist"),
        (COMMUNE, f"{ELSEWHERE}/18766", PermissionDeniedError, f"no power over {ELSEWHERE}"),
        (COMMUNE, OTHER, InputError, "expected another path"),
        (COMMUNE, f"{DISTRICT}/", InputError, "no path of a commune"),
        (OTHER, f"{DISTRICT}/19999", PermissionDeniedError, "holds none of the roles"),
    ],
)
def test_a_commune_goes_only_where_it_can_be_and_the_order_reaches(engine, old, new, fault, said):
    engine.register_households([replace(family("K-3", "G"), unit_path=V3)])
    before = (engine.units(), rows(engine))
    with pytest.raises(fault) as refused:
        engine.recode_commune(OFFICIAL, old, new)
    assert said in str(refused.value)
    assert (engine.units(), rows(engine)) == before


def test_a_commune_that_ended_gets_no_other_code(engine):
    engine.recode_commune(OFFICIAL, COMMUNE, f"{DISTRICT}/19999")
    again = holding(Mandate("commune_chair", COMMUNE))
    with pytest.raises(InputError, match="no commune that stands"):
        engine.recode_commune(again, COMMUNE, f"{DISTRICT}/19998")


def test_the_supervisor_of_both_puts_a_commune_into_another_district(engine):
    new = f"{ELSEWHERE}/18766"
    engine.recode_commune(holding(Mandate("supervisor", "42")), COMMUNE, new)
    assert {row.unit_path for row in rows(engine).values()} == {f"{new}/01"}
    assert broken(engine.database, engine.library) == []


def test_communes_become_one_only_by_who_rules_all_of_them(engine):
    with pytest.raises(PermissionDeniedError, match=f"for {OTHER}"):
        engine.merge_communes(OFFICIAL, [COMMUNE, OTHER], COMMUNE)
    both = holding(Mandate("commune_chair", COMMUNE), Mandate("commune_chair", OTHER))
    engine.merge_communes(both, [COMMUNE, OTHER], COMMUNE)
    assert [unit.path for unit in engine.units() if unit.path == f"{COMMUNE}/03"] == [f"{COMMUNE}/03"]


@pytest.mark.parametrize(
    "order",
    [
        holding(Mandate("committee", "42")),
        holding(Mandate("committee", DISTRICT)),
        holding(Mandate("committee", V1)),
        holding(Mandate("committee", COMMUNE, None, date(2022, 9, 30)), on=TODAY),
        holding(Mandate("committee", COMMUNE, None, date(2022, 9, 30)), on=date(2022, 9, 30)),
        holding(Mandate("committee", COMMUNE, TODAY), on=date(2022, 9, 30)),
        holding(Mandate("village_head", V1)),
    ],
)
def test_only_the_office_of_the_commune_changes_a_household_and_only_while_it_is_held(engine, order):
    with pytest.raises(PermissionDeniedError) as refused:
        engine.move_household(order, "K-1", V2)
    assert refused.value.vi
    assert rows(engine)["K-1"].unit_path == V1


def test_offices_above_change_households_where_mandates_reach_down(engine):
    engine.set_setting("mandates_reach_down", value=True)
    engine.move_household(holding(Mandate("committee", "42")), "K-1", V2)
    assert rows(engine)["K-1"].unit_path == V2


def test_the_supervisor_changes_households_of_every_commune_below(engine):
    engine.move_household(holding(Mandate("supervisor", "42")), "K-1", V2)
    assert rows(engine)["K-1"].unit_path == V2


def test_a_change_is_not_dated_before_its_household_nor_beyond_what_may_be_back_dated(engine):
    early = replace(OFFICIAL, on=date(2022, 9, 30))
    with pytest.raises(InputError, match="before the day from which it is on record"):
        engine.move_household(early, "K-1", V2)
    engine.clock.move_to(datetime(2022, 10, 12, 9, tzinfo=LEGAL_ZONE))
    engine.set_setting("back_dating_days", 10)
    with pytest.raises(InputError, match="more than 10 days"):
        engine.move_household(OFFICIAL, "K-1", V2)
    engine.move_household(replace(OFFICIAL, on=date(2022, 10, 2)), "K-1", V2)


def test_the_new_head_is_the_head_and_what_the_former_one_is_must_be_said(engine):
    for relations in ({}, {2: "chủ hộ"}, {1: "Chủ hộ"}, {1: "bố", 2: "vợ"}):
        with pytest.raises(InputError):
            engine.change_head(OFFICIAL, "K-1", 2, relations)
    engine.change_head(OFFICIAL, "K-1", 2, {1: "bố"})
    found = engine.household(rows(engine)["K-1"].id).members
    assert [(m.name, m.relation) for m in found] == [("Bình", "chủ hộ"), ("An", "bố"), ("Chi", "con")]


def test_for_whom_it_was_entered_is_in_the_chain(engine):
    deputy = replace(OFFICIAL, actor=replace(OFFICIAL.actor, on_behalf_of="CT-1"))
    engine.change_head(deputy, "K-1", 2, {1: "bố"})
    engine.move_household(deputy, "K-1", V2)
    engine.erase_household("K-1", reason="hết hạn", document="9/QĐ", actor="cb", on_behalf_of="CT-1")
    events = [event for event in engine.case("K-1").events if event.kind in {"household", "moved", "erasure"}]
    assert [(e.kind, json.loads(e.payload)["on_behalf_of"]) for e in events] == [
        ("household", "CT-1"), ("moved", "CT-1"), ("erasure", "CT-1"),
    ]  # fmt: skip
    assert broken(engine.database, engine.library) == []


def test_for_whom_it_was_entered_stands_beside_what_was_done(engine):
    deputy = replace(OFFICIAL, actor=replace(OFFICIAL.actor, on_behalf_of="CT-1"))
    engine.merge_households(deputy, "K-2", "K-1")
    engine.change_head(OFFICIAL, "K-1", 2, {1: "bố"})
    ended = rows(engine)["K-2"].id
    engine.erase_household("K-1", reason="hết hạn", document="9/QĐ", actor="cb", on_behalf_of="CT-2")
    assert [(row.kind, row.actor, row.on_behalf_of) for row in engine.lineage("K-1")[1]] == [
        ("merged", "CB-1", "CT-1"), ("head", "CB-1", None),
    ]  # fmt: skip
    with engine.database.read() as tx:
        said = [erasure_of(tx, household_id) for household_id in (ended, rows(engine)["K-1"].id)]
    assert [(found[1].actor, found[1].on_behalf_of) for found in said if found] == [("CB-1", "CT-1"), ("cb", "CT-2")]


def test_an_area_that_was_registered_wrong_is_registered_anew_and_the_running_case_is_told(engine):
    done = engine.change_area(OFFICIAL, "K-1", "urban")
    case = engine.case("K-1")
    assert (rows(engine)["K-1"].area, rows(engine)["K-2"].area) == ("urban", "rural")
    assert done == HouseholdChange({"K-1": rows(engine)["K-1"].id}, (case.case.id,))
    (line,) = engine.lineage("K-1")[1]
    assert (line.kind, line.old_area, line.new_area, line.document) == ("area", "rural", "urban", OFFICIAL.document)
    told = json.loads(case.events[-1].payload)
    assert (case.events[-1].trigger, told["old"], told["new"]) == ("area", "rural", "urban")
    assert json.loads(case.case.facts)["area"] == "rural"  # what the case was opened with is the case's
    assert broken(engine.database, engine.library) == []


def test_a_case_opened_with_the_wrong_area_is_corrected_and_the_next_one_opens_with_the_right_one(engine):
    engine.change_area(OFFICIAL, "K-1", "urban")
    case = engine.case("K-1").case
    order = OpeningCorrection(case.id, OFFICIAL.actor, TODAY, "31/QĐ-UBND", "ghi nhầm khu vực", facts={"area": "urban"})
    assert engine.correct(order).ok
    assert json.loads(engine.case("K-1").case.facts)["area"] == "urban"
    engine.change_area(OFFICIAL, "K-2", "urban")
    engine.put_forward("R", {"K-2": {"origin": "managed"}}, TODAY)
    assert json.loads(engine.case("K-2").case.facts)["area"] == "urban"


@pytest.mark.parametrize("area", ["rural", "Urban", "đô thị", ""])
def test_an_area_is_another_one_that_is_known(engine, area):
    with pytest.raises(InputError, match="registered as “rural”"):
        engine.change_area(OFFICIAL, "K-1", area)
    assert engine.lineage("K-1")[1] == []


def test_an_area_is_changed_by_the_office_on_a_document_only(engine):
    for order, fault in (
        (holding(Mandate("committee", OTHER)), PermissionDeniedError),
        (holding(Mandate("village_head", V1)), PermissionDeniedError),
        (replace(OFFICIAL, document=" "), InputError),
        (replace(OFFICIAL, on=date(2022, 10, 2)), InputError),
    ):
        with pytest.raises(fault):
            engine.change_area(order, "K-1", "urban")
    assert rows(engine)["K-1"].area == "rural"


def test_changes_of_an_area_follow_one_another_in_the_order_of_their_days(engine):
    engine.clock.move_to(datetime(2022, 10, 20, 9, tzinfo=LEGAL_ZONE))
    engine.change_area(replace(OFFICIAL, on=date(2022, 10, 10)), "K-1", "urban")
    before = engine.lineage("K-1")
    with pytest.raises(InputError, match="before the last change of its area"):
        engine.change_area(replace(OFFICIAL, on=date(2022, 10, 9)), "K-1", "rural")
    assert (engine.lineage("K-1"), rows(engine)["K-1"].area) == (before, "urban")
    engine.change_area(replace(OFFICIAL, on=date(2022, 10, 10)), "K-1", "rural")
    assert [line.on_day.day for line in engine.lineage("K-1")[1]] == [10, 10]
    engine.change_area(replace(OFFICIAL, on=date(2022, 10, 9)), "K-2", "urban")  # another household's days are its own


def test_of_two_who_change_an_area_at_once_one_is_told_it_is_so_already(engine, database_url):
    changes = [lambda each: each.change_area(OFFICIAL, "K-1", "urban")] * 2
    answers = at_once(engine, database_url, changes)
    assert len(won(answers)) == 1
    assert [line.kind for line in engine.lineage("K-1")[1]] == ["area"]


KEYED = replace(OFFICIAL, idempotency_key="tách-1")
OVERSEER = replace(holding(Mandate("supervisor", "42")), idempotency_key="tách-1")


@pytest.mark.parametrize(
    "order",
    [
        lambda e: e.split_household(KEYED, "K-1", "K-9", {3: "chủ hộ"}),
        lambda e: e.merge_households(KEYED, "K-2", "K-1", {1: "anh"}),
        lambda e: e.change_head(KEYED, "K-1", 2, {1: "bố"}),
        lambda e: e.move_household(KEYED, "K-1", V2),
        lambda e: e.change_area(KEYED, "K-1", "urban"),
        lambda e: e.recode_commune(OVERSEER, COMMUNE, f"{DISTRICT}/18999"),
        lambda e: e.merge_communes(OVERSEER, [COMMUNE, OTHER], COMMUNE, villages={V3: f"{COMMUNE}/09"}),
    ],
    ids=["split", "merge", "head", "move", "area", "recode", "merge communes"],
)
def test_an_order_under_its_key_is_carried_out_once_and_answered_alike(engine, order):
    first = order(engine)
    stood = engine.lineage("K-1"), engine.lineage("K-2"), rows(engine)
    assert order(engine) == first
    assert (engine.lineage("K-1"), engine.lineage("K-2"), rows(engine)) == stood
    with pytest.raises(IdempotencyError):
        engine.move_household(replace(KEYED, document="32/QĐ-UBND"), "K-1", f"{COMMUNE}/04")


def test_who_comes_first_in_a_split_is_part_of_what_a_key_stands_for(engine):
    engine.split_household(KEYED, "K-1", "K-9", {2: "con", 3: "con"})
    assert names(engine, "K-9") == ["Bình", "Chi"]
    with pytest.raises(IdempotencyError):
        engine.split_household(KEYED, "K-1", "K-9", {3: "con", 2: "con"})
