"""Whose a resource is: the patient that it is about, the others that it names, and when it happened.

Membership comes from the Patient CompartmentDefinition's parameters. R4 leaves a few types out that are
plainly about
one patient (a Task for somebody); `_ABOUT` adds them, since what has no owner is seen by everybody in
the unit.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any, Final

import msgspec

from fellesjournal.fhir.emitters import local_target
from fellesjournal.fhir.ranges import OPEN_START, date_range
from fellesjournal.fhir.search_params import compartment_params, search_params
from fellesjournal.fhir.spans import period_span, timing_span
from fellesjournal.fhir.structures import structure

Json = dict[str, Any]
Named = list[tuple[int, str]]

_PRIORITY: Final = ("patient", "subject", "beneficiary", "individual", "policy-holder", "subscriber", "actor")
_ABOUT: Final = {
    "Contract": ("patient", "subject"),
    "Device": ("patient",),
    "GuidanceResponse": ("patient", "subject"),
    "Task": ("patient", "subject"),
}
_NOBODYS: Final = frozenset({"Group", "Patient"})


class Owner(msgspec.Struct, frozen=True):
    """Whose a resource is.

    `patient` is "Patient/id" of the one it is about, or None (also for a Patient, who owns itself, and
    for a Group).
    `others` are all further patients that its compartment parameters name, sorted.
    `date` is when it happened, in UTC: the start of its main date. `status` is its status or clinical status.
    """

    patient: str | None
    others: tuple[str, ...]
    date: datetime | None
    security: tuple[tuple[str, str], ...]
    status: str | None
    identifiers: tuple[tuple[str, str], ...]


@cache
def patient_rank(rtype: str, code: str) -> int | None:
    """Return how strongly a parameter names the owner (0 is strongest); None if it says nothing about
    patients.
    """
    about = _ABOUT.get(rtype, compartment_params(rtype))
    if code not in about:
        return None
    return _PRIORITY.index(code) if code in _PRIORITY else len(_PRIORITY) + about.index(code)


_OF_A_PATIENT: Final = ".where(resolve() is Patient)"


@cache
def other_owner_params(rtype: str, code: str) -> tuple[int, ...] | None:
    """Return the parameters that may make somebody the owner whom this one does not name.

    A patient's resource is named by `patient` or `subject` too, or else by one of these: none is left when they are
    empty. None when nothing can be said of the parameter.
    """
    path = _own_path(rtype, code)
    if path is None or code not in _PRIORITY[:2]:
        return None
    known = search_params(rtype)
    about = _ABOUT.get(rtype, compartment_params(rtype))
    if not any(_own_path(rtype, other) == path for other in about):
        return None
    return tuple(known[other].id for other in about if _own_path(rtype, other) != path)


def _own_path(rtype: str, code: str) -> str | None:
    """The one path of a parameter in this type, whoever it may lead to."""
    param = search_params(rtype).get(code)
    parts = [part.strip() for part in ((param and param.expression) or "").split("|")]
    own = {part.removesuffix(_OF_A_PATIENT) for part in parts if part.startswith(f"{rtype}.")}
    return own.pop() if len(own) == 1 else None


def owner_of(resource: Json, *, named: Named) -> Owner:
    """Return whose a resource is, from the patients that extraction found in it."""
    patients = list(dict.fromkeys(target for _, target in sorted(named, key=_rank)))
    patients = patients or _context_patient(resource)
    patient = patients[0] if patients and resource["resourceType"] not in _NOBODYS else None
    return Owner(
        patient=patient,
        others=tuple(sorted(p for p in patients if p != patient)),
        date=clinical_date(resource),
        security=_security(resource),
        status=_status(resource),
        identifiers=_identifiers(resource),
    )


def clinical_date(resource: Json) -> datetime | None:
    """Return when a resource happened: the start of the first of its type's dates that it has."""
    for key in date_elements(resource["resourceType"]):
        value = resource.get(key)
        start = _start(value) if value else None
        if start is not None:
            return start
    return None


@cache
def date_elements(rtype: str) -> tuple[str, ...]:
    """Return the properties that may hold a type's main date, best first."""
    fields = structure(rtype).fields
    wanted = [fields[key] for key in _DATES.get(rtype, _ANY_DATE) if key in fields]
    return tuple(f.key for f in wanted if f.type in _DATE_TYPES and not f.many)


def _start(value: str | Json) -> datetime | None:
    if isinstance(value, str):
        return date_range(value)[0]
    span = period_span(value) or timing_span(value)
    if span is None:
        return None
    return span[0] if span[0] != OPEN_START else span[1]


def _rank(named: tuple[int, str]) -> int:
    return named[0]


def _context_patient(resource: Json) -> list[str]:
    """A Binary belongs to the patient of its security context; no search parameter says so."""
    if resource["resourceType"] != "Binary":
        return []
    target = local_target(resource.get("securityContext", {}).get("reference", ""))
    return [target] if target and target.startswith("Patient/") else []


def _security(resource: Json) -> tuple[tuple[str, str], ...]:
    labels = resource.get("meta", _NOTHING).get("security", ())
    return tuple((label.get("system", ""), label["code"]) for label in labels if "code" in label)


def _status(resource: Json) -> str | None:
    status = resource.get("status")
    if isinstance(status, str):
        return status
    for coding in resource.get("clinicalStatus", _NOTHING).get("coding", ()):
        if "code" in coding:
            return str(coding["code"])
    return None


def _identifiers(resource: Json) -> tuple[tuple[str, str], ...]:
    found = resource.get("identifier", ())
    entries = [found] if isinstance(found, dict) else found
    return tuple((i.get("system", ""), i["value"]) for i in entries if "value" in i)


_NOTHING: Final[Json] = {}
_DATE_TYPES: Final = frozenset({"date", "dateTime", "instant", "Period", "Timing"})
_ANY_DATE: Final = (
    *("effectiveDateTime", "effectivePeriod", "occurrenceDateTime", "occurrencePeriod", "performedDateTime"),
    *(
        "performedPeriod",
        "servicedDate",
        "servicedPeriod",
        "period",
        "date",
        "start",
        "authoredOn",
        "recorded",
        "sent",
    ),
    *("created", "issued", "recordedDate", "birthDate", "received", "lastUpdated", "detectedDateTime"),
)
_DATES: Final[dict[str, tuple[str, ...]]] = {
    "AllergyIntolerance": ("onsetDateTime", "onsetPeriod", "recordedDate", "lastOccurrence"),
    "Appointment": ("start", "created"),
    "CarePlan": ("period", "created"),
    "Claim": ("billablePeriod", "created"),
    "ClinicalImpression": ("effectiveDateTime", "effectivePeriod", "date"),
    "Communication": ("sent", "received"),
    "CommunicationRequest": ("authoredOn", "occurrenceDateTime", "occurrencePeriod"),
    "Condition": ("onsetDateTime", "onsetPeriod", "recordedDate"),
    "Consent": ("dateTime",),
    "DetectedIssue": ("identifiedDateTime", "identifiedPeriod"),
    "DeviceUseStatement": ("timingDateTime", "timingPeriod", "recordedOn"),
    "DiagnosticReport": ("effectiveDateTime", "effectivePeriod", "issued"),
    "DocumentReference": ("date",),
    "ExplanationOfBenefit": ("billablePeriod", "created"),
    "Goal": ("startDate", "statusDate"),
    "ImagingStudy": ("started",),
    "Immunization": ("occurrenceDateTime", "recorded"),
    "MedicationDispense": ("whenHandedOver", "whenPrepared"),
    "MedicationRequest": ("authoredOn",),
    "MedicationStatement": ("effectiveDateTime", "effectivePeriod", "dateAsserted"),
    "NutritionOrder": ("dateTime",),
    "Observation": ("effectiveDateTime", "effectiveInstant", "effectivePeriod", "effectiveTiming", "issued"),
    "Provenance": ("occurredDateTime", "occurredPeriod", "recorded"),
    "Schedule": ("planningHorizon",),
    "ServiceRequest": ("authoredOn", "occurrenceDateTime", "occurrencePeriod", "occurrenceTiming"),
    "Specimen": ("receivedTime",),
    "Task": ("authoredOn", "executionPeriod", "lastModified"),
    "VisionPrescription": ("dateWritten", "created"),
}
