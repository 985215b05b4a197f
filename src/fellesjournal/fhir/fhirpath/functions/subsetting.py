"""Filtering, subsetting and combining: § 5.2 to § 5.4 of the standard; sort() of its next version."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cmp_to_key
from typing import Any, Final

from fellesjournal.fhir.fhirpath.environment import Environment
from fellesjournal.fhir.fhirpath.equality import compare, identity
from fellesjournal.fhir.fhirpath.errors import FhirPathError
from fellesjournal.fhir.fhirpath.functions.model import Decided, Function, Listed, TypeCheck
from fellesjournal.fhir.fhirpath.nodes import Items, Node
from fellesjournal.fhir.fhirpath.singles import one, one_integer


def where(items: Items, env: Environment, condition: Decided) -> Items:
    """Keep the items for which the condition is true."""
    this, index = env.this, env.index
    env.spend(len(items))
    kept: Items = []
    for number, item in enumerate(items):
        env.this, env.index = [item], number
        if condition(env) is True:
            kept.append(item)
    env.this, env.index = this, index
    return kept


def select(items: Items, env: Environment, projection: Listed) -> Items:
    """Evaluate an expression for each item, and put the results into one collection."""
    this, index = env.this, env.index
    env.spend(len(items))
    found: Items = []
    for number, item in enumerate(items):
        env.this, env.index = [item], number
        found += projection(env)
        env.bound(found)
    env.this, env.index = this, index
    return found


def distinct(items: Items, env: Environment) -> Items:
    """Drop what is equal to an earlier item."""
    seen: dict[Hashable, Any] = {}
    for item in items:
        seen.setdefault(identity(item, env), item)
    env.spend(len(items))
    return list(seen.values())


def union(left: Items, right: Items, env: Environment) -> Items:
    """Put two collections into one without duplicates (`|`)."""
    return distinct(env.bound([*left, *right]), env)


def only(items: Items, env: Environment, is_type: TypeCheck) -> Items:
    """Keep the items of a type (`ofType`, `as`)."""
    env.spend(len(items))
    return [item for item in items if is_type(item)]


def sort(items: Items, env: Environment, keys: list[tuple[Listed, int]]) -> Items:
    """Order by keys, each with 1 for ascending or -1; an empty key comes first either way."""
    if not keys:
        keys = [(lambda inner: inner.this, 1)]
    env.spend(len(items) * max(1, len(items).bit_length()))
    columns = [[_key(value) for value in _each(items, env, key)] for key, _ in keys]

    def order(a: int, b: int) -> int:
        for column, (_, direction) in zip(columns, keys, strict=True):
            found = _order_keys(column[a], column[b], direction, env)
            if found:
                return found
        return 0

    return [items[place] for place in sorted(range(len(items)), key=cmp_to_key(order))]


def _each(items: Items, env: Environment, projection: Listed) -> list[Items]:
    return [select([item], env, projection) for item in items]


def _key(items: Items) -> Any:
    return one(items)


def _order_keys(a: Any, b: Any, direction: int, env: Environment) -> int:
    if a is None or b is None:
        return (a is not None) - (b is not None)
    return (compare(a, b, env) or 0) * direction


def _repeat(items: Items, env: Environment, projection: Listed) -> Items:
    seen: set[Hashable] = set()
    found: Items = []
    ahead = list(reversed(select(items, env, projection)))
    while ahead:
        item = ahead.pop()
        mark = place(item) if type(item) is Node else identity(item, env)
        if mark in seen:
            continue
        seen.add(mark)
        found.append(item)
        env.bound(found)
        ahead += reversed(select([item], env, projection))
    return found


def place(node: Node) -> Hashable:
    """Tell nodes apart by where they stand, not by what they hold."""
    if node.owner is None:
        return id(node.value)
    return (id(node.owner.value), id(node.owner.extra), node.key, node.index)


def _single(items: Items, _env: Environment) -> Items:
    if len(items) > 1:
        raise FhirPathError("single() found several items")
    return items


def _number(argument: Items) -> int:
    count = one_integer(argument)
    if count is None:
        raise FhirPathError("expected a whole number")
    return count


def _skip(items: Items, _env: Environment, count: Items) -> Items:
    return items[max(0, _number(count)) :]


def _take(items: Items, _env: Environment, count: Items) -> Items:
    return items[: max(0, _number(count))]


def at_index(items: Items, index: Items) -> Items:
    """Return the item at an index, as a collection; nothing where there is none."""
    number = one_integer(index)
    return [items[number]] if number is not None and 0 <= number < len(items) else []


def _intersect(items: Items, env: Environment, other: Items) -> Items:
    wanted = {identity(item, env) for item in other}
    return [item for item in distinct(items, env) if identity(item, env) in wanted]


def _exclude(items: Items, env: Environment, other: Items) -> Items:
    unwanted = {identity(item, env) for item in other}
    env.spend(len(items))
    return [item for item in items if identity(item, env) not in unwanted]


FUNCTIONS: Final = {
    "where": Function(where, 1, 1, takes="conditions"),
    "select": Function(select, 1, 1, takes="expressions"),
    "repeat": Function(_repeat, 1, 1, takes="expressions"),
    "ofType": Function(only, 1, 1, takes="type"),
    "as": Function(only, 1, 1, takes="type"),
    "distinct": Function(distinct),
    "single": Function(_single),
    "first": Function(lambda items, _: items[:1]),
    "last": Function(lambda items, _: items[-1:]),
    "tail": Function(lambda items, _: items[1:]),
    "skip": Function(_skip, 1, 1),
    "take": Function(_take, 1, 1),
    "intersect": Function(_intersect, 1, 1),
    "exclude": Function(_exclude, 1, 1),
    "union": Function(lambda items, env, other: union(items, other, env), 1, 1),
    "combine": Function(lambda items, env, other: env.bound([*items, *other]), 1, 1),
}
