"""Fixed values and patterns, compared with what an element holds.

Source: https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.fixed_x_ and .pattern_x_.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any


def equals(fixed: Any, value: Any) -> bool:
    """Tell whether a value is exactly the fixed one; numbers by what they are worth, not by how they are written."""
    if type(fixed) is dict:
        is_alike = type(value) is dict and fixed.keys() == value.keys()
        return is_alike and all(equals(inner, value[key]) for key, inner in fixed.items())
    if type(fixed) is list:
        if type(value) is not list or len(fixed) != len(value):
            return False
        return all(equals(one, other) for one, other in zip(fixed, value, strict=True))
    return _same(fixed, value)


def matches(pattern: Any, value: Any) -> bool:
    """Tell whether a value has at least what the pattern has: each item of a list somewhere in the value's list."""
    if type(pattern) is dict:
        return type(value) is dict and all(k in value and matches(v, value[k]) for k, v in pattern.items())
    if type(pattern) is list:
        return type(value) is list and all(any(matches(one, other) for other in value) for one in pattern)
    return _same(pattern, value)


def shown(value: Any) -> str:
    """Write a profile's value as a person would read it: its texts and codes, shortened."""
    text = ", ".join(_parts(value, ""))
    return text if len(text) <= 200 else text[:197] + "…"


def _parts(value: Any, name: str) -> list[str]:
    if type(value) is dict:
        return [part for key, inner in value.items() for part in _parts(inner, key)]
    if type(value) is list:
        return [part for inner in value for part in _parts(inner, name)]
    if value is True or value is False:
        value = "true" if value else "false"
    return [f"{name} '{value}'" if name else f"'{value}'"]


def _same(one: Any, other: Any) -> bool:
    if type(one) is bool or type(other) is bool:
        return one is other
    if isinstance(one, int | float | Decimal) and isinstance(other, int | float | Decimal):
        return _exact(one) == _exact(other)
    return bool(one == other)


def _exact(number: float | Decimal) -> Decimal:
    """A float has been written as a short text once: that is what was meant."""
    return Decimal(str(number)) if isinstance(number, float) else Decimal(number)
