"""Types, choices, primitives with extensions, and FHIR's own functions and constants."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from fellesjournal.fhir.fhirpath import (
    Evaluation,
    FhirPathError,
    Services,
    compile_expression,
    element_node,
    resource_node,
)
from tests.fhir.fhirpath.samples import OBSERVATION, PATIENT

EMPTY: list[Any] = []


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("active.is(boolean)", [True]),
        ("active.is(FHIR.boolean)", [True]),
        ("active is Boolean", [False]),
        ("active is System.Boolean", [False]),
        ("true is Boolean", [True]),
        ("1 is System.Integer", [True]),
        ("1.0 is Decimal", [True]),
        ("'a' is String", [True]),
        ("@2012 is Date", [True]),
        ("@2012T is DateTime", [True]),
        ("@T10 is Time", [True]),
        ("1 'mg' is Quantity", [True]),
        ("1 is System.Any", [True]),
        ("1 is integer", [False]),
        ("Patient is DomainResource", [True]),
        ("Patient.is(FHIR.`Patient`)", [True]),
        ("Patient is Observation", [False]),
        ("Patient.is(System.Patient)", [False]),
        ("gender is code", [True]),
        ("gender is string", [True]),
        ("gender is uri", [False]),
        ("id is id", [True]),
        ("name.first() is Element", [True]),
        ("contact is BackboneElement", [True]),
        ("contact is Patient.contact", [True]),
        ("telecom.rank is integer", [True]),
        ("photo is Attachment", EMPTY),
        ("deceased is boolean", [True]),
        ("birthDate.extension.value is dateTime", [True]),
        ("contained is Practitioner", [True]),
        ("gender.as(string)", ["male"]),
        ("gender as id", EMPTY),
        ("(deceased as dateTime)", EMPTY),
        ("contained.ofType(Practitioner).gender", ["female"]),
        ("Patient.name.as(HumanName).count()", [3]),
        ("active.type().name", ["boolean"]),
        ("active.type().namespace", ["FHIR"]),
        ("1.type().name", ["Integer"]),
        ("contact.type().name", ["BackboneElement"]),
        ("Patient.type()", [{"namespace": "FHIR", "name": "Patient"}]),
        ("Practitioner.name", EMPTY),
        ("Resource.id", ["p1"]),
        ("deceased", [False]),
        ("deceasedBoolean", EMPTY),
        ("nothing.at.all", EMPTY),
        ("'text'.nothing", EMPTY),
    ],
)
def test_types(expression: str, result: list[Any]) -> None:
    assert compile_expression(expression).evaluate(PATIENT) == result


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("value is Quantity", [True]),
        ("value is System.Quantity", [False]),
        ("value.ofType(Quantity).unit", ["kilo"]),
        ("(value as Period).start", EMPTY),
        ("component.value.ofType(integer)", [3]),
        ("component.value.ofType(string)", ["x"]),
        ("effective is dateTime", [True]),
        ("subject.where(resolve() is Patient).exists()", [True]),
        ("subject.resolve() is Practitioner", [False]),
        ("subject.resolve()", EMPTY),
        ("code.coding.where(system = %loinc).code", ["29463-7"]),
    ],
)
def test_types_of_choices(expression: str, result: list[Any]) -> None:
    assert compile_expression(expression).evaluate(OBSERVATION) == result


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("birthDate.extension(%`ext-patient-birthTime`).value", ["1974-12-25T14:35:45+01:00"]),
        ("birthDate.extension('urn:other')", EMPTY),
        ("birthDate.extension({})", EMPTY),
        ("birthDate.hasExtension('urn:other')", [False]),
        ("birthDate.hasValue()", [True]),
        ("multipleBirth.hasValue()", [False]),
        ("multipleBirth.empty()", [False]),
        ("multipleBirth + 1", EMPTY),
        ("multipleBirth.getValue()", EMPTY),
        ("name.hasValue()", [False]),
        ("birthDate.getValue()", ["1974-12-25"]),
        ("text.div.htmlChecks()", [True]),
        ("'<script/>'.htmlChecks()", [False]),
        ("generalPractitioner[0].resolve().gender", ["female"]),
        ("generalPractitioner[0].resolve() is Practitioner", [True]),
        ("generalPractitioner[1].resolve() is Organization", [True]),
        ("managingOrganization.resolve() is Organization", [True]),
        ("managingOrganization.resolve()", EMPTY),
        ("contained.first().id = %resource.contained.id", [True]),
        ("%context.id", ["p1"]),
        ("%rootResource.id", ["p1"]),
        ("%ucum", ["http://unitsofmeasure.org"]),
        ("%sct", ["http://snomed.info/sct"]),
        ("%`vs-administrative-gender`", ["http://hl7.org/fhir/ValueSet/administrative-gender"]),
        ("checkModifiers('urn:x').id", ["p1"]),
    ],
)
def test_fhir_functions_and_constants(expression: str, result: list[Any]) -> None:
    assert compile_expression(expression).evaluate(PATIENT) == result


def test_unknown_modifier_stops_the_evaluation() -> None:
    patient = PATIENT | {"modifierExtension": [{"url": "urn:y", "valueBoolean": True}]}
    with pytest.raises(FhirPathError):
        compile_expression("checkModifiers('urn:x').id").evaluate(patient)


def test_services_answer_what_the_resource_cannot() -> None:
    asked: list[Any] = []

    def member_of(value: Any, value_set: str) -> bool:
        asked.append((value, value_set))
        return value_set == "urn:vs"

    services = Services(
        resolve=lambda reference: {"resourceType": "Organization", "id": reference[-1], "name": "Sykehus"},
        member_of=member_of,
        conforms_to=lambda value, type_name, profile: None if profile == "urn:unknown" else type_name == "Patient",
        subsumes=lambda wider, narrower: wider == narrower,
        trace=lambda name, values: asked.append((name, values)),
    )

    def evaluate(expression: str) -> list[Any]:
        return compile_expression(expression).evaluate(PATIENT, services=services)

    assert evaluate("managingOrganization.resolve().name") == ["Sykehus"]
    assert evaluate("gender.memberOf('urn:vs')") == [True]
    assert asked == [("male", "urn:vs")]
    assert evaluate("photo.memberOf('urn:vs')") == []
    assert evaluate("conformsTo('urn:a')") == [True]
    assert evaluate("name.first().conformsTo('urn:a')") == [False]
    with pytest.raises(FhirPathError, match="profile"):
        evaluate("conformsTo('urn:unknown')")
    assert evaluate("'a'.subsumes('a')") == evaluate("'a'.subsumedBy('a')") == [True]
    assert evaluate("name.trace('uses', use).count()") == [3]
    assert asked[-1] == ("uses", ["official", "usual", "maiden"])


@pytest.mark.parametrize(
    "expression", ["gender.memberOf('urn:vs')", "conformsTo('urn:a')", "'a'.subsumes('a')", "'a'.conformsTo('urn:a')"]
)
def test_services_that_are_absent_are_said_to_be(expression: str) -> None:
    with pytest.raises(FhirPathError):
        compile_expression(expression).evaluate(PATIENT)


def test_bundle_resolves_its_own_entries() -> None:
    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient", "id": "a", "gender": "male"}},
            {"resource": {"resourceType": "Observation", "subject": {"reference": "urn:uuid:1"}}},
            {"resource": {"resourceType": "Observation", "subject": {"reference": "Patient/a"}}},
        ],
    }
    expression = compile_expression("entry.resource.ofType(Observation).subject.resolve().gender")
    assert expression.evaluate(bundle) == ["male", "male"]
    assert compile_expression("entry.resource.subject.where(resolve() is Patient).count()").evaluate(bundle) == [2]


def test_variables_are_given_by_the_caller() -> None:
    expression = compile_expression("%limit + 1 = 3 and %other.id = 'o1' and %codes.count() = 2")
    variables = {"limit": 2, "other": OBSERVATION, "codes": ["a", "b"]}
    assert expression.is_true(PATIENT, variables=variables)


@pytest.mark.parametrize("name", ["context", "resource", "ucum"])
def test_variables_of_the_language_cannot_be_defined_anew(name: str) -> None:
    with pytest.raises(FhirPathError):
        compile_expression(f"defineVariable('{name}', 1)").evaluate(PATIENT)


def test_variable_ends_with_its_expression() -> None:
    with pytest.raises(FhirPathError):
        compile_expression("defineVariable('a', 1).exists() and %a = 1").evaluate(PATIENT)
    twice = compile_expression("name.select(defineVariable('a', use).select(%a)) | defineVariable('a', id).select(%a)")
    assert twice.evaluate(PATIENT) == ["official", "usual", "maiden", "p1"]
    with pytest.raises(FhirPathError):
        compile_expression("defineVariable('a').defineVariable('a')").evaluate(PATIENT)


def test_clock_and_zone_come_from_the_caller() -> None:
    now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    expression = compile_expression("now().toString() & ' ' & today().toString() & ' ' & timeOfDay().toString()")
    assert expression.evaluate(None, now=now) == ["2026-11-23T12:00:00.000Z 2026-11-23 12:00:00.000"]
    local = compile_expression("@2012-04-15T10:00:00 = @2012-04-15T10:00:00Z")
    assert local.evaluate(None, now=now) == [True]


def test_element_is_evaluated_with_its_type() -> None:
    component = element_node(OBSERVATION["component"][0], type_name="Observation.component")
    assert compile_expression("value is integer and code.text = 'a'").is_true(component)
    period = element_node({"start": "2012", "end": "2011"}, type_name="Period")
    assert not compile_expression("start.hasValue().not() or end.hasValue().not() or (start <= end)").holds(period)
    birth = element_node(None, type_name="date", extra={"extension": [{"url": "urn:a"}]})
    assert compile_expression("hasValue() or (children().count() > id.count())").is_true(birth)


def test_empty_invariant_holds_and_is_not_true() -> None:
    expression = compile_expression("photo.title.startsWith('a')")
    assert expression.holds(PATIENT) and not expression.is_true(PATIENT)
    assert not compile_expression("gender.startsWith('a')").holds(PATIENT)


def test_evaluation_runs_many_invariants_on_the_parts_of_a_resource() -> None:
    root = resource_node(PATIENT)
    evaluation = Evaluation(root)
    contained = compile_expression("contained").nodes(root)[0]
    same = compile_expression("%resource.id & %rootResource.id & %context.id")
    assert evaluation.holds(
        compile_expression("%resource.id = 'gp' and %rootResource.id = 'p1'"), contained, resource=contained
    )
    assert evaluation.holds(compile_expression("%context.id = 'p1' and $this.id = 'p1'"), root)
    assert same.evaluate(contained, resource=contained, root=root) == ["gpp1gp"]


def test_nodes_say_where_they_stand() -> None:
    given = compile_expression("name[2].given[1]").nodes(PATIENT)[0]
    assert (given.value, given.key, given.index, given.type.name) == ("Per", "given", 1, "string")
    assert given.owner is not None and given.owner.value is PATIENT["name"][2]


@pytest.mark.parametrize(
    "broken",
    [
        {"resourceType": "Patient", "name": "x"},
        {"resourceType": "Patient", "name": [None, 1, []], "birthDate": {"a": 1}, "_birthDate": 3},
        {"resourceType": "Patient", "gender": ["a"], "_gender": [None, {"id": 1}], "contact": {"name": []}},
        {"resourceType": ["Patient"]},
        {"resourceType": "Dragon", "name": 1},
        {},
        {"resourceType": "Patient", "contained": ["x", {"resourceType": 3}], "active": "yes"},
    ],
)
def test_resource_that_is_none_is_no_reason_to_crash(broken: Any) -> None:
    for expression in (
        "descendants().count()",
        "name.given | gender | birthDate.extension",
        "contained.where(id = 'a').exists()",
        "name.family.exists() or contact.name.family = 'x'",
        "birthDate ~ gender",
        "birthDate.toString()",
        "descendants().distinct().count()",
    ):
        try:
            compile_expression(expression).evaluate(broken)
        except FhirPathError:
            pass
