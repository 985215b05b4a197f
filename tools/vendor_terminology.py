"""Make the vendored terminology of R4 from the official package `hl7.fhir.r4.core`.

Usage: python tools/vendor_terminology.py hl7.fhir.r4.core-4.0.1.tgz

Kept are HL7's own code systems, value sets and concept maps, without narrative and definitions. Of code systems that
belong to others (LOINC, SNOMED CT, DICOM) no texts are kept, and of DICOM's nothing.
The output is byte-for-byte the same for the same input.
"""

from __future__ import annotations

import gzip
import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "src/fellesjournal/terminology/data/r4.json.gz"
KINDS = ("CodeSystem", "ValueSet", "ConceptMap")
LEFT_OUT = {
    "contact", "copyright", "date", "description", "experimental", "extension", "id", "identifier", "jurisdiction",
    "meta", "publisher", "purpose", "text", "useContext",
}  # fmt: skip
NOT_OURS = ("http://dicom.nema.org/resources/ontology/DCM",)
WITHOUT_TEXTS = ("http://loinc.org", "http://snomed.info/sct")

Json = dict[str, Any]


def main(source: Path) -> None:
    """Write the file beside the code that reads it."""
    found: dict[str, dict[str, Json]] = {kind: {} for kind in KINDS}
    aliases: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
    for resource in read(source):
        kind, url = resource["resourceType"], resource["url"]
        found[kind][url] = {key: _trimmed(key, value) for key, value in resource.items() if key not in LEFT_OUT}
        for one in resource.get("identifier", ()):
            if str(one.get("value", "")).startswith("urn:"):
                aliases[kind].setdefault(one["value"], url)
    document = {"resources": {kind: dict(sorted(found[kind].items())) for kind in KINDS}, "aliases": aliases}
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    TARGET.write_bytes(gzip.compress(body, 9, mtime=0))


def read(source: Path) -> Iterator[Json]:
    """Every code system, value set and concept map with an address, by name of the file."""
    with tarfile.open(source) as package:
        for member in sorted(package, key=lambda one: one.name):
            file = package.extractfile(member) if member.name.endswith(".json") else None
            resource = json.load(file) if file else {}
            if resource.get("resourceType") in KINDS and resource.get("url") not in (None, *NOT_OURS):
                listed = resource.get("identifier", [])
                yield {**resource, "identifier": listed if isinstance(listed, list) else [listed]}


def _trimmed(key: str, value: Any) -> Any:
    if key == "concept":
        return [{k: _trimmed(k, v) for k, v in one.items() if k not in ("definition", "extension")} for one in value]
    if key == "compose":
        return {k: [_without_texts(one) for one in v] if isinstance(v, list) else v for k, v in value.items()}
    return value


def _without_texts(include: Json) -> Json:
    concepts = _trimmed("concept", include.get("concept", []))
    if include.get("system") in WITHOUT_TEXTS:
        concepts = [{"code": one["code"]} for one in concepts]
    kept = {k: v for k, v in include.items() if k != "extension"}
    return {**kept, "concept": concepts} if concepts else kept


if __name__ == "__main__":
    main(Path(sys.argv[1]))
