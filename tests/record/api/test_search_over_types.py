"""Searches over several types and in compartments, by GET and POST, over HTTP."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.record.samples import JSON, outcome, person, weight
from tests.site import Site


@pytest.fixture(scope="module")
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        yield opened


@pytest.fixture(scope="module")
def chart(client: httpx.Client) -> str:
    """A patient with two weights and a contact."""
    made: str = client.post("/Patient", json=person("Felles")).json()["id"]
    for kilos in ("70.5", "71.5"):
        assert client.post("/Observation", content=weight(made, kilos), headers=JSON).status_code == 201
    contact = {
        "resourceType": "Encounter", "status": "finished", "subject": {"reference": f"Patient/{made}"},
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
    }  # fmt: skip
    assert client.post("/Encounter", json=contact).status_code == 201
    return made


def types(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return sorted(entry["resource"]["resourceType"] for entry in answer.json().get("entry", []))


def link(answer: httpx.Response, relation: str) -> str | None:
    found: list[dict[str, Any]] = answer.json()["link"]
    return next((one["url"] for one in found if one["relation"] == relation), None)


def test_types_that_are_named_are_searched_together(client: httpx.Client, chart: str) -> None:
    pairs = {"_type": "Observation,Encounter", "patient": chart, "_total": "accurate"}
    answer = client.get("", params=pairs)
    assert types(answer) == ["Encounter", "Observation", "Observation"] and answer.json()["total"] == 3
    assert types(client.post("/_search", data=pairs)) == types(answer)
    assert "/fhir?_type=Observation" in (link(answer, "self") or "")


def test_pages_go_on_over_several_types(client: httpx.Client, chart: str) -> None:
    found, url = list[str](), f"?_type=Observation,Encounter,Patient&_lastUpdated=gt2020&_id={chart}"
    answer = client.get(f"?_type=Observation,Encounter&patient={chart}&_count=1&_sort=-_lastUpdated")
    for _ in range(5):
        found += [entry["resource"]["id"] for entry in answer.json()["entry"]]
        following = link(answer, "next")
        if following is None:
            break
        answer = client.get(following)
    assert len(found) == len(set(found)) == 3
    assert types(client.get(url)) == ["Patient"]


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("", "_type"), ("?_type=", "_type"), ("?_type=Nothing", "_type"),
        ("?_type=Observation,Encounter&code=x", "code"),
        ("?_type=Observation,Encounter&_sort=date", "_sort"), ("?_type=Observation,Encounter&_text=x", "_text"),
        ("?_type=" + ",".join(["Observation"] * 30), None), ("?_type=Observation&_contained=true", "_contained"),
    ],
)  # fmt: skip
def test_what_several_types_have_not_in_common_is_refused(client: httpx.Client, url: str, word: str | None) -> None:
    answer = client.get(url)
    if word is None:
        assert answer.status_code == 200
        return
    assert word in str(outcome(answer, 400))


def test_a_patients_compartment_is_the_chart(client: httpx.Client, chart: str) -> None:
    assert types(client.get(f"/Patient/{chart}/Observation")) == ["Observation", "Observation"]
    assert types(client.get(f"/Patient/{chart}/Observation?code-value-quantity=29463-7$gt71")) == ["Observation"]
    assert types(client.post(f"/Patient/{chart}/Observation/_search", data={"_count": "1"})) == ["Observation"]
    assert types(client.get(f"/Patient/{chart}/*")) == ["Encounter", "Observation", "Observation", "Patient"]
    assert types(client.get(f"/Patient/{chart}/*?_type=Encounter,Patient")) == ["Encounter", "Patient"]
    page = client.get(f"/Patient/{chart}/*?_count=3")
    assert len(page.json()["entry"]) == 3 and f"/Patient/{chart}/*?" in (link(page, "next") or "")
    assert len(client.get(link(page, "next") or "").json()["entry"]) == 1


def test_a_contacts_compartment_is_what_refers_to_it(client: httpx.Client, chart: str) -> None:
    contact = client.get(f"/Patient/{chart}/Encounter").json()["entry"][0]["resource"]["id"]
    assert types(client.get(f"/Encounter/{contact}/Observation")) == []
    assert types(client.get(f"/Encounter/{contact}/Observation?patient={chart}")) == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("Practitioner", 400), ("Organization", 400), ("*?_type=Organization", 400), ("nothing", 404),
        ("$nothing", 404), ("Observation?nonsense=1", 400),
    ],
)  # fmt: skip
def test_what_is_in_no_chart_is_refused(client: httpx.Client, chart: str, path: str, status: int) -> None:
    outcome(client.get(f"/Patient/{chart}/{path}"), status)


def test_another_chart_is_refused_as_one_that_is_not_there(client: httpx.Client) -> None:
    for patient in ("000000000000001", "nobody"):
        for path in ("Observation", "*"):
            outcome(client.get(f"/Patient/{patient}/{path}"), 403)


def test_searches_over_types_stand_in_batches_too(client: httpx.Client, chart: str) -> None:
    urls = [f"Patient/{chart}/Observation?_count=1", f"?_type=Encounter&patient={chart}"]
    batch = {
        "resourceType": "Bundle", "type": "batch",
        "entry": [{"request": {"method": "GET", "url": url}} for url in urls],
    }  # fmt: skip
    entries = client.post("", json=batch).json()["entry"]
    assert [e["response"]["status"] for e in entries] == ["200", "200"]
    assert [e["resource"]["entry"][0]["resource"]["resourceType"] for e in entries] == ["Observation", "Encounter"]


def test_the_statement_names_what_there_is(client: httpx.Client) -> None:
    rest = client.get("/metadata").json()["rest"][0]
    assert {"code": "search-system"} in rest["interaction"]
    assert "http://hl7.org/fhir/CompartmentDefinition/patient" in rest["compartment"]
    listed = [r["searchParam"] for r in rest["resource"] if r["type"] in ("Observation", "Location")]
    params = {param["name"]: param["type"] for params in listed for param in params}
    assert params["code-value-quantity"] == "composite" and params["near"] == "special" and "_list" in params
