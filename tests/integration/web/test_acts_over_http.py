"""Acts over HTTP: what moves, what is refused and why, who may act for whom, what a repetition does."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from rasoat import Mandate
from tests.support.serving import COMMUNE, DISTRICT, OTHER_COMMUNE, code, problem, village

LISTING = {"trigger": "list_managed", "occurred_on": "2022-09-26"}


@pytest.fixture
def ids(service):
    return {household: str(case) for household, case in service.plant().items()}


def test_one_act_moves_many_cases_and_is_stored_once(service, ids):
    with service.client(service.token()) as client:
        answer = client.post("/v1/acts", json={**LISTING, "cases": list(ids.values()), "document": "01/DS"})
        assert answer.status_code == 201
        done = answer.json()
        assert {moved["case"] for moved in done["accepted"]} == set(ids.values())
        assert not done["refused"]
        histories = [client.get(f"/v1/cases/{case}/history").json() for case in ids.values()]
        assert {h[-1]["act"]["id"] for h in histories} == {done["act"]}
        assert histories[0][-1]["act"]["document"] == "01/DS"
        assert histories[0][-1]["article"] == "QĐ 24/2021/QĐ-TTg Điều 4 khoản 1 điểm a"


def test_a_refusal_is_a_problem_with_code_reason_and_article(service, ids):
    with service.client(service.token()) as client:
        answer = client.post(f"/v1/cases/{ids[code(1, 1)]}/acts", json={**LISTING, "trigger": "summarise"})
        found = problem(answer)
        assert (answer.status_code, found["code"]) == (409, "refused.state")
        assert found["article"] == "QĐ 24/2021/QĐ-TTg Điều 4 khoản 4 điểm c"
        assert "Tổng hợp" in found["reason"]["vi"]
        assert [r["cases"] for r in found["refusals"]] == [[ids[code(1, 1)]]]


def test_a_form_that_does_not_fit_is_422_and_names_the_field(service, ids):
    with service.client(service.token()) as client:
        client.post("/v1/acts", json={**LISTING, "cases": list(ids.values())})
        answer = client.post(
            f"/v1/cases/{ids[code(1, 1)]}/acts", json={**LISTING, "trigger": "survey", "row": {"b1": -1}}
        )
        assert answer.status_code == 422
        assert {r["code"] for r in problem(answer)["refusals"]} == {"refused.form"}
        assert any("b1" in r["reason"]["en"] for r in problem(answer)["refusals"])


def test_all_or_nothing_writes_nothing_where_one_case_is_refused(service, ids):
    with service.client(service.token()) as client:
        first = ids[code(1, 1)]
        client.post(f"/v1/cases/{first}/acts", json=LISTING)
        answer = client.post("/v1/acts", json={**LISTING, "cases": list(ids.values()), "mode": "all"})
        assert answer.status_code == 409
        assert [r["cases"] for r in problem(answer)["refusals"]] == [[first]]
        states = client.get("/v1/cases", params={"round": "R-2022"}).json()["items"]
        assert sum(case["state"] == "listed" for case in states) == 1


def test_each_moves_what_can_move_and_answers_case_by_case(service, ids):
    with service.client(service.token()) as client:
        first = ids[code(1, 1)]
        client.post(f"/v1/cases/{first}/acts", json=LISTING)
        answer = client.post("/v1/acts", json={**LISTING, "cases": list(ids.values()), "mode": "each"})
        assert answer.status_code == 201
        assert [r["cases"] for r in answer.json()["refused"]] == [[first]]
        assert len(answer.json()["accepted"]) == len(ids) - 1


def test_the_same_key_does_an_act_once_and_another_body_under_it_is_refused(service, ids):
    with service.client(service.token()) as client:
        body = {**LISTING, "cases": list(ids.values())}
        first = client.post("/v1/acts", json=body, headers={"Idempotency-Key": "k-1"})
        again = client.post("/v1/acts", json=body, headers={"Idempotency-Key": "k-1"})
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.json() == first.json()
        other = client.post("/v1/acts", json={**body, "document": "x"}, headers={"Idempotency-Key": "k-1"})
        assert (other.status_code, problem(other)["code"]) == (422, "idempotency")
        assert len(client.get(f"/v1/cases/{ids[code(1, 1)]}/history").json()) == 2


def test_two_callers_may_use_the_same_key(service, ids):
    one, two = ids[code(1, 1)], ids[code(1, 2)]
    for name, case in (("CB-01", one), ("CB-02", two)):
        with service.client(service.token(name)) as client:
            answer = client.post(f"/v1/cases/{case}/acts", json=LISTING, headers={"Idempotency-Key": "same"})
            assert [moved["case"] for moved in answer.json()["accepted"]] == [case]


def test_an_act_on_an_outdated_version_is_412_and_changes_nothing(service, ids):
    case = ids[code(1, 1)]
    with service.client(service.token()) as client:
        tag = client.get(f"/v1/cases/{case}").headers["etag"]
        assert client.get(f"/v1/cases/{case}", headers={"If-None-Match": tag}).status_code == 304
        assert client.post(f"/v1/cases/{case}/acts", json=LISTING, headers={"If-Match": tag}).status_code == 201
        survey = {**LISTING, "trigger": "survey", "row": _survey()}
        stale = client.post(f"/v1/cases/{case}/acts", json=survey, headers={"If-Match": tag})
        assert (stale.status_code, problem(stale)["code"]) == (412, "changed")
        assert client.post(f"/v1/cases/{case}/acts", json=survey, headers={"If-Match": '"2"'}).status_code == 201


def test_a_case_outside_the_mandates_does_not_exist_for_the_caller(service, ids):
    head = service.token("TT-01", Mandate("committee", village(1)))
    mine, theirs = ids[code(1, 1)], ids[code(2, 1)]
    with service.client(head) as client:
        assert client.get(f"/v1/cases/{theirs}").status_code == 404
        assert client.post(f"/v1/cases/{theirs}/acts", json=LISTING).status_code == 404
        both = client.post("/v1/acts", json={**LISTING, "cases": [mine, theirs], "mode": "each"})
        assert both.status_code == 404
        assert client.get(f"/v1/cases/{mine}").json()["state"] == "registered"


def test_a_role_that_may_not_act_is_refused_by_law_although_it_may_read(service, ids):
    with service.client(service.token("TT-01", Mandate("village_head", COMMUNE))) as client:
        answer = client.post(f"/v1/cases/{ids[code(1, 1)]}/acts", json=LISTING)
        assert (answer.status_code, problem(answer)["code"]) == (409, "refused.role")


def test_an_expired_mandate_opens_nothing(service, ids):
    ended = Mandate("committee", COMMUNE, None, date(2022, 9, 25))
    with service.client(service.token("CB-09", ended)) as client:
        assert client.get("/v1/cases").json()["items"] == []
        assert client.post(f"/v1/cases/{ids[code(1, 1)]}/acts", json=LISTING).status_code == 404


def test_acting_for_another_needs_the_tokens_leave_and_is_on_record(service, ids):
    case = ids[code(1, 1)]
    for leave, expected in (((), 403), (("CB-08",), 403), (("CB-07",), 201)):
        token = service.token("HE-THONG", acts_for=leave)
        with service.client(token) as client:
            answer = client.post(f"/v1/cases/{case}/acts", json=LISTING, headers={"Rasoat-On-Behalf-Of": "CB-07"})
            assert answer.status_code == expected
    with service.client(service.token()) as client:
        act = client.get(f"/v1/cases/{case}/history").json()[-1]["act"]
        assert (act["actor"], act["on_behalf_of"]) == ("HE-THONG", "CB-07")


def test_a_token_that_may_only_read_cannot_act(service, ids):
    with service.client(service.token(scopes=("read",))) as client:
        answer = client.post(f"/v1/cases/{ids[code(1, 1)]}/acts", json=LISTING)
        assert (answer.status_code, problem(answer)["code"]) == (403, "permission")


def test_a_reason_that_many_cases_share_is_told_once(service, ids):
    with service.client(service.token()) as client:
        answer = client.post("/v1/acts", json={**LISTING, "trigger": "summarise", "cases": list(ids.values())})
        [only] = problem(answer)["refusals"]
        assert sorted(only["cases"]) == sorted(ids.values())


def test_a_timers_act_cannot_be_asked_for(service, ids):
    with service.client(service.token()) as client:
        answer = client.post("/v1/acts", json={**LISTING, "trigger": "posting_ended", "cases": list(ids.values())})
        assert answer.status_code == 409


NASTY = [
    b'{"trigger":"list_managed","occurred_on":"2022-09-26","cases":["%s"],"body":{"list_number":"\\ud800"}}',
    b'{"trigger":"list_managed","occurred_on":"2022-09-26","cases":["%s"],"body":{"list_number":NaN}}',
    b'{"trigger":"list_managed","occurred_on":"2022-09-26","cases":["%s"],"body":{"x":1e400}}',
    b'{"trigger":"list_managed","occurred_on":"2022-09-26","cases":["%s"],"body":{"x":' + b"9" * 5000 + b"}}",
    b'{"trigger":"list_managed","occurred_on":"2022-09-26","cases":["%s"],"body":{"x":'
    + b"[" * 900 + b"]" * 900 + b"}}",
    b'{"trigger":"list_managed","occurred_on":"2022-09-26","cases":["%s"],"rows":{"1":{}}}',
    b'{"trigger":"list_managed","occurred_on":"0001-01-01","cases":["%s"]}',
    b'{"trigger":"list_managed","occurred_on":"9999-12-31","cases":["%s"]}',
    b'{"trigger":"list_managed","occurred_on":"2022-09-26","cases":["%s"],"document":"a\\u0000b"}',
    b'{"trigger":"list_managed","occurred_on":"2022-09-26","cases":["9999999999999999999"]}',
    b'{"trigger":"list_managed","occurred_on":"2022-09-26","cases":[%s]}',
    b'{"trigger":"list_managed","cases":["%s"]}',
    b"\xff\xfe{}", b"", b"[]", b"null", b'"' + b"a" * 100 + b'"', b"[" * 100_000,
]  # fmt: skip


def test_nothing_malformed_crashes_or_moves_anything(service, ids):
    case = ids[code(1, 1)]
    with service.client(service.token()) as client:
        for raw in NASTY:
            for key in ({}, {"Idempotency-Key": "k"}):
                body = raw.replace(b"%s", case.encode())
                answer = client.post("/v1/acts", content=body, headers={"Content-Type": "application/json", **key})
                assert 400 <= answer.status_code < 500, (raw[:90], answer.text)
                problem(answer)
        assert len(client.get(f"/v1/cases/{case}/history").json()) == 1
        odd = {**LISTING, "cases": [case], "body": {"list_number": "a\x00b"}}
        assert client.post("/v1/acts", json=odd).status_code == 201  # kept as it is, escaped, on either database
        assert client.get(f"/v1/cases/{case}/history").json()[-1]["act"]["body"] == {"list_number": "a\x00b"}


def test_the_act_forms_are_json_schemas_that_fit_what_is_taken(service, ids):
    with service.client(service.token()) as client:
        form = client.get("/v1/workflows/annual@2022/forms/survey").json()
        assert set(form["row"]["required"]) <= set(_survey())
        assert form["row"]["additionalProperties"] is False
        shown = client.get(f"/v1/cases/{ids[code(1, 1)]}").json()
        assert "list_managed" in {act["trigger"] for act in shown["next"]}
        assert all(act["roles"] for act in shown["next"])


def test_the_other_commune_is_another_world(service, ids):
    with service.client(service.token("CB-77", Mandate("committee", OTHER_COMMUNE))) as client:
        cases = client.get("/v1/cases").json()["items"]
        assert {case["unit"] for case in cases} == {village(1, OTHER_COMMUNE)}
        assert [r["code"] for r in client.get("/v1/rounds").json()["items"]] == ["R-OTHER"]
        assert client.get("/v1/rounds/R-2022").status_code == 404
        assert client.get(f"/v1/units/{DISTRICT}").status_code == 200
        assert client.get(f"/v1/units/{COMMUNE}").status_code == 404


def test_the_feed_tells_every_event_once_and_only_those_in_scope(service, ids):
    with service.client(service.token()) as client:
        assert client.get("/v1/changes").json()["items"] == []  # this very instant is not settled yet
        service.at(datetime(2022, 9, 26, 2, tzinfo=UTC))
        client.post("/v1/acts", json={**LISTING, "cases": list(ids.values())})
        service.clock.advance(timedelta(seconds=5))
        fed, cursor = [], None
        while True:
            page = client.get("/v1/changes", params={"limit": 5} | ({"cursor": cursor} if cursor else {})).json()
            cursor = page["next"]
            if not page["items"]:
                break
            fed += page["items"]
        assert len({change["id"] for change in fed}) == len(fed) == 2 * len(ids) + 1
        assert [c["recorded_at"] for c in fed] == sorted(c["recorded_at"] for c in fed)
        assert client.get("/v1/changes", params={"cursor": cursor}).json() == {"items": [], "next": cursor}
        assert client.get("/v1/changes", params={"cursor": "bm9uc2Vuc2U"}).status_code == 422
    with service.client(service.token("TT", Mandate("village_head", village(1)))) as client:
        own = client.get("/v1/changes").json()["items"]
        assert {change["unit"] for change in own} == {village(1)}


def test_metrics_count_what_acts_did(service, ids):
    with service.client(service.token(scopes=("read", "act", "admin"))) as client:
        client.post("/v1/acts", json={**LISTING, "cases": list(ids.values())})
        client.post("/v1/acts", json={**LISTING, "cases": list(ids.values()), "trigger": "meet"})
        text = client.get("/metrics").text
        assert f'rasoat_acts_total{{code="",outcome="accepted",trigger="list_managed"}} {len(ids)}.0' in text
        assert 'outcome="refused"' in text
        assert 'rasoat_request_seconds_count{method="POST",route="/v1/acts",status="201"} 1.0' in text
        assert 'rasoat_deadlines_open{owner_role="committee"}' in text


def _survey():
    return json.loads('{"b1": 120, "b2": 40, "area": "rural", "respondent": "head", "surveyor": "RSV-1"}')
