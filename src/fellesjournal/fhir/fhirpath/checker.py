"""Reads an expression against the definitions, before any resource is there: does every step lead somewhere?

Evaluation is lenient, as the standard asks: an element that does not exist is empty. Whoever writes an expression
(an invariant, a search parameter, a subscription's filter) wants to hear of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fellesjournal.fhir.fhirpath.errors import FhirPathError
from fellesjournal.fhir.fhirpath.expression import compile_expression
from fellesjournal.fhir.fhirpath.functions import FUNCTIONS
from fellesjournal.fhir.fhirpath.syntax import (
    Binary,
    Call,
    External,
    Indexer,
    Literal,
    Member,
    Sign,
    Special,
    Tree,
    TypeTest,
    parts,
)
from fellesjournal.fhir.fhirpath.types import Slot, TypeInfo, resolve_type, system_name, type_info
from fellesjournal.fhir.structures import catalogue


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of a collection: the types that its items may have (None: any), and whether it has an order."""

    types: frozenset[str] | None
    is_ordered: bool = True


_ANY: Final = Shape(None)
_BOOLEAN: Final = Shape(frozenset({"System.Boolean"}))
# Functions that hand on what they were given, or some of it.
_SAME: Final = {
    "where", "distinct", "single", "first", "last", "tail", "skip", "take", "intersect", "exclude", "trace", "sort",
    "checkModifiers", "defineVariable",
}  # fmt: skip
_NEEDS_ORDER: Final = {"first", "last", "tail", "skip", "take"}
_UNORDERED: Final = {"children", "descendants"}
_CONDITIONAL: Final = {"where", "all", "exists", "iif"}
_MAY_BE_TRUE: Final = {"System.Boolean", "System.Any"}
# Functions that evaluate their arguments for each item.
_EACH: Final = {"where", "select", "all", "exists", "sort", "repeat", "aggregate", "iif", "defineVariable", "trace"}


def check_expression(text: str, *, type_name: str) -> None:
    """Check an expression that starts at a type (`Patient`) or at a part of one (`Observation.component`).

    Raises FhirPathError with the position for what `compile_expression` refuses; for an element that no possible type
    has; for a start at another type; for a condition that is no Boolean; and for asking for the first of what has no
    order.
    """
    tree = compile_expression(text).tree
    if type_info(type_name).is_any_resource:
        _shape(tree, _ANY)
    else:
        _shape(tree, Shape(frozenset({type_name})))


def _shape(tree: Tree, this: Shape) -> Shape:
    match tree:
        case Literal(value=value):
            return Shape(frozenset({f"System.{system_name(value)}"}))
        case Special(name="this"):
            return this
        case External(name="resource" | "context" | "rootResource"):
            return _ANY
        case Member():
            return _member(tree, this)
        case Call():
            return _call(tree, this)
        case Indexer(target=target, index=index, at=at):
            _shape(index, this)
            return _in_order(_shape(target, this), at)
        case TypeTest(operator="as", left=left, type_name=name):
            return _of_type(_shape(left, this), name)
        case Binary(operator="|", left=left, right=right):
            return _either(_shape(left, this), _shape(right, this))
        case _:
            return _other(tree, this)


def _other(tree: Tree, this: Shape) -> Shape:
    for inner in parts(tree):
        _shape(inner, this)
    if isinstance(tree, Binary) and tree.operator in {"and", "or", "xor", "implies", "=", "!=", "~", "!~"}:
        return _BOOLEAN
    return _shape(tree.operand, this) if isinstance(tree, Sign) else _ANY


def _member(tree: Member, this: Shape) -> Shape:
    if tree.target is not None:
        return _step(_shape(tree.target, this), tree)
    if tree.name[:1].isupper() and tree.name in catalogue().types:
        return _start(tree, this)
    return _step(this, tree)


def _start(tree: Member, this: Shape) -> Shape:
    if this.types is None:
        return _named(tree.name)
    fitting = frozenset(name for name in this.types if tree.name in _ancestors(name))
    if not fitting:
        raise FhirPathError(f"the expression starts at {tree.name}, which this is not", position=tree.at)
    return Shape(fitting)


def _step(shape: Shape, tree: Member) -> Shape:
    if shape.types is None:
        return _ANY
    found = [_targets(name, tree.name) for name in shape.types]
    if all(targets is None for targets in found):
        raise FhirPathError(f"there is no element {tree.name[:60]} here", position=tree.at)
    known = frozenset(inner for targets in found if targets is not None for inner in targets)
    return _ANY if "Resource" in known or "System.Any" in known else Shape(known)


def _targets(name: str, element: str) -> list[str] | None:
    """List the types that an element may have; None when the type does not have it."""
    if name.startswith("System."):
        return ["System.Any"] if name in {"System.Any", "System.Quantity"} else None
    slot = type_info(name).members.get(element)
    if slot is None:
        return None
    return [slot.type.name] if isinstance(slot, Slot) else [inner.type.name for inner in slot.values()]


def _call(tree: Call, this: Shape) -> Shape:
    source = this if tree.target is None else _shape(tree.target, this)
    if tree.name in _NEEDS_ORDER:
        _in_order(source, tree.at)
    if tree.name in {"as", "ofType", "is"}:
        return _of_type(source, _spell(tree.arguments[0])) if tree.name != "is" else _BOOLEAN
    scope = source if tree.name in _EACH else this
    shapes = [_shape(argument, scope if tree.name != "repeat" else _ANY) for argument in tree.arguments]
    if tree.name in _CONDITIONAL and shapes:
        _condition(shapes[0], tree.arguments[0].at)
    if tree.name in _SAME:
        return source
    return _result(tree.name, shapes)


def _condition(shape: Shape, at: int) -> None:
    """An element may stand for its being there; a text or a number that is always there is a slip."""
    if shape.types and all(name.startswith("System.") for name in shape.types) and not shape.types & _MAY_BE_TRUE:
        raise FhirPathError("a condition is a Boolean", position=at)


def _result(name: str, arguments: list[Shape]) -> Shape:
    match name:
        case "select":
            return arguments[0]
        case "iif":
            return _either(arguments[1], arguments[2] if len(arguments) > 2 else arguments[1])
        case "extension":
            return _named("Extension")
        case _ if name in _UNORDERED:
            return Shape(None, is_ordered=False)
        case _:
            return _BOOLEAN if name in FUNCTIONS and FUNCTIONS[name].decides else _ANY


def _of_type(shape: Shape, name: str) -> Shape:
    """Narrow to a type; where no item can be of it the result is empty, not wrong."""
    resolved = resolve_type(name)
    if resolved is None:
        return _ANY
    namespace, bare = resolved
    if namespace == "System" or bare not in catalogue().types:
        return Shape(frozenset({f"System.{bare}"}), shape.is_ordered)
    if shape.types is None:
        return _named(bare)
    narrowed = frozenset(inner for inner in shape.types if bare in _ancestors(inner))
    return Shape(narrowed or frozenset({bare}), shape.is_ordered)


def _named(name: str) -> Shape:
    info: TypeInfo = type_info(name)
    return _ANY if info.is_any_resource or name in {"Element", "BackboneElement"} else Shape(frozenset({name}))


def _either(left: Shape, right: Shape) -> Shape:
    types = None if left.types is None or right.types is None else left.types | right.types
    return Shape(types, left.is_ordered and right.is_ordered)


def _in_order(shape: Shape, at: int) -> Shape:
    if not shape.is_ordered:
        raise FhirPathError("these items have no order", position=at)
    return shape


def _ancestors(name: str) -> frozenset[str]:
    return frozenset({name}) if name.startswith("System.") else type_info(name).ancestors


def _spell(tree: Tree) -> str:
    if isinstance(tree, Member):
        return tree.name if tree.target is None else f"{_spell(tree.target)}.{tree.name}"
    return str(tree.value) if isinstance(tree, Literal) else ""
