"""What a round and its cases must be before they are opened: held at the front door, whoever knocks."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from rasoat import CountingIds, FrozenClock, Household, Person, Rasoat
from rasoat.cli import app
from rasoat.foundation.clock import LEGAL_ZONE
from rasoat.foundation.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PLACE, NEIGHBOUR = "42/446/18766", "42/446/18769"
UNITS: list[dict[str, Any]] = [
    {"code": code, "name": code, "level": level, "parent": parent, "valid_from": date(2000, 1, 1)}
    for code, level, parent in (
        ("42", "province", None),
        ("446", "district", "42"),
        ("18766", "commune", "446"),
        ("18769", "commune", "446"),
        ("01", "village", "18766"),
        ("02", "village", "18769"),
    )
]


@pytest.fixture
def engine(database_url: str) -> Iterator[Rasoat]:
    clock = FrozenClock(datetime(2022, 12, 20, 9, tzinfo=LEGAL_ZONE))
    opened = Rasoat.open(database_url, keys="development-anywhere", clock=clock, ids=CountingIds())
    opened.register_units(UNITS)
    opened.register_households([family("H1"), family("H2", village=f"{NEIGHBOUR}/02")])
    yield opened
    opened.close()


def family(code: str, *, village: str = f"{PLACE}/01", **told: Any) -> Household:
    born = told.pop("born", "1970")
    return Household(
        code, village, (Person(f"Nguyễn Văn {code}", "chủ hộ", born, "male"),), **{"area": "rural", **told}
    )


def in_round(engine: Rasoat, **facts: Any) -> Any:
    engine.open_round("R", "annual", PLACE, date(2022, 9, 26))
    return engine.put_forward("R", {"H1": {"origin": "managed", **facts}}, date(2022, 9, 26))


@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize("procedure", ["monthly-entry", "monthly-exit", "average-living"])
def test_a_monthly_round_opens_on_the_15th_of_every_month_and_has_no_season(engine, procedure, month):
    engine.clock = FrozenClock(datetime(2022, month, 28, 9, tzinfo=LEGAL_ZONE))
    start = date(2022, month, 15)
    assert engine.season_end(procedure, start) is None
    assert engine.open_round("M", procedure, PLACE, start, ends_on=engine.season_end(procedure, start)).ends_on is None


REFUSED_ROUNDS: dict[str, tuple[Callable[[Rasoat], object], type[Exception], str]] = {
    "before the season": (lambda e: e.open_round("R", "annual", PLACE, date(2022, 8, 31)), InputError, "2022-09-01"),
    "after the season": (lambda e: e.open_round("R", "annual", PLACE, date(2022, 12, 15)), InputError, "2022-12-14"),
    "an end after the season": (
        lambda e: e.open_round("R", "annual", PLACE, date(2022, 9, 1), ends_on=date(2022, 12, 15)),
        InputError,
        "2022-12-14",
    ),
    "to come": (lambda e: e.open_round("R", "monthly-entry", PLACE, date(2023, 1, 15)), InputError, "after today"),
    "not on the 15th": (
        lambda e: e.open_round("R", "monthly-entry", PLACE, date(2022, 11, 16)),
        InputError,
        "round_starts",
    ),
    "no code": (lambda e: e.open_round(" ", "annual", PLACE, date(2022, 9, 26)), InputError, "code"),
    "no such commune": (lambda e: e.open_round("R", "annual", "42/446/1", date(2022, 9, 26)), NotFoundError, "import"),
    "a village": (lambda e: e.open_round("R", "annual", f"{PLACE}/01", date(2022, 9, 26)), InputError, "commune"),
}


@pytest.mark.parametrize(("call", "fault", "said"), REFUSED_ROUNDS.values(), ids=REFUSED_ROUNDS)
def test_a_round_outside_the_law_or_the_map_is_refused_in_both_languages(engine, call, fault, said):
    with pytest.raises(fault, match=said) as caught:
        call(engine)
    assert caught.value.vi
    assert engine.open_round("R", "annual", PLACE, date(2022, 9, 26)).code == "R"


def test_where_a_round_may_start_when_the_15th_is_a_day_off_is_a_setting(engine):
    sunday_15th = {"procedure": "monthly-exit", "unit_path": PLACE}
    monday = date(2022, 5, 16)
    with pytest.raises(InputError, match="2022-05-15"):
        engine.open_round("M", started_on=monday, **sunday_15th)
    engine.set_setting("round_starts", "next_working_day", workflow="monthly-exit@2022")
    with pytest.raises(InputError, match="2022-05-16"):
        engine.open_round("M", started_on=date(2022, 5, 15), **sunday_15th)
    assert engine.open_round("M", started_on=monday, **sunday_15th).started_on == monday
    engine.set_setting("round_starts", "from_day", workflow="monthly-exit@2022")
    assert engine.open_round("N", started_on=date(2022, 6, 30), **sunday_15th).code == "N"
    with pytest.raises(InputError, match="round_starts"):
        engine.open_round("O", started_on=date(2022, 6, 14), **sunday_15th)


def test_a_path_without_the_district_that_must_answer_is_refused_when_the_round_opens(engine):
    flat = [{**unit, "code": f"9{unit['code']}", "parent": unit["parent"] and "942"} for unit in UNITS[:3:2]]
    engine.register_units(flat)
    with pytest.raises(InputError, match="has no district"):
        engine.open_round("R", "annual", "942/918766", date(2022, 9, 26))
    engine.clock = FrozenClock(datetime(2025, 9, 20, 9, tzinfo=LEGAL_ZONE))
    assert engine.open_round("R", "annual", "942/918766", date(2025, 9, 15)).workflow == "annual@2025"


def test_there_is_one_annual_round_a_year_unless_the_first_was_opened_by_mistake(engine):
    engine.open_round("MISTAKE", "annual", PLACE, date(2022, 9, 1))
    in_round(engine)
    with pytest.raises(InputError, match="use R"):
        engine.open_round("R2", "annual", PLACE, date(2022, 10, 1))
    assert engine.open_round("N", "annual", NEIGHBOUR, date(2022, 10, 1)).code == "N"


def test_a_household_under_review_cannot_be_put_forward_in_another_round_of_the_procedure(engine):
    engine.open_round("FIRST", "annual", PLACE, date(2022, 9, 1))
    in_round(engine)
    with pytest.raises(InputError, match=r"H1 \(R\) is under review") as caught:
        engine.put_forward("FIRST", {"H1": {"origin": "managed"}}, date(2022, 9, 26))
    assert "đang được rà soát" in caught.value.vi
    engine.open_round("M", "monthly-exit", PLACE, date(2022, 10, 15))
    assert engine.put_forward("M", {"H1": {}}, date(2022, 10, 1)).new == 1


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"class_after": "poor"}, "class_after"),
        ({"opinion": "12/UBND"}, "opinion"),
        ({"origin": "somehow"}, "managed, request"),
        ({"former": "yes"}, "former"),
        ({"area": "urban"}, "registered as 'rural'"),
        ({"class_before": "poor"}, "registered as 'none'"),
    ],
)
def test_facts_that_only_an_act_or_the_register_may_say_cannot_be_brought_along(engine, facts, said):
    with pytest.raises(InputError, match=said) as caught:
        in_round(engine, **facts)
    assert caught.value.vi
    assert engine.cases_of_round("R") == {}


def test_what_is_missing_is_named_and_what_is_registered_comes_along(engine):
    engine.open_round("R", "annual", PLACE, date(2022, 9, 26))
    with pytest.raises(InputError, match="origin is missing"):
        engine.put_forward("R", {"H1": {}}, date(2022, 9, 26))
    case = engine.put_forward("R", {"H1": {"origin": "managed", "former": True}}, date(2022, 9, 26)).case_ids["H1"]
    assert engine.case(case).case.facts == '{"area":"rural","former":true,"origin":"managed"}'


@pytest.mark.parametrize("day", [date(2030, 1, 1), date(1800, 1, 1), date(2022, 12, 16)])
def test_a_case_is_opened_neither_in_the_future_nor_an_age_ago_nor_after_the_season(engine, day):
    engine.open_round("R", "annual", PLACE, date(2022, 9, 26))
    with pytest.raises(InputError, match=str(day)):
        engine.put_forward("R", {"H1": {"origin": "managed"}}, day)


def test_a_household_of_another_commune_is_refused(engine):
    engine.open_round("R", "annual", PLACE, date(2022, 9, 26))
    with pytest.raises(InputError, match="H2"):
        engine.put_forward("R", {"H2": {"origin": "managed"}}, date(2022, 9, 26))


@pytest.mark.parametrize(
    ("told", "fault", "said"),
    [
        ({"area": "moon"}, InputError, "rural, urban"),
        ({"class_now": "rich"}, InputError, "poor, near_poor"),
        ({"village": f"{PLACE}/99"}, NotFoundError, "units first"),
        ({"village": PLACE}, NotFoundError, "village"),
        ({"village": "42"}, InputError, "village"),
        ({"born": "1970-13-40x"}, InputError, "2001-05-17"),
    ],
)
def test_a_household_that_cannot_be_is_refused_whole(engine, told, fault, said):
    with pytest.raises(fault, match=said) as caught:
        engine.register_households([family("H8"), family("H9", **told)])
    assert caught.value.vi
    assert engine.register_households([family("H8")]).new == 1


HEAD = "mã hộ,họ và tên chủ hộ,thành viên,quan hệ với chủ hộ,ngày sinh,giới tính,CCCD,mã thôn,khu vực,phân loại hộ\n"
TWINS = """mã đơn vị,tên,cấp,mã cấp trên
42,Hà Tĩnh,tỉnh,
446,Cẩm Xuyên,huyện,42
18766,Cẩm Duệ,xã,446
18769,Cẩm Lĩnh,xã,446
01,Thôn 1,thôn,18766
01,Thôn 1,thôn,18769
"""
NOW = ("--now", "2022-10-01T09:00:00+07:00")


class Typed:
    """Commands as they are typed, over one file."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.url = folder, f"sqlite:///{folder}/try.db"

    def list(self, *rows: str, name: str = "list.csv", head: str = HEAD) -> str:
        file = self.folder / name
        file.write_text(head + "".join(f"{row}\n" for row in rows), encoding="utf-8")
        return str(file)

    def run(self, *words: str) -> tuple[int, Any, str]:
        done = CliRunner().invoke(app, ["import", *words, "--db", self.url, *NOW, "--json"])
        return done.exit_code, json.loads(done.stdout) if done.stdout.startswith("{") else done.output, done.stderr

    def codes(self) -> list[str]:
        engine = Rasoat.open(self.url, clock=FrozenClock(datetime(2022, 10, 1, 9, tzinfo=LEGAL_ZONE)))
        with engine.database.read() as tx:
            found = [code for (code,) in tx.select(select(tx.tables.household.c.code))]
            found += [code for (code,) in tx.select(select(tx.tables.round.c.code))]
        engine.close()
        return sorted(found)


def row(code: str, *, village: str = "01", name: str = "Trần Thị Một", grade: str = "hộ nghèo") -> str:
    return f"{code},{name},,chủ hộ,03/02/1970,nữ,,{village},nông thôn,{grade}"


@pytest.fixture
def typed(tmp_path: Path) -> Typed:
    console = Typed(tmp_path)
    assert console.run(console.list(name="units.csv", head=TWINS), "--kind", "units")[1]["new"] == 6
    return console


ROUND = ("--round", "R", "--started-on", "26/09/2022")


def test_a_list_whose_villages_two_communes_have_goes_nowhere_until_one_is_named(typed):
    code, said, _ = typed.run(typed.list(row("H1")), *ROUND)
    assert (code, said["errors"][0]["code"], said["errors"][0]["column"]) == (1, "import.village_ambiguous", "mã thôn")
    assert "--unit" in said["errors"][0]["expected"]["vi"]
    assert typed.codes() == []
    assert typed.run(typed.list(row("H1")), *ROUND, "--unit", NEIGHBOUR)[1]["cases_opened"] == 1
    engine = Rasoat.open(typed.url)
    assert engine.case("H1").case.unit_path == f"{NEIGHBOUR}/01"
    engine.close()
    # The round says from now on which commune is meant.
    assert typed.run(typed.list(row("H2", name="Lê Văn Hai")), *ROUND)[1]["cases_opened"] == 1


def test_an_import_that_cannot_open_its_cases_leaves_nothing_behind(typed):
    words = (typed.list(row("H1")), "--unit", PLACE, "--round", "R")
    assert typed.run(*words, "--started-on", "15/08/2022")[0] == 2
    assert typed.codes() == []
    assert typed.run(*words, "--started-on", "26/09/2022")[0] == 0
    both = typed.list(row("H1"), row("H2", name="Lê Văn Hai"))
    assert (
        typed.run(both, "--unit", PLACE, "--round", "M", "--procedure", "annual", "--started-on", "27/09/2022")[0] == 2
    )
    assert typed.codes() == ["H1", "R"]


def test_what_a_list_says_otherwise_than_the_register_is_told_with_row_and_column(typed):
    words = ("--unit", PLACE)
    assert typed.run(typed.list(row("H1")), *words)[0] == 0
    changed = typed.list(row("H1", name="Trần Thị Khác", grade="hộ cận nghèo"))
    code, said, _ = typed.run(changed, *words)
    told = {(d["row"], d["column"], d["member"], d["kept"], d["given"]) for d in said["differing"]}
    assert code == 1
    assert told == {(2, "class_now", None, "poor", "near_poor"), (2, "name", 1, None, None)}
    code, refused, _ = typed.run(changed, *words, *ROUND)
    assert (code, "class_now poor → near_poor" in refused["error"]["message"]) == (2, True)
    assert "Danh sách khác sổ" in refused["error"]["message_vi"]
    assert typed.codes() == ["H1"]
    assert typed.run(changed, *words, *ROUND, "--keep-registered")[0] == 0
    engine = Rasoat.open(typed.url)
    assert engine.case("H1").case.class_before == "poor"
    engine.close()


def test_what_has_ended_takes_in_no_household_and_no_round(engine: Rasoat) -> None:
    ended = {"valid_from": date(2000, 1, 1), "valid_to": date(2022, 9, 30)}
    gone = [
        {"code": "18770", "name": "18770", "level": "commune", "parent": "446", **ended},
        {"code": "03", "name": "03", "level": "village", "parent": "18770", **ended},
    ]
    engine.register_units([*UNITS, *gone])
    with pytest.raises(NotFoundError, match="on 2022-12-20 there is no village at '42/446/18770/03'"):
        engine.register_households([family("H9", village="42/446/18770/03")])
    with pytest.raises(InputError, match="on 2022-10-03 there is no commune"):
        engine.open_round("R-LATE", "annual", "42/446/18770", date(2022, 10, 3))
    assert engine.open_round("R-THEN", "annual", "42/446/18770", date(2022, 9, 26)).unit_path == "42/446/18770"


def test_a_list_that_has_a_household_twice_is_refused_whole(engine: Rasoat) -> None:
    with pytest.raises(InputError, match="1 codes of households stand twice in the list: H7"):
        engine.register_households([family("H7"), family("H8"), family("H7", born="1980")])
    with pytest.raises(NotFoundError):
        engine.put_forward("R", {"H8": {"origin": "managed"}}, date(2022, 9, 26))
