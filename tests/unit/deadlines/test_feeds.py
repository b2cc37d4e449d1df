from __future__ import annotations

from datetime import UTC, date, datetime

import icalendar
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from rasoat.commands.calendar import app
from rasoat.deadlines.feeds import FeedEntry, icalendar_text
from rasoat.foundation.errors import InputError

STAMP = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
LONG = "Hạn cho ý kiến của Chủ tịch UBND tỉnh về kết quả rà soát; thôn 1, thôn 2\\3\nXem hồ sơ " * 4
words = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=200)


def parsed(feed: str) -> list[icalendar.Event]:
    return list(icalendar.Calendar.from_ical(feed).walk("VEVENT"))


def test_another_parser_reads_back_every_entry() -> None:
    entries = [FeedEntry("deadline-1@rasoat", date(2026, 12, 1), LONG, LONG), FeedEntry("2", date(2026, 2, 28), "x")]
    first, second = parsed(icalendar_text("Lịch, xã; A", entries, STAMP))
    assert (first["UID"], first["SUMMARY"], first["DESCRIPTION"]) == ("deadline-1@rasoat", LONG, LONG)
    assert (first.decoded("DTSTART"), first.decoded("DTEND")) == (date(2026, 12, 1), date(2026, 12, 2))
    assert first.decoded("DTSTAMP") == STAMP
    assert (second.decoded("DTEND"), "DESCRIPTION" in second) == (date(2026, 3, 1), False)


def test_lines_end_in_crlf_and_have_at_most_75_octets() -> None:
    feed = icalendar_text("Lịch", [FeedEntry("1", date(2026, 12, 1), LONG, LONG)], STAMP)
    assert feed.endswith("END:VCALENDAR\r\n")
    assert "\n" not in feed.replace("\r\n", "")
    assert max(len(line.encode()) for line in feed.split("\r\n")) <= 75


def test_a_feed_declares_its_version_and_has_no_time_zone() -> None:
    feed = icalendar_text("Lịch", [], STAMP)
    assert feed.startswith("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:")
    assert "VTIMEZONE" not in feed


def test_the_same_entries_give_the_same_text() -> None:
    entries = [FeedEntry("1", date(2026, 12, 1), "a")]
    assert icalendar_text("x", entries, STAMP) == icalendar_text("x", iter(entries), STAMP)


def test_two_entries_with_one_uid_are_refused() -> None:
    with pytest.raises(InputError, match="uid '1'"):
        icalendar_text("x", [FeedEntry("1", date(2026, 12, 1), "a"), FeedEntry("1", date(2026, 12, 2), "b")], STAMP)


def test_a_stamp_without_a_zone_is_refused() -> None:
    with pytest.raises(InputError):
        icalendar_text("x", [], datetime(2026, 11, 22))  # noqa: DTZ001  the naive stamp is the fault under test


def test_control_characters_do_not_reach_the_feed() -> None:
    feed = icalendar_text("x", [FeedEntry("1", date(2026, 12, 1), "a\x00b\x07c\r\nd")], STAMP)
    assert parsed(feed)[0]["SUMMARY"] == "abc\nd"


@given(summary=words, description=words)
def test_any_text_survives_the_feed(summary: str, description: str) -> None:
    feed = icalendar_text("x", [FeedEntry("1", date(2026, 12, 1), summary, description or "-")], STAMP)
    event = parsed(feed)[0]
    assert (str(event["SUMMARY"]), str(event["DESCRIPTION"])) == (summary, description or "-")
    assert max(len(line.encode()) for line in feed.split("\r\n")) <= 75


def test_the_dates_of_the_law_are_a_feed() -> None:
    feed = CliRunner().invoke(app, ["dates", "2026", "--ical"]).output
    days = {str(event["UID"]): event.decoded("DTSTART") for event in parsed(feed)}
    assert days["review_closes-202612@rasoat"] == date(2026, 12, 14)
    assert len(days) == 24


def test_the_dates_of_the_law_are_listed_with_weekday_and_article() -> None:
    shell = typer.Typer()
    shell.add_typer(app, name="calendar")
    output = CliRunner().invoke(shell, ["calendar", "dates", "2026"]).output
    assert "15/11/2026  Chủ nhật" in output
    told = CliRunner().invoke(shell, ["calendar", "dates", "2026", "--json"]).output
    assert "QĐ 24/2021/QĐ-TTg Đ7 k3" in told
