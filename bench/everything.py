"""Whole records: `Patient/$everything` of patients that came in transaction bundles, Synthea's when they are near."""

import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass

from bench.bundles import Bundles
from bench.load import Result, drive
from bench.site import Web


@dataclass(frozen=True)
class Records:
    """Patients with a whole record each: their addresses, and how much an answer holds at the median."""

    paths: list[str]
    resources: int
    kilobytes: int


def posted(web: Web, found: Bundles, *, token: str, rounds: int = 1) -> list[str]:
    """Post the bundles; the ids of the patients that they made. Raises RuntimeError when one isn't taken."""
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=120)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"}
    patients: list[str] = []
    for body in list(found.bodies) * rounds:
        connection.request("POST", "/fhir", body=body, headers=headers)
        answer = connection.getresponse()
        given = json.loads(answer.read())
        if answer.status != 200:
            raise RuntimeError(f"a bundle was refused with {answer.status}")
        places = [entry["response"].get("location", "") for entry in given["entry"]]
        patients += [place.split("/")[1] for place in places if place.startswith("Patient/")]
    return patients


def records(web: Web, patients: Sequence[str], *, token: str) -> Records:
    """What there is to ask for. Raises RuntimeError when one isn't shown."""
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=120)
    paths, sizes = [f"/fhir/Patient/{patient}/$everything" for patient in patients], list[tuple[int, int]]()
    for path in paths:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"a record was refused with {answer.status}")
        sizes.append((len(json.loads(body)["entry"]), len(body)))
    resources, size = sorted(sizes)[len(sizes) // 2]
    return Records(paths, resources, size // 1000)


def asked(web: Web, found: Records, *, token: str, seconds: float) -> Result:
    """One round of load: each patient's first page, of up to 1,000 resources. Raises RuntimeError for a failure."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/fhir+json"}
    result = drive(web.url, found.paths, seconds=seconds, headers=headers)
    if result.errors:
        raise RuntimeError("records were refused")
    return result
