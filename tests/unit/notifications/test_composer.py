"""From alerts to messages for people: who, over what, when, and how many."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, datetime, time, timedelta
from itertools import chain

import pytest

from rasoat.deadlines.calendar import Calendar, DayFact, DayKind
from rasoat.foundation.clock import LEGAL_ZONE
from rasoat.foundation.errors import InputError
from rasoat.foundation.messages import Text
from rasoat.notifications.composing import Composer, Settings
from rasoat.notifications.digests import Entry, UnitRate, weekly_summary
from rasoat.notifications.directory_file import parse
from rasoat.notifications.kinds import DETAILS

LABEL = {"vi": "nhãn", "en": "label"}
EXAMPLES = {"text": "chữ", "label": LABEL, "day": "2022-10-20", "instant": "2022-10-20T08:00:00+07:00", "count": 3}
EXAMPLES["decision"] = "extended"
DISTRICT = "ha-tinh/cam-xuyen"
COMMUNE = f"{DISTRICT}/cam-due"


def local_closure(day):
    return DayFact(day, DayKind.CLOSURE, Text("Bão", "Storm"), "1/CĐ-UBND", day, "", "FOUND")


def facts_of(composition):
    drafts = chain.from_iterable(draft.covered for draft in composition.drafts)
    held = ((subject, h.notice.like.rung) for h in composition.held for subject in h.notice.subjects)
    return {*drafts, *held}


def test_a_hundred_households_reach_the_village_head_as_one_message(directory, calendar, alert, thursday_morning):
    composition = Composer(directory, calendar).compose([alert(n) for n in range(100)], thursday_morning)
    (draft,) = composition.drafts
    message = draft.message
    assert message.title == "Hết hạn hôm nay: Niêm yết kết quả – 100 hộ, thôn 1"
    assert message.recipient.key == "village-head"
    assert message.channel == "email"
    assert message.severity == "warning"
    assert message.created_at == draft.not_before == thursday_morning
    assert len(draft.covered) == 100
    assert "Kính gửi: Trưởng thôn A" in message.text


def test_ten_thousand_overdue_households_of_a_district_are_a_handful_of_messages(
    directory, calendar, alert, thursday_morning
):
    district = {"severity": "breach", "role": "district_chairman", "unit": DISTRICT}
    alerts = [alert(n, f"thon-{n % 150}", rung=rung, **district) for rung in ("T+1", "T+3") for n in range(10_000)]
    composition = Composer(directory, calendar).compose(alerts, thursday_morning + timedelta(days=7))
    (draft,) = composition.drafts
    assert draft.message.kind == "digest"
    assert draft.message.title.endswith("10.000 hộ quá hạn")
    assert len(draft.covered) == 20_000
    assert len(draft.message.text) < 20_000
    assert facts_of(composition) == {(a.subject, a.rung) for a in alerts}


def test_a_catch_up_tells_a_breach_that_is_over_as_what_happened_and_not_as_overdue(
    directory, calendar, alert, thursday_morning
):
    told = {"kind": "breach", "rung": "breach", "severity": "breach", "role": "district_chairman", "unit": DISTRICT}
    alerts = [alert(n, f"thon-{n}", over=n < 8, details={"cause": None}, **told) for n in range(10)]
    (draft,) = Composer(directory, calendar).compose(alerts, thursday_morning + timedelta(days=7)).drafts
    told = {part["name"]: part for part in draft.message.data["sections"]}
    assert {name: part["count"] for name, part in told.items()} == {"overdue": 2, "changed": 8}
    assert all(item["days_left"] is None for item in told["changed"]["items"])


def test_days_left_are_those_of_the_day_the_message_is_written(directory, calendar, alert, thursday_morning):
    composer = Composer(directory, calendar)
    for days, left in ((-2, 2), (-1, 1), (0, 0), (1, -1), (4, -2)):
        (draft,) = composer.compose([alert(1)], thursday_morning + timedelta(days=days)).drafts
        assert draft.message.data["days_left"] == left


def test_the_same_alerts_give_the_same_messages_in_whatever_order(directory, calendar, alert, thursday_morning):
    composer = Composer(directory, calendar)
    alerts = [alert(n) for n in range(5)]
    first = composer.compose(alerts, thursday_morning)
    again = composer.compose(alerts[::-1], thursday_morning)
    assert [d.message.id for d in first.drafts] == [d.message.id for d in again.drafts]


def test_rung_recipient_and_channel_each_have_their_own_message(directory, calendar, alert, thursday_morning):
    composer = Composer(directory, calendar)
    commune = {"role": "commune_committee", "unit": COMMUNE}
    drafts = [
        *composer.compose([alert(1)], thursday_morning).drafts,
        *composer.compose([alert(1, rung="T+1")], thursday_morning).drafts,
        *composer.compose([alert(1, **commune)], thursday_morning).drafts,
    ]
    assert Counter(d.message.channel for d in drafts) == {"email": 3, "inbox": 1}
    assert len({d.message.id for d in drafts}) == 4


@pytest.mark.parametrize("kind", DETAILS)
def test_every_kind_of_alert_becomes_a_message_with_json_data(directory, calendar, alert, thursday_morning, kind):
    details = {key: EXAMPLES[sort] for key, (sort, _) in DETAILS[kind].items()}
    for given in (details, {k: v if DETAILS[kind][k][1] else None for k, v in details.items()}):
        raised = alert(1, kind=kind, details=given)
        (draft,) = Composer(directory, calendar).compose([raised], thursday_morning).drafts
        assert draft.message.kind == kind
        assert json.loads(json.dumps(draft.message.data))["kind"] == kind


def test_household_codes_stay_out_of_messages_unless_the_setting_says_so(directory, calendar, alert, thursday_morning):
    alerts = [alert(n) for n in range(30)]
    (silent,) = Composer(directory, calendar).compose(alerts, thursday_morning).drafts
    everything = silent.message.text + silent.message.html + json.dumps(silent.message.data)
    assert "thon-1-H" not in everything
    shown = Settings(show_household_codes=True, most_codes=3)
    (open_,) = Composer(directory, calendar, shown).compose(alerts, thursday_morning).drafts
    assert "thon-1-H0000, thon-1-H0001, thon-1-H0002, và 27 mục khác" in open_.message.text


def test_the_addressee_of_a_letter_stays_out_unless_the_setting_says_so(directory, calendar, alert, thursday_morning):
    details = {key: EXAMPLES[sort] for key, (sort, _) in DETAILS["delay_notice"].items()} | {"addressee": "Người Dân"}
    raised = alert(1, kind="delay_notice", details=details)
    for shown in (False, True):
        composer = Composer(directory, calendar, Settings(show_household_codes=shown))
        (draft,) = composer.compose([raised], thursday_morning).drafts
        assert ("Người Dân" in draft.message.text) is shown
        assert ("Người Dân" in json.dumps(draft.message.data, ensure_ascii=False)) is shown


def test_a_link_leads_below_the_address_of_the_installation(directory, calendar, alert, thursday_morning):
    composer = Composer(directory, calendar, Settings(base_url="https://rasoat.example.vn/app/"))
    (draft,) = composer.compose([alert(1)], thursday_morning).drafts
    assert draft.message.data["link"] == "https://rasoat.example.vn/app/cases/1"
    assert 'href="https://rasoat.example.vn/app/cases/1"' in draft.message.html


def test_an_address_for_links_that_is_not_a_web_address_is_refused():
    with pytest.raises(InputError):
        Settings(base_url="javascript:alert(1)//")


def test_nobody_found_climbs_and_the_message_says_so(staff, calendar, alert, thursday_morning):
    staff["post"] = staff["post"][1:]
    names = {"village_head": Text("Trưởng thôn", "Village head")}
    settings = Settings(name_role=names.__getitem__, name_unit=lambda path: Text(path[-6:], path[-6:]))
    composition = Composer(parse(staff), calendar, settings).compose([alert(1)], thursday_morning)
    assert {d.message.recipient.key for d in composition.drafts} == {"committee"}
    assert "Không có người đang giữ vai trò Trưởng thôn tại thon-1" in composition.drafts[0].message.text
    assert composition.drafts[0].message.data["climbed"] == [
        {"role": names["village_head"]._asdict(), "unit": {"vi": "thon-1", "en": "thon-1"}}
    ]


def test_nobody_up_to_the_top_is_reported_not_lost(staff, calendar, alert, thursday_morning):
    staff["post"] = []
    composition = Composer(parse(staff), calendar).compose([alert(1), alert(2)], thursday_morning)
    assert composition.drafts == ()
    (notice,) = composition.unreachable
    assert notice.count == 2


def test_who_is_told_twice_over_two_ways_gets_one_message(staff, calendar, alert, thursday_morning):
    staff["post"] = staff["post"][1:]
    commune = {"role": "commune_committee", "unit": COMMUNE}
    composition = Composer(parse(staff), calendar).compose([alert(1), alert(1, **commune)], thursday_morning)
    assert Counter(d.message.channel for d in composition.drafts) == {"email": 1, "inbox": 1}


def test_mild_news_waits_for_the_digest(directory, calendar, alert, thursday_morning):
    composer = Composer(directory, calendar)
    composition = composer.compose([alert(n, severity="info", rung="T-2") for n in (1, 2)], thursday_morning)
    assert composition.drafts == ()
    (held,) = composition.held
    due = [Entry("deadline", 4, "household", "thôn 2", Text("b", "s"), Text("d", "d"), date(2022, 10, 25), -2)]
    (draft,) = composer.digest(held.recipient, due, composition.held, thursday_morning)
    assert draft.message.kind == "digest"
    assert draft.message.title.endswith("4 hộ quá hạn, 1 thay đổi")
    assert set(draft.covered) == {(f"deadline:thon-1-{n}", "T-2") for n in (1, 2)}


def test_an_empty_digest_is_not_sent(directory, calendar, thursday_morning):
    (recipient,) = directory.holders("commune_committee", COMMUNE, date(2022, 10, 27))
    assert Composer(directory, calendar).digest(recipient, [], [], thursday_morning) == ()


def test_there_is_one_digest_a_day_for_each_recipient_and_channel(directory, calendar, thursday_morning):
    composer = Composer(directory, calendar)
    (recipient,) = directory.holders("commune_committee", COMMUNE, date(2022, 10, 27))
    due = [Entry("deadline", 4, "household", "thôn 2", Text("b", "s"), Text("d", "d"), date(2022, 10, 25), -2)]
    ids = [
        [d.message.id for d in composer.digest(recipient, due, [], thursday_morning + timedelta(hours=h))]
        for h in (0, 1, 24)
    ]
    assert ids[0] == ids[1] != ids[2]
    assert len(set(ids[0])) == 2


def test_the_weekly_summary_goes_out_over_every_channel(directory, calendar, thursday_morning):
    composer = Composer(directory, calendar)
    (recipient,) = directory.holders("commune_committee", COMMUNE, date(2022, 10, 27))
    data = weekly_summary(date(2022, 10, 17), date(2022, 10, 23), [UnitRate("xã Cẩm Duệ", 3, 2, 1)])
    drafts = composer.periodic(recipient, "weekly_summary", "week:2022-10-17", data, thursday_morning)
    assert [d.message.channel for d in drafts] == ["email", "inbox"]
    assert "66,7\u00a0% đúng hạn" in drafts[0].message.title


def test_each_trial_of_a_channel_is_a_message_of_its_own(directory, calendar, thursday_morning):
    composer = Composer(directory, calendar)
    (recipient,) = directory.holders("commune_committee", COMMUNE, date(2022, 10, 27))
    first = composer.test(recipient, "email", thursday_morning)
    later = composer.test(recipient, "email", thursday_morning + timedelta(seconds=1))
    assert first.message.kind == "channel_test"
    assert first.message.id != later.message.id


def test_quiet_hours_postpone_a_warning_and_not_what_breaks_through(staff, calendar, alert, thursday_morning):
    staff["person"][0]["quiet"] = {"from": time(20), "until": time(6, 30), "except": ["breach"]}
    composer = Composer(parse(staff), calendar)
    night = thursday_morning.replace(hour=22)
    morning = datetime(2022, 10, 28, 6, 30, tzinfo=LEGAL_ZONE)
    waiting = composer.compose([alert(1)], night)
    assert waiting.drafts == ()
    assert [(one.notice.subjects, one.until) for one in waiting.postponed] == [(("deadline:thon-1-1",), morning)]
    (breach,) = composer.compose([alert(1, severity="breach")], night).drafts
    assert breach.not_before == night


def test_where_somebody_may_be_told_now_who_sleeps_gets_the_same_words_later_and_they_say_as_of_when(
    staff, calendar, alert, thursday_morning
):
    staff["post"].append({"person": "committee", "role": "village_head", "unit": f"{COMMUNE}/thon-1"})
    staff["person"][0]["quiet"] = {"from": time(20), "until": time(6, 30)}
    night = thursday_morning.replace(hour=22)
    found = Composer(parse(staff), calendar).compose([alert(1)], night)
    assert found.postponed == ()
    waits = {draft.message.recipient.key: draft.not_before for draft in found.drafts}
    assert waits == {"village-head": datetime(2022, 10, 28, 6, 30, tzinfo=LEGAL_ZONE), "committee": night}
    assert all("tính đến 22:00 ngày thứ Năm, 27/10/2022" in draft.message.text for draft in found.drafts)


def test_days_left_are_counted_by_the_calendar_of_the_unit_it_happens_in(directory, calendar, alert, thursday_morning):
    """A storm closed one village's offices on Thursday and Friday; the village beside it worked."""
    off = [local_closure(day) for day in (date(2022, 10, 27), date(2022, 10, 28))]
    closed = Calendar("storm", {fact.day: fact for fact in [*calendar.special_days(), *off]},
                      first_day=calendar.first_day, last_day=calendar.last_day,
                      confirmed_through=calendar.confirmed_through)  # fmt: skip
    composer = Composer(directory, lambda path: closed if path.endswith("thon-1") else calendar)
    due, at = date(2022, 10, 31), thursday_morning - timedelta(days=1)
    alerts = [alert(1, unit=COMMUNE, role="commune_committee", village="", about=f"{COMMUNE}/{v}", due_on=due)
              for v in ("thon-1", "thon-2")]  # fmt: skip
    drafts = [draft for draft in composer.compose(alerts, at).drafts if draft.message.channel == "email"]
    assert [draft.message.data["days_left"] for draft in drafts] == [1, 3]


def test_a_recipient_reads_their_own_language(staff, calendar, alert, thursday_morning):
    staff["person"][0]["language"] = "en"
    (draft,) = Composer(parse(staff), calendar).compose([alert(1)], thursday_morning).drafts
    assert draft.message.title == "Due today: Posting of the result – 1 household, thôn 1"
    assert draft.message.data["language"] == "en"
