"""What references may name: types that their element allows, and places that are there."""

from __future__ import annotations

from typing import Any

import pytest

from fellesjournal.fhir import validate
from fellesjournal.fhir.compile_validator import accepts
from tests.fhir.samples import Json, observation, patient

GROUP = {"resourceType": "Group", "id": "g", "type": "person", "actual": True}
MEDICATION = {"resourceType": "Medication", "id": "m", "status": "active"}
ENTRY = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"


def faults(resource: Json) -> list[tuple[str, str]]:
    found = [(issue.code, issue.expression) for issue in validate(resource)]
    assert accepts(resource) == (not found)
    return found


def about(subject: Json, **more: Any) -> Json:
    return observation(subject=subject, **more)


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Patient/1"},
        {"reference": "Patient/1/_history/2"},
        {"reference": "Group/1", "type": "Group"},
        {"reference": "https://other.no/fhir/Patient/1"},
        {"reference": "https://other.no/fhir/Practitioner/1/extra"},
        {"reference": "https://other.no/Practitioner?x=1"},
        {"reference": "https://other.no/Dragon/1"},
        {"reference": ENTRY},
        {"reference": "someone"},
        {"identifier": {"value": "1"}, "type": "Patient"},
        {"identifier": {"value": "1"}, "type": "http://hl7.org/fhir/StructureDefinition/Patient"},
        {"identifier": {"value": "1"}, "type": "http://example.org/logical/Ship"},
        {"display": "someone"},
    ],
)
def test_reference_to_what_the_element_allows_passes(subject: Json) -> None:
    assert faults(about(subject)) == []


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Practitioner/1"},
        {"reference": "Practitioner/1/_history/2"},
        {"reference": "https://other.no/fhir/Practitioner/1"},
        {"reference": "Patient?identifier=x|1"},
        {"reference": "Dragon/1"},
        {"reference": "Patient/1", "type": "Group"},
        {"reference": ENTRY, "type": "Practitioner"},
        {"identifier": {"value": "1"}, "type": "Practitioner"},
        {"display": "someone", "type": "http://hl7.org/fhir/StructureDefinition/Practitioner"},
    ],
)
def test_reference_to_another_type_is_an_error(subject: Json) -> None:
    assert faults(about(subject)) == [("value", "Observation.subject")]


@pytest.mark.parametrize(("asked", "is_wrong"), [("Patient?identifier=x|1", False), ("Practitioner?name=x", True)])
def test_search_stands_for_a_reference_in_a_bundle(asked: str, is_wrong: bool) -> None:
    entry = {"request": {"method": "POST", "url": "Observation"}, "resource": about({"reference": asked})}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    assert [place for _, place in faults(bundle)] == ["Bundle.entry[0].resource.subject"] * is_wrong


def test_message_names_the_types_and_nothing_that_was_sent() -> None:
    (issue,) = validate(about({"reference": "Practitioner/01815012345"}))
    assert issue.diagnostics == "this may refer to Device, Group, Location or Patient, not to Practitioner"


def test_element_that_takes_any_resource_takes_any() -> None:
    extension = {"url": "http://x.no/any", "valueReference": {"reference": "Substance/1"}}
    assert faults(observation(extension=[extension])) == []


def test_contained_resource_must_be_there_and_of_a_type_that_is_allowed() -> None:
    assert faults(about({"reference": "#g"}, contained=[GROUP])) == []
    assert faults(about({"reference": "#x"})) == [("invariant", "Observation.subject")]
    found = faults(about({"reference": "#m"}, contained=[MEDICATION]))
    assert found == [("value", "Observation.subject")]


def test_contained_resources_may_refer_to_each_other_and_to_what_contains_them() -> None:
    first = {
        "resourceType": "Provenance", "id": "a", "target": [{"reference": "#"}], "recorded": "2026-01-01T00:00:00Z",
        "agent": [{"who": {"reference": "#b"}}],
    }  # fmt: skip
    second = {"resourceType": "Device", "id": "b", "parent": {"reference": "#b"}}
    assert faults(observation(contained=[first, second])) == []
    second["parent"] = {"reference": "#c"}
    assert faults(observation(contained=[first, second])) == [("invariant", "Observation.contained[1].parent")]


def bundle(*resources: Json, kind: str = "collection") -> Json:
    entries = [{"fullUrl": f"{ENTRY[:-1]}{n}", "resource": resource} for n, resource in enumerate(resources)]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def test_reference_to_another_entry_has_the_type_of_what_stands_there() -> None:
    assert faults(bundle(about({"reference": f"{ENTRY[:-1]}1"}), patient())) == []
    found = faults(bundle(about({"reference": f"{ENTRY[:-1]}1"}), MEDICATION))
    assert found == [("value", "Bundle.entry[0].resource.subject")]
    assert faults(bundle(about({"reference": f"{ENTRY[:-1]}2"}), MEDICATION)) == []


def test_an_entry_has_contained_resources_of_its_own() -> None:
    first, second = about({"reference": "#g"}, contained=[GROUP]), about({"reference": "#g"})
    assert faults(bundle(first, second)) == [("invariant", "Bundle.entry[1].resource.subject")]


def test_references_in_a_bundle_within_a_bundle_are_those_of_the_inner_one() -> None:
    inner = bundle(about({"reference": f"{ENTRY[:-1]}1"}), MEDICATION)
    found = faults(bundle(inner, patient()))
    assert found == [("value", "Bundle.entry[0].resource.entry[0].resource.subject")]
