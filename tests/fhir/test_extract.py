"""The index rows of a resource, and whose it is."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from math import inf
from typing import Any

import pytest

from fellesjournal.fhir import (
    OPEN_END,
    OPEN_START,
    IndexRows,
    Owner,
    extract,
    keyed_hash,
    param_id,
    search_params,
    validate,
)
from fellesjournal.fhir.keys import identifier_key, token_query_key, unit_key
from fellesjournal.fhir.search_params import implied_systems
from tests.fhir.samples import Json, mmhg, observation, patient, without

HASH = keyed_hash(b"test")
KINDS = ("token", "reference", "date", "quantity", "string", "uri")


def rows_of(resource: Json) -> IndexRows:
    assert validate(resource) == []
    rows = IndexRows()
    extract(resource, into=rows, n=7, hash64=HASH)
    return rows


def owner(resource: Json) -> Owner:
    assert validate(resource) == []
    return extract(resource, into=IndexRows(), n=0, hash64=HASH)


def found(rows: IndexRows, kind: str, rtype: str, code: str, *columns: str) -> list[Any]:
    """The values of one parameter: single, or tuples when several columns are asked for."""
    wanted = param_id(rtype, code)
    lists = [getattr(rows, f"{kind}_{column}") for column in columns]
    picked = [
        values for p, *values in zip(getattr(rows, f"{kind}_param"), *lists, strict=True) if p == wanted
    ]
    return [values[0] if len(columns) == 1 else tuple(values) for values in picked]


def matches(resource: Json, code: str, query: str) -> bool:
    rtype = resource["resourceType"]
    param = search_params(rtype)[code]
    return (
        HASH(token_query_key(param.id, query, implied=implied_systems(rtype, code)))
        in rows_of(resource).token_h
    )


@pytest.mark.parametrize("resource", [patient(), observation()])
def test_lists_of_one_kind_have_equal_length_and_the_resource_number(resource: Json) -> None:
    rows = rows_of(resource)
    for kind in KINDS:
        lists = [getattr(rows, name) for name in rows.__struct_fields__ if name.startswith(f"{kind}_")]
        assert len({len(values) for values in lists}) == 1
        assert set(getattr(rows, f"{kind}_n")) <= {7}


@pytest.mark.parametrize(
    ("code", "query", "expected"),
    [
        ("identifier", "urn:oid:2.16.578.1.12.4.1.4.1|01815012345", True),
        ("identifier", "01815012345", True),
        ("identifier", "urn:oid:2.16.578.1.12.4.1.4.1|", True),
        ("identifier", "|01815012345", False),
        ("gender", "male", True),
        ("gender", "http://hl7.org/fhir/administrative-gender|male", True),
        ("gender", "female", False),
        ("phone", "+4799999999", True),
        ("phone", "k@example.no", False),
        ("email", "k@example.no", True),
        ("telecom", "phone|+4799999999", True),
        ("deceased", "false", True),
        ("deceased", "true", False),
        ("_tag", "urn:tag|test", True),
    ],
)
def test_tokens_of_a_patient(code: str, query: str, expected: bool) -> None:
    assert matches(patient(), code, query) is expected


def test_what_labels_and_tags_are_called_has_no_rows() -> None:
    coding = {"system": "urn:tag", "code": "test", "display": "Prøve"}
    rows = rows_of(patient(meta={"tag": [coding], "security": [coding]}))
    for param in (param_id("Patient", "_tag"), param_id("Patient", "_security")):
        assert rows.token_param.count(param) == 3
        assert param not in rows.string_param


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"deceasedBoolean": True}, "true"),
        ({"deceasedBoolean": False}, "false"),
        ({"deceasedDateTime": "2024"}, "true"),
    ],
)
def test_deceased_is_true_or_false_for_every_patient(change: Json, expected: str) -> None:
    assert matches(patient(**change), "deceased", expected)


@pytest.mark.parametrize("query", ["urn:event:1", "|urn:event:1"])
def test_uri_beside_codings_is_a_token_without_system(query: str) -> None:
    source = {"endpoint": "http://x.no"}
    assert matches(
        {"resourceType": "MessageHeader", "eventUri": "urn:event:1", "source": source}, "event", query
    )


def test_component_codes_are_found_by_both_parameters() -> None:
    assert matches(observation(), "combo-code", "http://loinc.org|8480-6")
    assert matches(observation(), "component-code", "8480-6")
    assert not matches(observation(), "code", "8480-6")
    assert matches(observation(), "code", "85354-9")


def test_names_are_found_by_every_part_folded() -> None:
    rows = rows_of(patient())
    assert found(rows, "string", "Patient", "name", "v") == [
        "kåre andre ærlighet-åsen",
        "ærlighet-åsen",
        "kåre",
        "andre",
    ]
    assert found(rows, "string", "Patient", "family", "v", "exact") == [("ærlighet-åsen", "Ærlighet-Åsen")]
    assert found(rows, "string", "Patient", "address", "v") == ["storgata 1", "tromsø", "9008"]


def test_references_are_local_or_by_identifier() -> None:
    rows = rows_of(observation())
    target = [(HASH("Patient/p1"), "Patient/p1")]
    assert found(rows, "reference", "Observation", "subject", "h", "target") == target
    assert found(rows, "reference", "Observation", "patient", "h", "target") == target
    assert found(rows, "reference", "Observation", "performer", "target") == ["Practitioner/9"]
    logical = found(rows_of(patient()), "reference", "Patient", "general-practitioner", "h", "target")
    assert logical == [(HASH(identifier_key("urn:hpr", "99")), None)]


@pytest.mark.parametrize(
    ("reference", "target"),
    [
        ("Patient/p1", ["Patient/p1"]),
        ("Patient/p1/_history/1", ["Patient/p1"]),
        ("http://other.no/fhir/Patient/p1", [None]),
        ("urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", [None]),
        ("#inside", []),
    ],
)
def test_reference_names_a_local_target_only_when_it_is_one(reference: str, target: list[str | None]) -> None:
    inside = {"resourceType": "Patient", "id": "inside", "active": True}
    contained = {"contained": [inside]} if reference[0] == "#" else {}
    rows = rows_of(observation(subject={"reference": reference}, **contained))
    assert found(rows, "reference", "Observation", "subject", "target") == target


def test_patient_parameter_ignores_other_kinds_of_subject() -> None:
    rows = rows_of(observation(subject={"reference": "Group/g1"}))
    assert found(rows, "reference", "Observation", "subject", "target") == ["Group/g1"]
    assert found(rows, "reference", "Observation", "patient", "target") == []


def test_canonicals_are_found_with_and_without_version() -> None:
    resource = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": "http://x/q|2",
    }
    hashes = found(rows_of(resource), "reference", "QuestionnaireResponse", "questionnaire", "h")
    assert hashes == [HASH("http://x/q|2"), HASH("http://x/q")]


def test_day_of_the_spring_change_is_indexed_as_23_hours() -> None:
    dates = found(rows_of(observation()), "date", "Observation", "date", "lo", "hi")
    assert dates == [(datetime(2024, 3, 30, 23, tzinfo=UTC), datetime(2024, 3, 31, 22, tzinfo=UTC))]


@pytest.mark.parametrize(
    ("period", "span"),
    [
        ({"start": "2024-01-01T00:00:00Z"}, (datetime(2024, 1, 1, tzinfo=UTC), OPEN_END)),
        ({"end": "2024-01-01T00:00:00Z"}, (OPEN_START, datetime(2024, 1, 1, 0, 0, 1, tzinfo=UTC))),
    ],
)
def test_open_period_reaches_far(period: Json, span: tuple[datetime, datetime]) -> None:
    resource = without(observation(effectivePeriod=period), "effectiveDateTime")
    assert found(rows_of(resource), "date", "Observation", "date", "lo", "hi") == [span]


def test_quantity_has_a_row_for_each_way_to_name_its_unit() -> None:
    rows = found(
        rows_of(observation(valueQuantity=mmhg("5.40"))),
        "quantity",
        "Observation",
        "value-quantity",
        "lo",
        "hi",
        "unit",
    )
    units = [
        unit_key(None, "mm[Hg]"),
        unit_key(None, "mmHg"),
    ]
    assert rows == [(5.395, 5.405, HASH(unit)) for unit in units]


@pytest.mark.parametrize(("comparator", "span"), [("<", (-inf, 5.0)), (">=", (5.0, inf))])
def test_comparator_opens_the_range(comparator: str, span: tuple[float, float]) -> None:
    value = {"value": Decimal("5.0"), "comparator": comparator}
    rows = found(
        rows_of(observation(valueQuantity=value)),
        "quantity",
        "Observation",
        "value-quantity",
        "lo",
        "hi",
        "unit",
    )
    assert rows == [(*span, 0)]


def test_number_has_no_unit() -> None:
    resource = {
        "resourceType": "RiskAssessment",
        "status": "final",
        "subject": {"reference": "Patient/p1"},
        "prediction": [{"probabilityDecimal": Decimal("0.25")}],
    }
    rows = found(rows_of(resource), "quantity", "RiskAssessment", "probability", "lo", "hi", "unit")
    assert rows == [(0.245, 0.255, 0)]


def test_common_parameters_are_indexed_for_every_type() -> None:
    rows = rows_of(patient())
    assert found(rows, "date", "Patient", "_lastUpdated", "lo") == [
        datetime(2026, 3, 1, 11, 0, 0, 500000, tzinfo=UTC)
    ]
    assert found(rows, "uri", "Patient", "_profile", "v") == [
        "http://hl7.no/fhir/StructureDefinition/no-basis-Patient"
    ]


def test_extension_parameter_finds_its_value() -> None:
    url = "http://hl7.org/fhir/StructureDefinition/patient-extensions-Patient-mothersMaidenName"
    resource = patient(
        extension=[{"url": url, "valueString": "Åsen"}, {"url": "http://x", "valueString": "B"}]
    )
    assert found(rows_of(resource), "string", "Patient", "mothersMaidenName", "v") == ["åsen"]


def test_bundle_refers_to_its_first_resource_alone() -> None:
    entries = [
        {"resource": {"resourceType": "Composition", "id": name} | COMPOSITION} for name in ("c1", "c2")
    ]
    resource = {
        "resourceType": "Bundle", "type": "document", "identifier": {"system": "urn:x", "value": "1"},
        "timestamp": "2024-01-01T00:00:00Z", "entry": entries,
    }  # fmt: skip
    assert found(rows_of(resource), "reference", "Bundle", "composition", "target") == ["Composition/c1"]


COMPOSITION = {
    "status": "final",
    "type": {"text": "x"},
    "date": "2024",
    "title": "x",
    "author": [{"display": "x"}],
}


def test_owner_is_the_subject_and_others_are_named() -> None:
    resource = observation(performer=[{"reference": "Patient/mother"}, {"reference": "Practitioner/1"}])
    assert (owner(resource).patient, owner(resource).others) == ("Patient/p1", ("Patient/mother",))


def test_patient_owns_itself_and_names_whom_it_is_linked_to() -> None:
    resource = patient(link=[{"other": {"reference": "Patient/p2"}, "type": "seealso"}])
    assert (owner(resource).patient, owner(resource).others) == (None, ("Patient/p2",))


def test_group_belongs_to_nobody_and_names_all_its_members() -> None:
    members = [{"entity": {"reference": f"Patient/{name}"}} for name in ("b", "a")]
    resource = {"resourceType": "Group", "type": "person", "actual": True, "member": members}
    assert (owner(resource).patient, owner(resource).others) == (None, ("Patient/a", "Patient/b"))


def test_appointment_belongs_to_its_first_patient_and_names_the_rest() -> None:
    actors = ("Practitioner/1", "Patient/b", "Patient/a", "Patient/b")
    participants = [{"actor": {"reference": actor}, "status": "accepted"} for actor in actors]
    resource = {"resourceType": "Appointment", "status": "proposed", "participant": participants}
    assert (owner(resource).patient, owner(resource).others) == ("Patient/b", ("Patient/a",))


def test_reference_to_a_foreign_server_makes_no_owner() -> None:
    assert owner(observation(subject={"reference": "http://other.no/Patient/p1"})).patient is None


def test_task_belongs_to_whom_it_is_for_although_r4_leaves_it_out() -> None:
    resource = {
        "resourceType": "Task",
        "status": "ready",
        "intent": "order",
        "for": {"reference": "Patient/p1"},
    }
    assert owner(resource).patient == "Patient/p1"


def test_binary_belongs_to_its_security_context() -> None:
    resource = {
        "resourceType": "Binary",
        "contentType": "text/plain",
        "securityContext": {"reference": "Patient/p1"},
    }
    assert owner(resource).patient == "Patient/p1"


def test_owner_says_when_with_what_status_and_labels() -> None:
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
    found_owner = owner(observation(meta={"security": [label]}, identifier=[{"value": "x"}]))
    assert found_owner.date == datetime(2024, 3, 30, 23, tzinfo=UTC)
    assert found_owner.status == "final"
    assert found_owner.security == ((label["system"], "R"),)
    assert found_owner.identifiers == (("", "x"),)


def test_primitives_that_are_only_extensions_make_no_rows() -> None:
    absent = {"extension": [{"url": "http://x.no/absent", "valueCode": "unknown"}]}
    resource = patient(name=[{"_family": absent, "given": [None], "_given": [absent]}], _birthDate=absent)
    del resource["birthDate"]
    rows = rows_of(resource)
    assert found(rows, "string", "Patient", "name", "v") == []
    assert found(rows, "date", "Patient", "birthdate", "lo") == []


def test_resources_of_a_batch_share_the_lists() -> None:
    rows = IndexRows()
    for n, resource in enumerate((patient(), observation())):
        extract(resource, into=rows, n=n, hash64=HASH)
    assert set(rows.token_n) == {0, 1}
    assert rows.token_n == sorted(rows.token_n)
