# ruff: noqa: E501 - tables of what is tried read best a line each
"""PATCH of one resource, in batches and in transactions."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.record.samples import JSON, make, make_person, outcome, person, weight
from tests.record.test_api_bundles import bundle, count, entry, observed, urn
from tests.site import GP, TONIGHT, Site

JSON_PATCH = {"Content-Type": "application/json-patch+json"}


@pytest.fixture
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        yield opened


def replaced(path: str, value: Any) -> list[dict[str, Any]]:
    return [{"op": "replace", "path": path, "value": value}]


def patch(client: httpx.Client, url: str, operations: Any, **headers: str) -> httpx.Response:
    return client.patch(url, content=json.dumps(operations), headers=JSON_PATCH | headers)


def fhirpath(kind: str, path: str, *, name: str = "", **value: Any) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": path}]
    parts += [{"name": "name", "valueString": name}] if name else []
    return {"name": "operation", "part": [*parts, {"name": "value", **value}]}


def binary(operations: Any, kind: str = "application/json-patch+json") -> dict[str, Any]:
    return {"resourceType": "Binary", "contentType": kind, "data": b64encode(json.dumps(operations).encode()).decode()}


def test_a_json_patch_makes_a_new_version(client: httpx.Client) -> None:
    patient = make_person(client)
    id_ = make(client, "Observation", weight(patient, "72.50"))
    changed = patch(client, f"/Observation/{id_}", replaced("/status", "amended"))
    assert (changed.status_code, changed.headers["etag"]) == (200, 'W/"2"')
    assert b'"value":72.50,' in changed.content
    assert client.get(f"/Observation/{id_}").content == changed.content
    assert changed.headers["location"].endswith(f"/Observation/{id_}/_history/2")
    assert patch(client, f"/Observation/{id_}", [], Prefer="return=minimal").content == b""


@pytest.mark.parametrize("kind", ["application/merge-patch+json", "application/json"])
def test_a_merge_patch_makes_a_new_version(client: httpx.Client, demo_site: Site, kind: str) -> None:
    patient = make_person(client)
    id_ = make(client, "Observation", weight(patient, "72.50"))
    absolute = f"{demo_site.url}/fhir/Patient/{patient}"
    changes = {"status": "amended", "effectiveDateTime": None, "subject": {"reference": absolute, "display": "Ola"}}
    changed = client.patch(f"/Observation/{id_}", content=json.dumps(changes), headers={"Content-Type": kind})
    assert (changed.status_code, changed.json()["status"]) == (200, "amended")
    assert "effectiveDateTime" not in changed.json()
    assert changed.json()["subject"] == {"reference": f"Patient/{patient}", "display": "Ola"}
    assert b'"value":72.50,' in changed.content
    for bad, status in (('{"id": "other"}', 422), ('{"status": null}', 422), ("[]", 400), ('{"a":', 400)):
        refused = client.patch(f"/Observation/{id_}", content=bad, headers={"Content-Type": kind})
        outcome(refused, status)


def test_parameters_as_plain_json_are_a_fhirpath_patch(client: httpx.Client) -> None:
    operations = [fhirpath("replace", "Patient.birthDate", valueDate="1985-05-05")]
    url, sent = f"/Patient/{make_person(client)}", {"resourceType": "Parameters", "parameter": operations}
    changed = client.patch(url, content=json.dumps(sent), headers={"Content-Type": "application/json"})
    assert changed.json()["birthDate"] == "1985-05-05"


def test_a_fhirpath_patch_makes_a_new_version(client: httpx.Client) -> None:
    patient = make_person(client)
    url = f"/Patient/{patient}"
    operations = [
        fhirpath("replace", "Patient.birthDate", valueDate="1985-05-05"),
        fhirpath("add", "Patient", name="gender", valueCode="female"),
    ]
    body = {"resourceType": "Parameters", "parameter": operations}
    changed = client.patch(url, json=body, headers=JSON)
    assert (changed.status_code, changed.headers["etag"]) == (200, 'W/"2"'), changed.text
    kept = client.get(url).json()
    assert (kept["birthDate"], kept["gender"]) == ("1985-05-05", "female")
    nowhere = {"resourceType": "Parameters", "parameter": [fhirpath("replace", "Patient.photo", valueDate="1985")]}
    outcome(client.patch(url, json=nowhere, headers=JSON), 422)
    broken = {"resourceType": "Parameters", "parameter": [fhirpath("replace", "Patient..(", valueDate="1985")]}
    outcome(client.patch(url, json=broken, headers=JSON), 400)
    outcome(client.patch(url, json=person(id=patient), headers=JSON), 400)
    outcome(client.patch(url, content=b"{", headers=JSON), 400)
    in_bundle = entry("PATCH", f"Patient/{patient}", body | {"parameter": operations[:1]})
    assert client.post("", json=bundle("transaction", in_bundle)).status_code == 200


def test_a_patch_honours_if_match_and_is_validated(client: httpx.Client) -> None:
    patient = make_person(client)
    url = f"/Patient/{patient}"
    outcome(patch(client, url, replaced("/birthDate", "1980-01-01"), **{"If-Match": 'W/"7"'}), 412)
    assert outcome(patch(client, url, replaced("/birthDate", "i går")), 422)["expression"] == ["Patient.birthDate"]
    outcome(patch(client, url, [{"op": "add", "path": "/oppfunnet", "value": 1}]), 422)
    assert client.get(url).headers["etag"] == 'W/"1"'


@pytest.mark.parametrize(
    ("operations", "status"),
    [
        ({}, 400), ("x", 400), ([{"op": "snu", "path": "/a"}], 400), ([1], 400),
        (replaced("/finnes/ikke", 1), 422), ([{"op": "test", "path": "/birthDate", "value": "1900-01-01"}], 422),
        (replaced("/id", "en-annen"), 422), (replaced("/resourceType", "Person"), 422),
        ([{"op": "remove", "path": "/id"}], 422),
    ],
)  # fmt: skip
def test_a_patch_that_does_not_fit_changes_nothing(client: httpx.Client, operations: Any, status: int) -> None:
    patient = make_person(client)
    outcome(patch(client, f"/Patient/{patient}", operations), status)
    assert client.get(f"/Patient/{patient}").headers["etag"] == 'W/"1"'


def test_other_formats_are_no_patch(client: httpx.Client) -> None:
    patient = make_person(client)
    for kind in ("text/plain", "application/xml-patch+xml", ""):
        outcome(client.patch(f"/Patient/{patient}", content=b"[]", headers={"Content-Type": kind}), 415)


def test_a_patch_of_what_is_hidden_absent_or_deleted(client: httpx.Client, demo_site: Site) -> None:
    gone = make(client, "Observation", weight(make_person(client)))
    client.delete(f"/Observation/{gone}")
    outcome(patch(client, f"/Observation/{gone}", []), 410)
    with demo_site.fhir(GP) as gp:
        hidden = patch(gp, f"/Patient/{demo_site.patient_id(TONIGHT)}", [])
        absent = patch(gp, "/Patient/000000000000001", [])
        assert (hidden.status_code, hidden.content) == (404, absent.content)


async def test_patches_at_once_are_all_kept(demo_site: Site) -> None:
    with demo_site.fhir() as plain:
        patient = make_person(plain)
        token = {"Authorization": plain.headers["authorization"]}
    async with httpx.AsyncClient(base_url=f"{demo_site.url}/fhir", headers=token | JSON_PATCH, timeout=30) as client:
        bodies = [
            json.dumps([{"op": "add", "path": f"/{name}", "value": value}])
            for name, value in (("active", True), ("gender", "male"))
        ]
        answers = await asyncio.gather(*(client.patch(f"/Patient/{patient}", content=body) for body in bodies))
        assert [one.status_code for one in answers] == [200, 200]
        kept = (await client.get(f"/Patient/{patient}")).json()
        assert (kept["active"], kept["gender"], kept["meta"]["versionId"]) == (True, "male", "3")


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_a_bundle_holds_patches(client: httpx.Client, kind: str) -> None:
    patient = make_person(client)
    id_ = make(client, "Observation", weight(patient))
    sent = bundle(
        kind,
        entry("PATCH", f"Observation/{id_}", binary(replaced("/status", "amended")), ifMatch='W/"1"'),
        entry("PATCH", f"Patient/{patient}", binary(replaced("/birthDate", "1981-01-01"))),
    )
    answer = client.post("", json=sent, headers={"Prefer": "return=representation"})
    assert [one["response"]["status"] for one in answer.json()["entry"]] == ["200", "200"], answer.text
    assert answer.json()["entry"][0]["resource"]["status"] == "amended"
    assert client.get(f"/Patient/{patient}").json()["birthDate"] == "1981-01-01"


def test_a_patch_in_a_transaction_refers_to_what_another_entry_creates(client: httpx.Client) -> None:
    patient = make_person(client)
    id_ = make(client, "Observation", weight(patient))
    more = [{"op": "add", "path": "/derivedFrom", "value": [{"reference": urn("1")}]}]
    sent = bundle(
        "transaction",
        entry("PATCH", f"Observation/{id_}", binary(more)),
        entry("POST", "Observation", observed(f"Patient/{patient}"), name="1"),
    )
    answer = client.post("", json=sent)
    assert answer.status_code == 200, answer.text
    made = answer.json()["entry"][1]["response"]["location"].partition("/_history")[0]
    assert client.get(f"/Observation/{id_}").json()["derivedFrom"] == [{"reference": made}]


@pytest.mark.parametrize(
    ("resource", "status", "where"),
    [
        (binary([], "application/json"), 400, "Bundle.entry[1].resource"),
        ({"resourceType": "Binary", "contentType": "application/json-patch+json", "data": "%%"}, 400, "Bundle.entry[1].resource"),
        ({"resourceType": "Binary", "contentType": "application/json-patch+json"}, 400, "Bundle.entry[1].resource"),
        (person(), 400, "Bundle.entry[1].resource"),
        (binary(replaced("/finnes/ikke", 1)), 422, "Bundle.entry[1].resource"),
        (binary(replaced("/birthDate", "i går")), 422, "Bundle.entry[1].resource.birthDate"),
    ],
)  # fmt: skip
def test_a_bad_patch_undoes_the_whole_transaction(
    client: httpx.Client, resource: dict[str, Any], status: int, where: str
) -> None:
    patient = make_person(client)
    good = entry("POST", "Observation", observed(f"Patient/{patient}"))
    answer = client.post("", json=bundle("transaction", good, entry("PATCH", f"Patient/{patient}", resource)))
    assert outcome(answer, status)["expression"] == [where]
    assert count(client, patient) == 0
