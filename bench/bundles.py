"""Transaction bundles to post: Synthea's, or such made from the demo when they are not at hand."""

import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import bulk
from fellesjournal import fhir

NEAR = Path(__file__).resolve().parents[2] / "shared" / "data" / "synthea-dev"
_OWN_BUNDLES = 12


@dataclass(frozen=True)
class Bundles:
    """Bodies to post, and how many resources one round of them holds."""

    source: str
    bodies: list[bytes]
    resources: int


def read_bundles(folder: Path | None) -> Bundles:
    """Synthea's transaction bundles in a folder (or an archive in it), else our own."""
    place = folder or NEAR
    found = [json.loads(body) for body in _bodies(place)] if place.is_dir() else []
    wanted = [bundle for bundle in found if bundle.get("type") == "transaction"]
    if not wanted:
        return _made("made of simple resources", [_own(number) for number in range(_OWN_BUNDLES)])
    return _made("Synthea R4", wanted)


def _made(source: str, bundles: list[dict[str, Any]]) -> Bundles:
    bodies = [json.dumps(bundle).encode() for bundle in bundles]
    return Bundles(source, bodies, sum(len(bundle["entry"]) for bundle in bundles))


def _bodies(folder: Path) -> list[bytes]:
    bodies = [path.read_bytes() for path in sorted(folder.glob("*.json"))]
    for archive in sorted(folder.glob("*.t*gz")):
        with tarfile.open(archive) as tar:
            files = [tar.extractfile(member) for member in tar if member.name.endswith(".json")]
            bodies += [file.read() for file in files if file]
    return bodies


def _own(number: int) -> dict[str, Any]:
    patient = f"urn:uuid:00000000-0000-4000-8000-{number:012d}"
    resources = [bulk.patient(number), *bulk.chart(number, patient=patient, unit=None)]
    entries: list[dict[str, Any]] = [
        {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}} for resource in resources
    ]
    entries[0]["fullUrl"] = patient
    whole = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    return dict(json.loads(fhir.encode(whole)))
