from decimal import Decimal
from typing import Any

from fellesjournal.record.search import Chart, Listing
from tests.record.search.world import UNIT_A, UNIT_B, World


def person(family: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "name": [{"family": family, "given": ["Kari"]}], "birthDate": "1980-01-01"}


def observation(patient: str, code: str, day: str, value: str = "5.4") -> dict[str, Any]:
    return {
        "resourceType": "Observation", "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": patient}, "effectiveDateTime": day,
        "valueQuantity": {"value": Decimal(value), "system": "http://unitsofmeasure.org", "code": "mmol/L"},
    }  # fmt: skip


async def test_first(world: World) -> None:
    a, b = await world.write([person("Nordmann"), person("Åsen")])
    await world.relate(UNIT_A, [a])
    o1, o2, o3 = await world.write([observation(a.ref, "1234-5", f"2024-01-0{n}") for n in (1, 2, 3)])
    await world.write([observation(b.ref, "1234-5", "2024-01-02")])
    chart = Chart((a.pid,))
    for scope in (chart, Listing(UNIT_A)):
        answer = await world.search("a", scope, "Observation?code=1234-5&_total=accurate")
        assert answer.ids == [o3.id, o2.id, o1.id], scope
        assert answer.total == 3
        assert await world.all_pages("a", scope, "Observation?code=1234-5&_count=1") == [o3.id, o2.id, o1.id]
        assert await world.all_pages("a", scope, "Observation?_count=1&_sort=date") == [o1.id, o2.id, o3.id]
        assert (await world.search("a", scope, "Observation?date=2024-01-02")).ids == [o2.id]
        assert (await world.search("a", scope, "Observation?subject:Patient.family=nord&date=2024-01-02")).ids == [o2.id]
        assert (await world.search("a", scope, "Patient?family=nord")).ids == [a.id]
        assert (await world.search("a", scope, "Patient?_has:Observation:subject:code=1234-5")).ids == [a.id]
        assert (await world.search("a", scope, "Patient?_revinclude=Observation:subject")).included != []
    assert (await world.search("b", Listing(UNIT_B), "Observation?_total=accurate")).total == 0
