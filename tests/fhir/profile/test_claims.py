"""Which profiles a resource is checked against: those asked for, those required, those that it claims itself."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from fellesjournal.fhir.profile import Profiles, canonicals_in
from tests.fhir.profile.definitions import CORE, URL, Held, Json, element, observation, patient, profile

NAMED = profile("named", element("Patient.name", min=1))
NAMELESS: Json = {"resourceType": "Patient"}


class NotYet(Exception):
    """The definition is not loaded yet."""


class Later(Held):
    """A source that must load first."""

    is_ready = False

    def find(self, canonical: str) -> Json | None:
        if not self.is_ready:
            raise NotYet(canonical)
        return super().find(canonical)


def issues(resource: Json, *definitions: Json, required: dict[str, list[str]] | None = None, **more: Any) -> list[str]:
    profiles = Profiles(Held(*definitions), required=required)
    return [f"{i.severity} {i.code} {i.expression}" for i in profiles.check(resource, **more).issues]


def claiming(resource: Json, *canonicals: str) -> Json:
    return {**resource, "meta": {"profile": list(canonicals)}}


def test_a_resource_conforms_to_what_it_claims() -> None:
    assert issues(NAMELESS, NAMED) == []
    assert issues(claiming(patient(), URL + "named"), NAMED) == []
    assert issues(claiming(NAMELESS, URL + "named"), NAMED) == ["error required Patient.name"]
    assert issues(claiming(NAMELESS, URL + "named|1.0"), NAMED) == ["error required Patient.name"]


def test_a_claim_of_r4s_own_type_asks_nothing() -> None:
    assert issues(claiming(NAMELESS, CORE + "Patient"), NAMED) == []


def test_a_claim_of_what_is_not_installed_is_a_warning() -> None:
    assert issues(claiming(NAMELESS, CORE + "Patient", URL + "other"), NAMED) == [
        "warning not-found Patient.meta.profile[1]"
    ]


def test_a_claim_of_a_profile_for_another_type_is_an_error() -> None:
    report = Profiles(Held(NAMED)).check(claiming(observation(), URL + "named"))
    assert [i.diagnostics for i in report.issues] == [
        "the profile is for Patient, not for Observation (profile http://example.no/named)"
    ]


def test_resources_within_conform_to_what_they_claim() -> None:
    inner = claiming({"resourceType": "Patient", "id": "p"}, URL + "named")
    assert issues(observation(contained=[inner]), NAMED) == ["error required Observation.contained[0].name"]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": observation(contained=[inner])}]}
    assert issues(bundle, NAMED) == ["error required Bundle.entry[0].resource.contained[0].name"]
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "a", "resource": inner}]}
    assert issues(parameters, NAMED) == ["error required Parameters.parameter[0].resource.name"]


def test_required_profiles_are_checked_without_a_claim() -> None:
    required = {"Patient": [URL + "named"]}
    assert issues(NAMELESS, NAMED, required=required) == ["error required Patient.name"]
    assert issues(observation(), NAMED, required=required) == []


def test_a_required_profile_that_cannot_be_used_is_an_error() -> None:
    assert issues(NAMELESS, required={"Patient": [URL + "named"]}) == ["error not-found Patient"]
    assert issues(NAMELESS, profiles=[URL + "named"]) == ["error not-found Patient"]


def test_what_is_asked_for_twice_is_said_once() -> None:
    resource = claiming(NAMELESS, URL + "named", URL + "named")
    required = {"Patient": [URL + "named"]}
    assert issues(resource, NAMED, required=required, profiles=[URL + "named"]) == ["error required Patient.name"]


def test_definitions_are_asked_for_once() -> None:
    source = Held(NAMED)
    profiles = Profiles(source)
    for _ in range(3):
        profiles.check(claiming(NAMELESS, URL + "named", URL + "unknown"))
    assert source.asked == [URL + "named", URL + "unknown"]


def test_nobody_fills_the_memory_with_names_that_nothing_has() -> None:
    source = Held(NAMED)
    profiles = Profiles(source)
    for n in range(30):
        profiles.check(claiming(NAMELESS, *(f"{URL}{n}/{m}" for m in range(200))))
    assert len(profiles._refused) <= 2_000
    assert len(profiles._library._headers) <= 2_001
    profiles.check(claiming(NAMELESS, URL + "named#a", URL + "named#b", URL + "x" * 2_000))
    assert not [asked for asked in source.asked if "#" in asked or len(asked) > 1_000]


def test_a_resource_names_a_bounded_number_of_definitions() -> None:
    claims = [f"{URL}{n}" for n in range(501)]
    assert issues(claiming(NAMELESS, *claims)) == ["error too-costly Patient"]


def test_what_a_resource_names_can_be_loaded_beforehand() -> None:
    parts = [{"url": "part", "valueCode": "a"}, {"url": "urn:b", "valueCode": "b"}]
    marked = [{"url": URL + "kind", "extension": parts}]
    inner = claiming({"resourceType": "Patient", "id": "p", "extension": marked}, URL + "named")
    resource = claiming(observation(contained=[inner]), CORE + "Observation", URL + "seen|2")
    assert canonicals_in(resource) == {URL + "kind", "urn:b", URL + "named", URL + "seen|2"}


def test_a_source_may_refuse_for_now() -> None:
    source = Later(NAMED)
    profiles = Profiles(source)
    for _ in range(2):
        with pytest.raises(NotYet, match="named"):
            profiles.check(claiming(NAMELESS, URL + "named"))
    source.is_ready = True
    assert not profiles.check(claiming(NAMELESS, URL + "named")).is_valid


def test_nothing_of_this_is_imported_before_it_is_needed() -> None:
    asked = "import sys, fellesjournal.fhir; print([m for m in sys.modules if 'fhir.profile' in m])"
    answer = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True, text=True)
    assert answer.stdout.strip() == "[]"
