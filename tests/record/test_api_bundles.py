# ruff: noqa: E501 - tables of what is tried read best a line each
"""batch and transaction."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fellesjournal import fhir
from tests.record.samples import JSON, make, make_person, outcome, person, weight
from tests.site import ELDERLY, GP, TONIGHT, Site


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


@pytest.mark.parametrize("kind", ["transaction", "batch"])
def test_what_was_deleted_before_is_as_it_was_wished(client: httpx.Client, kind: str) -> None:
    patient = make_person(client)
    first, second, third = (make(client, "Observation", weight(patient)) for _ in range(3))
    for one in (first, second):
        assert client.delete(f"/Observation/{one}").status_code == 204
    wishes = [entry("DELETE", f"Observation/{one}") for one in (first, third, second)]
    answer = client.post("/", json=bundle(kind, entry("POST", "Observation", observed(f"Patient/{patient}")), *wishes))
    assert [e["response"]["status"] for e in answer.json()["entry"]] == ["201", "204", "204", "204"]
    assert [len(client.get(f"/Observation/{one}/_history").json()["entry"]) for one in (first, second, third)] == [2, 2, 2]
    assert count(client, patient) == 1
    hidden = client.post("/", json=bundle(kind, entry("DELETE", f"Observation/{first}"), entry("DELETE", "Observation/000000000000001")))
    if kind == "transaction":
        assert outcome(hidden, 404)["expression"] == ["Bundle.entry[1]"]
    else:
        assert [e["response"]["status"] for e in hidden.json()["entry"]] == ["204", "404"]


@pytest.mark.parametrize(
    ("bad", "status", "where"),
    [
        (entry("POST", "Observation", {"resourceType": "Observation", "status": "oppdiktet"}), 422, "Bundle.entry[1].resource.status"),
        (entry("POST", "Observation", observed("Patient/finnes-ikke")), 422, "Bundle.entry[1].resource"),
        (entry("POST", "Patient", person(identifier=[{"system": "urn:oid:2.16.578.1.12.4.1.4.1", "value": "12345678901"}])), 422,
         "Bundle.entry[1].resource.identifier[0].value"),
        (entry("DELETE", "Observation/000000000000001"), 404, "Bundle.entry[1]"),
        (entry("PUT", "Observation/000000000000001", observed("", id="000000000000001")), 404, "Bundle.entry[1].resource"),
        (entry("PATCH", "Observation/000000000000001"), 400, "Bundle.entry[1].resource"),
        (entry("OPTIONS", "Observation/000000000000001"), 400, "Bundle.entry[1].request"),
        (entry("POST", "Observation/1", observed("")), 400, "Bundle.entry[1].request.url"),
        (entry("POST", "Patient", observed("")), 400, "Bundle.entry[1].resource"),
        (entry("POST", "Patient", person(), ifNoneExist="ukjent=1"), 400, "Bundle.entry[1].request"),
        (entry("PUT", "Patient?_count=1", person()), 412, "Bundle.entry[1].request"),
        (entry("GET", "Observation/000000000000001"), 404, "Bundle.entry[1].request"),
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
    kept, gone = (make(client, "Observation", weight(patient)) for _ in range(2))
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
            entry("DELETE", f"Observation/{gone}"),
        ),
    )
    assert answer.status_code == 200
    entries = answer.json()["entry"]
    assert [e["response"]["status"] for e in entries] == ["200", "200", "201", "422", "404", "400", "204"]
    assert entries[0]["resource"]["id"] == kept
    assert entries[1]["resource"]["type"] == "searchset"
    assert entries[3]["response"]["outcome"]["issue"][0]["expression"]
    assert count(client, patient) == 2


@pytest.mark.parametrize("kind", ["transaction", "batch"])
def test_an_empty_bundle_is_answered_by_an_empty_bundle(client: httpx.Client, kind: str) -> None:
    answer = client.post("", json={"resourceType": "Bundle", "type": kind})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["resourceType"], body["type"], "entry" in body) == ("Bundle", f"{kind}-response", False)


@pytest.mark.parametrize("body", ['{"resourceType":"Patient"}', '{"resourceType":"Bundle","type":"document"}',
                                  '{"resourceType":"Bundle","type":"transaction","entry":{}}',
                                  '{"resourceType":"Bundle","type":"transaction","entry":[1]}',
                                  '{"resourceType":"Bundle","type":"batch","entry":5}', "[]", "5", "null"])  # fmt: skip
def test_what_is_no_bundle_is_refused(client: httpx.Client, body: str) -> None:
    outcome(client.post("", content=body, headers=JSON), 400)


# ── Reads among writes ───────────────────────────────────────────────────────────────────────────


def test_a_transaction_reads_what_it_has_written(client: httpx.Client) -> None:
    patient = make_person(client)
    sent = bundle(
        "transaction",
        entry("GET", f"Observation?patient={patient}&_total=accurate"),
        entry("POST", "Observation", observed(f"Patient/{patient}")),
        entry("GET", f"Patient/{patient}"),
        entry("GET", f"Patient/{patient}/_history"),
        entry("GET", f"Patient/{patient}/_history/1", ifNoneMatch='W/"1"'),
        entry("GET", f"Patient/{patient}?_summary=text"),
    )
    answer = client.post("", json=sent)
    assert answer.status_code == 200, answer.text
    entries = answer.json()["entry"]
    assert [one["response"]["status"] for one in entries] == ["200", "201", "200", "200", "304", "200"]
    assert entries[0]["resource"]["total"] == 1
    assert entries[2]["response"]["etag"] == 'W/"1"' and entries[2]["response"]["lastModified"]
    assert entries[3]["resource"]["type"] == "history"
    assert "resource" not in entries[4]
    assert "birthDate" in entries[2]["resource"] and "birthDate" not in entries[5]["resource"]
    assert fhir.validate(fhir.parse(answer.content)) == []


@pytest.mark.parametrize(
    ("url", "status"),
    [("Observation/000000000000001", 404), ("Observation?ukjent=1", 400), ("Observation/a/b/c", 400), ("metadata/x/y", 404),
     ("Romskip", 404), ("Patient?_summary=alt", 400), ("", 400), ("Patient/{patient}?_summary=count", 400)],
)  # fmt: skip
def test_a_read_that_fails_undoes_the_transaction(client: httpx.Client, url: str, status: int) -> None:
    patient = make_person(client)
    sent = bundle(
        "transaction",
        entry("POST", "Observation", observed(f"Patient/{patient}")),
        entry("GET", url.format(patient=patient)),
    )
    outcome(client.post("", json=sent), status)
    assert count(client, patient) == 0


def test_a_read_that_fails_undoes_a_deletion(client: httpx.Client) -> None:
    made = client.post("/Observation", json=observed(f"Patient/{make_person(client)}")).json()["id"]
    sent = bundle("transaction", entry("DELETE", f"Observation/{made}"), entry("GET", "Observation/000000000000001"))
    outcome(client.post("", json=sent), 404)
    assert client.get(f"/Observation/{made}").status_code == 200


def test_a_hidden_read_in_a_bundle_answers_as_an_absent_one(client: httpx.Client, demo_site: Site) -> None:
    stranger = demo_site.patient_id(TONIGHT)
    with demo_site.fhir(GP) as gp:
        answers = [
            gp.post("", json=bundle("batch", entry("GET", url))).json()["entry"]
            for url in (f"Patient/{stranger}", "Patient/000000000000001", "Patient/finnes-ikke")
        ]
        assert answers[0] == answers[1] == answers[2]
        assert answers[0][0]["response"]["status"] == "404"
        refused = gp.post("", json=bundle("batch", entry("GET", f"Observation?patient={stranger}"))).json()
        assert refused["entry"][0]["response"]["status"] == "403"


def test_the_refusal_of_a_transaction_is_in_the_log(demo_site: Site) -> None:
    own, stranger = demo_site.patient_id(ELDERLY), demo_site.patient_id(TONIGHT)
    query = "SELECT count(*) FROM access.log WHERE outcome = 1"
    before = demo_site.row(query)[0]
    with demo_site.fhir(GP) as gp:
        write = entry("POST", "Observation", observed(f"Patient/{own}"))
        outcome(gp.post("", json=bundle("transaction", write, entry("GET", f"Observation?patient={stranger}"))), 403)
    assert demo_site.row(query)[0] > before


# ── References by fullUrl ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("full_url", "near", "reference"),
    [
        ("urn:oid:1.2.3", "urn:oid:1.2.4", "urn:oid:1.2.3"),
        ("https://andre.no/fhir/Patient/7", "https://andre.no/fhir/Observation/8", "https://andre.no/fhir/Patient/7"),
        ("https://andre.no/fhir/Patient/7", "https://andre.no/fhir/Observation/8", "Patient/7"),
        ("{site}/fhir/Patient/7", "{site}/fhir/Observation/8", "{site}/fhir/Patient/7"),
        ("{site}/fhir/Patient/7", "{site}/fhir/Observation/8", "Patient/7"),
        ("Patient/7", "Observation/8", "Patient/7"),
    ],
)
def test_references_meet_full_urls(
    client: httpx.Client, demo_site: Site, full_url: str, near: str, reference: str
) -> None:
    written = observed(reference.format(site=demo_site.url))
    patient = entry("POST", "Patient", person("Full")) | {"fullUrl": full_url.format(site=demo_site.url)}
    observation = entry("POST", "Observation", written) | {"fullUrl": near.format(site=demo_site.url)}
    answer = client.post("", json=bundle("transaction", observation, patient))
    assert answer.status_code == 200, answer.text
    made = answer.json()["entry"][1]["response"]["location"].split("/")[1]
    assert count(client, made) == 1


def test_a_relative_reference_of_another_server_is_not_of_this_bundle(client: httpx.Client) -> None:
    patient = entry("POST", "Patient", person("Full")) | {"fullUrl": "https://andre.no/fhir/Patient/7"}
    observation = entry("POST", "Observation", observed("Patient/7")) | {"fullUrl": "https://tredje.no/fhir/Observation/8"}
    outcome(client.post("", json=bundle("transaction", observation, patient)), 422)


@pytest.mark.parametrize("wish", ["minimal", "representation", "OperationOutcome"])
@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_a_bundle_gives_what_is_preferred(client: httpx.Client, kind: str, wish: str) -> None:
    patient = make_person(client)
    sent = bundle(kind, entry("POST", "Observation", observed(f"Patient/{patient}")))
    (one,) = client.post("", json=sent, headers={"Prefer": f"return={wish}"}).json()["entry"]
    assert ("resource" in one, "outcome" in one["response"]) == (wish == "representation", wish == "OperationOutcome")
    assert one["response"]["location"].startswith("Observation/")
    if wish == "representation":
        assert client.get(f"/Observation/{one['resource']['id']}").json() == one["resource"]
