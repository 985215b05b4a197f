"""Elements of a resource as expressions meet them, and the steps from one to the next.

A collection is a list of nodes and of FHIRPath's own values (bool, int, Decimal, str, dates, quantities).
Collections are never changed once they are made: they are shared.
"""

from __future__ import annotations

from typing import Any

import msgspec

from fellesjournal.fhir.fhirpath.quantity import Quantity
from fellesjournal.fhir.fhirpath.types import Slot, TypeInfo, resource_type, type_info

Items = list[Any]


class Node(msgspec.Struct, gc=False, eq=False):
    """One element: its JSON value (None for a primitive with extensions alone), its type, and where it stands.

    `extra` holds a primitive's id and extensions. `owner` is the node above, `key` the property in it, `index` the
    place in its list.
    """

    value: Any
    type: TypeInfo
    extra: dict[str, Any] | None = None
    owner: Node | None = None
    key: str = ""
    index: int | None = None


class TypeName(msgspec.Struct, frozen=True):
    """What `type()` tells."""

    namespace: str
    name: str


def resource_node(resource: dict[str, Any]) -> Node:
    """Make the node of a resource, to start from."""
    return Node(resource, resource_type(resource))


def element_node(value: Any, *, type_name: str, extra: dict[str, Any] | None = None) -> Node:
    """Make the node of an element: `type_name` is a type, or a part's path (`Observation.component`)."""
    return Node(value, type_info(type_name), extra)


def plain(item: Any) -> Any:
    """Turn an item into FHIRPath's own value; None for a primitive without one; complex elements stay nodes."""
    if type(item) is not Node:
        return item
    value = item.type.convert(item.value)
    return item if type(value) is dict or type(value) is list else value


def step(items: Items, name: str) -> Items:
    """Go from each item to its elements of this name, in order."""
    found: Items = []
    for item in items:
        if type(item) is not Node:
            _step_into_value(item, name, found)
            continue
        holder = item.value if type(item.value) is dict else item.extra
        slot = item.type.members.get(name)
        if slot is None or type(holder) is not dict:
            continue
        if type(slot) is Slot:
            _gather(item, slot, holder, found)
        else:
            _gather_choice(item, slot, holder, found)
    return found


def children(items: Items) -> Items:
    """Go from each item to all its elements, in the order of the resource."""
    found: Items = []
    for item in items:
        if type(item) is not Node:
            continue
        holder = item.value if type(item.value) is dict else item.extra
        if type(holder) is dict:
            _gather_choice(item, item.type.properties, holder, found)
    return found


def inner(item: Node) -> Items:
    """Go from an item to those of its elements that may hold extensions or resources: all but bare primitives."""
    found: Items = []
    holder = item.value if type(item.value) is dict else item.extra
    if type(holder) is not dict:
        return found
    slots = item.type.properties
    for key, value in holder.items():
        slot = slots.get(key) if type(value) is dict or type(value) is list else None
        if slot is None or (slot.type.is_primitive and key != slot.under):
            continue
        _gather(item, slot, holder, found)
    return found


def _gather_choice(owner: Node, slots: Any, holder: dict[str, Any], found: Items) -> None:
    for key in holder:
        slot = slots.get(key)
        if slot is not None and (key == slot.key or slot.key not in holder):
            _gather(owner, slot, holder, found)


def _gather(owner: Node, slot: Slot, holder: dict[str, Any], found: Items) -> None:
    value = holder.get(slot.key)
    extra = holder.get(slot.under) if slot.under is not None else None
    if type(value) is list or type(extra) is list:
        _gather_list(owner, slot, value, extra, found)
    elif value is not None or type(extra) is dict:
        info = resource_type(value) if slot.type.is_any_resource else slot.type
        found.append(Node(value, info, extra if type(extra) is dict else None, owner, slot.key))


def _gather_list(owner: Node, slot: Slot, values: Any, extras: Any, found: Items) -> None:
    values = values if type(values) is list else []
    extras = extras if type(extras) is list else []
    for index in range(max(len(values), len(extras))):
        value = values[index] if index < len(values) else None
        extra = extras[index] if index < len(extras) else None
        if value is not None or type(extra) is dict:
            info = resource_type(value) if slot.type.is_any_resource else slot.type
            found.append(Node(value, info, extra if type(extra) is dict else None, owner, slot.key, index))


def _step_into_value(item: Any, name: str, found: Items) -> None:
    if type(item) is TypeName and name in {"namespace", "name"}:
        found.append(item.namespace if name == "namespace" else item.name)
    elif type(item) is Quantity and name in {"value", "unit"}:
        found.append(item.value if name == "value" else item.ucum)
