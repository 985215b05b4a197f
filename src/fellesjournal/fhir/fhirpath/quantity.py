"""Quantities: a number with a unit, UCUM's or a calendar's."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, Final

from fellesjournal.fhir.fhirpath.ucum import multiply, unit
from fellesjournal.fhir.primitives import is_decimal

UCUM: Final = "http://unitsofmeasure.org"
CALENDAR_UNITS: Final = {
    name + ending: name
    for name in ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
    for ending in ("", "s")
}
_AS_UCUM: Final = {
    "year": "a",
    "month": "mo",
    "week": "wk",
    "day": "d",
    "hour": "h",
    "minute": "min",
    "second": "s",
    "millisecond": "ms",
}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value in a unit. A calendar's unit is in the singular (`day`), another is UCUM (`'mg'`)."""

    value: Decimal
    unit: str
    is_calendar: bool = False
    type_name: ClassVar[str] = "Quantity"

    def __str__(self) -> str:
        number = f"{self.value:f}"
        if self.is_calendar:
            return f"{number} {self.unit}" + ("s" if self.value != 1 else "")
        return f"{number} '{self.unit}'"

    @property
    def ucum(self) -> str:
        """The unit in UCUM's spelling."""
        return _AS_UCUM[self.unit] if self.is_calendar else self.unit

    @property
    def may_vary(self) -> bool:
        """Tell whether the unit is a calendar's year or month, which have no fixed length."""
        return self.is_calendar and self.unit in {"year", "month"}


def from_fhir(value: Any) -> Quantity | None:
    """Read a FHIR Quantity; None where it has no number, or a comparator that makes it a range."""
    if type(value) is not dict or "comparator" in value:
        return None
    number = value.get("value")
    if not (is_decimal(number) and isinstance(number, int | Decimal)):
        return None
    spelt = value.get("code") if value.get("system") == UCUM else value.get("code") or value.get("unit")
    return Quantity(Decimal(number), spelt if type(spelt) is str else "1")


def in_base_units(quantity: Quantity) -> tuple[Fraction, tuple[tuple[str, int], ...]]:
    """Return the exact value in base units, and their dimensions."""
    read = unit(quantity.ucum)
    return Fraction(quantity.value) * read.factor + read.offset, read.dimensions


def difference(one: Quantity, other: Quantity) -> Fraction | None:
    """Return how much one exceeds the other, in base units; None where they do not compare.

    A calendar's year and a UCUM year do not compare (§ 6.1.1).
    """
    if one.unit == other.unit and one.is_calendar == other.is_calendar:
        return Fraction(one.value) - Fraction(other.value)
    if one.may_vary and other.may_vary:
        return Fraction(months(one)) - Fraction(months(other))
    if one.may_vary != other.may_vary:
        return None
    first, second = in_base_units(one), in_base_units(other)
    return first[0] - second[0] if first[1] == second[1] else None


def months(quantity: Quantity) -> Decimal:
    """Count the months of a duration in years or months."""
    return quantity.value * (12 if quantity.unit == "year" else 1)


def times(one: Quantity, other: Quantity) -> Quantity:
    """Multiply, unit by unit."""
    return _simplified(one.value * other.value, f"{_wrap(one.ucum)}.{_wrap(other.ucum)}", one, other)


def over(one: Quantity, other: Quantity) -> Quantity:
    """Divide, unit by unit; the caller has seen to it that the divisor is not zero."""
    return _simplified(one.value / other.value, f"{_wrap(one.ucum)}/{_wrap(other.ucum)}", one, other)


def plus(one: Quantity, other: Quantity) -> Quantity | None:
    """Add, in the first one's unit; None where the units do not go together."""
    if one.unit == other.unit and one.is_calendar == other.is_calendar:
        return Quantity(one.value + other.value, one.unit, one.is_calendar)
    moved = converted(other, one.ucum)
    return None if moved is None else Quantity(one.value + moved.value, one.unit, one.is_calendar)


def converted(quantity: Quantity, to: str) -> Quantity | None:
    """Convert to another unit of UCUM; None where it has another dimension."""
    value, dimensions = in_base_units(quantity)
    target = unit(to)
    if target.dimensions != dimensions:
        return None
    exact = (value - target.offset) / target.factor
    return Quantity(Decimal(exact.numerator) / Decimal(exact.denominator), to)


def _wrap(text: str) -> str:
    return f"({text})" if "/" in text or "." in text else text


def _simplified(value: Decimal, text: str, one: Quantity, other: Quantity) -> Quantity:
    """Spell the product's unit as short as it goes; a pure number has the unit 1."""
    if other.ucum == "1":
        return Quantity(value, one.ucum)
    read = unit(text)
    if not read.dimensions:
        factor = multiply(read, unit("1")).factor
        return Quantity(value * Decimal(factor.numerator) / Decimal(factor.denominator), "1")
    return Quantity(value, other.ucum if one.ucum == "1" and "." in text[:2] else text)
