"""References: what they may point to, by what they say and by what is at hand."""

from __future__ import annotations

import pytest

from tests.fhir.profile.definitions import CORE, URL, Json, element, observation, patient, places, profile, told

NAMED = profile("named", element("Patient.name", min=1))


def about(*targets: str, **more: object) -> Json:
    one = {"code": "Reference", "targetProfile": list(targets), **more}
    return profile("about", element("Observation.subject", type=[one]), of="Observation")


@pytest.mark.parametrize(
    ("subject", "is_good"),
    [
        ({"reference": "Patient/1"}, True),
        ({"reference": "Patient/1/_history/2"}, True),
        ({"reference": "https://example.no/fhir/Patient/1"}, True),
        ({"reference": "Group/1"}, False),
        ({"reference": "https://example.no/fhir/Group/1"}, False),
        ({"type": "Group", "identifier": {"value": "1"}}, False),
        ({"type": "Patient", "identifier": {"value": "1"}}, True),
        ({"identifier": {"value": "1"}}, True),
        ({"reference": "urn:uuid:5a4c1c9e-5c2b-4b3c-9d5e-0123456789ab"}, True),
        ({"reference": "https://example.no/anything"}, True),
        ({"display": "x"}, True),
    ],
)
def test_the_type_that_a_reference_says_must_be_allowed(subject: Json, *, is_good: bool) -> None:
    assert (places(observation(subject=subject), about(CORE + "Patient")) == []) is is_good
    assert (places(observation(subject=subject), about(URL + "named"), NAMED) == []) is is_good


def test_a_target_of_the_wrong_type_is_told_with_what_is_allowed() -> None:
    (line,) = told(observation(subject={"reference": "Group/1"}), about(CORE + "Device", URL + "named"), NAMED)
    assert line.endswith("must refer to a Device or a Patient (http://example.no/named), not to a Group")


def test_a_contained_target_is_checked_as_a_whole() -> None:
    nameless = {"resourceType": "Patient", "id": "p"}
    resource = observation(contained=[nameless], subject={"reference": "#p"})
    assert told(resource, about(URL + "named"), NAMED) == [
        "error Observation.contained[0].name: Patient.name must be given (profile http://example.no/named)"
    ]
    resource["contained"] = [patient(id="p")]
    assert told(resource, about(URL + "named"), NAMED) == []
    resource["contained"] = [{"resourceType": "Group", "id": "p", "type": "person", "actual": True}]
    assert places(resource, about(URL + "named"), NAMED) == ["Observation.subject"]


@pytest.mark.parametrize("reference", ["Patient/p", "urn:uuid:5a4c1c9e-5c2b-4b3c-9d5e-0123456789ab"])
def test_a_target_in_the_same_bundle_is_checked_as_a_whole(reference: str) -> None:
    whole = profile("whole", element("Bundle.entry.resource", type=[{"code": "Resource", "profile": []}]), of="Bundle")
    entry = observation(subject={"reference": reference}, meta={"profile": [URL + "about"]})
    target = {
        "fullUrl": "urn:uuid:5a4c1c9e-5c2b-4b3c-9d5e-0123456789ab",
        "resource": {"resourceType": "Patient", "id": "p"},
    }
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": entry}, target]}
    assert places(bundle, whole, about(URL + "named"), NAMED) == ["Bundle.entry[1].resource.name"]


def test_one_of_several_profiles_of_a_target_is_enough() -> None:
    born = profile("born", element("Patient.birthDate", min=1))
    both = about(URL + "named", URL + "born")
    cases: list[tuple[Json, list[str]]] = [
        ({"birthDate": "2000"}, []),
        ({"name": [{"family": "Å"}]}, []),
        ({}, ["Observation.subject"]),
    ]
    for target, expected in cases:
        held = {"resourceType": "Patient", "id": "p", **target}
        resource = observation(contained=[held], subject={"reference": "#p"})
        assert places(resource, both, NAMED, born) == expected


def test_types_that_are_named_twice_are_one() -> None:
    """Older tools repeat a type for each profile; one without any allows all."""
    twice = [{"code": "Reference", "targetProfile": [CORE + name]} for name in ("Patient", "Group")]
    both = profile("both", element("Observation.subject", type=twice), of="Observation")
    assert places(observation(subject={"reference": "Group/1"}), both) == []
    assert places(observation(subject={"reference": "Device/1"}), both) == ["Observation.subject"]
    open_too = profile("open", element("Observation.subject", type=[*twice, {"code": "Reference"}]), of="Observation")
    assert places(observation(subject={"reference": "Device/1"}), open_too) == []


def test_an_unprofiled_target_beside_a_profiled_one_is_enough() -> None:
    resource = observation(contained=[{"resourceType": "Patient", "id": "p"}], subject={"reference": "#p"})
    assert places(resource, about(URL + "named", CORE + "Patient"), NAMED) == []


def test_a_target_profile_that_is_not_installed_refuses_nothing() -> None:
    assert told(observation(subject={"reference": "Group/1"}), about(URL + "unknown")) == []


def test_how_a_reference_may_be_kept_is_checked() -> None:
    inside = about(CORE + "Patient", aggregation=["contained", "bundled"])
    contained = observation(contained=[{"resourceType": "Patient", "id": "p"}], subject={"reference": "#p"})
    assert places(contained, inside) == []
    assert told(observation(subject={"reference": "Patient/1"}), inside) == [
        "error Observation.subject: Observation.subject must be bundled or contained, not referenced"
    ]
    assert places(observation(subject={"display": "x"}), inside) == []


def test_resources_that_refer_to_each_other_come_to_an_end() -> None:
    linked = profile(
        "linked",
        element("Patient.name", min=1),
        element("Patient.link.other", type=[{"code": "Reference", "targetProfile": [URL + "linked"]}]),
    )
    entries = [{"resource": linked_to(n, (n + 1) % 300)} for n in range(300)]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    held = profile("any", of="Bundle")
    found = places(bundle, held, linked)
    assert len(found) == 200 and found[0] == "Bundle.entry[0].resource.name"


def linked_to(number: int, other: int) -> Json:
    link = {"type": "seealso", "other": {"reference": f"Patient/{other}"}}
    return {"resourceType": "Patient", "id": str(number), "meta": {"profile": [URL + "linked"]}, "link": [link]}
