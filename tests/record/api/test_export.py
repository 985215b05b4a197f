"""Bulk export: kick-off, status, files, cancelling and expiry, as systems, citizens and strangers meet them."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fellesjournal import fhir
from fellesjournal.kit import ids
from tests.record.samples import JSON, make, make_person, outcome, weight
from tests.site import DIABETIC, GP, Site

ASYNC = {"Prefer": "respond-async"}
WITHHELD = b',"meta":{"security":[{"system":"urn:oid:2.16.578.1.12.4.1.1.9603","code":"UD"}]}'
PROTECTED = {
    "security": [{"system": "urn:oid:2.16.578.1.12.4.1.1.9999", "code": "strengtFortrolig"}]
}


@pytest.fixture(scope="module")
def site(demo_site: Site) -> Site:
    demo_site.start_worker()
    return demo_site


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[httpx.Client]:
    with site.fhir() as opened:
        # There is always somebody, whichever test comes first.
        make_person(opened)
        yield opened


@pytest.fixture(scope="module")
def citizen(site: Site) -> Iterator[httpx.Client]:
    with site.fhir(DIABETIC) as opened:
        yield opened


def begin(client: httpx.Client, path: str = "/$export", **params: Any) -> str:
    """Ask for an export; the address of its status."""
    answer = client.get(path, params=params, headers=ASYNC)
    assert answer.status_code == 202, answer.text
    return answer.headers["content-location"]


def done(client: httpx.Client, address: str) -> dict[str, Any]:
    """Wait for an export; its manifest."""
    for _ in range(300):
        answer = client.get(address)
        if answer.status_code != 202:
            assert answer.status_code == 200, answer.text
            manifest: dict[str, Any] = answer.json()
            return manifest
        assert int(answer.headers["retry-after"]) > 0
        assert "resources" in answer.headers["x-progress"]
        time.sleep(0.1)
    raise AssertionError("the export is not done")


def lines(client: httpx.Client, manifest: dict[str, Any], rtype: str) -> list[dict[str, Any]]:
    """The resources of one type; empty without a file of it."""
    found = [file for file in manifest["output"] if file["type"] == rtype]
    if not found:
        return []
    answer = client.get(found[0]["url"], headers={"Accept": "application/fhir+ndjson"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/fhir+ndjson"
    resources = [json.loads(line) for line in answer.text.splitlines()]
    assert len(resources) == found[0]["count"]
    return resources


def post(client: httpx.Client, patients: list[str], **params: str) -> httpx.Response:
    parameters = [{"name": "patient", "valueReference": {"reference": f"Patient/{one}"}} for one in patients]
    parameters += [{"name": name, "valueString": value} for name, value in params.items()]
    body = {"resourceType": "Parameters", "parameter": parameters}
    return client.post("/Patient/$export", json=body, headers={**JSON, **ASYNC})


def export(client: httpx.Client, patients: list[str], **params: str) -> dict[str, Any]:
    answer = post(client, patients, **params)
    assert answer.status_code == 202, answer.text
    return done(client, answer.headers["content-location"])


def logged(site: Site, patient: str, action: str = "export") -> int:
    row = site.row("SELECT count(*) AS n FROM access.log WHERE patient = $1 AND action = $2", pid(patient), action)
    return int(row["n"])


def pid(id_: str) -> int:
    found = ids.decode(id_)
    assert found is not None
    return found[1]


def test_system_gets_every_record_it_may_see_as_it_is_stored(site: Site, client: httpx.Client) -> None:
    people = [make_person(client) for _ in range(3)]
    weights = {make(client, "Observation", weight(one, "72.50")) for one in people}
    manifest = done(client, begin(client))
    assert manifest["requiresAccessToken"] is True
    assert manifest["error"] == manifest["deleted"] == []
    assert manifest["request"].endswith("/fhir/$export")
    assert set(people) <= {one["id"] for one in lines(client, manifest, "Patient")}
    assert weights <= {one["id"] for one in lines(client, manifest, "Observation")}
    url = next(file["url"] for file in manifest["output"] if file["type"] == "Observation")
    one = next(iter(weights))
    assert client.get(f"/Observation/{one}").content in client.get(url).content.splitlines()
    assert [logged(site, one) for one in people] == [1, 1, 1]


def test_each_patient_stands_in_the_log_before_there_is_a_file(site: Site, client: httpx.Client) -> None:
    person = make_person(client)
    manifest = export(client, [person], _type="Patient")
    assert [file["type"] for file in manifest["output"]] == ["Patient"]
    row = site.row("SELECT * FROM access.log WHERE patient = $1 AND action = 'export'", pid(person))
    assert (row["outcome"], row["purpose"], row["ground"]) == (0, "INTEGRATION", "SYSTEM")
    assert list(row["kinds"]) == [fhir.TYPE_NUMBER["Patient"]]


def test_export_must_be_asked_for_asynchronously(client: httpx.Client) -> None:
    assert "respond-async" in outcome(client.get("/$export"), 400)["diagnostics"]


@pytest.mark.parametrize(
    "params",
    [
        {"_outputFormat": "text/csv"}, {"_type": "Nothing"}, {"_since": "yesterday"}, {"_typeFilter": "Observation"},
        {"_typeFilter": "Observation?nothing=1"}, {"_typeFilter": "Observation?_include=Observation:subject"},
        {"_typeFilter": "Observation?code:in=http://example.test/nowhere"},
        {"_typeFilter": "Observation?status=final", "_type": "Patient"}, {"_elements": "a b"},
        {"organizeOutputBy": "Patient"},
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_refused(client: httpx.Client, params: dict[str, str]) -> None:
    outcome(client.get("/$export", params=params, headers=ASYNC), 400)


def test_staff_may_not_export(site: Site) -> None:
    with site.fhir(GP) as gp:
        outcome(gp.get("/$export", headers=ASYNC), 403)


def test_system_without_an_administrators_leave_may_not_export(site: Site, client: httpx.Client) -> None:
    leave = "UPDATE access.system_grant SET until_at = now() {} WHERE purpose = 'EXPORT' RETURNING person"
    site.row(leave.format("- interval '1 hour'"))
    try:
        outcome(client.get("/$export", headers=ASYNC), 403)
    finally:
        site.row(leave.format("+ interval '1 year'"))


def test_citizen_exports_the_own_record_alone(site: Site, citizen: httpx.Client) -> None:
    manifest = done(citizen, begin(citizen))
    own = site.patient_id(DIABETIC)
    assert [one["id"] for one in lines(citizen, manifest, "Patient")] == [own]
    assert all(file["type"] not in ("Organization", "Practitioner") for file in manifest["output"])


def test_export_of_another_asker_is_not_there(client: httpx.Client, citizen: httpx.Client) -> None:
    address = begin(client, _type="Patient")
    manifest = done(client, address)
    outcome(citizen.get(address), 404)
    outcome(citizen.get(manifest["output"][0]["url"]), 404)
    outcome(citizen.delete(address), 404)


def test_patient_outside_the_decision_is_left_out_and_told(site: Site, client: httpx.Client) -> None:
    person, hidden = make_person(client), site.patient_id(DIABETIC)
    before = logged(site, hidden)
    manifest = export(client, [person, hidden], _type="Patient")
    assert [one["id"] for one in lines(client, manifest, "Patient")] == [person]
    said = client.get(manifest["error"][0]["url"])
    assert json.loads(said.text)["issue"][0]["diagnostics"].startswith("1 of the patients")
    assert logged(site, hidden) == before


def test_blocked_and_strictly_protected_people_are_in_no_export(site: Site, client: httpx.Client) -> None:
    person, blocked, protected = make_person(client), make_person(client), make_person(client, meta=PROTECTED)
    site.row("INSERT INTO access.block (patient) VALUES ($1) RETURNING id", pid(blocked))
    about = make(client, "Observation", weight(person))
    manifest = export(client, [person, blocked, protected])
    assert [one["id"] for one in lines(client, manifest, "Patient")] == [person]
    assert [one["id"] for one in lines(client, manifest, "Observation")] == [about]
    assert logged(site, blocked) == logged(site, protected) == 0


def test_file_is_not_given_out_after_somebody_in_it_has_blocked(site: Site, client: httpx.Client) -> None:
    person = make_person(client)
    answer = post(client, [person], _type="Patient")
    manifest = done(client, answer.headers["content-location"])
    site.row("INSERT INTO access.block (patient) VALUES ($1) RETURNING id", pid(person))
    outcome(client.get(manifest["output"][0]["url"]), 410)
    outcome(client.get(answer.headers["content-location"]), 410)


def test_citizen_does_not_get_what_is_withheld(site: Site, client: httpx.Client) -> None:
    person = make_person(client)
    body = weight(person)
    open_, withheld = make(client, "Observation", body), make(client, "Observation", body[:-1] + WITHHELD + b"}")
    assert {one["id"] for one in lines(client, export(client, [person]), "Observation")} == {open_, withheld}
    sens = site.row("SELECT sens FROM vault.resource WHERE pid = $1", pid(withheld))["sens"]
    assert sens & 1


def test_since_and_filters_narrow_an_export(client: httpx.Client) -> None:
    person = make_person(client)
    old = make(client, "Observation", weight(person, status="final"))
    instant = client.get(f"/Observation/{old}").json()["meta"]["lastUpdated"]
    new = make(client, "Observation", weight(person, status="preliminary"))
    narrowed = export(client, [person], _since=instant)
    assert [one["id"] for one in lines(client, narrowed, "Observation")] == [new]
    filtered = export(client, [person], _typeFilter="Observation?status=final")
    assert [one["id"] for one in lines(client, filtered, "Observation")] == [old]
    assert [one["id"] for one in lines(client, filtered, "Patient")] == [person]
    either = "Observation?status=final,Observation?status=preliminary"
    by_set = "Observation?status:below=http://hl7.org/fhir/observation-status|final"
    coded = export(client, [person], _typeFilter=by_set)
    assert [one["id"] for one in lines(client, coded, "Observation")] == [old]
    both = export(client, [person], _type="Observation", _typeFilter=either)
    assert {one["id"] for one in lines(client, both, "Observation")} == {old, new}


def test_what_was_deleted_since_is_told(client: httpx.Client) -> None:
    person = make_person(client)
    instant = client.get(f"/Patient/{person}").json()["meta"]["lastUpdated"]
    own, kept = make(client, "Observation", weight(person)), make(client, "Observation", weight(person))
    chosen = {**json.loads(weight(person)), "id": "exp-deleted"}
    assert client.put("/Observation/exp-deleted", json=chosen).status_code == 201
    for gone in (own, "exp-deleted"):
        assert client.delete(f"/Observation/{gone}").status_code == 204
    manifest = export(client, [person], _since=instant, _elements="status")
    assert [one["id"] for one in lines(client, manifest, "Observation")] == [kept]
    assert [(one["type"], one["count"]) for one in manifest["deleted"]] == [("Bundle", 2)]
    told = [json.loads(line) for line in client.get(manifest["deleted"][0]["url"]).text.splitlines()]
    entries = [one["entry"][0]["request"] for one in told]
    assert {one["url"] for one in entries} == {f"Observation/{own}", "Observation/exp-deleted"}
    assert {one["method"] for one in entries} == {"DELETE"}
    assert all(not fhir.validate(one) for one in told)
    assert export(client, [person])["deleted"] == []


def test_elements_leave_out_the_rest(client: httpx.Client) -> None:
    manifest = export(client, [make_person(client)], _elements="birthDate", _type="Patient")
    (found,) = lines(client, manifest, "Patient")
    assert found["birthDate"] == "1970-02-03"
    assert "name" not in found


def test_group_is_exported_by_its_members(client: httpx.Client) -> None:
    person, gone = make_person(client), make_person(client)
    members = [
        {"entity": {"reference": f"Patient/{person}"}}, {"entity": {"reference": f"Patient/{gone}"}, "inactive": True},
    ]  # fmt: skip
    body = {"resourceType": "Group", "type": "person", "actual": True, "member": members}
    group = client.post("/Group", json=body)
    assert group.status_code == 201, group.text
    manifest = done(client, begin(client, f"/Group/{group.json()['id']}/$export", _type="Patient"))
    assert [one["id"] for one in lines(client, manifest, "Patient")] == [person]
    outcome(client.get("/Group/nobody/$export", headers=ASYNC), 404)


def test_export_is_of_one_instant(site: Site, client: httpx.Client) -> None:
    person = make_person(client)
    made = make(client, "Observation", weight(person, "70"))
    address = post(client, [person], _type="Observation").headers["content-location"]
    body = json.loads(weight(person, "80"))
    assert client.put(f"/Observation/{made}", json=body | {"id": made}).status_code == 200
    make(client, "Observation", weight(person, "90"))
    found = lines(client, done(client, address), "Observation")
    assert [(one["id"], one["valueQuantity"]["value"], one["meta"]["versionId"]) for one in found] == [(made, 70, "1")]


def test_cancelled_and_expired_exports_are_gone(site: Site, client: httpx.Client) -> None:
    address = begin(client, "/Patient/$export", _type="Patient")
    url = done(client, address)["output"][0]["url"]
    assert client.delete(address).status_code == 202
    outcome(client.get(address), 404)
    outcome(client.get(url), 404)
    left = "SELECT count(*) AS n FROM vault.export_piece p WHERE p.export NOT IN (SELECT e.id FROM vault.export e)"
    assert site.row(left)["n"] == 0
    address = begin(client, "/Patient/$export", _type="Patient")
    done(client, address)
    site.row("UPDATE vault.export SET until_at = now() WHERE state = 'done' RETURNING id")
    outcome(client.get(address), 404)


def test_fourth_export_at_a_time_is_refused(site: Site, client: httpx.Client) -> None:
    addresses = []
    for _ in range(6):
        answer = client.get("/$export", headers=ASYNC)
        if answer.status_code != 202:
            break
        addresses.append(answer.headers["content-location"])
    assert outcome(answer, 429)["code"] == "throttled"
    for address in addresses:
        assert client.delete(address).status_code == 202
