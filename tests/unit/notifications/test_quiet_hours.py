from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasoat.foundation.clock import LEGAL_ZONE
from rasoat.foundation.errors import InputError
from rasoat.notifications.preferences import QuietHours, next_allowed


def weekday(day):
    return day.isoweekday() <= 5


def local(*parts):
    return datetime(*parts, tzinfo=LEGAL_ZONE)


NIGHT = QuietHours(time(20), time(6, 30))
NIGHT_AND_DAYS_OFF = QuietHours(time(20), time(6, 30), days_off=True)
LUNCH = QuietHours(time(11, 30), time(13, 30))


@pytest.mark.parametrize(
    ("now", "quiet", "allowed"),
    [
        (local(2022, 10, 27, 12), None, local(2022, 10, 27, 12)),
        (local(2022, 10, 27, 12), NIGHT, local(2022, 10, 27, 12)),
        (local(2022, 10, 27, 19, 59), NIGHT, local(2022, 10, 27, 19, 59)),
        (local(2022, 10, 27, 20), NIGHT, local(2022, 10, 28, 6, 30)),
        (local(2022, 10, 28, 0), NIGHT, local(2022, 10, 28, 6, 30)),
        (local(2022, 10, 28, 6, 30), NIGHT, local(2022, 10, 28, 6, 30)),
        (local(2022, 10, 27, 12), LUNCH, local(2022, 10, 27, 13, 30)),
        (local(2022, 10, 28, 21), NIGHT_AND_DAYS_OFF, local(2022, 10, 31, 6, 30)),
        (local(2022, 10, 29, 12), NIGHT_AND_DAYS_OFF, local(2022, 10, 31, 6, 30)),
        (local(2022, 10, 29, 12), QuietHours(time(0), time(0), days_off=True), local(2022, 10, 31, 0)),
        (datetime(2022, 10, 27, 15, tzinfo=UTC), NIGHT, local(2022, 10, 28, 6, 30)),
    ],
)
def test_the_next_allowed_instant(now, quiet, allowed):
    assert next_allowed(now, quiet, "warning", weekday) == allowed


def test_a_severity_that_breaks_through_is_never_held_back():
    quiet = QuietHours(time(0), time(23, 59), days_off=True, except_for=frozenset({"breach"}))
    sunday = local(2022, 10, 30, 3)
    assert next_allowed(sunday, quiet, "breach", weekday) == sunday
    assert next_allowed(sunday, quiet, "urgent", weekday) > sunday


TIMES = st.times().map(lambda t: t.replace(second=0, microsecond=0))
INSTANTS = st.datetimes(datetime(2022, 1, 1), datetime(2026, 12, 31)).map(  # noqa: DTZ001 - the zone is put on next
    lambda t: t.replace(tzinfo=LEGAL_ZONE)
)


@given(INSTANTS, TIMES, TIMES, st.booleans())
def test_it_is_never_earlier_never_quiet_and_as_early_as_can_be(now, start, end, days_off):
    quiet = QuietHours(start, end, days_off=days_off)
    allowed = next_allowed(now, quiet, "warning", weekday)
    assert allowed >= now
    here = allowed.astimezone(LEGAL_ZONE)

    def silent(instant):
        return quiet.covers(instant.time()) or (days_off and not weekday(instant.date()))

    assert not silent(here)
    if allowed > now:
        assert silent(here - timedelta(microseconds=1))
        steps = int((allowed - now) / timedelta(minutes=17))
        assert all(silent(now.astimezone(LEGAL_ZONE) + n * timedelta(minutes=17)) for n in range(steps))


def test_a_calendar_without_working_days_is_refused_instead_of_searched_for_ever():
    with pytest.raises(InputError, match="60 days"):
        next_allowed(local(2022, 10, 27, 12), NIGHT_AND_DAYS_OFF, "warning", lambda day: False)


def test_quiet_hours_with_a_zone_of_their_own_are_refused():
    with pytest.raises(InputError):
        QuietHours(time(20, tzinfo=UTC), time(6))
