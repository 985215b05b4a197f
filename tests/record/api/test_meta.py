"""$meta, $meta-add and $meta-delete on one resource."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fellesjournal import fhir
from tests.record.samples import make, make_person, outcome, weight
from tests.site import DIABETIC, GP, Site

TAG = {"system": "https://fellesjournal.no/test", "code": "a"}
LABEL = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
PROFILE = "http://hl7.org/fhir/StructureDefinition/bodyweight"


@pytest.fixture(scope="module")
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        yield opened


@pytest.fixture
def address(client: httpx.Client) -> str:
    return f"/Observation/{make(client, 'Observation', weight(make_person(client)))}"


def body(**meta: Any) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]}


def meta(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    assert fhir.validate(fhir.parse(answer.content)) == []
    (found,) = answer.json()["parameter"]
    assert found["name"] == "return"
    return dict(found["valueMeta"])


def test_meta_is_that_of_the_resource(client: httpx.Client, address: str) -> None:
    stored = client.get(address).json()["meta"]
    assert meta(client.get(f"{address}/$meta")) == stored == meta(client.post(f"{address}/$meta"))
    assert meta(client.get(f"{address}/_history/1/$meta")) == stored
    as_xml = client.get(f"{address}/$meta?_format=xml")
    assert b"<valueMeta>" in as_xml.content


def test_labels_are_added_in_a_new_version_and_once(client: httpx.Client, address: str) -> None:
    wished = body(tag=[TAG, TAG], security=[LABEL], profile=[PROFILE])
    added = meta(client.post(f"{address}/$meta-add", json=wished))
    assert (added["tag"], added["security"], added["profile"]) == ([TAG], [LABEL], [PROFILE])
    assert added["versionId"] == "2"
    again = client.post(f"{address}/$meta-add", json=body(tag=[TAG | {"display": "En annen tekst"}]))
    assert meta(again) == added and again.headers["etag"] == 'W/"2"'
    assert client.get(address).json()["meta"] == added
    assert "tag" not in client.get(f"{address}/_history/1").json()["meta"]


def test_labels_are_taken_away_by_system_and_code(client: httpx.Client, address: str) -> None:
    client.post(f"{address}/$meta-add", json=body(tag=[TAG, TAG | {"code": "b"}], profile=[PROFILE]))
    left = meta(client.post(f"{address}/$meta-delete", json=body(tag=[TAG | {"display": "x"}], profile=[PROFILE])))
    assert left["tag"] == [TAG | {"code": "b"}] and "profile" not in left and left["versionId"] == "3"
    assert meta(client.post(f"{address}/$meta-delete", json=body(tag=[TAG])))["versionId"] == "3"


def test_if_match_names_the_version_that_was_meant(client: httpx.Client, address: str) -> None:
    refused = client.post(f"{address}/$meta-add", json=body(tag=[TAG]), headers={"If-Match": 'W/"7"'})
    assert outcome(refused, 412)["code"] == "conflict"
    assert client.post(f"{address}/$meta-add", json=body(tag=[TAG]), headers={"If-Match": 'W/"1"'}).status_code == 200


def test_the_same_request_sent_again_is_done_once(client: httpx.Client, address: str) -> None:
    key = {"Idempotency-Key": address}
    first = client.post(f"{address}/$meta-add", json=body(tag=[TAG]), headers=key)
    client.post(f"{address}/$meta-delete", json=body(tag=[TAG]))
    assert meta(client.post(f"{address}/$meta-add", json=body(tag=[TAG]), headers=key)) == meta(first)


def test_it_works_under_an_id_that_a_client_chose(client: httpx.Client) -> None:
    sent = json.loads(weight(make_person(client))) | {"id": "min-vekt"}
    assert client.put("/Observation/min-vekt", json=sent).status_code == 201
    assert meta(client.post("/Observation/min-vekt/$meta-add", json=body(tag=[TAG])))["tag"] == [TAG]
    assert client.get("/Observation/min-vekt").json()["id"] == "min-vekt"


@pytest.mark.parametrize(
    "sent",
    [
        body(versionId="7"),
        {"resourceType": "Parameters"},
        {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueString": "x"}]},
        {"resourceType": "Parameters", "parameter": [{"name": "other", "valueMeta": {"tag": [TAG]}}]},
        {"resourceType": "Bundle", "type": "batch"},
    ],
)
def test_what_says_nothing_to_change_is_refused(client: httpx.Client, address: str, sent: dict[str, Any]) -> None:
    outcome(client.post(f"{address}/$meta-add", json=sent), 400)


def test_a_label_that_would_hide_a_part_as_the_whole_is_refused(client: httpx.Client, address: str) -> None:
    subsetted = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
    assert client.post(f"{address}/$meta-add", json=body(tag=[subsetted])).status_code == 422


def test_a_change_by_get_and_one_of_a_binary_are_refused(client: httpx.Client, address: str) -> None:
    assert client.get(f"{address}/$meta-add").status_code == 405
    outcome(client.post("/Binary/000000000000000/$meta-add", json=body(tag=[TAG])), 404)


def test_hidden_and_absent_are_the_same(client: httpx.Client, address: str, demo_site: Site) -> None:
    with demo_site.fhir(GP) as gp:
        for operation in ("$meta", "$meta-add", "$meta-delete"):
            hidden = gp.post(f"{address}/{operation}", json=body(tag=[TAG]) if operation != "$meta" else None)
            sent = body(tag=[TAG]) if operation != "$meta" else None
            absent = gp.post(f"/Observation/000000000000000/{operation}", json=sent)
            assert hidden.status_code == 404 and hidden.content == absent.content


def test_who_may_read_and_not_write_changes_no_label(demo_site: Site) -> None:
    own = demo_site.patient_id(DIABETIC)
    with demo_site.fhir(DIABETIC) as citizen:
        assert meta(citizen.get(f"/Patient/{own}/$meta"))["versionId"]
        refused = citizen.post(f"/Patient/{own}/$meta-add", json=body(tag=[TAG]))
        assert refused.status_code == 403
