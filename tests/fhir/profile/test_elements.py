"""What a profile asks of one element: how often, which type, which value, which code, which invariants."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fellesjournal.fhir.profile import CodeAsked, Profiles
from tests.fhir.profile.definitions import (
    CORE,
    URL,
    Held,
    Json,
    asked,
    coded,
    element,
    observation,
    patient,
    places,
    profile,
    told,
)

GENDER = "http://hl7.org/fhir/ValueSet/administrative-gender"


def test_every_issue_names_the_profile_that_it_is_from() -> None:
    needed = profile("needed", element("Patient.gender", min=1))
    (issue,) = Profiles(Held(needed)).check(patient(), profiles=[needed["url"]]).issues
    assert (issue.severity, issue.code, issue.expression) == ("error", "required", "Patient.gender")
    assert issue.diagnostics == "Patient.gender must be given (profile http://example.no/needed)"


def test_elements_are_required_counted_and_forbidden() -> None:
    narrow = profile(
        "narrow",
        element("Patient.telecom", min=2, max_="2"),
        element("Patient.name", max_="1"),
        element("Patient.name.given", min=1),
        element("Patient.photo", max_="0"),
    )
    assert told(patient(telecom=[{"value": "1"}], name=[{}, {"family": "Å"}], photo=[{"url": "a"}]), narrow) == [
        "error Patient.name: Patient.name must be given at most once, not 2 times",
        "error Patient.name[0].given: Patient.name.given must be given",
        "error Patient.name[1].given: Patient.name.given must be given",
        "error Patient.telecom: Patient.telecom must be given at least 2 times, and is given once",
        "error Patient.photo: Patient.photo must not be given",
    ]


def test_what_r4_itself_asks_is_not_said_again() -> None:
    same = profile("same", element("Observation.status", min=1, max_="1"), of="Observation")
    assert told({"resourceType": "Observation"}, same) == []


def test_an_element_that_is_not_there_is_asked_nothing_inside() -> None:
    inside = profile("inside", element("Patient.contact.name", min=1), element("Patient.contact.name.family", min=1))
    assert told(patient(), inside) == []
    assert places(patient(contact=[{"gender": "male"}]), inside) == ["Patient.contact[0].name"]


def test_a_fixed_value_is_exactly_that() -> None:
    fixed = profile(
        "fixed",
        element("Observation.code", fixedCodeableConcept=coded("urn:c", "a")),
        element("Observation.status", fixedCode="final"),
        of="Observation",
    )
    assert told(observation(code=coded("urn:c", "a")), fixed) == []
    assert told(observation(code=coded("urn:c", "a") | {"text": "A"}, status="amended"), fixed) == [
        "error Observation.status: Observation.status must be exactly 'final'",
        "error Observation.code: Observation.code must be exactly system 'urn:c', code 'a'",
    ]


def test_a_pattern_is_at_least_that() -> None:
    pattern = profile(
        "pattern", element("Observation.code", patternCodeableConcept=coded("urn:c", "a")), of="Observation"
    )
    more = {"coding": [{"system": "urn:x", "code": "x"}, {"system": "urn:c", "code": "a", "display": "A"}], "text": "A"}
    split = {"coding": [{"system": "urn:c", "code": "x"}, {"system": "urn:x", "code": "a"}]}
    assert told(observation(code=more), pattern) == []
    assert places(observation(code=split), pattern) == ["Observation.code"]


@pytest.mark.parametrize(("given", "is_good"), [("1.0", True), ("1", True), ("1.01", False)])
def test_numbers_are_compared_by_what_they_are_worth(given: str, *, is_good: bool) -> None:
    exact = profile(
        "exact", element("Observation.value[x]", fixedQuantity={"value": Decimal("1.00")}), of="Observation"
    )
    assert (places(observation(valueQuantity={"value": Decimal(given)}), exact) == []) is is_good


def test_a_value_that_has_extensions_alone_is_not_the_fixed_one() -> None:
    fixed = profile("fixed", element("Patient.gender", fixedCode="other"))
    assert places(patient(_gender={"extension": [{"url": "urn:x", "valueCode": "x"}]}), fixed) == ["Patient.gender"]


def test_types_of_a_choice_are_narrowed() -> None:
    narrowed = profile(
        "narrowed", element("Observation.value[x]", type=[{"code": "Quantity"}, {"code": "string"}]), of="Observation"
    )
    assert told(observation(valueInteger=1), narrowed) == [
        "error Observation.value: Observation.value must be of type Quantity or string, not integer"
    ]
    assert told(observation(valueString="a"), narrowed) == []


def test_nothing_more_is_asked_of_a_value_of_the_wrong_type() -> None:
    quantity = profile(
        "quantity",
        element("Observation.value[x]", type=[{"code": "Quantity"}]),
        element("Observation.value[x].unit", min=1),
        of="Observation",
    )
    assert places(observation(valueQuantity={"value": 1}), quantity) == ["Observation.value.unit"]
    assert places(observation(valueString="a"), quantity) == ["Observation.value"]


def test_a_resource_within_is_narrowed_to_a_type() -> None:
    patients = profile("patients", element("Bundle.entry.resource", type=[{"code": "Patient"}]), of="Bundle")
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": observation()}]}
    assert places(bundle, patients) == ["Bundle.entry[0].resource"]


def test_the_profile_of_a_type_is_checked() -> None:
    name = profile("name", element("HumanName.family", min=1), of="HumanName")
    named = profile("named", element("Patient.name", type=[{"code": "HumanName", "profile": [URL + "name"]}]))
    assert told(patient(name=[{"text": "Å"}]), named, name) == [
        "error Patient.name[0].family: HumanName.family must be given (profile http://example.no/name)"
    ]
    assert told(patient(name=[{"text": "Å"}]), named) == [
        "warning Patient.name[0]: Patient.name must conform to http://example.no/name, which cannot be used here"
    ]


def test_one_of_the_profiles_of_a_type_is_enough() -> None:
    family = profile("family", element("HumanName.family", min=1), of="HumanName")
    text = profile("text", element("HumanName.text", min=1), element("HumanName.use", min=1), of="HumanName")
    either = profile(
        "either", element("Patient.name", type=[{"code": "HumanName", "profile": [URL + "family", URL + "text"]}])
    )
    assert places(patient(name=[{"family": "Å"}, {"text": "Å", "use": "old"}]), either, family, text) == []
    (line,) = told(patient(name=[{"given": ["Å"]}]), either, family, text)
    assert line.startswith(
        "error Patient.name[0]: Patient.name must conform to one of the profiles http://example.no/f"
    )
    assert "it comes nearest to http://example.no/family, but: HumanName.family must be given" in line


def test_the_profile_that_fits_of_several_asks_its_questions() -> None:
    bound_name = element("HumanName.suffix", binding={"strength": "extensible", "valueSet": "urn:vs"})
    family = profile("family", element("HumanName.family", min=1), of="HumanName")
    text = profile("text", element("HumanName.text", min=1), bound_name, of="HumanName")
    either = profile(
        "either", element("Patient.name", type=[{"code": "HumanName", "profile": [URL + "family", URL + "text"]}])
    )
    assert [q.path for q in asked(patient(name=[{"text": "Å", "suffix": ["X"]}]), either, family, text)] == [
        "Patient.name[0].suffix[0]"
    ]


def test_lengths_and_bounds() -> None:
    bounded = profile(
        "bounded",
        element("Observation.value[x]", minValueInteger=1, maxValueInteger=10),
        element("Observation.issued", minValueInstant="2020-01-01T00:00:00Z"),
        element("Observation.code.text", maxLength=3),
        of="Observation",
    )
    assert told(observation(valueInteger=0, issued="2019-01-01T00:00:00Z", code={"text": "abcd"}), bounded) == [
        "error Observation.code.text: Observation.code.text must not be longer than 3 characters",
        "error Observation.issued: Observation.issued must not be less than '2020-01-01T00:00:00Z'",
        "error Observation.value: Observation.value must not be less than '1'",
    ]
    assert places(observation(valueInteger=11, code={"text": "abc"}), bounded) == ["Observation.value"]
    assert places(observation(valueInteger=10), bounded) == []


def test_bounds_of_quantities_respect_units() -> None:
    least = {"value": 1, "system": "http://unitsofmeasure.org", "code": "g"}
    heavy = profile(
        "heavy", element("Observation.value[x]", type=[{"code": "Quantity"}], minValueQuantity=least), of="Observation"
    )
    for value, code, expected in [(2, "kg", []), (2, "mg", ["Observation.value"]), (2, "mm", [])]:
        weight = {"value": value, "system": "http://unitsofmeasure.org", "code": code}
        assert places(observation(valueQuantity=weight), heavy) == expected


def invariant(key: str, expression: str, *, severity: str = "error", source: str | None = None) -> Json:
    told_by = {"source": source} if source else {}
    return {"key": key, "severity": severity, "human": f"Rule {key}", "expression": expression, **told_by}


def test_invariants_are_evaluated_where_they_stand() -> None:
    ruled = profile(
        "ruled",
        element(
            "Patient", constraint=[invariant("p-1", "gender.exists()"), invariant("p-2", "active", severity="warning")]
        ),
        element("Patient.name", constraint=[invariant("n-1", "family.length() < 3")]),
    )
    assert told(patient(name=[{"family": "Å"}, {"family": "Åsen"}], active=False), ruled) == [
        "error Patient: Rule p-1 (p-1)",
        "warning Patient: Rule p-2 (p-2)",
        "error Patient.name[1]: Rule n-1 (n-1)",
    ]


def test_invariants_of_r4_itself_are_left_to_the_base_validation() -> None:
    base = profile(
        "base", element("Patient.contact", constraint=[invariant("pat-1", "false", source=CORE + "Patient")])
    )
    assert told(patient(contact=[{"gender": "male"}]), base) == []


def test_an_invariant_that_cannot_be_evaluated_is_a_warning() -> None:
    odd = profile(
        "odd",
        element("Patient", constraint=[invariant("o-1", "nosuch("), invariant("o-2", "gender.memberOf('urn:x')")]),
    )
    assert told(patient(gender="male"), odd) == [
        "warning Patient: the invariant o-1 on Patient was not checked: the expression ends too early (at character 7)",
        "warning Patient: the invariant o-2 on Patient was not checked: it cannot be evaluated here",
    ]


def test_what_an_invariant_asked_is_told_in_its_place_later() -> None:
    family = profile("family", element("HumanName.family", min=1), of="HumanName")
    asks = profile(
        "asks",
        element("Patient", constraint=[invariant("c-1", f"name.all(conformsTo('{URL}family'))", severity="warning")]),
        element("Patient.name", type=[{"code": "HumanName", "profile": [URL + "family"]}]),
    )
    assert places(patient(name=[{"text": "Å"}]), asks, family) == ["Patient.name[0].family"]


def test_invariants_may_ask_whether_something_conforms() -> None:
    family = profile("family", element("HumanName.family", min=1), of="HumanName")
    asks = profile("asks", element("Patient", constraint=[invariant("c-1", f"name.all(conformsTo('{URL}family'))")]))
    assert places(patient(), asks, family) == []
    assert places(patient(name=[{"text": "Å"}]), asks, family) == ["Patient"]


def bound(strength: str, value_set: str, path: str = "Observation.category", **more: Json) -> Json:
    return profile(
        "bound", element(path, binding={"strength": strength, "valueSet": value_set, **more}), of="Observation"
    )


@pytest.mark.parametrize(
    ("strength", "severity"), [("required", ["error"]), ("extensible", ["warning"]), ("preferred", [])]
)
def test_codes_of_vendored_value_sets_are_checked_at_once(strength: str, severity: list[str]) -> None:
    report = [line.split()[0] for line in told(observation(category=[coded("urn:x", "a")]), bound(strength, GENDER))]
    assert report == severity
    right = coded("http://hl7.org/fhir/administrative-gender", "male")
    assert told(observation(category=[right]), bound(strength, GENDER)) == []


def test_other_value_sets_become_questions() -> None:
    coding = {"system": "urn:x", "version": "1", "code": "a", "display": "A"}
    category = {"coding": [coding, {"display": "no code"}], "text": "A"}
    (question,) = asked(observation(category=[category]), bound("extensible", "urn:vs|2"))
    assert question.value_set == "urn:vs|2"
    assert question.strength == "extensible"
    assert question.kind == "CodeableConcept"
    assert question.codings == (CodeAsked("urn:x", "a", "1", "A"),)
    assert question.path == "Observation.category[0]"
    assert question.has_text
    assert question.profile == URL + "bound"
    assert asked(observation(category=[category]), bound("preferred", "urn:vs")) == []


def test_plain_codes_codings_and_units_are_asked_for_too() -> None:
    (question,) = asked(
        observation(valueQuantity={"value": 1, "system": "urn:u", "code": "g"}),
        bound("required", "urn:vs", "Observation.value[x]"),
    )
    assert (question.kind, question.codings, question.path) == (
        "Coding",
        (CodeAsked("urn:u", "g"),),
        "Observation.value",
    )
    (question,) = asked(observation(valueString="g"), bound("required", "urn:vs", "Observation.value[x]"))
    assert (question.kind, question.codings) == ("code", (CodeAsked(None, "g"),))


def test_text_alone_is_no_code_of_a_required_set_and_is_allowed_beside_an_extensible_one() -> None:
    text = observation(category=[{"text": "A"}])
    assert told(text, bound("required", "urn:vs")) == [
        "error Observation.category[0]: Observation.category needs a code of the value set urn:vs"
    ]
    assert told(text, bound("extensible", "urn:vs")) == []
    assert asked(text, bound("required", "urn:vs")) == asked(text, bound("extensible", "urn:vs")) == []


def test_the_outer_bound_of_an_extensible_binding_is_required() -> None:
    outer = [{"url": CORE + "elementdefinition-maxValueSet", "valueCanonical": "urn:max"}]
    questions = asked(observation(category=[coded("urn:x", "a")]), bound("extensible", "urn:vs", extension=outer))  # type: ignore[arg-type]
    assert [(q.value_set, q.strength) for q in questions] == [("urn:vs", "extensible"), ("urn:max", "required")]


def test_elements_that_refer_to_others_follow_their_rules() -> None:
    linked = profile(
        "linked",
        element("Questionnaire.item", constraint=[invariant("q-1", "text.exists()")]),
        element("Questionnaire.item.prefix", min=1),
        of="Questionnaire",
    )
    inner = {"linkId": "2", "type": "group", "text": "B", "item": [{"linkId": "3", "type": "display", "prefix": "c"}]}
    resource = {
        "resourceType": "Questionnaire",
        "status": "draft",
        "item": [{"linkId": "1", "type": "group", "text": "A", "prefix": "a", "item": [inner]}],
    }
    assert places(resource, linked) == ["Questionnaire.item[0].item[0].prefix", "Questionnaire.item[0].item[0].item[0]"]
