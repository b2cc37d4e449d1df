"""The legal clock on the command line: decisions, calendar changes, what-if, feeds, what is late and what comes."""

from __future__ import annotations

import json
from datetime import date

import icalendar
import pytest
from sqlalchemy import insert
from typer.testing import CliRunner

from rasoat.cli import app
from rasoat.deadlines.releases import calendar
from rasoat.persistence.cases import load
from rasoat.persistence.keys import create_key_file
from tests.support.caseload import open_terms
from tests.support.clockwork import at, deadlines
from tests.support.reviews import BEATS, Beat

COMPLAINT = Beat("complain", date(2022, 10, 25), {"subject_code": "score"})
NOW = ("--now", "2022-10-28T09:00+07:00")
DECIDING = ("--document", "15/CĐ-UBND", "--actor", "ct01", "--role", "supervisor:42/446", "--on", "28/10/2022", *NOW)


@pytest.fixture
def rechecking(review):
    ids = review.open_round(1, villages=1, households=2)
    review.run([*BEATS[:4], COMPLAINT], ids)
    return [str(row.id) for row in deadlines(review, "recheck")]


@pytest.fixture
def rasoat(database_url, tmp_path):
    create_key_file(tmp_path / "keys")

    def run(*arguments, database=True):
        options = ("--db", database_url, "--keys", f"file:{tmp_path / 'keys'}") if database else ()
        return CliRunner().invoke(app, [*arguments, *options])

    return run


def test_a_deadline_is_shown_suspended_and_shown_again(rasoat, rechecking):
    before = json.loads(rasoat("deadline", "show", rechecking[0], "--proof", "--json", *NOW).stdout)
    assert (before["remaining"], before["consumed"], before["due_on"]) == (4, 3, "2022-11-03")
    assert before["proof"]["due_on"] == "2022-11-03"
    done = rasoat("deadline", "suspend", *rechecking, "--reason", "storm", "--json", *DECIDING)
    assert done.exit_code == 0, done.output
    assert {change["status"] for change in json.loads(done.stdout)["changed"]} == {"suspended"}
    shown = rasoat("deadline", "show", rechecking[0], *NOW)
    assert "tạm dừng" in shown.stdout
    assert "15/CĐ-UBND" in shown.stdout


def test_a_deadline_is_shown_in_the_readers_words(rasoat, rechecking):
    assert rasoat("deadline", "suspend", *rechecking, *DECIDING).exit_code == 0
    for tongue, left, stopped in (
        ("vi", "(5 ngày làm việc)", "tạm dừng 15/CĐ-UBND"),
        ("en", "(5 working day(s))", "suspended 15"),
    ):
        shown = rasoat("--lang", tongue, "deadline", "show", rechecking[0], *NOW).stdout
        assert left in shown
        assert stopped in shown


def test_a_provisional_last_day_is_shown_with_its_reason(rasoat, review):
    review.clock.move_to(at(date(2026, 11, 20)))
    known = calendar(as_known_on=date(2026, 11, 20))
    (row,) = open_terms(review, known, [("42/446/18766/01", "opinion", date(2026, 11, 18))])
    shown = rasoat("--lang", "vi", "deadline", "show", str(row.id), "--now", "2026-11-20T10:00+07:00").stdout
    assert "TẠM TÍNH: thứ Hai, 23/11/2026 – Đề xuất nghỉ hoán đổi, làm bù ngày 28/11/2026; chưa có quyết định." in shown


def test_a_decision_names_the_rule_and_whose_term_it_is(rasoat, review, rechecking):
    with review.database.begin() as tx:
        (held,) = [row for row in deadlines(review, "recheck") if str(row.id) == rechecking[0]]
        (case,) = load(tx, [held.subject_id])
        row = {"unit_path": case.unit_path, "persons": 1, "area": "rural", "class_now": "none", "sealed": b"",
               "data_key_id": b"12345678", "master_key_id": "", "wrapped_key": b"",
               "valid_from": date(2022, 9, 1)}  # fmt: skip
        tx.execute(insert(tx.tables.household), {**row, "id": case.household_id, "code": "HB-7"})
    page = rasoat("--lang", "vi", "deadline", "show", rechecking[0], "--proof", *NOW).stdout
    (about,) = [line for line in page.splitlines() if line.startswith("Về việc: ")]
    assert about.startswith("Về việc: Phúc tra"), about
    assert about.endswith(", HB-7"), "no bare number on a paper to be signed"
    refused = rasoat("--lang", "vi", "deadline", "extend", rechecking[0], "--by", "5", *DECIDING)
    assert (refused.exit_code, refused.stderr.startswith("Phúc tra")) == (1, True), refused.stderr
    assert f", HB-7 ({rechecking[0]}): " in refused.stderr
    done = rasoat("--lang", "vi", "deadline", "suspend", rechecking[0], "--reason", "bão", *DECIDING)
    assert (done.exit_code, "HB-7" in done.stdout, "03/11/2022" in done.stdout) == (0, True, True), done.output


def test_a_refused_decision_says_why_and_ends_with_one(rasoat, rechecking):
    done = rasoat("deadline", "extend", rechecking[0], "--by", "5", "--json", *DECIDING)
    assert done.exit_code == 1
    (refusal,) = json.loads(done.stdout)["refused"]
    assert (refusal["code"], refusal["deadline"]) == ("clock.refused.not_extendable", rechecking[0])
    assert refusal["reason"]["vi"]
    assert rasoat("deadline", "show", "999", *NOW).exit_code == 2


@pytest.fixture
def new_year(review):
    """A re-check begun on 24/12/2025, counted before the swap was decided."""
    review.clock.move_to(at(date(2025, 12, 24)))
    known = calendar(as_known_on=date(2025, 12, 24))
    return open_terms(review, known, [("42/446/18766/01", "recheck", date(2025, 12, 24))])


def test_a_calendar_change_is_shown_first_then_applied(rasoat, review, new_year):
    asked = ("calendar", "apply", "--now", "2025-12-25T09:00+07:00", "--json")
    shown = json.loads(rasoat(*asked, "--dry-run").stdout)
    assert (shown["dry_run"], shown["moved"], shown["checked"]) == (True, 1, 1)
    assert shown["shifts"][0]["decision"] == "12729/VPCP-KGVX"
    assert deadlines(review) == new_year
    assert json.loads(rasoat(*asked).stdout)["moved"] == 1
    assert [str(row.due_on) for row in deadlines(review)] == [shown["shifts"][0]["new_due_on"]]


STORM = """
scope = "42"
known_from = 2025-12-26
decided_on = 2025-12-26
decision = "88/QĐ-UBND"
standing = "official"
title = { vi = "Nghỉ tránh bão", en = "Closed for a storm" }
source = "made up for a test"
tag = "FOUND"

[[closure]]
name = { vi = "Bão", en = "Storm" }
days = [2025-12-29]
"""


def test_a_release_file_is_tried_on_the_caseload_without_being_brought_in(rasoat, review, new_year, tmp_path):
    file, folder = tmp_path / "storm.toml", tmp_path / "releases"
    file.write_text(STORM, encoding="utf-8")
    asked = (
        "calendar",
        "import",
        str(file),
        "--releases-dir",
        str(folder),
        "--now",
        "2025-12-26T09:00+07:00",
        "--json",
    )
    tried = rasoat(*asked, "--dry-run")
    assert tried.exit_code == 0, tried.output
    assert "88/QĐ-UBND" in json.loads(tried.stdout)["deadlines"]["shifts"][0]["decision"]
    assert not folder.exists()
    assert deadlines(review) == new_year
    done = json.loads(rasoat(*asked).stdout)
    assert (done["changed"], done["deadlines"]["moved"]) == (True, 1)
    assert deadlines(review)[0].due_on > new_year[0].due_on
    assert rasoat("calendar", "import", str(file), "--dry-run", database=False).exit_code == 2


def test_simulate_says_what_complaints_would_bring_about(rasoat, review):
    review.run(BEATS[:4], review.open_round(1, villages=2, households=2))
    before = deadlines(review)
    done = rasoat(
        "simulate", "--suppose", "complain", "--day", "3", "--field", "subject_code=score", "--until", "30/11/2022",
        "--unit", "42/446/18766/01", "--now", "2022-10-25T09:00+07:00", "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert (answer["moved"], answer["refused"]) == (2, {})
    assert [(line["rule"], line["due_on"], line["count"]) for line in answer["added"] if line["rule"] == "recheck"] == [
        ("recheck", "2022-11-07", 2)
    ]
    assert deadlines(review) == before
    assert rasoat("simulate", "--suppose", "complain", "--on", "27/10/2022", "--until", "30/11/2022").exit_code == 2


def test_feeds_of_a_desk_and_of_a_plan_are_calendars(rasoat, rechecking):
    desk = rasoat("feed", "desk", "committee", "42/446/18766", *NOW)
    (event,) = icalendar.Calendar.from_ical(desk.stdout).walk("VEVENT")
    assert event["DTSTART"].dt == date(2022, 11, 3)
    plan = rasoat("feed", "milestones", "hai-duong-2024", "--level", "commune", database=False)
    days = {str(e["DTSTART"].dt) for e in icalendar.Calendar.from_ical(plan.stdout).walk("VEVENT")}
    assert days == {"2024-08-30", "2024-11-15", "2024-11-30", "2024-12-14", "2024-12-15"}
    assert rasoat("feed", "milestones", "dien-bien-2022", database=False).exit_code == 1


def test_overdue_is_narrowed_and_looks_ahead(rasoat, review, rechecking):
    asked = ("overdue", "--json")
    assert json.loads(rasoat(*asked, "--as-of", "04/11/2022").stdout)["overdue"][0]["count"] == 2
    for narrowed in (
        ("--role", "superior_chair"),
        ("--step", "opinion"),
        ("--workflow", "monthly-entry"),
        ("--plan", "x"),
    ):
        assert json.loads(rasoat(*asked, "--as-of", "04/11/2022", *narrowed).stdout)["overdue"] == [], narrowed
    assert rasoat(*asked, "--as-of", "04/11/2022", "--within", "3").exit_code == 2


def test_what_falls_due_between_two_days_and_who_kept_the_terms(rasoat, review, rechecking):
    ahead = rasoat("overdue", "--from", "01/11/2022", "--to", "05/11/2022", "--json")
    assert [(line["rule"], line["due_on"], line["count"]) for line in json.loads(ahead.stdout)["overdue"]] == [
        ("recheck", "2022-11-03", 2)
    ]
    assert rasoat("overdue", "--from", "01/11/2022").exit_code == 2
    assert rasoat("overdue", "--from", "01/11/2022", "--to", "05/11/2022", "--role", "committee").exit_code == 2
    period = ("punctuality", "--by", "village", "--since", "01/11/2022", "--through", "05/11/2022")
    (late,) = json.loads(rasoat(*period, "--json").stdout)
    assert (late["rule"], late["running_late"], late["total"], late["on_time_rate"]) == ("recheck", 2, 2, 0.0)
    shown = rasoat("--lang", "vi", *period, "--step", "recheck")
    assert ("Tỷ lệ" in shown.stdout, "0%" in shown.stdout) == (True, True)
    assert json.loads(rasoat(*period, "--step", "opinion", "--json").stdout) == []


def test_a_round_is_counted_by_village_and_step(rasoat, rechecking):
    (counted,) = json.loads(rasoat("round", "states", "R1", "--json").stdout)
    assert counted["count"] == len(rechecking)
    shown = rasoat("--lang", "vi", "round", "states", "R1")
    assert (shown.stdout.rstrip().endswith("\t2"), counted["state"] in shown.stdout) == (True, False)
    assert rasoat("round", "states", "R9").exit_code == 2
