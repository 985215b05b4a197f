"""Equal, equivalent, ordered: § 6.1 and § 6.2 of the standard."""

from __future__ import annotations

from collections.abc import Hashable
from decimal import Decimal
from typing import Any, Final

from fellesjournal.fhir.fhirpath.environment import Environment
from fellesjournal.fhir.fhirpath.errors import FhirPathError
from fellesjournal.fhir.fhirpath.nodes import Items, Node, plain
from fellesjournal.fhir.fhirpath.quantity import Quantity, difference, in_base_units, months
from fellesjournal.fhir.fhirpath.temporal import Date, DateTime, Time, in_utc, order

_TEMPORAL: Final = (Date, DateTime, Time)


def equal(left: Items, right: Items, env: Environment) -> bool | None:
    """Compare two collections, in order; None when either is empty, or dates are not precise enough to say."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    env.spend(len(left))
    answers = [_equal_items(a, b, env) for a, b in zip(left, right, strict=True)]
    return False if False in answers else None if None in answers else True


def equivalent(left: Items, right: Items, env: Environment) -> bool:
    """Compare two collections in any order, with less exactness; two empty ones are equivalent."""
    if len(left) != len(right):
        return False
    rest = [plain(item) for item in right]
    for item in left:
        value = plain(item)
        env.spend(len(rest) + 1)
        match = next((i for i, other in enumerate(rest) if _equivalent_values(value, other, env)), None)
        if match is None:
            return False
        del rest[match]
    return True


def compare(left: Any, right: Any, env: Environment) -> int | None:
    """Order two values: negative, 0, positive; None where that cannot be told. Raises FhirPathError for unlike ones."""
    if type(left) is str and type(right) is str:
        return (left > right) - (left < right)
    if _is_number(left) and _is_number(right):
        return int((left > right) - (left < right))
    if isinstance(left, _TEMPORAL) and isinstance(right, _TEMPORAL):
        if isinstance(left, Time) is isinstance(right, Time):
            return order(left, right, zone=env.zone)
    elif (pair := _quantities(left, right)) is not None:
        gap = difference(*pair)
        return None if gap is None else (gap > 0) - (gap < 0)
    raise FhirPathError("these two do not compare")


def identity(item: Any, env: Environment) -> Hashable:
    """Return what is the same for items that are equal, to find duplicates fast."""
    value = plain(item)
    if type(value) is Node:
        return ("element", _frozen(value.value, env), _frozen(value.extra, env))
    if value is None:
        return ("extra", _frozen(item.extra, env))
    if type(value) is Quantity:
        if value.may_vary:
            return ("months", months(value))
        return ("quantity", *in_base_units(value))
    if isinstance(value, _TEMPORAL):
        return ("time" if type(value) is Time else "moment", in_utc(value, zone=env.zone))
    return ("number" if _is_number(value) else type(value).__name__, value)


def _equal_items(left: Any, right: Any, env: Environment) -> bool | None:
    one, other = plain(left), plain(right)
    if one is None or other is None:
        return None if one is not other else identity(left, env) == identity(right, env)
    if type(one) is Node or type(other) is Node:
        if type(one) is not Node or type(other) is not Node:
            return False
        return _frozen(one.value, env) == _frozen(other.value, env)
    if type(one) is bool or type(other) is bool:
        return one is other
    if isinstance(one, _TEMPORAL) and isinstance(other, _TEMPORAL):
        if isinstance(one, Time) is not isinstance(other, Time):
            return False
        found = order(one, other, zone=env.zone)
        return None if found is None else found == 0
    if (pair := _quantities(one, other)) is not None:
        return _equal_quantities(*pair)
    return bool(one == other)


def _equal_quantities(one: Quantity, other: Quantity) -> bool | None:
    gap = difference(one, other)
    if gap is None:
        return None if one.may_vary is not other.may_vary else False
    return gap == 0


def _equivalent_values(one: Any, other: Any, env: Environment) -> bool:
    if type(one) is str and type(other) is str:
        return _folded(one) == _folded(other)
    if _is_number(one) and _is_number(other):
        return _same_rounded(Decimal(one), Decimal(other))
    if isinstance(one, _TEMPORAL) and isinstance(other, _TEMPORAL):
        return isinstance(one, Time) is isinstance(other, Time) and order(one, other, zone=env.zone) == 0
    if (pair := _quantities(one, other)) is not None:
        return _equivalent_quantities(*pair)
    if type(one) is Node and type(other) is Node:
        return _equivalent_json(one.value, other.value, env)
    return type(one) is type(other) and bool(one == other)


def _equivalent_quantities(one: Quantity, other: Quantity) -> bool:
    """Round to the coarser of the two, in the coarser one's unit; a year is here as good as a UCUM year."""
    first, second = in_base_units(one), in_base_units(other)
    if first[1] != second[1]:
        return False
    if first[0] == second[0]:
        return True
    coarse = max((one, other), key=lambda q: in_base_units(Quantity(Decimal(1).scaleb(-_places(q.value)), q.ucum)))
    step = in_base_units(Quantity(Decimal(1).scaleb(-_places(coarse.value)), coarse.ucum))[0]
    return step > 0 and round(first[0] / step) == round(second[0] / step)


def _equivalent_json(one: Any, other: Any, env: Environment) -> bool:
    env.spend(1)
    if type(one) is dict and type(other) is dict:
        return one.keys() == other.keys() and all(_equivalent_json(one[key], other[key], env) for key in one)
    if type(one) is list and type(other) is list:
        return len(one) == len(other) and all(any(_equivalent_json(a, b, env) for b in other) for a in one)
    return _equivalent_values(one, other, env)


def _quantities(one: Any, other: Any) -> tuple[Quantity, Quantity] | None:
    """Pair two quantities; a number beside a quantity counts as one without a unit."""
    if type(one) is Quantity and type(other) is Quantity:
        return one, other
    if type(one) is Quantity and _is_number(other):
        return one, Quantity(Decimal(other), "1")
    if type(other) is Quantity and _is_number(one):
        return Quantity(Decimal(one), "1"), other
    return None


def _is_number(value: Any) -> bool:
    return type(value) is int or type(value) is Decimal


def _same_rounded(one: Decimal, other: Decimal) -> bool:
    """Compare with as many decimals as the less precise one has; zeros at the end do not count."""
    places = min(_places(one), _places(other))
    return round(one, places) == round(other, places)


def _places(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _folded(text: str) -> str:
    return " ".join(text.lower().split())


def _frozen(value: Any, env: Environment) -> Hashable:
    """Make JSON hashable; 1 and 1.0 stay equal, 1 and true do not."""
    env.spend(1)
    if type(value) is dict:
        return frozenset((key, _frozen(inner, env)) for key, inner in value.items())
    if type(value) is list:
        return tuple(_frozen(inner, env) for inner in value)
    return (value,) if type(value) is bool else value
