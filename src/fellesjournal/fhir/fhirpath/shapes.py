"""Short cuts for the shapes that most conditions have: `a.b.exists()`, `a.empty()`, `code = 'x'`.

They look at the JSON without making nodes, and answer as the general way would.
"""

from __future__ import annotations

from typing import Any

from fellesjournal.fhir.fhirpath.environment import Environment
from fellesjournal.fhir.fhirpath.equality import equal
from fellesjournal.fhir.fhirpath.functions.model import Decided
from fellesjournal.fhir.fhirpath.nodes import Node, step
from fellesjournal.fhir.fhirpath.syntax import Binary, Call, Literal, Member, Tree
from fellesjournal.fhir.fhirpath.types import Slot, TypeInfo, resource_type


def decided(tree: Tree) -> Decided | None:
    """Compile a condition of a known shape; None for any other."""
    match tree:
        case Call(target=Member() as path, name=("exists" | "empty") as name, arguments=()):
            names = _path(path)
            return None if names is None else _presence(names, is_wanted=name == "exists")
        case Binary(operator="=", left=Member(target=None, name=name), right=Literal(value=value)) if (
            type(value) is str and name[:1].islower()
        ):
            return _text_equals(name, value)
        case _:
            return None


def _path(tree: Tree | None) -> tuple[str, ...] | None:
    """Read `a.b.c`; None for anything else, and for names that may be types."""
    names: list[str] = []
    while isinstance(tree, Member):
        names.append(tree.name)
        tree = tree.target
    if tree is not None or not all(name[:1].islower() for name in names):
        return None
    return tuple(reversed(names))


def _presence(names: tuple[str, ...], *, is_wanted: bool) -> Decided:
    def decide(env: Environment) -> bool:
        env.spend(1)
        for item in env.this:
            if type(item) is not Node:
                if step([item], names[0]):
                    return is_wanted
            elif _has(item.value if type(item.value) is dict else item.extra, item.type, names):
                return is_wanted
        return not is_wanted

    return decide


def _has(holder: Any, info: TypeInfo, names: tuple[str, ...]) -> bool:
    if type(holder) is not dict:
        return False
    found = info.members.get(names[0])
    if found is None:
        return False
    if isinstance(found, Slot):
        return _has_at(holder, found, names)
    slots = (found.get(key) for key in holder)
    return any(_has_at(holder, slot, names) for slot in slots if slot is not None)


def _has_at(holder: dict[str, Any], slot: Slot, names: tuple[str, ...]) -> bool:
    value = holder.get(slot.key)
    extra = holder.get(slot.under) if slot.under is not None else None
    rest = names[1:]
    for inner in (value, extra):
        if inner is None:
            continue
        if not rest and type(inner) is not list:
            return True
        for each in inner if type(inner) is list else (inner,):
            if each is not None and (not rest or _has(each, _type_of(each, slot), rest)):
                return True
    return False


def _type_of(value: Any, slot: Slot) -> TypeInfo:
    return resource_type(value) if slot.type.is_any_resource else slot.type


def _text_equals(name: str, wanted: str) -> Decided:
    literal = [wanted]

    def decide(env: Environment) -> bool | None:
        this = env.this
        if len(this) == 1 and type(this[0]) is Node and type(this[0].value) is dict:
            slot = this[0].type.members.get(name)
            if type(slot) is Slot and slot.type.is_text:
                value = this[0].value.get(slot.key)
                if type(value) is str:
                    env.spend(1)
                    return value == wanted
        return equal(step(this, name), literal, env)

    return decide
