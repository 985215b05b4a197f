# ruff: noqa: E501 - tables of what is tried read best a line each
"""Conditional create, update, patch and delete, conditional references: searched as the reader's own search."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.record.samples import make, make_person, outcome, person, weight
from tests.record.test_api_bundles import bundle, count, entry, observed, urn
from tests.site import GP, TONIGHT, Site

SYSTEM = "https://eksempel.no/id"
PATCH = {"Content-Type": "application/json-patch+json"}


@pytest.fixture
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        yield opened


@pytest.fixture
def gp(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir(GP) as opened:
        yield opened


def known(value: str, family: str = "Testesen", **more: Any) -> dict[str, Any]:
    return person(family, identifier=[{"system": SYSTEM, "value": value}], **more)


def asked(value: str) -> str:
    return f"identifier={SYSTEM}|{value}"


def create(client: httpx.Client, value: str, **headers: str) -> httpx.Response:
    return client.post("/Patient", json=known(value), headers={"If-None-Exist": asked(value), **headers})


# ── create ───────────────────────────────────────────────────────────────────────────────────────


def test_a_conditional_create_creates_once(client: httpx.Client) -> None:
    first, second = create(client, "a"), create(client, "a")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.headers["location"] == second.headers["location"]
    assert first.content == second.content
    assert create(client, "a", Prefer="return=minimal").content == b""
    client.post("/Patient", json=known("a"))
    assert outcome(create(client, "a"), 412)["code"] == "multiple-matches"


def test_a_condition_in_the_address_of_a_create_is_not_passed_over(client: httpx.Client) -> None:
    url = f"/Patient?{asked('adresse')}"
    first, second = (client.post(url, json=known("adresse")) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.headers["location"] == second.headers["location"]
    outcome(client.post("/Patient?ukjent=1", json=person()), 400)
    assert client.post("/Patient?_format=json&_pretty=true", json=person()).status_code == 201


@pytest.mark.parametrize("question", ["", "?", "_count=1", "_sort=_id"])
def test_a_condition_must_select(client: httpx.Client, question: str) -> None:
    answer = client.post("/Patient", json=person(), headers={"If-None-Exist": question})
    outcome(answer, 412)


def test_an_unknown_parameter_in_a_condition_is_refused_also_when_lenient(client: httpx.Client) -> None:
    lenient = {b"If-None-Exist": "skostørrelse=43&family=x".encode(), b"Prefer": b"handling=lenient"}
    outcome(client.post("/Patient", json=person(), headers=lenient), 400)
    outcome(client.delete("/Patient", params={"ukjent": "1", "family": "x"}, headers={"Prefer": "handling=lenient"}), 400)


async def test_two_conditional_creates_at_once_make_one_row(demo_site: Site) -> None:
    with demo_site.fhir() as plain:
        token = {"Authorization": plain.headers["authorization"]}
    async with httpx.AsyncClient(base_url=f"{demo_site.url}/fhir", headers=token, timeout=30) as client:
        for value in ("kappløp-1", "kappløp-2", "kappløp-3"):
            headers = {b"If-None-Exist": asked(value).encode()}
            sent = [client.post("/Patient", json=known(value), headers=headers) for _ in range(4)]
            answers = await asyncio.gather(*sent)
            assert sorted(one.status_code for one in answers) == [200, 200, 200, 201]
            assert len({one.json()["id"] for one in answers}) == 1


# ── update ───────────────────────────────────────────────────────────────────────────────────────


def test_a_conditional_update_creates_updates_or_refuses(client: httpx.Client) -> None:
    params = {"identifier": f"{SYSTEM}|u"}
    made = client.put("/Patient", params=params, json=known("u", "En"))
    assert made.status_code == 201
    changed = client.put("/Patient", params=params, json=known("u", "To"))
    assert (changed.status_code, changed.headers["etag"]) == (200, 'W/"2"')
    assert changed.json()["id"] == made.json()["id"]
    same = client.put("/Patient", params=params, json=known("u", "Tre", id=made.json()["id"]))
    assert same.status_code == 200
    outcome(client.put("/Patient", params=params, json=known("u", "X", id="en-annen")), 400)
    outcome(client.put("/Patient", params=params, json=known("u"), headers={"If-Match": 'W/"1"'}), 412)
    client.post("/Patient", json=known("u"))
    outcome(client.put("/Patient", params=params, json=known("u")), 412)


def test_a_conditional_update_creates_under_the_id_that_it_names(client: httpx.Client) -> None:
    made = client.put("/Patient", params={"identifier": f"{SYSTEM}|n"}, json=known("n", id="navngitt"))
    assert (made.status_code, made.json()["id"]) == (201, "navngitt")
    again = client.put("/Patient", params={"identifier": f"{SYSTEM}|n"}, json=known("n", "Ny", id="navngitt"))
    assert (again.status_code, again.json()["id"]) == (200, "navngitt")
    assert client.get("/Patient/navngitt").json()["name"][0]["family"] == "Ny"


# ── patch and delete ─────────────────────────────────────────────────────────────────────────────


def test_a_conditional_patch_changes_the_one_that_matches(client: httpx.Client) -> None:
    make_one = create(client, "p").json()["id"]
    body = json.dumps([{"op": "replace", "path": "/birthDate", "value": "1971-01-01"}])
    changed = client.patch("/Patient", params={"identifier": f"{SYSTEM}|p"}, content=body, headers=PATCH)
    assert (changed.status_code, changed.json()["id"], changed.json()["birthDate"]) == (200, make_one, "1971-01-01")
    outcome(client.patch("/Patient", params={"identifier": f"{SYSTEM}|ingen"}, content=body, headers=PATCH), 404)
    client.post("/Patient", json=known("p"))
    outcome(client.patch("/Patient", params={"identifier": f"{SYSTEM}|p"}, content=body, headers=PATCH), 412)


def test_a_conditional_delete_takes_one_none_or_refuses(client: httpx.Client) -> None:
    patient = make_person(client)
    kept = make(client, "Observation", weight(patient))
    params = {"patient": patient, "code": "http://loinc.org|29463-7"}
    assert client.delete("/Observation", params=params).status_code == 204
    outcome(client.get(f"/Observation/{kept}"), 410)
    assert client.delete("/Observation", params=params).status_code == 204
    for _ in range(2):
        make(client, "Observation", weight(patient))
    outcome(client.delete("/Observation", params=params), 412)
    assert count(client, patient) == 2


# ── in transactions ──────────────────────────────────────────────────────────────────────────────


def test_a_transaction_creates_only_what_is_not_there(client: httpx.Client) -> None:
    there = create(client, "t").json()["id"]
    sent = bundle(
        "transaction",
        entry("POST", "Patient", known("t"), name="1", ifNoneExist=asked("t")),
        entry("POST", "Patient", known("t2"), name="2", ifNoneExist=asked("t2")),
        entry("POST", "Observation", observed(urn("1"))),
        entry("POST", "Observation", observed(urn("2"))),
    )
    answer = client.post("", json=sent, headers={"Prefer": "return=representation"})
    assert [one["response"]["status"] for one in answer.json()["entry"]] == ["200", "201", "201", "201"]
    assert answer.json()["entry"][0]["resource"]["id"] == there
    assert count(client, there) == 1
    again = client.post("", json=sent)
    assert [one["response"]["status"] for one in again.json()["entry"]] == ["200", "200", "201", "201"]
    assert count(client, there) == 2


def test_conditional_references_are_resolved_before_the_write(client: httpx.Client) -> None:
    there = create(client, "r").json()["id"]
    unit = {"resourceType": "Organization", "name": "Sykehuset", "identifier": [{"system": SYSTEM, "value": "org"}]}
    sent = bundle(
        "transaction",
        entry("POST", "Observation", observed(f"Patient?{asked('r')}", performer=[{"reference": f"Organization?{asked('org')}"}])),
        entry("POST", "Organization", unit, name="5", ifNoneExist=asked("org")),
    )
    answer = client.post("", json=sent, headers={"Prefer": "return=representation"})
    assert answer.status_code == 200, answer.text
    observation, organization = (one["resource"] for one in answer.json()["entry"])
    assert observation["subject"]["reference"] == f"Patient/{there}"
    assert observation["performer"][0]["reference"] == f"Organization/{organization['id']}"
    assert count(client, there) == 1


@pytest.mark.parametrize("matches", [0, 2])
def test_a_conditional_reference_matches_exactly_one(client: httpx.Client, matches: int) -> None:
    for _ in range(matches):
        client.post("/Patient", json=known(f"ref-{matches}"))
    sent = bundle(
        "transaction",
        entry("POST", "Patient", person("Borte"), name="1"),
        entry("POST", "Observation", observed(f"Patient?{asked(f'ref-{matches}')}")),
    )
    assert outcome(client.post("", json=sent), 412)["expression"] == ["Bundle.entry[1].resource"]
    assert "entry" not in client.get("/Patient", params={"family": "Borte"}).json()


def test_conditions_of_other_methods_in_a_transaction(client: httpx.Client) -> None:
    there = create(client, "m").json()["id"]
    gone = create(client, "m-bort").json()["id"]
    answer = client.post(
        "",
        json=bundle(
            "transaction",
            entry("PUT", f"Patient?{asked('m')}", known("m", "Endret"), name="1"),
            entry("DELETE", f"Patient?{asked('m-bort')}"),
            entry("DELETE", f"Patient?{asked('m-aldri')}"),
            entry("POST", "Observation", observed(urn("1"))),
        ),
    )
    assert [one["response"]["status"] for one in answer.json()["entry"]] == ["200", "204", "204", "201"], answer.text
    assert client.get(f"/Patient/{there}").json()["name"][0]["family"] == "Endret"
    assert client.get(f"/Patient/{gone}").status_code == 410
    assert count(client, there) == 1


def test_a_condition_that_hits_what_another_entry_changes_is_refused(client: httpx.Client) -> None:
    there = create(client, "o").json()["id"]
    put = entry("PUT", f"Patient/{there}", known("o", "X", id=there))
    outcome(client.post("", json=bundle("transaction", put, entry("DELETE", f"Patient?{asked('o')}"))), 422)
    twice = [entry("POST", "Patient", known("o2"), ifNoneExist=asked("o2")) for _ in range(2)]
    outcome(client.post("", json=bundle("transaction", *twice)), 422)


# ── Who ──────────────────────────────────────────────────────────────────────────────────────────


def test_hidden_rows_never_change_a_conditional_answer(client: httpx.Client, gp: httpx.Client) -> None:
    hidden = [client.post("/Patient", json=known("delt")).json()["id"] for _ in range(2)]
    assert create(gp, "delt").status_code == 201
    assert create(gp, "delt").status_code == 200
    changed = gp.put("/Patient", params={"identifier": f"{SYSTEM}|delt"}, json=known("delt", "Legens"))
    assert changed.status_code == 200
    sent = bundle("transaction", entry("POST", "Observation", observed(f"Patient?{asked('delt')}")))
    assert gp.post("", json=sent).status_code == 200
    assert gp.delete("/Patient", params={"identifier": f"{SYSTEM}|delt"}).status_code == 204
    assert [client.get(f"/Patient/{one}").status_code for one in hidden] == [200, 200]


def test_a_condition_in_a_hidden_chart_is_refused_like_a_search_there(demo_site: Site, gp: httpx.Client) -> None:
    stranger = demo_site.patient_id(TONIGHT)
    for patient in (stranger, "000000000000001", "finnes-ikke"):
        outcome(gp.delete("/Observation", params={"patient": patient}), 403)
        headers = {"If-None-Exist": f"patient={patient}"}
        outcome(gp.post("/Observation", content=weight(stranger), headers=headers | {"Content-Type": "application/fhir+json"}), 403)


def test_a_refused_condition_is_in_the_log(demo_site: Site, gp: httpx.Client) -> None:
    stranger = demo_site.patient_id(TONIGHT)
    query = "SELECT count(*) FROM access.log l JOIN identity.person p ON p.patient = l.patient WHERE p.name = $1 AND l.outcome = 1"
    before = demo_site.row(query, TONIGHT)[0]
    outcome(gp.delete("/Observation", params={"patient": stranger}), 403)
    assert demo_site.row(query, TONIGHT)[0] == before + 1
