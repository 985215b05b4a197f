"""The fast path of validation: closures compiled from the structures, that only say yes.

A no means "look closer": the walker then decides and names every fault.
So a check here may be stricter than R4 (rare but legal forms go to the walker), never laxer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from fellesjournal.fhir.code_rules import LIMITS, RULES
from fellesjournal.fhir.fhirpath import FhirPathError
from fellesjournal.fhir.invariants import Rule, rules_at, rules_of
from fellesjournal.fhir.primitives import CHECKS, Check
from fellesjournal.fhir.references import fault_inside, fault_of, is_inside, places_in
from fellesjournal.fhir.resource_types import TYPE_NUMBER
from fellesjournal.fhir.scope import Frame, Later, here, note_claims, note_extension
from fellesjournal.fhir.structures import Field, Structure, bound_codes, has_twin, is_primitive, is_resource, structure

_objects: Final[dict[str, Check]] = {}
_FEW: Final = 3
"""So many properties are looked for one by one; of more it is asked whether any is there."""


def accepts(resource: dict[str, Any]) -> bool:
    """Tell whether the fast path accepts this resource."""
    return named_if_accepted(resource) is not None


def named_if_accepted(resource: dict[str, Any]) -> list[str] | None:
    """Return the profiles and extensions that a resource names; None where the fast path does not accept it."""
    here.named = []
    try:
        return here.named if _is_resource(resource) else None
    except (TypeError, RecursionError, FhirPathError):
        return None
    finally:
        here.frame = None


def _is_resource(value: Any) -> object:
    return _is_framed(value, is_contained=False)


def _is_contained(value: Any) -> object:
    return (
        type(value) is dict and "contained" not in value and "id" in value and _is_framed(value, is_contained=True)
    )


def _is_framed(value: Any, *, is_contained: bool) -> object:
    name = value.get("resourceType") if type(value) is dict else None
    check = _objects.get(name) if type(name) is str else None
    if check is None:
        if type(name) is not str or not is_resource(name):
            return False
        check = _object(name)
    outer = here.frame
    here.frame = frame = Frame(value, outer=outer, is_contained=is_contained)
    is_good = check(value)
    here.frame = outer
    return is_good and (frame.inside is None or _lead_somewhere(frame, frame.inside))


def _lead_somewhere(frame: Frame, inside: list[Later]) -> bool:
    known = places_in(frame)
    return not any(fault_inside(later, known) for later in inside)


def _object(path: str) -> Check:
    """Return the check of one kind of object; compiled once, and known before its parts so that it may
    recur.
    """
    known = _objects.get(path)
    if known is None:
        shape = structure(path)
        table: dict[str, Check] = {}
        choices: dict[str, tuple[Check, int]] = {}
        check = _closure(shape, table=table, choices=choices)
        known = _objects[path] = _guarded(check, [rule for rule in rules_of(path) if rule.is_error])
        _fill(shape, table=table, choices=choices)
    return known


def _closure(shape: Structure, *, table: dict[str, Check], choices: dict[str, tuple[Check, int]]) -> Check:
    required = frozenset(f.key for f in shape.required)
    if shape.path == "Extension":
        return _extension(table, choices)
    if shape.path == "Meta":
        return _meta(table)
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
        one = _guarded(_value(field), [rule for rule in rules_at(shape.path, field) if rule.is_error])
        if field.choice:
            choices[key] = (one, bits[field.name])
        else:
            table[key] = _many(one) if field.many else one
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
    if field.type == "Reference":
        return _reference(field.targets)
    if field.limit:
        return _limited(_object(field.type), LIMITS[field.limit])
    return CHECKS[field.type] if is_primitive(field.type) else _object(field.type)


def _limited(is_sound: Check, holds: Check) -> Check:
    return lambda value: is_sound(value) and holds(value)


def _reference(targets: frozenset[str]) -> Check:
    is_sound, allowed = _object("Reference"), targets or frozenset(TYPE_NUMBER)

    def check(value: Any) -> object:
        if not is_sound(value):
            return False
        text = value.get("reference")
        if text is not None:
            if text.partition("/")[0] in allowed and "type" not in value:
                return True
            if is_inside(text) and here.frame is not None:
                here.frame.put_off(Later(text, targets))
        return fault_of(value, targets) is None

    return check


def _guarded(check: Check, rules: Sequence[Rule]) -> Check:
    """Add the invariants; each is asked only where something is there that it is about."""
    always = tuple(rule.holds for rule in rules if rule.needs is None)
    by_key = tuple((key, r.holds) for r in rules if r.needs and len(r.needs) <= _FEW for key in r.needs)
    by_many = tuple((rule.needs, rule.holds) for rule in rules if rule.needs and len(rule.needs) > _FEW)
    if not rules:
        return check

    def guarded(value: Any) -> object:
        if not check(value):
            return False
        for key, holds in by_key:
            if key in value and not holds(value):
                return False
        for keys, holds in by_many:
            if not keys.isdisjoint(value) and not holds(value):
                return False
        for holds in always:  # noqa: SIM110 - a generator costs twice the time
            if not holds(value):
                return False
        return True

    return guarded


def _bound(field: Field, value_set: str) -> Check:
    parts = bound_codes(value_set)
    if value_set in RULES:
        is_sound, follows = CHECKS[field.type], RULES[value_set]
        return lambda v: is_sound(v) and follows(v)
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


def _meta(table: dict[str, Check]) -> Check:
    is_sound = _plain(table, frozenset())

    def check(value: Any) -> object:
        if not is_sound(value):
            return False
        if "profile" in value:
            note_claims(value)
        return True

    return check


def _extension(table: dict[str, Check], choices: dict[str, tuple[Check, int]]) -> Check:
    """An extension has a url, and either a value or extensions of its own (invariant ext-1)."""
    of_any_kind = _with_choices(table, choices, required=frozenset({"url"}), needed=0)

    def check(value: Any) -> object:
        if not of_any_kind(value):
            return False
        note_extension(value)
        nested = "extension" in value
        return len(value) == 2 + ("id" in value) and (nested or not value.keys().isdisjoint(choices))

    return check
