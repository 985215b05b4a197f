"""What validation refuses, and where it says that the fault is."""

from __future__ import annotations

import copy
import random
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fellesjournal.fhir import outcome, validate
from fellesjournal.fhir.compile_validator import accepts
from fellesjournal.fhir.fhirpath import compile_expression, resource_node
from fellesjournal.fhir.primitives import CHECKS
from fellesjournal.fhir.walker import MAX_ISSUES, find_faults
from tests.fhir.samples import Json, observation, patient, without

ABSENT = {"extension": [{"url": "http://x.no/absent", "valueCode": "unknown"}]}

DIV = '<div xmlns="http://www.w3.org/1999/xhtml">a</div>'


def faults(resource: Json) -> list[tuple[str, str]]:
    return [(issue.code, issue.expression) for issue in validate(resource)]


@pytest.mark.parametrize("resource", [patient(), observation()])
def test_good_resource_passes_on_both_paths(resource: Json) -> None:
    assert accepts(resource)
    assert find_faults(resource) == []


@pytest.mark.parametrize(
    ("resource", "code", "expression"),
    [
        ({"resourceType": "Dragon"}, "structure", "resourceType"),
        ({}, "structure", "resourceType"),
        ({"resourceType": ["Patient"]}, "structure", "resourceType"),
        (patient(colour="red"), "structure", "Patient.colour"),
        (patient(_name=[None]), "structure", "Patient._name"),
        (patient(name=[{"surname": "X"}]), "structure", "Patient.name[0].surname"),
        (patient(name={"family": "X"}), "structure", "Patient.name"),
        (patient(name=[]), "structure", "Patient.name"),
        (patient(name=[{}]), "invariant", "Patient.name[0]"),
        (patient(name=[{"id": "only-an-id"}]), "invariant", "Patient.name[0]"),
        (patient(name=[None]), "structure", "Patient.name[0]"),
        (patient(name=["X"]), "structure", "Patient.name[0]"),
        (patient(birthDate=None), "structure", "Patient.birthDate"),
        (patient(birthDate=["1950-01-01"]), "structure", "Patient.birthDate"),
        (patient(birthDate="1950-02-29"), "value", "Patient.birthDate"),
        (patient(birthDate=1950), "value", "Patient.birthDate"),
        (patient(active="true"), "value", "Patient.active"),
        (patient(multipleBirthInteger=2**31), "value", "Patient.multipleBirth"),
        (patient(multipleBirthInteger=True), "value", "Patient.multipleBirth"),
        (patient(id="a b"), "value", "Patient.id"),
        (patient(id="x" * 65), "value", "Patient.id"),
        (patient(language=" no"), "value", "Patient.language"),
        (patient(implicitRules="http://x y"), "value", "Patient.implicitRules"),
        (patient(name=[{"family": ""}]), "value", "Patient.name[0].family"),
        (patient(name=[{"family": "a\x00b"}]), "value", "Patient.name[0].family"),
        (patient(name=[{"given": ["A", None]}]), "structure", "Patient.name[0].given[1]"),
        (patient(name=[{"given": ["A"], "_given": [None, ABSENT]}]), "structure", "Patient.name[0].given"),
        (patient(name=[{"given": [None], "_given": [None]}]), "structure", "Patient.name[0].given[0]"),
        (patient(name=[{"_given": [{}]}]), "invariant", "Patient.name[0].given[0]"),
        (patient(name=[{"_given": [{"id": "a"}]}]), "invariant", "Patient.name[0].given[0]"),
        (without(patient(_birthDate={"id": "b"}), "birthDate"), "invariant", "Patient.birthDate"),
        (patient(_birthDate={"id": 1}), "value", "Patient.birthDate.id"),
        (patient(_birthDate={"value": 1}), "structure", "Patient.birthDate.value"),
        (patient(name=[{"family": "A", "_id": ABSENT}]), "structure", "Patient.name[0]._id"),
        (patient(extension=[{"url": "u", "valueCode": "x", "_url": ABSENT}]), "structure", "Patient.extension[0]._url"),
        (patient(text={"status": "empty", "div": DIV, "_div": ABSENT}), "structure", "Patient.text._div"),
        (patient(gender="mann"), "code-invalid", "Patient.gender"),
        (patient(gender={"code": "male"}), "structure", "Patient.gender"),
        (patient(photo=[{"data": "a==="}]), "value", "Patient.photo[0].data"),
        (patient(photo=[{"size": -1}]), "value", "Patient.photo[0].size"),
        (patient(meta={"lastUpdated": "2024-01-01"}), "value", "Patient.meta.lastUpdated"),
        (patient(deceasedBoolean=True, deceasedDateTime="2024"), "structure", "Patient.deceased"),
        (patient(deceasedBoolean=True, _deceasedDateTime=ABSENT), "structure", "Patient.deceased"),
        (patient(link=[{"type": "refer"}]), "required", "Patient.link[0].other"),
        (patient(extension=[{"valueString": "x"}]), "required", "Patient.extension[0].url"),
        (patient(extension=[{"url": "http://x"}]), "invariant", "Patient.extension[0]"),
        (
            patient(
                extension=[
                    {"url": "http://x", "valueCode": "a", "extension": [{"url": "b", "valueCode": "c"}]}
                ]
            ),
            "invariant",
            "Patient.extension[0]",
        ),
        (patient(contained=[{"resourceType": "Dragon"}]), "structure", "Patient.contained[0].resourceType"),
        (patient(contained=[{"resourceType": "Patient"}]), "required", "Patient.contained[0]"),
        (
            patient(contained=[{"resourceType": "Basic", "id": "b", "contained": []}]),
            "invariant",
            "Patient.contained[0].contained",
        ),
        (patient(contained=[patient(gender="x")]), "code-invalid", "Patient.contained[0].gender"),
        (without(observation(), "status"), "required", "Observation.status"),
        (without(observation(), "code"), "required", "Observation.code"),
        (observation(valueQuantity={"value": 1.5}), "value", "Observation.value.value"),
        (observation(valueQuantity=5), "structure", "Observation.value"),
        (observation(valueTime="25:00:00"), "value", "Observation.value"),
        (observation(component=[{"valueInteger": 1}]), "required", "Observation.component[0].code"),
        (
            {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": patient(gender="x")}]},
            "code-invalid",
            "Bundle.entry[0].resource.gender",
        ),
        (
            {
                "resourceType": "AllergyIntolerance",
                "patient": {"display": "x"},
                "clinicalStatus": {"text": "x"},
            },
            "code-invalid",
            "AllergyIntolerance.clinicalStatus",
        ),
        (
            {
                "resourceType": "MedicationRequest",
                "status": "active",
                "intent": "order",
                "subject": {"display": "x"},
            },
            "required",
            "MedicationRequest.medication",
        ),
    ],
)
def test_fault_is_named_with_its_place(resource: Json, code: str, expression: str) -> None:
    assert not accepts(resource)
    assert (code, expression) in faults(resource)


@pytest.mark.parametrize(
    ("resource", "expression"),
    [
        (patient(deceasedDateTime="x"), "Patient.deceased"),
        (patient(deceasedBoolean=True, deceasedDateTime="2024"), "Patient.deceased"),
        (patient(_birthDate={"id": "b", "extension": [{"url": "http://x.no", "valueCode": ""}]}),
         "Patient.birthDate.extension[0].value"),
        (observation(valueQuantity={"value": Decimal(1), "code": "mg"}), "Observation.value"),
        (observation(component=[{"code": {"text": "x"}, "valueRange": {"low": {"value": "x"}}}]),
         "Observation.component[0].value.low.value"),
    ],
)  # fmt: skip
def test_a_place_is_the_fhirpath_that_finds_the_element(resource: Json, expression: str) -> None:
    assert expression in [place for _, place in faults(resource)]
    assert compile_expression(expression).evaluate(resource_node(resource))


@pytest.mark.parametrize(
    "resource",
    [
        patient(_birthDate=ABSENT),
        without(patient(_birthDate=ABSENT), "birthDate"),
        patient(name=[{"given": ["A", None], "_given": [None, ABSENT]}]),
        patient(name=[{"_given": [ABSENT]}]),
        without(observation(_status=ABSENT), "status"),
        patient(birthDate="2024-02-29"),
        patient(deceasedDateTime="2024-12-31T23:59:60Z"),
        patient(photo=[{"data": "YWJj\nZGVm", "contentType": "image/png"}]),
        patient(
            contained=[{"resourceType": "Organization", "id": "o", "name": "Legekontoret"}],
            managingOrganization={"reference": "#o"},
        ),
        patient(_birthDate={"id": "b"}),
        patient(name=[{"given": ["A", "B"], "_given": [{"id": "a"}, None]}]),
        {"resourceType": "Parameters", "parameter": [{"name": "x", "resource": patient()}]},
        {"resourceType": "Basic", "code": {"text": "x"}, "_created": ABSENT},
    ],
)
def test_rare_but_legal_form_passes(resource: Json) -> None:
    assert faults(resource) == []


def test_diagnostics_never_repeat_what_was_sent() -> None:
    secret = "01815012345 hemmelig"
    resource = patient(birthDate=secret, gender=secret, active=secret, id=secret)
    resource[secret] = secret
    issues = validate(resource)
    assert len(issues) == 5
    assert secret not in str(outcome(issues))


def test_all_faults_are_collected_up_to_a_bound() -> None:
    assert len(validate(patient(name=[{"x": 1}] * 1000))) == MAX_ISSUES


def test_outcome_is_itself_valid() -> None:
    for issues in (validate(patient(x=1)), validate({"resourceType": "Dragon"}), []):
        assert validate(outcome(issues)) == []


HOSTILE = (
    "a " * 50_000,
    " " * 100_000,
    "=" * 100_000,
    "A" * 100_000,
    "urn:oid:1" + ".1" * 50_000,
    "1" * 100_000,
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_checked_in_linear_time(text: str) -> None:
    start = time.process_time()
    for type_name, check in CHECKS.items():
        assert not check(text + "\x01"), type_name
    assert time.process_time() - start < 1


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=5),
    st.just({}),
    st.just([]),
    st.just([None]),
    st.floats(),
)


@given(seed=st.integers(0, 10_000), junk=SCALARS, sample=st.sampled_from([patient, observation]))
def test_whatever_the_fast_path_accepts_the_walker_accepts_too(seed: int, junk: Any, sample: Any) -> None:
    resource = copy.deepcopy(sample())
    container, key = random.Random(seed).choice(list(places(resource)))
    container[key] = junk
    found = find_faults(resource)
    assert not (accepts(resource) and found)


def places(value: Any) -> Any:
    """Every (container, key) of a document."""
    for key, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(item, dict | list):
            yield from places(item)
