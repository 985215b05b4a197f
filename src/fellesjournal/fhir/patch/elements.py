"""Changing elements of a resource in place: values, the extensions of primitives beside them, and lists of both."""

from __future__ import annotations

from typing import Any

import msgspec

from fellesjournal.fhir.fhirpath import Node
from fellesjournal.fhir.fhirpath.types import type_info
from fellesjournal.fhir.patch.model import BadPatch, PatchConflict, copy_tree
from fellesjournal.fhir.structures import Field, is_primitive, structure

Json = dict[str, Any]


class NewElement(msgspec.Struct, frozen=True):
    """An element to be put in: `extra` holds a primitive's id and extensions."""

    field: Field
    value: Any
    extra: Json | None


def field_of(owner: Node, name: str) -> tuple[Field, ...]:
    """Return the fields that a name may mean: one, or all types of a choice (`value`, `value[x]`)."""
    name = name.removesuffix("[x]")
    fields = structure(owner.type.name).fields.values()
    found = tuple(field for field in fields if field.name == name) or tuple(f for f in fields if f.key == name)
    if not found:
        raise PatchConflict(f"{owner.type.name} has no such element")
    return found


def choices_beside(node: Node) -> tuple[Field, ...]:
    """Return the fields that may stand where an element stands: its own, or all types of its choice."""
    owner = _above(node)
    own = field_of(owner, node.key)[0]
    return field_of(owner, own.name)


def new_element(fields: tuple[Field, ...], part: Json) -> NewElement:
    """Build the element that a part describes: by `value[x]`, `resource`, or parts of its own.

    Raises PatchConflict where the type is wrong for the place.
    """
    values = [key for key in part if key.startswith("value")]
    if "resource" in part and fields[0].type == "Resource":
        return NewElement(fields[0], copy_tree(part["resource"]), None)
    if len(values) == 1:
        return _from_value(fields, part, values[0])
    extras = [key for key in part if key.startswith("_value")]
    if not values and len(extras) == 1:
        return _from_value(fields, part, extras[0][1:])
    if not values and type(part.get("part")) is list:
        return NewElement(_single(fields), _from_parts(_single(fields), part["part"]), None)
    raise BadPatch("a value is one value[x], a resource, or parts")


def put(owner: Node, new: NewElement, *, at: int | None) -> None:
    """Put an element in: into its list (`at` None: at the end), or in the place that is still free."""
    if new.field.many:
        Lists(owner, (new.field,)).insert(new, at)
        return
    if at is not None:
        raise PatchConflict(f"{new.field.name} is not a list")
    holder = holder_of(owner)
    for field in structure(owner.type.name).fields.values():
        if field.name == new.field.name and (field.key in holder or f"_{field.key}" in holder):
            raise PatchConflict(f"{new.field.name} exists already")
    _set(holder, new)


def replace(node: Node, new: NewElement) -> None:
    """Put an element in another one's place; a choice may change its type."""
    holder = _holder_above(node)
    if node.index is not None:
        Lists(_above(node), (new.field,)).set(node.index, new)
        return
    kept = list(holder.items())
    holder.clear()
    for key, value in kept:
        if key == node.key or (key == f"_{node.key}" and node.key not in dict(kept)):
            _set(holder, new)
        elif key != f"_{node.key}":
            holder[key] = value


def remove(node: Node) -> None:
    """Take an element out, and what is empty without it: no element of a resource may be."""
    owner, holder = _above(node), _holder_above(node)
    if node.index is not None:
        Lists(owner, field_of(owner, node.key)).remove(node.index)
    else:
        holder.pop(node.key, None)
        holder.pop(f"_{node.key}", None)
    if holder or owner.owner is None:
        return
    if holder is owner.value or owner.value is None:
        remove(owner)
    else:
        _drop_extra(owner)


def _drop_extra(node: Node) -> None:
    if node.index is None:
        _holder_above(node).pop(f"_{node.key}", None)
    else:
        field = _single(field_of(_above(node), node.key))
        Lists(_above(node), (field,)).set(node.index, NewElement(field, node.value, None))


class Lists:
    """A list of elements, with the list of primitives' extensions that runs beside it."""

    def __init__(self, owner: Node, fields: tuple[Field, ...]) -> None:
        field = _single(fields)
        if not field.many:
            raise PatchConflict(f"{field.name} is not a list")
        self._key = field.key
        self._holder = holder_of(owner)
        values, extras = self._holder.get(field.key) or [], self._holder.get(f"_{field.key}") or []
        if type(values) is not list or type(extras) is not list:
            raise PatchConflict(f"{field.name} is not a list")
        length = max(len(values), len(extras))
        self._values = values + [None] * (length - len(values))
        self._extras = extras + [None] * (length - len(extras))

    def insert(self, new: NewElement, at: int | None) -> None:
        """Put an element in, at the end where no place is given."""
        place = len(self._values) if at is None else at
        self._check(place, most=len(self._values))
        self._values.insert(place, new.value)
        self._extras.insert(place, new.extra)
        self._store()

    def set(self, place: int, new: NewElement) -> None:
        """Put an element in another one's place."""
        self._values[place], self._extras[place] = new.value, new.extra
        self._store()

    def remove(self, place: int) -> None:
        """Take an element out."""
        del self._values[place], self._extras[place]
        self._store()

    def move(self, source: int, destination: int) -> None:
        """Move an element; the destination counts after it was taken out."""
        for place in (source, destination):
            self._check(place, most=len(self._values) - 1)
        self._values.insert(destination, self._values.pop(source))
        self._extras.insert(destination, self._extras.pop(source))
        self._store()

    def _check(self, place: int, *, most: int) -> None:
        if place > most:
            raise PatchConflict(f"the list has no place {place}")

    def _store(self) -> None:
        for key, items in ((self._key, self._values), (f"_{self._key}", self._extras)):
            if any(item is not None for item in items):
                self._holder[key] = items
            else:
                self._holder.pop(key, None)


def holder_of(node: Node) -> Json:
    """Return the JSON object that holds an element's own elements; a primitive gets one beside its value."""
    if type(node.value) is dict:
        return node.value
    if node.extra is not None:
        return node.extra
    node.extra = {}
    if node.index is None:
        _holder_above(node)[f"_{node.key}"] = node.extra
    else:
        owner = _above(node)
        field = _single(field_of(owner, node.key))
        Lists(owner, (field,)).set(node.index, NewElement(field, node.value, node.extra))
    return node.extra


def _from_value(fields: tuple[Field, ...], part: Json, key: str) -> NewElement:
    given = next((f.type for f in structure("Parameters.parameter").fields.values() if f.key == key), None)
    if given is None:
        raise BadPatch(f"there is no {key[:40]}")
    exact = [field for field in fields if field.type == given]
    field = next(iter(exact or [field for field in fields if _may_be(given, field.type)]), None)
    if field is None:
        raise PatchConflict(f"{fields[0].name} is no {given}")
    extra = part.get(f"_{key}")
    return NewElement(field, copy_tree(part.get(key)), copy_tree(extra) if type(extra) is dict else None)


def _may_be(given: str, wanted: str) -> bool:
    """Tell whether a value of one type may stand for another: kin, or a text for any type that is spelt as one."""
    if not is_primitive(given) or not is_primitive(wanted):
        return wanted == given
    shared = type_info(given).ancestors & type_info(wanted).ancestors - {"Element"}
    return bool(shared) or (given == "string" and wanted not in {"boolean", "integer", "decimal", "xhtml"})


def _from_parts(field: Field, parts: list[Any]) -> Json:
    """Build a complex value from parts, one for each of its elements; a name that repeats makes a list."""
    if is_primitive(field.type) or field.type == "Resource":
        raise PatchConflict(f"{field.name} has no parts")
    built = Node({}, type_info(field.type))
    for part in parts:
        name = part.get("name") if type(part) is dict else None
        if type(name) is not str:
            raise BadPatch("every part of a value has a name")
        put(built, new_element(field_of(built, name), part), at=None)
    return dict(built.value)


def _single(fields: tuple[Field, ...]) -> Field:
    if len(fields) != 1:
        raise PatchConflict(f"{fields[0].name} may be of several types; name one")
    return fields[0]


def _set(holder: Json, new: NewElement) -> None:
    if new.value is not None:
        holder[new.field.key] = new.value
    if new.extra is not None:
        holder[f"_{new.field.key}"] = new.extra


def _above(node: Node) -> Node:
    if node.owner is None:
        raise PatchConflict("the whole resource cannot be changed by a path")
    return node.owner


def _holder_above(node: Node) -> Json:
    owner = _above(node)
    return owner.value if type(owner.value) is dict else holder_of(owner)
