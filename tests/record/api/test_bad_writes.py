# ruff: noqa: E501 - tables of what is tried read best a line each
"""Writes that nobody should send: each is refused clearly, and nothing of it is kept."""

import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.record.samples import JSON, make_person, person
from tests.record.test_api_bundles import bundle, entry, observed, urn
from tests.site import Site

ODD: tuple[Any, ...] = (None, 5, True, "", " ", "\x00", "æ" * 300, [], {}, [[]], "a?b?c", "%", "%zz", "//", "?", "urn:uuid:", "Patient/../x", {"a": [1]})


@pytest.fixture(scope="module")
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        yield opened


def refused(answer: httpx.Response) -> None:
    """4xx with an OperationOutcome, or a batch whose entries are."""
    assert answer.status_code < 500, answer.text
    body = answer.json()
    if answer.status_code == 200:
        statuses = [int(one["response"]["status"]) for one in body["entry"]]
        assert all(400 <= status < 500 for status in statuses), answer.text
    else:
        assert body["resourceType"] == "OperationOutcome", answer.text


@pytest.mark.parametrize("kind", ["batch", "transaction"])
@pytest.mark.parametrize("key", ["method", "url", "ifMatch", "ifNoneExist"])
def test_odd_requests_in_a_bundle(client: httpx.Client, kind: str, key: str) -> None:
    for odd in ODD:
        request = {"method": "POST", "url": "Patient", key: odd}
        if key == "ifNoneExist" and odd in (None, ""):
            continue
        if key == "ifMatch" and odd is None:
            continue
        refused(client.post("", json=bundle(kind, {"resource": {"resourceType": "Patient", "gender": "x"}, "request": request})))


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_odd_addresses_in_a_bundle(client: httpx.Client, kind: str) -> None:
    urls = [f"Patient{odd}" for odd in ("?", "?=", "?_id=", "?%ff=1", "?name=%00", "?identifier=\x00", "?_count=1", "?a=b&" * 60, "/x?a=b", "/æ")]
    for method, url in itertools.product(("PUT", "PATCH", "DELETE", "GET"), urls):
        if method == "GET" and url in ("Patient?", "Patient?=", "Patient?_count=1"):
            continue
        resource = {"PUT": person(), "PATCH": {"resourceType": "Parameters"}}.get(method)
        refused(client.post("", json=bundle(kind, entry(method, url, resource))))


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_odd_resources_in_a_bundle(client: httpx.Client, kind: str) -> None:
    for odd in ODD:
        for resource in (odd, {"resourceType": odd}, {"resourceType": "Patient", "id": odd, "meta": odd, "gender": 1},
                         {"resourceType": "Observation", "subject": {"reference": odd}, "participant": odd}):  # fmt: skip
            refused(client.post("", json=bundle(kind, {"resource": resource, "request": {"method": "POST", "url": "Patient"}})))
            refused(client.post("", json=bundle(kind, {"resource": resource, "request": {"method": "PUT", "url": "Patient/a"}})))
            refused(client.post("", json=bundle(kind, {"resource": resource, "request": {"method": "PATCH", "url": "Patient/a"}})))


def test_odd_references_in_a_bundle(client: httpx.Client) -> None:
    for odd in (*ODD[3:7], *ODD[10:-1], "Patient?", "Patient?identifier", "Patient?ukjent=1", "Patient?_id=a,b,c", "Romskip?x=1", "#x?y=z"):
        answer = client.post("", json=bundle("transaction", entry("POST", "Observation", observed(odd) | {"status": "x"})))
        refused(answer)


def test_odd_conditions_in_the_header_and_address(client: httpx.Client) -> None:
    for odd in ("?", "=", "&", "%ff", "%00", "a" * 5000, "identifier=" + "," * 200, "_has:Observation:patient:code=x&_has:", "name:oppfunnet=x"):
        refused(client.post("/Patient", json=person(), headers={"If-None-Exist": odd}))
        for method in ("PUT", "DELETE"):
            body: dict[str, Any] = {"json": person()} if method == "PUT" else {}
            refused(client.request(method, f"/Patient?{odd.replace('%', '%25') if odd == '%ff' else odd}", **body))


def test_many_conditions_take_bounded_time(client: httpx.Client) -> None:
    patient = make_person(client)
    entries = [entry("POST", "Observation", observed(f"Patient/{patient}"), ifNoneExist=f"identifier=x|{n}&patient={patient}") for n in range(200)]
    began = time.monotonic()
    answer = client.post("", json=bundle("transaction", *entries))
    assert answer.status_code == 200
    assert time.monotonic() - began < 20


def test_deep_and_cyclic_references_end(client: httpx.Client) -> None:
    entries = [
        entry("POST", "Observation", observed(f"urn:uuid:00000000-0000-4000-8000-{n + 1:0>12}"), name=str(n)) for n in range(1, 50)
    ]
    refused(client.post("", json=bundle("transaction", *entries)))
    cycle = [entry("POST", "Observation", observed(urn("1"), derivedFrom=[{"reference": urn(str(5 - n))}]), name=str(n)) for n in (2, 3)]
    assert client.post("", json=bundle("transaction", entry("POST", "Patient", person(), name="1"), *cycle)).status_code == 200
    deep: Any = {"reference": "Patient?x=1"}
    for _ in range(90):
        deep = {"extension": [deep]}
    body = json.dumps(bundle("transaction", entry("POST", "Basic", {"resourceType": "Basic", **deep})))
    refused(client.post("", content=body, headers=JSON))
