"""Quantities in UCUM's base units, so that 5.4 mg and 0.0054 g are found by the same search.

Ends are computed exactly and rounded once: two that are equal in fact give the same float, and none pass each other.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import inf
from typing import Final, NamedTuple

from fellesjournal.fhir.fhirpath.ucum import Unit, unit
from fellesjournal.fhir.ranges import bounds

UCUM: Final = "http://unitsofmeasure.org"
OPEN_LOW: Final = frozenset({"<", "<="})
OPEN_HIGH: Final = frozenset({">", ">="})
_GREATEST: Final = Fraction(10) ** 180
_SMALLEST: Final = 1 / _GREATEST


class BaseUnit(NamedTuple):
    """A unit as UCUM defines it: the key of its dimensions, and the way to base units."""

    key: str
    code: str
    unit: Unit


@lru_cache(maxsize=2048)
def base_unit(system: str | None, code: str | None) -> BaseUnit | None:
    """Return the unit behind a UCUM code; None for another system, without a code, and beyond what floats can hold."""
    if system != UCUM or not code:
        return None
    found = unit(code)
    if not _SMALLEST < found.factor < _GREATEST:
        return None
    return BaseUnit("base\x1f" + "\x1f".join(f"{name}{power}" for name, power in found.dimensions), code, found)


def in_base(value: Decimal, base: BaseUnit) -> float:
    """Return a value in base units. Raises ValueError where no float can hold it."""
    number, parts = value.as_integer_ratio()
    up, down = base.unit.factor.as_integer_ratio()
    plus, of = base.unit.offset.as_integer_ratio()
    try:
        return (number * up * of + plus * parts * down) / (parts * down * of)
    except OverflowError:
        raise ValueError("a number out of range") from None


def base_span(value: Decimal | int, comparator: str | None, base: BaseUnit) -> tuple[float, float]:
    """Return [low, high) of a stored quantity in base units. Raises ValueError for an absurd one."""
    return _base_span(str(value), comparator, base.code)


@lru_cache(maxsize=16384)
def _base_span(text: str, comparator: str | None, code: str) -> tuple[float, float]:
    value, base = Decimal(text), BaseUnit("", code, unit(code))
    if comparator in OPEN_LOW:
        return -inf, in_base(value, base)
    if comparator in OPEN_HIGH:
        return in_base(value, base), inf
    low, high = bounds(value)
    return in_base(low, base), in_base(high, base)
