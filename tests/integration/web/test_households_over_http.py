"""Households over HTTP: who sees names, what is noted of it, how lists come in."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime

import pytest
from openpyxl import load_workbook
from sqlalchemy import delete, update

from rasoat import Mandate
from rasoat.foundation.errors import StorageError
from tests.support.serving import COMMUNE, OTHER_COMMUNE, code, problem, units_of, village

LIST = """mã hộ,họ và tên chủ hộ,thành viên,quan hệ với chủ hộ,ngày sinh,giới tính,CCCD,mã thôn,khu vực,phân loại hộ
H-1,Trần Thị Một,,chủ hộ,03/02/1970,nữ,042170000001,18766-01,nông thôn,hộ nghèo
,,Trần Văn Hai,con,2001,nam,,18766-01,,
H-2,Lê Văn Ba,,chủ hộ,05/1965,nam,042065000002,18766-02,nông thôn,hộ cận nghèo
"""
SEEING = {"personal": True, "purpose": "đối chiếu danh sách"}


@pytest.fixture
def planted(service):
    service.plant()
    return service


def _upload(client, text=LIST, name="danh-sach.csv", **fields):
    return client.post("/v1/households/upload", files={"file": (name, text.encode())}, data=fields)


def test_members_stay_sealed_until_somebody_says_why(planted):
    with planted.client(planted.token()) as client:
        plain = client.get(f"/v1/households/{code(1, 1)}").json()
        assert (plain["masked"], plain["members"], plain["persons"]) == (True, None, 1)
        assert "Nguyễn" not in client.get("/v1/households").text
        nameless = client.get(f"/v1/households/{code(1, 1)}", params={"personal": True})
        assert (nameless.status_code, problem(nameless)["code"]) == (422, "purpose_missing")
        opened = client.get(f"/v1/households/{code(1, 1)}", params=SEEING).json()
        assert opened["members"][0]["name"] == f"Nguyễn Văn {code(1, 1)}"
        assert not opened["masked"]


def test_a_role_that_may_not_see_persons_gets_masks_and_leaves_no_trace(planted):
    with planted.client(planted.token("HUYEN-01", Mandate("superior_chair", "42/446"))) as client:
        found = client.get("/v1/households", params=SEEING).json()["items"]
        assert len(found) == 12
        assert all(household["masked"] and household["members"] is None for household in found)
        assert client.get(f"/v1/households/{code(1, 1)}/looks").json()["items"] == []


def test_every_look_is_noted_with_who_and_why(planted):
    token = planted.token("HE-THONG", acts_for=("CB-07",))
    with planted.client(token) as client:
        client.get(f"/v1/households/{code(1, 1)}", params=SEEING, headers={"Rasoat-On-Behalf-Of": "CB-07"})
        client.get("/v1/households", params=SEEING | {"unit": village(1)})
        looks = client.get(f"/v1/households/{code(1, 1)}/looks").json()["items"]
        assert [(look["actor"], look["on_behalf_of"], look["purpose"]) for look in looks] == [
            ("HE-THONG", "CB-07", "đối chiếu danh sách"),
            ("HE-THONG", None, "đối chiếu danh sách"),
        ]
        assert client.get(f"/v1/households/{code(2, 1)}/looks").json()["items"] == []


def test_the_note_of_a_look_cannot_be_changed_or_taken_away(planted):
    with planted.client(planted.token()) as client:
        client.get(f"/v1/households/{code(1, 1)}", params=SEEING)
    for change in (lambda t: update(t).values(purpose="x"), delete):
        with pytest.raises(StorageError, match="append-only"), planted.engine.transaction() as tx:
            tx.execute(change(tx.tables.personal_read))


def test_a_household_of_another_commune_does_not_exist(planted):
    with planted.client(planted.token("CB-01", Mandate("committee", COMMUNE))) as client:
        for path in ("", "/looks"):
            answer = client.get(f"/v1/households/{code(1, 1, OTHER_COMMUNE)}{path}", params=SEEING if not path else {})
            assert answer.status_code == 404
        units = {h["unit"] for h in client.get("/v1/households").json()["items"]}
        assert units == {village(1), village(2)}


def test_a_list_comes_in_as_the_commune_keeps_it(planted):
    with planted.client(planted.token()) as client:
        done = _upload(client, round="R-2022").json()
        assert (done["households"], done["new"], done["cases"], done["errors"]) == (2, 2, 2, [])
        shown = client.get("/v1/households/H-1", params=SEEING).json()
        assert [m["born"] for m in shown["members"]] == ["1970-02-03", "2001"]
        assert client.get("/v1/cases", params={"household": "H-2"}).json()["items"][0]["round"] == "R-2022"
        again = _upload(client).json()
        assert (again["households"], again["new"], again["cases"]) == (2, 0, None)


def test_a_faulty_row_is_answered_with_its_place_and_stops_the_list(planted):
    faulty = LIST.replace("042065000002", "12").replace("05/1965", "31/02/1965")
    with planted.client(planted.token()) as client:
        answer = _upload(client, faulty)
        errors = problem(answer)["errors"]
        assert answer.status_code == 422
        assert {error["row"] for error in errors} == {4}
        assert {error["code"] for error in errors} == {"import.identity", "import.date_impossible"}
        assert all(error["expected"]["vi"] for error in errors)
        assert client.get("/v1/households/H-1").status_code == 404
        partial = _upload(client, faulty, partial="true")
        assert (partial.status_code, partial.json()["new"], len(partial.json()["errors"])) == (201, 1, 2)


def test_a_file_that_is_no_list_is_answered_not_crashed_on(planted):
    with planted.client(planted.token()) as client:
        for name, content in [
            ("x.csv", ""), ("x.csv", "\x00\x00"), ("x.xlsx", "PK\x03\x04 no"), ("x.pdf", "a,b"),
            ("../../etc/x.csv", "a"), ("", LIST), ("x.csv", "a;b\n1;2\n"),
        ]:  # fmt: skip
            answer = _upload(client, content, name)
            assert answer.status_code == 422, (name, answer.text)
            problem(answer)


def test_a_list_for_a_village_outside_the_mandates_is_refused_row_by_row(planted):
    with planted.client(planted.token("CB-01", Mandate("committee", OTHER_COMMUNE))) as client:
        answer = _upload(client)
        assert answer.status_code == 422
        assert {e["code"] for e in problem(answer)["errors"]} == {"import.village_unknown"}


def test_who_may_not_register_is_told_so(planted):
    with planted.client(planted.token("TT-01", Mandate("village_head", village(1)))) as client:
        body = [_household("N-1", village(1))]
        assert client.post("/v1/households", json=body).status_code == 403
        round_in = {"code": "R-9", "procedure": "annual", "unit": COMMUNE, "started_on": "2022-09-26"}
        assert client.post("/v1/rounds", json=round_in).status_code == 403


def test_the_same_person_registered_twice_is_refused_without_telling_on_another_commune(planted):
    twin = {**_household("N-1", village(1)), "members": [_person("Nguyễn Văn A", "187690100100")]}
    elsewhere = {**_household("N-0", village(1, OTHER_COMMUNE)), "members": twin["members"]}
    with planted.client(planted.token()) as client:
        assert client.post("/v1/households", json=[elsewhere]).json()["new"] == 1
        double = client.post("/v1/households", json=[twin]).json()
        assert double["refused"] == [{"code": "N-1", "other_code": "N-0", "by": "identity"}]
    with planted.client(planted.token("CB-01", Mandate("committee", COMMUNE))) as client:
        double = client.post("/v1/households", json=[{**twin, "code": "N-2"}]).json()
        assert double["refused"] == [{"code": "N-2", "other_code": None, "by": "identity"}]


def test_a_round_is_opened_and_filled_over_http(service):
    service.engine.register_units(units_of(1))
    with service.client(service.token()) as client:
        assert client.post("/v1/households", json=[_household("N-1", village(1))]).json()["new"] == 1
        asked = {"code": "R-1", "procedure": "annual", "unit": COMMUNE, "started_on": "2022-09-26"}
        opened = client.post("/v1/rounds", json=asked)
        assert (opened.status_code, opened.json()["ends_on"]) == (201, "2022-12-14")
        forward = {"households": {"N-1": {"origin": "managed"}}, "opened_on": "2022-09-26"}
        first = client.post("/v1/rounds/R-1/cases", json=forward).json()
        again = client.post("/v1/rounds/R-1/cases", json=forward).json()
        assert (first["new"], again["new"], again["cases"]) == (1, 0, first["cases"])
        event = client.get(f"/v1/cases/{first['cases']['N-1']}/history").json()[0]
        assert event["actor"] == "CB-01"


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({"origin": "managed"}, 201),
        ({"origin": "invented"}, 422),
        ({}, 422),
        ({"origin": "managed", "opinion": "412/UBND"}, 422),
        ({"origin": "managed", "posted_on": "2022-01-01"}, 422),
    ],
)
def test_only_the_facts_a_procedure_asks_for_open_a_case(planted, facts, status):
    with planted.client(planted.token()) as client:
        body = {"households": {code(1, 2, OTHER_COMMUNE): facts}, "opened_on": "2022-09-26"}
        assert client.post("/v1/rounds/R-OTHER/cases", json=body).status_code == status


def test_households_of_another_commune_cannot_be_put_forward(planted):
    body = {"households": {code(1, 2, OTHER_COMMUNE): {"origin": "managed"}}, "opened_on": "2022-09-26"}
    with planted.client(planted.token()) as client:
        refused = client.post("/v1/rounds/R-2022/cases", json=body)
        assert (refused.status_code, "xã mình" in problem(refused)["reason"]["vi"]) == (422, True)
    with planted.client(planted.token("CB-01", Mandate("committee", COMMUNE))) as client:
        assert client.post("/v1/rounds/R-2022/cases", json=body).status_code == 404


def test_lists_come_as_csv_and_as_a_workbook_too(planted):
    with planted.client(planted.token()) as client:
        plain = client.get("/v1/cases", params={"limit": 4}, headers={"Accept": "text/csv"})
        rows = list(csv.DictReader(io.StringIO(plain.content.decode("utf-8-sig"))))
        assert [row["household"] for row in rows] == [c["household"] for c in _cases(client, 4)]
        book = client.get("/v1/cases", headers={"Accept": "application/*;q=0.5, text/csv;q=0.4, application/json;q=0"})
        sheet = load_workbook(io.BytesIO(book.content)).active
        assert sheet.max_row == 8
        assert client.get("/v1/cases", headers={"Accept": "image/png"}).status_code == 406
        nothing = client.get("/v1/certificates", headers={"Accept": "text/csv"}).content.decode("utf-8-sig")
        assert nothing.startswith("number,series,case,household,unit,class,issued_on")


def test_pages_follow_each_other_without_gap_or_repetition(planted):
    with planted.client(planted.token()) as client:
        seen, link = [], "/v1/cases?limit=3"
        while link:
            answer = client.get(link)
            seen += [case["id"] for case in answer.json()["items"]]
            link = answer.headers["link"].partition("<")[2].partition(">")[0] if "link" in answer.headers else None
        assert len(seen) == len(set(seen)) == 7
        assert seen == [case["id"] for case in _cases(client, 1000)]


def test_an_erased_household_says_so_and_shows_nothing(planted):
    with planted.engine.transaction() as tx:
        table = tx.tables.household
        tx.execute(update(table).where(table.c.code == code(1, 1)).values(wrapped_key=b"", master_key_id=""))
    with planted.client(planted.token()) as client:
        found = client.get(f"/v1/households/{code(1, 1)}", params=SEEING).json()
        assert (found["erased"], found["masked"], found["members"]) == (True, True, None)


def test_what_is_overdue_is_told_with_its_proof(planted):
    due = date(2022, 12, 14)
    with planted.client(planted.token()) as client:
        soon = client.get("/v1/committee/due", params={"first": due.isoformat(), "last": due.isoformat()}).json()
        assert {line["rule"] for line in soon["items"]} == {"season_end"}
        late = client.get("/v1/committee/overdue", params={"as_of": "2022-12-20"}).json()["items"]
        assert [(line["unit"], line["days"]) for line in late] == [(COMMUNE, 4)]
        [deadline] = client.get("/v1/deadlines", params={"unit": COMMUNE}).json()["items"]
        proof = client.get(f"/v1/deadlines/{deadline['id']}/proof").json()
        assert (proof["deadline"]["due_on"], proof["proof"]) == ("2022-12-14", None)
        counted = client.get("/v1/due", params={"start": "2022-09-01", "length": 2}).json()
        assert counted["due_on"] == "2022-09-06"  # Quốc khánh 01–02/9, then a weekend


def _cases(client, limit):
    return client.get("/v1/cases", params={"limit": limit}).json()["items"]


def _person(name, identity):
    return {"name": name, "relation": "chủ hộ", "born": "1970", "sex": "male", "identity": identity}


def _household(own, unit):
    return {"code": own, "unit": unit, "area": "rural", "class_now": "poor", "members": [_person("Trần Văn B", None)]}


def test_an_upload_that_cannot_open_its_cases_registers_nobody(planted):
    with planted.client(planted.token()) as client:
        planted.clock.move_to(datetime(2022, 12, 20, 2, tzinfo=UTC))
        planted.engine.open_round("M", "average-living", COMMUNE, date(2022, 12, 15))
        answer = _upload(client, round="M")
        assert (answer.status_code, problem(answer)["code"]) == (422, "input")
        assert "works_in" in problem(answer)["reason"]["vi"]
        assert client.get("/v1/households/H-1").status_code == 404


def test_a_list_that_differs_from_the_register_opens_no_case_unless_one_says_so(planted):
    with planted.client(planted.token()) as client:
        assert _upload(client).json()["differing"] == []
        changed = LIST.replace("hộ nghèo", "hộ cận nghèo").replace("Trần Văn Hai", "Trần Văn Khác")
        told = _upload(client, changed).json()["differing"]
        assert {(d["code"], d["column"], d["member"], d["kept"], d["given"]) for d in told} == {
            ("H-1", "class_now", None, "poor", "near_poor"),
            ("H-1", "name", 2, None, None),
        }
        refused = _upload(client, changed, round="R-2022")
        assert (refused.status_code, "Danh sách khác sổ" in problem(refused)["reason"]["vi"]) == (422, True)
        assert client.get("/v1/cases", params={"household": "H-1"}).json()["items"] == []
        kept = _upload(client, changed, round="R-2022", keep_registered="true").json()
        assert (kept["cases"], len(kept["differing"])) == (2, 2)


def test_a_round_or_a_commune_says_whose_villages_a_list_means(planted):
    twins = units_of(1) + [
        {**unit, "code": "01", "parent": commune.rpartition("/")[2]}
        for commune in (COMMUNE, OTHER_COMMUNE)
        for unit in units_of(1)
        if unit["level"] == "village" and unit["code"].startswith("18766")
    ]
    planted.engine.register_units(twins)
    listed = LIST.replace("18766-01", "01").replace("18766-02", "01")
    with planted.client(planted.token()) as client:
        unclear = _upload(client, listed)
        assert {e["code"] for e in problem(unclear)["errors"]} == {"import.village_ambiguous"}
        assert _upload(client, listed, unit=OTHER_COMMUNE).status_code == 201
        assert client.get("/v1/households/H-1").json()["unit"] == f"{OTHER_COMMUNE}/01"
