from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import holidays
import pytest
from typer.testing import CliRunner

from rasoat.commands.calendar import app
from rasoat.deadlines import drafting
from rasoat.deadlines.calendar import DayKind
from rasoat.deadlines.drafting import draft
from rasoat.deadlines.release_files import parse_release
from rasoat.deadlines.releases import Standing, calendar, install, releases
from rasoat.foundation.errors import CalendarError

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize("year", [*range(2026, 2037), 2099])
def test_a_draft_names_every_weekday_off_that_the_package_knows(year: int) -> None:
    release = parse_release(draft(year, TODAY), "draft")
    known = holidays.country_holidays("VN", years=range(year - 1, year + 2), language="vi")
    assert {fact.day for fact in release.days if fact.day.weekday() < 5} == {
        day for day in known if day.year == year and day.weekday() < 5
    }
    assert sum(fact.kind is DayKind.HOLIDAY for fact in release.days) == 12


def test_a_draft_is_expected_and_inferred_never_official() -> None:
    release = parse_release(draft(2028, TODAY), "draft")
    assert (release.standing, release.years, release.known_from) == (Standing.EXPECTED, (2028,), TODAY)
    assert {fact.tag for fact in release.days} == {"INFERRED"}


def test_the_shipped_expectation_of_2027_is_what_a_draft_would_say() -> None:
    shipped = next(release for release in releases() if release.years == (2027,))
    drafted = parse_release(draft(2027, TODAY), "draft")
    assert [(fact.day, fact.kind) for fact in drafted.days] == [(fact.day, fact.kind) for fact in shipped.days]


def test_a_draft_keeps_the_swaps_the_package_knows() -> None:
    kinds = {fact.day: fact.kind for fact in parse_release(draft(2026, TODAY), "draft").days}
    assert kinds[date(2026, 8, 31)] is DayKind.SWAPPED_OFF
    assert kinds[date(2026, 8, 22)] is DayKind.MAKEUP


def test_a_swap_across_the_end_of_the_year_is_seen() -> None:
    assert drafting._read(2018).swaps == [(date(2018, 12, 31), date(2019, 1, 5))]


@pytest.mark.parametrize("year", [2101, 2105])
def test_a_year_the_package_knows_nothing_of_is_refused_not_drafted_empty(year: int) -> None:
    with pytest.raises(CalendarError, match=r"does not give the statutory days of .*tet"):
        draft(year, TODAY)


def test_a_published_year_is_not_drafted() -> None:
    with pytest.raises(CalendarError, match="published"):
        draft(2025, TODAY)


def test_a_day_with_an_unknown_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(drafting._NAMES, "Quốc khánh")
    with pytest.raises(CalendarError, match="'Quốc khánh', which is new"):
        draft(2028, TODAY)


def test_a_draft_can_be_imported_and_extends_the_calendar_provisionally(tmp_path: Path) -> None:
    source = tmp_path / "2028.toml"
    drafted = CliRunner().invoke(app, ["draft", "2028", "--known-from", "2026-11-22"])
    source.write_text(drafted.output, encoding="utf-8")
    install(source, tmp_path / "calendars")
    longer = calendar(directory=tmp_path / "calendars")
    assert longer.last_day == date(2028, 12, 31)
    assert longer.confirmed_through == date(2026, 12, 31)
    assert not longer.is_working(date(2028, 1, 24))
