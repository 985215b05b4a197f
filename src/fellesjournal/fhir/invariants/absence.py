"""Which elements a condition is about: where none of them is there, it need not be looked at.

Read off the syntax tree alone, so it serves conditions of any shape; what it can't tell it leaves open (None).
"""

from __future__ import annotations

from typing import Final

from fellesjournal.fhir.fhirpath.syntax import Binary, Call, External, Indexer, Member, Tree, TypeTest, parts
from fellesjournal.fhir.fhirpath.types import Slot, TypeInfo

Keys = frozenset[str]
"""JSON properties of the object that the condition is evaluated on."""

_COMPARISONS: Final = {"=", "!=", "<", ">", "<=", ">=", "in"}
_KEEP_EMPTY: Final = {
    "where", "select", "first", "last", "tail", "trace", "ofType", "as", "resolve", "substring", "toInteger",
    "replaceMatches",
}  # fmt: skip
"""Functions that make nothing of nothing."""
_TRUE_OF_NOTHING: Final = {"empty", "all", "isDistinct"}
_EMPTY_OF_NOTHING: Final = {"startsWith", "endsWith", "contains", "matches", "is"}
_OUTSIDE: Final = {"children", "descendants", "repeat"}


def never_false_without(tree: Tree, info: TypeInfo) -> Keys | None:
    """Return properties without any of which the condition is not false: an invariant holds there."""
    match tree:
        case Binary(operator="or", left=left, right=right):
            return _smaller(never_false_without(left, info), never_false_without(right, info))
        case Binary(operator="and", left=left, right=right):
            return _both(never_false_without(left, info), never_false_without(right, info))
        case Binary(operator="implies", left=left, right=right):
            return _smaller(never_true_without(left, info), never_false_without(right, info))
        case Call(target=inner, name="not") if inner is not None:
            return never_true_without(inner, info)
        case Call(target=target, name=name) if name in _TRUE_OF_NOTHING:
            return _first_keys(target, info)
        case _:
            return _empty_without(tree, info)


def never_true_without(tree: Tree, info: TypeInfo) -> Keys | None:
    """Return properties without any of which the condition is not true."""
    match tree:
        case Binary(operator="or", left=left, right=right):
            return _both(never_true_without(left, info), never_true_without(right, info))
        case Binary(operator="and", left=left, right=right):
            return _smaller(never_true_without(left, info), never_true_without(right, info))
        case Call(target=inner, name="not") if inner is not None:
            return never_false_without(inner, info)
        case Call(target=target, name="exists" | "hasValue"):
            return _first_keys(target, info)
        case _:
            return _empty_without(tree, info)


def members_of(tree: Tree) -> frozenset[str] | None:
    """Return the names of the elements that a condition may look at first; None when it may look anywhere."""
    if isinstance(tree, Member) and tree.target is None:
        return frozenset({tree.name})
    if isinstance(tree, External) or (isinstance(tree, Call) and tree.name in _OUTSIDE):
        return None
    found: frozenset[str] = frozenset()
    for part in parts(tree):
        inner = members_of(part)
        if inner is None:
            return None
        found |= inner
    return found


def _empty_without(tree: Tree, info: TypeInfo) -> Keys | None:
    """Return properties without any of which the condition is neither true nor false."""
    match tree:
        case Binary(operator="in", left=left):
            return _first_keys(left, info)
        case Binary(operator=operator, left=left, right=right) if operator in _COMPARISONS:
            return _smaller(_first_keys(left, info), _first_keys(right, info))
        case TypeTest(left=left):
            return _first_keys(left, info)
        case Call(target=target, name=name) if name in _EMPTY_OF_NOTHING:
            return _first_keys(target, info)
        case Member():
            return _first_keys(tree, info)
        case _:
            return None


def _first_keys(tree: Tree | None, info: TypeInfo) -> Keys | None:
    """Return the properties that a path starts with; None for what is no path from here."""
    match tree:
        case Member(target=None, name=name):
            return _keys_of(name, info)
        case Member(target=Member(target=None, name=start), name=name) if start == info.name:
            return _keys_of(name, info)
        case Member(target=inner) | Indexer(target=inner):
            return _first_keys(inner, info)
        case Call(target=inner, name=name) if name in _KEEP_EMPTY:
            return _first_keys(inner, info)
        case _:
            return None


def _keys_of(name: str, info: TypeInfo) -> Keys | None:
    slots = info.members.get(name)
    if slots is None:
        return None
    if isinstance(slots, Slot):
        return frozenset({slots.key, slots.under} if slots.under else {slots.key})
    return frozenset(slots)


def _smaller(one: Keys | None, other: Keys | None) -> Keys | None:
    if one is None or other is None:
        return other if one is None else one
    return one if len(one) <= len(other) else other


def _both(one: Keys | None, other: Keys | None) -> Keys | None:
    return None if one is None or other is None else one | other
