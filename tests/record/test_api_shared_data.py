"""The official examples and Synthea's bundles through the API: written, read back, the same bytes."""

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fellesjournal import fhir
from tests.needs import SHARED
from tests.record.samples import JSON, make_person
from tests.site import Site

EXAMPLES = SHARED / "data/fhir-r4-examples-dev"
SYNTHEA = SHARED / "data/synthea-dev/synthea_r4_12_bundles.tgz"
XML = {"Content-Type": "application/fhir+xml", "Accept": "application/fhir+xml"}
NOT_VALID = {"EventDefinition-example.json", "DeviceMetric-example.json", "DeviceUseStatement-example.json"}

pytestmark = [pytest.mark.needs("shared"), pytest.mark.slow]


@pytest.fixture
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        opened.timeout = httpx.Timeout(120)
        yield opened


def examples() -> list[Path]:
    """Those of types that somebody writes: AuditEvents are made of our own log."""
    return [path for path in sorted(EXAMPLES.glob("*.json")) if not path.name.startswith("AuditEvent-")]


def content(resource: dict[str, Any]) -> bytes:
    """What must be the same: all but the id and what the server says of the version, in the same order."""
    meta = {k: v for k, v in resource.get("meta", {}).items() if k not in ("versionId", "lastUpdated")}
    rest = {k: v for k, v in resource.items() if k not in ("id", "meta")}
    return fhir.encode({"meta": meta, **rest})


def test_every_official_example_comes_back_as_it_went_in(client: httpx.Client) -> None:
    patient = make_person(client, "Eksempel")
    refused: dict[str, str] = {}
    for path in examples():
        text = re.sub(r'("reference"\s*:\s*")Patient/[^"/]+', rf"\1Patient/{patient}", path.read_text("utf-8"))
        sent = fhir.parse(text.encode())
        made = client.post(f"/{sent['resourceType']}", content=text.encode(), headers=JSON)
        if made.status_code != 201:
            refused[path.name] = made.text
            continue
        id_ = fhir.parse(made.content)["id"]
        read = client.get(f"/{sent['resourceType']}/{id_}", headers={"Accept": JSON["Content-Type"]})
        assert read.content == made.content
        assert content(fhir.parse(read.content)) == content(sent), path.name
    assert refused.keys() == NOT_VALID, refused


def test_every_official_example_comes_back_in_xml_as_it_went_in(client: httpx.Client) -> None:
    patient = make_person(client, "Eksempel")
    for path in examples():
        text = re.sub(r'("reference"\s*:\s*")Patient/[^"/]+', rf"\1Patient/{patient}", path.read_text("utf-8"))
        sent = fhir.read_verbatim(text.encode())
        made = client.post(f"/{sent['resourceType']}", content=fhir.write_xml(sent), headers=XML)
        if path.name in NOT_VALID:
            assert made.status_code == 422
            continue
        assert made.status_code == 201, made.text
        id_ = fhir.read_xml(made.content)["id"]
        read = client.get(f"/{sent['resourceType']}/{id_}", headers=XML)
        assert read.content == made.content
        back = fhir.parse(fhir.encode(fhir.read_xml(read.content)))
        # The order in JSON is that of the definition now; all else is the same.
        assert fhir.parse(content(back)) == fhir.parse(content(fhir.parse(text.encode()))), path.name


def bundles(path: Path) -> Iterator[bytes]:
    with tarfile.open(path) as tar:
        for member in tar:
            if member.name.endswith(".json") and (file := tar.extractfile(member)):
                yield file.read()


def renamed(text: str, names: dict[str, str]) -> str:
    return re.sub(r'"(urn:uuid:[^"]+)"', lambda m: f'"{names.get(m[1], m[1])}"', text)


def test_synthea_goes_in_as_transactions_and_comes_back(client: httpx.Client) -> None:
    for body in bundles(SYNTHEA):
        sent = fhir.parse(body)
        answer = client.post("", content=body, headers=JSON)
        assert answer.status_code == 200, answer.text[:500]
        made = [entry["response"]["location"].split("/") for entry in answer.json()["entry"]]
        names = {
            entry["fullUrl"]: f"{rtype}/{id_}" for entry, (rtype, id_, *_) in zip(sent["entry"], made, strict=True)
        }
        text = renamed(body.decode(), names)
        for entry, (rtype, id_, *_) in list(zip(fhir.parse(text.encode())["entry"], made, strict=True))[::25]:
            read = client.get(f"/{rtype}/{id_}")
            assert content(fhir.parse(read.content)) == content(entry["resource"])
