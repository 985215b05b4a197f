"""Finds, in one pass over a resource, what is checked wherever it stands: extensions, and resources within."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fellesjournal.fhir.fhirpath import Node, resource_node
from fellesjournal.fhir.fhirpath.nodes import inner
from fellesjournal.fhir.profile.base import base_type
from fellesjournal.fhir.profile.spots import part_of


def canonicals_in(resource: dict[str, Any]) -> frozenset[str]:
    """Name the definitions that a resource asks for itself: the profiles it claims, the extensions it has.

    What these stand on in turn is not among them. A source that must load can have all of this loaded at once.
    """
    return named_by(list(surveyed(resource_node(resource))))


def named_by(nodes: list[Node]) -> frozenset[str]:
    """Name the definitions that surveyed nodes ask for."""
    claims = {claim for node in nodes for _, claim in claims_of(node)}
    urls = {url for node in nodes if (url := url_of(node)) is not None}
    return frozenset(claims | urls)


def claims_of(node: Node) -> list[tuple[int, str]]:
    """Return the profiles that a resource claims, each with its place in the list, less R4's own type."""
    meta = part_of(node, "meta")
    claimed = meta.get("profile") if type(meta) is dict else None
    listed = enumerate(claimed if type(claimed) is list else ())
    return [(i, one) for i, one in listed if type(one) is str and base_type(one) != node.type.name]


def url_of(node: Node) -> str | None:
    """Return the url of an extension that is defined by itself; None for one that is a part of another."""
    url = part_of(node, "url") if node.type.name == "Extension" else None
    return url if type(url) is str and ":" in url else None


def surveyed(root: Node) -> Iterator[Node]:
    """Return the resource, the resources within it and all extensions, in their order; an outer one comes first."""
    ahead = [root]
    while ahead:
        node = ahead.pop()
        if node.type.name == "Extension" or "Resource" in node.type.ancestors:
            yield node
        ahead.extend(reversed(inner(node)))
