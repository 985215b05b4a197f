"""From resources to plain words."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from fellesjournal.citizen.own import fhir as read_as
from fellesjournal.citizen.own.model import by_month
from fellesjournal.clinical.directory import Directory, Party
from fellesjournal.kit.clock import OSLO

KARI = {"reference": "Practitioner/kari"}
DIRECTORY = Directory(
    {"Practitioner/kari": Party("Kari Elise Nordhaug"), "Organization/gp": Party("Tindvåg legesenter")}
)
LOINC = "http://loinc.org"


def observation(code: str, at: str, **value: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "code": {"coding": [{"system": LOINC, "code": code, "display": "English"}]},
        "effectiveDateTime": at, "performer": [KARI], **value,
    }  # fmt: skip


def quantity(value: str, unit: str) -> dict[str, Any]:
    return {"valueQuantity": {"value": Decimal(value), "unit": unit}}


def pressure(at: str, systolic: str, diastolic: str) -> dict[str, Any]:
    return observation("85354-9", at, component=[quantity(systolic, "mmHg"), quantity(diastolic, "mmHg")])


def test_blood_pressure_is_one_measurement_with_two_lines() -> None:
    taken = [pressure("2026-01-02T10:00:00+01:00", "140", "80"), pressure("2026-03-02T10:00:00+01:00", "132", "78")]
    (found,) = read_as.series(taken, directory=DIRECTORY, laboratory=False)
    assert (found.name, found.unit, found.latest.shown) == ("Blodtrykk", "mmHg", "132/78")
    assert [[value for _, value in line] for line in found.lines] == [[132, 140], [78, 80]]
    assert found.latest.by == "Kari Elise Nordhaug"


def test_an_unknown_measurement_keeps_its_own_name_and_comes_last() -> None:
    odd = observation("99999-9", "2026-01-02", **quantity("1", "x"))
    weight = observation("29463-7", "2026-01-02", **quantity("72.5", "kg"))
    found = read_as.series([odd, weight], directory=DIRECTORY, laboratory=False)
    assert [one.name for one in found] == ["Vekt", "English"]
    assert found[0].latest.shown == "72,5"


def test_a_laboratory_answer_outside_the_usual_is_marked() -> None:
    answer = observation("x", "2026-01-02", **quantity("58", "mmol/mol"))
    answer |= {
        "code": {"coding": [{"code": "NPU27300"}]}, "interpretation": [{"coding": [{"code": "H"}]}],
        "referenceRange": [{"low": {"value": Decimal(20)}, "high": {"value": Decimal(42)}}],
    }  # fmt: skip
    (found,) = read_as.series([answer], directory=DIRECTORY, laboratory=True)
    assert (found.name, found.usual, found.latest.level) == ("HbA1c (langtidsblodsukker)", "20–42", "high")
    assert found.lines == ()


def test_a_value_that_is_no_number_is_said() -> None:
    given = observation("oxygen-given", "2026-01-02", valueBoolean=False)
    (found,) = read_as.series([given], directory=DIRECTORY, laboratory=False)
    assert (found.latest.shown, found.lines) == ("Nei", ())


def test_a_measurement_without_a_value_is_left_out() -> None:
    assert read_as.series([observation("8867-4", "2026-01-02")], directory=DIRECTORY, laboratory=False) == []


def test_a_medicine_tells_what_how_and_why() -> None:
    found = read_as.medicine(
        {
            "medicationCodeableConcept": {
                "text": "Alendronat tabletter 70 mg",
                "coding": [{"system": read_as.ATC, "code": "M05BA04", "display": "alendronsyre"}],
            },
            "effectivePeriod": {"start": "2025-02-03"}, "informationSource": KARI,
            "reasonCode": [{"coding": [{"code": "L95", "display": "Osteoporose"}]}],
            "dosage": [{"text": "1 tablett én dag i uken", "asNeededBoolean": False}],
        },
        directory=DIRECTORY,
    )  # fmt: skip
    assert (found.name, found.substance) == ("Alendronat tabletter 70 mg", "alendronsyre")
    assert found.dose == "1 tablett én dag i uken"
    assert (found.reason, found.since, found.by) == ("Osteoporose", date(2025, 2, 3), "Kari Elise Nordhaug")


def test_a_vaccine_says_what_it_is_against() -> None:
    found = read_as.vaccine(
        {
            "vaccineCode": {"text": "DTP-IPV", "coding": [{"system": read_as.ATC, "code": "J07CA02"}]},
            "occurrenceDateTime": "2026-01-02T10:00:00+01:00", "protocolApplied": [{"doseNumberPositiveInt": 4}],
        },
        directory=DIRECTORY,
    )  # fmt: skip
    assert (found.against, found.dose) == ("Difteri, stivkrampe, kikhoste og polio", 4)


def test_contacts_are_gathered_by_norwegian_month() -> None:
    first = datetime(2026, 11, 1, 0, 10, tzinfo=OSLO)
    resources = [{"id": str(n), "period": {"start": (first - timedelta(minutes=20 * n)).isoformat()}} for n in range(3)]
    contacts = [read_as.contact(one, directory=DIRECTORY) for one in resources]
    months = by_month(one for one in contacts if one is not None)
    assert [(month.on, len(month.contacts)) for month in months] == [(date(2026, 11, 1), 1), (date(2026, 10, 1), 2)]


def test_an_appointment_names_people_and_place() -> None:
    found = read_as.appointment(
        {
            "id": "a", "start": "2026-11-23T09:20:00+01:00",
            "participant": [
                {"actor": KARI}, {"actor": {"reference": "Location/l"}}, {"actor": {"reference": "Patient/p"}},
            ],
        },
        directory=DIRECTORY, places={"Location/l": "Tindvåg legesenter"},
    )  # fmt: skip
    assert found is not None
    assert (found.people, found.place) == ("Kari Elise Nordhaug", "Tindvåg legesenter")
