"""Differentials grow into the snapshots that their publishers made of them with HL7's own tools."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fellesjournal.fhir.profile.elements import Element
from fellesjournal.fhir.profile.library import Library
from fellesjournal.fhir.profile.snapshot import grown, read_snapshot
from tests.fhir.profile.definitions import CORE, Json
from tests.fhir.profile.packages import Installed, Package, core, norwegian

pytestmark = pytest.mark.needs("shared")

NO = "http://hl7.no/fhir/ig/"
DIFFERENT = {
    CORE + "bp": "the snapshot leaves out the slices that `valueQuantity` makes",
    CORE + "clinicaldocument": "the snapshot does not take over how often an extension may be given",
    CORE + "familymemberhistory-genetic": "names on elements that are no slices",
    NO + "StructureDefinition/no-basis-Patient": "the types of a value that must not be given are those of R5",
}


def test_differentials_grow_into_the_published_snapshots() -> None:
    packages = (*norwegian(), core())
    compared = [(d["url"], differences(d, package)) for package in packages for d in both_forms(package)]
    assert len(compared) > 580
    assert {url for url, found in compared if found} == DIFFERENT.keys()


def both_forms(package: Package) -> Iterator[Json]:
    for definition in package.definitions.values():
        is_profile = definition.get("derivation") == "constraint" and "baseDefinition" in definition
        if is_profile and "snapshot" in definition and "differential" in definition:
            yield definition


def differences(definition: Json, package: Package) -> list[str]:
    library = Library(Installed(package, *norwegian(), core()))
    made = grown(definition, start=library.tree(definition["baseDefinition"]).copied(), library=library)
    return list(compared(made, read_snapshot(definition), made.name))


def compared(made: Element, published: Element, path: str) -> Iterator[str]:
    """Name what differs. Only what is unfolded in both is compared: tools unfold more or less of the same."""
    for facet in ("least", "most", "fixed", "pattern", "min_value", "max_value"):
        if getattr(made, facet) != getattr(published, facet):
            yield f"{path} {facet}"
    if "." in path and codes(made) != codes(published) and not path.endswith((".id", ".url")):
        yield f"{path} types"
    if made.slices.keys() != published.slices.keys():
        yield f"{path} slices"
    for name in made.children.keys() & published.children.keys():
        yield from compared(made.children[name], published.children[name], f"{path}.{name}")
    for name in made.slices.keys() & published.slices.keys():
        yield from compared(made.slices[name], published.slices[name], f"{path}:{name}")


def codes(element: Element) -> set[tuple[str, frozenset[str]]]:
    """The types and their profiles; what R4 itself calls simple is left to the base validation."""
    simple = {CORE + "SimpleQuantity", CORE + "MoneyQuantity"}
    named = ((t.code, frozenset(p.partition("|")[0] for p in t.profiles)) for t in element.types)
    return {(code, profiles - simple) for code, profiles in named}
