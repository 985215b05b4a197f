"""The operators that calculate: § 6.6. Every one takes the operands' own values and returns a value, or None."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any, Final

from fellesjournal.fhir.fhirpath.calendar import add as add_duration
from fellesjournal.fhir.fhirpath.errors import FhirPathError, TooCostly
from fellesjournal.fhir.fhirpath.quantity import Quantity, over, plus, times
from fellesjournal.fhir.fhirpath.temporal import Date, DateTime, Time

MAX_TEXT: Final = 1_000_000
EXACT: Final = Context(prec=60, Emin=-400, Emax=400, traps=[InvalidOperation, DivisionByZero, Overflow])
ROUNDED: Final = Context(prec=34, Emin=-400, Emax=400, traps=[InvalidOperation, DivisionByZero, Overflow])
_MIN_INTEGER: Final = -(2**31)
_MAX_INTEGER: Final = 2**31 - 1
_MAX_MAGNITUDE: Final = 200
_TEMPORAL: Final = (Date, DateTime, Time)


def add(left: Any, right: Any) -> Any:
    """Add numbers, quantities, texts, or a duration to a date."""
    if type(left) is str and type(right) is str:
        return joined(left + right)
    if isinstance(left, _TEMPORAL) and type(right) is Quantity:
        return add_duration(left, right)
    if type(left) is Quantity and type(right) is Quantity:
        return bounded(plus(left, right))
    return _numbers(left, right, lambda a, b: a + b, EXACT.add)


def subtract(left: Any, right: Any) -> Any:
    """Subtract numbers, quantities, or a duration from a date."""
    if type(right) is Quantity and (type(left) is Quantity or isinstance(left, _TEMPORAL)):
        return add(left, negate(right))
    return _numbers(left, right, lambda a, b: a - b, EXACT.subtract)


def multiply(left: Any, right: Any) -> Any:
    """Multiply numbers and quantities."""
    if type(left) is Quantity or type(right) is Quantity:
        return bounded(times(_as_quantity(left), _as_quantity(right)))
    return _numbers(left, right, lambda a, b: a * b, EXACT.multiply)


def divide(left: Any, right: Any) -> Any:
    """Divide numbers and quantities; a number's quotient is always a Decimal; None for a divisor of zero."""
    if type(left) is Quantity or type(right) is Quantity:
        dividend, divisor = _as_quantity(left), _as_quantity(right)
        return bounded(over(dividend, divisor)) if divisor.value else None
    one, other = _number(left), _number(right)
    return ROUNDED.divide(Decimal(one), Decimal(other)) if other else None


def whole_divide(left: Any, right: Any) -> Any:
    """Divide and cut off the fraction (`div`); None for a divisor of zero."""
    one, other = _number(left), _number(right)
    if not other:
        return None
    if type(one) is int and type(other) is int:
        return abs(one) // abs(other) * (1 if (one < 0) == (other < 0) else -1)
    try:
        return fitting(int(EXACT.divide_int(Decimal(one), Decimal(other))))
    except InvalidOperation:
        return None


def remainder(left: Any, right: Any) -> Any:
    """Return the rest of `div`, with the dividend's sign (`mod`); None for a divisor of zero."""
    one, other = _number(left), _number(right)
    if not other:
        return None
    if type(one) is int and type(other) is int:
        return abs(one) % abs(other) * (-1 if one < 0 else 1)
    try:
        return EXACT.remainder(Decimal(one), Decimal(other))
    except InvalidOperation:
        return None


def negate(value: Any) -> Any:
    """Change the sign of a number or a quantity."""
    if type(value) is Quantity:
        return Quantity(-value.value, value.unit, value.is_calendar)
    return -_number(value)


def joined(text: str) -> str:
    """Pass a text on, unless it is too long."""
    if len(text) > MAX_TEXT:
        raise TooCostly(f"a text has more than {MAX_TEXT} characters")
    return text


def fitting(value: int) -> int | None:
    """Pass a whole number on; None for more than 32 bits: an overflow is no result (§ 6.6)."""
    return value if _MIN_INTEGER <= value <= _MAX_INTEGER else None


def bounded(quantity: Quantity | None) -> Quantity | None:
    """Pass a quantity on; None where its number is beyond all measure."""
    if quantity is None or abs(quantity.value.adjusted()) > _MAX_MAGNITUDE:
        return None
    return quantity


OPERATORS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "div": whole_divide,
    "mod": remainder,
}


def _numbers(
    left: Any,
    right: Any,
    whole: Callable[[int, int], int],
    exact: Callable[[Decimal, Decimal], Decimal],
) -> int | Decimal | None:
    one, other = _number(left), _number(right)
    if type(one) is int and type(other) is int:
        return fitting(whole(one, other))
    try:
        return exact(Decimal(one), Decimal(other))
    except Overflow:
        return None


def _number(value: Any) -> int | Decimal:
    if type(value) is int or type(value) is Decimal:
        return value
    raise FhirPathError("these two cannot be calculated with")


def _as_quantity(value: Any) -> Quantity:
    return value if type(value) is Quantity else Quantity(Decimal(_number(value)), "1")
