"""FHIRPath Patch: each operation at each kind of place, and what is refused."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest

from fellesjournal.fhir import BadPatch, PatchConflict, apply_fhirpath_patch, validate

Json = dict[str, Any]

CALLED: Json = {"extension": [{"url": "urn:called", "valueBoolean": True}]}
PATIENT: Json = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [{"system": "urn:a", "value": "1"}, {"system": "urn:b", "value": "2"}, {"system": "urn:c"}],
    "name": [{"family": "Nordmann", "given": ["Kari", "Ola"], "_given": [None, CALLED]}],
    "birthDate": "1974-12-25",
    "_birthDate": {"extension": [{"url": "urn:time", "valueDateTime": "1974-12-25T14:35:45+01:00"}]},
    "maritalStatus": {"coding": [{"system": "urn:m", "code": "M"}]},
    "deceasedBoolean": False,
}


def operation(kind: str, path: str, value: Json | None = None, **more: Any) -> Json:
    parts: list[Json] = [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": path}]
    if value is not None:
        parts.append({"name": "value"} | value)
    for name, given in more.items():
        parts.append({"name": name, ("valueInteger" if type(given) is int else "valueString"): given})
    return {"name": "operation", "part": parts}


def patched(*operations: Json, resource: Json = PATIENT) -> Json:
    before = copy.deepcopy(resource)
    result = apply_fhirpath_patch(resource, {"resourceType": "Parameters", "parameter": list(operations)})
    assert resource == before
    return result


def systems(patient: Json) -> list[str]:
    return [identifier["system"] for identifier in patient["identifier"]]


def test_add_of_a_primitive() -> None:
    assert patched(operation("add", "Patient", {"valueCode": "female"}, name="gender"))["gender"] == "female"


def test_add_to_a_list_appends() -> None:
    value = {"valueIdentifier": {"system": "urn:d"}}
    assert systems(patched(operation("add", "Patient", value, name="identifier")))[-1] == "urn:d"


def test_add_makes_a_list_that_was_not_there() -> None:
    value = {"valueContactPoint": {"system": "phone"}}
    assert patched(operation("add", "Patient", value, name="telecom"))["telecom"] == [{"system": "phone"}]


def test_add_into_an_element() -> None:
    result = patched(operation("add", "Patient.name.where(family = 'Nordmann')", {"valueString": "Per"}, name="given"))
    assert result["name"][0]["given"] == ["Kari", "Ola", "Per"]
    assert result["name"][0]["_given"] == [None, CALLED, None]


def test_add_of_a_backbone_element_by_parts() -> None:
    parts = [
        {"name": "name", "valueHumanName": {"text": "a name"}},
        {"name": "telecom", "valueContactPoint": {"system": "phone", "value": "1"}},
        {"name": "telecom", "valueContactPoint": {"system": "email", "value": "a@b"}},
    ]
    result = patched(operation("add", "Patient", {"part": parts}, name="contact"))
    assert result["contact"] == [
        {
            "name": {"text": "a name"},
            "telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "a@b"}],
        }
    ]
    assert validate(result) == []


def test_parts_may_have_parts() -> None:
    repeat = {"name": "repeat", "part": [{"name": "frequency", "valuePositiveInt": 2}]}
    dosage = {"part": [{"name": "timing", "part": [repeat]}, {"name": "text", "valueString": "t"}]}
    request = {"resourceType": "MedicationRequest", "id": "m"}
    result = patched(operation("add", "MedicationRequest", dosage, name="dosageInstruction"), resource=request)
    assert result["dosageInstruction"] == [{"timing": {"repeat": {"frequency": 2}}, "text": "t"}]


def test_add_of_a_choice_uses_the_type_given() -> None:
    observation = {"resourceType": "Observation", "id": "o"}
    value = {"valueQuantity": {"value": Decimal("72.50"), "unit": "kg"}}
    for name in ("value", "value[x]", "valueQuantity"):
        result = patched(operation("add", "Observation", value, name=name), resource=observation)
        assert str(result["valueQuantity"]["value"]) == "72.50"


def test_add_of_an_extension_to_a_primitive() -> None:
    parts = {"part": [{"name": "url", "valueUri": "urn:e"}, {"name": "value", "valueString": "x"}]}
    result = patched(operation("add", "Patient.name[0].given[0]", parts, name="extension"))
    assert result["name"][0]["_given"] == [{"extension": [{"url": "urn:e", "valueString": "x"}]}, CALLED]
    result = patched(operation("add", "Patient.birthDate", parts, name="extension"))
    assert [e["url"] for e in result["_birthDate"]["extension"]] == ["urn:time", "urn:e"]


def test_value_of_extensions_alone_may_be_added() -> None:
    value = {"_valueCode": {"extension": [{"url": "urn:absent", "valueCode": "unknown"}]}}
    result = patched(operation("add", "Patient", value, name="gender"))
    assert "gender" not in result and result["_gender"] == value["_valueCode"]


def test_resource_may_be_added() -> None:
    value = {"resource": {"resourceType": "Organization", "id": "org"}}
    assert patched(operation("add", "Patient", value, name="contained"))["contained"] == [value["resource"]]


@pytest.mark.parametrize("index", [0, 1, 3])
def test_insert_puts_it_at_the_index(index: int) -> None:
    value = {"valueIdentifier": {"system": "urn:new"}}
    assert systems(patched(operation("insert", "Patient.identifier", value, index=index)))[index] == "urn:new"


def test_insert_into_a_list_that_is_not_there() -> None:
    value = {"valueContactPoint": {"system": "phone"}}
    assert patched(operation("insert", "Patient.telecom", value, index=0))["telecom"] == [{"system": "phone"}]


def test_insert_keeps_extensions_beside_their_values() -> None:
    result = patched(operation("insert", "Patient.name[0].given", {"valueString": "Per"}, index=1))
    assert result["name"][0]["given"] == ["Kari", "Per", "Ola"]
    assert result["name"][0]["_given"] == [None, None, CALLED]


def test_delete_of_an_element_takes_its_extensions() -> None:
    result = patched(operation("delete", "Patient.birthDate"))
    assert "birthDate" not in result and "_birthDate" not in result


def test_delete_of_nothing_is_fine() -> None:
    assert patched(operation("delete", "Patient.photo")) == PATIENT


def test_delete_from_a_list() -> None:
    assert systems(patched(operation("delete", "Patient.identifier.where(system = 'urn:b')"))) == ["urn:a", "urn:c"]
    result = patched(operation("delete", "Patient.name.given[1]"))
    assert result["name"][0] == {"family": "Nordmann", "given": ["Kari"]}


def test_delete_of_the_last_child_leaves_no_empty_element() -> None:
    assert "maritalStatus" not in patched(operation("delete", "Patient.maritalStatus.coding[0]"))
    result = patched(operation("delete", "Patient.birthDate.extension('urn:time')"))
    assert "_birthDate" not in result and result["birthDate"] == "1974-12-25"


def test_delete_of_a_choice() -> None:
    assert "deceasedBoolean" not in patched(operation("delete", "Patient.deceased"))


def test_replace_of_a_primitive_keeps_its_place() -> None:
    result = patched(operation("replace", "Patient.birthDate", {"valueDate": "1930-01-01"}))
    assert result["birthDate"] == "1930-01-01" and "_birthDate" not in result
    assert list(result) == [key for key in PATIENT if key != "_birthDate"]


def test_replace_in_a_list() -> None:
    result = patched(operation("replace", "Patient.identifier[1].value", {"valueString": "9"}))
    assert result["identifier"][1] == {"system": "urn:b", "value": "9"}
    result = patched(operation("replace", "Patient.name[0].given[1]", {"valueString": "Per"}))
    assert result["name"][0]["given"] == ["Kari", "Per"] and "_given" not in result["name"][0]


def test_replace_of_a_choice_may_change_its_type() -> None:
    result = patched(operation("replace", "Patient.deceased", {"valueDateTime": "2020"}))
    assert result["deceasedDateTime"] == "2020" and "deceasedBoolean" not in result


@pytest.mark.parametrize(
    ("source", "destination", "after"),
    [(2, 0, "cab"), (0, 2, "bca"), (1, 1, "abc"), (0, 1, "bac")],
)
def test_move_reorders_a_list(source: int, destination: int, after: str) -> None:
    result = patched(operation("move", "Patient.identifier", source=source, destination=destination))
    assert "".join(system[-1] for system in systems(result)) == after


def test_operations_see_what_earlier_ones_did() -> None:
    result = patched(
        operation("delete", "Patient.identifier[0]"),
        operation("delete", "Patient.identifier[0]"),
        operation("add", "Patient.identifier", {"valueString": "7"}, name="value"),
    )
    assert result["identifier"] == [{"system": "urn:c", "value": "7"}]


def test_text_stands_for_what_is_spelt_as_one() -> None:
    assert patched(operation("replace", "Patient.birthDate", {"valueString": "1930"}))["birthDate"] == "1930"


@pytest.mark.parametrize(
    "refused",
    [
        operation("add", "Patient.identifier", {"valueString": "x"}, name="value"),  # several
        operation("add", "Patient.photo", {"valueString": "x"}, name="title"),  # nothing
        operation("add", "Patient", {"valueString": "x"}, name="birthDate"),  # there already
        operation("add", "Patient", {"valueString": "x"}, name="nothing"),
        operation("add", "Patient", {"valueInteger": 3}, name="gender"),  # wrong type
        operation("add", "Patient", {"valueBoolean": True}, name="deceased"),  # there already
        operation("add", "Patient", {"valueQuantity": {}}, name="multipleBirth"),  # no such choice
        operation("add", "Patient", {"valuePeriod": {}}, name="name"),
        operation("add", "Patient", {"part": []}, name="gender"),
        operation("insert", "Patient.identifier", {"valueIdentifier": {}}, index=4),
        operation("insert", "Patient.gender", {"valueCode": "female"}, index=0),
        operation("delete", "Patient.identifier"),
        operation("delete", "Patient"),
        operation("replace", "Patient.photo", {"valueAttachment": {}}),
        operation("replace", "Patient", {"part": []}),
        operation("replace", "Patient.identifier.count()", {"valueInteger": 1}),
        operation("move", "Patient.identifier", source=3, destination=0),
        operation("move", "Patient.identifier", source=0, destination=3),
        operation("move", "Patient.birthDate", source=0, destination=0),
        operation("add", "1", {"valueString": "x"}, name="a"),
    ],
)
def test_what_does_not_fit_is_a_conflict(refused: Json) -> None:
    with pytest.raises(PatchConflict) as caught:
        patched(operation("delete", "Patient.photo"), refused)
    assert caught.value.operation == 1


@pytest.mark.parametrize(
    "parameters",
    [
        None,
        [],
        {"resourceType": "Patient"},
        {"resourceType": "Parameters", "parameter": {}},
        {"resourceType": "Parameters", "parameter": [{}] * 1001},
        *(
            {"resourceType": "Parameters", "parameter": [each]}
            for each in (
                1,
                {"name": "other", "part": []},
                {"name": "operation"},
                {"name": "operation", "part": [1]},
                {"name": "operation", "part": [{"name": "type", "valueCode": "spam"}]},
                {"name": "operation", "part": [{"name": "type", "valueCode": "delete"}]},
                {"name": "operation", "part": [{"name": "type", "valueCode": "delete"}] * 2},
                operation("delete", "Patient.where("),
                operation("delete", "Patient.nothing()"),
                operation("add", "Patient", name="gender"),
                operation("add", "Patient", {"valueCode": "a", "valueString": "b"}, name="gender"),
                operation("add", "Patient", {"valueDragon": 1}, name="gender"),
                operation("add", "Patient", {}, name="gender"),
                operation("insert", "Patient.identifier", {"valueIdentifier": {}}, index=-1),
                operation("insert", "Patient.identifier.first()", {"valueIdentifier": {}}, index=0),
                operation("move", "Patient.identifier", source="x", destination=0),
            )
        ),
    ],
)
def test_malformed_patch_is_refused(parameters: Any) -> None:
    with pytest.raises(BadPatch):
        apply_fhirpath_patch(PATIENT, parameters)


def test_resolve_reaches_only_what_is_contained() -> None:
    observation = {
        "resourceType": "Observation",
        "contained": [{"resourceType": "Patient", "id": "p", "gender": "male"}],
        "subject": {"reference": "#p"},
    }
    value = {"valueCode": "female"}
    result = patched(operation("replace", "Observation.subject.resolve().gender", value), resource=observation)
    assert result["contained"][0]["gender"] == "female"
    outside = observation | {"subject": {"reference": "Patient/p"}}
    with pytest.raises(PatchConflict):
        patched(operation("replace", "Observation.subject.resolve().gender", value), resource=outside)


def test_costly_path_is_refused_soon() -> None:
    costly = "Patient" + ".select(%resource.descendants())" * 4
    with pytest.raises(BadPatch, match=r"work|items"):
        patched(*[operation("delete", f"{costly}.where(false)") for _ in range(1000)])
