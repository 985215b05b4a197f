"""Profiles as their authors publish them: with a snapshot or a differential alone, with ids or without, or broken."""

from __future__ import annotations

from typing import Any

import pytest

from fellesjournal.fhir.profile import ProfileError, Profiles
from tests.fhir.profile.definitions import (
    CORE,
    FNR,
    URL,
    Held,
    Json,
    coded,
    element,
    extension,
    identifier,
    observation,
    patient,
    places,
    profile,
    sliced,
)


def without_ids(definition: Json) -> Json:
    elements = [{k: v for k, v in one.items() if k != "id"} for one in definition["differential"]["element"]]
    return {**definition, "differential": {"element": elements}}


def as_snapshot(definition: Json, *inherited: Json) -> Json:
    """Publish the differential's elements as a snapshot, beside a few that are inherited."""
    elements = sorted([*inherited, *definition["differential"]["element"]], key=lambda one: one["id"])
    return {**definition, "snapshot": {"element": elements}, "differential": {"element": []}}


IDENTIFIED = profile(
    "identified",
    element("Patient", min=0, max_="*"),
    element("Patient.identifier", min=1, max_="*", slicing=sliced(("value", "system"))),
    element("Patient.identifier.value", min=1, max_="1"),
    element("Patient.identifier:FNR", min=0, max_="1"),
    element("Patient.identifier:FNR.system", min=1, max_="1", fixedUri=FNR),
    element("Patient.identifier:FNR.value", min=1, max_="1", maxLength=11),
)


@pytest.mark.parametrize("published", [IDENTIFIED, without_ids(IDENTIFIED), as_snapshot(IDENTIFIED)])
def test_all_forms_of_a_profile_ask_the_same(published: Json) -> None:
    assert places(patient(), published) == ["Patient.identifier"]
    assert places(patient(identifier=[{"system": FNR}]), published) == ["Patient.identifier[0].value"]
    assert places(patient(identifier=[identifier("urn:x"), identifier(FNR, "123456789012")]), published) == [
        "Patient.identifier[1].value"
    ]
    assert places(patient(identifier=[identifier(FNR, "1"), identifier(FNR, "2")]), published) == ["Patient.identifier"]


def test_a_snapshot_is_enough_by_itself() -> None:
    """Its base need not be installed, nor be known at all."""
    published = as_snapshot(IDENTIFIED) | {"baseDefinition": URL + "unknown"}
    assert places(patient(), published) == ["Patient.identifier"]


def test_a_differential_needs_its_base() -> None:
    derived = profile("derived", element("Patient.gender", min=1), base=URL + "identified")
    assert places(patient(identifier=[identifier(FNR)]), derived, IDENTIFIED) == ["Patient.gender"]
    with pytest.raises(ProfileError, match=r"derived has no snapshot, and the profile .*identified is not"):
        Profiles(Held(derived)).profile(derived["url"])


def test_a_slice_inherits_what_holds_for_all() -> None:
    fixed = profile(
        "fixed",
        element("Observation.component", slicing=sliced(("pattern", "code"))),
        element("Observation.component.dataAbsentReason", max_="0"),
        element("Observation.component:a", min=1),
        element("Observation.component:a.code", patternCodeableConcept=coded("urn:c", "a")),
        of="Observation",
    )
    absent = {"dataAbsentReason": {"text": "?"}}
    resource = observation(component=[{"code": coded("urn:c", "a"), **absent}, {"code": {"text": "b"}, **absent}])
    assert places(resource, fixed) == [
        "Observation.component[0].dataAbsentReason",
        "Observation.component[1].dataAbsentReason",
    ]


def test_data_types_and_their_profiles_are_unfolded() -> None:
    coded_name = profile("name", element("HumanName.family", min=1), of="HumanName")
    unfolded = profile(
        "unfolded",
        element("Patient.name", type=[{"code": "HumanName", "profile": [URL + "name"]}]),
        element("Patient.name.period.start", min=1),
        element("Patient.name.given", max_="1"),
    )
    resource = patient(name=[{"given": ["A", "B"], "period": {"end": "2020"}}])
    assert places(resource, unfolded, coded_name) == [
        "Patient.name[0].family",
        "Patient.name[0].given",
        "Patient.name[0].period.start",
    ]


def test_parts_of_an_extension_are_constrained_through_a_profile() -> None:
    outer = extension(
        "outer",
        element("Extension.extension:code"),
        element("Extension.extension:code.url", fixedUri="code"),
        element("Extension.extension:code.value[x]", type=[{"code": "CodeableConcept"}]),
        element("Extension.value[x]", max_="0"),
    )
    through = profile(
        "through",
        element("Patient.extension:outer", type=[{"code": "Extension", "profile": [URL + "outer"]}]),
        element("Patient.extension:outer.extension:code", min=1),
        element("Patient.extension:outer.extension:code.value[x].text", min=1),
    )
    part = {"url": "code", "valueCodeableConcept": coded("urn:c", "a")}
    resource = patient(extension=[{"url": URL + "outer", "extension": [part]}])
    assert places(resource, through, outer) == ["Patient.extension[0].extension[0].value.text"]


def test_a_name_on_an_element_that_cannot_repeat_makes_no_slice() -> None:
    """As in the official FamilyMemberHistory profile for genetics."""
    named = profile("named", element("Patient.gender:Sex", min=1))
    assert places(patient(), named) == ["Patient.gender"]


def test_r4s_own_type_profiles_need_no_package() -> None:
    simple = profile(
        "simple",
        element("Observation.value[x]", type=[{"code": "Quantity", "profile": [CORE + "SimpleQuantity"]}]),
        of="Observation",
    )
    assert places(observation(valueQuantity={"value": 1}), simple) == []
    assert places(observation(valueQuantity={"value": 1, "comparator": "<"}), simple) == [
        "Observation.value.comparator"
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"baseDefinition": URL + "broken"}, "built on itself"),
        ({"baseDefinition": None}, "neither a snapshot nor a base"),
        ({"type": "Nothing"}, "constrains no type of R4"),
        ({"differential": {"element": [element("Patient.nothing", min=1)]}}, "has no element nothing"),
        ({"differential": {"element": [element("Patient.name", min="x")]}}, "cannot be read"),
        ({"differential": {"element": [element("Patient.name", max_="many")]}}, "cannot be read"),
        ({"differential": {"element": ["x"]}}, "cannot be read"),
        ({"snapshot": {"element": [7]}}, "cannot be read"),
        ({"resourceType": "ValueSet"}, "is not installed"),
    ],
)
def test_a_broken_profile_is_refused_in_words(changes: dict[str, Any], said: str) -> None:
    broken = profile("broken", element("Patient.name", min=1)) | changes
    with pytest.raises(ProfileError, match=said):
        Profiles(Held(broken)).profile(broken["url"])
    report = Profiles(Held(broken)).check(patient(), profiles=[broken["url"]])
    assert [(i.severity, i.code) for i in report.issues] == [("error", "not-found")]
    assert said in report.issues[0].diagnostics


def test_profiles_that_need_each_other_are_both_refused() -> None:
    one = profile("one", base=URL + "two")
    two = profile("two", base=URL + "one")
    with pytest.raises(ProfileError, match="built on itself"):
        Profiles(Held(one, two)).profile(one["url"])
