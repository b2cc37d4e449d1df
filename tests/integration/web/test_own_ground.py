"""What lies outside a caller's own: other communes' households and units, other people's inboxes and keys, the past."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from rasoat import Mandate
from rasoat.notifications.webhooks import write_events
from rasoat.persistence.inbox import InboxRow, put
from rasoat.persistence.outbox import OutboxRow, enqueue
from rasoat.persistence.webhooks import WebhookRow, facts_for, keep, settled_through, webhook
from tests.support.reviews import BEATS
from tests.support.serving import COMMUNE, DISTRICT, OTHER_COMMUNE, code, problem, units_of, village

HEADINGS = "mã hộ,họ và tên chủ hộ,thành viên,quan hệ với chủ hộ,ngày sinh,giới tính,CCCD,mã thôn,khu vực,phân loại hộ"
ROW = "{0},Trần Thị {0},,chủ hộ,03/02/1970,nữ,,{1},nông thôn,hộ nghèo"
MINE = Mandate("committee", COMMUNE)


@pytest.fixture
def planted(service):
    service.ids = service.plant(villages=1, households=2)
    return service


def _upload(client, *rows, **fields):
    listed = "\n".join([HEADINGS, *(ROW.format(*row) for row in rows), ""])
    return client.post("/v1/households/upload", files={"file": ("x.csv", listed.encode())}, data=fields)


def _given(own, unit):
    head = {"name": "Trần Văn B", "relation": "chủ hộ", "born": "1970", "sex": "male"}
    return {"code": own, "unit": unit, "area": "rural", "class_now": "poor", "members": [head]}


@pytest.mark.parametrize("fields", [{"round": "R-2022", "keep_registered": "true"}, {"round": "R-2022"}, {}])
def test_another_communes_household_is_refused_in_its_row_and_told_nothing_of(planted, fields):
    theirs = code(1, 2, OTHER_COMMUNE)
    with planted.client(planted.token("CB-01", MINE)) as client:
        rows = [("H-1", "18766-01"), (theirs, "18766-01")]
        refused = problem(_upload(client, *rows, **fields))
        assert [(e["row"], e["value"], e["code"]) for e in refused["errors"]] == [
            (3, theirs, "web.household_elsewhere")
        ]
        assert "18769/" not in str(refused)
        assert client.get("/v1/households/H-1").status_code == 404
        partial = _upload(client, *rows, **fields, partial="true").json()
        assert (partial["new"], partial["cases"], len(partial["errors"])) == (1, 1 if fields else None, 1)
        direct = client.post("/v1/households", json=[_given("N-1", village(1)), _given(theirs, village(1))])
        assert [(e["row"], e["code"]) for e in problem(direct)["errors"]] == [(2, "web.household_elsewhere")]


def test_a_list_goes_only_into_a_round_of_its_commune_and_of_who_may_open_it(planted):
    both = (MINE, Mandate("village_head", OTHER_COMMUNE))
    with planted.client(planted.token("CB-01", *both)) as client:
        assert _upload(client, ("H-1", "18766-01"), round="R-OTHER", unit=COMMUNE).status_code == 403
    with planted.client(planted.token()) as client:
        refused = problem(_upload(client, ("H-1", "18766-01"), round="R-OTHER", unit=COMMUNE))
        assert [e["code"] for e in refused["errors"]] == ["web.household_elsewhere"]


def test_of_very_many_faulty_rows_a_thousand_are_told(planted):
    with planted.client(planted.token("CB-01", MINE)) as client:
        refused = problem(_upload(client, *((f"H-{n}", "khong-co") for n in range(1_005))))
        assert (len(refused["errors"]), refused["errors_left_out"]) == (1_000, 5)


def test_nobody_is_registered_and_no_round_opened_in_what_is_no_more(planted):
    ended = [{**unit, "valid_to": date(2022, 8, 31)} for unit in units_of(1, ("42/446/18800",))]
    planted.engine.register_units(ended)
    asked = {"code": "R-9", "procedure": "annual", "started_on": "2022-09-26"}
    with planted.client(planted.token()) as client:
        gone = village(1, "42/446/18800")
        assert client.post("/v1/households", json=[_given("N-1", gone)]).status_code == 404
        rows = problem(_upload(client, ("H-1", "18800-01")))["errors"]
        assert {e["code"] for e in rows} == {"import.village_unknown"}
        for unit, said in {"42/446/nope": 404, "42/446/18800": 422, village(1): 422, DISTRICT: 422}.items():
            refused = client.post("/v1/rounds", json=asked | {"unit": unit})
            assert (refused.status_code, problem(refused)["code"]) == (said, {404: "not_found", 422: "input"}[said])
        assert "2022-09-26" in problem(client.post("/v1/rounds", json=asked | {"unit": "42/446/18800"}))["detail"]


def test_units_are_registered_below_ones_own_mandate_alone(planted):
    district = [
        {"code": "42", "name": "Tỉnh Mẫu", "level": "province"},
        {"code": "447", "name": "Huyện khác", "level": "district", "parent": "42"},
    ]
    hamlet = [
        {"code": "42", "name": "Tỉnh Mẫu", "level": "province"},
        {"code": "446", "name": "Huyện Mẫu", "level": "district", "parent": "42"},
        {"code": "18766", "name": "Xã 18766", "level": "commune", "parent": "446"},
        {"code": "18766-09", "name": "Thôn 9", "level": "village", "parent": "18766"},
    ]
    with planted.client(planted.token("QT-01", MINE, scopes=("read", "admin"))) as client:
        refused = client.post("/v1/units", json=district)
        assert (refused.status_code, "42/447" in problem(refused)["detail"]) == (403, True)
        assert client.post("/v1/units", json=[{"code": "43", "name": "x", "level": "province"}]).status_code == 403
        assert client.post("/v1/units", json=hamlet).json() == {"units": 4, "new": 1}
    with planted.client(planted.token("QT-02", Mandate("committee", "42"), scopes=("read", "admin"))) as client:
        assert client.get("/v1/units/42/447").status_code == 404
        assert client.post("/v1/units", json=district).json()["new"] == 1


def test_whoever_may_act_for_anybody_opens_nobodys_inbox(planted):
    with planted.engine.transaction() as tx:
        put(tx, InboxRow("08", "CB-08", "deadline", "info", "Tin", "…", "<p>…</p>", planted.clock.now(), None))
    spoken = {"Rasoat-On-Behalf-Of": "CB-08"}
    with planted.client(planted.token("HE-THONG", MINE, acts_for=("*",))) as client:
        for path in ("/v1/inbox", "/v1/inbox/unread"):
            assert client.get(path, headers=spoken).status_code == 403
        assert client.post("/v1/inbox/read", json={"messages": ["08"]}, headers=spoken).status_code == 403
    with planted.client(planted.token("DOC", MINE, scopes=("read",), acts_for=("CB-08",))) as client:
        assert client.get("/v1/inbox/unread", headers=spoken).json() == {"unread": 1}
        assert client.post("/v1/inbox/read", json={"messages": ["08"]}, headers=spoken).status_code == 403
        assert client.get("/v1/inbox/unread", headers=spoken).json() == {"unread": 1}


def test_a_key_is_each_callers_own_and_of_whom_they_speak_for(planted):
    planted.at(BEATS[2].at())
    planted.engine.register_units(units_of(2))
    move = {"on": "2022-10-10", "document": "7/QĐ-UBND", "unit": village(2)}
    with planted.client(planted.token("HE-THONG", acts_for=("CB-1", "CB-2"))) as client:
        path, key = f"/v1/households/{code(1, 1)}/move", {"Idempotency-Key": "k"}
        first = client.post(path, json=move, headers=key | {"Rasoat-On-Behalf-Of": "CB-1"})
        assert first.status_code == 201, first.text
        other = client.post(path, json=move, headers=key | {"Rasoat-On-Behalf-Of": "CB-2"})
        assert (other.status_code, problem(other)["code"]) == (422, "idempotency")
    listing = {"trigger": "list_managed", "occurred_on": "2022-09-26"}
    one, two = (str(planted.ids[code(1, n)]) for n in (1, 2))
    with planted.client(planted.token("xa-b")) as b, planted.client(planted.token("xa-b:k")) as bk:
        assert b.post(f"/v1/cases/{one}/acts", json=listing, headers={"Idempotency-Key": "k:zz"}).status_code == 201
        done = bk.post(f"/v1/cases/{two}/acts", json=listing, headers={"Idempotency-Key": "zz"})
        assert (done.status_code, [m["case"] for m in done.json()["accepted"]]) == (201, [two])


def test_an_act_meets_the_version_that_was_read_even_if_a_term_has_run_out_since(planted):
    ids = tuple(planted.ids.values())
    for beat in BEATS[:4]:
        planted.at(beat.at())
        assert planted.engine.fire_many(beat.request(ids)).ok
    case = str(ids[0])
    late = {"trigger": "complain", "occurred_on": "2022-10-28", "body": {"subject_code": "thu-nhap"}}
    planted.at(BEATS[5].at())
    with planted.client(planted.token()) as client:
        tag = client.get(f"/v1/cases/{case}").headers["etag"]
        stale = client.post(f"/v1/cases/{case}/acts", json=late, headers={"If-Match": tag})
        assert (stale.status_code, problem(stale)["code"]) == (412, "changed")
        shown = client.get(f"/v1/cases/{case}")
        assert (shown.json()["state"], shown.headers["etag"] != tag) == ("settled", True)
        fresh = {"If-Match": shown.headers["etag"], "Idempotency-Key": "s"}
        done = client.post(f"/v1/cases/{case}/acts", json=late, headers=fresh)
        assert done.status_code == 201, done.text
        assert client.post(f"/v1/cases/{case}/acts", json=late, headers=fresh).json() == done.json()
        other = fresh | {"Idempotency-Key": "t"}
        assert client.post(f"/v1/cases/{case}/acts", json=late, headers=other).status_code == 412


def test_a_stranger_with_a_tag_moves_nothing(planted):
    ids = tuple(planted.ids.values())
    for beat in BEATS[:4]:
        planted.at(beat.at())
        assert planted.engine.fire_many(beat.request(ids)).ok
    planted.at(BEATS[5].at())
    asked = {"trigger": "summarise", "occurred_on": "2022-10-28"}
    with planted.client(planted.token("TT-01", Mandate("village_head", COMMUNE))) as client:
        tag = client.get(f"/v1/cases/{ids[0]}").headers["etag"]
        refused = client.post(f"/v1/cases/{ids[0]}/acts", json=asked, headers={"If-Match": tag})
        assert (refused.status_code, problem(refused)["code"]) == (409, "refused.role")
        assert client.get(f"/v1/cases/{ids[0]}").json()["state"] == "posted"


def test_days_beyond_the_calendar_are_refused_wherever_one_is_asked_for(planted):
    end = "9999-12-31"
    trial = {"until": end, "units": [COMMUNE]}
    ruling = {"deadlines": ["1"], "on": end, "document": "1/QĐ", "due_on": end}
    opening = {"code": "R-9", "procedure": "annual", "unit": COMMUNE, "started_on": "2022-09-26", "ends_on": end}
    listing = {"trigger": "list_managed", "occurred_on": "0001-01-01"}
    with planted.client(planted.token("CB-01", MINE, scopes=("read", "act", "admin"))) as client:
        case = str(planted.ids[code(1, 1)])
        answers = [
            client.post("/v1/what-if", json=trial),
            client.post("/v1/rulings/supersede", json=ruling),
            client.post("/v1/rulings/supersede", json=ruling | {"on": "2022-09-26"}),
            client.post("/v1/rounds", json=opening),
            client.post(f"/v1/cases/{case}/acts", json=listing),
            *(client.get(path, params={"known_on": end}) for path in ("/v1/past/states", f"/v1/past/cases/{case}")),
            client.get("/v1/past/cases", params={"known_at": f"{end}T23:59:59Z"}),
            client.get("/v1/past/cases", params={"as_of": end}),
            client.get("/v1/committee/overdue", params={"as_of": end}),
            client.get("/v1/committee/due", params={"first": end}),
            client.get("/v1/committee/punctuality", params={"through": end}),
            client.get("/v1/due", params={"start": end, "length": 1}),
            client.get("/v1/units", params={"on": "0001-01-01"}),
        ]
        assert [(a.status_code, problem(a)["code"]) for a in answers] == [(422, "input")] * len(answers)
        latest = client.get("/v1/past/states", params={"known_on": "2999-12-31"})
        assert latest.status_code == 200


def test_the_past_is_counted_in_the_callers_units_only(planted):
    planted.engine.register_units(units_of(1, ("42/447/18900",)))
    with planted.client(planted.token("HAI", MINE, Mandate("committee", OTHER_COMMUNE))) as client:

        def counted(**asked):
            return [(s["unit"], s["count"]) for s in client.get("/v1/past/states", params=asked).json()["items"]]

        both = [(village(1), 2), (village(1, OTHER_COMMUNE), 1)]
        assert (counted(), counted(unit=DISTRICT), counted(unit=COMMUNE)) == (both, both, both[:1])
        assert counted(unit="42/447") == counted(unit="42/446/1876") == []
    with planted.client(planted.token("MOT", MINE)) as client:
        assert counted() == counted(unit=DISTRICT) == both[:1]


@pytest.mark.parametrize(("province", "year", "status"), [
    ("Tỉnh Hải Dương", 2024, 201), ("tỉnh  hải dương", 2024, 201), ("Tỉnh Hải Dương", 2022, 422),
    ("Tỉnh Hà Tĩnh", 2024, 422),
])  # fmt: skip
def test_a_plan_opens_in_a_round_of_its_own_province_and_year(service, province, year, status):
    named = [{**unit, "name": province} if unit["level"] == "province" else unit for unit in units_of(1)]
    service.engine.register_units(named)
    service.at(datetime(year, 9, 26, 2, tzinfo=UTC))
    service.engine.open_round("R-P", "annual", COMMUNE, date(year, 9, 26))
    with service.client(service.token()) as client:
        answer = client.post("/v1/rounds/R-P/milestones", json={"plan": "hai-duong-2024"})
        assert answer.status_code == status, answer.text
        district = client.post("/v1/rounds/R-P/milestones", json={"plan": "quan-hoa-2020"})
        assert (district.status_code, problem(district)["code"]) == (422, "plan_elsewhere")


def test_a_subscription_passes_over_what_does_not_concern_it_and_misses_nothing(planted):
    now = planted.clock.now()
    later = now + timedelta(minutes=10)
    row = WebhookRow(1, "QT-01", "https://x.example/", COMMUNE, ("breach",), "active", now, 1, now, now, "")
    with planted.engine.transaction() as tx:
        keep(tx, row)
        assert settled_through(tx, row, later) is None
        enqueue(tx, [_fact(n, OTHER_COMMUNE, now + timedelta(minutes=n)) for n in (1, 2)])
        assert facts_for(tx, row, later, 10) == []
        assert settled_through(tx, row, now + timedelta(minutes=2)) == (now + timedelta(minutes=1), "f1")
        assert settled_through(tx, row, later) == (now + timedelta(minutes=2), "f2")
    planted.clock.advance(timedelta(minutes=10))
    assert write_events(planted.engine.database, planted.clock) == 0
    with planted.engine.transaction() as tx:
        moved = webhook(tx, 1)
        assert (moved.seen_at, moved.seen_id) == (now + timedelta(minutes=2), "f2")
        enqueue(tx, [_fact(3, COMMUNE, now + timedelta(minutes=2)), _fact(4, OTHER_COMMUNE, later)])
    planted.clock.advance(timedelta(minutes=10))
    assert [write_events(planted.engine.database, planted.clock) for _ in range(2)] == [1, 0]


def _fact(number, about, at):
    told = ("breach", "info", "committee", about, about, "x", "{}", "queued")
    return OutboxRow(f"f{number}", *told, at, at, None, 0)
