"""What is open while FHIR XML is read: a resource or a part of one, a plain value, a place for a whole resource.

Each kind knows which elements may come next, and hands what it became to the one around it when it is closed.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final, Protocol

import msgspec

from fellesjournal.fhir.structures import Field, Structure, attributes_of, is_primitive, is_resource, structure

Json = dict[str, Any]

_EMPTY: Final = "an element has a value or children"
NO_NARRATIVE: Final = "a narrative stands in the text of a resource"
_BOOLEANS: Final = {"true": True, "false": False}
_WHOLE_TYPES: Final = ("integer", "unsignedInt", "positiveInt")
_whole = re.compile(r"0|[+-]?[1-9][0-9]{0,18}").fullmatch
_decimal = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?").fullmatch


class Fault(Exception):
    """What is wrong at the innermost open element."""


class Frame(Protocol):
    """One open element."""

    def place(self) -> str:
        """Its part of the FHIRPath, with a dot or an index."""

    def child(self, name: str, attributes: dict[str, str]) -> Frame:
        """Open an element in it. Raises Fault."""

    def close(self) -> None:
        """Hand on what was read. Raises Fault for an element with nothing in it."""


class Node:
    """A resource, a data type or a part of a resource."""

    def __init__(self, around: Node | Holder | None, field: Field | None, shape: Structure, value: Json) -> None:
        self._around = around
        self._field = field
        self._path = shape.path
        self._known = _table(shape.path)
        self.value = value

    def place(self) -> str:
        """Its part of the FHIRPath; a resource within another has none of its own."""
        if self._field is None:
            return "" if self._around and self._around.place() else f".{self._path}"
        return _place(self._around, self._field)

    def child(self, name: str, attributes: dict[str, str]) -> Frame:
        """Open an element in it."""
        field = self._next(name)
        if field.type == "Resource":
            _only(name, attributes, ())
            return Holder(self, name, field)
        if field.type == "xhtml":
            raise Fault("a narrative's div stands in the namespace of XHTML")
        if is_primitive(field.type):
            return Plain(self, field, attributes)
        return Node(self, field, structure(field.type), _only(name, attributes, attributes_of(structure(field.type))))

    def expect_div(self) -> None:
        """Make ready for a narrative. Raises Fault where none may be."""
        if self._next("div").type != "xhtml":
            raise Fault(NO_NARRATIVE)

    def put_div(self, div: str) -> None:
        """Take the narrative."""
        self.value["div"] = div

    def close(self) -> None:
        """Hand on the object."""
        self._drop_empty_lists()
        if self._field is None:
            assert isinstance(self._around, Holder)  # noqa: S101 - a resource stands in a holder
            self._around.content = self.value
        elif not self.value:
            raise Fault(_EMPTY)
        else:
            assert isinstance(self._around, Node)  # noqa: S101 - a part stands in a node
            self._around.put(self._field, self.value)

    def put(self, field: Field, item: Any) -> None:
        """Take a part."""
        if field.many:
            self.value.setdefault(field.key, []).append(item)
        else:
            self.value[field.key] = item

    def put_plain(self, field: Field, item: Any, part: Json) -> None:
        """Take a plain value, its id and extensions: two properties in JSON, two lists with nulls as fillers."""
        key, twin = field.key, "_" + field.key
        if not field.many:
            self.value.update({key: item} if item is not None else {})
            self.value.update({twin: part} if part else {})
            return
        items = self.value.setdefault(key, [])
        items.append(item)
        if part or twin in self.value:
            parts = self.value.setdefault(twin, [])
            parts += [None] * (len(items) - 1 - len(parts))
            parts.append(part or None)

    def _next(self, name: str) -> Field:
        field = self._known.get(name)
        if field is None:
            raise Fault(f"{self._path} has no element {_safe(name)}")
        if not field.many and (name in self.value or "_" + name in self.value):
            raise Fault(f"{name} is given more than once")
        return field

    def _drop_empty_lists(self) -> None:
        for twin in [key for key in self.value if key.startswith("_")]:
            items = self.value.get(twin[1:])
            if type(items) is list and not any(item is not None for item in items):
                del self.value[twin[1:]]


class Plain:
    """A plain value; its own children are extensions."""

    def __init__(self, around: Node, field: Field, attributes: dict[str, str]) -> None:
        self._around = around
        self._field = field
        text = attributes.pop("value", None)
        self._item = None if text is None else _value(field.type, text)
        # Few values have an id or an extension: only then is there a second property.
        self._part = self._open(attributes) if attributes else None

    def place(self) -> str:
        """Its part of the FHIRPath."""
        return _place(self._around, self._field)

    def child(self, name: str, attributes: dict[str, str]) -> Frame:
        """Open an extension of it."""
        self._part = self._part or self._open({})
        return self._part.child(name, attributes)

    def close(self) -> None:
        """Hand on value, id and extensions."""
        part = self._part.value if self._part else {}
        if self._item is None and not part:
            raise Fault(_EMPTY)
        self._around.put_plain(self._field, self._item, part)

    def _open(self, attributes: dict[str, str]) -> Node:
        return Node(self._around, self._field, structure("Element"), _only(self._field.key, attributes, ("id",)))


class Holder:
    """The place of one whole resource: the document, `contained`, the `resource` of a bundle's entry."""

    def __init__(self, around: Node | None, name: str, field: Field | None) -> None:
        self._around = around
        self._name = name
        self._field = field
        self.content: Json | None = None

    def place(self) -> str:
        """Its part of the FHIRPath; the resource within has none of its own."""
        return _place(self._around, self._field) if self._field else ""

    def child(self, name: str, attributes: dict[str, str]) -> Frame:
        """Open the resource."""
        if self.content is not None:
            raise Fault("there is room for one resource")
        if not is_resource(name):
            raise Fault(f"{_safe(name)} is no resource type of R4")
        _only(name, attributes, ())
        return Node(self, None, structure(name), {"resourceType": name})

    def close(self) -> None:
        """Hand on the resource."""
        if self.content is None or self._around is None or self._field is None:
            raise Fault("expected a resource")
        self._around.put(self._field, self.content)


@cache
def _table(path: str) -> dict[str, Field]:
    """Name the elements of a structure; attributes are none."""
    shape = structure(path)
    outside = attributes_of(shape)
    return {key: field for key, field in shape.fields.items() if key not in outside}


def _only(name: str, attributes: dict[str, str], allowed: tuple[str, ...]) -> Json:
    """Return the attributes as properties. Raises Fault for one that may not be there."""
    if attributes and not attributes.keys() <= set(allowed):
        raise Fault(f"{name} has an attribute that may not be there")
    return dict(attributes)


def _place(around: Node | Holder | None, field: Field | None) -> str:
    if field is None:
        return ""
    listed = around.value.get(field.key, []) if field.many and isinstance(around, Node) else None
    return f".{field.name}" if listed is None else f".{field.name}[{len(listed)}]"


def _safe(name: str) -> str:
    """Return a name that a fault may quote: letters alone, so that nothing of anyone gets into it."""
    return name if name.isascii() and name.isalpha() and len(name) <= 40 else "of this name"


def _value(type_name: str, text: str) -> Any:
    """Return a plain value as JSON has it; one that isn't of its type's form stays text for the validator."""
    if type_name == "boolean":
        return _BOOLEANS.get(text, text)
    if type_name in _WHOLE_TYPES and _whole(text):
        return int(text)
    if type_name == "decimal" and _decimal(text):
        return msgspec.Raw(text.encode())
    return text
