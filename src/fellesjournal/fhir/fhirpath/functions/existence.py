"""Existence: § 5.1 of the standard."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from fellesjournal.fhir.fhirpath.environment import Environment
from fellesjournal.fhir.fhirpath.equality import identity
from fellesjournal.fhir.fhirpath.errors import FhirPathError
from fellesjournal.fhir.fhirpath.functions.model import Decided, Function
from fellesjournal.fhir.fhirpath.functions.subsetting import where
from fellesjournal.fhir.fhirpath.nodes import Items, plain
from fellesjournal.fhir.fhirpath.singles import truth


def _empty(items: Items, _env: Environment) -> bool:
    return not items


def _exists(items: Items, env: Environment, condition: Decided | None = None) -> bool:
    return bool(items if condition is None else where(items, env, condition))


def _all(items: Items, env: Environment, condition: Decided) -> bool:
    this, index = env.this, env.index
    env.spend(len(items))
    answer = True
    for number, item in enumerate(items):
        env.this, env.index = [item], number
        if condition(env) is not True:
            answer = False
            break
    env.this, env.index = this, index
    return answer


def _booleans(items: Items) -> list[bool | None]:
    values = [plain(item) for item in items]
    if any(value is not None and type(value) is not bool for value in values):
        raise FhirPathError("expected Booleans")
    return values


def _not(items: Items, _env: Environment) -> bool | None:
    answer = truth(items)
    return None if answer is None else not answer


def _count(items: Items, _env: Environment) -> Items:
    return [len(items)]


def identities(items: Items, env: Environment) -> set[Hashable]:
    """Return what makes these items different from others."""
    return {identity(item, env) for item in items}


def _subset(items: Items, env: Environment, other: Items) -> bool:
    return not items or identities(items, env) <= identities(other, env)


def _superset(items: Items, env: Environment, other: Items) -> bool:
    return _subset(other, env, items)


def _is_distinct(items: Items, env: Environment) -> bool:
    return len(identities(items, env)) == len(items)


FUNCTIONS: Final = {
    "empty": Function(_empty, decides=True),
    "exists": Function(_exists, 0, 1, takes="conditions", decides=True),
    "all": Function(_all, 1, 1, takes="conditions", decides=True),
    "allTrue": Function(lambda items, _: all(_booleans(items)), decides=True),
    "anyTrue": Function(lambda items, _: any(_booleans(items)), decides=True),
    "allFalse": Function(lambda items, _: not any(_booleans(items)), decides=True),
    "anyFalse": Function(lambda items, _: not all(_booleans(items)), decides=True),
    "not": Function(_not, decides=True),
    "count": Function(_count),
    "subsetOf": Function(_subset, 1, 1, decides=True),
    "supersetOf": Function(_superset, 1, 1, decides=True),
    "isDistinct": Function(_is_distinct, decides=True),
}
