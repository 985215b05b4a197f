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
from tests.conftest import TestDatabase
from tests.packages.making import BASE, package, profile
from tests.record.samples import person

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
        await install(self.operator, read_package(package(self.folder, *resources, **more)), who="ola")

    def checks(self, *required: str) -> Checks:
        """The checks of a process that was started with this setting."""
        return Checks(Conformance(Library(self.web), required=read_required(required)))


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


@pytest.mark.parametrize("text", ["Patient", "Dragon=http://x.no/p", "Patient=", "=http://x.no/p", "Patient=p"])
def test_a_required_profile_is_written_as_type_and_canonical(text: str) -> None:
    with pytest.raises(SettingsError):
        read_required([text])
