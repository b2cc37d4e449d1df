"""Agenda, on-time rates, what-if, calendars, milestones, migrations, rehearsals and inboxes over HTTP."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from rasoat import Mandate
from rasoat.persistence.inbox import InboxRow, put
from tests.support.serving import COMMUNE, DISTRICT, OTHER_COMMUNE, STARTED, problem, units_of, village

THIRD_COMMUNE = "42/446/18770"
EVERYWHERE = ("read", "act", "admin")


@pytest.fixture
def planted(service):
    service.ids = service.plant(villages=2, households=2)
    service.engine.register_units(units_of(0, (THIRD_COMMUNE,)))
    service.engine.open_round("R-ENDS", "annual", THIRD_COMMUNE, STARTED, ends_on=date(2022, 12, 14))
    return service


def test_the_agenda_tells_only_of_ones_own_units(planted):
    with planted.client(planted.token()) as client:
        planted.at(datetime(2022, 12, 12, 3, tzinfo=UTC))
        ahead = client.get("/v1/committee/agenda", params={"working_days": 3}).json()["items"]
        assert {line["unit"] for line in ahead} == {COMMUNE, THIRD_COMMUNE}
        assert client.get("/v1/committee/agenda", params={"working_days": 0}).json()["items"] == []
    with planted.client(planted.token("CB-01", Mandate("committee", COMMUNE))) as client:
        ahead = client.get("/v1/committee/agenda").json()["items"]
        assert {(line["unit"], line["rule"]) for line in ahead} == {(COMMUNE, "season_end")}


def test_on_time_rates_are_those_of_the_units_one_sees(planted):
    planted.at(datetime(2022, 12, 20, 3, tzinfo=UTC))
    with planted.client(planted.token("CB-01", Mandate("committee", COMMUNE))) as client:
        [line] = client.get("/v1/committee/punctuality").json()["items"]
        assert (line["unit"], line["running_late"], line["on_time_rate"]) == (COMMUNE, 1, 0.0)
        assert client.get("/v1/committee/punctuality", params={"since": "2022-12-15"}).json()["items"] == []


def test_what_if_is_tried_on_a_copy_and_only_in_ones_own_units(planted):
    supposed = {"trigger": "list_managed", "units": [village(1)], "on": "2022-09-27"}
    asked = {"until": "2022-12-31", "suppositions": [supposed]}
    case = str(next(iter(planted.ids.values())))
    with planted.client(planted.token("CB-01", Mandate("committee", COMMUNE))) as client:
        before = client.get(f"/v1/cases/{case}").json()
        found = client.post("/v1/what-if", json=asked)
        assert (found.status_code, found.json()["moved"]) == (200, 2), found.text
        assert client.get(f"/v1/cases/{case}").json() == before
        assert {line["unit"] for line in found.json()["expected"]} <= {COMMUNE, village(1), village(2)}
        theirs = client.post("/v1/what-if", json={"until": "2022-12-31", "units": [OTHER_COMMUNE]})
        assert theirs.status_code == 403
        assert client.post("/v1/what-if", json={"until": "2022-12-31"}).status_code == 422


def test_a_desk_is_a_calendar_to_subscribe_to(planted):
    desk = {"role": "committee", "unit": COMMUNE}
    with planted.client(planted.token("CB-01", Mandate("committee", COMMUNE))) as client:
        feed = client.get("/v1/feeds/desk", params=desk)
        assert feed.headers["content-type"] == "text/calendar; charset=utf-8"
        assert feed.text.count("BEGIN:VEVENT") == 1
        assert "20221214" in feed.text
        assert client.get("/v1/feeds/desk", params=desk | {"unit": OTHER_COMMUNE}).status_code == 403


def test_a_plan_opens_its_dates_once_for_who_may_open_rounds(planted):
    with planted.client(planted.token()) as client:
        missing = client.post("/v1/rounds/R-2022/milestones", json={"plan": "pyproject.toml"})
        assert missing.status_code == 404
    with planted.client(planted.token("TT-01", Mandate("village_head", village(1)))) as client:
        assert client.post("/v1/rounds/R-2022/milestones", json={"plan": "any"}).status_code == 403


@pytest.mark.parametrize(("plan", "status"), [("nothing-2022", 404), ("hai-duong-2024", 422)])
def test_a_round_is_not_opened_with_a_plan_that_is_unknown_or_of_elsewhere(planted, plan, status):
    asked = {"code": "R-PLAN", "procedure": "annual", "unit": OTHER_COMMUNE, "started_on": "2022-09-26", "plan": plan}
    with planted.client(planted.token()) as client:
        refused = client.post("/v1/rounds", json=asked)
        assert (refused.status_code, plan in refused.text) == (status, True)
        assert client.get("/v1/rounds/R-PLAN").status_code == 404


def test_the_clock_and_the_calendar_are_the_administrators(planted):
    asked = {"unit": COMMUNE}
    with planted.client(planted.token()) as client:
        assert client.post("/v1/due/run").status_code == 403
        assert client.post("/v1/calendar/recalendar", json=asked).status_code == 403
    with planted.client(planted.token("QT-01", scopes=EVERYWHERE)) as client:
        planted.at(datetime(2022, 12, 20, 3, tzinfo=UTC))
        assert client.post("/v1/due/run").json()["breaches"] == 2
        assert client.post("/v1/due/run").json()["breaches"] == 0
        told = client.post("/v1/calendar/recalendar", json=asked).json()
        assert (told["shifts"], told["firm"]) == ([], 0)


def test_a_migration_is_checked_tried_and_carried_out_on_its_day(planted):
    with planted.client(planted.token("QT-01", Mandate("committee", "42"), scopes=EVERYWHERE)) as client:
        plans = {plan["source"]: plan for plan in client.get("/v1/migrations").json()}
        key = plans["annual@2022"]["key"]
        assert client.get(f"/v1/migrations/{key}/check").json() == {"plan": key, "faults": []}
        assert client.post(f"/v1/migrations/{key}/dry-run", json={}).status_code == 422
        tried = client.post(f"/v1/migrations/{key}/dry-run", json={"round": "R-2022"}).json()
        assert (tried["written"], tried["moved"] + len(tried["blocked"])) == (False, 4)
        early = client.post(f"/v1/migrations/{key}/apply", json={"round": "R-2022"})
        assert early.status_code == 422
        planted.at(datetime.fromisoformat(plans["annual@2022"]["on"] + "T03:00+00:00") + timedelta(days=1))
        done = client.post(f"/v1/migrations/{key}/apply", json={"round": "R-2022"}).json()
        assert (done["written"], done["moved"], done["stopped_short"]) == (True, tried["moved"], False)
        workflows = {case["workflow"] for case in client.get("/v1/cases", params={"round": "R-2022"}).json()["items"]}
        assert plans["annual@2022"]["target"] in workflows
        assert client.get("/v1/migrations/none/check").status_code == 404
    with planted.client(planted.token("QT-02", Mandate("committee", OTHER_COMMUNE), scopes=EVERYWHERE)) as client:
        assert client.post(f"/v1/migrations/{key}/dry-run", json={"round": "R-2022"}).status_code == 404
        assert client.post(f"/v1/migrations/{key}/dry-run", json={"unit": COMMUNE}).status_code == 403


def test_a_round_is_rehearsed_under_another_setting(planted):
    asked = {"settings": {"silence_override": True}}
    with planted.client(planted.token("CB-01", Mandate("committee", COMMUNE))) as client:
        found = client.post("/v1/rounds/R-2022/rehearsals", json=asked)
        assert (found.status_code, found.json()["cases"], found.json()["unchanged"]) == (200, 4, 4), found.text
        unknown = client.post("/v1/rounds/R-2022/rehearsals", json={"workflow": "annual@1900"})
        assert unknown.status_code == 404
    with planted.client(planted.token("TT-01", Mandate("village_head", village(1)))) as client:
        assert client.post("/v1/rounds/R-2022/rehearsals", json={}).status_code == 404


def test_each_person_reads_and_opens_only_their_own_messages(planted):
    now = planted.clock.now()
    with planted.engine.transaction() as tx:
        for whose, count in (("CB-07", 3), ("CB-08", 1)):
            for n in range(count):
                at = now - timedelta(minutes=n // 2)
                put(tx, InboxRow(f"{n}{whose[-1]}", whose, "deadline", "info", f"Tin {n}", "…", "<p>…</p>", at, None))
    with planted.client(planted.token("CB-07")) as client:
        pages, link = [], "/v1/inbox?limit=1"
        while link:
            answer = client.get(link)
            pages += [letter["id"] for letter in answer.json()["items"]]
            link = answer.headers["link"].partition("<")[2].partition(">")[0] if "link" in answer.headers else None
        assert pages == ["07", "17", "27"]
        assert client.post("/v1/inbox/read", json={"messages": ["07", "08"]}).json() == {"read": 1, "unread": 2}
        assert [each["id"] for each in client.get("/v1/inbox?unread=true").json()["items"]] == ["17", "27"]
        other = client.get("/v1/inbox", headers={"Rasoat-On-Behalf-Of": "CB-08"})
        assert (other.status_code, problem(other)["code"]) == (403, "permission")
    with planted.client(planted.token("HE-THONG", Mandate("committee", DISTRICT), acts_for=("CB-08",))) as client:
        assert client.get("/v1/inbox/unread").json() == {"unread": 0}
        spoken = {"Rasoat-On-Behalf-Of": "CB-08"}
        assert [each["id"] for each in client.get("/v1/inbox", headers=spoken).json()["items"]] == ["08"]


def test_until_when_each_village_must_be_done_is_told_to_who_sees_the_whole_round(planted):
    with planted.client(planted.token("TT-01", Mandate("village_head", village(1)))) as client:
        assert client.get("/v1/rounds/R-2022/outlooks").status_code == 404
    with planted.client(planted.token()) as client:
        [season] = client.get("/v1/rounds/R-2022/outlooks").json()
        assert (season["end"], season["lost"]) == ("2022-12-14", False)
        assert [each["unit"] for each in season["villages"]] == [village(1), village(2)]
        assert all(each["safe"] <= each["possible"] < each["impossible_from"] for each in season["villages"])
        planted.at(datetime(2022, 12, 14, 3, tzinfo=UTC))
        [late] = client.get("/v1/rounds/R-2022/outlooks").json()
        assert (late["lost"], {each["standing"] for each in late["villages"]}) == (True, {"lost"})
