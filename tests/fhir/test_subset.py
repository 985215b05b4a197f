"""A part of a resource, as `_summary` and `_elements` ask for it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fellesjournal.fhir import SUMMARIES, Summary, parse, subset, validate, write_xml
from tests.fhir.generated import resources
from tests.fhir.samples import Json, observation, patient
from tests.needs import SHARED

TAG = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
TEXT = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">a</div>'}


def names(resource: Json) -> list[str]:
    """The elements of a resource but those that say which it is."""
    return [key for key in resource if key not in ("resourceType", "id", "meta")]


def test_a_summary_has_what_the_definitions_mark_on_every_level() -> None:
    contact = [{"name": {"family": "Pårørende"}}]
    photo = [{"contentType": "image/png", "data": "QUJD", "title": "t"}]
    person = patient(contact=contact, photo=photo, text=TEXT, extension=[{"url": "u", "valueCode": "c"}])
    assert names(subset(person, summary="true")) == ["identifier", "name", "telecom", "gender", "birthDate", "address"]
    document = {
        "resourceType": "DocumentReference", "status": "current",
        "content": [{"attachment": {"contentType": "image/png", "data": "QUJD", "title": "t"}, "extension": []}],
    }  # fmt: skip
    assert subset(document, summary="true")["content"] == [{"attachment": {"contentType": "image/png", "title": "t"}}]


def test_a_summary_keeps_the_extensions_of_a_value() -> None:
    absent = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}
    person = patient(name=[{"family": "A", "extension": [absent]}], _birthDate={"extension": [absent]})
    shown = subset(person, summary="true")
    assert (shown["name"], shown["_birthDate"]) == (person["name"], person["_birthDate"])


def test_a_summary_of_a_bundle_sums_up_what_is_in_it() -> None:
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient(text=TEXT)}]}
    assert "text" not in subset(bundle, summary="true")["entry"][0]["resource"]


def test_text_has_the_text_and_what_is_mandatory() -> None:
    assert names(subset(observation(text=TEXT), summary="text")) == ["status", "code", "text"]


def test_data_lacks_the_text_alone() -> None:
    assert names(subset(patient(text=TEXT), summary="data")) == names(patient())


@pytest.mark.parametrize("summary", ["false", "count", ""])
def test_the_whole_resource_is_the_resource_itself(summary: Summary) -> None:
    person = patient()
    assert subset(person, summary=summary) is person


@pytest.mark.parametrize(
    ("wished", "shown"),
    [
        (["name"], ["status", "code"]),
        (["subject"], ["status", "code", "subject"]),
        (["effective"], ["status", "code", "effectiveDateTime"]),
        (["effective[x]"], ["status", "code", "effectiveDateTime"]),
        (["effectiveDateTime"], ["status", "code", "effectiveDateTime"]),
        (["Observation.subject", "Patient.component"], ["status", "code", "subject"]),
        (["component.code"], ["status", "code", "component"]),
        (["implicitRules"], ["status", "code"]),
        (["Patient.name"], names(observation())),
    ],
)
def test_elements_are_those_named_and_the_mandatory(wished: list[str], shown: list[str]) -> None:
    assert names(subset(observation(), elements=wished)) == shown


def test_elements_keep_what_changes_the_meaning() -> None:
    rules: dict[str, Any] = {"implicitRules": "urn:x", "modifierExtension": [{"url": "u", "valueBoolean": True}]}
    assert names(subset(patient(**rules), elements=["gender"])) == ["gender", *rules]


def test_elements_of_a_summary_are_in_both() -> None:
    assert names(subset(patient(text=TEXT), summary="true", elements=["text", "gender"])) == ["gender"]


def test_a_part_says_that_it_is_one() -> None:
    assert subset(patient(), elements=["name"])["meta"]["tag"] == [{"system": "urn:tag", "code": "test"}, TAG]
    bare = subset({"resourceType": "Basic", "id": "1", "code": {"text": "x"}}, elements=["code"])
    assert list(bare) == ["resourceType", "id", "meta", "code"]
    assert subset(bare, elements=["code"])["meta"]["tag"] == [TAG]


def test_what_was_given_is_not_changed() -> None:
    person = patient()
    subset(person, summary="true")
    assert person == patient()


@pytest.mark.needs("shared")
@pytest.mark.parametrize("summary", ["true", "text", "data"])
def test_a_part_of_an_official_example_has_its_structure(summary: Summary) -> None:
    for path in sorted((SHARED / "data/fhir-r4-examples-dev").glob("*.json")):
        document = parse(path.read_bytes())
        if not validate(document):
            issues = validate(subset(document, summary=summary))
            # What an invariant or a local reference needs may have been left out.
            assert [issue for issue in issues if issue.code != "invariant"] == [], path.name


@given(resources(), st.sampled_from(SUMMARIES), st.lists(st.sampled_from(["text", "name", "status", "Patient.name"])))
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_part_of_any_resource_is_a_resource_and_a_part_of_it_is_itself(
    resource: Json, summary: Summary, elements: list[str]
) -> None:
    part = subset(resource, summary=summary, elements=elements)
    assert write_xml(part)
    assert subset(part, summary=summary, elements=elements) == part
    assert set(part) - {"meta"} <= set(resource)
