"""Resources that the tests of this folder evaluate expressions on."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

BIRTH_TIME = "http://hl7.org/fhir/StructureDefinition/patient-birthTime"

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Ola</div>'},
    "active": True,
    "name": [
        {"use": "official", "family": "Nordmann", "given": ["Ola", "Per"]},
        {"use": "usual", "given": ["Olis"]},
        {"use": "maiden", "family": "Berg", "given": ["Ola", "Per"], "period": {"end": "2002"}},
    ],
    "telecom": [{"system": "phone", "value": "123", "use": "work", "rank": 1}, {"use": "home"}],
    "gender": "male",
    "birthDate": "1974-12-25",
    "_birthDate": {"extension": [{"url": BIRTH_TIME, "valueDateTime": "1974-12-25T14:35:45+01:00"}]},
    "deceasedBoolean": False,
    "_multipleBirthInteger": {"extension": [{"url": "urn:absent", "valueCode": "unknown"}]},
    "contact": [{"name": {"family": "Dahl"}, "gender": "female"}],
    "managingOrganization": {"reference": "Organization/1"},
    "generalPractitioner": [{"reference": "#gp"}, {"type": "Organization", "identifier": {"value": "9"}}],
    "contained": [{"resourceType": "Practitioner", "id": "gp", "gender": "female"}],
}

OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o1",
    "status": "final",
    "category": [{"coding": [{"system": "urn:category", "code": "vital-signs"}]}],
    "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
    "subject": {"reference": "http://example.org/fhir/Patient/p1/_history/2"},
    "effectiveDateTime": "2020-05-01T10:00:00.5+02:00",
    "valueQuantity": {
        "value": Decimal("72.50"),
        "unit": "kilo",
        "system": "http://unitsofmeasure.org",
        "code": "kg",
    },
    "component": [
        {"code": {"text": "a"}, "valueInteger": 3},
        {"code": {"text": "b"}, "valueString": "x"},
        {"code": {"text": "c"}, "valueQuantity": {"value": 1, "comparator": "<"}},
    ],
}
