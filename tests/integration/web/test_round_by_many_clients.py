"""A commune's whole round over HTTP, several clients at once, answers repeated and retried: nothing lost or doubled.

`RASOAT_HTTP_HOUSEHOLDS=100000` drives a province's worth instead of a commune's (minutes; docs/http-api.md).
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta

import httpx

from rasoat import Mandate
from tests.support.invariants import broken
from tests.support.listening import listening
from tests.support.reviews import BEATS, STARTED
from tests.support.serving import DISTRICT, code, household, units_of, village

HOUSEHOLDS = int(os.environ.get("RASOAT_HTTP_HOUSEHOLDS", "320"))
AT_ONCE = 4
VILLAGES = 2
COMMUNES = [f"{DISTRICT}/{20_000 + n}" for n in range(max(2, HOUSEHOLDS // 5_000))]
EACH = HOUSEHOLDS // len(COMMUNES) // VILLAGES
BATCH = 20 if HOUSEHOLDS <= 10_000 else 1_000
OFFICES = ("committee", "enumerator", "commune_chair", "village_head", "superior_chair")
WHOLE_COMMUNE = {"summarise", "report"}


class Caller:
    """One program that works through one village; the first village's also does what a commune does as a whole."""

    def __init__(self, address, token, commune, number):
        headers = {"Authorization": f"Bearer {token}"}
        self.client = httpx.Client(base_url=address, headers=headers, timeout=300, trust_env=False)
        self.commune, self.village, self.first = commune, village(number, commune), number == 1
        self.repeated = self.retried = 0

    def cases(self, unit):
        return [case["id"] for case in everything(self.client, "/v1/cases", unit=unit)]

    def do(self, beat):
        """One act over all cases, in batches; every third answer is 'lost' and asked for again under its key."""
        whole, moved = beat.trigger in WHOLE_COMMUNE, []
        cases = self.cases(self.commune if whole else self.village) if self.first or not whole else []
        size = len(cases) if whole else BATCH
        for place, start in enumerate(range(0, len(cases), size or 1)):
            batch = cases[start : start + size]
            body = {"trigger": beat.trigger, "occurred_on": beat.day.isoformat(), "cases": batch, "body": beat.body}
            if beat.row is not None:
                body["rows"] = {case: beat.row(int(case)) for case in batch}
            key = f"{beat.trigger}-{self.village}-{place}"
            answer = self._sent(body, key)
            if place % 3 == 0:
                assert self._sent(body, key) == answer
                self.repeated += 1
            moved += [each["case"] for each in answer["accepted"]]
        return moved

    def _sent(self, body, key):
        for _ in range(50):
            answer = self.client.post("/v1/acts", json=body, headers={"Idempotency-Key": key})
            if answer.status_code == 201:
                return answer.json()
            assert answer.json()["retryable"], answer.text
            self.retried += 1
        raise AssertionError(answer.text)


def _plant(service):
    service.engine.register_units(units_of(VILLAGES, COMMUNES))
    for commune in COMMUNES:
        service.engine.open_round(f"R-{commune.rpartition('/')[2]}", "annual", commune, STARTED)
        for number in range(1, VILLAGES + 1):
            service.engine.register_households([household(number, n, commune) for n in range(1, EACH + 1)])
            facts = {code(number, n, commune): {"origin": "managed"} for n in range(1, EACH + 1)}
            service.engine.put_forward(f"R-{commune.rpartition('/')[2]}", facts, STARTED)


def everything(client, path, **asked):
    """A whole list, page by page."""
    found, cursor = [], None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = client.get(path, params={**asked, **more, "limit": 1000}).raise_for_status().json()
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            return found


def _fed(client):
    found, cursor = [], None
    while True:
        page = client.get("/v1/changes", params={"limit": 1000} | ({"cursor": cursor} if cursor else {})).json()
        found += [change["id"] for change in page["items"]]
        if not page["items"]:
            return found
        cursor = page["next"]


def test_a_round_driven_by_several_clients_loses_and_doubles_nothing(service):
    _plant(service)
    mandates = [Mandate(office, DISTRICT) for office in OFFICES]
    with ExitStack() as open_ones:
        address = open_ones.enter_context(listening(service.app))
        pool = open_ones.enter_context(ThreadPoolExecutor(AT_ONCE))
        places = [(commune, number) for commune in COMMUNES for number in range(1, VILLAGES + 1)]
        callers = [Caller(address, service.token(f"may-{n}", *mandates), *place) for n, place in enumerate(places)]
        for caller in callers:
            open_ones.enter_context(caller.client)
        everyone = {case for caller in callers for case in caller.cases(caller.village)}
        assert len(everyone) == EACH * VILLAGES * len(COMMUNES)
        for beat in BEATS:
            service.at(beat.at())
            if beat.trigger == "posting_ended":
                service.engine.run_due()  # the worker's part; the next act is refused unless every posting has ended
                continue
            moved = [case for done in pool.map(lambda caller, b=beat: caller.do(b), callers) for case in done]
            assert sorted(moved) == sorted(everyone), beat.trigger
        service.clock.advance(timedelta(seconds=5))
        fed = _fed(callers[0].client)
        ended = [case["state"] for case in everything(callers[0].client, "/v1/cases")]
        numbers = [(given["series"], given["number"]) for given in everything(callers[0].client, "/v1/certificates")]
    assert set(ended) <= {"recognised", "not_poor"}
    assert len(ended) == len(everyone)
    assert len(set(numbers)) == len(numbers) > 0
    assert sum(caller.repeated for caller in callers) > 0
    with service.engine.database.read() as tx:
        table = tx.tables.event
        stored = [f"{row.case_id}.{row.seq}" for row in tx.select(table.select())]
    assert len(fed) == len(set(fed))
    assert sorted(fed) == sorted(stored)
    assert not broken(service.engine.database, service.engine.library)
