"""Three-valued logic and the tests between two collections: § 6.1 to § 6.5 of the standard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from fellesjournal.fhir.fhirpath.environment import Environment
from fellesjournal.fhir.fhirpath.equality import compare, equal, equivalent, identity
from fellesjournal.fhir.fhirpath.errors import FhirPathError
from fellesjournal.fhir.fhirpath.functions.existence import identities
from fellesjournal.fhir.fhirpath.nodes import Items
from fellesjournal.fhir.fhirpath.singles import one

_COMPARISONS: Final[dict[str, Callable[[int], bool]]] = {
    "<": lambda found: found < 0,
    ">": lambda found: found > 0,
    "<=": lambda found: found <= 0,
    ">=": lambda found: found >= 0,
}


Focus = TypeVar("Focus")
"""What a condition is evaluated on: an environment, or plain JSON."""


def logic(
    operator: str, left: Callable[[Focus], bool | None], right: Callable[[Focus], bool | None]
) -> Callable[[Focus], bool | None]:
    """Join two conditions; the right one is looked at only where it matters (§ 6.5)."""

    def both(focus: Focus) -> bool | None:
        first = left(focus)
        if first is False:
            return False
        second = right(focus)
        return False if second is False else None if first is None or second is None else True

    def either(focus: Focus) -> bool | None:
        first = left(focus)
        if first is True:
            return True
        second = right(focus)
        return True if second is True else None if first is None or second is None else False

    def only_one(focus: Focus) -> bool | None:
        first, second = left(focus), right(focus)
        return None if first is None or second is None else first is not second

    def implies(focus: Focus) -> bool | None:
        first = left(focus)
        if first is False:
            return True
        second = right(focus)
        return True if second is True else None if first is None else second

    return {"and": both, "or": either, "xor": only_one, "implies": implies}[operator]


def _unequal(left: Items, right: Items, env: Environment) -> bool | None:
    answer = equal(left, right, env)
    return None if answer is None else not answer


def _ordered(is_so: Callable[[int], bool]) -> Callable[[Items, Items, Environment], bool | None]:
    def run(left: Items, right: Items, env: Environment) -> bool | None:
        a, b = one(left), one(right)
        if a is None or b is None:
            return None
        found = compare(a, b, env)
        return None if found is None else is_so(found)

    return run


def _in(left: Items, right: Items, env: Environment) -> bool | None:
    if not left:
        return None
    if len(left) > 1:
        raise FhirPathError("expected one item, found several")
    env.spend(len(right))
    return identity(left[0], env) in identities(right, env)


TESTS: Final[dict[str, Callable[[Items, Items, Environment], bool | None]]] = {
    "=": equal,
    "!=": _unequal,
    "~": equivalent,
    "!~": lambda left, right, env: not equivalent(left, right, env),
    "in": _in,
    "contains": lambda left, right, env: _in(right, left, env),
    **{sign: _ordered(is_so) for sign, is_so in _COMPARISONS.items()},
}
