"""A round that belongs to a plan, as it is typed and called: units, dates with owners, and who can make them."""

from __future__ import annotations

import json
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rasoat import FrozenClock, Rasoat
from rasoat.cli import app
from rasoat.persistence.keys import create_key_file
from tests.support.clockwork import at

UNITS = Path(str(files("rasoat.workflows") / "data" / "units" / "ha-tinh-sample.toml"))
COMMUNE, PLAN = "42/446/18739", "hai-duong-2024"


class Console:
    def __init__(self, url, folder):
        create_key_file(folder / "keys")
        self.url, self.keys = url, f"file:{folder / 'keys'}"

    def run(self, *words, code=0):
        done = CliRunner().invoke(app, [*words, "--db", self.url, "--keys", self.keys])
        assert done.exit_code == code, done.output
        return done.stdout

    def json(self, *words, code=0):
        return json.loads(self.run(*words, "--json", code=code))

    def engine(self, instant):
        return Rasoat.open(self.url, keys=self.keys, clock=FrozenClock(instant))


@pytest.fixture
def console(database_url, tmp_path):
    made = Console(database_url, tmp_path)
    made.run("import", str(UNITS), "--kind", "units")
    return made


def test_units_come_with_their_days_and_lineage_and_a_second_time_change_nothing(console):
    again = console.json("import", str(UNITS), "--kind", "units")
    assert again["new"] == 0
    engine = console.engine(at(date(2024, 9, 1)))
    units = {unit.path: unit for unit in engine.units()}
    engine.close()
    assert units[COMMUNE].valid_to == date(2025, 6, 30)
    assert (units["42/18739"].valid_from, units["42/18739"].valid_to) == (date(2025, 7, 1), None)
    assert (units[f"{COMMUNE}/01"].valid_from, units[f"{COMMUNE}/01"].valid_to) == (date(2016, 1, 1), date(2025, 6, 30))
    assert units["42/18739/01"].valid_from == date(2025, 7, 1)
    assert units["42/446"].valid_to == date(2025, 6, 30)


def test_a_faulty_file_of_units_is_refused_whole(console, tmp_path):
    faulty = tmp_path / "units.csv"
    faulty.write_text("code,name,level,valid_from,parent\n99,Tỉnh Lẻ,province,2016-01-01,\n9,Xã,xã,2016,99\n", "utf-8")
    told = console.json("import", str(faulty), "--kind", "units", code=1)
    assert [(e["row"], e["column"], e["value"]) for e in told["errors"]] == [(3, "valid_from", "2016")]
    engine = console.engine(at(date(2024, 9, 1)))
    assert "99" not in {unit.path for unit in engine.units()}
    engine.close()


def test_units_that_are_registered_otherwise_are_told_and_their_file_is_refused_whole(console, tmp_path):
    kept = tmp_path / "kept.csv"
    heading = "mã đơn vị,tên,cấp,mã cấp trên,từ ngày,đến ngày\n"
    kept.write_text(f"{heading}77,Tỉnh Cũ,tỉnh,,01/01/2020,31/12/2024\n", "utf-8")
    assert [console.json("import", str(kept), "--kind", "units")["new"] for _ in range(2)] == [1, 0]
    other = tmp_path / "other.csv"
    rows = "77,Tỉnh Mới,tỉnh,,01/01/2021,\n78,Tỉnh Thêm,tỉnh,,01/01/2021,\n"
    other.write_text(heading + rows, "utf-8")
    told = console.json("import", str(other), "--kind", "units", code=1)["errors"]
    assert [(e["column"], e["value"]) for e in told] == [
        ("tên", "Tỉnh Mới"),
        ("từ ngày", "01/01/2021"),
        ("đến ngày", ""),
    ]
    assert [e["expected"]["vi"].partition("đơn vị ")[2] for e in told] == [
        "77 như trong sổ (Tỉnh Cũ)",
        "77 như trong sổ (01/01/2020)",
        "77 như trong sổ (31/12/2024)",
    ]
    undated = tmp_path / "undated.csv"
    undated.write_text("mã đơn vị,tên,cấp\n77,Tỉnh Cũ,tỉnh\n", "utf-8")
    assert console.json("import", str(undated), "--kind", "units")["new"] == 0
    engine = console.engine(at(date(2024, 9, 1)))
    assert {u.path: u.name for u in engine.units() if u.path in ("77", "78")} == {"77": "Tỉnh Cũ"}
    engine.close()


def test_a_round_of_a_plan_has_its_dates_as_deadlines_with_owners_and_shows_who_can_make_them(console):
    opened = console.json(
        "round", "open", "R24", "--unit", COMMUNE, "--started-on", "01/09/2024", "--plan", PLAN
    )  # fmt: skip
    assert (opened["plan"], opened["ends_on"], opened["workflow"]) == (PLAN, "2024-12-14", "annual@2022")
    assert opened["milestones"] > 0
    assert console.json("round", "milestones", "R24", PLAN)["milestones"] == 0
    late = console.json("overdue", "--plan", PLAN, "--as-of", "31/12/2024")
    assert {line["owner_path"] for line in late["overdue"]} == {COMMUNE}
    assert len(late["overdue"]) == opened["milestones"] + 1  # and the season's own end
    judged = console.json("plan", "latest", "--round", "R24", "--as-of", "10/12/2024")["rounds"]
    season = next(each for each in judged if each["deadline"] == "season_end")
    assert (season["plan"], season["end"], season["round_impossible_on"], season["lost"]) == (
        PLAN, "2024-12-14", "2024-12-11", False
    )  # fmt: skip
    lost = console.run("plan", "latest", "--round", "all", "--as-of", "11/12/2024", "--language", "en", code=1)
    assert "CAN NO LONGER MAKE its last day 14/12/2024; certain since 11/12/2024" in lost


def test_the_worker_s_question_and_the_facade_s_answer_agree(console):
    console.run("round", "open", "R24", "--unit", COMMUNE, "--started-on", "01/09/2024")
    before, on = console.engine(at(date(2024, 12, 10), 23)), console.engine(at(date(2024, 12, 11), 0))
    assert (before.flag_lost(), [bool(each.lost(before.today())) for each in before.outlooks("R24")]) == (0, [False])
    assert (on.flag_lost(), [bool(each.lost(on.today())) for each in on.outlooks()]) == (1, [True])
    assert on.flag_lost() == 0
    before.close()
    on.close()


def test_a_plan_with_a_faulty_date_opens_no_round(console):
    words = ("round", "open", "R22", "--unit", COMMUNE, "--started-on", "01/09/2022", "--plan", "dien-bien-2022")
    console.run(*words, code=1)
    console.run("plan", "latest", "--round", "R22", code=2)
    console.run("plan", "latest", "--round", "R22", "--year", "2022", code=2)
