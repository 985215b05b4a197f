"""Extensions: known or not, in their place or not, with what their definition asks."""

from __future__ import annotations

import pytest

from fellesjournal.fhir.profile import Profiles
from tests.fhir.profile.definitions import CORE, URL, Held, Json, element, extension, observation, patient, profile

CODE = element("Extension.value[x]", min=1, type=[{"code": "code"}])


def found(resource: Json, *definitions: Json) -> list[str]:
    """All issues of a check that names no profile."""
    issues = Profiles(Held(*definitions)).check(resource).issues
    return [f"{i.severity} {i.expression}: {i.diagnostics}" for i in issues]


def by(name: str) -> str:
    """How an issue ends that is from a profile."""
    return f" (profile {URL}{name})"


def with_kind(**value: object) -> Json:
    return patient(extension=[{"url": URL + "kind", **value}])


def test_content_is_checked_wherever_an_extension_stands() -> None:
    kind = extension("kind", CODE)
    assert found(with_kind(valueCode="a"), kind) == []
    deep = patient(_birthDate={"extension": [{"url": URL + "kind", "valueString": "a"}]})
    assert found(deep, kind) == [
        "error Patient.birthDate.extension[0].value: Extension.value must be of type code, not string" + by("kind")
    ]
    listed = patient(name=[{"_given": [None, {"extension": [{"url": URL + "kind", "valueString": "a"}]}]}])
    assert found(listed, kind)[0].startswith("error Patient.name[0].given[1].extension[0].value:")


def test_an_unknown_extension_is_told_and_an_unknown_modifier_is_a_warning() -> None:
    assert found(with_kind(valueCode="a")) == [
        "information Patient.extension[0]: this extension is not defined here: its content was not checked"
    ]
    modified = patient(modifierExtension=[{"url": URL + "kind", "valueCode": "a"}])
    assert found(modified) == [
        "warning Patient.modifierExtension[0]: this modifier extension is not defined here: what it changes is unknown"
    ]


def test_a_modifier_is_one_where_its_definition_says_so_and_nowhere_else() -> None:
    modifier = extension("kind", element("Extension", isModifier=True), CODE)
    plain = extension("kind", CODE)
    modified = patient(modifierExtension=[{"url": URL + "kind", "valueCode": "a"}])
    assert found(modified, modifier) == []
    assert found(with_kind(valueCode="a"), plain) == []
    assert found(modified, plain) == [
        "error Patient.modifierExtension[0]: http://example.no/kind must not be a modifierExtension"
    ]
    assert found(with_kind(valueCode="a"), modifier) == [
        "error Patient.extension[0]: http://example.no/kind must be a modifierExtension"
    ]


@pytest.mark.parametrize(
    ("expression", "is_good"),
    [
        ("Patient", True),
        ("DomainResource", True),
        ("Resource", True),
        ("Element", True),
        ("Observation", False),
        ("Patient.name", False),
        (CORE + "Patient", True),
        (URL + "any#Patient", True),
    ],
)
def test_context_of_a_resource(expression: str, *, is_good: bool) -> None:
    assert (found(with_kind(valueCode="a"), extension("kind", CODE, context=expression)) == []) is is_good


@pytest.mark.parametrize(
    ("expression", "is_good"),
    [
        ("Patient.contact.name.family", True),
        ("HumanName.family", True),
        ("string", True),
        ("Element", True),
        ("Patient.contact.name", False),
        ("Patient.name.family", False),
        ("HumanName", False),
    ],
)
def test_context_of_a_value_within_a_data_type(expression: str, *, is_good: bool) -> None:
    family = {"_family": {"extension": [{"url": URL + "kind", "valueCode": "a"}]}}
    resource = patient(contact=[{"name": family}])
    assert (found(resource, extension("kind", CODE, context=expression)) == []) is is_good


@pytest.mark.parametrize(
    ("expression", "is_good"),
    [
        ("Observation.value[x]", True),
        ("Observation.valueQuantity", True),
        ("Quantity", True),
        ("Observation.component.value[x]", False),
        ("CodeableConcept", False),
    ],
)
def test_context_of_a_choice(expression: str, *, is_good: bool) -> None:
    value = {"value": 1, "extension": [{"url": URL + "kind", "valueCode": "a"}]}
    resource = observation(valueQuantity=value)
    assert (found(resource, extension("kind", CODE, context=expression)) == []) is is_good


def test_context_of_an_element_that_refers_to_another() -> None:
    kind = extension("kind", CODE, context="Questionnaire.item")
    inner: Json = {"linkId": "2", "type": "display", "extension": [{"url": URL + "kind", "valueCode": "a"}]}
    item = {"linkId": "1", "type": "group", "item": [inner]}
    assert found({"resourceType": "Questionnaire", "status": "draft", "item": [item]}, kind) == []


def test_an_extension_out_of_its_place_is_told_where_it_belongs() -> None:
    kind = extension("kind", CODE, context="Observation")
    assert found(with_kind(valueCode="a"), kind) == [
        "error Patient.extension[0]: http://example.no/kind must not be used here, only on: Observation"
    ]


def test_context_of_another_extension() -> None:
    within = [{"type": "extension", "expression": URL + "outer"}]
    kind = extension("kind", CODE, context=within)
    outer = extension("outer", element("Extension.value[x]", max_="0"))
    inside = patient(extension=[{"url": URL + "outer", "extension": [{"url": URL + "kind", "valueCode": "a"}]}])
    assert found(inside, kind, outer) == []
    assert found(with_kind(valueCode="a"), kind, outer)[0].startswith("error Patient.extension[0]:")


def test_context_by_expression() -> None:
    chosen = [{"type": "fhirpath", "expression": "Patient.telecom.where(system = 'phone')"}]
    kind = extension("kind", CODE, context=chosen)
    marked = {"value": "1", "extension": [{"url": URL + "kind", "valueCode": "a"}]}
    assert found(patient(telecom=[{"system": "phone", **marked}]), kind) == []
    assert len(found(patient(telecom=[{"system": "email", **marked}]), kind)) == 1


def test_context_invariants_see_the_extension() -> None:
    kind = extension("kind", CODE, contextInvariant=["gender = %extension.value"])
    assert found(with_kind(valueCode="male") | {"gender": "male"}, kind) == []
    assert found(with_kind(valueCode="male") | {"gender": "female"}, kind) == [
        "error Patient.extension[0]: http://example.no/kind may only be used where gender = %extension.value"
    ]


def complex_extension() -> Json:
    return extension(
        "citizenship",
        element("Extension.extension:code", min=1, max_="1"),
        element("Extension.extension:code.url", fixedUri="code"),
        element("Extension.extension:code.value[x]", min=1, type=[{"code": "CodeableConcept"}]),
        element("Extension.extension:period", max_="1"),
        element("Extension.extension:period.url", fixedUri="period"),
        element("Extension.value[x]", max_="0"),
    )


def test_the_parts_of_an_extension_are_checked() -> None:
    def made(*parts: Json) -> Json:
        return patient(extension=[{"url": URL + "citizenship", "extension": list(parts)}])

    code = {"url": "code", "valueCodeableConcept": {"text": "NO"}}
    period = {"url": "period", "valuePeriod": {"start": "2020"}}
    assert found(made(code, period), complex_extension()) == []
    assert found(made(period), complex_extension()) == [
        "error Patient.extension[0].extension: Extension.extension in the slice 'code' must be given"
        + by("citizenship")
    ]
    assert found(made(code, {"url": "other", "valueCode": "x"}), complex_extension()) == [
        "error Patient.extension[0].extension[1]: an extension with this url is no part of http://example.no/citizenship"
    ]


def test_a_url_is_absolute_but_inside_an_extension() -> None:
    assert found(patient(extension=[{"url": "kind", "valueCode": "a"}])) == [
        "error Patient.extension[0]: the url of an extension must be absolute"
    ]
    unknown = patient(extension=[{"url": "urn:unknown", "extension": [{"url": "part", "valueCode": "a"}]}])
    assert [line.split(":")[0] for line in found(unknown)] == ["information Patient.extension[0]"]


def test_a_profile_asks_for_extensions_by_their_definition() -> None:
    kind = extension("kind", CODE)
    marked = profile(
        "marked",
        element("Patient.extension:kind", min=1, max_="1", type=[{"code": "Extension", "profile": [URL + "kind"]}]),
        element("Patient.extension:kind.value[x]", fixedCode="a"),
    )
    claim = {"profile": [URL + "marked"]}
    assert found(with_kind(valueCode="a") | {"meta": claim}, kind, marked) == []
    assert found(patient(meta=claim), kind, marked)[0].startswith(
        "error Patient.extension: Patient.extension in the slice 'kind' must be given"
    )
    assert found(with_kind(valueCode="b") | {"meta": claim}, kind, marked) == [
        "error Patient.extension[0].value: Patient.extension.value in the slice 'kind' must be exactly 'a'"
        + by("marked")
    ]
    twice = with_kind(valueString="a") | {"meta": claim}
    said = [line for line in found(twice, kind, marked) if "must be of type" in line]
    assert len(said) == 1  # the slice and the survey ask for the same


def test_a_profile_asks_for_extensions_that_are_not_installed_by_their_url() -> None:
    marked = profile(
        "marked",
        element("Patient.extension:kind", min=1, type=[{"code": "Extension", "profile": [URL + "kind"]}]),
    )
    claim = {"profile": [URL + "marked"]}
    assert found(patient(meta=claim), marked)[0].startswith("error Patient.extension:")
    severities = [line.split()[0] for line in found(with_kind(valueCode="a") | {"meta": claim}, marked)]
    assert severities == ["warning", "information"]
