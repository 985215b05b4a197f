"""What a reference points to: a contained resource, an entry of the same Bundle, or what the surroundings know."""

from __future__ import annotations

import re
from typing import Any, Final

from fellesjournal.fhir.fhirpath.environment import Environment
from fellesjournal.fhir.fhirpath.nodes import Items, Node, resource_node
from fellesjournal.fhir.structures import is_resource

_LITERAL: Final = re.compile(
    r"(?:.*/)?([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?"
).fullmatch


def resolve(items: Items, env: Environment) -> Items:
    """Return the resources that the items refer to; what cannot be resolved is left out (FHIR R4 § 2.24)."""
    found = (_resolved(item, env) for item in items)
    return [node for node in found if node is not None]


def refers_to(item: Any, type_name: str, env: Environment) -> bool:
    """Tell whether an item refers to a resource of a type, by what it resolves to or else by what it says."""
    found = _resolved(item, env)
    if found is not None:
        return type_name in found.type.ancestors
    text = _reference(item)
    match = _LITERAL(text) if text is not None and len(text) < 2_000 else None
    said = match.group(1) if match is not None else _said_type(item)
    return said is not None and is_resource(said) and said == type_name


def _resolved(item: Any, env: Environment) -> Node | None:
    text = _reference(item)
    if text is None:
        return None
    top = _top(item) or env.root or env.resource
    if text.startswith("#"):
        return _contained(text[1:], top or env.root, env)
    if top is not None and top.type.name == "Bundle":
        entry = _entry(text, top.value, env)
        if entry is not None:
            return resource_node(entry)
    found = env.services.resolve(text) if env.services.resolve is not None else None
    return None if found is None else resource_node(found)


def _reference(item: Any) -> str | None:
    value = item.value if type(item) is Node else item
    if type(value) is dict:
        value = value.get("reference")
    return value if type(value) is str else None


def _said_type(item: Any) -> str | None:
    value = item.value.get("type") if type(item) is Node and type(item.value) is dict else None
    return value if type(value) is str else None


def _top(item: Any) -> Node | None:
    """Climb to the resource that holds the item, or to the Bundle that holds that one."""
    if type(item) is not Node:
        return None
    node: Node = item
    while node.owner is not None:
        node = node.owner
    return node if "Resource" in node.type.ancestors else None


def _contained(name: str, top: Node | None, env: Environment) -> Node | None:
    holder = top if top is not None and top.value.get("contained") else env.root or top
    if holder is None:
        return None
    if not name:
        return holder
    inner = holder.value.get("contained")
    if type(inner) is not list:
        return None
    env.spend(len(inner))
    found = next((c for c in inner if type(c) is dict and c.get("id") == name), None)
    return None if found is None else resource_node(found)


def _entry(text: str, bundle: dict[str, Any], env: Environment) -> dict[str, Any] | None:
    entries = bundle.get("entry")
    if type(entries) is not list:
        return None
    env.spend(len(entries))
    for entry in entries:
        resource = entry.get("resource") if type(entry) is dict else None
        if type(resource) is not dict:
            continue
        if entry.get("fullUrl") == text or f"{resource.get('resourceType')}/{resource.get('id')}" == text:
            return resource
    return None
