"""Finds, in one pass over a resource, what is checked wherever it stands: extensions, and resources within."""

from __future__ import annotations

from collections.abc import Iterator

from fellesjournal.fhir.fhirpath import Node
from fellesjournal.fhir.fhirpath.nodes import inner


def surveyed(root: Node) -> Iterator[Node]:
    """Return the resource, the resources within it and all extensions, in their order; an outer one comes first."""
    ahead = [root]
    while ahead:
        node = ahead.pop()
        if node.type.name == "Extension" or "Resource" in node.type.ancestors:
            yield node
        ahead.extend(reversed(inner(node)))
