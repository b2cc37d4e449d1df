"""`rasoat correct`, `undo` and `history` as a user types them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from rasoat import Rasoat
from rasoat.cli import app

if TYPE_CHECKING:
    from pathlib import Path

RUNNER = CliRunner()
COMMUNE = "42/446/18766"
VILLAGE = f"{COMMUNE}/01"
WHO = ("--actor", "CB-1", "--role", f"committee:{COMMUNE}")
WHY = ("--reason", "ghi nhầm", "--authority", "15/QĐ-UBND")


def run(*words: str) -> tuple[int, Any, str]:
    done = RUNNER.invoke(app, list(words))
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def url(tmp_path: Path) -> str:
    from datetime import date, datetime

    from rasoat import CountingIds, FrozenClock, Household, Person
    from rasoat.foundation.clock import LEGAL_ZONE

    url = f"sqlite:///{tmp_path}/try.db"
    engine = Rasoat.open(url, clock=FrozenClock(datetime(2022, 10, 1, 9, tzinfo=LEGAL_ZONE)), ids=CountingIds())
    since = {"valid_from": date(2000, 1, 1)}
    engine.register_units(
        [
            {"code": "42", "level": "province", "name": "T", "parent": None, **since},
            {"code": "446", "level": "district", "name": "H", "parent": "42", **since},
            {"code": "18766", "level": "commune", "name": "X", "parent": "446", **since},
            {"code": "01", "level": "village", "name": "Thôn 1", "parent": "18766", **since},
        ]
    )
    engine.register_households(
        [Household(f"H{i}", VILLAGE, (Person("A", "chủ hộ", "1970-01-01", "male"),), "rural", "poor") for i in (1, 2)]
    )
    engine.open_round("R", "annual", COMMUNE, date(2022, 9, 26))
    engine.put_forward("R", {"H1": {"origin": "managed"}, "H2": {"origin": "managed"}}, date(2022, 9, 26))
    engine.close()
    return url


def acted(url: str) -> None:
    rows = '{"H1": %s, "H2": %s}' % (('{"b1":120,"b2":40,"area":"rural","respondent":"head","surveyor":"R1"}',) * 2)
    from pathlib import Path

    file = Path(url.removeprefix("sqlite:///")).with_name("rows.json")
    file.write_text(rows, encoding="utf-8")
    office = ("--role", f"enumerator:{COMMUNE}", "--role", f"village_head:{VILLAGE}", *WHO)
    signed = [f"--field=signed_by_{who}=true" for who in ("chair", "secretary", "households")]
    votes = ("--field", "attendees=50", "--field", "in_favour=45", "--field", "copies=2", *signed)
    for words in (
        ("list_managed", "--on", "27/09/2022", "--now", "2022-10-01T10:00+07:00"),
        ("survey", "--on", "03/10/2022", "--rows", str(file), "--now", "2022-10-03T10:00+07:00"),
        ("meet", "--on", "06/10/2022", *votes, "--now", "2022-10-06T20:00+07:00"),
    ):
        code, _, err = run("act", *words, "--round", "R", *office, "--db", url)
        assert code == 0, err


def test_a_vote_is_corrected_for_the_village_and_the_past_shows_both(url: str) -> None:
    acted(url)
    now = ("--now", "2022-10-08T09:00+07:00")
    code, out, err = run("correct", "H1", "meet", "--field", "in_favour=20", *WHO, *WHY, *now, "--db", url, "--json")
    assert code == 0, err
    assert [m["to"] for m in json.loads(out)["accepted"]] == ["resurvey", "resurvey"]
    _, out, _ = run(
        "history", "--round", "R", "--as-of", "06/10/2022", "--as-known-on", "07/10/2022", "--db", url, "--json"
    )
    assert json.loads(out) == [{"unit": VILLAGE, "state": "agreed", "count": 2}]
    _, out, _ = run("history", "--unit", COMMUNE, "--as-of", "06/10/2022", "--db", url)
    assert out.splitlines()[0] == f"{VILLAGE}  resurvey  2"
    code, out, _ = run("history", "H1", "--as-of", "05/10/2022", "--db", url, "--json")
    past = json.loads(out)
    assert (past["state"], past["class_after"], past["facts"]["b1"]) == ("surveyed", "poor", 120)
    code, out, _ = run("history", "--round", "R", "--classes", "--as-of", "05/10/2022", "--db", url, "--json")
    assert json.loads(out) == [{"unit": VILLAGE, "class": "poor", "count": 2}]
    code, out, _ = run("case", "show", "H1", "--db", url)
    assert code == 0
    assert "ĐÍNH CHÍNH" in out


def test_what_stands_in_the_way_is_said_and_ends_with_one(url: str) -> None:
    acted(url)
    now = ("--now", "2022-10-08T09:00+07:00")
    code, _, err = run("correct", "H1", "survey", "--on", "07/10/2022", *WHO, *WHY, *now, "--db", url)
    assert code == 1
    assert "correcting.later_act" in err
    code, _, err = run("undo", "H1", "--alone", *WHO, "--reason", " ", "--authority", "x", *now, "--db", url)
    assert code == 1
    assert "correcting.no_reason" in err


def test_a_step_is_taken_back_for_one_case_or_for_all_of_its_act(url: str) -> None:
    acted(url)
    now = ("--now", "2022-10-08T09:00+07:00")
    code, out, err = run("undo", "H1", "--alone", *WHO, *WHY, *now, "--db", url, "--json")
    assert code == 0, err
    assert [m["to"] for m in json.loads(out)["accepted"]] == ["surveyed"]
    code, out, err = run("undo", "H2", *WHO, *WHY, *now, "--db", url, "--json")
    assert code == 0, err
    assert [m["to"] for m in json.loads(out)["accepted"]] == ["surveyed"]


def test_what_a_case_was_opened_with_is_corrected_and_may_be_tried_first(url: str) -> None:
    acted(url)
    order = ("correct-opening", "H1", "--class-before", "near_poor", *WHO, *WHY, "--now", "2022-10-08T09:00+07:00")
    before = json.loads(run("case", "show", "H1", "--db", url, "--json")[1])
    code, tried, err = run(*order, "--dry-run", "--db", url, "--json")
    assert code == 0, err
    assert json.loads(run("case", "show", "H1", "--db", url, "--json")[1]) == before
    code, done, err = run(*order, "--db", url, "--json")
    assert code == 0, err
    [moved] = json.loads(done)["accepted"]
    assert json.loads(tried)["accepted"] == [moved]
    after = json.loads(run("case", "show", "H1", "--db", url, "--json")[1])
    assert (before["class_before"], after["class_before"], after["state"]) == ("poor", "near_poor", moved["to"])
    code, _, err = run(*order, "--db", url)
    assert code == 1
    assert "correcting.opening_unchanged" in err


def test_a_fact_that_the_procedure_does_not_open_with_is_wrong_usage_in_both_languages(url: str) -> None:
    order = ("correct-opening", "H1", "--fact", "b1=140", *WHO, *WHY, "--now", "2022-10-08T09:00+07:00", "--db", url)
    said = {tongue: run("--lang", tongue, *order) for tongue in ("vi", "en")}
    assert {code for code, _, _ in said.values()} == {2}
    assert "không phải là thông tin ban đầu" in said["vi"][2]
    assert "is nothing that annual@2022 opens with" in said["en"][2]


@pytest.mark.parametrize("words", [("correct", "H1", "meet", "--field", "in_favour=20"), ("undo", "H1")])
def test_a_correction_and_an_undo_that_are_only_tried_change_nothing(url: str, words: tuple[str, ...]) -> None:
    acted(url)
    order = (*words, *WHO, *WHY, "--now", "2022-10-08T09:00+07:00", "--db", url, "--json")
    before = run("case", "show", "H1", "--db", url, "--json")
    code, tried, err = run(*order, "--dry-run")
    assert code == 0, err
    assert run("case", "show", "H1", "--db", url, "--json") == before
    code, done, _ = run(*order)
    assert code == 0
    assert json.loads(done)["accepted"] == json.loads(tried)["accepted"]
    assert run("case", "show", "H1", "--db", url, "--json") != before


TRIED = {"vi": "Chạy thử: chưa ghi gì", "en": "Only tried: nothing was written"}


@pytest.mark.parametrize("tongue", ["vi", "en"])
@pytest.mark.parametrize(
    "words",
    [
        ("correct", "H1", "meet", "--field", "in_favour=20"),
        ("correct-opening", "H1", "--class-before", "average"),
        ("undo", "H1"),
    ],
    ids=["correct", "correct-opening", "undo"],
)
def test_what_is_only_tried_says_so_and_the_deed_does_not(url: str, words: tuple[str, ...], tongue: str) -> None:
    acted(url)
    order = (*words, *WHO, *WHY, "--now", "2022-10-08T09:00+07:00", "--db", url, "--lang", tongue)
    code, out, err = run(*order, "--dry-run")
    assert (code, out.startswith(TRIED[tongue])) == (0, True), err
    assert json.loads(run(*order, "--dry-run", "--json")[1])["dry_run"] is True
    code, out, err = run(*order)
    assert (code, "→" in out, TRIED[tongue] in out) == (0, True, False), err


def test_a_deed_has_no_mark_of_a_trial_as_json(url: str) -> None:
    acted(url)
    code, out, err = run("undo", "H1", *WHO, *WHY, "--now", "2022-10-08T09:00+07:00", "--db", url, "--json")
    assert (code, "dry_run" in json.loads(out)) == (0, False), err


def test_a_refusal_that_concerns_no_case_and_has_no_article_shows_neither(url: str) -> None:
    acted(url)
    now = ("--now", "2022-10-08T09:00+07:00", "--lang", "en")
    order = ("undo", "H1", *WHO, "--reason", " ", "--authority", "x", *now, "--db", url)
    assert run(*order)[2] == "A correction gives its reason. [correcting.no_reason]\n"
    order = ("correct-opening", "H1", "--class-before", "poor", *WHO, *WHY, *now, "--db", url)
    said = "H1: The correction says the same as what the case was opened with. [correcting.opening_unchanged]\n"
    assert run(*order)[2] == said


@pytest.mark.parametrize(("key", "ends"), [("", 2), (" ", 2), ("k" * 101, 2), ("k" * 100, 0)])
def test_a_key_of_repetition_is_neither_empty_nor_endless(url: str, key: str, ends: int) -> None:
    words = ("act", "list_managed", "--on", "27/09/2022", "--case", "H1", "--now", "2022-10-01T10:00+07:00", *WHO)
    code, _, err = run(*words, "--db", url, "--lang", "en", "--idempotency-key", key)
    assert (code, "expected 1 to 100 characters" in " ".join(err.split())) == (ends, ends == 2), err


def test_history_needs_one_thing_to_look_at(url: str) -> None:
    assert run("history", "--db", url)[0] == 2
    assert run("history", "H1", "--round", "R", "--db", url)[0] == 2
    assert run("history", "H1", "--as-of", "25/09/2022", "--db", url)[0] == 2


def test_for_whom_a_deputy_acts_stands_on_record(url: str) -> None:
    words = ("act", "list_managed", "--on", "27/09/2022", "--case", "H1", "--now", "2022-10-01T10:00+07:00", *WHO)
    code, _, err = run("--on-behalf-of", "CT-9", *words, "--db", url, "--json")
    assert code == 0, err
    code, _, err = run(*words[:5], "H2", *words[6:], "--db", url)
    assert code == 0, err
    engine = Rasoat.open(url, create=False)
    acting = {case: [act.on_behalf_of for act in engine.case(case).acts.values()] for case in ("H1", "H2")}
    engine.close()
    assert acting == {"H1": ["CT-9"], "H2": [None]}


@pytest.mark.parametrize(
    ("held", "ends"), [(":2022-01-01:2022-12-31", 0), (":2022-01-01", 0), ("::2022-09-26", 1), (":2022-10-01", 1)]
)
def test_a_mandate_holds_between_its_days_only(url: str, held: str, ends: int) -> None:
    words = ("act", "list_managed", "--on", "27/09/2022", "--case", "H1", "--now", "2022-10-01T10:00+07:00")
    code, _, err = run(*words, "--actor", "x", "--role", f"committee:{COMMUNE}{held}", "--db", url)
    assert code == ends, err


@pytest.mark.parametrize("typed", ["committee", ":42", "committee:42:soon", "committee:42:2022-01-01:2022-12-31:x"])
def test_what_is_no_mandate_is_wrong_usage(url: str, typed: str) -> None:
    words = ("act", "list_managed", "--on", "27/09/2022", "--case", "H1", "--actor", "x", "--role", typed, "--db", url)
    code, _, err = run("--lang", "en", *words)
    assert (code, "expected ROLE:UNIT_PATH[:FROM[:TO]]" in " ".join(err.split())) == (2, True), err
