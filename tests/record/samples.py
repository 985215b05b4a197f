"""Resources that tests send."""

from typing import Any

import httpx


def person(family: str = "Testesen", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "name": [{"family": family, "given": ["Ola"]}],
        "birthDate": "1970-02-03",
        **more,
    }


def weight(patient: str, value: str = "72.50", *, status: str = "final", day: str = "2026-01-02") -> bytes:
    """A body weight as bytes: the number stands as it is written."""
    return (
        f'{{"resourceType":"Observation","status":"{status}",'
        '"code":{"coding":[{"system":"http://loinc.org","code":"29463-7"}]},'
        f'"subject":{{"reference":"Patient/{patient}"}},"effectiveDateTime":"{day}",'
        f'"valueQuantity":{{"value":{value},"unit":"kg","system":"http://unitsofmeasure.org","code":"kg"}}}}'
    ).encode()


JSON = {"Content-Type": "application/fhir+json"}


def make_person(client: httpx.Client, family: str = "Testesen", **more: Any) -> str:
    """Create a Patient; its id."""
    answer = client.post("/Patient", json=person(family, **more))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def make(client: httpx.Client, rtype: str, body: bytes) -> str:
    """Create a resource; its id."""
    answer = client.post(f"/{rtype}", content=body, headers=JSON)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def outcome(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The first issue of an OperationOutcome; fails when the answer is something else."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/fhir+json")
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome"
    issue: dict[str, Any] = body["issue"][0]
    assert issue["severity"] and issue["code"]
    return issue
