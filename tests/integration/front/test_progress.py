"""Long commands tell how far they have come: on a terminal only, and not where a program reads the answer."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from rasoat.cli import app
from rasoat.demo.files import shipped

RUNNER = CliRunner()
WATCHED = {"FORCE_COLOR": "1"}  # what rich takes for a terminal
UNITS, LIST = shipped() / "don-vi.csv", shipped() / "phu-luc-I-2022.xlsx"
LONG = {
    "Registering households": ("import", str(LIST)),
    "Opening cases": ("import", str(LIST), "--round", "R", "--started-on", "26/09/2022"),
    "Judging cases": ("migrate", "dry-run", "2025-07-01.annual"),
    "Replaying acts": ("rehearse", "--round", "R"),
    "Trying on a copy": ("simulate", "--until", "20/12/2022", "--unit", "42/446/18766/18766-01"),
    "Counting terms anew": ("calendar", "apply"),
}
AT = ("--now", "2022-12-01T09:00+07:00")


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    found = f"sqlite:///{tmp_path_factory.mktemp('progress')}/try.db"
    for words in (("import", str(UNITS), "--kind", "units"), (*LONG["Opening cases"],)):
        assert RUNNER.invoke(app, [*words, "--db", found]).exit_code == 0
    return found


@pytest.mark.parametrize("title", LONG)
def test_a_bar_on_a_terminal_and_nothing_where_nobody_watches(url, title):
    words = [*LONG[title], "--db", url, *(AT if title == "Trying on a copy" else ())]
    watched = RUNNER.invoke(app, ["--lang", "en", *words], env=WATCHED)
    assert (watched.exit_code, title in watched.stderr, title in watched.stdout) == (0, True, False), watched.output
    assert title not in RUNNER.invoke(app, ["--lang", "en", *words]).stderr
    assert title not in RUNNER.invoke(app, ["--lang", "en", *words, "--json"], env=WATCHED).output


def test_the_bar_speaks_the_language_of_the_command(url):
    told = RUNNER.invoke(app, ["--lang", "vi", *LONG["Registering households"], "--db", url], env=WATCHED)
    assert "Đăng ký hộ" in told.stderr


def test_how_many_are_done_is_told_to_the_end(url):
    told = RUNNER.invoke(app, ["--lang", "en", *LONG["Opening cases"], "--db", url], env=WATCHED)
    assert "267/267" in told.stderr


def test_checking_every_procedure_is_counted():
    told = RUNNER.invoke(app, ["--lang", "en", "workflows", "check", "monthly-exit@2022"], env=WATCHED)
    assert (told.exit_code, "Checking procedures" in told.stderr, "1/1" in told.stderr) == (0, True, True)
