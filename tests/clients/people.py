"""What every client's test sends: a person with a number of her own, and weights with a place for a text."""

import uuid
from typing import Any

SYSTEM = "https://eksempel.no/id"


def new_number() -> str:
    """A number that no other person in the tests has."""
    return uuid.uuid4().hex


def patient(number: str, family: str = "Kundesen") -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "identifier": [{"system": SYSTEM, "value": number}],
        "name": [{"family": family, "given": ["Ærlig", "Åse"]}],
        "gender": "female",
        "birthDate": "1970-02-03",
    }


def weight(subject: str, day: int) -> dict[str, Any]:
    """Body weight of a day of January; `subject` is a reference."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": subject},
        "effectiveDateTime": f"2026-01-{day:02}",
        "valueQuantity": {"value": 70 + day, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    }


def family(count: int) -> dict[str, Any]:
    """A transaction: a new person and so many weights that name her by `urn:uuid`."""
    name = f"urn:uuid:{uuid.uuid4()}"
    sent = [patient(new_number()), *(weight(name, day) for day in range(1, count + 1))]
    names = [name, *(f"urn:uuid:{uuid.uuid4()}" for _ in range(count))]
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": full_url, "resource": one, "request": {"method": "POST", "url": one["resourceType"]}}
            for full_url, one in zip(names, sent, strict=True)
        ],
    }
