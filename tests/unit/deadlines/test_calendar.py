from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import holidays
import pytest
import typer
from typer.testing import CliRunner

from rasoat.commands.calendar import app
from rasoat.commands.due import due
from rasoat.deadlines.calendar import Calendar, DayKind
from rasoat.deadlines.releases import calendar
from rasoat.foundation.errors import CalendarError

LATEST = calendar()
OFF = {DayKind.HOLIDAY, DayKind.IN_LIEU, DayKind.SWAPPED_OFF}

# calendar.md, "Swaps": day off, day worked instead, decision, day of the decision (None: not found)
SWAPS = [
    (date(2018, 12, 31), date(2019, 1, 5), "6519/VPCP-KGVX", date(2018, 7, 11)),
    (date(2019, 4, 29), date(2019, 5, 4), "6519/VPCP-KGVX", date(2018, 7, 11)),
    (date(2024, 4, 29), date(2024, 5, 4), "2450/VPCP-KGVX", date(2024, 4, 12)),
    (date(2025, 5, 2), date(2025, 4, 26), "8726/VPCP-KGVX", date(2024, 11, 26)),
    (date(2026, 1, 2), date(2026, 1, 10), "12729/VPCP-KGVX", date(2025, 12, 25)),
    (date(2026, 8, 31), date(2026, 8, 22), "9441/TB-BNV", None),
]

# Where the `holidays` package tells a day otherwise than the official releases, and why.
DIFFERENCES = {
    date(2026, 1, 2): "day off swapped by 12729/VPCP-KGVX, which the package lacks",
    date(2026, 1, 10): "Saturday worked in exchange for 02/01/2026, which the package lacks",
}


def every_day(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def test_it_covers_2016_to_2027_and_is_confirmed_through_2026() -> None:
    assert (LATEST.first_day, LATEST.last_day) == (date(2016, 1, 1), date(2027, 12, 31))
    assert LATEST.confirmed_through == date(2026, 12, 31)
    assert not LATEST.is_provisional(date(2026, 12, 31))
    assert LATEST.is_provisional(date(2027, 1, 1))


def test_every_official_day_agrees_with_the_holidays_package_but_for_the_named_differences() -> None:
    known = holidays.country_holidays("VN", years=range(2015, 2029), language="vi")
    differing = {
        day
        for day in every_day(LATEST.first_day, LATEST.last_day)
        if known.is_working_day(day) != LATEST.is_working(day)
    }
    assert differing == set(DIFFERENCES)


@pytest.mark.parametrize(("off", "worked", "decision", "decided_on"), SWAPS)
def test_each_swap_names_its_decision_on_both_days(
    off: date, worked: date, decision: str, decided_on: date | None
) -> None:
    for day, kind, working in ((off, DayKind.SWAPPED_OFF, False), (worked, DayKind.MAKEUP, True)):
        fact = LATEST.fact(day)
        assert (fact.kind, fact.decision, fact.decided_on) == (kind, decision, decided_on)
        assert LATEST.is_working(day) is working
    assert f"{worked:%d/%m/%Y}" in LATEST.fact(off).name.vi


def test_there_are_no_swaps_but_these() -> None:
    swapped = {fact.day for fact in LATEST.special_days() if fact.kind in {DayKind.SWAPPED_OFF, DayKind.MAKEUP}}
    assert swapped == {day for off, worked, _, _ in SWAPS for day in (off, worked)}


@pytest.mark.parametrize("year", range(2016, 2028))
def test_each_year_has_its_statutory_days_and_gives_weekend_holidays_back(year: int) -> None:
    facts = [fact for fact in LATEST.special_days() if fact.day.year == year]
    kinds = Counter(fact.kind for fact in facts)
    weekend = [fact for fact in facts if fact.kind is DayKind.HOLIDAY and fact.day.weekday() >= 5]
    assert kinds[DayKind.HOLIDAY] == (10 if year <= 2020 else 11 if year <= 2025 else 12)
    assert kinds[DayKind.IN_LIEU] == len(weekend)


def test_a_day_in_lieu_is_the_next_working_day_after_its_holiday() -> None:
    for fact in LATEST.special_days():
        if fact.kind is DayKind.IN_LIEU:
            of = datetime.strptime(fact.name.vi[-10:], "%d/%m/%Y").date()  # noqa: DTZ007  a day in a sentence, no instant
            between = every_day(of, fact.day)[1:-1]
            assert not any(LATEST.is_working(day) for day in between), (of, fact.day)


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2016, 2, 8), "Tết Nguyên đán"),
        (date(2020, 1, 25), "Tết Nguyên đán"),
        (date(2023, 4, 29), "Giỗ Tổ Hùng Vương"),
        (date(2025, 4, 7), "Giỗ Tổ Hùng Vương"),
        (date(2021, 9, 3), "Quốc khánh"),
        (date(2022, 9, 1), "Quốc khánh"),
        (date(2026, 11, 24), "Ngày Văn hóa Việt Nam"),
    ],
)
def test_lunar_and_chosen_holidays_stand_on_their_day(day: date, name: str) -> None:
    assert (LATEST.fact(day).kind, LATEST.fact(day).name.vi) == (DayKind.HOLIDAY, name)


def test_culture_day_is_a_day_off_from_2026_only() -> None:
    assert LATEST.fact(date(2025, 11, 24)).kind is DayKind.WORKING
    assert LATEST.fact(date(2026, 11, 24)).kind is DayKind.HOLIDAY


def test_the_undecided_swap_of_november_2026_changes_no_day() -> None:
    assert LATEST.fact(date(2026, 11, 23)).kind is DayKind.WORKING
    assert LATEST.fact(date(2026, 11, 28)).kind is DayKind.WEEKEND


def test_every_special_day_has_a_source_and_expected_ones_are_tagged_as_inferred() -> None:
    for fact in LATEST.special_days():
        assert fact.source
        assert (fact.tag == "INFERRED") is (fact.day.year == 2027)
        assert (fact.kind not in OFF) or not LATEST.is_working(fact.day)


def test_a_makeup_saturday_is_worked_only_if_it_counts() -> None:
    saturday = date(2026, 1, 10)
    assert LATEST.is_working(saturday)
    assert not LATEST.is_working(saturday, makeup_counts=False)
    assert LATEST.add_working_days(date(2026, 1, 9), 1) == saturday
    assert LATEST.add_working_days(date(2026, 1, 9), 1, makeup_counts=False) == date(2026, 1, 12)


def test_working_days_are_added_backwards_over_a_swap() -> None:
    assert LATEST.add_working_days(date(2026, 1, 5), -1) == date(2025, 12, 31)
    assert LATEST.add_working_days(date(2026, 1, 3), -1) == date(2025, 12, 31)
    assert LATEST.add_working_days(date(2026, 1, 3), 0) == date(2026, 1, 3)


def test_working_days_between_are_counted_after_the_first_through_the_last() -> None:
    assert LATEST.working_days_between(date(2025, 12, 31), date(2026, 1, 9)) == 5
    assert LATEST.working_days_between(date(2026, 1, 9), date(2025, 12, 31)) == -5
    assert LATEST.working_days_between(date(2026, 1, 2), date(2026, 1, 2)) == 0


@pytest.mark.parametrize("day", [date(2015, 12, 31), date(2028, 1, 1), date(2105, 1, 1)])
def test_a_day_outside_the_calendar_is_an_error_never_a_guess(day: date) -> None:
    for ask in (
        lambda: LATEST.is_working(day),
        lambda: LATEST.fact(day),
        lambda: LATEST.kind(day),
        lambda: LATEST.add_working_days(day, 1),
        lambda: LATEST.on_or_after(day),
        lambda: LATEST.working_days_between(day, date(2026, 1, 1)),
        lambda: LATEST.working_days_between(date(2026, 1, 1), day),
    ):
        with pytest.raises(CalendarError, match="covers 2016-01-01 to 2027-12-31"):
            ask()


def test_counting_past_either_end_is_an_error() -> None:
    for start, count in ((date(2027, 12, 31), 1), (date(2027, 12, 1), 400), (date(2016, 1, 4), -1)):
        with pytest.raises(CalendarError):
            LATEST.add_working_days(start, count)


def test_an_instant_is_no_legal_day() -> None:
    with pytest.raises(CalendarError, match="instant"):
        LATEST.is_working(datetime(2026, 1, 5, tzinfo=UTC))


def test_a_next_working_day_past_the_end_is_an_error() -> None:
    short = Calendar(
        "x/2026-01-01", {}, first_day=date(2026, 1, 1), last_day=date(2026, 1, 3), confirmed_through=date(2026, 1, 3)
    )
    assert short.on_or_after(date(2026, 1, 2)) == date(2026, 1, 2)
    with pytest.raises(CalendarError, match="next working day"):
        short.on_or_after(date(2026, 1, 3))


def test_calendars_are_equal_by_key_and_days() -> None:
    assert calendar("vn/2025-12-25") == calendar(as_known_on=date(2025, 12, 25))
    assert hash(calendar("vn/2025-12-25")) == hash(calendar(as_known_on=date(2025, 12, 25)))
    assert calendar("vn/2025-12-25") != calendar("vn/2025-10-16")
    assert LATEST != "vn/2026-09-22"


def ask(*arguments: str) -> tuple[int, str]:
    shell = typer.Typer()
    shell.command()(due)
    shell.add_typer(app, name="calendar")
    result = CliRunner().invoke(shell, arguments)
    return result.exit_code, result.output


def test_the_command_tells_the_last_day_over_the_new_year_of_2026() -> None:
    code, output = ask("due", "2025-12-31", "5", "--json")
    assert (code, json.loads(output)["due_on"]) == (0, "2026-01-09")
    code, output = ask("due", "31/12/2025", "5", "--as-known-on", "2025-12-24", "--json")
    assert (code, json.loads(output)["due_on"]) == (0, "2026-01-08")


@pytest.mark.parametrize(
    ("arguments", "due_on"),
    [
        (("2026-08-15", "15", "--unit", "calendar"), "2026-09-03"),
        (("2026-08-15", "15", "--unit", "calendar", "--no-roll"), "2026-08-30"),
        (("2026-11-30", "3", "--unit", "months"), "2027-03-01"),
        (("2022-10-24", "3", "--count-first-day"), "2022-10-26"),
        (("2026-01-05", "5", "--skip-makeup"), "2026-01-12"),
        (("2026-01-05", "5"), "2026-01-10"),
        (("2026-11-23", "5", "--release", "vn/2025-12-25"), "2026-11-30"),
    ],
)
def test_each_option_of_the_command_changes_the_count(arguments: tuple[str, ...], due_on: str) -> None:
    code, output = ask("due", *arguments, "--json")
    assert (code, json.loads(output)["due_on"]) == (0, due_on)


def test_the_command_prints_the_page_and_the_short_answer() -> None:
    assert ask("due", "2025-12-31", "5", "--print")[1].startswith("PHIẾU GIẢI THÍCH")
    assert "thứ Sáu, 09/01/2026" in ask("due", "2025-12-31", "5")[1]
    assert "TẠM TÍNH" in ask("due", "2026-12-31", "5")[1]
    assert "PROVISIONAL" in ask("due", "2026-12-31", "5", "--language", "en")[1]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("due", "2028-01-03", "5"), 1),
        (("due", "2026-01-05", "5", "--release", "vn/2026-01-06"), 1),
        (("due", "2026-01-05", "5", "--release", "vn/2025-12-25", "--as-known-on", "2026-01-01"), 2),
        (("due", "2026-02-30", "5"), 2),
        (("due", "2026-01-05", "0"), 2),
        (("calendar", "release", "vn/1999-01-01"), 2),
        (("calendar", "diff", "vn/2025-10-16", "vn/2025-12-25", "--term", "5"), 2),
        (("calendar", "draft", "2020", "--known-from", "2026-11-22"), 1),
        (("calendar", "dates", "2040"), 1),
        (("calendar", "show", "--releases-dir", "/nonexistent/calendars"), 1),
    ],
)
def test_exit_codes_tell_refusal_from_wrong_usage(arguments: tuple[str, ...], code: int) -> None:
    assert ask(*arguments)[0] == code


def test_a_refusal_is_json_when_json_was_asked_for() -> None:
    code, output = ask("due", "2028-01-03", "5", "--json")
    assert code == 1
    assert json.loads(output)["error"]["code"] == "calendar"


def test_the_calendar_shows_days_releases_and_differences() -> None:
    shown = json.loads(ask("calendar", "show", "--year", "2026", "--json")[1])
    assert shown["confirmed_through"] == "2026-12-31"
    assert [day["day"] for day in shown["days"] if day["kind"] == "makeup"] == ["2026-01-10", "2026-08-22"]
    assert "12729/VPCP-KGVX" in ask("calendar", "show", "--year", "2026")[1]

    listed = json.loads(ask("calendar", "release", "--json")[1])
    assert listed[-1]["key"] == LATEST.key
    assert "24/11/2026" in ask("calendar", "release", "vn/2026-07-01")[1]

    span = ("--term", "5", "--from", "2025-12-24", "--through", "2025-12-25")
    told = json.loads(ask("calendar", "diff", "vn/2025-10-16", "vn/2025-12-25", *span, "--json")[1])
    assert [change["day"] for change in told["changes"]] == ["2026-01-02", "2026-01-10"]
    assert told["moves"] == [{"start": "2025-12-25", "old_due": "2026-01-02", "new_due": "2026-01-05"}]
    assert (
        "2025-12-25 + 5: 2026-01-02 → 2026-01-05" in ask("calendar", "diff", "vn/2025-10-16", "vn/2025-12-25", *span)[1]
    )


def test_what_a_calendar_cannot_tell_is_said_in_both_languages() -> None:
    with pytest.raises(CalendarError, match=r"cannot tell \+5 working days from 2026-12-30") as far:
        calendar("vn/2025-12-25").add_working_days(date(2026, 12, 30), 5)
    assert "không cho biết được +5 ngày làm việc kể từ 30/12/2026" in str(far.value.vi)
