"""Math: § 5.7 of the standard. A result that is no number, or too large for one, is empty."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, DecimalException
from typing import Any, Final

from fellesjournal.fhir.fhirpath.arithmetic import EXACT, ROUNDED, add, divide, fitting
from fellesjournal.fhir.fhirpath.environment import Environment
from fellesjournal.fhir.fhirpath.equality import compare
from fellesjournal.fhir.fhirpath.errors import FhirPathError
from fellesjournal.fhir.fhirpath.functions.model import Function
from fellesjournal.fhir.fhirpath.nodes import Items, plain
from fellesjournal.fhir.fhirpath.quantity import Quantity
from fellesjournal.fhir.fhirpath.singles import one, one_integer, one_number

_MAX_PLACES: Final = 100


def _number_function(act: Callable[..., Any], arguments: int = 0) -> Function:
    """Make a function of numbers; anything empty makes the result empty."""

    def run(items: Items, _env: Environment, *others: Items) -> Items:
        values = [one_number(items), *(one_number(other) for other in others)]
        if None in values:
            return []
        try:
            found = act(*values)
        except (DecimalException, OverflowError):
            return []
        return [] if found is None else [found]

    return Function(run, arguments, arguments)


def _abs(items: Items, _env: Environment) -> Items:
    value = one(items)
    if value is None:
        return []
    if type(value) is Quantity:
        return [Quantity(abs(value.value), value.unit, value.is_calendar)]
    if type(value) is int or type(value) is Decimal:
        return [abs(value)]
    raise FhirPathError("expected a number")


def _whole(rounding: str) -> Callable[[Any], int | None]:
    return lambda value: fitting(int(Decimal(value).to_integral_value(rounding=rounding)))


def _round(items: Items, _env: Environment, precision: Items | None = None) -> Items:
    value = one_number(items)
    places = 0 if precision is None else one_integer(precision)
    if value is None or places is None:
        return []
    if not 0 <= places <= _MAX_PLACES:
        raise FhirPathError(f"round() takes 0 to {_MAX_PLACES} places")
    exact = Decimal(value)
    exponent = exact.as_tuple().exponent
    if isinstance(exponent, int) and -exponent <= places:
        return [exact]
    return [exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=EXACT)]


def _logarithm(value: int | Decimal, base: int | Decimal) -> Decimal | None:
    if value <= 0 or base <= 0 or base == 1:
        return None
    return ROUNDED.plus(EXACT.divide(EXACT.ln(Decimal(value)), EXACT.ln(Decimal(base))))


def _power(value: int | Decimal, exponent: int | Decimal) -> int | Decimal | None:
    if value < 0 and exponent != int(exponent):
        return None
    found = EXACT.power(Decimal(value), Decimal(exponent))
    if type(value) is int and type(exponent) is int and exponent >= 0:
        return fitting(int(found))
    return ROUNDED.plus(found)


def _sum(items: Items, env: Environment) -> Items:
    env.spend(len(items))
    values = [value for value in map(plain, items) if value is not None]
    if not values:
        return []
    total = values[0]
    for value in values[1:]:
        total = add(total, value)
        if total is None:
            return []
    return [total]


def _average(items: Items, env: Environment) -> Items:
    total = _sum(items, env)
    if not total:
        return []
    found = divide(total[0], len(items))
    return [] if found is None else [found]


def _extreme(direction: int) -> Callable[[Items, Environment], Items]:
    def run(items: Items, env: Environment) -> Items:
        env.spend(len(items))
        best: Any = None
        for value in map(plain, items):
            if best is None or (value is not None and (compare(value, best, env) or 0) * direction > 0):
                best = value
        return [] if best is None else [best]

    return run


FUNCTIONS: Final = {
    "abs": Function(_abs),
    "ceiling": _number_function(_whole(ROUND_CEILING)),
    "floor": _number_function(_whole(ROUND_FLOOR)),
    "truncate": _number_function(lambda value: fitting(int(value))),
    "exp": _number_function(lambda value: ROUNDED.exp(Decimal(value))),
    "ln": _number_function(lambda value: ROUNDED.ln(Decimal(value)) if value > 0 else None),
    "log": _number_function(_logarithm, 1),
    "power": _number_function(_power, 1),
    "sqrt": _number_function(lambda value: ROUNDED.sqrt(Decimal(value)) if value >= 0 else None),
    "round": Function(_round, 0, 1),
    "sum": Function(_sum),
    "avg": Function(_average),
    "min": Function(_extreme(-1)),
    "max": Function(_extreme(1)),
}
