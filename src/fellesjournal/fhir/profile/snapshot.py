"""Grows the tree of a profile: read from its snapshot, or its differential merged into the tree of its base.

Source: https://hl7.org/fhir/R4/profiling.html#snapshot, and #slicing for what a slice inherits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from fellesjournal.fhir.profile.elements import ONLY_TYPES, Element, facets
from fellesjournal.fhir.profile.model import Json, ProfileError
from fellesjournal.fhir.profile.places import Step, choice_of, placed, reslice_of


class Unfolding(Protocol):
    """Where the children of an element without any come from, and what an extension says of itself."""

    def tree(self, canonical: str) -> Element:
        """Return the tree of a profile, not to be changed. Raises ProfileError."""
        ...

    def unfolded(self, element: Element, *, root: Element) -> dict[str, Element]:
        """Return the children of an element, not to be changed."""
        ...


def read_snapshot(definition: Json) -> Element:
    """Return the tree of a definition's snapshot."""
    root = Element(name=str(definition.get("type", "")), most=None)
    defined: set[tuple[Step, ...]] = set()
    for steps, one in placed(definition["snapshot"]["element"]):
        element = root
        for i, (name, slice_name) in enumerate(steps):
            element = element.children.setdefault(name, Element(name=name))
            if slice_name and (*steps[:i], (name, None)) in defined:
                element = _slice(element, slice_name, make=partial(_named, slice_name))
        _set(element, facets(one))
        defined.add(tuple(steps))
    return root


def grown(definition: Json, *, start: Element, library: Unfolding) -> Element:
    """Merge a definition's differential into a copy of its base's tree. Raises ProfileError where it does not fit."""
    for steps, one in placed(definition.get("differential", {}).get("element", ())):
        element = start
        for step in steps:
            element = _stepped(element, step, root=start, library=library)
        _merge(element, one)
        _bound_extension(element, library)
    return start


def _bound_extension(element: Element, library: Unfolding) -> None:
    """An extension is not given more often than its own definition allows, whatever the profile says."""
    profiles = [p for t in element.types if t.code == "Extension" for p in t.profiles]
    if element.slice_name is None or len(profiles) != 1:
        return
    try:
        most = library.tree(profiles[0]).most
    except ProfileError:
        return
    if most is not None and (element.most is None or most < element.most):
        element.most = most


def _stepped(parent: Element, step: Step, *, root: Element, library: Unfolding) -> Element:
    name, slice_name = step
    if name not in parent.children:
        for key, inner in library.unfolded(parent, root=root).items():
            parent.children.setdefault(key, inner.copied())
    child = parent.children.get(name)
    if child is None:
        return _type_slice(parent, name)
    if slice_name is None or _is_named_only(child):
        return child
    return _slice(child, slice_name, make=partial(_inherited, slice_name))


def _is_named_only(element: Element) -> bool:
    """Some profiles name an element that cannot repeat: that makes no slice of it."""
    return element.slicing is None and element.most == 1 and not element.slices and not element.name.endswith("[x]")


def _type_slice(parent: Element, name: str) -> Element:
    """Take `valueQuantity` for the slice of `value[x]` that has this type; who says no more allows no other type."""
    found = choice_of(name, parent.children)
    if found is None:
        raise ProfileError(f"{parent.name} has no element {name}")
    choice, one = found
    if choice.slicing is None:
        choice.slicing, choice.types = ONLY_TYPES, (one,)
    elif choice.slicing == ONLY_TYPES and one not in choice.types:
        choice.types = (*choice.types, one)
    made = _slice(choice, name, make=partial(_inherited, name))
    made.types = tuple(t for t in made.types if t.code == one.code) or (one,)
    return made


def _slice(element: Element, slice_name: str, *, make: Callable[[Element], Element]) -> Element:
    """Return the slice of this name; make it, in the slice that it slices again where its name says so."""
    outer = reslice_of(slice_name, element.slices)
    if outer is not None:
        return _slice(outer, slice_name, make=make)
    if slice_name not in element.slices:
        element.slices[slice_name] = make(element)
    return element.slices[slice_name]


def _named(slice_name: str, element: Element) -> Element:
    return Element(name=element.name, slice_name=slice_name)


def _inherited(slice_name: str, element: Element) -> Element:
    """A new slice starts with all that holds for every repetition, and may be absent."""
    made = replace(element, slices={}).copied()
    made.slicing, made.slice_name, made.least = None, slice_name, 0
    narrowed = tuple(t for t in made.types if slice_name == made.name[:-3] + t.code[:1].upper() + t.code[1:])
    if made.name.endswith("[x]") and narrowed:
        made.types = narrowed
    return made


def _set(element: Element, found: dict[str, Any]) -> None:
    for name, value in found.items():
        setattr(element, name, value)


def _merge(element: Element, one: Json) -> None:
    found = facets(one)
    if "constraints" in found:
        keys = {c.key for c in found["constraints"]}
        kept = tuple(c for c in element.constraints if c.key not in keys)
        found["constraints"] = kept + found["constraints"]
    if "binding" in found and found["binding"] is None:
        strength = one["binding"].get("strength")
        found["binding"] = element.binding and replace(element.binding, strength=strength or element.binding.strength)
    if "slicing" in found and element.slicing is not None and not found["slicing"].discriminators:
        found["slicing"] = replace(found["slicing"], discriminators=element.slicing.discriminators)
    _set(element, found)
