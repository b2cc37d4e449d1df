"""Scoring tables come as files: checked whole, then they turn answers into the totals of Phiếu A or B."""

from __future__ import annotations

import pytest

from rasoat.engine.effects import classify
from rasoat.engine.forms import form
from rasoat.foundation.errors import InputError
from rasoat.workflows import scoring
from rasoat.workflows.forms import register_all
from rasoat.workflows.scoring import load_scorecard
from tests.support.cases import compiled

B_TABLE = """
key = "b-rural-test"
form = "B"
area = "rural"
source = "made up for this test"

[[question]]
key = "roof"
total = "b1"
label = { vi = "Mái nhà", en = "Roof" }
answers = { straw = 0, tile = 60 }

[[question]]
key = "herd"
total = "b1"
label = { vi = "Đàn gia súc", en = "Herd" }
answers = { none = 0, some = 85 }

[[question]]
key = "school"
total = "b2"
label = { vi = "Trẻ em đi học", en = "Children at school" }
answers = { yes = 0, no = 10 }

[[question]]
key = "water"
total = "b2"
label = { vi = "Nguồn nước", en = "Water" }
answers = { safe = 0, unsafe = 10 }
"""
ANSWERS = {"roof": "tile", "herd": "none", "school": "no", "water": "unsafe"}


@pytest.fixture(autouse=True)
def _forms():
    register_all()


@pytest.fixture
def table(tmp_path):
    def written(text: str, name: str = "b-rural-test.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return written


def phieu_a(signs: int = 9, points: str = "1") -> str:
    lines = ["form,area,question,total,vi,en,answer,points"]
    for n in range(1, signs + 1):
        lines += [f"A,,sign{n},signs,Cột {n:02d},Column {n:02d},yes,{points}"]
        lines += [f"A,,sign{n},signs,Cột {n:02d},Column {n:02d},no,0"]
    return "\n".join(lines) + "\n"


def test_answers_become_the_totals_an_enumerator_would_have_signed(table):
    card = load_scorecard(table(B_TABLE))
    totals = card.score(ANSWERS)
    assert totals == {"b1": 60, "b2": 20, "area": "rural"}
    row, faults = form("survey").row({**totals, "respondent": "head"})
    assert not faults
    assert classify(row["b1"], row["b2"], row["area"], compiled("annual@2022").workflow.criteria) == "near_poor"


def test_a_phieu_a_counts_its_nine_signs(table):
    card = load_scorecard(table(phieu_a(), "phieu-a.csv"))
    answers = {f"sign{n}": "yes" if n <= 3 else "no" for n in range(1, 10)}
    assert card.score(answers) == {"signs": 3}
    assert form("screening").row(card.score(answers))[1] == ()


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({**ANSWERS, "roof": "gold"}, "'roof' = 'gold': expected one of straw, tile"),
        ({k: v for k, v in ANSWERS.items() if k != "water"}, "'water' is not answered"),
        ({**ANSWERS, "car": "yes"}, "'car' is not asked"),
    ],
)
def test_a_form_that_does_not_fit_the_table_is_not_scored_by_halves(table, answers, told):
    with pytest.raises(InputError, match=told):
        load_scorecard(table(B_TABLE)).score(answers)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('form = "B"', 'form = "C"', "form is 'C'"),
        ('area = "rural"', 'area = "island"', "area is 'island'"),
        ('key = "herd"', 'key = "roof"', "question 'roof' stands there twice"),
        ('key = "herd"', 'key = ""', "question 2 has no key"),
        ('total = "b1"', 'total = "b3"', "total is 'b3', expected b1 or b2"),
        ("no = 10", "no = 15", "an indicator is 10 points or 0"),
        ("some = 85", "some = -1", "expected a whole number from 0"),
        ("some = 85", "some = 8.5", "expected a whole number from 0"),
        ('en = "Herd"', 'en = ""', "'herd' lacks its label"),
        ("answers = { none = 0, some = 85 }", "answers = { }", "'herd' has no answers"),
        ('source = "made up for this test"', 'colour = "red"', "unknown key 'colour'"),
        ('total = "b2"', 'total = "b1"', "no question gives points to b2"),
        ("[[question]]", "[[question", "not valid TOML"),
    ],
)
def test_a_faulty_table_is_refused_with_its_fault(table, old, new, told):
    with pytest.raises(InputError, match=told):
        load_scorecard(table(B_TABLE.replace(old, new)))


def test_more_than_twelve_indicators_are_too_many(table):
    water = B_TABLE[B_TABLE.rindex("[[question]]") :]
    more = "".join(water.replace('"water"', f'"water{n}"') for n in range(11))
    with pytest.raises(InputError, match="12 indicators, found 13"):
        load_scorecard(table(B_TABLE + more))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (phieu_a(8), "Phiếu A has 9 columns, found 8"),
        (phieu_a(9, "2"), "a sign is there"),
        (phieu_a(9, "one"), "line 2: points 'one' are not a whole number"),
        (phieu_a().replace("form,", "sheet,"), "expected the columns form, area"),
        (phieu_a() + "A,,sign1,signs,x,x,yes,1\n", "'yes' of 'sign1' stands there twice"),
        (phieu_a() + "B,rural,roof,b1,x,x,yes,1\n", "one file holds one form of one area, found 2"),
    ],
)
def test_a_faulty_csv_table_is_refused_with_its_fault(table, text, told):
    with pytest.raises(InputError, match=told):
        load_scorecard(table(text, "phieu-a.csv"))


def test_the_project_ships_no_table_of_its_own():
    from importlib.resources import files

    data = files(scoring.__package__) / "data"
    assert {entry.name for entry in data.iterdir()} & {"scoring", "phieu"} == set()
