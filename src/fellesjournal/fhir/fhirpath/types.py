"""The types of R4 and of FHIRPath itself, and what an expression may step to from each.

Built from the vendored definitions, type by type on first use.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache, cached_property
from typing import Any, Final

import msgspec

from fellesjournal.fhir.fhirpath.quantity import Quantity, from_fhir
from fellesjournal.fhir.fhirpath.temporal import Date, DateTime, Time
from fellesjournal.fhir.primitives import is_decimal
from fellesjournal.fhir.structures import Field, catalogue, is_primitive, structure

_PARENTS: Final = {
    "code": "string",
    "id": "string",
    "markdown": "string",
    "oid": "uri",
    "uuid": "uri",
    "url": "uri",
    "canonical": "uri",
    "unsignedInt": "integer",
    "positiveInt": "integer",
    "Age": "Quantity",
    "Count": "Quantity",
    "Distance": "Quantity",
    "Duration": "Quantity",
}
# Profiles that expressions name as if they were types.
_ALIASES: Final = {"SimpleQuantity": "Quantity", "MoneyQuantity": "Quantity"}
SYSTEM_TYPES: Final = frozenset({"Boolean", "String", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity"})
_PYTHON: Final[dict[str, type]] = {
    "Boolean": bool,
    "String": str,
    "Integer": int,
    "Decimal": Decimal,
    "Date": Date,
    "DateTime": DateTime,
    "Time": Time,
    "Quantity": Quantity,
}
SYSTEM_NAMES: Final = {python: name for name, python in _PYTHON.items()}


class Slot(msgspec.Struct, frozen=True, gc=False):
    """One JSON property: `under` is the property of a primitive's id and extensions (`_birthDate`)."""

    key: str
    under: str | None
    type: TypeInfo
    many: bool


class TypeInfo:
    """A FHIR type, or a part of one (`Observation.component`). One object for each: compare with `is`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_primitive = is_primitive(name)
        self.is_any_resource = name in {"Resource", "DomainResource"}
        self.is_text = self.is_primitive and _conversion(name) is _same
        self.convert: Callable[[Any], Any] = _conversion(name)

    @cached_property
    def ancestors(self) -> frozenset[str]:
        """The names of this type and of all that it derives from."""
        return frozenset(_lineage(self.name))

    @cached_property
    def members(self) -> dict[str, Slot | dict[str, Slot]]:
        """What FHIRPath may step to: a slot, or for a choice its slots by property."""
        found: dict[str, Slot | dict[str, Slot]] = {}
        for slot, field in self._slots:
            if not field.choice:
                found[field.name] = slot
                continue
            choices = found.setdefault(field.name, {})
            if isinstance(choices, dict):
                choices[slot.key] = slot
                if slot.under:
                    choices[slot.under] = slot
        return found

    @cached_property
    def properties(self) -> dict[str, Slot]:
        """The slots by property, the ones with an underscore too."""
        found = {slot.key: slot for slot, _ in self._slots}
        return found | {slot.under: slot for slot, _ in self._slots if slot.under}

    @cached_property
    def shown_name(self) -> str:
        """The name that `type()` tells: parts of a type are BackboneElements or Elements."""
        return _part_type(self.name) if "." in self.name else self.name

    @cached_property
    def _slots(self) -> list[tuple[Slot, Field]]:
        return [(_slot(field), field) for field in structure(self.name).fields.values()]

    def __repr__(self) -> str:
        return f"TypeInfo({self.name})"


@cache
def type_info(name: str) -> TypeInfo:
    """Return the type of this name. Raises KeyError when R4 does not have it."""
    if name.partition(".")[0] not in catalogue().types:
        raise KeyError(name)
    return TypeInfo(name)


def resource_type(value: Any) -> TypeInfo:
    """Return the type of a resource; an unknown one is any resource."""
    name = value.get("resourceType") if type(value) is dict else None
    known = type(name) is str and name in catalogue().types and catalogue().types[name].kind == "resource"
    return type_info(name if known else "Resource")


def resolve_type(name: str) -> tuple[str, str] | None:
    """Read a type specifier: (namespace, name), the namespace empty when it is not given; None when unknown.

    Any name may follow `System`: what is not one of its types is a type that nothing has.
    """
    namespace, _, bare = name.rpartition(".")
    bare = _ALIASES.get(bare, bare)
    known_to_fhir = bare in catalogue().types
    if namespace == "System":
        return ("System", bare)
    if namespace == "FHIR":
        return ("FHIR", bare) if known_to_fhir else None
    if namespace:
        return ("FHIR", name) if name in _known_parts(namespace.partition(".")[0]) else None
    return ("", bare) if known_to_fhir or bare in SYSTEM_TYPES else None


def system_name(value: Any) -> str:
    """Name the type of one of FHIRPath's own values."""
    return SYSTEM_NAMES.get(type(value), "Any")


def _slot(field: Field) -> Slot:
    info = type_info(field.type)
    return Slot(field.key, f"_{field.key}" if info.is_primitive else None, info, field.many)


def _lineage(name: str) -> list[str]:
    found = [name]
    while (parent := _parent(found[-1])) is not None:
        found.append(parent)
    return found


def _parent(name: str) -> str | None:
    if name in {"Resource", "Element"}:
        return None
    if "." in name:
        return _part_type(name)
    if name in _PARENTS:
        return _PARENTS[name]
    if catalogue().types[name].kind == "resource":
        return "DomainResource" if name != "DomainResource" and "text" in structure(name).fields else "Resource"
    has_modifiers = name != "BackboneElement" and "modifierExtension" in structure(name).fields
    return "BackboneElement" if has_modifiers else "Element"


def _part_type(path: str) -> str:
    return "BackboneElement" if "modifierExtension" in structure(path).fields else "Element"


@cache
def _known_parts(root: str) -> frozenset[str]:
    """List the paths of all nested parts of a type."""
    if root not in catalogue().types:
        return frozenset()
    found: set[str] = set()
    ahead = [root]
    while ahead:
        inner = {f.type for f in structure(ahead.pop()).fields.values() if f.type.startswith(root + ".")}
        ahead += inner - found
        found |= inner
    return frozenset(found)


def _conversion(name: str) -> Callable[[Any], Any]:
    """Choose how values of a type become FHIRPath's own; None is no value."""
    if name == "date":
        return lambda value: _parsed(value, Date.parse)
    if name in {"dateTime", "instant"}:
        return lambda value: _parsed(value, DateTime.parse)
    if name == "time":
        return lambda value: _parsed(value, Time.parse)
    if name == "decimal":
        return _exact
    if name == "Quantity" or _PARENTS.get(name) == "Quantity":
        return lambda value: from_fhir(value) or value
    return _same


def _same(value: Any) -> Any:
    return value


def _parsed(value: Any, parse: Callable[[str], Any]) -> Any:
    return (parse(value) or value) if type(value) is str else value


def _exact(value: Any) -> Any:
    return Decimal(value) if is_decimal(value) else None
