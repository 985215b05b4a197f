"""The fast path of validation: closures compiled from the structures, that only say yes.

A no means "look closer": the walker then decides and names every fault.
So a check here may be stricter than R4 (rare but legal forms go to the walker), never laxer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fellesjournal.fhir.primitives import CHECKS, Check
from fellesjournal.fhir.structures import Field, Structure, bound_codes, has_twin, is_primitive, is_resource, structure

_objects: Final[dict[str, Check]] = {}


def accepts(resource: dict[str, Any]) -> bool:
    """Tell whether the fast path accepts this resource."""
    try:
        return bool(_is_resource(resource))
    except (TypeError, RecursionError):
        return False


def _is_resource(value: Any) -> object:
    name = value.get("resourceType") if type(value) is dict else None
    check = _objects.get(name) if type(name) is str else None
    if check is None:
        if type(name) is not str or not is_resource(name):
            return False
        check = _object(name)
    return check(value)


def _is_contained(value: Any) -> object:
    return type(value) is dict and "contained" not in value and "id" in value and _is_resource(value)


def _object(path: str) -> Check:
    """Return the check of one kind of object; compiled once, and known before its parts so that it may
    recur.
    """
    known = _objects.get(path)
    if known is None:
        shape = structure(path)
        table: dict[str, Check] = {}
        choices: dict[str, tuple[Check, int]] = {}
        known = _objects[path] = _closure(shape, table=table, choices=choices)
        _fill(shape, table=table, choices=choices)
    return known


def _closure(shape: Structure, *, table: dict[str, Check], choices: dict[str, tuple[Check, int]]) -> Check:
    required = frozenset(f.key for f in shape.required)
    if shape.path == "Extension":
        return _extension(table, choices)
    if not any(f.choice for f in shape.fields.values()):
        return _plain(table, required)
    bits = _bits(shape)
    return _with_choices(
        table, choices, required=required, needed=sum(bits[n] for n in shape.required_choices)
    )


def _fill(shape: Structure, *, table: dict[str, Check], choices: dict[str, tuple[Check, int]]) -> None:
    bits = _bits(shape)
    if shape.is_resource:
        table["resourceType"] = frozenset({shape.path}).__contains__
    for key, field in shape.fields.items():
        if field.choice:
            choices[key] = (_value(field), bits[field.name])
        else:
            table[key] = _many(_value(field)) if field.many else _value(field)
            if has_twin(shape, field) and not field.many:
                table["_" + key] = _object("Element")


def _bits(shape: Structure) -> dict[str, int]:
    """Give each choice of the object a bit of its own."""
    names = dict.fromkeys(f.name for f in shape.fields.values() if f.choice)
    return {name: 1 << i for i, name in enumerate(names)}


def _value(field: Field) -> Check:
    if field.type == "Resource":
        return _is_contained if field.key == "contained" else _is_resource
    if field.binding:
        return _bound(field, field.binding)
    return CHECKS[field.type] if is_primitive(field.type) else _object(field.type)


def _bound(field: Field, value_set: str) -> Check:
    parts = bound_codes(value_set)
    if is_primitive(field.type):
        return frozenset().union(*(codes for _, codes in parts)).__contains__
    concept = _object(field.type)
    allowed = frozenset((system, code) for system, codes in parts for code in codes)
    return lambda v: (
        concept(v) and any((c.get("system"), c.get("code")) in allowed for c in v.get("coding", ()))
    )


def _many(one: Check) -> Check:
    def check(value: Any) -> object:
        if type(value) is not list or not value:
            return False
        for item in value:  # noqa: SIM110 - a generator costs twice the time, and this is the hottest loop
            if not one(item):
                return False
        return True

    return check


def _plain(table: dict[str, Check], required: frozenset[str]) -> Check:
    find: Callable[[str], Check | None] = table.get

    def check(value: Any) -> object:
        if type(value) is not dict or (len(value) < 2 and (not value or "id" in value)):
            return False
        for key, item in value.items():
            test = find(key)
            if test is None or not test(item):
                return False
        return not required or value.keys() >= required

    return check


def _with_choices(
    table: dict[str, Check], choices: dict[str, tuple[Check, int]], *, required: frozenset[str], needed: int
) -> Check:
    find: Callable[[str], Check | None] = table.get

    def check(value: Any) -> object:
        if type(value) is not dict or (len(value) < 2 and (not value or "id" in value)):
            return False
        seen = 0
        for key, item in value.items():
            test = find(key)
            if test is None:
                entry = choices.get(key)
                if entry is None or seen & entry[1]:
                    return False
                test = entry[0]
                seen |= entry[1]
            if not test(item):
                return False
        return seen & needed == needed and value.keys() >= required

    return check


def _extension(table: dict[str, Check], choices: dict[str, tuple[Check, int]]) -> Check:
    """An extension has a url, and either a value or extensions of its own (invariant ext-1)."""
    of_any_kind = _with_choices(table, choices, required=frozenset({"url"}), needed=0)

    def check(value: Any) -> object:
        if not of_any_kind(value):
            return False
        nested = "extension" in value
        return len(value) == 2 + ("id" in value) and (nested or not value.keys().isdisjoint(choices))

    return check
