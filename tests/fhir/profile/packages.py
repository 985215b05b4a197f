"""The Norwegian packages that lie beside the project: their definitions, their examples, their publishers' reports."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from fellesjournal import fhir
from fellesjournal.fhir import BadJson, BadXml
from tests.fhir.profile.definitions import Json
from tests.needs import SHARED

DATA = SHARED / "data"
CORE = DATA / "fhir-r4-core/hl7.fhir.r4.core-4.0.1.tgz"
FOLDERS = ("fhir-no-basis-xml", "fhir-no-grunndata", "fhir-no-helsenorge", "fhir-no-vkp-observation")
CONFORMANCE = {
    "StructureDefinition", "ValueSet", "CodeSystem", "ConceptMap", "NamingSystem", "SearchParameter",
    "ImplementationGuide", "CapabilityStatement", "StructureMap", "OperationDefinition", "CompartmentDefinition",
}  # fmt: skip
_NUMBER = re.compile("[0-9]{11}")
"""The form of an identity number: some files are named by one, and the documentation names none."""
TERMINOLOGY = {"code-invalid", "not-found", "invalid"}


@dataclass
class Package:
    """One package. An example that cannot be read is None; `refused` are those that its report has errors for."""

    name: str
    definitions: dict[str, Json] = field(default_factory=dict)
    examples: dict[str, Json | None] = field(default_factory=dict)
    refused: set[str] | None = None

    def add(self, name: str, resource: Json) -> None:
        kind = resource.get("resourceType")
        if kind in CONFORMANCE:
            if "url" in resource:
                self.definitions[resource["url"]] = resource
        elif name.endswith("validation-oo.json"):
            self.refused = set(_refused(resource))
        elif kind:
            self.examples[name] = resource


class Installed:
    """A source of many packages; the first one that has a definition wins."""

    def __init__(self, *packages: Package) -> None:
        self._packages = packages

    def find(self, canonical: str) -> Json | None:
        url = canonical.partition("|")[0]
        return next((p.definitions[url] for p in self._packages if url in p.definitions), None)


@cache
def norwegian() -> tuple[Package, ...]:
    """Every Norwegian package and folder."""
    packed = (from_tarball(path) for path in sorted((DATA / "fhir-no-packages").glob("*.tgz")))
    return (*packed, *(from_folder(DATA / name) for name in FOLDERS))


@cache
def core() -> Package:
    """R4's own package."""
    return from_tarball(CORE)


def from_tarball(path: Path) -> Package:
    """Read a package as its publisher made it; its examples are named by type and id."""
    package = Package(path.name.removesuffix(".tgz"))
    with tarfile.open(path) as tar:
        for member in tar:
            file = tar.extractfile(member) if _is_resource(member.name) else None
            if file is not None:
                resource = fhir.parse(file.read())
                name = member.name if member.name.endswith("-oo.json") else _named(resource)
                package.add(name, resource)
    return package


def from_folder(folder: Path) -> Package:
    """Read a folder of JSON and XML; its examples are named by their files, those in a folder of their own with it."""
    package = Package(folder.name)
    for path in sorted(folder.rglob("*.*")):
        if path.suffix not in {".json", ".xml"}:
            continue
        name = str(path.relative_to(folder)).removeprefix("examples/").removeprefix("Examples/")
        name = _NUMBER.sub(lambda number: f"{number[0][:4]}…", name)
        try:
            body = path.read_bytes() if path.suffix == ".json" else fhir.encode(fhir.read_xml(path.read_bytes()))
            package.add(name, fhir.parse(body))
        except (BadJson, BadXml):
            if "xamples/" in str(path):
                package.examples[name] = None
    return package


def _is_resource(name: str) -> bool:
    return name.endswith(".json") and not name.endswith((".index.json", "package.json"))


def _named(resource: Json) -> str:
    return f"{resource.get('resourceType')}/{resource.get('id')}"


def _refused(report: Json) -> Iterator[str]:
    """Name the resources that a report has errors for; errors of terminology are left out."""
    for entry in report["entry"]:
        for issue in entry["resource"].get("issue", ()):
            place = (issue.get("expression") or issue.get("location") or [""])[0]
            if issue["severity"] == "error" and issue["code"] not in TERMINOLOGY and ": " in place:
                yield place.partition(":")[0]
