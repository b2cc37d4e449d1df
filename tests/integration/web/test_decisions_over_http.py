"""Corrections, decisions about terms, changes of households, erasure and the past, over HTTP."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from rasoat import Household, Mandate, Person
from tests.support.reviews import BEATS
from tests.support.serving import COMMUNE, DISTRICT, OTHER_COMMUNE, STARTED, code, problem, units_of, village

THIRD_COMMUNE = "42/446/18770"
OFFICES = ("committee", "enumerator", "commune_chair", "village_head", "superior_chair")
ORDER = {"on": "2022-10-10", "document": "7/QĐ-UBND"}


@pytest.fixture
def planted(service):
    service.ids = service.plant(villages=2, households=2)
    service.engine.register_units(units_of(0, (THIRD_COMMUNE,)))
    service.engine.open_round("R-ENDS", "annual", THIRD_COMMUNE, STARTED, ends_on=date(2022, 12, 14))
    return service


def _drive(service, client, through):
    """Do the review's acts through the one named, over every case of the commune."""
    ids = [str(case) for case in service.ids.values()]
    for beat in BEATS:
        service.at(beat.at())
        if beat.trigger == "posting_ended":
            service.engine.run_due()
            continue
        body = {"trigger": beat.trigger, "occurred_on": beat.day.isoformat(), "cases": ids, "body": beat.body}
        if beat.row is not None:
            body["rows"] = {case: beat.row(int(case)) for case in ids}
        done = client.post("/v1/acts", json=body)
        assert done.status_code == 201, done.text
        if beat.trigger == through:
            return done.json()["act"]
    raise AssertionError(through)


def _wrong(act, **more):
    said = {"act": act, "decided_on": "2022-10-10", "authority": "15/QĐ-UBND", "reason": "ghi nhầm số phiếu"}
    return said | more


def test_a_correction_is_tried_first_then_carried_out_and_answered_alike_when_repeated(planted):
    case = str(next(iter(planted.ids.values())))
    with planted.client(planted.token()) as client:
        act = _drive(planted, client, "meet")
        asked = _wrong(act, body={"in_favour": 20})
        tried = client.post("/v1/corrections/preview", json=asked)
        assert tried.status_code == 200, tried.text
        moved = {each["case"]: each["to_state"] for each in tried.json()["accepted"]}
        assert client.get(f"/v1/cases/{case}").json()["state"] != moved[case]
        done = client.post("/v1/corrections", json=asked, headers={"Idempotency-Key": "k1"})
        assert done.status_code == 201, done.text
        assert client.get(f"/v1/cases/{case}").json()["state"] == moved[case]
        again = client.post("/v1/corrections", json=asked, headers={"Idempotency-Key": "k1"})
        assert (again.status_code, again.json()) == (201, done.json())
        other = client.post("/v1/corrections", json=asked | {"reason": "khác"}, headers={"Idempotency-Key": "k1"})
        assert (other.status_code, problem(other)["code"]) == (422, "idempotency")
        kinds = [event["kind"] for event in client.get(f"/v1/cases/{case}/history").json()]
        assert kinds.count("correction") == 1


def test_a_correction_by_somebody_without_authority_is_refused_and_changes_nothing(planted):
    with planted.client(planted.token()) as client:
        act = _drive(planted, client, "meet")
    with planted.client(planted.token("TT-01", Mandate("village_head", COMMUNE))) as client:
        for path in ("/v1/corrections/preview", "/v1/corrections"):
            answer = client.post(path, json=_wrong(act, body={"in_favour": 80}))
            assert (answer.status_code, problem(answer)["code"]) == (409, "correcting.authority")
    with planted.client(planted.token("CB-02", Mandate("committee", OTHER_COMMUNE))) as client:
        assert client.post("/v1/corrections", json=_wrong(act, body={"in_favour": 80})).status_code == 404


def test_what_a_case_was_opened_with_is_corrected_by_who_may_and_only_where_one_sees_it(planted):
    case, other = (str(each) for each in list(planted.ids.values())[:2])
    asked = {key: value for key, value in _wrong("0").items() if key != "act"} | {"case": case, "class_before": "none"}
    with planted.client(planted.token()) as client:
        _drive(planted, client, "meet")
        before, untouched = (client.get(f"/v1/cases/{each}").json() for each in (case, other))
        [tried] = client.post("/v1/opening-corrections/preview", json=asked).json()["accepted"]
        assert client.get(f"/v1/cases/{case}").json() == before
        done = client.post("/v1/opening-corrections", json=asked, headers={"Idempotency-Key": "o1"})
        assert (done.status_code, done.json()["accepted"]) == (201, [tried])
        again = client.post("/v1/opening-corrections", json=asked, headers={"Idempotency-Key": "o1"})
        assert (again.status_code, again.json()) == (201, done.json())
        assert client.get(f"/v1/cases/{case}").json()["class_before"] == "none" != before["class_before"]
        assert client.get(f"/v1/cases/{other}").json() == untouched
        strange = client.post("/v1/opening-corrections", json=asked | {"facts": {"b1": 140}})
        assert (strange.status_code, problem(strange)["code"]) == (422, "input")
    for key, office, status in (("TT-01", "village_head", 409), ("CB-02", "committee", 404)):
        unit = COMMUNE if status == 409 else OTHER_COMMUNE
        with planted.client(planted.token(key, Mandate(office, unit))) as client:
            for path in ("/v1/opening-corrections/preview", "/v1/opening-corrections"):
                assert client.post(path, json=asked | {"class_before": "poor"}).status_code == status


def test_the_last_step_is_taken_back_for_one_case(planted):
    case, other = (str(each) for each in list(planted.ids.values())[:2])
    with planted.client(planted.token()) as client:
        act = _drive(planted, client, "meet")
        before = client.get(f"/v1/cases/{case}").json()
        asked = _wrong(act, cases=[case])
        [tried] = client.post("/v1/undos/preview", json=asked).json()["accepted"]
        [done] = client.post("/v1/undos", json=asked).json()["accepted"]
        assert tried == done == {"case": case, "from_state": before["state"], "to_state": done["to_state"]}
        assert client.get(f"/v1/cases/{case}").json()["state"] == done["to_state"] != before["state"]
        assert client.get(f"/v1/cases/{other}").json()["state"] == before["state"]
        nothing = client.post("/v1/undos", json=asked)
        assert (nothing.status_code, problem(nothing)["code"]) == (409, "correcting.not_in_force")


def _supervisor(planted):
    return planted.token("HUYEN-01", *(Mandate(office, DISTRICT) for office in (*OFFICES, "supervisor")))


def test_a_term_is_stopped_and_runs_on_with_every_decision_on_record(planted):
    with planted.client(_supervisor(planted)) as client:
        _drive(planted, client, "post")
        planted.at(datetime(2022, 10, 26, 3, tzinfo=UTC))
        [term, _] = client.get("/v1/deadlines", params={"rule": "posting", "unit": village(1)}).json()["items"]
        assert term["due_on"] == "2022-10-27"
        asked = {"deadlines": [term["id"]], "on": "2022-10-25", "document": "9/CĐ-UBND", "reason": "storm"}
        early = client.post("/v1/rulings/resume", json=asked)
        assert (early.status_code, problem(early)["deadlines"]) == (
            409,
            {term["id"]: "clock.refused.not_suspended"},
        )
        [stopped] = client.post("/v1/rulings/suspend", json=asked).json()["changed"]
        assert stopped["status"] == client.get(f"/v1/deadlines/{term['id']}").json()["status"] == "suspended"
        assert client.get(f"/v1/deadlines/{term['id']}/proof").json()["proof"] is None
        [running] = client.post("/v1/rulings/resume", json=asked | {"on": "2022-10-26"}).json()["changed"]
        assert (running["status"], running["new_due_on"]) == ("open", "2022-10-28")
        proof = client.get(f"/v1/deadlines/{term['id']}/proof").json()
        assert proof["proof"]["due_on"] == proof["deadline"]["due_on"] == "2022-10-28"
        ledger = proof["ledger"]
        assert [line["kind"] for line in ledger][-2:] == ["suspended", "resumed"]


def test_a_ruling_needs_its_role_and_finds_nothing_in_another_commune(planted):
    with planted.client(_supervisor(planted)) as client:
        [term] = client.get("/v1/deadlines", params={"unit": COMMUNE, "rule": "season_end"}).json()["items"]
        plain = {"deadlines": [term["id"]], "on": "2022-09-26", "document": "KH-2"}
        moved = plain | {"due_on": "2022-12-20"}
        done = client.post("/v1/rulings/supersede", json=moved, headers={"Idempotency-Key": "r"})
        assert (done.status_code, done.json()["changed"][0]["new_due_on"]) == (201, "2022-12-20"), done.text
        assert client.post("/v1/rulings/supersede", json=moved, headers={"Idempotency-Key": "r"}).json() == done.json()
        extended = client.post("/v1/rulings/extend", json=plain | {"by": 2})
        assert (extended.status_code, problem(extended)["code"]) == (409, "clock.refused.fixed_date")
        [cancelled] = client.post("/v1/rulings/cancel", json=plain).json()["changed"]
        assert cancelled["status"] == "cancelled"
    with planted.client(planted.token()) as client:
        [term] = client.get("/v1/deadlines", params={"unit": THIRD_COMMUNE, "rule": "season_end"}).json()["items"]
        theirs = plain | {"deadlines": [term["id"]]}
        answer = client.post("/v1/rulings/cancel", json=theirs)
        assert (answer.status_code, problem(answer)["code"]) == (409, "clock.refused.authority")
    with planted.client(planted.token("CB-01", Mandate("committee", COMMUNE))) as client:
        for kind in ("suspend", "resume", "cancel", "met"):
            assert client.post(f"/v1/rulings/{kind}", json=theirs).status_code == 404
    with planted.client(planted.token("CB-02", Mandate("committee", THIRD_COMMUNE))) as client:
        assert client.post("/v1/rulings/met", json=theirs).json()["changed"][0]["status"] == "met"


def _family(own, unit, persons):
    members = [
        Person(f"Người {own} {n}", "con" if n else "chủ hộ", f"19{n + 50}", "male", f"0421{own[-1]}00000{n:02d}")
        for n in range(persons)
    ]
    return Household(own, unit, tuple(members), "rural", "poor")


def test_a_household_is_split_merged_led_anew_and_moved_and_keeps_its_lineage(planted):
    planted.engine.register_households([_family("H-1", village(1), 3), _family("H-2", village(1), 1)])
    planted.at(BEATS[2].at())
    with planted.client(planted.token()) as client:
        split = ORDER | {"new_code": "H-3", "members": {"2": "chủ hộ"}}
        first = client.post("/v1/households/H-1/split", json=split, headers={"Idempotency-Key": "s"})
        assert (first.status_code, set(first.json()["households"])) == (201, {"H-1", "H-3"}), first.text
        again = client.post("/v1/households/H-1/split", json=split, headers={"Idempotency-Key": "s"})
        assert again.json() == first.json()
        assert client.get("/v1/households/H-3").json()["persons"] == 1
        assert client.post("/v1/households/H-2/merge", json=ORDER | {"into": "H-1"}).status_code == 201
        to_two = ORDER | {"head": 2, "relations": {"1": "bố"}}
        assert client.post("/v1/households/H-1/head", json=to_two).status_code == 201
        moved = client.post("/v1/households/H-3/move", json=ORDER | {"unit": village(2)})
        assert moved.status_code == 201
        told = client.get("/v1/households/H-2/lineage").json()
        assert (told["code"], [line["kind"] for line in told["lineage"]]) == ("H-1", ["split", "merged", "head"])
        assert client.post("/v1/households/H-1/head", json=ORDER | {"head": 40}).status_code == 422
    with planted.client(planted.token("TT-01", Mandate("village_head", COMMUNE))) as client:
        assert client.post("/v1/households/H-1/head", json=ORDER | {"head": 2}).status_code == 403
    with planted.client(planted.token("CB-02", Mandate("committee", OTHER_COMMUNE))) as client:
        for path in ("lineage",):
            assert client.get(f"/v1/households/H-1/{path}").status_code == 404
        assert client.post("/v1/households/H-1/move", json=ORDER | {"unit": village(2)}).status_code == 404


def test_what_a_household_was_elsewhere_is_not_told_to_those_here(planted):
    planted.engine.register_households([_family("H-1", village(1), 1)])
    planted.at(BEATS[2].at())
    with planted.client(planted.token()) as client:
        away = client.post("/v1/households/H-1/move", json=ORDER | {"unit": village(1, OTHER_COMMUNE)})
        assert away.status_code == 201, away.text
    with planted.client(planted.token("CB-02", Mandate("committee", OTHER_COMMUNE))) as client:
        [line] = client.get("/v1/households/H-1/lineage").json()["lineage"]
        assert (line["old_unit"], line["new_unit"]) == (None, village(1, OTHER_COMMUNE))


def test_erasure_needs_its_role_and_leaves_the_case_with_nobody_in_it(planted):
    own = code(1, 1)
    asked = {"reason": "theo yêu cầu", "document": "3/QĐ-UBND"}
    with planted.client(planted.token("CB-01", Mandate("committee", COMMUNE))) as client:
        assert client.post(f"/v1/households/{own}/erasure", json=asked).status_code == 403
    with planted.client(planted.token()) as client:
        done = client.post(f"/v1/households/{own}/erasure", json=asked)
        assert (done.status_code, done.json()["cases"]) == (201, [str(planted.ids[own])]), done.text
        shown = client.get(f"/v1/households/{own}", params={"personal": True, "purpose": "xem"}).json()
        assert (shown["erased"], shown["members"]) == (True, None)
        assert client.post(f"/v1/households/{own}/erasure", json=asked).status_code == 422


def test_an_identity_number_is_found_only_where_persons_may_be_seen_and_the_hit_is_noted(planted):
    planted.engine.register_households([_family("H-7", village(1), 1)])
    asked = {"identity": "042170000000", "purpose": "kiểm tra trùng"}
    with planted.client(planted.token("CB-01", Mandate("committee", COMMUNE))) as client:
        assert client.post("/v1/households/find", json=asked).json() == {"households": ["H-7"]}
        [look] = client.get("/v1/households/H-7/looks").json()["items"]
        assert look["purpose"] == "kiểm tra trùng"
    for stranger in (Mandate("committee", OTHER_COMMUNE), Mandate("superior_chair", DISTRICT)):
        with planted.client(planted.token("XX-01", stranger)) as client:
            assert client.post("/v1/households/find", json=asked).json() == {"households": []}


def test_the_past_is_told_as_it_stood_and_as_it_was_known(planted):
    case = str(planted.ids[code(1, 1)])
    with planted.client(planted.token()) as client:
        _drive(planted, client, "survey")
        then = {"as_of": "2022-09-26"}
        assert client.get(f"/v1/past/cases/{case}", params=then).json()["state"] == "registered"
        assert client.get(f"/v1/past/cases/{case}").json()["state"] == client.get(f"/v1/cases/{case}").json()["state"]
        assert client.get(f"/v1/past/cases/{case}", params={"as_of": "2022-01-01"}).status_code == 404
        stood = client.get("/v1/past/cases", params=then | {"round": "R-2022"}).json()["items"]
        assert {(each["state"], each["as_of"]) for each in stood} == {("registered", "2022-09-26")}
        counted = client.get("/v1/past/states", params=then | {"unit": COMMUNE}).json()["items"]
        assert sum(line["count"] for line in counted) == 4
    with planted.client(planted.token("CB-02", Mandate("committee", OTHER_COMMUNE))) as client:
        assert client.get(f"/v1/past/cases/{case}").status_code == 404
        assert {line["unit"] for line in client.get("/v1/past/states").json()["items"]} == {village(1, OTHER_COMMUNE)}


def test_a_commune_gets_its_new_code_with_all_that_lies_in_it(planted):
    order = {"on": "2022-09-26", "document": "12/NQ", "old": COMMUNE, "new": f"{DISTRICT}/18999"}
    with planted.client(planted.token("CB-02", Mandate("committee", OTHER_COMMUNE))) as client:
        assert client.post("/v1/communes/recode", json=order).status_code == 404
    with planted.client(planted.token()) as client:
        done = client.post("/v1/communes/recode", json=order)
        assert (done.status_code, len(done.json()["households"]), len(done.json()["followed"])) == (201, 4, 4)
        assert client.get("/v1/rounds/R-2022").json()["unit"] == f"{DISTRICT}/18999"
        assert date.fromisoformat(client.get(f"/v1/households/{code(1, 1)}/lineage").json()["lineage"][0]["on"])


def test_communes_become_one_for_who_holds_both(planted):
    order = {"on": "2022-09-26", "document": "12/NQ", "communes": [COMMUNE, OTHER_COMMUNE], "new": OTHER_COMMUNE}
    with planted.client(planted.token("CB-02", Mandate("committee", OTHER_COMMUNE))) as client:
        assert client.post("/v1/communes/merge", json=order).status_code == 404
    with planted.client(planted.token()) as client:
        alone = client.post("/v1/communes/merge", json=order | {"communes": [COMMUNE]})
        assert alone.status_code == 422
        done = client.post("/v1/communes/merge", json=order, headers={"Idempotency-Key": "m1"})
        assert (done.status_code, len(done.json()["followed"])) == (201, 4), done.text
        again = client.post("/v1/communes/merge", json=order, headers={"Idempotency-Key": "m1"})
        assert (again.status_code, again.json()) == (201, done.json())
        assert client.get("/v1/rounds/R-2022").json()["unit"] == OTHER_COMMUNE
