"""Codes that follow a rule are checked on every write; what R4 recommends is asked of terminology."""

from __future__ import annotations

from typing import Any

import pytest

from fellesjournal import fhir
from fellesjournal.fhir.recommended import codes_elsewhere, recommended_codes

Json = dict[str, Any]


def faults(resource: Json) -> list[tuple[str, str]]:
    return [(issue.code, issue.expression) for issue in fhir.validate(resource)]


@pytest.mark.parametrize(("code", "is_one"), [
    ("nb", True), ("nb-NO", True), ("se", True), ("zh-Hant-TW", True), ("x-klingon", True), ("bokmål", False),
    ("norsk språk", False), ("nb_NO", False), ("n", False),
])  # fmt: skip
def test_a_language_is_a_tag(code: str, is_one: bool) -> None:
    assert faults({"resourceType": "Basic", "code": {"text": "x"}, "language": code}) == (
        [] if is_one else [("code-invalid", "Basic.language")]
    )


@pytest.mark.parametrize(("code", "is_one"), [
    ("image/png", True), ("text/plain; charset=utf-8", True), ("application/fhir+json", True), ("json", False),
    ("image/", False), ("/png", False), ("et bilde", False),
])  # fmt: skip
def test_a_media_type_is_one(code: str, is_one: bool) -> None:
    photo = {"resourceType": "Patient", "photo": [{"contentType": code, "data": "AA=="}]}
    assert faults(photo) == ([] if is_one else [("code-invalid", "Patient.photo[0].contentType")])


UCUM, TAGS = "http://unitsofmeasure.org", "urn:ietf:bcp:47"


@pytest.mark.parametrize(("language", "is_one"), [
    ({"coding": [{"system": TAGS, "code": "nn-NO"}]}, True), ({"text": "nynorsk"}, True),
    ({"coding": [{"system": "urn:x", "code": "9"}, {"system": TAGS, "code": "nb"}]}, True),
    ({"coding": [{"system": TAGS, "code": "ny norsk"}]}, False),
    ({"coding": [{"system": "urn:x", "code": "nb"}]}, False),
    ({"coding": [{"system": TAGS, "display": "nynorsk"}]}, False),
])  # fmt: skip
def test_what_is_recommended_goes_no_further_than_its_outer_bound(language: Json, is_one: bool) -> None:
    patient = {"resourceType": "Patient", "communication": [{"language": language}]}
    assert faults(patient) == ([] if is_one else [("code-invalid", "Patient.communication[0].language")])


@pytest.mark.parametrize(("code", "is_one"), [
    ("mg/dL", True), ("10*9/L", True), ("{score}", True), ("mm[Hg]", True), ("milligram", False),
    ("mg/", False), ("", False),
])  # fmt: skip
def test_a_unit_that_is_required_is_of_ucums_grammar(code: str, is_one: bool) -> None:
    unit = {"coding": [{"system": UCUM, "code": code} if code else {"system": UCUM, "display": "x"}]}
    about = {name: {"reference": "EvidenceVariable/1"} for name in ("exposure", "exposureAlternative", "outcome")}
    synthesis = {"resourceType": "EffectEvidenceSynthesis", "status": "draft", **about, "population": about["outcome"],
                 "effectEstimate": [{"unitOfMeasure": unit}]}  # fmt: skip
    place = "EffectEvidenceSynthesis.effectEstimate[0].unitOfMeasure"
    assert faults(synthesis) == ([] if is_one else [("code-invalid", place)])


@pytest.mark.parametrize(("code", "is_one"), [("a", True), ("h", True), ("kg", False), ("/d", False), ("år", False)])
def test_an_age_is_a_time(code: str, is_one: bool) -> None:
    onset = {"value": 4, "system": UCUM, "code": code}
    condition = {"resourceType": "Condition", "subject": {"reference": "Patient/1"}, "onsetAge": onset}
    assert faults(condition) == ([] if is_one else [("code-invalid", "Condition.onset")])


def test_a_list_of_somebody_elses_is_asked_for() -> None:
    kinds = [{"coding": [{"system": "http://loinc.org", "code": "LA6692-3"}]}, {"text": "annet"}]
    sequence = {"resourceType": "MolecularSequence", "coordinateSystem": 0,
                "structureVariant": [{"variantType": kind} for kind in kinds]}  # fmt: skip
    (asked,) = codes_elsewhere(sequence)
    assert (asked.path, asked.value_set, asked.strength) == (
        "MolecularSequence.structureVariant[0].variantType", "http://loinc.org/vs/LL379-9", "required"
    )  # fmt: skip


def test_what_a_capability_statement_serves_may_be_named_shortly() -> None:
    statement = {"resourceType": "CapabilityStatement", "status": "active", "date": "2026-01-01", "kind": "instance",
                 "implementation": {"description": "x"}, "fhirVersion": "4.0.1", "format": ["json", "xml"],
                 "rest": [{"mode": "server"}]}  # fmt: skip
    assert faults(statement) == []


@pytest.mark.parametrize(("code", "is_one"), [("NOK", True), ("DEM", True), ("nok", False), ("XYZ", False)])
def test_a_currency_is_one_of_today_or_of_old(code: str, is_one: bool) -> None:
    invoice = {"resourceType": "Invoice", "status": "issued", "totalNet": {"value": 1, "currency": code}}
    assert faults(invoice) == ([] if is_one else [("code-invalid", "Invoice.totalNet.currency")])


def test_what_r4_recommends_is_asked_wherever_it_stands() -> None:
    concept = {"coding": [{"system": "urn:x", "code": "1"}], "text": "x"}
    contact = {"relationship": [concept, {"text": "y"}]}
    patient = {"resourceType": "Patient", "maritalStatus": concept, "contact": [contact],
               "identifier": [{"type": concept, "value": "1"}]}  # fmt: skip
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient}]}
    asked = {(one.path, one.value_set.rpartition("/")[2], one.has_text) for one in recommended_codes(bundle)}
    start = "Bundle.entry[0].resource"
    assert asked == {
        (f"{start}.maritalStatus", "marital-status", True), (f"{start}.identifier[0].type", "identifier-type", True),
        (f"{start}.contact[0].relationship[0]", "patient-contactrelationship", True),
    }  # fmt: skip


def test_no_more_is_asked_than_can_be_answered() -> None:
    many = [{"type": {"coding": [{"code": str(n)}]}, "value": "1"} for n in range(900)]
    assert len(recommended_codes({"resourceType": "Patient", "identifier": many})) == 500
