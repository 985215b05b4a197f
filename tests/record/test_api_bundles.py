# ruff: noqa: E501 - tables of what is tried read best a line each
"""batch and transaction."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.record.samples import JSON, make, make_person, outcome, person, weight
from tests.site import Site


@pytest.fixture
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        yield opened


def entry(
    method: str, url: str, resource: dict[str, Any] | None = None, *, name: str = "", **request: str
) -> dict[str, Any]:
    made: dict[str, Any] = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        made["resource"] = resource
    if name:
        made["fullUrl"] = f"urn:uuid:00000000-0000-4000-8000-{name:0>12}"
    return made


def urn(name: str) -> str:
    return f"urn:uuid:00000000-0000-4000-8000-{name:0>12}"


def bundle(kind: str, *entries: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def observed(subject: str, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(weight("x"))
    return made | {"subject": {"reference": subject}} | more


def count(client: httpx.Client, patient: str) -> int:
    return len(client.get("/Observation", params={"patient": patient}).json().get("entry", []))


def test_a_transaction_resolves_references_between_its_entries(client: httpx.Client) -> None:
    answer = client.post(
        "",
        json=bundle(
            "transaction",
            entry("POST", "Observation", observed(urn("1"), derivedFrom=[{"reference": urn("3")}]), name="2"),
            entry("POST", "Patient", person("Urnesen"), name="1"),
            entry("POST", "Observation", observed(urn("1")), name="3"),
        ),
    )
    assert answer.status_code == 200, answer.text
    made = [e["response"] for e in answer.json()["entry"]]
    assert [m["status"] for m in made] == ["201"] * 3
    first, patient, third = ("/".join(m["location"].split("/")[:2]) for m in made)
    kept = client.get(f"/{first}").json()
    assert kept["subject"]["reference"] == patient
    assert kept["derivedFrom"][0]["reference"] == third


def test_a_transaction_writes_updates_and_deletes_together(client: httpx.Client) -> None:
    patient = make_person(client)
    kept, dropped = (make(client, "Observation", weight(patient)) for _ in range(2))
    answer = client.post(
        "/",
        json=bundle(
            "transaction",
            entry("PUT", f"Observation/{kept}", observed(f"Patient/{patient}", id=kept), ifMatch='W/"1"'),
            entry("DELETE", f"Observation/{dropped}"),
            entry("POST", "Observation", observed(f"Patient/{patient}")),
        ),
        headers={"Prefer": "return=representation"},
    )
    assert [e["response"]["status"] for e in answer.json()["entry"]] == ["200", "204", "201"]
    assert answer.json()["entry"][0]["resource"]["meta"]["versionId"] == "2"
    assert client.get(f"/Observation/{dropped}").status_code == 410
    assert count(client, patient) == 2


@pytest.mark.parametrize(
    ("bad", "status", "where"),
    [
        (entry("POST", "Observation", {"resourceType": "Observation", "status": "oppdiktet"}), 422, "Bundle.entry[1].resource.status"),
        (entry("POST", "Observation", observed("Patient/finnes-ikke")), 422, "Bundle.entry[1].resource"),
        (entry("POST", "Patient", person(identifier=[{"system": "urn:oid:2.16.578.1.12.4.1.4.1", "value": "12345678901"}])), 422,
         "Bundle.entry[1].resource.identifier[0].value"),
        (entry("DELETE", "Observation/000000000000001"), 404, "Bundle.entry[1]"),
        (entry("PUT", "Observation/000000000000001", observed("", id="000000000000001")), 404, "Bundle.entry[1].resource"),
        (entry("PATCH", "Observation/000000000000001"), 400, "Bundle.entry[1].request"),
        (entry("POST", "Observation/1", observed("")), 400, "Bundle.entry[1].request.url"),
        (entry("POST", "Patient", observed("")), 400, "Bundle.entry[1].resource"),
        (entry("POST", "Patient", person(), ifNoneExist="identifier=1"), 400, "Bundle.entry[1].request.ifNoneExist"),
        ({"resource": person()}, 400, "Bundle.entry[1].request"),
    ],
)  # fmt: skip
def test_one_bad_entry_leaves_nothing_and_is_named(
    client: httpx.Client, bad: dict[str, Any], status: int, where: str
) -> None:
    patient = make_person(client)
    text = json.dumps(bad).replace('{"reference": ""}', json.dumps({"reference": f"Patient/{patient}"}))
    good = entry("POST", "Observation", observed(f"Patient/{patient}"))
    answer = client.post("", json=bundle("transaction", good, json.loads(text)))
    issue = outcome(answer, status)
    assert issue["expression"] == [where]
    assert "12345678901" not in answer.text
    assert count(client, patient) == 0


def test_a_version_conflict_in_a_transaction_leaves_nothing(client: httpx.Client) -> None:
    patient = make_person(client)
    kept = make(client, "Observation", weight(patient))
    body = observed(f"Patient/{patient}", id=kept)
    put = entry("PUT", f"Observation/{kept}", body, ifMatch='W/"9"')
    answer = client.post(
        "", json=bundle("transaction", entry("POST", "Observation", observed(f"Patient/{patient}")), put)
    )
    assert outcome(answer, 412)["expression"] == ["Bundle.entry[1].resource"]
    assert count(client, patient) == 1


def test_a_transaction_touches_each_resource_once(client: httpx.Client) -> None:
    patient = make_person(client)
    kept = make(client, "Observation", weight(patient))
    put = entry("PUT", f"Observation/{kept}", observed(f"Patient/{patient}", id=kept))
    outcome(client.post("", json=bundle("transaction", put, entry("DELETE", f"Observation/{kept}"))), 422)
    assert client.get(f"/Observation/{kept}").headers["etag"] == 'W/"1"'


def test_a_batch_does_what_can_be_done(client: httpx.Client) -> None:
    patient = make_person(client)
    kept = make(client, "Observation", weight(patient))
    answer = client.post(
        "",
        json=bundle(
            "batch",
            entry("GET", f"Observation/{kept}"),
            entry("GET", f"Observation?patient={patient}"),
            entry("POST", "Observation", observed(f"Patient/{patient}")),
            entry("POST", "Observation", {"resourceType": "Observation"}),
            entry("GET", "Observation/000000000000001"),
            entry("GET", "Observation/a/b/c"),
            entry("DELETE", f"Observation/{kept}"),
        ),
    )
    assert answer.status_code == 200
    entries = answer.json()["entry"]
    assert [e["response"]["status"] for e in entries] == ["200", "200", "201", "422", "404", "400", "204"]
    assert entries[0]["resource"]["id"] == kept
    assert entries[1]["resource"]["type"] == "searchset"
    assert entries[3]["response"]["outcome"]["issue"][0]["expression"]
    assert count(client, patient) == 1


@pytest.mark.parametrize("kind", ["transaction", "batch"])
def test_an_empty_bundle_is_answered_by_an_empty_bundle(client: httpx.Client, kind: str) -> None:
    answer = client.post("", json={"resourceType": "Bundle", "type": kind})
    assert answer.status_code == 200
    assert answer.json() == {"resourceType": "Bundle", "type": f"{kind}-response"}


@pytest.mark.parametrize("body", ['{"resourceType":"Patient"}', '{"resourceType":"Bundle","type":"document"}',
                                  '{"resourceType":"Bundle","type":"transaction","entry":{}}',
                                  '{"resourceType":"Bundle","type":"transaction","entry":[1]}',
                                  '{"resourceType":"Bundle","type":"batch","entry":5}', "[]", "5", "null"])  # fmt: skip
def test_what_is_no_bundle_is_refused(client: httpx.Client, body: str) -> None:
    outcome(client.post("", content=body, headers=JSON), 400)
