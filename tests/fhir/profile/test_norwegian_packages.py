"""Every example of the Norwegian packages is as valid here as its publisher says, but for the exceptions that are
written down in `docs/integrations/profiles.md`, each with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from fellesjournal import fhir
from fellesjournal.fhir.profile import ProfileError, Profiles
from tests.fhir.profile.definitions import Json
from tests.fhir.profile.packages import Installed, Package, core, norwegian
from tests.needs import ROOT

pytestmark = pytest.mark.needs("shared")

Row = tuple[str, str, str, tuple[str, ...]]


def test_every_profile_of_every_package_can_be_used() -> None:
    """Also those of packages with differentials alone, and without R4's own package: then some say what they lack."""
    lacking = set()
    for package in norwegian():
        profiles = Profiles(Installed(package, *norwegian()))
        told = {url: profiles.profile(url).problems for url in profiled(package)}
        lacking |= {url for url, problems in told.items() if any("is not installed" in one for one in problems)}
    assert lacking == {"http://hl7.no/fhir/StructureDefinition/no-basis-Patient"}


def test_every_profile_of_r4_itself_can_be_used() -> None:
    profiles = Profiles(Installed(core()))
    refused = set()
    for url in profiled(core()):
        try:
            profiles.profile(url)
        except ProfileError:
            refused.add(url)
    assert refused == set()


@pytest.mark.parametrize("with_core", [False, True], ids=["alone", "with R4's own package"])
def test_examples_are_valid_but_for_those_that_are_written_down(*, with_core: bool) -> None:
    assert {row[:2]: row for row in found(with_core=with_core)} == {row[:2]: row for row in written_down()}


def test_the_definitions_themselves_use_extensions_as_they_are_defined() -> None:
    profiles = Profiles(Installed(*norwegian(), core()))
    published = [d for package in norwegian() for d in package.definitions.values()]
    definitions = [*published, *list(core().definitions.values())[::4]]
    errors = [i for d in definitions for i in profiles.check(d).issues if i.severity == "error"]
    assert errors == []


def test_there_are_as_many_examples_as_the_packages_bring() -> None:
    assert sum(len(package.examples) for package in norwegian()) > 120


def profiled(package: Package) -> list[str]:
    made = package.definitions.values()
    return [
        d["url"] for d in made if d["resourceType"] == "StructureDefinition" and d.get("derivation") == "constraint"
    ]


def found(*, with_core: bool) -> Iterator[Row]:
    """What is not valid, here or for the publisher: package, example, the publisher's verdict, where our errors are."""
    beside = (*norwegian(), *([core()] if with_core else []))
    for package in norwegian():
        profiles = Profiles(Installed(package, *beside))
        for name, example in package.examples.items():
            errors = ("unreadable",) if example is None else errors_of(example, profiles)
            verdict = publishers(package, name)
            if errors or verdict == "refused":
                yield package.name, name, verdict, errors or ("valid",)


def errors_of(example: Json, profiles: Profiles) -> tuple[str, ...]:
    issues = [*fhir.validate(example), *profiles.check(example).issues]
    return tuple(sorted({issue.expression for issue in issues if issue.severity == "error"}))


def publishers(package: Package, name: str) -> str:
    if package.refused is None:
        return "no report"
    return "refused" if name in package.refused else "valid"


def written_down() -> Iterator[Row]:
    """The rows of the table in the documentation."""
    text = (ROOT / "docs/integrations/profiles.md").read_text()
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and cells[0].startswith("`"):
            package, example, verdict, here, why = cells
            assert why, f"{example} is an exception without a reason"
            places = tuple(sorted(re.findall("`([^`]+)`", here))) or (here,)
            yield package.strip("`"), example.strip("`"), verdict, places
