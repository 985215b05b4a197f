"""Values with their trends, what is abnormal, which lane a contact lies in, and what a storyboard never shows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from fellesjournal.access.decide import Decision
from fellesjournal.clinical.directory import Directory, Party, grouped
from fellesjournal.clinical.overview.fhir import BLOOD_PRESSURE, lane_of, value_from
from fellesjournal.clinical.overview.model import reference_range, series
from fellesjournal.clinical.overview.storyboard import storyboard
from tests.clinical.people import PATIENT, READER

PRACTICE = Directory(
    {
        "Organization/u1": Party("Tindvåg legesenter", "KA01", "55 50 10 10"),
        "Practitioner/p1": Party("Kari Nordhaug"),
    }
)


def answer(value: str, mark: str | None = None, **bounds: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "Observation",
        "id": "x",
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {"coding": [{"code": "NPU27300", "display": "Hb(B)-HbA1c"}]},
        "effectiveDateTime": "2026-11-20T08:00:00+01:00",
        "valueQuantity": {"value": Decimal(value), "unit": "mmol/mol"},
        "referenceRange": [{edge: {"value": Decimal(number)} for edge, number in bounds.items()}],
    }
    return found | ({"interpretation": [{"coding": [{"code": mark}]}]} if mark else {})


@pytest.mark.parametrize(
    ("value", "mark", "abnormal"),
    [
        ("58", "H", "high"),
        ("58", None, "high"),
        ("19", None, "low"),
        ("42", None, None),
        ("58", "N", None),
        ("30", "LL", "low"),
    ],
)
def test_answer_is_marked_by_what_it_says_and_else_by_its_range(
    value: str, mark: str | None, abnormal: str | None
) -> None:
    found = value_from(answer(value, mark, low="20", high="42"))
    assert found is not None and found.abnormal == abnormal


def test_reference_range_is_written_with_the_sides_it_has() -> None:
    both = value_from(answer("30", low="3.5", high="5.0"))
    upper = value_from(answer("30", high="5"))
    assert both and reference_range(both) == "3,5–5,0"
    assert upper and reference_range(upper) == "≤ 5"


def test_number_keeps_its_last_zero() -> None:
    found = value_from(answer("72.50"))
    assert found is not None and found.shown == "72,50"


def test_blood_pressure_is_one_value_of_two_numbers() -> None:
    found = value_from(
        {
            "id": "x",
            "status": "final",
            "code": {"coding": [{"code": BLOOD_PRESSURE}]},
            "effectiveDateTime": "2026-11-20",
            "component": [
                {"code": {"coding": [{"code": "8480-6"}]}, "valueQuantity": {"value": Decimal(142)}},
                {"code": {"coding": [{"code": "8462-4"}]}, "valueQuantity": {"value": Decimal(86)}},
            ],
        },
    )
    assert found is not None and (found.shown, found.unit) == ("142/86", "mmHg")


def test_error_is_no_value() -> None:
    assert value_from(answer("30") | {"status": "entered-in-error"}) is None


def test_series_has_the_newest_value_first() -> None:
    rows = [answer("50") | {"effectiveDateTime": f"2026-0{n}-01"} for n in (3, 1, 2)]
    found = series(value for row in rows if (value := value_from(row)))
    assert len(found) == 1
    assert [one.at.astimezone(UTC).month for one in found[0].earlier] == [1, 12]


@pytest.mark.parametrize(
    ("service", "act", "lane"),
    [
        ("KA01", "AMB", "gp"),
        ("KA02", "VR", "legevakt"),
        ("KP02", "HH", "home"),
        ("KP02", "IMP", "ward"),
        ("KF01", "AMB", "child"),
        ("", "AMB", "other"),
    ],
)
def test_contact_lies_in_the_lane_of_its_service(service: str, act: str, lane: str) -> None:
    assert lane_of({"class": {"code": act}}, service) == lane


def story_of(person: dict[str, Any], **more: list[dict[str, Any]]) -> Any:
    found: dict[str, Any] = {"patient": [person], "kin": [], "flags": [], "allergies": [], "episodes": []}
    return storyboard(
        found | more, decision=Decision(reader=READER, patient=PATIENT, blocked=2),
        directory=PRACTICE.about(person, "nb"),
        on=date(2026, 11, 23), language="nb", chart_url="/pasienter/x",
    )  # fmt: skip


def person(protection: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "Patient",
        "identifier": [{"use": "official", "value": "06874412345"}],
        "name": [{"use": "official", "given": ["Borghild"], "family": "Ulvestad"}],
        "gender": "female",
        "birthDate": "1944-07-06",
        "address": [{"line": ["Strandveien 1"], "city": "Tindvåg"}],
        "generalPractitioner": [{"reference": "Practitioner/p1"}, {"reference": "Organization/u1"}],
    }
    return found | ({"meta": {"security": [{"code": protection}]}} if protection else {})


def test_storyboard_masks_the_number_and_holds_no_address() -> None:
    story = story_of(person())
    assert (story.name, story.age, story.masked_id, story.blocked) == ("Borghild Ulvestad", "82 år", "068744 *****", 2)
    assert "12345" not in repr(story)
    assert "Strandveien" not in repr(story)


def test_strictly_protected_person_shows_no_place_by_way_of_the_unit() -> None:
    story = story_of(person("strengtFortrolig"))
    assert story.protected
    assert "Tindvåg" not in repr(story)


def test_nothing_recorded_is_not_nothing_there() -> None:
    assert story_of(person()).critical is None


def test_severe_allergy_that_is_critical_information_is_said_once() -> None:
    flag = {
        "status": "active",
        "category": [{"coding": [{"code": "critical-information"}]}],
        "code": {"text": "Alvorlig overfølsomhet: Penicillin (anafylaksi)"},
    }
    allergy = {
        "criticality": "high",
        "code": {"text": "Penicillin"},
        "reaction": [{"manifestation": [{"text": "Anafylaksi"}]}],
    }
    mild = {"criticality": "low", "code": {"text": "Nikkel"}}
    story = story_of(person(), flags=[flag], allergies=[mild, allergy])
    assert [(one.text[:12], one.critical) for one in story.critical] == [("Alvorlig ove", True), ("Nikkel", False)]


def test_telephone_numbers_are_written_in_groups() -> None:
    assert grouped("41200000") == "412 00 000"
    assert grouped("+4755501010") == "55 50 10 10"
    assert grouped("113") == "113"


def test_day_of_a_value_is_an_instant_with_a_zone() -> None:
    found = value_from(answer("30"))
    assert found is not None and found.at == datetime(2026, 11, 20, 7, tzinfo=UTC)
