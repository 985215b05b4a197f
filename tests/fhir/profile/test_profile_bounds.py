"""Nothing that is sent, and nothing that is installed, makes a check fail, run on or say no end of things."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fellesjournal.fhir.profile import ProfileError, Profiles
from tests.fhir.generated import resources
from tests.fhir.profile.definitions import (
    URL,
    Held,
    Json,
    coded,
    element,
    extension,
    identifier,
    observation,
    patient,
    profile,
    sliced,
)

NOTES = [
    "id", "sliceName", "min", "max", "type", "slicing", "contentReference", "fixedCode", "patternCoding", "binding",
    "constraint", "maxLength", "minValueInteger", "isModifier",
]  # fmt: skip
PATHS = [
    "", ".", "Patient", "Patient.name", "Patient.name.given", "Patient.identifier", "Patient.identifier.system",
    "Patient.contact.name", "Patient.extension", "Patient.deceased[x]", "Patient.deceasedBoolean", "Patient.nothing",
]  # fmt: skip
WORDS = [
    "code", "profile", "targetProfile", "discriminator", "path", "rules", "value", "$this", "system", "resolve()",
    "closed", "strength", "valueSet", "required", "key", "expression", "name.exists()", "HumanName", "Extension",
    "Reference", URL + "odd", "*", "1", "Patient.identifier:a", "a", "a/b", "@default",
]  # fmt: skip
scraps = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 3), st.sampled_from(WORDS)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)),
    max_leaves=12,
)
elements = st.fixed_dictionaries({"path": st.sampled_from(PATHS)}, optional=dict.fromkeys(NOTES, scraps))
RESOURCE = patient(identifier=[identifier("a"), {}], contact=[{"name": {"text": "A"}}], deceasedBoolean=False)


@given(st.lists(elements, max_size=8), st.sampled_from(["differential", "snapshot"]), scraps)
@settings(max_examples=60, deadline=None)
def test_any_definition_is_read_or_refused(listed: list[Json], where: str, context: Any) -> None:
    odd = profile("odd", context=context) | {where: {"element": listed}}
    profiles = Profiles(Held(odd))
    with suppress(ProfileError):
        profiles.profile(odd["url"])
    profiles.check(RESOURCE, profiles=[odd["url"]])


DEMANDING = [
    profile(
        "any",
        element("DomainResource.extension", max_="0"),
        element("DomainResource.text", min=1),
        of="DomainResource",
    ),
    profile(
        "seen",
        element(
            "Observation.component", slicing=sliced(("value", "code"), ("type", "value"), ("exists", "interpretation"))
        ),
        element("Observation.component:a.code", patternCodeableConcept=coded("urn:c", "a")),
        element("Observation.component:a.value[x]", type=[{"code": "Quantity"}]),
        element("Observation.component:a.interpretation", min=1),
        element("Observation.subject", type=[{"code": "Reference", "targetProfile": [URL + "any"]}]),
        of="Observation",
    ),
]


@given(resources())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_resource_is_checked(resource: Json) -> None:
    Profiles(Held(*DEMANDING)).check(resource, profiles=[one["url"] for one in DEMANDING])


@settings(deadline=None)
@given(st.sampled_from(["component", "subject", "extension", "meta", "contained", "text", "_status"]), scraps)
def test_even_what_the_base_validation_refuses_is_checked_without_a_fall(key: str, value: Any) -> None:
    resource = observation(**{key: value})
    Profiles(Held(*DEMANDING)).check(resource, profiles=[one["url"] for one in DEMANDING])
    Profiles(Held()).check({"resourceType": "Patient", "contained": [{"resourceType": value, key: value}]})


def test_issues_are_bounded() -> None:
    short = profile("short", element("Patient.identifier.value", maxLength=1))
    resource = patient(identifier=[identifier("a", "12")] * 5_000)
    assert len(Profiles(Held(short)).check(resource, profiles=[short["url"]]).issues) == 200


def test_errors_are_told_however_much_else_there_is_to_say() -> None:
    named = profile("named", element("Patient.gender", min=1))
    claim = {"profile": [named["url"]]}
    resource = patient(meta=claim, extension=[{"url": "urn:a", "valueCode": str(n)} for n in range(300)])
    coded = extension("coded", element("Extension.value[x]", type=[{"code": "code"}]))
    resource["contact"] = [{"gender": "male", "extension": [{"url": coded["url"], "valueString": "b"}]}]
    report = Profiles(Held(named, coded)).check(resource)
    errors = [issue.expression for issue in report.issues if issue.severity == "error"]
    assert errors == ["Patient.gender", "Patient.contact[0].extension[0].value"]
    assert len(report.issues) == 200


def test_many_values_and_many_slices_are_checked_in_bounded_work() -> None:
    names = [f"s{n}" for n in range(60)]
    slices = [
        part
        for name in names
        for part in (element(f"Patient.identifier:{name}"), element(f"Patient.identifier:{name}.system", fixedUri=name))
    ]
    many = profile("many", element("Patient.identifier", slicing=sliced(("value", "system"))), *slices)
    small = patient(identifier=[identifier(f"s{n % 70}") for n in range(500)])
    assert Profiles(Held(many)).check(small, profiles=[many["url"]]).is_valid
    huge = patient(identifier=[identifier(f"s{n % 70}") for n in range(200_000)])
    report = Profiles(Held(many)).check(huge, profiles=[many["url"]], seconds=0.5)
    assert [i.code for i in report.issues if i.severity == "error"] == ["too-costly"]


def test_invariants_that_explode_are_stopped() -> None:
    bomb = "Patient.descendants().select(%resource.descendants().select(%resource.descendants())).count() > 0"
    ruled = profile(
        "ruled", element("Patient", constraint=[{"key": "b", "severity": "error", "human": "b", "expression": bomb}])
    )
    resource = patient(identifier=[identifier("a")] * 300)
    report = Profiles(Held(ruled)).check(resource, profiles=[ruled["url"]], seconds=0.5)
    assert [i.code for i in report.issues] == ["too-costly"]


def test_deep_resources_are_checked_to_the_bottom() -> None:
    kind = extension("kind", element("Extension.extension.url", min=1), context="Element")
    inner: Json = {"url": URL + "kind", "valueCode": "a"}
    for _ in range(45):
        inner = {"url": URL + "kind", "extension": [inner]}
    assert Profiles(Held(kind)).check(patient(extension=[inner])).is_valid


def test_profiles_that_try_each_other_come_to_an_end() -> None:
    """Each part of a group must be one of two groups: tried once for each part and profile, not once for each way."""
    either = [{"code": "Reference", "targetProfile": [URL + "left", URL + "right"]}]
    left = profile("left", element("List.entry.item", type=either), element("List.title", min=1), of="List")
    right = profile("right", element("List.entry.item", type=either), element("List.note", min=1), of="List")
    lists = [
        {"resourceType": "List", "id": f"l{n}", "status": "current", "mode": "working",
         "entry": [{"item": {"reference": f"#l{m}"}} for m in range(40) if m != n]}
        for n in range(40)
    ]  # fmt: skip
    resource = {
        "resourceType": "List",
        "status": "current",
        "mode": "working",
        "contained": lists,
        "entry": [{"item": {"reference": "#l0"}}],
    }
    report = Profiles(Held(left, right)).check(resource, profiles=[URL + "left"])
    assert not report.is_valid
    assert "too-costly" not in {issue.code for issue in report.issues}
