"""What a reference points to, as far as the resource itself can tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from fellesjournal.fhir.fhirpath import Node
from fellesjournal.fhir.fhirpath.nodes import step
from fellesjournal.fhir.profile.spots import bundle_of, holder_of, part_of
from fellesjournal.fhir.structures import is_resource

_LITERAL: Final = re.compile(
    r"(?:.{0,1900}/)?([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?"
).fullmatch

Place = Literal["contained", "bundled", "referenced"]


@dataclass(frozen=True, slots=True)
class Target:
    """What a reference says: the resource where it is at hand, its type where that is known."""

    node: Node | None
    type_name: str | None
    place: Place


class Targets:
    """Finds targets; the entries of a Bundle and what a resource contains are listed once."""

    def __init__(self) -> None:
        self._entries: dict[int, dict[str, Node]] = {}
        self._inner: dict[int, dict[str, Node]] = {}

    def of(self, reference: Node) -> Target:
        """Tell what a Reference (or a canonical, a uri) points to."""
        is_one = type(reference.value) is dict
        text = part_of(reference, "reference") if is_one else reference.value
        said = part_of(reference, "type")
        said = said if type(said) is str and is_resource(said) else None
        if type(text) is not str or not text or len(text) > 2_000:
            return Target(None, said, "referenced")
        if text.startswith("#"):
            node = self._contained(reference, text[1:])
            return Target(node, node.type.name if node is not None else said, "contained")
        node = self._bundled(reference, text)
        if node is not None:
            return Target(node, node.type.name, "bundled")
        match = _LITERAL(text)
        named = match.group(1) if match is not None and is_resource(match.group(1)) else None
        return Target(None, named or said, "referenced")

    def _bundled(self, reference: Node, text: str) -> Node | None:
        bundle = bundle_of(reference)
        if bundle is None:
            return None
        key = id(bundle.value)
        if key not in self._entries:
            self._entries[key] = _listed(bundle)
        return self._entries[key].get(text)

    def _contained(self, reference: Node, name: str) -> Node | None:
        holder = holder_of(reference)
        if holder is not None and holder.key == "contained" and holder.owner is not None:
            holder = holder.owner
        if holder is None or not name:
            return holder
        key = id(holder.value)
        if key not in self._inner:
            listed = step([holder], "contained")
            self._inner[key] = {str(part_of(one, "id")): one for one in reversed(listed)}
        return self._inner[key].get(name)


def _listed(bundle: Node) -> dict[str, Node]:
    """List a Bundle's resources by full URL, and by type and id; the first of each counts."""
    found: dict[str, Node] = {}
    for resource in step(step([bundle], "entry"), "resource"):
        url = part_of(resource.owner, "fullUrl")
        for name in (url, f"{resource.type.name}/{part_of(resource, 'id')}"):
            if type(name) is str:
                found.setdefault(name, resource)
    return found
