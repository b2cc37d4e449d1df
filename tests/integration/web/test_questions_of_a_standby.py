"""What is only asked over HTTP goes to the standby: every route that reads is tried, and counted at two doors."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from tests.support.reviews import BEATS
from tests.support.serving import COMMUNE, Service, code

SAMPLES = {
    "/v1/units/": COMMUNE,
    "/v1/households/": code(1, 1),
    "/v1/rounds/": "R-2022",
    "/v1/workflows/": "annual@2022",
    "trigger": "survey",
    "plan": "2025-07-01.annual",
}
ASKED = {"/v1/due": {"start": "2022-10-03", "length": 5}, "/v1/feeds/desk": {"role": "committee", "unit": COMMUNE}}
BY_THE_PRIMARY = {
    "/v1/changes": "what is settled the primary alone knows",
    "/v1/subscriptions": "whoever set one up looks whether it is there",
    "/v1/subscriptions/{subscription_id}": "as above",
    "/metrics": "the depths of queues are the primary's",
}


@pytest.fixture
def two_doors(tmp_path):
    """One SQLite file opened twice, and the doors each request went through."""
    url = f"sqlite:///{tmp_path / 'one.db'}"
    Service(url, tmp_path).close()
    service = Service(url, tmp_path, read_url=url)
    service.ids = service.plant()
    doors = []
    for name, database in (("primary", service.engine.database), ("standby", service.engine.queries)):
        event.listen(database.engine, "checkout", lambda *_, name=name: doors.append(name))
    yield service, doors
    service.close()


def _listed(service, client):
    """Do the round's first act, so that there are terms; return the identifiers that paths name."""
    service.at(BEATS[0].at())
    case, *_ = ids = [str(case) for case in service.ids.values()]
    body = {"trigger": BEATS[0].trigger, "occurred_on": BEATS[0].day.isoformat(), "cases": ids, "body": BEATS[0].body}
    assert client.post("/v1/acts", json=body).status_code == 201
    terms = client.get("/v1/deadlines").json()["items"]
    return {"case_id": case, "deadline_id": terms[0]["id"], "subscription_id": "1"}


def _filled(path, known):
    """Return a route's path with something that is there in the place of each parameter."""
    sample = next((value for start, value in SAMPLES.items() if path.startswith(start)), "")
    name = path.partition("{")[2].partition("}")[0]
    return path.format_map({**SAMPLES, name: sample, **known} if sample else {**SAMPLES, **known})


def test_every_route_that_only_reads_asks_the_standby(two_doors):
    service, doors = two_doors
    asked = {}
    with service.client(service.token(scopes=("read", "act", "admin"))) as client:
        known = _listed(service, client)
        for path, operations in sorted(client.get("/openapi.json").json()["paths"].items()):
            if "get" not in operations or path.startswith("/health"):
                continue
            doors.clear()
            answer = client.get(_filled(path, known), params=ASKED.get(path))
            assert answer.status_code in {200, 404}, (path, answer.text)
            # Whose token it is the primary says: one that was revoked opens nothing from then on.
            assert doors[:1] == ["primary"], path
            asked[path] = (answer.status_code, set(doors[1:]))
    assert {path for path, (_, rest) in asked.items() if "primary" in rest} == set(BY_THE_PRIMARY)
    assert {path for path, (status, _) in asked.items() if status == 404} == {"/v1/subscriptions/{subscription_id}"}
    assert sum("standby" in rest for _, rest in asked.values()) >= 20
