"""Whose a row is, and of which class: decided once, at write, from the resource alone.

Its class (`sens`) is a set of bits: `fhir/row_class.py`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fellesjournal.fhir.row_class import RowClass
from fellesjournal.kit.ids import MAX_SLOT, decode

DIRECTORY: Final = 0
UNIT_OWN: Final = -1
SLOTS: Final = 256
"""Buckets that people are spread over: fixed when a database is made. Slot 0 is for what is nobody's."""

DIRECTORY_TYPES: Final = frozenset(
    {
        "ActivityDefinition", "CapabilityStatement", "ChargeItemDefinition", "CodeSystem", "CompartmentDefinition",
        "ConceptMap", "DeviceDefinition", "Endpoint", "GraphDefinition", "HealthcareService", "ImplementationGuide",
        "Library", "Location", "Measure", "Medication", "MedicationKnowledge", "MessageDefinition", "NamingSystem",
        "ObservationDefinition", "OperationDefinition", "Organization", "OrganizationAffiliation", "PlanDefinition",
        "Practitioner", "PractitionerRole", "Questionnaire", "SearchParameter", "SpecimenDefinition",
        "StructureDefinition", "StructureMap", "Substance", "TerminologyCapabilities", "ValueSet",
    }
)  # fmt: skip
"""Types that everyone who is signed in may read: who works where, and definitions. They name no patient."""

MADE_AT_READING: Final = frozenset({"AuditEvent"})
"""Types that are never stored: what another place holds already, in FHIR's words."""

_INTERNAL_TYPES: Final = frozenset({"Task", "AuditEvent", "Provenance", "DetectedIssue", "Subscription"})
_UNFINISHED: Final = frozenset({"preliminary", "registered", "partial", "entered-in-error", "draft"})
_STATUS_MATTERS: Final = frozenset({"Composition", "DiagnosticReport", "Observation", "DocumentReference"})
CODES_9603: Final = "urn:oid:2.16.578.1.12.4.1.1.9603"
STATUS_9202: Final = "urn:oid:2.16.578.1.12.4.1.1.9202"
_REMOVED_9202: Final = frozenset({"81", "83"})
_NOBODY_OUTSIDE: Final = RowClass.WITHHELD | RowClass.NOT_PARENTS | RowClass.NOT_AGENTS
NOT_PARENTS: Final = "NORN_FORANS"
"""Code of 9603 on what parents do not see, and the young person does."""
_LABELS: Final = {
    "N": RowClass(0),
    "NORS": RowClass.BLOCKED,
    "NORU": RowClass.DELAYED,
    "NORN_FFL": RowClass.WITHHELD,
    "NORN_KUT": RowClass.WITHHELD,
    "NORN_UNGDOM": RowClass.WITHHELD,
    NOT_PARENTS: RowClass.NOT_PARENTS,
}
"""Volven 9603. What is refused for danger to life, or as inadvisable, a representative may see (pasient- og
brukerrettighetsloven § 5-1). Every other code, known or not, withholds from all who are not at work."""
NATIONAL_IDS: Final = frozenset({"urn:oid:2.16.578.1.12.4.1.4.1", "urn:oid:2.16.578.1.12.4.1.4.2"})
"""Fødselsnummer and D-nummer: one Patient each."""

_OWNER_ELEMENTS: Final = (
    "subject", "patient", "beneficiary", "for", "individual", "candidate", "sourcePatient", "securityContext",
)  # fmt: skip


def slot_of(pid: int) -> int:
    """The bucket of a new person: 1 to SLOTS - 1, spread evenly."""
    return 1 + (pid * 0x9E3779B97F4A7C15 >> 32) % (SLOTS - 1)


def is_removed(resource: Mapping[str, Any]) -> bool:
    """Whether it was taken out of ordinary reading as a correction, by its status in Volven 9202."""
    labels = resource.get("meta", {}).get("security", ())
    return any(label.get("system") == STATUS_9202 and label.get("code") in _REMOVED_9202 for label in labels)


def class_of(resource: Mapping[str, Any], *, names_others: Any, about: int = 0) -> int:
    """The row's class, with that of what it belongs to; a plain number, as the driver takes it."""
    found = RowClass(about) & ~RowClass.NAMES_OTHERS
    if _is_internal(resource):
        found |= _NOBODY_OUTSIDE
    for label in _labels(resource):
        if label.get("system") == CODES_9603:
            found |= _LABELS.get(label.get("code", ""), _NOBODY_OUTSIDE)
    if is_removed(resource):
        found |= RowClass.REMOVED
    return int(found | RowClass.NAMES_OTHERS if names_others else found)


def _is_internal(resource: Mapping[str, Any]) -> bool:
    """Internal work, or not signed yet."""
    rtype = resource["resourceType"]
    return rtype in _INTERNAL_TYPES or (rtype in _STATUS_MATTERS and resource.get("status") in _UNFINISHED)


def _labels(resource: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from resource.get("meta", {}).get("security", ())
    if resource["resourceType"] == "DocumentReference":
        for concept in resource.get("securityLabel", ()):
            yield from concept.get("coding", ())


def patient_key(reference: str | None) -> tuple[int, int] | None:
    """(slot, pid) of a local reference `Patient/id`, else None."""
    if not reference or not reference.startswith("Patient/"):
        return None
    found = decode(reference[8:])
    return found if found and 0 < found[0] <= MAX_SLOT else None


def probe_owner(resource: Mapping[str, Any]) -> str | None:
    """The reference that most likely names the owner, unchecked: tells a transaction which bucket to make ids in."""
    for element in _OWNER_ELEMENTS:
        value = resource.get(element)
        if isinstance(value, dict) and isinstance(value.get("reference"), str):
            return str(value["reference"])
    return next(_named_in_lists(resource), None)


def named_patients(resource: Mapping[str, Any]) -> list[str]:
    """The references `Patient/…` that a resource names its owner by, the likeliest first; unchecked."""
    first = probe_owner(resource)
    named = [first] if first else []
    return [one for one in dict.fromkeys([*named, *_named_in_lists(resource)]) if one.startswith("Patient/")]


def _named_in_lists(resource: Mapping[str, Any]) -> Iterator[str]:
    """An appointment's people; the patient among a Provenance's targets."""
    for participant in _dicts(resource.get("participant")):
        actor = participant.get("actor")
        if isinstance(actor, dict) and isinstance(actor.get("reference"), str):
            yield str(actor["reference"])
    for target in _dicts(resource.get("target")):
        if str(target.get("reference", "")).startswith("Patient/"):
            yield str(target["reference"])


def _dicts(found: Any) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
