# ruff: noqa: E501 - tables of what is tried read best a line each
"""Idempotency-Key: a repeated request is answered as the first one, and written once."""

import asyncio
import json
import os
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.record.samples import JSON, make, make_person, outcome, person, weight
from tests.record.test_api_bundles import bundle, count, entry, observed
from tests.site import ELDERLY, GP, OTHER_GP, Site


@pytest.fixture
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        yield opened


@pytest.fixture
def key() -> dict[str, str]:
    return {"Idempotency-Key": f'"{os.urandom(8).hex()}"'}


def same(first: httpx.Response, second: httpx.Response) -> None:
    assert (first.status_code, first.content) == (second.status_code, second.content)
    for name in ("location", "etag", "last-modified"):
        assert first.headers.get(name) == second.headers.get(name)


def test_a_repeated_create_makes_one(client: httpx.Client, key: dict[str, str]) -> None:
    patient = make_person(client)
    sent: dict[str, Any] = {"content": weight(patient), "headers": JSON | key}
    first, second = (client.post("/Observation", **sent) for _ in range(2))
    assert first.status_code == 201
    same(first, second)
    assert count(client, patient) == 1


def test_every_write_is_done_once(client: httpx.Client, key: dict[str, str]) -> None:
    patient = make_person(client)
    id_ = make(client, "Observation", weight(patient))
    body = json.loads(weight(patient, "80")) | {"id": id_}
    patches = json.dumps([{"op": "replace", "path": "/status", "value": "amended"}])
    wishes: list[tuple[str, dict[str, Any], dict[str, str]]] = [
        ("PUT", {"json": body}, {}),
        ("PATCH", {"content": patches}, {"Content-Type": "application/json-patch+json"}),
        ("DELETE", {}, {}),
    ]
    for number, (method, more, headers) in enumerate(wishes, start=2):
        name = {"Idempotency-Key": key["Idempotency-Key"] + method}
        answers = [client.request(method, f"/Observation/{id_}", headers=headers | name, **more) for _ in range(2)]
        same(*answers)
        assert answers[0].headers["etag"] == f'W/"{number}"'
    assert len(client.get(f"/Observation/{id_}/_history").json()["entry"]) == 4


def test_the_same_key_with_another_request_is_refused(client: httpx.Client, key: dict[str, str]) -> None:
    assert client.post("/Patient", json=person("A"), headers=key).status_code == 201
    outcome(client.post("/Patient", json=person("B"), headers=key), 422)
    outcome(client.post("/Patient", json=person("A"), headers=key | {"Prefer": "return=minimal"}), 422)
    assert "entry" not in client.get("/Patient", params={"family": "B", "_count": "0"}).json()


def test_another_persons_key_is_another_key(client: httpx.Client, demo_site: Site, key: dict[str, str]) -> None:
    first = client.post("/Patient", json=person("Felles"), headers=key)
    with demo_site.fhir(GP) as gp:
        second = gp.post("/Patient", json=person("Felles"), headers=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


def test_a_refused_request_may_be_sent_again(client: httpx.Client, key: dict[str, str]) -> None:
    sent: dict[str, Any] = {"content": weight("kommer-snart"), "headers": JSON | key}
    outcome(client.post("/Observation", **sent), 422)
    assert client.put("/Patient/kommer-snart", json=person(id="kommer-snart")).status_code == 201
    assert client.post("/Observation", **sent).status_code == 201


async def test_two_at_once_write_once(demo_site: Site, key: dict[str, str]) -> None:
    with demo_site.fhir() as plain:
        patient = make_person(plain)
        token = {"Authorization": plain.headers["authorization"]}
    async with httpx.AsyncClient(base_url=f"{demo_site.url}/fhir", headers=token | JSON | key, timeout=30) as client:
        answers = await asyncio.gather(*(client.post("/Observation", content=weight(patient)) for _ in range(4)))
    assert [one.status_code for one in answers] == [201] * 4
    assert len({one.content for one in answers}) == 1
    with demo_site.fhir() as plain:
        assert count(plain, patient) == 1


@pytest.mark.parametrize("kind", ["batch", "transaction"])
@pytest.mark.parametrize("prefer", ["return=minimal", "return=representation", "return=OperationOutcome"])
def test_a_repeated_bundle_writes_once(client: httpx.Client, key: dict[str, str], kind: str, prefer: str) -> None:
    patient = make_person(client)
    bad = [entry("POST", "Observation", {"resourceType": "Observation"})] if kind == "batch" else []
    sent = bundle(
        kind, entry("POST", "Observation", observed(f"Patient/{patient}")), *bad, entry("GET", f"Patient/{patient}")
    )
    first, second = (client.post("", json=sent, headers=key | {"Prefer": prefer}) for _ in range(2))
    assert first.status_code == 200, first.text
    assert first.content == second.content
    statuses = [one["response"]["status"] for one in first.json()["entry"]]
    assert statuses == (["201", "422", "200"] if bad else ["201", "200"])
    assert count(client, patient) == 1


def test_a_fault_in_a_batch_does_not_undo_its_other_entries(client: httpx.Client, key: dict[str, str]) -> None:
    number = {"system": "urn:oid:2.16.578.1.12.4.1.4.1", "value": "13916900281"}
    taken = make_person(client)
    sent = bundle(
        "batch",
        entry("POST", "Observation", observed(f"Patient/{taken}")),
        entry("POST", "Patient", person(identifier=[number])),
        entry("POST", "Patient", person(identifier=[number])),
        entry("POST", "Observation", observed(f"Patient/{taken}")),
    )
    answer = client.post("", json=sent, headers=key)
    statuses = [one["response"]["status"] for one in answer.json()["entry"]]
    assert statuses == ["201", "201", "409", "201"]
    assert count(client, taken) == 2


@pytest.mark.parametrize("bad", ["", '""', "x" * 300, "a\tb"])
def test_what_can_be_no_key_is_refused(client: httpx.Client, bad: str) -> None:
    outcome(client.post("/Patient", json=person(), headers={"Idempotency-Key": bad}), 400)


def test_a_kept_answer_is_told_to_whom_may_see_it_still(demo_site: Site, key: dict[str, str]) -> None:
    patient = demo_site.patient_id(ELDERLY)
    sent: dict[str, Any] = {"content": weight(patient, "77"), "headers": JSON | key}
    with demo_site.fhir(GP) as gp:
        assert gp.post("/Observation", **sent).status_code == 201
        demo_site.row("INSERT INTO access.block (patient, person, from_at, until_at) SELECT pp.patient, p.id, now(), now() + interval '3 s'"
                      " FROM identity.person p, identity.person pp WHERE p.name = $1 AND pp.name = $2 RETURNING 1", GP, ELDERLY)  # fmt: skip
        outcome(gp.post("/Observation", **sent), 404)


def test_nothing_of_the_content_is_kept(client: httpx.Client, demo_site: Site, key: dict[str, str]) -> None:
    client.post("/Patient", json=person("Hemmeligheten"), headers=key)
    row = demo_site.row("SELECT answer FROM vault.idempotency ORDER BY made_at DESC LIMIT 1")
    assert b"Hemmeligheten" not in row["answer"]
    assert b"Patient" in row["answer"]
    with demo_site.fhir(OTHER_GP) as other:
        assert other.post("/Patient", json=person("Hemmeligheten"), headers=key).status_code == 201


def test_an_old_answer_is_forgotten(client: httpx.Client, demo_site: Site, key: dict[str, str]) -> None:
    first = client.post("/Patient", json=person("Gammel"), headers=key)
    demo_site.row("UPDATE vault.idempotency SET made_at = made_at - interval '25 hours' RETURNING 1")
    second = client.post("/Patient", json=person("Gammel"), headers=key)
    assert first.json()["id"] != second.json()["id"]
    demo_site.row("UPDATE vault.idempotency SET made_at = made_at - interval '25 hours' RETURNING 1")
    assert demo_site.row("SELECT vault.forget_answers()")[0] >= 1
    assert demo_site.row("SELECT count(*) FROM vault.idempotency")[0] == 0
