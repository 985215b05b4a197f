"""Discriminators, compiled: which path of a value is looked at, and what a slice wants to find there.

What a slice wants stands in the profile's tree at the same path: a fixed value, a pattern, a required binding, a
type, a profile, or that it must (not) be there. A discriminator for which a slice says nothing does not tell it apart.
Source: https://hl7.org/fhir/R4/profiling.html#discriminator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from fellesjournal.fhir.fhirpath import Node
from fellesjournal.fhir.profile.base import base_type
from fellesjournal.fhir.profile.coded import is_member
from fellesjournal.fhir.profile.elements import ABSENT, Binding, Discriminator, Element, Slicing, TypeRef
from fellesjournal.fhir.profile.library import Library
from fellesjournal.fhir.profile.model import ProfileError
from fellesjournal.fhir.profile.routes import Elsewhere, Way, follow, look, read_path
from fellesjournal.fhir.profile.run import Run
from fellesjournal.fhir.profile.slices import Asked, Match
from fellesjournal.fhir.profile.values import equals, matches
from fellesjournal.fhir.structures import is_resource

Test = Callable[[Node, Run], bool | None]
_MOST_DEPTH: Final = 6


def matcher(part: Element, whole: Element, slicing: Slicing, *, library: Library, root: Element) -> Match | None:
    """Compile what puts a value into a slice of an element; None where the profile does not say it."""
    made = [_compiled(part, whole, one, library, root) for one in slicing.discriminators]
    wanted = [one for one in made if one is not None]
    return _all_of(wanted) if wanted else None


def asked_of(part: Element, slicing: Slicing, *, library: Library, root: Element) -> Asked | None:
    """Name the value set that alone tells a slice apart, and where its codes stand; None for any other slice."""
    one = slicing.discriminators[0] if len(slicing.discriminators) == 1 else None
    way = read_path(one.path) if one is not None and one.kind in {"value", "pattern"} else None
    places = _places(part, way, library, root) if way is not None else []
    place = places[0] if len(places) == 1 else None
    if way is None or place is None or place.fixed is not ABSENT or place.pattern is not ABSENT:
        return None
    is_bound = place.binding is not None and place.binding.strength == "required"
    return Asked(way, place.binding.value_set) if place.binding is not None and is_bound else None


def _all_of(matches_of: list[Match]) -> Match:
    if len(matches_of) == 1:
        return matches_of[0]

    def match(node: Node, run: Run) -> bool | None:
        told = [one(node, run) for one in matches_of]
        if False in told:
            return False
        return None if None in told else True

    return match


def _compiled(part: Element, whole: Element, one: Discriminator, library: Library, root: Element) -> Match | None:
    way = read_path(one.path)
    if way is None:
        return None
    places = _places(part, way, library, root)
    match one.kind:
        case "exists":
            return _existing(way, places)
        case "type":
            return _typed(way, places)
        case "profile":
            return _profiled(way, places)
        case "value" | "pattern":
            for_all = [place.binding for place in _places(whole, way, library, root)]
            tests = [test for place in places for test in _tests(place, for_all, library)]
            return _valued(way, tests) if tests else None
        case _:
            return None


def _places(element: Element, way: Way, library: Library, root: Element) -> list[Element]:
    try:
        return look(element, way, library=library, root=root)
    except ProfileError:
        return []


def _existing(way: Way, places: list[Element]) -> Match | None:
    if any(place.least > 0 for place in places):
        return lambda node, run: bool(follow(node, way, run))
    if places and all(place.most == 0 for place in places):
        return lambda node, run: not follow(node, way, run)
    return None


def _typed(way: Way, places: list[Element]) -> Match | None:
    wanted = frozenset(t.code for place in places for t in place.types if t.code)
    if not wanted:
        return None

    def is_one(item: Node | Elsewhere) -> bool | None:
        if isinstance(item, Elsewhere):
            return None if item.type_name is None else item.type_name in wanted
        return bool(item.type.ancestors & wanted)

    return lambda node, run: _any(is_one(item) for item in follow(node, way, run))


def _profiled(way: Way, places: list[Element]) -> Match | None:
    """A type of resource without a profile is told by the type."""
    wanted = [t for place in places for t in place.types if t.profiles or is_resource(t.code)]
    if not wanted:
        return None

    def is_one(item: Node | Elsewhere, run: Run) -> bool | None:
        return _any(_conforms(item, one, run) for one in wanted)

    return lambda node, run: _any(is_one(item, run) for item in follow(node, way, run))


def _conforms(item: Node | Elsewhere, one: TypeRef, run: Run) -> bool | None:
    """A resource that is not at hand is out where its type is another one; else that cannot be told."""
    if isinstance(item, Elsewhere):
        if item.type_name is None or not one.code:
            return None
        return (None if one.profiles else True) if item.type_name == one.code else False
    if one.code and one.code not in item.type.ancestors:
        return False
    if not one.profiles:
        return True
    return _any(True if base_type(profile) is not None else run.conforms(item, profile) for profile in one.profiles)


def _valued(way: Way, tests: list[Test]) -> Match:
    """Each thing that is wanted must be found in some value at the path: a list of codings may have others too."""

    def match(node: Node, run: Run) -> bool | None:
        items = follow(node, way, run)
        told = [_any(None if isinstance(item, Elsewhere) else test(item, run) for item in items) for test in tests]
        if False in told:
            return False
        return None if None in told else True

    return match


def _any(told: Iterator[bool | None]) -> bool | None:
    unclear = False
    for one in told:
        if one:
            return True
        unclear = unclear or one is None
    return None if unclear else False


def _tests(place: Element, for_all: list[Binding | None], library: Library) -> Iterator[Test]:
    """What an element of the profile wants of a value: a fixed value, a pattern, or a value set of its own."""
    found = list(_wanted(place, depth=0))
    binding = place.binding
    if not found and binding is not None and binding.strength == "required" and binding not in for_all:
        value_set = binding.value_set
        yield lambda node, run: is_member(node, value_set, library, run)
    yield from found


def _wanted(place: Element, *, depth: int) -> Iterator[Test]:
    """Where an element says nothing itself, what its own parts say is wanted: of those that must be given, if any."""
    fixed, pattern = place.fixed, place.pattern
    if fixed is not ABSENT:
        yield lambda node, _run: equals(fixed, node.value)
    elif pattern is not ABSENT:
        yield lambda node, _run: matches(pattern, node.value)
    elif depth < _MOST_DEPTH:
        required = [child for child in place.children.values() if child.least > 0]
        for child in required or place.children.values():
            for one in (child, *(part for part in child.all_slices() if part.least > 0)):
                yield from (_deeper(child.name, test) for test in _wanted(one, depth=depth + 1))


def _deeper(name: str, test: Test) -> Test:
    way = read_path(name.removesuffix("[x]"))

    def deeper(node: Node, run: Run) -> bool | None:
        items = follow(node, way or (), run)
        return _any(None if isinstance(item, Elsewhere) else test(item, run) for item in items)

    return deeper
