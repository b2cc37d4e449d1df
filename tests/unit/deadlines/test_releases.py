from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from rasoat.commands.calendar import app
from rasoat.deadlines.calendar import DayKind
from rasoat.deadlines.release_files import parse_release
from rasoat.deadlines.releases import (
    CALENDARS_VARIABLE,
    Library,
    Standing,
    calendar,
    diff,
    install,
    library,
    load_release,
    releases,
)
from rasoat.foundation.errors import CalendarError, InputError

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """
scope = "{scope}"
known_from = {known_from}
standing = "{standing}"
title = {{ vi = "Thử", en = "Trial" }}
source = "Văn bản thử"
tag = "FOUND"
"""
NOVEMBER_SWAP = "[[swap]]\noff = 2026-11-23\nworked = 2026-11-28\n"
STORM = '[[closure]]\nname = { vi = "Nghỉ do bão", en = "Storm" }\ndays = [2025-09-29, 2025-09-30]\n'


def text_of(
    body: str, *, scope: str = "vn", known_from: str = "2026-10-20", standing: str = "official", more: str = ""
) -> str:
    if standing == "official" and "decision" not in more:
        more += '\ndecision = "1/TB-BNV"'
    return HEAD.format(scope=scope, known_from=known_from, standing=standing) + more + "\n" + body


def file_of(folder: Path, body: str, name: str = "in.toml", **head: str) -> Path:
    path = folder / name
    path.write_text(text_of(body, **head), encoding="utf-8")
    return path


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    place = tmp_path / "calendars"
    place.mkdir()
    return place


def test_the_calendar_of_a_day_knows_only_what_was_decided_by_then() -> None:
    before, after = calendar(as_known_on=date(2025, 12, 24)), calendar(as_known_on=date(2025, 12, 25))
    assert (before.key, after.key) == ("vn/2025-10-16", "vn/2025-12-25")
    assert [
        (change.day, change.before.kind, change.after.kind)
        for change in diff(before, after)
        if change.before and change.after
    ] == [
        (date(2026, 1, 2), DayKind.WORKING, DayKind.SWAPPED_OFF),
        (date(2026, 1, 10), DayKind.WEEKEND, DayKind.MAKEUP),
    ]


@pytest.mark.parametrize(
    ("known_on", "last_day", "confirmed"),
    [
        (date(2018, 7, 10), date(2018, 12, 31), date(2018, 12, 31)),
        (date(2018, 7, 11), date(2019, 12, 31), date(2019, 12, 31)),
        (date(2025, 10, 15), date(2025, 12, 31), date(2025, 12, 31)),
        (date(2025, 10, 16), date(2026, 12, 31), date(2026, 12, 31)),
        (date(2026, 9, 22), date(2027, 12, 31), date(2026, 12, 31)),
    ],
)
def test_the_horizon_widens_with_each_published_year(known_on: date, last_day: date, confirmed: date) -> None:
    known = calendar(as_known_on=known_on)
    assert (known.last_day, known.confirmed_through) == (last_day, confirmed)


def test_culture_day_is_known_from_the_day_its_resolution_took_force() -> None:
    assert calendar(as_known_on=date(2026, 6, 30)).is_working(date(2026, 11, 24))
    assert not calendar(as_known_on=date(2026, 7, 1)).is_working(date(2026, 11, 24))


def test_every_shipped_release_folds_into_a_calendar_of_its_own_key() -> None:
    for release in releases():
        assert calendar(release.key).key == release.key


@pytest.mark.parametrize(
    "key", ["vn/2025-12-24", "vn", "", "xx/2025-12-25", "vn/2025-12-25+42/2025-01-01", "vn/2025-12-25/vn"]
)
def test_an_unknown_calendar_is_an_error(key: str) -> None:
    with pytest.raises(CalendarError, match="known releases"):
        calendar(key or "vn/")


def test_before_the_first_release_nothing_is_known() -> None:
    with pytest.raises(CalendarError, match="as known on 2015-12-31") as early:
        calendar(as_known_on=date(2015, 12, 31))
    assert "như được biết ngày 31/12/2015" in str(early.value.vi)


def test_a_calendar_is_asked_for_by_key_or_by_day_not_both() -> None:
    with pytest.raises(InputError):
        calendar("vn/2025-12-25", as_known_on=date(2026, 1, 1))


def test_an_imported_decision_changes_the_calendar_from_its_day_on(tmp_path: Path, shelf: Path) -> None:
    release, changed = install(file_of(tmp_path, NOVEMBER_SWAP), shelf)
    assert (release.key, changed) == ("vn/2026-10-20", True)
    assert calendar(directory=shelf).is_working(date(2026, 11, 28))
    assert not calendar(as_known_on=date(2026, 10, 19), directory=shelf).is_working(date(2026, 11, 28))
    assert calendar().key == "vn/2026-09-30"


def test_importing_the_same_file_twice_changes_nothing(tmp_path: Path, shelf: Path) -> None:
    source = file_of(tmp_path, NOVEMBER_SWAP)
    install(source, shelf)
    before = {path: path.stat().st_mtime_ns for path in shelf.iterdir()}
    assert install(source, shelf)[1] is False
    assert {path: path.stat().st_mtime_ns for path in shelf.iterdir()} == before


def test_a_shipped_release_need_not_be_imported(tmp_path: Path, shelf: Path) -> None:
    swap = "[[swap]]\noff = 2026-01-02\nworked = 2026-01-10\n"
    more = 'decision = "12729/VPCP-KGVX"\ndecided_on = 2025-12-25'
    assert install(file_of(tmp_path, swap, known_from="2025-12-25", more=more), shelf)[1] is False
    assert not list(shelf.iterdir())


def test_a_key_never_changes_its_meaning(tmp_path: Path, shelf: Path) -> None:
    install(file_of(tmp_path, NOVEMBER_SWAP), shelf)
    other = "[[swap]]\noff = 2026-12-31\nworked = 2026-12-26\n"
    with pytest.raises(CalendarError, match="with other content"):
        install(file_of(tmp_path, other), shelf)
    with pytest.raises(CalendarError, match="comes before vn/2026-10-20"):
        install(file_of(tmp_path, other, known_from="2026-10-19"), shelf)
    release, changed = install(file_of(tmp_path, other, more="serial = 2"), shelf)
    assert (release.key, changed) == ("vn/2026-10-20.2", True)
    assert calendar("vn/2026-10-20", directory=shelf).fact(date(2026, 12, 31)).kind is DayKind.WORKING
    assert calendar("vn/2026-10-20.2", directory=shelf).fact(date(2026, 12, 31)).kind is DayKind.SWAPPED_OFF


def test_a_refused_import_leaves_the_directory_as_it_was(tmp_path: Path, shelf: Path) -> None:
    for body in ("[[swap]]\noff = 2026-09-02\nworked = 2026-09-05\n", "[[restored]]\ndays = [2026-11-25]\n"):
        with pytest.raises(CalendarError):
            install(file_of(tmp_path, body), shelf)
    assert not list(shelf.iterdir())


@pytest.mark.parametrize(
    ("body", "more", "differing"),
    [
        (STORM, 'decision = "2/QĐ-UBND"', "decisions, decision"),
        (STORM, 'decision = "1/TB-BNV"\ndecided_on = 2025-09-27', "decisions, decided_on"),
        (STORM.replace("bão", "lũ"), "", "names"),
    ],
)
def test_a_release_of_the_same_key_that_says_something_else_is_refused_with_what_differs(
    tmp_path: Path, shelf: Path, body: str, more: str, differing: str
) -> None:
    install(file_of(tmp_path, STORM, scope="42", known_from="2025-09-28"), shelf)
    with pytest.raises(CalendarError, match=rf"with other content \({differing}\)"):
        install(file_of(tmp_path, body, scope="42", known_from="2025-09-28", more=more), shelf)


@pytest.mark.parametrize("body", [NOVEMBER_SWAP, STORM, "[[restored]]\ndays = [2026-11-23]\n"])
def test_official_days_that_only_a_decision_makes_name_it(body: str) -> None:
    bare = text_of(body).replace('decision = "1/TB-BNV"', "")
    with pytest.raises(CalendarError, match="an official release needs the decision on 202"):
        parse_release(bare, "some/file.toml")


def test_a_withdrawn_swap_restores_its_days(tmp_path: Path, shelf: Path) -> None:
    install(file_of(tmp_path, NOVEMBER_SWAP), shelf)
    withdrawn = "[[restored]]\ndays = [2026-11-23, 2026-11-28]\n"
    install(file_of(tmp_path, withdrawn, known_from="2026-10-25"), shelf)
    latest = calendar(directory=shelf)
    assert latest.is_working(date(2026, 11, 23))
    assert latest.fact(date(2026, 11, 28)).kind is DayKind.WEEKEND


def test_a_proposed_swap_counts_for_nothing_until_it_is_decided(tmp_path: Path, shelf: Path) -> None:
    """The swap 23/11 ↔ 28/11/2026 was proposed in September 2026 and not decided by 22/11/2026."""
    before, since = calendar(as_known_on=date(2026, 9, 29)), calendar(as_known_on=date(2026, 11, 22))
    undecided = [date(2026, 11, 23), date(2026, 11, 28)]
    year = date(2026, 1, 1), date(2026, 12, 31)
    assert before.undecided_within(*year) == ()
    assert [fact.day for fact in since.undecided_within(*year)] == undecided
    assert [since.is_working(day) for day in undecided] == [before.is_working(day) for day in undecided]
    assert [change.day for change in diff(before, since)] == undecided
    for body in (NOVEMBER_SWAP, "[[restored]]\ndays = [2026-11-23, 2026-11-28]\n"):
        later = Library([*releases(), parse_release(text_of(body), "decided")]).calendar()
        assert later.undecided_within(*year) == ()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("[[proposed]]\noff = 2026-11-28\nworked = 2026-12-05\n", "must be a Monday to Friday"),
        ("[[proposed]]\noff = 2026-11-23\nworked = 2026-11-25\n", "must be a Saturday or Sunday"),
        ("[[proposed]]\noff = 2026-11-23\n", "lacks worked"),
    ],
)
def test_a_proposal_is_a_swap_or_refused(body: str, expected: str) -> None:
    with pytest.raises(CalendarError, match=expected):
        parse_release(text_of(body, standing="expected"), "proposal")


def official_2027(tmp_path: Path) -> Path:
    body = (
        '[[holiday]]\nname = "tet"\ndays = [2027-02-05, 2027-02-06, 2027-02-07, 2027-02-08, 2027-02-09]\n'
        "[[in_lieu]]\nof = 2027-02-06\nday = 2027-02-10\n[[in_lieu]]\nof = 2027-02-07\nday = 2027-02-11\n"
    )
    return file_of(tmp_path, body, known_from="2026-11-30", more="years = [2027]")


def test_an_official_year_replaces_what_was_expected_and_moves_the_horizon(tmp_path: Path, shelf: Path) -> None:
    install(official_2027(tmp_path), shelf)
    latest = calendar(directory=shelf)
    assert latest.confirmed_through == date(2027, 12, 31)
    assert latest.is_working(date(2027, 2, 4))
    assert latest.is_working(date(2027, 4, 30)), "an expected day the official year does not name is gone"
    assert not calendar("vn/2026-09-22", directory=shelf).is_working(date(2027, 2, 4))


def test_an_official_year_is_not_published_twice_nor_drafted_over(tmp_path: Path, shelf: Path) -> None:
    install(official_2027(tmp_path), shelf)
    again = '[[holiday]]\nname = "new_year"\ndays = [2027-01-01]\n'
    with pytest.raises(CalendarError, match="covers 2027 again"):
        install(file_of(tmp_path, again, known_from="2026-12-01", more="years = [2027]"), shelf)
    drafted = file_of(tmp_path, again, known_from="2026-12-01", more="years = [2027]", standing="expected")
    install(drafted, shelf)
    assert calendar(directory=shelf).is_working(date(2027, 1, 1))
    assert calendar(directory=shelf).confirmed_through == date(2027, 12, 31)


def test_the_horizon_does_not_jump_over_a_year_that_is_only_expected(tmp_path: Path, shelf: Path) -> None:
    body = '[[holiday]]\nname = "new_year"\ndays = [2028-01-01]\n'
    install(file_of(tmp_path, body, more="years = [2028]"), shelf)
    latest = calendar(directory=shelf)
    assert (latest.confirmed_through, latest.last_day) == (date(2026, 12, 31), date(2028, 12, 31))


def test_a_gap_between_years_is_refused(tmp_path: Path, shelf: Path) -> None:
    body = '[[holiday]]\nname = "new_year"\ndays = [2029-01-01]\n'
    with pytest.raises(CalendarError, match="no release covers 2028"):
        install(file_of(tmp_path, body, more="years = [2029]", standing="expected"), shelf)


def test_a_storm_closes_the_offices_of_its_province_and_no_others(tmp_path: Path, shelf: Path) -> None:
    release, _ = install(file_of(tmp_path, STORM, scope="42", known_from="2025-09-28"), shelf)
    assert release.key == "42/2025-09-28"
    commune, elsewhere = (calendar(unit=unit, directory=shelf) for unit in ("42/446/18766", "421/446"))
    assert commune.fact(date(2025, 9, 29)).kind is DayKind.CLOSURE
    assert not commune.is_working(date(2025, 9, 30))
    assert elsewhere.is_working(date(2025, 9, 29))
    assert elsewhere.key == calendar(directory=shelf).key
    assert commune.key == f"{elsewhere.key}+42/2025-09-28"
    assert calendar(commune.key, directory=shelf) == commune
    assert calendar(unit="42", as_known_on=date(2025, 9, 27), directory=shelf).is_working(date(2025, 9, 29))


def test_closures_of_a_province_and_its_commune_lie_over_each_other(tmp_path: Path, shelf: Path) -> None:
    install(file_of(tmp_path, STORM, scope="42", known_from="2025-09-28"), shelf)
    flood = '[[closure]]\nname = { vi = "Nghỉ do lũ", en = "Flood" }\ndays = [2025-09-30, 2025-10-01]\n'
    install(file_of(tmp_path, flood, scope="42/446", known_from="2025-09-30"), shelf)
    upper, lower = (calendar(unit=unit, directory=shelf) for unit in ("42/447", "42/446/18766"))
    assert upper.is_working(date(2025, 10, 1))
    assert [lower.fact(date(2025, 9, 30)).name.en, lower.fact(date(2025, 10, 1)).name.en] == ["Storm", "Flood"]
    assert lower.key.endswith("+42/446/2025-09-30")
    assert calendar(lower.key, directory=shelf) == lower
    with pytest.raises(InputError):
        calendar(lower.key, unit="42/446", directory=shelf)
    with pytest.raises(CalendarError, match="comes before"):
        install(file_of(tmp_path, flood, scope="42", known_from="2025-09-29"), shelf)


def test_a_closure_leaves_a_holiday_its_name_and_closes_a_makeup_saturday(tmp_path: Path, shelf: Path) -> None:
    storm = STORM.replace("2025-09-29, 2025-09-30", "2026-08-22, 2026-09-02")
    install(file_of(tmp_path, storm, scope="42", known_from="2026-08-21"), shelf)
    local = calendar(unit="42", directory=shelf)
    assert local.fact(date(2026, 8, 22)).kind is DayKind.CLOSURE
    assert local.fact(date(2026, 9, 2)).kind is DayKind.HOLIDAY


def test_the_directory_may_be_named_by_the_environment(
    tmp_path: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(file_of(tmp_path, NOVEMBER_SWAP), shelf)
    monkeypatch.setenv(CALENDARS_VARIABLE, str(shelf))
    assert calendar().key == "vn/2026-10-20"
    assert releases()[-1].key == "vn/2026-10-20"
    monkeypatch.setenv(CALENDARS_VARIABLE, str(shelf / "missing"))
    with pytest.raises(CalendarError, match="no such directory"):
        calendar()


def test_a_release_put_into_the_directory_by_hand_is_seen_at_once(tmp_path: Path, shelf: Path) -> None:
    assert library(shelf).releases == releases()
    file_of(shelf, NOVEMBER_SWAP, name="by-hand.toml")
    assert calendar(directory=shelf).key == "vn/2026-10-20"
    file_of(shelf, "[[swap]]\noff = 2026-01-05\nworked = 2026-01-11\n", name="twin.toml", known_from="2025-12-25")
    with pytest.raises(CalendarError, match="with other content"):
        calendar(directory=shelf)


@pytest.mark.parametrize(
    ("body", "head", "expected"),
    [
        (NOVEMBER_SWAP, {"more": "colour = 1"}, "unknown keys colour"),
        ("[[swap]]\noff = 2026-11-23\n", {}, "lacks worked"),
        ("[[swap]]\noff = 2026-11-28\nworked = 2026-11-23\n", {}, "must be a Monday to Friday"),
        ("[[swap]]\noff = 2026-11-23\nworked = 2026-11-27\n", {}, "must be a Saturday or Sunday"),
        ("[[swap]]\noff = '2026-11-23'\nworked = 2026-11-28\n", {}, "must be a date"),
        ("[[swap]]\noff = 2026-11-23T00:00:00\nworked = 2026-11-28\n", {}, "must be a date"),
        ("[[in_lieu]]\nof = 2026-11-23\nday = 2026-11-24\n", {}, "must be a Saturday or Sunday"),
        ("[[in_lieu]]\nof = 2026-11-22\nday = 2026-11-28\n", {}, "must be a Monday to Friday"),
        ("[swap]\noff = 2026-11-23\n", {}, r"write \[\[swap\]\] tables"),
        ("holiday = [3]\n", {}, r"write \[\[holiday\]\] tables"),
        (NOVEMBER_SWAP + NOVEMBER_SWAP, {}, "named twice: 2026-11-23, 2026-11-28"),
        (NOVEMBER_SWAP + "[[restored]]\ndays = [2026-11-28]\n", {}, "named twice"),
        ('[[holiday]]\nname = "tet"\ndays = []\n', {}, "list of dates"),
        ('[[closure]]\nname = "bão"\ndays = [2026-11-23]\n', {}, "closure.name must be"),
        ('[[holiday]]\nname = { vi = "Lễ" }\ndays = [2026-11-23]\n', {}, "holiday.name must be"),
        ("", {}, "names at least one day"),
        (NOVEMBER_SWAP + 'tag = "GUESSED"\n', {}, "unknown tag 'GUESSED'"),
        (NOVEMBER_SWAP + "decided_on = 3\n", {}, "decided_on must be a date"),
        (NOVEMBER_SWAP, {"standing": "rumoured"}, "use official or expected"),
        (NOVEMBER_SWAP, {"standing": "expected"}, "of its own years"),
        (NOVEMBER_SWAP, {"scope": "42"}, "names closures only"),
        (STORM, {"scope": "42", "more": "years = [2025]"}, "names closures only"),
        (NOVEMBER_SWAP, {"scope": "42//446"}, "use 'vn' or a unit path"),
        (NOVEMBER_SWAP, {"known_from": "20261020"}, "known_from must be a date"),
        (NOVEMBER_SWAP, {"more": "serial = 0"}, "serial must be"),
        (NOVEMBER_SWAP, {"more": "years = [2027, 2026]"}, "rising years"),
        (NOVEMBER_SWAP, {"more": "= 3"}, "not valid TOML"),
    ],
)
def test_a_faulty_release_is_refused_whole_with_its_file_and_reason(
    body: str, head: dict[str, str], expected: str
) -> None:
    with pytest.raises(CalendarError, match=expected) as refusal:
        parse_release(text_of(body, **head), "some/file.toml")
    assert str(refusal.value).startswith("some/file.toml: ")
    assert refusal.value.vi is not None
    assert refusal.value.vi.startswith("some/file.toml")
    assert refusal.value.vi != str(refusal.value)


def test_an_unreadable_file_is_a_calendar_error(tmp_path: Path) -> None:
    broken = tmp_path / "latin.toml"
    broken.write_bytes("scope = 'Hà'".encode("latin-1"))
    for path in (broken, tmp_path / "missing.toml"):
        with pytest.raises(CalendarError, match="readable UTF-8"):
            load_release(path)


def test_evidence_is_inherited_from_the_release_and_may_be_its_own() -> None:
    body = NOVEMBER_SWAP + 'decision = "1/X"\nsource = "Văn bản riêng"\ntag = "FOUND-indirect"\n'
    own = parse_release(text_of(body, more='decision = "2/Y"\ndecided_on = 2026-10-19'), "x").days[0]
    assert (own.decision, own.decided_on, own.source, own.tag) == ("1/X", None, "Văn bản riêng", "FOUND-indirect")
    inherited = parse_release(text_of(NOVEMBER_SWAP, more='decision = "2/Y"\ndecided_on = 2026-10-19'), "x").days[0]
    assert (inherited.decision, inherited.decided_on, inherited.source) == ("2/Y", date(2026, 10, 19), "Văn bản thử")


def test_a_library_without_an_official_year_has_no_calendar() -> None:
    expected = [release for release in releases() if release.standing is Standing.EXPECTED]
    with pytest.raises(CalendarError, match="no official year"):
        Library(expected).calendar()


def test_a_difference_shows_days_that_only_one_calendar_reaches() -> None:
    changes = diff(calendar("vn/2026-07-01"), calendar("vn/2026-09-22"))
    assert changes
    assert {change.day.year for change in changes} == {2027}
    assert all(change.before is None and change.after is not None for change in changes)


def ask(*arguments: str) -> tuple[int, str]:
    shell = typer.Typer()
    shell.add_typer(app, name="calendar")
    result = CliRunner().invoke(shell, ["calendar", *arguments])
    return result.exit_code, result.output


def test_the_command_imports_once_and_refuses_with_a_reason(tmp_path: Path, shelf: Path) -> None:
    source = str(file_of(tmp_path, NOVEMBER_SWAP))
    place = ("--releases-dir", str(shelf))
    first, second = (json.loads(ask("import", source, *place, "--json")[1]) for _ in range(2))
    assert (first["key"], first["changed"], second["changed"]) == ("vn/2026-10-20", True, False)
    faulty = str(file_of(tmp_path, "", name="faulty.toml"))
    code, output = ask("import", faulty, *place, "--json")
    assert (code, "at least one day" in json.loads(output)["error"]["message"]) == (1, True)
    assert ask("import", source)[0] == 2


def test_a_commune_asks_with_its_own_closures(tmp_path: Path, shelf: Path) -> None:
    install(file_of(tmp_path, STORM, scope="42", known_from="2025-09-28"), shelf)
    place = ("--releases-dir", str(shelf), "--year", "2025")
    assert "Nghỉ do bão" in ask("show", *place, "--within", "42/446")[1]
    assert "Nghỉ do bão" not in ask("show", *place)[1]
