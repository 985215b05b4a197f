"""Tree navigation, utility functions, aggregates and types: § 5.8, § 5.9, § 6.3 and § 7 of the standard."""

from __future__ import annotations

from typing import Any, Final

from fellesjournal.fhir.fhirpath.environment import Environment
from fellesjournal.fhir.fhirpath.errors import FhirPathError
from fellesjournal.fhir.fhirpath.functions.model import Function, Listed, TypeCheck
from fellesjournal.fhir.fhirpath.functions.subsetting import select
from fellesjournal.fhir.fhirpath.nodes import Items, Node, TypeName, children
from fellesjournal.fhir.fhirpath.singles import one_text, truth
from fellesjournal.fhir.fhirpath.temporal import Date, DateTime, Time
from fellesjournal.fhir.fhirpath.types import system_name

RESERVED: Final = frozenset({"context", "resource", "rootResource", "ucum", "sct", "loinc"})


def _children(items: Items, env: Environment) -> Items:
    found = children(items)
    env.spend(len(found))
    return found


def _descendants(items: Items, env: Environment) -> Items:
    found: Items = []
    ahead = children(items)[::-1]
    while ahead:
        item = ahead.pop()
        found.append(item)
        env.bound(found)
        env.spend(1)
        ahead += children([item])[::-1]
    return found


def _trace(items: Items, env: Environment, name: Listed, projection: Listed | None = None) -> Items:
    label = one_text(name(env))
    if env.services.trace is not None:
        shown = items if projection is None else select(items, env, projection)
        env.services.trace(label or "", [as_json(item) for item in shown])
    return items


def as_json(item: Any) -> Any:
    """Return an item as JSON has it: dates as texts, quantities as a value and a unit."""
    if type(item) is Node:
        return item.value
    if isinstance(item, Date | DateTime | Time):
        return str(item)
    if type(item) is TypeName:
        return {"namespace": item.namespace, "name": item.name}
    if item is None or type(item) in {bool, int, str} or not hasattr(item, "ucum"):
        return item
    return {"value": item.value, "unit": item.unit}


def _iif(items: Items, env: Environment, condition: Listed, then: Listed, otherwise: Listed | None = None) -> Items:
    """Choose; the branches and the condition see the input as `$this` (§ 5.5.1)."""
    if len(items) > 1:
        raise FhirPathError("iif() takes one item at most")
    this = env.this
    env.this = items
    branch = then if truth(condition(env)) is True else otherwise
    found = [] if branch is None else branch(env)
    env.this = this
    return found


def _aggregate(items: Items, env: Environment, aggregator: Listed, start: Listed | None = None) -> Items:
    this, index, total = env.this, env.index, env.total
    running: Items = [] if start is None else start(env)
    env.spend(len(items))
    for number, item in enumerate(items):
        env.this, env.index, env.total = [item], number, running
        running = env.bound(aggregator(env))
    env.this, env.index, env.total = this, index, total
    return running


def _define_variable(items: Items, env: Environment, name: Listed, value: Listed | None = None) -> Items:
    label = one_text(name(env))
    if not label or label in RESERVED or label in env.variables:
        raise FhirPathError("the variable has no name, or one that is taken")
    this = env.this
    env.this = items
    found = items if value is None else value(env)
    env.this = this
    env.variables = {**env.variables, label: found}
    return items


def _type(items: Items, env: Environment) -> Items:
    env.spend(len(items))
    return [
        TypeName("FHIR", item.type.shown_name) if type(item) is Node else TypeName("System", system_name(item))
        for item in items
    ]


def is_of_type(items: Items, _env: Environment, check: TypeCheck) -> bool | None:
    """Tell whether the only item is of a type; None when there is none."""
    if not items:
        return None
    if len(items) > 1:
        raise FhirPathError("expected one item, found several")
    return check(items[0])


FUNCTIONS: Final = {
    "children": Function(_children),
    "descendants": Function(_descendants),
    "trace": Function(_trace, 1, 2, takes="expressions"),
    "now": Function(lambda _, env: [DateTime.of(env.now())]),
    "today": Function(lambda _, env: [Date(DateTime.of(env.now()).parts[:3])]),
    "timeOfDay": Function(lambda _, env: [Time.of(env.now())]),
    "iif": Function(_iif, 2, 3, takes="expressions"),
    "aggregate": Function(_aggregate, 1, 2, takes="expressions"),
    "defineVariable": Function(_define_variable, 1, 2, takes="expressions"),
    "type": Function(_type),
    "is": Function(is_of_type, 1, 1, takes="type", decides=True),
}
