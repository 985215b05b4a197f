"""Single writes that come at once go to the vault together, and each is answered as if it were alone."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from fellesjournal import fhir
from tests.record.samples import JSON, make, make_person, person, weight
from tests.site import Site

AT_ONCE = 16


@pytest.fixture
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        yield opened


def at_once(ask: Callable[[int], httpx.Response], count: int) -> list[httpx.Response]:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(ask, range(count)))


def observation(patient: str, value: str) -> dict[str, Any]:
    return dict(json.loads(weight(patient, value)))


def test_many_creates_at_once_are_each_their_own(client: httpx.Client) -> None:
    people = [make_person(client) for _ in range(3)]
    answers = at_once(
        lambda n: client.post("/Observation", content=weight(people[n % 3], f"{n}.50"), headers=JSON), 60
    )
    assert [answer.status_code for answer in answers] == [201] * 60
    assert len({answer.json()["id"] for answer in answers}) == 60
    for n, answer in enumerate(answers):
        read = client.get(f"/Observation/{answer.json()['id']}")
        assert read.content == answer.content
        assert f'"value":{n}.50' in read.text
        assert read.json()["subject"]["reference"] == f"Patient/{people[n % 3]}"
    for who, patient in enumerate(people):
        asked = {"patient": patient, "_count": "100", "value-quantity": "gt-1"}
        found = client.get("/Observation", params=asked).json()
        values = {entry["resource"]["valueQuantity"]["value"] for entry in found["entry"]}
        assert values == {n + 0.5 for n in range(60) if n % 3 == who}


def test_a_bad_one_among_many_is_told_alone(client: httpx.Client, demo_site: Site) -> None:
    patient = make_person(client)
    kept = [make(client, "Observation", weight(patient, f"{n}")) for n in range(30)]

    def update(n: int) -> httpx.Response:
        stale = {"If-Match": 'W/"7"'} if n % 5 == 0 else {"If-Match": 'W/"1"'}
        body = observation(patient, f"{n}.25") | {"id": kept[n]}
        return client.put(f"/Observation/{kept[n]}", json=body, headers=stale)

    answers = at_once(update, 30)
    assert [answer.status_code for answer in answers] == [412 if n % 5 == 0 else 200 for n in range(30)]
    versions = [client.get(f"/Observation/{one}").headers["etag"] for one in kept]
    assert versions == ['W/"1"' if n % 5 == 0 else 'W/"2"' for n in range(30)]


def test_of_updates_on_top_of_one_version_one_wins(client: httpx.Client) -> None:
    patient = make_person(client)
    one = make(client, "Observation", weight(patient))
    body = observation(patient, "80") | {"id": one}
    answers = at_once(
        lambda n: client.put(f"/Observation/{one}", json=body, headers={"If-Match": f'W/"{1 + n // 8}"'}), 32
    )
    by_status = Counter(answer.status_code for answer in answers)
    assert by_status.keys() <= {200, 412}
    made = [int(answer.headers["etag"][3:-1]) for answer in answers if answer.status_code == 200]
    assert sorted(made) == [*range(2, 2 + len(made))]
    assert client.get(f"/Observation/{one}").headers["etag"] == f'W/"{1 + len(made)}"'
    assert len(client.get(f"/Observation/{one}/_history").json()["entry"]) == 1 + len(made)


def test_updates_of_one_resource_without_a_condition_follow_each_other(client: httpx.Client) -> None:
    patient = make_person(client)
    one = make(client, "Observation", weight(patient))
    answers = at_once(
        lambda n: client.put(f"/Observation/{one}", json=observation(patient, f"{n}") | {"id": one}), 20
    )
    assert sorted(int(answer.headers["etag"][3:-1]) for answer in answers) == [*range(2, 22)]


def test_of_two_with_one_number_one_is_refused_and_no_other(client: httpx.Client) -> None:
    number = [{"system": "urn:oid:2.16.578.1.12.4.1.4.1", "value": "13857010064"}]
    body = [person(f"Alene{n}") | ({"identifier": number} if n % 6 == 0 else {}) for n in range(24)]
    answers = at_once(lambda n: client.post("/Patient", json=body[n]), 24)
    with_number = [answer.status_code for n, answer in enumerate(answers) if n % 6 == 0]
    assert sorted(with_number) == [201, 409, 409, 409], [answer.text for answer in answers[::6]]
    assert all(answer.status_code == 201 for n, answer in enumerate(answers) if n % 6)


def test_each_patient_s_log_tells_what_was_written_of_that_patient(client: httpx.Client, demo_site: Site) -> None:
    people = [make_person(client) for _ in range(4)]
    answers = at_once(lambda n: client.post("/Observation", content=weight(people[n % 4]), headers=JSON), 24)
    assert {answer.status_code for answer in answers} == {201}
    told = "SELECT sum(cardinality(l.what))::int AS n FROM access.log l JOIN vault.resource p ON p.pid = l.patient "
    where = "WHERE l.action = 'write' AND p.rtype = $2 AND p.body::jsonb ->> 'id' = $1 AND l.kind = $3"
    numbers = fhir.TYPE_NUMBER["Patient"], fhir.TYPE_NUMBER["Observation"]
    assert [demo_site.row(told + where, patient, *numbers)["n"] for patient in people] == [6] * 4
