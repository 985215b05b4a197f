"""lowBoundary, highBoundary and precision of the standard's next version; comparable of FHIR's own functions."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final, Literal

from fellesjournal.fhir.fhirpath.arithmetic import EXACT
from fellesjournal.fhir.fhirpath.environment import Environment
from fellesjournal.fhir.fhirpath.errors import FhirPathError
from fellesjournal.fhir.fhirpath.functions.model import Function
from fellesjournal.fhir.fhirpath.nodes import Items
from fellesjournal.fhir.fhirpath.quantity import Quantity, difference
from fellesjournal.fhir.fhirpath.singles import one, one_integer
from fellesjournal.fhir.fhirpath.temporal import Date, DateTime, Parts, Temporal, Time

Side = Literal["low", "high"]

_MAX_PLACES: Final = 38
# How many parts of a date or time each number of digits means.
_DIGITS: Final = {4: 1, 6: 2, 8: 3, 10: 4, 12: 5, 14: 6, 17: 6}
_TIME_DIGITS: Final = {2: 1, 4: 2, 6: 3, 9: 3}
_LOW_ZONE: Final = 14 * 60
_HIGH_ZONE: Final = -12 * 60


def _boundary(side: Side) -> Callable[..., Items]:
    def run(items: Items, _env: Environment, precision: Items | None = None) -> Items:
        value = one(items)
        asked = None if precision is None else one_integer(precision)
        if value is None:
            return []
        found = _bound_of(value, asked, side)
        return [] if found is None else [found]

    return run


def _bound_of(value: Any, asked: int | None, side: Side) -> Any:
    match value:
        case bool():
            raise FhirPathError("a Boolean has no boundaries")
        case int() | Decimal():
            return _bound_number(Decimal(value), 8 if asked is None else asked, side)
        case Quantity():
            number = _bound_number(value.value, 8 if asked is None else asked, side)
            return None if number is None else Quantity(number, value.unit, value.is_calendar)
        case Date() | DateTime() | Time():
            return _bound_moment(value, asked, side)
        case _:
            raise FhirPathError("only numbers, dates, times and quantities have boundaries")


def _bound_number(value: Decimal, places: int, side: Side) -> Decimal | None:
    if not 0 <= places <= _MAX_PLACES or value.adjusted() > 20:
        return None
    half = Decimal(5).scaleb(-decimals(value) - 1)
    edge = EXACT.subtract(value, half) if side == "low" else EXACT.add(value, half)
    rounding = ROUND_FLOOR if side == "low" else ROUND_CEILING
    return edge.quantize(Decimal(1).scaleb(-places), rounding=rounding, context=EXACT)


def _bound_moment(value: Temporal, asked: int | None, side: Side) -> Temporal | None:
    if isinstance(value, Time):
        count = _TIME_DIGITS.get(9 if asked is None else asked)
        if count is None:
            return None
        return Time(_filled((1, 1, 1, *value.parts), side)[3 : 3 + count])
    default = 8 if isinstance(value, Date) else 17
    digits = default if asked is None else asked
    parts_wanted = _DIGITS.get(digits)
    if parts_wanted is None:
        return None
    parts = _filled(value.parts, side)[:parts_wanted]
    if parts_wanted <= 3:
        return Date(parts) if isinstance(value, Date) else DateTime(parts)
    default_zone = _LOW_ZONE if side == "low" else _HIGH_ZONE
    return DateTime(parts, default_zone if value.offset is None else value.offset)


def _filled(parts: Parts, side: Side) -> Parts:
    """Fill up with the first or the last of each part that is missing; seconds to the millisecond."""
    found = list(parts)
    if len(found) < 2:
        found.append(1 if side == "low" else 12)
    if len(found) < 3:
        found.append(1 if side == "low" else monthrange(int(found[0]), int(found[1]))[1])
    found += [0 if side == "low" else last for last in (23, 59)[len(found) - 3 :]]
    if len(found) < 6:
        found.append(Decimal("0.000") if side == "low" else Decimal("59.999"))
    seconds = Decimal(found[5])
    if decimals(seconds) == 0 and len(parts) == 6:
        found[5] = seconds + (Decimal("0.000") if side == "low" else Decimal("0.999"))
    return tuple(found)


def _precision(items: Items, _env: Environment) -> Items:
    match one(items):
        case None:
            return []
        case bool():
            raise FhirPathError("a Boolean has no precision")
        case int() | Decimal() as number:
            return [decimals(Decimal(number))]
        case Date() | DateTime() as moment:
            return [4 + sum(_widths(moment.parts[1:]))]
        case Time() as clock:
            return [sum(_widths(clock.parts))]
        case _:
            raise FhirPathError("only numbers, dates and times have a precision")


def decimals(value: Decimal) -> int:
    """Count the digits after the point, zeros at the end too."""
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _widths(parts: Parts) -> list[int]:
    return [2 + (decimals(part) if isinstance(part, Decimal) else 0) for part in parts]


def _comparable(items: Items, _env: Environment, other: Items) -> bool | None:
    left, right = one(items), one(other)
    if left is None or right is None:
        return None
    if type(left) is not Quantity or type(right) is not Quantity:
        raise FhirPathError("comparable() takes quantities")
    return difference(left, right) is not None


FUNCTIONS: Final = {
    "lowBoundary": Function(_boundary("low"), 0, 1),
    "highBoundary": Function(_boundary("high"), 0, 1),
    "precision": Function(_precision),
    "comparable": Function(_comparable, 1, 1, decides=True),
}
