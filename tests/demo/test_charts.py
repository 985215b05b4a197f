"""Whole records: valid FHIR that hangs together, from the same seed always the same."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from fellesjournal.clinical import encounters
from fellesjournal.demo import emergencies, story
from fellesjournal.demo.charts import Item, directory_resources, patient_resource, person_resources
from fellesjournal.demo.model import World
from fellesjournal.demo.numbers import Numbers
from fellesjournal.fhir import validate
from fellesjournal.national import identifiers
from fellesjournal.terminology import icpc2

NOW = datetime(2026, 11, 23, 11, 15, tzinfo=ZoneInfo("Europe/Oslo"))
Records = dict[str, list[Item]]


def record(world: World, key: str, today: date) -> list[Item]:
    return person_resources(world, world.person(key), seed=7, today=today, now=NOW)


@pytest.fixture(scope="session")
def records(world: World, today: date) -> Records:
    """Every fourth person, and the whole cast."""
    cast = [part.key for part in story.CAST if part.kind == "person"]
    keys = dict.fromkeys([*cast, *(one.key for one in world.people[::4])])
    return {key: record(world, key, today) for key in keys}


@pytest.fixture(scope="session")
def items(records: Records) -> list[Item]:
    return [item for found in records.values() for item in found]


def of_type(items: list[Item], kind: str) -> list[dict[str, Any]]:
    return [item.resource for item in items if item.resource["resourceType"] == kind]


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("reference"), str):
            yield node["reference"]
        for part in node.values():
            yield from references(part)
    elif isinstance(node, list):
        for part in node:
            yield from references(part)


def text_of(note: dict[str, Any]) -> str:
    div = note["section"][0]["text"]["div"]
    return re.sub(r"<[^>]+>", "", div.replace("</p><p>", "\n")).replace("&gt;", ">").replace("&lt;", "<")


def test_every_resource_is_valid_fhir(world: World, items: list[Item]) -> None:
    resources = [*directory_resources(world), *(item.resource for item in items)]
    faults = [(one["resourceType"], one["id"], issue) for one in resources for issue in validate(one)]
    assert faults == []


def test_the_same_seed_writes_the_same_record(world: World, today: date) -> None:
    for key in (story.ELDERLY, world.people[200].key):
        assert record(world, key, today) == record(world, key, today)


def test_ids_are_unique_and_every_reference_is_there(world: World, records: Records) -> None:
    shared = Counter(f"{one['resourceType']}/{one['id']}" for one in directory_resources(world))
    assert max(shared.values()) == 1
    for found in records.values():
        own = Counter(f"{item.resource['resourceType']}/{item.resource['id']}" for item in found)
        assert max(own.values()) == 1
        wanted = {reference for item in found for reference in references(item.resource)}
        assert wanted <= own.keys() | shared.keys()


def test_a_record_names_no_other_patient(records: Records) -> None:
    for key, found in records.items():
        named = {ref for item in found for ref in references(item.resource) if ref.startswith("Patient/")}
        assert named <= {f"Patient/{key}"}


def test_the_patient_comes_first_and_time_runs_forward(world: World, records: Records, today: date) -> None:
    for key, found in records.items():
        assert found[0].resource["resourceType"] == "Patient"
        person = world.person(key)
        assert found[0] == patient_resource(world, person, seed=7, today=today, now=NOW)
        times = [item.at for item in found[1:]]
        assert times == sorted(times)
        assert all(at.tzinfo for at in times)


def test_nothing_is_lived_in_the_future_or_before_birth(world: World, records: Records) -> None:
    for key, found in records.items():
        for item in found:
            if item.resource["resourceType"] not in ("Patient", "RelatedPerson"):
                assert world.person(key).birth_on <= item.at.date()
                assert item.at <= NOW


def test_controller_and_author_are_known(world: World, items: list[Item]) -> None:
    units = {unit.key for unit in world.units}
    staff = {member.key for member in world.staff}
    assert {item.unit for item in items} <= units
    assert {item.author for item in items if item.author} <= staff


def test_nobody_writes_in_the_own_record(world: World, records: Records) -> None:
    own = {one.key: one.person_key for one in world.staff if one.person_key}
    for key, found in records.items():
        assert all(own.get(item.author or "") != key for item in found)


def test_every_finished_contact_has_a_diagnosis_that_is_no_process_code(items: list[Item]) -> None:
    codes: dict[str, list[str]] = {}
    for one in of_type(items, "Condition"):
        codes.setdefault(one.get("encounter", {}).get("reference", ""), []).append(one["code"]["coding"][0]["code"])
    for encounter in of_type(items, "Encounter"):
        if encounter["status"] == "finished":
            found = codes.get(f"Encounter/{encounter['id']}") or [
                coding["code"] for reason in encounter["reasonCode"] for coding in reason["coding"]
            ]
            assert found
            assert all(icpc2.lookup(code) and not icpc2.is_process(code) for code in found)


def test_the_problem_list_is_a_choice_of_its_own(items: list[Item]) -> None:
    kinds = Counter(one["category"][0]["coding"][0]["code"] for one in of_type(items, "Condition"))
    assert kinds["encounter-diagnosis"] > kinds["problem-list-item"] > 100


def test_what_a_note_says_was_measured_is_what_was_recorded(records: Records) -> None:
    checked = 0
    for found in records.values():
        pressures = {
            (
                one["encounter"]["reference"],
                "/".join(str(part["valueQuantity"]["value"]) for part in one["component"]),
            )
            for one in of_type(found, "Observation")
            if "component" in one and "encounter" in one
        }
        for note in of_type(found, "Composition"):
            for pressure in re.findall(r"\bBT (\d+/\d+)", text_of(note)):
                checked += 1
                assert (note["encounter"]["reference"], pressure) in pressures
    assert checked > 500


def test_what_a_note_says_of_blood_tests_is_what_was_answered(records: Records) -> None:
    checked = 0
    for found in records.values():
        answers = {
            f"{one['valueQuantity']['value']}".replace(".", ",")
            for one in of_type(found, "Observation")
            if one["code"]["coding"][0]["code"] in ("NPU27300", "NPU19748", "NPU03577")
        }
        for note in of_type(found, "Composition"):
            for value in re.findall(r"\b(?:HbA1c|CRP|TSH) (\d+(?:,\d)?)", text_of(note)):
                checked += 1
                assert value in answers
    assert checked > 100


def test_two_notes_rarely_read_alike(items: list[Item]) -> None:
    texts = Counter(text_of(note) for note in of_type(items, "Composition"))
    count = sum(texts.values())
    assert count > 5000
    assert 1 - len(texts) / count < 0.01


def test_no_note_shows_the_seams_of_its_making(items: list[Item]) -> None:
    for note in of_type(items, "Composition"):
        text = text_of(note)
        assert not re.search(r"[{}|\[\]]|\.\.|,\.|\s[,.;:]|: *$|  ", text), text
        assert len(text) > 12


def test_authors_of_nynorsk_write_nynorsk(world: World, items: list[Item]) -> None:
    theirs = [
        text_of(item.resource) for item in items
        if item.resource["resourceType"] == "Composition" and item.author and
        world.member(item.author).nynorsk
    ]  # fmt: skip
    assert len(theirs) > 100
    bokmaal = re.compile(
        r"\b(ikke|hun|fra|noe|uke|uker|siden|hjemme|kommer|mye|syk|pasienten selv)\b", re.IGNORECASE
    )
    assert [text for text in theirs if bokmaal.search(text)] == []


def test_every_report_has_one_task_and_the_unsigned_ones_are_open(world: World, records: Records) -> None:
    for key, found in records.items():
        reports = {f"DiagnosticReport/{one['id']}" for one in of_type(found, "DiagnosticReport")}
        tasks = [one for one in of_type(found, "Task") if one["code"]["coding"][0]["code"] == "sign-result"]
        assert Counter(one["focus"]["reference"] for one in tasks) == Counter(reports)
        unsigned = any(one["status"] == "requested" for one in tasks)
        assert unsigned == world.person(key).unsigned_result


def test_every_gp_has_results_to_sign_and_appointments_today(world: World, today: date) -> None:
    for member in world.staff:
        if member.posts[0].role == "fastlege":
            own = [one for one in world.people if one.gp_staff == member.key]
            assert sum(one.unsigned_result for one in own) >= 5
            assert sum(b.at.date() == today for one in own for b in one.bookings) >= 8


def test_a_protected_address_is_marked_and_the_strictest_is_absent(world: World, today: date) -> None:
    for person in world.people:
        if person.protected:
            patient = patient_resource(world, person, seed=7, today=today, now=NOW).resource
            strict = person.protected == "strengt fortrolig"
            code = patient["meta"]["security"][0]["code"]
            assert code == ("strengtFortrolig" if strict else "fortrolig")
            assert ("address" in patient) != strict


def test_a_child_grows(world: World, today: date) -> None:
    child = next(one for one in world.people if 3 <= one.age_on(today) <= 4)
    heights = [
        (one["effectiveDateTime"], one["valueQuantity"]["value"])
        for one in of_type(record(world, child.key, today), "Observation")
        if one["code"]["coding"][0]["code"] == "8302-2"
    ]
    assert len(heights) >= 6
    assert [value for _, value in sorted(heights)] == sorted(value for _, value in heights)


def test_a_small_child_has_the_childhood_programme(world: World, today: date) -> None:
    doses = Counter(
        one["vaccineCode"]["text"]
        for person in world.people
        if person.age_on(today) == 3
        for one in of_type(record(world, person.key, today), "Immunization")
    )
    assert doses["DTP-IPV-Hib-HepB"] > doses["MMR"] > 0


def test_blood_sugar_falls_after_treatment_began(world: World, today: date) -> None:
    values = [
        float(one["valueQuantity"]["value"])
        for one in of_type(record(world, story.DIABETIC, today), "Observation")
        if one["code"]["coding"][0]["code"] == "NPU27300"
    ]
    assert len(values) >= 2
    assert all(42 < value < 100 for value in values)


def test_home_care_has_decisions_a_plan_and_visits_of_the_last_thirty_days(world: World, today: date) -> None:
    found = record(world, story.ELDERLY, today)
    visits = [one for one in of_type(found, "Encounter") if one["class"]["code"] == "HH"]
    assert len(visits) > 100
    assert of_type(found, "ServiceRequest")
    assert of_type(found, "CarePlan")
    assert {one["status"] for one in of_type(found, "EpisodeOfCare")} == {"active"}


def test_one_story_person_has_a_thousand_resources(world: World, today: date) -> None:
    assert len(record(world, story.ELDERLY, today)) >= 1000


def test_the_diabetic_has_results_to_sign_today(world: World, today: date) -> None:
    tasks = of_type(record(world, story.DIABETIC, today), "Task")
    assert [one for one in tasks if one["status"] == "requested"]


def test_the_dead_have_a_last_contact_and_nothing_after(world: World, today: date) -> None:
    for person in [one for one in world.people if one.deceased_on][:12]:
        found = record(world, person.key, today)
        last = of_type(found, "Encounter")[-1]
        assert last["reasonCode"][0]["coding"][0]["code"] == "A96"
        assert not [one for one in of_type(found, "MedicationStatement") if one["status"] == "active"]


def test_the_legevakt_measures_all_of_news2_in_the_grown_and_sick(items: list[Item]) -> None:
    measured = [one for one in of_type(items, "Observation") if "valueBoolean" in one]
    assert measured
    assert {one["code"]["coding"][0]["code"] for one in measured} == {"oxygen-given"}


def cases(world: World, today: date) -> dict[str, list[Item]]:
    """The records of those who have a contact with the legevakt now, by the key of the case."""
    return {one.case: record(world, one.key, today) for one in world.people if one.case}


def test_the_legevakt_has_people_at_every_stage_now(world: World, today: date) -> None:
    found = [
        encounters.contact_from(one, version=1)
        for items in cases(world, today).values()
        for one in of_type(items, "Encounter")[-1:]
    ]
    assert {one.stage for one in found} == {"phone", "arrived", "room", "done"}
    assert {one.urgency for one in found} == {"orange", "yellow", "green"}
    waits = [
        encounters.wait_of(
            began_at=one.began_at, triaged_at=one.triaged_at, urgency=one.urgency, now=NOW,
            scale=encounters.DEFAULT_SCALE,
        )
        for one in found if one.is_open
    ]  # fmt: skip
    assert sum(wait.is_retriage_due for wait in waits) == 1
    ages = [world.person(one.patient).age_on(today) for one in found]
    assert 5 <= len(found) <= 8
    assert min(ages) < 16 <= max(ages)
    assert story.TONIGHT not in {one.patient for one in found}


def test_those_at_the_legevakt_have_news2_when_they_are_grown(world: World, today: date) -> None:
    for key, items in cases(world, today).items():
        total = [one for one in of_type(items, "Observation") if one["code"].get("text") == "NEWS2"]
        case = emergencies.BY_KEY[key]
        assert len(total) == (1 if len(case.vitals) == 7 else 0)
        assert case.ages[0] >= 16 or not total


def test_what_is_finished_at_the_legevakt_is_signed_and_in_the_gps_inbox(world: World, today: date) -> None:
    for key in ("cut", "vomiting"):
        items = cases(world, today)[key]
        note = of_type(items, "Composition")[-1]
        encounter = of_type(items, "Encounter")[-1]
        assert note["encounter"]["reference"] == f"Encounter/{encounter['id']}"
        assert note["section"][0]["entry"]
        assert of_type(items, "Task")[-1]["focus"]["reference"] == f"Composition/{note['id']}"


def test_staff_and_units_are_named_where_they_are_referred_to(items: list[Item]) -> None:
    def unnamed(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if str(node.get("reference", "")).startswith(("Practitioner/", "Organization/")) and "display" not in node:
                yield node["reference"]
            for part in node.values():
                yield from unnamed(part)
        elif isinstance(node, list):
            for part in node:
                yield from unnamed(part)

    assert [found for item in items for found in unnamed(item.resource)] == []


@pytest.mark.parametrize("hour", [5, 11, 20])
def test_appointments_of_today_fit_the_clock(world: World, today: date, hour: int) -> None:
    now = NOW.replace(hour=hour)
    busy = [one for one in world.people if any(booking.at.date() == today for booking in one.bookings)][:40]
    for person in busy:
        found = person_resources(world, person, seed=7, today=today, now=now)
        held = {one["appointment"][0]["reference"] for one in of_type(found, "Encounter") if "appointment" in one}
        for one in of_type(found, "Appointment"):
            waited = (now - datetime.fromisoformat(one["start"])).total_seconds() / 60
            allowed = {"booked"} if waited < 5 else {"arrived", "fulfilled"} if waited < 76 else {"fulfilled"}
            assert one["status"] in allowed
            assert (one["status"] == "fulfilled") == (f"Appointment/{one['id']}" in held)
        assert all(item.at <= now for item in found)


def test_laboratory_answers_are_drawn_on_working_days(items: list[Item]) -> None:
    for report in of_type(items, "DiagnosticReport"):
        drawn = datetime.fromisoformat(report["effectiveDateTime"])
        assert drawn.weekday() < 5
        assert 7 < drawn.hour < 17
        assert datetime.fromisoformat(report["issued"]) > drawn


def test_staff_with_a_d_number_have_it_in_its_own_system(world: World) -> None:
    foreign = replace(world.staff[0], national_id=Numbers(Random(1)).national_id(
        birth_on=world.staff[0].birth_on, sex=world.staff[0].sex, d_number=True))  # fmt: skip
    for found in directory_resources(replace(world, staff=(foreign,))):
        assert list(identifiers.faults(found, is_demo=True)) == []


def test_a_newborn_without_a_number_is_a_valid_patient(world: World) -> None:
    newborn = replace(world.people[0], national_id=None, birth_on=NOW.date())
    patient = patient_resource(world, newborn, seed=1, today=NOW.date(), now=NOW).resource
    assert "identifier" not in patient
    assert validate(patient) == []
