from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rasoat.foundation.errors import InputError
from rasoat.notifications.alerts import group, group_subject
from rasoat.notifications.model import Message, PermanentFailure, Recipient, gravest, message_id

SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_a_hundred_households_of_one_village_at_one_step_are_one_notice(alert):
    (notice,) = group([alert(n) for n in range(100)])
    assert notice.count == 100
    assert notice.like.village == "thôn 1"
    assert len(set(notice.subjects)) == 100


@pytest.mark.parametrize(
    "change",
    [
        {"rung": "T+1"},
        {"severity": "urgent"},
        {"role": "commune_committee"},
        {"village": "thôn 2"},
        {"due_on": date(2022, 10, 28)},
        {"article": "another"},
    ],
)
def test_what_says_something_else_is_another_notice(alert, change):
    assert len(group([alert(1), alert(2, **change)])) == 2


def test_an_alert_given_twice_counts_once(alert):
    (notice,) = group([alert(1), alert(1)])
    assert notice.count == 1
    assert notice.subject == alert(1).subject


def test_a_single_case_links_to_itself_and_a_group_to_its_list(alert):
    (single,) = group([alert(7)])
    (many,) = group([alert(7), alert(8)])
    assert single.link == "/cases/7"
    assert many.link == "/lists/thon-1/posting"


def test_alerts_that_stand_for_many_are_added_up(alert):
    (notice,) = group([alert(1, count=40, households=()), alert(2, count=60, households=())])
    assert notice.count == 100
    assert group([alert(1, count=40)])[0].link == "/lists/thon-1/posting"


def test_persons_and_households_are_not_added_up(alert):
    assert len(group([alert(1), alert(2, counting="person")])) == 2


@SHARED
@given(st.permutations(range(12)))
def test_the_subject_of_a_group_does_not_depend_on_the_order(alert, order):
    (notice,) = group([alert(n) for n in order])
    (sorted_notice,) = group([alert(n) for n in range(12)])
    assert notice.subject == sorted_notice.subject
    assert notice.subjects == sorted_notice.subjects


@SHARED
@given(st.lists(st.tuples(st.integers(1, 30), st.sampled_from(["thon-1", "thon-2", "thon-3"])), max_size=60))
def test_grouping_loses_and_doubles_nothing(alert, cases):
    notices = group([alert(n, village) for n, village in cases])
    told = [subject for notice in notices for subject in notice.subjects]
    assert sorted(told) == sorted({f"deadline:{village}-{n}" for n, village in cases})


def test_a_group_that_gains_a_member_has_another_subject():
    assert group_subject(["a", "b"]) != group_subject(["a", "b", "c"])
    assert group_subject(["a", "a"]) == "a"


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "nothing-known"},
        {"kind": "digest"},
        {"due_on": None},
        {"count": 0},
        {"details": {"surprise": "1"}},
        {"kind": "breach"},
        {"kind": "breach", "details": {"cause": {"vi": "phúc tra"}}},
        {"kind": "calendar_change", "details": {"old_due_on": "31/11/2022", "decision": "12729/VPCP-KGVX"}},
        {"kind": "calendar_change", "details": {"old_due_on": None, "decision": "12729/VPCP-KGVX"}},
        {"kind": "job_stalled", "details": {"job": "x", "problem": "y", "last_success": "2022-10-27T08:00:00"}},
    ],
)
def test_an_alert_no_message_could_be_written_from_is_refused_when_raised(alert, change):
    with pytest.raises(InputError):
        alert(1, **change)


def test_details_that_are_complete_are_accepted(alert):
    cause = {"vi": "chậm do phúc tra", "en": "late because of the re-check"}
    assert alert(1, kind="breach", details={"cause": cause}).details["cause"] == cause
    assert alert(1, kind="breach", details={"cause": None}).details["cause"] is None


def test_the_same_four_parts_give_the_same_id_and_any_other_part_another():
    parts = ["deadline:1", "T-2", "chairman", "email"]
    key = message_id(*parts)
    assert key == message_id(*parts)
    assert len(key) == 32
    assert int(key, 16) >= 0
    others = {message_id(*(part + "x" if i == n else part for i, part in enumerate(parts))) for n in range(4)}
    assert len(others | {key}) == 5


@pytest.mark.parametrize("part", ["", "a|b"])
def test_a_part_that_would_blur_the_id_is_refused(part):
    with pytest.raises(InputError):
        message_id("deadline:1", part, "chairman", "email")


def _message(**changes):
    recipient = Recipient("k", "Tên", "role", "unit", "vi", {"email": "a@example.vn"})
    facts = {
        "id": "0" * 32,
        "kind": "deadline",
        "severity": "info",
        "recipient": recipient,
        "channel": "email",
        "title": "t",
        "text": "x",
        "html": "<p>x</p>",
        "data": {},
        "created_at": datetime(2022, 10, 27, tzinfo=UTC),
    }
    return Message(**(facts | changes))


def test_a_message_without_zone_or_with_unknown_severity_is_refused():
    with pytest.raises(InputError):
        _message(created_at=datetime(2022, 10, 27))  # noqa: DTZ001 - the fault under test
    with pytest.raises(InputError):
        _message(severity="loud")


def test_a_recipient_without_address_on_the_channel_is_a_permanent_failure():
    message = _message()
    assert message.address == "a@example.vn"
    with pytest.raises(PermanentFailure, match="'sms'"):
        _ = replace(message, channel="sms").address


def test_the_gravest_severity_wins():
    assert gravest(("warning", "breach", "info")) == "breach"
