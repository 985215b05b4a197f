"""Operations in batches and transactions: asked by GET and by POST, and what changes something."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.record.samples import make, make_person, outcome, person, weight
from tests.record.test_api_bundles import bundle
from tests.site import Site

Json = dict[str, Any]
TAG = {"system": "urn:merke", "code": "x"}


@pytest.fixture
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        yield opened


def call(url: str, parameters: Json | None = None, *, method: str = "POST", **request: str) -> Json:
    """An entry that calls an operation; `parameters`: name to a value[x] or a resource."""
    entry: Json = {"request": {"method": method, "url": url, **request}}
    if parameters is not None:
        given = [{"name": name, **value} for name, value in parameters.items()]
        entry["resource"] = {"resourceType": "Parameters", "parameter": given}
    return entry


def ask(client: httpx.Client, kind: str, *entries: Json, **headers: str) -> list[Json]:
    answer = client.post("", json=bundle(kind, *entries), headers=headers)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["entry"])


def statuses(entries: list[Json]) -> list[str]:
    return [one["response"]["status"] for one in entries]


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_what_reads_is_asked_by_get_and_by_post(client: httpx.Client, kind: str) -> None:
    patient = make_person(client, "Spurt")
    seen = make(client, "Observation", weight(patient))
    gender = {"system": {"valueUri": "http://hl7.org/fhir/administrative-gender"}, "code": {"valueCode": "female"}}
    found = ask(
        client, kind,
        call("Observation/$lastn", {"patient": {"valueString": patient}}),
        call(f"Observation/$lastn?patient={patient}", method="GET"),
        call(f"Patient/{patient}/$everything"),
        call("CodeSystem/$lookup", gender),
        call("ValueSet/$expand", {"url": {"valueUri": "http://hl7.org/fhir/ValueSet/administrative-gender"}}),
        call(f"Patient/{patient}/$meta", method="GET"),
        call("Patient/$validate", {"resource": {"resource": person(birthDate="i går")}}),
        {"request": {"method": "POST", "url": "Patient/$validate"}, "resource": person()},
        call(f"Patient/{patient}/$validate", method="GET"),
        {"request": {"method": "HEAD", "url": f"Patient/{patient}"}},
    )  # fmt: skip
    assert statuses(found) == ["200"] * 10
    shown = [one.get("resource", {}) for one in found]
    assert [one["resource"]["id"] for one in shown[0]["entry"]] == [seen]
    assert [one["resource"]["id"] for one in shown[1]["entry"]] == [seen]
    assert {one["resource"]["id"] for one in shown[2]["entry"]} >= {patient, seen}
    assert any(one.get("valueString") == "Female" for one in shown[3]["parameter"])
    assert {one["code"] for one in shown[4]["expansion"]["contains"]} == {"male", "female", "other", "unknown"}
    assert shown[5]["parameter"][0]["valueMeta"]["versionId"] == "1"
    assert shown[6]["issue"][0]["severity"] == "error"
    assert [one["issue"][0]["severity"] for one in shown[7:9]] != ["error", "error"]
    assert (shown[9], found[9]["response"]["etag"]) == ({}, 'W/"1"')


@pytest.mark.parametrize("kind", ["batch", "transaction"])
@pytest.mark.parametrize("key", ["", "a-key"])
def test_a_rehearsed_write_takes_nothing_else_back(client: httpx.Client, kind: str, key: str) -> None:
    create = {"mode": {"valueCode": "create"}, "resource": {"resource": person("Prøve")}}
    chosen = f"prove-{kind}-{bool(key)}".lower()
    update = {"mode": {"valueCode": "update"}, "resource": {"resource": person("Prøve", id=chosen)}}
    refused = {"mode": {"valueCode": "create"}, "resource": {"resource": json.loads(weight("absent"))}}
    found = ask(
        client, kind,
        call("Patient/$validate", create), call("Patient/$validate", update), call("Observation/$validate", refused),
        {"request": {"method": "PUT", "url": f"Patient/{chosen}"}, "resource": person("Ekte", id=chosen)},
        {"request": {"method": "POST", "url": "Patient"}, "resource": person("Ekte")},
        **({"Idempotency-Key": f"{key}-{kind}"} if key else {}),
    )  # fmt: skip
    assert statuses(found) == ["200", "200", "200", "201", "201"]
    assert found[2]["resource"]["issue"][0]["severity"] == "error"
    assert client.get(f"/Patient/{chosen}").json()["name"][0]["family"] == "Ekte"
    assert client.get(f"/{found[4]['response']['location']}").status_code == 200


def test_a_batch_changes_labels(client: httpx.Client) -> None:
    patient = make_person(client, "Merket")
    add = {"meta": {"valueMeta": {"tag": [TAG]}}}
    found = ask(
        client, "batch",
        call(f"Patient/{patient}/$meta-add", add, ifMatch='W/"7"'), call(f"Patient/{patient}/$meta-add", add),
        call("Patient/absent/$meta-add", add), call(f"Patient/{patient}/$meta", method="GET"),
    )  # fmt: skip
    assert statuses(found) == ["412", "200", "404", "200"]
    assert found[3]["resource"]["parameter"][0]["valueMeta"]["tag"] == [TAG]
    assert statuses(ask(client, "batch", call(f"Patient/{patient}/$meta-delete", add))) == ["200"]
    assert client.get(f"/Patient/{patient}").json()["meta"]["versionId"] == "3"


def test_a_change_by_an_operation_is_no_part_of_a_transaction(client: httpx.Client) -> None:
    patient = make_person(client, "Umerket")
    add = call(f"Patient/{patient}/$meta-add", {"meta": {"valueMeta": {"tag": [TAG]}}})
    refused = outcome(client.post("", json=bundle("transaction", add)), 400)
    assert refused["expression"] == ["Bundle.entry[0].request"]
    (once,) = ask(client, "batch", add, **{"Idempotency-Key": "merke"})
    assert once["response"]["status"] == "400"
    assert client.get(f"/Patient/{patient}").json()["meta"]["versionId"] == "1"


@pytest.mark.parametrize(
    "entry",
    [
        call("Patient/$no-such"), call("$export"), call("Patient/$export", method="GET"), call("Patient/$meta-add", {}),
        call("Patient/$match"), {"request": {"method": "POST", "url": "Patient/$validate"}, "resource": [1]},
        call("Patient/$validate", ifNoneExist="x=y"), call("Observation/$lastn", {"patient": {"valueString": ""}}),
        {"request": {"method": "PUT", "url": "Patient/$validate"}, "resource": person()},
        {"request": {"method": "POST", "url": "Patient/$match"}, "resource": person()},
    ],
)  # fmt: skip
def test_what_is_no_operation_here_is_refused_by_itself(client: httpx.Client, entry: Json) -> None:
    found = ask(client, "batch", entry, {"request": {"method": "GET", "url": "Patient?_count=0"}})
    assert found[0]["response"]["status"] in ("400", "422")
    assert found[0]["response"]["outcome"]["issue"]
    assert found[1]["response"]["status"] == "200"


def test_somebody_is_matched_in_a_batch(client: httpx.Client, demo_site: Site) -> None:
    described = {key: value for key, value in person("Matchesen").items() if key != "id"}
    made = make_person(client, "Matchesen")
    with demo_site.fhir("Trude Aasmo") as nurse:
        (found,) = ask(nurse, "batch", call("Patient/$match", {"resource": {"resource": described}}))
    assert [one["resource"]["id"] for one in found["resource"]["entry"]] == [made]
