"""One file of a package: which definition it holds, and what that stands on.

Source: https://hl7.org/fhir/R4/packages.html, https://hl7.org/fhir/R4/conformance-module.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from fellesjournal import fhir
from fellesjournal.fhir.primitives import CHECKS
from fellesjournal.fhir.structures import catalogue
from fellesjournal.packages.model import Artifact, BadPackage, plain

DEFINITIONS: Final = frozenset({
    "ActivityDefinition", "CapabilityStatement", "ChargeItemDefinition", "CodeSystem", "CompartmentDefinition",
    "ConceptMap", "EventDefinition", "ExampleScenario", "GraphDefinition", "ImplementationGuide", "Library", "Measure",
    "MessageDefinition", "NamingSystem", "OperationDefinition", "PlanDefinition", "Questionnaire", "ResearchDefinition",
    "ResearchElementDefinition", "SearchParameter", "StructureDefinition", "StructureMap", "TerminologyCapabilities",
    "TestScript", "ValueSet",
})  # fmt: skip
"""The resource types of R4 that define something for others; all else in a package is an example."""

_BASE: Final = "http://hl7.org/fhir/StructureDefinition/"
_URI: Final = "urn:ietf:rfc:3986"
_MAX_URL: Final = 1_000
_MAX_REFS: Final = 2_000
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Unfit:
    """A well-formed file that R4's structures have no place for, and why."""

    reason: str


def parse(file: str, content: bytes) -> dict[str, Any] | Unfit:
    """The resource in a file of JSON or XML. Raises BadPackage when it is neither."""
    try:
        if file.endswith(".xml"):
            return fhir.parse(fhir.encode(fhir.read_xml(content)))
        return fhir.parse(content.removeprefix(_BOM))
    except fhir.BadJson as error:
        raise BadPackage(f"{file}: {error}") from None
    except fhir.BadXml as error:
        # Without a place it is the text itself that can't be read.
        if not error.place:
            raise BadPackage(f"{file}: {error}") from None
        return Unfit(str(error))


def is_definition(resource: dict[str, Any]) -> bool:
    """Whether it is of a type that defines something."""
    rtype = resource.get("resourceType")
    return type(rtype) is str and rtype in DEFINITIONS


def artifact_of(file: str, resource: dict[str, Any]) -> Artifact | Unfit:
    """The definition, or why it is none that others can rely on."""
    fault = _fault(resource)
    if fault:
        return Unfit(fault)
    rtype = resource["resourceType"]
    url = resource.get("url")
    if url is not None and not _is_uri(url):
        return Unfit(f"{rtype}.url: expected a URL of at most {_MAX_URL} characters")
    return Artifact(
        file=file, rtype=rtype, url=url, version=_text(resource, "version"), id=_text(resource, "id"),
        name=_text(resource, "name"), title=_text(resource, "title"), status=_text(resource, "status"),
        kind=_kind(resource), refs=tuple(dict.fromkeys(_refs(resource)))[:_MAX_REFS],
        aliases=tuple(dict.fromkeys(_aliases(resource))), body=fhir.encode(resource),
    )  # fmt: skip


def _fault(resource: dict[str, Any]) -> str | None:
    """What R4's structures have no place for. A publisher's smaller faults (a code that isn't in its list, an invariant
    that does not hold) are his; a narrative that could carry scripts is dropped.
    """
    text = resource.get("text")
    if type(text) is dict and not (type(text.get("div")) is str and CHECKS["xhtml"](text["div"])):
        del resource["text"]
    faults = [issue for issue in fhir.validate(resource) if issue.code == "structure"]
    return f"{faults[0].expression}: {faults[0].diagnostics}" if faults else None


def _is_uri(value: Any) -> bool:
    """Whether it can be looked for; whether it is one is its publisher's concern."""
    return type(value) is str and 0 < len(value) <= _MAX_URL and "\0" not in value


def _text(resource: dict[str, Any], name: str) -> str:
    value = resource.get(name, "")
    return plain(value) if type(value) is str else ""


def _kind(resource: dict[str, Any]) -> str:
    match resource["resourceType"]:
        case "StructureDefinition":
            return _structure_kind(resource)
        case "CodeSystem":
            return _text(resource, "content")
        case _:
            return ""


def _structure_kind(resource: dict[str, Any]) -> str:
    kind = _text(resource, "kind")
    if resource.get("type") == "Extension" and resource.get("derivation") == "constraint":
        return "extension"
    return "profile" if resource.get("derivation") == "constraint" and kind != "logical" else kind


def _refs(resource: dict[str, Any]) -> Iterator[str]:
    """R4's own types are known without a package; its profiles and extensions are not."""
    if resource["resourceType"] != "StructureDefinition":
        return
    for canonical in (resource.get("baseDefinition"), *_types(resource)):
        if _is_uri(canonical) and not _is_own_type(canonical):
            yield canonical.partition("#")[0]


def _types(resource: dict[str, Any]) -> Iterator[Any]:
    for view in ("snapshot", "differential"):
        for element in resource.get(view, {}).get("element", ()):
            for part in element.get("type", ()):
                yield from part.get("profile", ())
                yield from part.get("targetProfile", ())


def _is_own_type(canonical: str) -> bool:
    return canonical.partition("|")[0].removeprefix(_BASE) in catalogue().types


def _aliases(resource: dict[str, Any]) -> Iterator[str]:
    """URIs among a terminology's identifiers: `urn:oid:…` is how Norwegian records name a code system."""
    if resource["resourceType"] not in ("CodeSystem", "ValueSet"):
        return
    given = resource.get("identifier", [])
    for identifier in given if type(given) is list else (given,):
        value = identifier.get("value")
        if identifier.get("system") == _URI and _is_uri(value):
            yield value if ":" in value else f"urn:oid:{value}"
