"""The paths of discriminators, walked twice: in a profile's tree when it is compiled, in a resource when it is checked.

Only the simple paths that R4 allows: names, `$this`, `extension('url')`, `resolve()`, `ofType(Type)`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Final

from fellesjournal.fhir.fhirpath import Node
from fellesjournal.fhir.fhirpath.nodes import step
from fellesjournal.fhir.profile.elements import ABSENT, Element, TypeRef
from fellesjournal.fhir.profile.library import Library
from fellesjournal.fhir.profile.model import ProfileError
from fellesjournal.fhir.profile.places import choice_of
from fellesjournal.fhir.profile.run import Run
from fellesjournal.fhir.profile.spots import part_of

Way = tuple[tuple[str, str], ...]
"""Steps: ("name", element), ("extension", url), ("resolve", ""), ("type", name)."""

_STEP: Final = re.compile(
    r"(?P<this>\$this)|(?P<resolve>resolve\(\s*\))|extension\(\s*['\"](?P<extension>[^'\"]+)['\"]\s*\)"
    r"|(?:ofType|as)\(\s*(?:FHIR\.)?(?P<type>\w+)\s*\)|(?P<name>[A-Za-z][A-Za-z0-9]*)(?:\[x\])?"
).match


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A resource that a reference points to and that is not at hand; its type where the reference says it."""

    type_name: str | None


def read_path(text: str) -> Way | None:
    """Read a discriminator's path; None where it is none that R4 allows."""
    steps: list[tuple[str, str]] = []
    text = text.strip()
    at = 0
    while at < len(text):
        found = _STEP(text, at)
        if found is None:
            return None
        kind = str(found.lastgroup)
        if kind != "this":
            steps.append((kind, "" if kind == "resolve" else found.group(kind)))
        at = found.end()
        if at < len(text) and text[at] != ".":
            return None
        at += 1
    return tuple(steps)


def follow(node: Node, way: Way, run: Run) -> list[Node | Elsewhere]:
    """Walk in a resource: what stands at the path. What lies behind a resource that is not at hand is elsewhere too."""
    items: list[Any] = [node]
    for kind, what in way:
        here = [one for one in items if isinstance(one, Node)]
        beyond = [Elsewhere(None)] if len(here) < len(items) else []
        if kind == "name":
            items = step(here, what) or step(here, _typed_name(what, here))
        elif kind == "extension":
            items = [one for one in step(here, "extension") if part_of(one, "url") == what]
        elif kind == "type":
            items = [one for one in here if what in one.type.ancestors]
        else:
            items = [_resolved(one, run) for one in here]
        items = [*items, *beyond]
        run.work.spend(len(items))
    return items


def look(element: Element, way: Way, *, library: Library, root: Element) -> list[Element]:
    """Walk in a profile's tree: the elements that say what a slice wants there. Raises ProfileError."""
    places = [element]
    for kind, what in way:
        if kind == "resolve":
            places = [_target(place, library) for place in places]
        elif kind == "type":
            places = [one for place in places for one in _of_type(place, what)]
        elif kind == "extension":
            places = [one for place in places for one in _extensions(place, what, library, root)]
        else:
            places = [one for place in places for one in _named(place, what, library, root)]
    return places


def _typed_name(name: str, here: list[Node]) -> str:
    """Take `valueQuantity` for `value`."""
    for one in here:
        slot = one.type.properties.get(name)
        if slot is not None and name not in one.type.members:
            return next((n for n, s in one.type.members.items() if isinstance(s, dict) and name in s), name)
    return name


def _resolved(node: Node, run: Run) -> Node | Elsewhere:
    target = run.targets.of(node)
    return target.node if target.node is not None else Elsewhere(target.type_name)


def _named(place: Element, name: str, library: Library, root: Element) -> list[Element]:
    inside = _inside(place, name)
    if inside:
        return inside
    if name == "url" and _extension_profiles(place) and "url" not in place.children:
        return [Element(name="url", least=1, most=1, fixed=_extension_profiles(place)[0].partition("|")[0])]
    children = library.unfolded(place, root=root)
    child = children.get(name) or children.get(f"{name}[x]")
    if child is None:
        found = choice_of(name, children)
        return [found[0].slices.get(name) or replace(found[0], types=(found[1],))] if found else []
    return [child, *(part for part in child.all_slices() if part.least > 0)]


def _inside(place: Element, name: str) -> list[Element]:
    """Where the element itself has a fixed value or a pattern, what that says of its parts is what is wanted."""
    whole = place.fixed if place.fixed is not ABSENT else place.pattern
    part = whole.get(name) if type(whole) is dict else None
    if part is None:
        return []
    return [Element(name=name, least=1, pattern=one) for one in (part if type(part) is list else [part])]


def _extension_profiles(place: Element) -> list[str]:
    return [p for t in place.types if t.code == "Extension" for p in t.profiles]


def _extensions(place: Element, url: str, library: Library, root: Element) -> list[Element]:
    holder = library.unfolded(place, root=root).get("extension")
    parts = holder.all_slices() if holder is not None else ()
    return [part for part in parts if _is_url(part, url)]


def _is_url(part: Element, url: str) -> bool:
    own = part.children.get("url")
    if own is not None and own.fixed == url:
        return True
    return any(profile.partition("|")[0] == url for profile in _extension_profiles(part))


def _of_type(place: Element, name: str) -> list[Element]:
    parts = [part for part in place.all_slices() if any(t.code == name for t in part.types)]
    own = [place] if not place.types or any(t.code == name for t in place.types) else []
    return parts or own


def _target(place: Element, library: Library) -> Element:
    """The root of what a reference may point to: its types, each with the profile, and the parts of the first."""
    targets = [target for one in place.types for target in one.targets]
    types = tuple(TypeRef(library.constrained_type(target) or "", profiles=(target,)) for target in targets)
    made = Element(name="resolve()", types=types)
    if len(targets) == 1:
        try:
            made.children = library.tree(targets[0]).children
        except ProfileError:
            made.children = {}
    return made
