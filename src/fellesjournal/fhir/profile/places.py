"""Which element of a tree an ElementDefinition is about: by its id, or by its path and where it stands in the list.

Source: https://hl7.org/fhir/R4/elementdefinition.html#id and #path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fellesjournal.fhir.profile.base import base_type
from fellesjournal.fhir.profile.elements import Element, TypeRef
from fellesjournal.fhir.profile.model import Json

Step = tuple[str, str | None]
"""The name of an element, and of the slice of it that is meant."""


def placed(definitions: Iterable[Json]) -> Iterator[tuple[list[Step], Json]]:
    """Tell of each definition, in order, the steps from the root to its element; the root itself has none."""
    slices: dict[str, str] = {}
    for one in definitions:
        path = str(one.get("path", ""))
        _remember(path, one.get("sliceName"), slices)
        yield _by_id(one, path) or _by_order(path, slices), one


def _remember(path: str, slice_name: str | None, slices: dict[str, str]) -> None:
    """Later children of this path belong to the slice that was named last; a new element ends all deeper ones."""
    for known in [p for p in slices if p == path or p.startswith(f"{path}.")]:
        del slices[known]
    if slice_name:
        slices[path] = slice_name


def _by_order(path: str, slices: dict[str, str]) -> list[Step]:
    names = path.split(".")
    return [(name, slices.get(".".join(names[: i + 1]))) for i, name in enumerate(names)][1:]


def _by_id(one: Json, path: str) -> list[Step]:
    """Read the id; an empty list where it is no id that R4 describes (older tools wrote any text)."""
    names, parts = path.split("."), str(one.get("id", "")).split(".")
    if len(names) != len(parts):
        return []
    steps = [_step(part, name) for part, name in zip(parts, names, strict=True)]
    found = [step for step in steps if step is not None]
    if len(found) != len(names):
        return []
    if one.get("sliceName") and len(found) > 1 and names[-1] == parts[-1].partition(":")[0]:
        found[-1] = (found[-1][0], one["sliceName"])
    return found[1:]


def _step(part: str, name: str) -> Step | None:
    """`value[x]:valueQuantity` with the path `valueQuantity` is the short form: the choice has this type alone."""
    element, _, slice_name = part.partition(":")
    if element == name:
        return element, slice_name or None
    return (name, None) if element.endswith("[x]") and name.startswith(element[:-3]) else None


def choice_of(name: str, children: dict[str, Element]) -> tuple[Element, TypeRef] | None:
    """Find the choice and its type that a name such as `valueQuantity` means; None for any other name."""
    for child in children.values():
        if not child.name.endswith("[x]") or not name.startswith(child.name[:-3]):
            continue
        wanted = name[len(child.name) - 3 :]
        for one in child.types:
            if one.code[:1].upper() + one.code[1:] == wanted:
                return child, one
        for code in (wanted, wanted[:1].lower() + wanted[1:]):
            if base_type(code) is not None:
                return child, TypeRef(code)
    return None


def reslice_of(slice_name: str, slices: dict[str, Element]) -> Element | None:
    """Find the slice that `a/b` slices again (`a`); None where it is a slice of its own."""
    outer = slice_name.rpartition("/")[0]
    while outer:
        if outer in slices:
            return slices[outer]
        outer = outer.rpartition("/")[0]
    return None
