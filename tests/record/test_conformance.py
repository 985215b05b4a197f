"""Profiles on every write: those that a resource claims, those that the operator requires, as they are installed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fellesjournal.kit import db
from fellesjournal.kit.settings import SettingsError
from fellesjournal.packages import Library, PackageName, install, read_package, remove
from fellesjournal.packages import library as library_module
from fellesjournal.record.checks import Checks
from fellesjournal.record.conformance import Conformance, read_required
from fellesjournal.record.errors import Invalid
from fellesjournal.record.rows import Wanted
from fellesjournal.terminology import Terminology, on_install
from tests.conftest import TestDatabase
from tests.packages.making import BASE, package, profile
from tests.record.samples import person
from tests.terminology.making import SETS, URL, animals, of, value_set

Json = dict[str, Any]

PHONED = f"{BASE}/StructureDefinition/phoned"
BORN = f"{BASE}/StructureDefinition/born"
PHONE = {"system": "phone", "value": "1"}


def asks_for(name: str, element: str, **more: Any) -> Json:
    """A profile of Patient in which an element is needed."""
    path = f"Patient.{element}"
    elements = [{"id": "Patient", "path": "Patient"}, {"id": path, "path": path, "min": 1}]
    return profile(name, differential={"element": elements}, **more)


@dataclass
class Stage:
    """An operator and a web process that looks for changes each time."""

    operator: db.Database
    web: db.Database
    folder: Path

    async def install(self, *resources: Json, **more: Any) -> None:
        """Install a package of these."""
        made = read_package(package(self.folder, *resources, **more))
        await install(self.operator, made, who="ola", then=[on_install])

    def checks(self, *required: str) -> Checks:
        """The checks of a process that was started with this setting."""
        library = Library(self.web)
        terminology = Terminology(self.web, library=library)
        return Checks(Conformance(library, terminology=terminology, required=read_required(required)))


@pytest.fixture
async def stage(database: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """Nothing is installed."""
    monkeypatch.setattr(library_module, "FRESH_S", 0.0)
    async with await database.connect("fj_migrate") as operator, await database.connect("fj_web") as web:
        yield Stage(operator, web, tmp_path)


async def refused(checks: Checks, resource: Json) -> list[tuple[str, str]]:
    """(code, place) of what a write is refused for."""
    wanted, found = Wanted("C", resource["resourceType"], 0, 1, 0, resource), []
    try:
        await checks.refuse_faults([wanted], is_demo=True)
    except Invalid as error:
        found = error.issues
    told = await checks.examine(resource, "C", is_demo=True)
    assert [issue for issue in told if issue.severity == "error"] == found
    return [(issue.code, issue.expression) for issue in found]


def claiming(*profiles: str, **more: Any) -> Json:
    return person(meta={"profile": list(profiles)}, **more)


async def test_a_claimed_profile_is_held_against_the_resource_when_it_is_installed(stage: Stage) -> None:
    checks = stage.checks()
    assert await refused(checks, claiming(PHONED)) == []
    await stage.install(asks_for("phoned", "telecom"))
    assert await refused(checks, claiming(PHONED)) == [("required", "Patient.telecom")]
    assert await refused(checks, claiming(PHONED, telecom=[PHONE])) == []
    assert await refused(checks, person()) == []
    await remove(stage.operator, PackageName("test.no", "1.0.0"), who="ola")
    assert await refused(checks, claiming(PHONED)) == []


async def test_a_profile_that_nobody_has_installed_is_a_warning(stage: Stage) -> None:
    told = await stage.checks().examine(claiming(PHONED), "C", is_demo=True)
    assert ("warning", "not-found", "Patient.meta.profile[0]") in [(i.severity, i.code, i.expression) for i in told]


async def test_profiles_that_the_operator_requires_are_those_of_every_resource_of_the_type(stage: Stage) -> None:
    await stage.install(asks_for("phoned", "telecom"), asks_for("born", "birthDate"))
    checks = stage.checks(f"Patient={PHONED}", f"Patient={BORN}")
    assert await refused(checks, person()) == [("required", "Patient.telecom")]
    assert await refused(checks, person(telecom=[PHONE])) == []
    assert await refused(checks, {"resourceType": "Person", "active": True}) == []


async def test_a_required_profile_that_is_not_installed_lets_nothing_through(stage: Stage) -> None:
    assert await refused(stage.checks(f"Patient={PHONED}"), person()) == [("not-found", "Patient")]


async def test_profiles_of_what_is_contained_and_extensions_count_too(stage: Stage) -> None:
    await stage.install(asks_for("phoned", "telecom"))
    inner = {**claiming(PHONED), "id": "p"}
    group = {"resourceType": "Group", "type": "person", "actual": True, "contained": [inner],
             "member": [{"entity": {"reference": "#p"}}]}  # fmt: skip
    assert await refused(stage.checks(), group) == [("required", "Group.contained[0].telecom")]


async def test_r4_comes_before_profiles_and_alone(stage: Stage) -> None:
    await stage.install(asks_for("phoned", "telecom"))
    assert await refused(stage.checks(), claiming(PHONED, gender="x")) == [("code-invalid", "Patient.gender")]


async def test_many_names_that_nobody_knows_cost_little_and_are_no_fault(stage: Stage) -> None:
    many = [{"url": f"http://ukjent.no/{n}", "valueCode": "x"} for n in range(400)]
    assert await refused(stage.checks(), person(extension=many)) == []
    odd = [{"url": text, "valueCode": "x"} for text in ("a:\ud800", "x:" + "y" * 9_000, "urn:#", ":")]
    assert await refused(stage.checks(), person(extension=odd)) == []


def bound(strength: str, name: str, *, element: str = "maritalStatus", **more: Any) -> Json:
    """A profile of Patient in which an element is bound to a value set."""
    path = f"Patient.{element}"
    binding = {"strength": strength, "valueSet": f"{SETS}{name}"}
    elements = [{"id": "Patient", "path": "Patient", **more}, {"id": path, "path": path, "binding": binding}]
    return profile("bound", differential={"element": elements})


def married(*codes: str, system: str = URL, **more: Any) -> Json:
    codings = {"coding": [{"system": system, "code": code} for code in codes]} if codes else {}
    return claiming(f"{BASE}/StructureDefinition/bound", maritalStatus={**codings, "text": "x", **more})


PLACE = "Patient.maritalStatus"


async def said(checks: Checks, resource: Json) -> list[tuple[str, str]]:
    """(severity, code) of what is said of the bound element, but for R4's own recommendation."""
    told = [issue for issue in await checks.examine(resource, "C", is_demo=True) if issue.expression == PLACE]
    return [(issue.severity, issue.code) for issue in told if "hl7.org" not in issue.diagnostics]


async def test_a_code_outside_of_a_required_value_set_is_an_error_on_every_write(stage: Stage) -> None:
    dogs = value_set("dogs", of(filter=("concept", "is-a", "dog")))
    await stage.install(animals(), dogs, bound("required", "dogs"))
    checks = stage.checks()
    assert await refused(checks, married("poodle")) == [] == await refused(checks, married("whale", "dog"))
    assert await refused(checks, married("whale")) == [("code-invalid", PLACE)]
    assert await refused(checks, married("dog", system="urn:x")) == [("code-invalid", PLACE)]
    assert await refused(checks, married()) == [("code-invalid", PLACE)]


async def test_a_code_outside_of_an_extensible_value_set_is_a_warning(stage: Stage) -> None:
    await stage.install(animals(), value_set("all", of()), bound("extensible", "all"))
    checks = stage.checks()
    assert await said(checks, married("dog")) == [] == await said(checks, married())
    assert await refused(checks, married("unicorn")) == []
    assert await said(checks, married("unicorn")) == [("warning", "code-invalid")]


async def test_what_terminology_can_not_tell_is_an_information_and_refuses_nothing(stage: Stage) -> None:
    await stage.install(value_set("loinc", of("http://loinc.org", filter=("concept", "is-a", "x"))),
                        bound("required", "loinc"))  # fmt: skip
    checks = stage.checks()
    unknown = married("1-8", system="http://loinc.org")
    assert await refused(checks, unknown) == []
    assert await said(checks, unknown) == [("information", "not-supported")]
    assert await refused(checks, married("1-8", system="urn:x")) == [("code-invalid", PLACE)]


async def test_a_value_set_that_is_not_installed_refuses_nothing(stage: Stage) -> None:
    await stage.install(bound("required", "nowhere"))
    checks = stage.checks()
    assert await refused(checks, married("dog")) == []
    assert await said(checks, married("dog")) == [("information", "not-supported")]


async def test_an_invariant_asks_terminology_too(stage: Stage) -> None:
    dogs = value_set("dogs", of(filter=("concept", "is-a", "dog")))
    rules = [
        {"key": "m-1", "severity": "error", "human": "a dog",
         "expression": f"maritalStatus.empty() or maritalStatus.memberOf('{SETS}dogs')"},
        {"key": "m-2", "severity": "error", "human": "no unknown one",
         "expression": f"maritalStatus.coding.all(memberOf('{SETS}all') or code = 'x')"},
    ]  # fmt: skip
    await stage.install(animals(), dogs, value_set("all", of()), bound("example", "dogs", constraint=rules))
    checks = stage.checks()
    assert await refused(checks, married("poodle", "whale")) == []
    assert await refused(checks, married("whale")) == [("invariant", "Patient")]
    assert await refused(checks, married("dog", "unicorn")) == [("invariant", "Patient")]


async def test_what_r4_itself_recommends_is_a_warning_for_whoever_asks(stage: Stage) -> None:
    checks = stage.checks()
    v3 = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
    for system, code, warnings in ((v3, "M", []), (v3, "unicorn", [("warning", "code-invalid")])):
        resource = person(maritalStatus={"coding": [{"system": system, "code": code}]})
        told = await checks.examine(resource, "C", is_demo=True)
        assert [(issue.severity, issue.code) for issue in told if issue.expression == PLACE] == warnings
        assert await refused(checks, resource) == []


@pytest.mark.parametrize("text", ["Patient", "Dragon=http://x.no/p", "Patient=", "=http://x.no/p", "Patient=p"])
def test_a_required_profile_is_written_as_type_and_canonical(text: str) -> None:
    with pytest.raises(SettingsError):
        read_required([text])
