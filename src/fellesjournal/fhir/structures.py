"""The vendored R4 definitions: what elements each type has, loaded once, unfolded type by type on first
use.
"""

from __future__ import annotations

import gzip
from functools import cache
from importlib import resources
from typing import Final, Literal

import msgspec

from fellesjournal.fhir.code_rules import RULES, limit_of


class RawElement(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One element as vendored."""

    path: str
    min: int
    max: str
    types: list[str]
    binding: str | None
    content_reference: str | None
    summary: bool = False
    targets: list[str] = []


class RawRule(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One invariant as vendored."""

    key: str
    is_error: bool
    human: str
    expression: str


class RawType(msgspec.Struct, frozen=True):
    """One type as vendored; its elements stay JSON until they are asked for."""

    kind: Literal["resource", "complex-type", "primitive-type"]
    abstract: bool
    elements: msgspec.Raw


class RawParameter(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One official search parameter as vendored."""

    code: str
    type: str
    base: list[str]
    expression: str | None
    targets: list[str]
    components: list[tuple[str, str]]


class Catalogue(msgspec.Struct, frozen=True):
    """The whole vendored file."""

    version: str
    types: dict[str, RawType]
    extensible: dict[str, str]
    rules: dict[str, list[RawRule]]
    codes: dict[str, list[tuple[str, list[str]]]]
    params: list[RawParameter]
    compartments: dict[str, dict[str, list[str]]]


class Field(msgspec.Struct, frozen=True, gc=False):
    """One JSON property that an object may have.

    `name` is the element in FHIRPath (`value`), `key` the property (`valueQuantity`). `type` names a
    data type, or the path of a nested structure (`Observation.component`). `summary`: `_summary=true` shows it.
    `targets` are the types that a reference may name; empty where it may name any, and for what is no reference.
    `limit` is a value set of `code_rules.LIMITS`.
    """

    name: str
    key: str
    type: str
    many: bool
    required: bool
    choice: bool
    binding: str | None
    summary: bool = False
    targets: frozenset[str] = frozenset()
    limit: str | None = None


class Structure(msgspec.Struct, frozen=True):
    """One kind of object: a resource, a data type, or a part nested in one. `fields` stand in the order that
    R4 defines, which is the order of XML.
    """

    path: str
    is_resource: bool
    fields: dict[str, Field]
    required: tuple[Field, ...]
    required_choices: dict[str, tuple[Field, ...]]


_SHORT_FORMATS: Final = frozenset({
    "CapabilityStatement.format", "CapabilityStatement.patchFormat", "TestScript.setup.action.operation.accept",
    "TestScript.setup.action.operation.contentType", "TestScript.setup.action.assert.contentType",
})  # fmt: skip
"""Where R4's own resources write `json` and `xml` for media types."""

_LINKS: Final = ("uri", "url", "oid", "uuid")


@cache
def catalogue() -> Catalogue:
    """Return the vendored definitions."""
    packed = resources.files(__package__).joinpath("definitions", "r4.json.gz").read_bytes()
    return msgspec.json.decode(gzip.decompress(packed), type=Catalogue)


@cache
def is_primitive(type_name: str) -> bool:
    """Tell whether values of this type are plain JSON values."""
    raw = catalogue().types.get(type_name)
    return raw is not None and raw.kind == "primitive-type"


@cache
def is_resource(type_name: str) -> bool:
    """Tell whether this is an R4 resource type that can be made."""
    raw = catalogue().types.get(type_name)
    return raw is not None and raw.kind == "resource" and not raw.abstract


@cache
def structure(path: str) -> Structure:
    """Return the structure of a type (`Observation`) or of a part of one (`Observation.component`).

    Raises KeyError for a type that R4 does not have.
    """
    root = path.split(".", 1)[0]
    raw = catalogue().types[root]
    own = [e for e in _elements(root) if e.path.rpartition(".")[0] == path]
    fields = [f for e in own for f in _fields(e, inner=_parents(root))]
    single = [f for f in fields if f.required and not f.choice]
    choices = {
        f.name: tuple(g for g in fields if g.name == f.name) for f in fields if f.required and f.choice
    }
    return Structure(
        path=path,
        is_resource=path == root and raw.kind == "resource",
        fields={f.key: f for f in fields},
        required=tuple(single),
        required_choices=choices,
    )


def attributes_of(shape: Structure) -> tuple[str, ...]:
    """Name the properties that are attributes in XML: `id` of all but resources, `url` of an extension."""
    if shape.is_resource:
        return ()
    return ("id", "url") if shape.path == "Extension" else ("id",)


def has_twin(shape: Structure, field: Field) -> bool:
    """Tell whether a plain value may have an id and extensions of its own (`_birthDate`): attributes and narratives
    have none.
    """
    return is_primitive(field.type) and field.type != "xhtml" and field.key not in attributes_of(shape)


@cache
def bound_codes(value_set: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """Return (system, codes) for a required value set; empty where the package does not spell it out."""
    return tuple((system, frozenset(codes)) for system, codes in catalogue().codes.get(value_set, []))


@cache
def link_names() -> frozenset[str]:
    """Name the properties that may hold an address: of types uri, url, oid and uuid, and `reference`.

    What is named `value` is left out: of identifiers and telephones it is a text.
    """
    raw = (element for root in catalogue().types for element in _elements(root))
    return frozenset(_keyed(element.path, t) for element in raw for t in element.types if t in _LINKS) - {"value"}


def _keyed(path: str, type_name: str) -> str:
    name = path.rpartition(".")[2]
    return name.removesuffix("[x]") + type_name[0].upper() + type_name[1:] if name.endswith("[x]") else name


@cache
def _elements(root: str) -> list[RawElement]:
    return msgspec.json.decode(catalogue().types[root].elements, type=list[RawElement])


@cache
def _parents(root: str) -> frozenset[str]:
    return frozenset(e.path.rpartition(".")[0] for e in _elements(root))


def _fields(element: RawElement, *, inner: frozenset[str]) -> list[Field]:
    if element.max == "0":
        return []
    name = element.path.rpartition(".")[2]
    types = [element.content_reference] if element.content_reference else element.types
    if not name.endswith("[x]"):
        return [_field(element, name=name, key=name, type_name=_type(element, types[0], inner=inner))]
    name = name.removesuffix("[x]")
    return [
        _field(element, name=name, key=name + t[0].upper() + t[1:], type_name=t, choice=True) for t in types
    ]


def _field(element: RawElement, *, name: str, key: str, type_name: str, choice: bool = False) -> Field:
    return Field(
        name=name,
        key=key,
        type=type_name,
        many=element.max != "1",
        required=element.min > 0,
        choice=choice,
        binding=_binding(element),
        summary=element.summary,
        targets=frozenset(element.targets) if type_name == "Reference" else frozenset(),
        limit=limit_of(element.path, type_name=type_name, binding=element.binding),
    )


def _binding(element: RawElement) -> str | None:
    """The value set, where its codes are spelled out or follow a rule."""
    if element.binding in catalogue().codes:
        return element.binding
    return element.binding if element.binding in RULES and element.path not in _SHORT_FORMATS else None


def _type(element: RawElement, type_name: str, *, inner: frozenset[str]) -> str:
    if element.path in inner:
        return element.path
    if type_name == "id-or-string":
        root = element.path.partition(".")[0]
        return "id" if catalogue().types[root].kind == "resource" else "string"
    return type_name
