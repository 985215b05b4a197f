"""`_list` in a chart: a List may lie outside of it, and is read as any resource is."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.record.samples import make, make_person, outcome, weight
from tests.site import DIABETIC, ELDERLY, GP, OTHER_GP, Site


@pytest.fixture
def gp(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir(GP) as opened:
        yield opened


def a_list(client: httpx.Client, *members: str, **more: Any) -> str:
    entries = [{"item": {"reference": one}} for one in members]
    resource = {"resourceType": "List", "status": "current", "mode": "working", "entry": entries, **more}
    answer = client.put(f"/List/{more['id']}", json=resource) if "id" in more else client.post("/List", json=resource)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def ids(client: httpx.Client, path: str, **params: str) -> list[str]:
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return [one["resource"]["id"] for one in answer.json().get("entry", [])]


def test_a_units_own_list_is_seen_from_a_chart(demo_site: Site, gp: httpx.Client) -> None:
    patient, other = demo_site.patient_id(DIABETIC), demo_site.patient_id(ELDERLY)
    made = [make(gp, "Observation", weight(patient, value)) for value in ("70", "71", "72")]
    listed = a_list(gp, f"Patient/{patient}", *(f"Observation/{one}" for one in made[:2]))
    assert ids(gp, "/Patient", _id=patient, _list=listed) == [patient]
    assert ids(gp, "/Patient", _id=other, _list=listed) == []
    assert set(ids(gp, "/Observation", patient=patient, _list=listed)) == set(made[:2])
    assert set(ids(gp, f"/Patient/{patient}/Observation", _list=f"List/{listed}")) == set(made[:2])
    assert set(ids(gp, "/Observation", patient=patient, _list=f"{listed},absent")) == set(made[:2])
    total = gp.get("/Observation", params={"patient": patient, "_list": listed, "_total": "accurate", "_count": "1"})
    assert (total.json()["total"], len(total.json()["entry"])) == (2, 1)
    (further,) = [one["url"] for one in total.json()["link"] if one["relation"] == "next"]
    assert len(gp.get(further).json()["entry"]) == 1


def test_a_list_and_its_members_may_have_ids_that_clients_chose(gp: httpx.Client) -> None:
    gp.put("/Patient/listet", json={"resourceType": "Patient", "id": "listet"})
    listed = a_list(gp, "Patient/listet/_history/1", "Patient/absent", "Condition/absent", id="min-liste")
    assert ids(gp, "/Patient", _id="listet", _list=listed) == ["listet"]


def test_a_list_that_may_not_be_seen_has_no_members(demo_site: Site, gp: httpx.Client) -> None:
    stranger = make_person(gp, "Fremmed")
    hidden = a_list(gp, f"Patient/{demo_site.patient_id(ELDERLY)}", subject={"reference": f"Patient/{stranger}"})
    with demo_site.fhir(ELDERLY) as citizen:
        own = demo_site.patient_id(ELDERLY)
        assert outcome(citizen.get(f"/List/{hidden}"), 404)
        assert ids(citizen, "/Patient", _id=own, _list=hidden) == []
        assert ids(citizen, "/Patient", _id=own, _list="absent") == []
    with demo_site.fhir(OTHER_GP) as other:
        assert outcome(other.get(f"/List/{hidden}"), 404)
        mine = make_person(other, "Egen")
        assert ids(other, "/Patient", _id=mine, _list=hidden) == []


def test_more_lists_than_are_read_are_refused(demo_site: Site, gp: httpx.Client) -> None:
    patient = demo_site.patient_id(DIABETIC)
    many = ",".join(f"00000000000{n:04d}" for n in range(1000, 1030))
    assert outcome(gp.get("/Observation", params={"patient": patient, "_list": many}), 400)["code"] == "too-costly"
