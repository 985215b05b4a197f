"""The vendored definitions, and the numbers that stand in the database for ever."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256

import pytest

from fellesjournal.fhir import RESOURCE_TYPES, TYPE_NUMBER, compartment_params, implied_systems, search_params
from fellesjournal.fhir.emitters import emitter
from fellesjournal.fhir.ownership import _ABOUT, _DATES, date_elements, patient_rank
from fellesjournal.fhir.paths import Presence, Unsupported, routes
from fellesjournal.fhir.search_params import param_routes
from fellesjournal.fhir.structures import catalogue, is_resource


def test_type_numbers_are_frozen() -> None:
    listed = ",".join(f"{name}={number}" for name, number in TYPE_NUMBER.items())
    assert len(TYPE_NUMBER) == 146
    assert (TYPE_NUMBER["Account"], TYPE_NUMBER["Patient"], TYPE_NUMBER["VisionPrescription"]) == (
        1,
        103,
        146,
    )
    assert sha256(listed.encode()).hexdigest()[:16] == "5d04faadb7dc5ad2"


def test_every_numbered_type_is_defined_and_none_is_missing() -> None:
    assert [name for name in sorted(catalogue().types) if is_resource(name)] == list(RESOURCE_TYPES)


def test_parameter_numbers_are_positive_and_never_collide() -> None:
    owners: dict[int, tuple[str, str]] = {}
    for rtype in RESOURCE_TYPES:
        for param in search_params(rtype).values():
            owner = (rtype, param.code)
            assert 0 < param.id < 2**31
            assert owners.setdefault(param.id, owner) == owner
    assert len(owners) > 2000


def test_parameter_numbers_are_frozen() -> None:
    assert search_params("Patient")["identifier"].id == 587468934
    assert search_params("Patient")["_tag"].id == 468775222


@pytest.mark.parametrize("rtype", RESOURCE_TYPES)
def test_every_official_parameter_with_an_expression_makes_rows(rtype: str) -> None:
    silent = [
        param.code
        for param in search_params(rtype).values()
        if param.expression
        and param.type not in {"composite", "special"}
        and not is_extractable(rtype, param.code)
    ]
    assert silent == []


def is_extractable(rtype: str, code: str) -> bool:
    kind = search_params(rtype)[code].type
    return any(
        isinstance(route, Presence) or emitter(kind, type_name=route.type, params=(1,)) is not None
        for route in param_routes(rtype, code)
    )


@pytest.mark.parametrize(
    "expression", ["Patient.name.first()", "Patient.name.where(", "Patient.name + 1", "a and b"]
)
def test_unknown_expression_is_refused(expression: str) -> None:
    with pytest.raises(Unsupported):
        routes(expression, rtype="Patient")


def test_unknown_type_has_no_parameters() -> None:
    with pytest.raises(KeyError):
        search_params("Dragon")


def test_composites_name_their_components() -> None:
    param = search_params("Observation")["component-code-value-quantity"]
    assert param.components == (
        ("component-code", "code"),
        ("component-value-quantity", "value.as(Quantity)"),
    )


def test_plain_codes_imply_their_systems() -> None:
    assert implied_systems("Observation", "status") == frozenset({"http://hl7.org/fhir/observation-status"})
    assert implied_systems("Patient", "active") == frozenset()
    assert implied_systems("Observation", "code") is None


def test_compartment_is_the_official_one() -> None:
    assert compartment_params("Observation") == ("subject", "performer")
    assert compartment_params("Organization") == ()


@pytest.mark.parametrize("rtype", RESOURCE_TYPES)
def test_every_compartment_parameter_can_name_a_patient(rtype: str) -> None:
    for code in (*compartment_params(rtype), *_ABOUT.get(rtype, ())):
        assert search_params(rtype)[code].type == "reference"
        assert patient_rank(rtype, code) is not None


@pytest.mark.parametrize("rtype", sorted(_DATES))
def test_main_dates_are_single_dates_of_their_type(rtype: str) -> None:
    assert date_elements(rtype) == _DATES[rtype]


def test_type_without_a_row_falls_back_to_what_it_has() -> None:
    assert date_elements("Encounter") == ("period",)
    assert date_elements("GraphDefinition") == ("date",)
    assert date_elements("Location") == ()


def test_definitions_load_fast_and_small() -> None:
    script = (
        "import time, pathlib; s = time.process_time()\n"
        "from fellesjournal.fhir.structures import catalogue; catalogue()\n"
        "print(time.process_time() - s, int(pathlib.Path('/proc/self/statm').read_text().split()[1]) / 256)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    seconds, megabytes = map(float, done.stdout.split())
    assert seconds < 0.5 and megabytes < 60
