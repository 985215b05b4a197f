"""Conversion: § 5.5 of the standard. What cannot be converted is empty."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from fellesjournal.fhir.fhirpath.arithmetic import fitting
from fellesjournal.fhir.fhirpath.environment import Environment
from fellesjournal.fhir.fhirpath.functions.model import Function
from fellesjournal.fhir.fhirpath.nodes import Items, Node
from fellesjournal.fhir.fhirpath.quantity import CALENDAR_UNITS, Quantity, converted
from fellesjournal.fhir.fhirpath.singles import one, one_text
from fellesjournal.fhir.fhirpath.temporal import Date, DateTime, Time

_TRUE: Final = {"true", "t", "yes", "y", "1", "1.0"}
_FALSE: Final = {"false", "f", "no", "n", "0", "0.0"}
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,10}").fullmatch
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,60}(?:\.[0-9]{1,60})?").fullmatch
_QUANTITY: Final = re.compile(r"([+-]?[0-9]{1,60}(?:\.[0-9]{1,60})?)\s*(?:'([^']+)'|([a-zA-Z]+))?").fullmatch


def to_text(value: Any) -> str | None:
    """Write a value as FHIRPath does; None for an element of several parts."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int():
            return str(value)
        case Decimal():
            return f"{value:f}"
        case Date() | DateTime() | Time() | Quantity():
            return str(value)
        case _:
            return None


def _to_boolean(value: Any) -> bool | None:
    match value:
        case bool():
            return value
        case int() | Decimal():
            return bool(value) if value in {0, 1} else None
        case str():
            return True if value.lower() in _TRUE else False if value.lower() in _FALSE else None
        case _:
            return None


def _to_integer(value: Any) -> int | None:
    match value:
        case int():
            return int(value)
        case str() if _INTEGER(value):
            return fitting(int(value))
        case _:
            return None


def _to_decimal(value: Any) -> Decimal | None:
    match value:
        case bool():
            return Decimal("1.0") if value else Decimal("0.0")
        case int() | Decimal():
            return Decimal(value)
        case str() if _DECIMAL(value):
            return Decimal(value)
        case _:
            return None


def _to_date(value: Any) -> Date | None:
    match value:
        case Date():
            return value
        case DateTime():
            return Date(value.parts[:3])
        case str():
            moment = DateTime.parse(value)
            return None if moment is None else Date(moment.parts[:3])
        case _:
            return None


def _to_date_time(value: Any) -> DateTime | None:
    match value:
        case DateTime():
            return value
        case Date():
            return DateTime(value.parts)
        case str():
            return DateTime.parse(value)
        case _:
            return None


def _to_time(value: Any) -> Time | None:
    match value:
        case Time():
            return value
        case str():
            return Time.parse(value)
        case _:
            return None


def to_quantity(value: Any) -> Quantity | None:
    """Read a number or a text as a quantity."""
    match value:
        case Quantity():
            return value
        case bool() | int() | Decimal():
            return Quantity(_to_decimal(value) or Decimal(0), "1")
        case str() if match := _QUANTITY(value):
            number, unit, word = match.groups()
            if word is not None and word not in CALENDAR_UNITS:
                return None
            if word is not None:
                return Quantity(Decimal(number), CALENDAR_UNITS[word], is_calendar=True)
            return Quantity(Decimal(number), unit or "1")
        case _:
            return None


def _quantity_in(value: Any, unit: Items) -> Quantity | None:
    """Read a quantity, and convert it where a unit is asked for."""
    read, asked = to_quantity(value), one_text(unit) if unit else None
    if read is None or asked is None:
        return read
    if asked in CALENDAR_UNITS:
        found = converted(read, Quantity(Decimal(1), CALENDAR_UNITS[asked], is_calendar=True).ucum)
        return None if found is None else Quantity(found.value, CALENDAR_UNITS[asked], is_calendar=True)
    return converted(read, asked)


def _own(items: Items) -> Any:
    """Return the only item's value; a date in a resource may also be read as its text."""
    value = one(items)
    return None if type(value) is Node else value


def _to(convert: Callable[[Any], Any]) -> Function:
    def run(items: Items, _env: Environment) -> Items:
        found = convert(_own(items))
        return [] if found is None else [found]

    return Function(run)


def _may(convert: Callable[[Any], Any]) -> Function:
    def run(items: Items, _env: Environment) -> bool | None:
        return convert(_own(items)) is not None if items else None

    return Function(run, decides=True)


def _to_quantity(items: Items, _env: Environment, unit: Items = []) -> Items:  # noqa: B006
    found = _quantity_in(_own(items), unit)
    return [] if found is None else [found]


def _may_be_quantity(items: Items, _env: Environment, unit: Items = []) -> bool | None:  # noqa: B006
    return _quantity_in(_own(items), unit) is not None if items else None


_CONVERSIONS: Final[dict[str, Callable[[Any], Any]]] = {
    "Boolean": _to_boolean,
    "Integer": _to_integer,
    "Decimal": _to_decimal,
    "String": to_text,
    "Date": _to_date,
    "DateTime": _to_date_time,
    "Time": _to_time,
}

FUNCTIONS: Final = {
    **{f"to{name}": _to(convert) for name, convert in _CONVERSIONS.items()},
    **{f"convertsTo{name}": _may(convert) for name, convert in _CONVERSIONS.items()},
    "toQuantity": Function(_to_quantity, 0, 1),
    "convertsToQuantity": Function(_may_be_quantity, 0, 1, decides=True),
}
