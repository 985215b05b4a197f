"""Small resources that tests start from: each is valid R4."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

Json = dict[str, Any]


def patient(**changes: Any) -> Json:
    """A synthetic person (birth number's month + 80)."""
    return {
        "resourceType": "Patient",
        "id": "p1",
        "meta": {
            "lastUpdated": "2026-03-01T12:00:00.5+01:00",
            "profile": ["http://hl7.no/fhir/StructureDefinition/no-basis-Patient"],
            "tag": [{"system": "urn:tag", "code": "test"}],
        },
        "identifier": [{"system": "urn:oid:2.16.578.1.12.4.1.4.1", "value": "01815012345"}],
        "name": [{"family": "Ærlighet-Åsen", "given": ["Kåre", "André"], "text": "Kåre André Ærlighet-Åsen"}],
        "telecom": [
            {"system": "phone", "value": "+4799999999"},
            {"system": "email", "value": "k@example.no"},
        ],
        "gender": "male",
        "birthDate": "1950-01-01",
        "address": [{"line": ["Storgata 1"], "city": "Tromsø", "postalCode": "9008"}],
        "generalPractitioner": [{"identifier": {"system": "urn:hpr", "value": "99"}}],
        **changes,
    }


def observation(**changes: Any) -> Json:
    """A blood pressure with two components and one value for all kinds of rows."""
    loinc = "http://loinc.org"
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": loinc, "code": "85354-9"}], "text": "Blodtrykk"},
        "subject": {"reference": "Patient/p1"},
        "performer": [{"reference": "Practitioner/9/_history/3"}],
        "effectiveDateTime": "2024-03-31",
        "component": [
            {"code": {"coding": [{"system": loinc, "code": "8480-6"}]}, "valueQuantity": mmhg("120")},
            {"code": {"coding": [{"system": loinc, "code": "8462-4"}]}, "valueQuantity": mmhg("80.0")},
        ],
        **changes,
    }


def mmhg(value: str) -> Json:
    """A pressure."""
    system = "http://unitsofmeasure.org"
    return {"value": Decimal(value), "unit": "mmHg", "system": system, "code": "mm[Hg]"}


def without(resource: Json, *keys: str) -> Json:
    """The same resource less these properties."""
    return {k: v for k, v in resource.items() if k not in keys}
