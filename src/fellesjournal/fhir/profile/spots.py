"""Where a node stands: its FHIRPath expression, the resource and the Bundle that hold it.

And what a profile calls the element.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fellesjournal.fhir.fhirpath import Node
from fellesjournal.fhir.structures import structure


@dataclass(frozen=True, slots=True)
class Label:
    """What an element of a profile is called in a sentence: `Patient.identifier.system in the slice 'FNR'`."""

    profile: str
    path: str
    slices: tuple[str, ...] = ()

    def of(self, name: str) -> Label:
        """Return the label of a child."""
        return Label(self.profile, f"{self.path}.{name.removesuffix('[x]')}", self.slices)

    def part(self, slice_name: str) -> Label:
        """Return the label of a slice; a slice of a slice is named once, by its whole name."""
        kept = tuple(one for one in self.slices if not slice_name.startswith(f"{one}/"))
        return Label(self.profile, self.path, (*kept, slice_name))

    def __str__(self) -> str:
        return f"{self.path} in the slice {', '.join(repr(s) for s in self.slices)}" if self.slices else self.path


def expression_of(node: Node) -> str:
    """Write the place of a node as simple FHIRPath: `Patient.identifier[0].value`."""
    parts: list[str] = []
    at: Node | None = node
    while at is not None:
        parts.append(_part(at))
        at = at.owner
    return ".".join(reversed(parts))


def name_of(node: Node) -> str:
    """Name the element that a node is, in its owner: `value`, not `valueQuantity`."""
    if node.owner is None:
        return node.type.name
    field = structure(node.owner.type.name).fields.get(node.key)
    return field.name if field is not None else node.key


def part_of(node: Node | None, key: str) -> Any:
    """Return the JSON value of a property, or None: also where the node is no object at all."""
    return node.value.get(key) if node is not None and type(node.value) is dict else None


def is_resource_node(node: Node) -> bool:
    """Tell whether a node is a resource."""
    return "Resource" in node.type.ancestors


def holder_of(node: Node) -> Node | None:
    """Return the resource that a node stands in, itself where it is one."""
    return next((one for one in upwards(node) if is_resource_node(one)), None)


def bundle_of(node: Node) -> Node | None:
    """Return the Bundle that a node stands in, the innermost."""
    return next((one for one in upwards(node) if one.type.name == "Bundle"), None)


def upwards(node: Node) -> Iterator[Node]:
    """Return a node and all above it."""
    at: Node | None = node
    while at is not None:
        yield at
        at = at.owner


def _part(node: Node) -> str:
    name = name_of(node)
    return name if node.index is None else f"{name}[{node.index}]"
