"""Small packages, made as a publisher makes them."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

BASE = "http://example.test/fhir"


def profile(name: str, *, version: str = "1.0.0", **more: Any) -> dict[str, Any]:
    """A StructureDefinition of a Patient profile."""
    return {
        "resourceType": "StructureDefinition", "id": name, "url": f"{BASE}/StructureDefinition/{name}",
        "version": version, "name": name.title(), "status": "active", "kind": "resource", "abstract": False,
        "type": "Patient", "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "derivation": "constraint", "differential": {"element": [{"id": "Patient", "path": "Patient"}]}, **more,
    }  # fmt: skip


def codes(name: str, *, version: str = "1.0.0", **more: Any) -> dict[str, Any]:
    """A CodeSystem of one code."""
    return {
        "resourceType": "CodeSystem", "id": name, "url": f"{BASE}/CodeSystem/{name}", "version": version, "name": name,
        "status": "active", "content": "complete", "concept": [{"code": "a", "display": "Ære"}], **more,
    }  # fmt: skip


def manifest(name: str = "test.no", version: str = "1.0.0", **more: Any) -> dict[str, Any]:
    """A package.json."""
    return {"name": name, "version": version, "fhirVersions": ["4.0.1"], "license": "CC0-1.0", **more}


def tgz(folder: Path, files: dict[str, Any], *, name: str = "made.tgz") -> Path:
    """An archive of these files; what is not bytes is written as JSON."""
    place = folder / name
    with tarfile.open(place, "w:gz") as archive:
        for path, content in files.items():
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            member = tarfile.TarInfo(path)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return place


def package(
    folder: Path, *resources: dict[str, Any], name: str = "test.no", version: str = "1.0.0", **more: Any
) -> Path:
    """A FHIR package of these resources."""
    files: dict[str, Any] = {"package/package.json": manifest(name, version, **more)}
    files |= {f"package/{one['resourceType']}-{one['id']}.json": one for one in resources}
    return tgz(folder, files, name=f"{name}-{version}.tgz")
