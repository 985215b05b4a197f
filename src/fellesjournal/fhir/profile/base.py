"""Trees of R4's own types, made from the vendored definitions: what every profile starts from.

They hold no invariants: those are checked by the base validation (`is_base_rule` knows them).
"""

from __future__ import annotations

from functools import cache
from typing import Final

from fellesjournal.fhir.profile.elements import BY_URL, Binding, Constraint, Element, TypeRef
from fellesjournal.fhir.structures import Field, catalogue, structure

CORE: Final = "http://hl7.org/fhir/StructureDefinition/"
_OF_STRUCTURE: Final = frozenset({"ele-1", "ext-1", "dom-2", "ref-1", "txt-1", "txt-2"})
"""R4's invariants that hold for nearly every element, and that the structure check makes without an expression."""
_IS_ISO_4217: Final = "(code.exists() or value.empty()) and (system.empty() or system = 'urn:iso:std:iso:4217')"


def base_type(canonical: str) -> str | None:
    """Name the R4 type that a canonical (or a bare type code) stands for; None for a profile."""
    name = canonical.partition("|")[0].removeprefix(CORE)
    return name if name in catalogue().types else None


@cache
def type_tree(name: str) -> Element:
    """Return the tree of a type. Its children that are data types have none: they are unfolded where needed.

    Raises KeyError for a type that R4 does not have.
    """
    root = Element(name=name, most=None, types=(TypeRef(name),))
    root.children = _children(name)
    return root


@cache
def quantity_profiles() -> dict[str, Element]:
    """Return the two profiles that R4's own definitions use as if they were types, by canonical."""
    simple, money = type_tree("Quantity").copied(), type_tree("Quantity").copied()
    simple.children["comparator"].most = 0
    told = "There SHALL be a code if there is a value and it SHALL be an expression of currency."
    money.constraints = (Constraint("mtqy-1", "error", told, _IS_ISO_4217, None),)
    return {CORE + "SimpleQuantity": simple, CORE + "MoneyQuantity": money}


def is_base_rule(constraint: Constraint) -> bool:
    """Tell whether R4 itself sets this invariant, so that the base validation has checked it."""
    if constraint.key in _OF_STRUCTURE:
        return True
    source = (constraint.source or "").removeprefix(CORE).partition(".")[0]
    expressions = _base_rules().get(constraint.key, frozenset())
    return constraint.expression in expressions or (bool(expressions) and source in catalogue().types)


@cache
def _base_rules() -> dict[str, frozenset[str]]:
    """List the expressions of each of R4's invariants: a key may stand on several elements."""
    found: dict[str, set[str]] = {}
    for rules in catalogue().rules.values():
        for rule in rules:
            found.setdefault(rule.key, set()).add(rule.expression)
    return {key: frozenset(expressions) for key, expressions in found.items()}


def _children(path: str) -> dict[str, Element]:
    groups: dict[str, list[Field]] = {}
    for field in structure(path).fields.values():
        groups.setdefault(f"{field.name}[x]" if field.choice else field.name, []).append(field)
    return {name: _element(name, fields, path) for name, fields in groups.items()}


def _element(name: str, fields: list[Field], path: str) -> Element:
    first = fields[0]
    element = Element(name=name, least=int(first.required), most=None if first.many else 1)
    element.binding = Binding("required", first.binding) if first.binding else None
    if "." not in first.type:
        element.types = tuple(TypeRef(field.type, targets=_targets(field)) for field in fields)
    elif first.type == f"{path}.{name}":
        element.types = (TypeRef(_part_type(first.type)),)
        element.children = _children(first.type)
    else:
        element.content_reference = first.type
    if first.type == "Extension":
        element.slicing = BY_URL
        element.is_modifier = name == "modifierExtension"
    return element


def _targets(field: Field) -> tuple[str, ...]:
    return tuple(CORE + name for name in sorted(field.targets))


def _part_type(path: str) -> str:
    return "BackboneElement" if "modifierExtension" in structure(path).fields else "Element"
