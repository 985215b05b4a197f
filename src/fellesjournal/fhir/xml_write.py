"""FHIR XML out of FHIR JSON: elements in the order that R4 defines, numbers exactly as they were written.

Source: https://hl7.org/fhir/R4/xml.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache
from itertools import zip_longest
from typing import Any, Final

import msgspec

from fellesjournal.fhir.json_text import BadJson
from fellesjournal.fhir.structures import (
    Field,
    Structure,
    attributes_of,
    has_twin,
    is_primitive,
    is_resource,
    structure,
)
from fellesjournal.fhir.xhtml import NotXhtml, standalone

FHIR_NAMESPACE: Final = "http://hl7.org/fhir"
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>'
_ENTITIES: Final = {
    "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;",
}  # fmt: skip
_special = re.compile("[&<>\"\x00-\x1f\ufffe\uffff]")
_REPLACEMENT: Final = "\ufffd"
"""Stands for the few characters that JSON can hold and XML can't."""


def write_xml(resource: dict[str, Any], *, indent: str = "") -> bytes:
    """Write a valid R4 resource as XML in UTF-8; `indent` for each level, and line breaks, when there is one.

    Numbers may be int, Decimal or msgspec.Raw. Raises BadJson for what is no R4 resource.
    """
    writer = _Writer(indent)
    try:
        writer.resource(resource, f' xmlns="{FHIR_NAMESPACE}"')
    except (KeyError, TypeError, AttributeError, NotXhtml):
        raise BadJson("the content is no valid R4 resource") from None
    return writer.document()


class _Writer:
    """Writes one document from the outside in."""

    def __init__(self, indent: str) -> None:
        self._parts = [_HEAD]
        self._indent = indent
        self._breaks = ["\n"] if indent else [""]
        self._level = 0

    def document(self) -> bytes:
        return "".join(self._parts).encode()

    def resource(self, value: dict[str, Any], namespace: str = "") -> None:
        name = value["resourceType"]
        if not is_resource(name):
            raise KeyError(name)
        self._element(name, namespace, value, structure(name))

    def _element(self, name: str, attributes: str, value: dict[str, Any], shape: Structure) -> None:
        fields = _present(shape, value)
        start = f"{self._break()}<{name}{attributes}"
        if not fields:
            self._parts.append(start + "/>")
            return
        self._parts.append(start + ">")
        self._level += 1
        for field in fields:
            self._field(field, value)
        self._level -= 1
        self._parts.append(f"{self._break()}</{name}>")

    def _field(self, field: Field, value: dict[str, Any]) -> None:
        if is_primitive(field.type):
            for item, part in _pairs(field, value):
                self._primitive(field, item, part)
            return
        for item in _items(field, value[field.key]):
            if field.type == "Resource":
                self._holder(field, item)
            else:
                self._element(field.key, _attributes(field.type, item), item, structure(field.type))

    def _primitive(self, field: Field, item: Any, part: dict[str, Any] | None) -> None:
        if field.type == "xhtml":
            self._parts.append(self._break() + standalone(item))
            return
        text = "" if item is None else f' value="{_text(item)}"'
        part = part or {}
        self._element(field.key, _attributes("Element", part) + text, part, structure("Element"))

    def _holder(self, field: Field, resource: dict[str, Any]) -> None:
        self._parts.append(f"{self._break()}<{field.key}>")
        self._level += 1
        self.resource(resource)
        self._level -= 1
        self._parts.append(f"{self._break()}</{field.key}>")

    def _break(self) -> str:
        while len(self._breaks) <= self._level:
            self._breaks.append(self._breaks[-1] + self._indent)
        return self._breaks[self._level]


@cache
def _order(path: str) -> dict[str, int]:
    """Number the properties of a structure, `_birthDate` as `birthDate`; -1 for what is no element."""
    shape = structure(path)
    places: dict[str, int] = {}
    for place, field in enumerate(shape.fields.values()):
        places[field.key] = place
        if has_twin(shape, field):
            places["_" + field.key] = place
    places.update(dict.fromkeys(attributes_of(shape), -1))
    if shape.is_resource:
        places["resourceType"] = -1
    return places


@cache
def _fields(path: str) -> tuple[Field, ...]:
    return tuple(structure(path).fields.values())


def _present(shape: Structure, value: dict[str, Any]) -> list[Field]:
    """Return the elements that a value has, in order. Raises KeyError for an unknown one."""
    order, fields = _order(shape.path), _fields(shape.path)
    places = sorted({order[key] for key in value})
    return [fields[place] for place in places if place >= 0]


def _attributes(path: str, value: dict[str, Any]) -> str:
    found = (name for name in attributes_of(structure(path)) if name in value)
    return "".join(f' {name}="{_text(value[name])}"' for name in found)


def _items(field: Field, value: Any) -> Iterable[Any]:
    if not field.many:
        return (value,)
    if type(value) is not list:
        raise TypeError(field.key)
    return value


def _pairs(field: Field, value: dict[str, Any]) -> Iterator[tuple[Any, dict[str, Any] | None]]:
    """Pair each plain value with its id and extensions."""
    empty: list[Any] | None = [] if field.many else None
    items = _items(field, value.get(field.key, empty))
    parts = _items(field, value.get("_" + field.key, empty))
    return zip_longest(items, parts)


def _text(value: Any) -> str:
    if type(value) is str:
        return _special.sub(_entity, value)
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int or type(value) is Decimal:
        return str(value)
    if type(value) is msgspec.Raw:
        return bytes(value).decode("ascii")
    raise TypeError("not a plain value")


def _entity(match: re.Match[str]) -> str:
    return _ENTITIES.get(match[0], _REPLACEMENT)
