"""A measurement as an Observation, and back. The same shapes as every other writer of them here."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from fellesjournal.access.model import PatientId
from fellesjournal.clinical.measurements.model import KINDS, Kind, Measurement
from fellesjournal.clinical.pieces import (
    HL7,
    LOCAL,
    LOINC,
    UCUM,
    Json,
    codes_in,
    concept,
    instant,
    patient_ref,
    practitioner_ref,
    ref,
    unit_ref,
)
from fellesjournal.identity.model import Reader

SNOMED = "http://snomed.info/sct"
ACVPU_CODE = "1104441000000107"
ACVPU_VALUE = f"{LOCAL}acvpu"
MEASUREMENT = f"{LOCAL}measurement"
OXYGEN_GIVEN = "oxygen-given"

_OTHER_CODES = {"2708-6": "sat"}
_BY_LOINC = {kind.loinc: kind.code for kind in KINDS.values() if kind.loinc} | _OTHER_CODES


def observation(one: Measurement, *, patient: PatientId, reader: Reader, encounter: str | None, at: datetime) -> Json:
    """One measurement, final, by the reader."""
    kind = KINDS[one.kind]
    found: Json = {
        "resourceType": "Observation",
        "status": "final",
        "category": [concept(f"{HL7}observation-category", kind.category)],
        "code": _code(kind),
        "subject": patient_ref(patient),
        "effectiveDateTime": instant(at),
        "performer": [practitioner_ref(reader), unit_ref(reader)],
    }
    if encounter:
        found["encounter"] = ref("Encounter", encounter)
    return found | _value(kind, one)


def measurement_from(resource: dict[str, Any]) -> Measurement | None:
    """A stored Observation as one of our measurements; None for anything else or a value that is not there."""
    kind = kind_of(resource)
    if kind is None:
        return None
    if kind.code == "air":
        given = resource.get("valueBoolean")
        return None if given is None else Measurement("air", code="oxygen" if given else "air")
    if kind.code == "acvpu":
        code = next(iter(codes_in(resource.get("valueCodeableConcept"), ACVPU_VALUE)), "")
        return Measurement("acvpu", code=code) if code else None
    values = _numbers(kind, resource)
    return Measurement(kind.code, values) if values else None


def kind_of(resource: dict[str, Any]) -> Kind | None:
    """Which of our kinds an Observation measures."""
    code = resource.get("code")
    if ACVPU_CODE in codes_in(code, SNOMED):
        return KINDS["acvpu"]
    if OXYGEN_GIVEN in codes_in(code, MEASUREMENT):
        return KINDS["air"]
    found = (_BY_LOINC[one] for one in codes_in(code, LOINC) if one in _BY_LOINC)
    name = next(found, None)
    return KINDS[name] if name else None


def search_codes(kinds: tuple[str, ...]) -> str:
    """The value of a `code` search for these kinds."""
    tokens = []
    for name in kinds:
        if name == "acvpu":
            tokens.append(f"{SNOMED}|{ACVPU_CODE}")
        elif name == "air":
            tokens.append(f"{MEASUREMENT}|{OXYGEN_GIVEN}")
        else:
            tokens.append(f"{LOINC}|{KINDS[name].loinc}")
    return ",".join(tokens)


def quantity(value: Decimal | int, unit: str, ucum: str) -> Json:
    """A UCUM quantity."""
    return {"value": value, "unit": unit, "system": UCUM, "code": ucum}


def _code(kind: Kind) -> Json:
    if kind.code == "acvpu":
        return concept(SNOMED, ACVPU_CODE, text="ACVPU")
    if kind.code == "air":
        return concept(MEASUREMENT, OXYGEN_GIVEN, "Oksygentilførsel")
    code = concept(LOINC, kind.loinc, kind.display)
    if kind.code == "sat":
        # The vital signs profile asks for this code too.
        code["coding"].append({"system": LOINC, "code": "2708-6", "display": "Oxygen saturation in Arterial blood"})
    return code


def _value(kind: Kind, one: Measurement) -> Json:
    if kind.code == "air":
        return {"valueBoolean": one.code == "oxygen"}
    if kind.code == "acvpu":
        return {"valueCodeableConcept": concept(ACVPU_VALUE, one.code, dict(kind.choices)[one.code])}
    if len(kind.parts) == 1:
        return {"valueQuantity": quantity(one.values[0], kind.unit, kind.ucum)}
    return {
        "component": [
            {
                "code": concept(LOINC, part.loinc, part.display),
                "valueQuantity": quantity(value, kind.unit, kind.ucum),
            }
            for part, value in zip(kind.parts, one.values, strict=True)
        ]
    }


def _numbers(kind: Kind, resource: dict[str, Any]) -> tuple[Decimal, ...]:
    if len(kind.parts) == 1:
        value = resource.get("valueQuantity", {}).get("value")
        return () if value is None else (Decimal(value),)
    by_code = {
        code: one.get("valueQuantity", {}).get("value")
        for one in resource.get("component", ())
        for code in codes_in(one.get("code"), LOINC)
    }
    values = [by_code.get(part.loinc) for part in kind.parts]
    return tuple(Decimal(value) for value in values if value is not None) if None not in values else ()
