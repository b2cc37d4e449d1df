"""The area as which a household is registered, changed over HTTP."""

from __future__ import annotations

from rasoat import Household, Mandate, Person
from tests.support.serving import COMMUNE, OTHER_COMMUNE, village

ORDER = {"on": "2022-09-26", "document": "7/QĐ-UBND", "area": "urban"}
HOUSEHOLD = Household("H-1", village(1), (Person("Người Một", "chủ hộ", "1960", "male"),), "rural", "poor")


def test_a_registered_area_is_changed_by_the_office_that_sees_the_household_and_its_lineage_says_so(service):
    service.plant(villages=1, households=1)
    service.engine.register_households([HOUSEHOLD])
    with service.client(service.token()) as client:
        city = client.post("/v1/households/H-1/area", json=ORDER, headers={"Idempotency-Key": "a"})
        assert city.status_code == 201, city.text
        assert list(city.json()["households"]) == ["H-1"]
        assert (
            client.post("/v1/households/H-1/area", json=ORDER, headers={"Idempotency-Key": "a"}).json() == city.json()
        )
        assert client.post("/v1/households/H-1/area", json=ORDER).status_code == 422
        assert client.post("/v1/households/H-1/area", json=ORDER | {"area": "sea"}).status_code == 422
        assert client.get("/v1/households/H-1").json()["area"] == "urban"
        (line,) = client.get("/v1/households/H-1/lineage").json()["lineage"]
        assert (line["kind"], line["old_area"], line["new_area"]) == ("area", "rural", "urban")
        assert (line["document"], line["on_behalf_of"]) == ("7/QĐ-UBND", None)
    for office, unit, status in (("village_head", COMMUNE, 403), ("committee", OTHER_COMMUNE, 404)):
        with service.client(service.token("CB-9", Mandate(office, unit))) as client:
            assert client.post("/v1/households/H-1/area", json=ORDER | {"area": "rural"}).status_code == status
