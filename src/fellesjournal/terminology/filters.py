"""The filters of a value set that look at a property: one value or several, a pattern, whether there is one.

A property without a value passes `not-in`, and `exists` of `false`; a pattern must match the whole value.
Source: https://hl7.org/fhir/R4/valueset-filter-operator.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import re2

from fellesjournal.terminology.concept import Concept
from fellesjournal.terminology.errors import BadDefinition
from fellesjournal.terminology.value_set import Filter

HIERARCHY: Final = frozenset({"is-a", "descendent-of", "is-not-a", "generalizes"})
INACTIVE_ONES: Final = Filter("inactive", "=", "true")
_ON_CODES: Final = ("concept", "code")
_MAX_PATTERN: Final = 2_000
_MAX_MEMORY: Final = 8 << 20


def check(test: Filter) -> None:
    """Raise BadDefinition for a filter that has no meaning."""
    if not test.property or not test.value:
        raise BadDefinition("A filter has a property, an operator and a value.")
    if test.op in HIERARCHY and test.property not in _ON_CODES:
        raise BadDefinition(f"A filter with {test.op} looks at the property concept.")
    if test.op == "exists" and test.value not in ("true", "false"):
        raise BadDefinition("A filter with exists has the value true or false.")
    if test.op == "regex":
        pattern(test.value)


def listed(value: str) -> list[str]:
    """The values that `in` and `not-in` name, between commas."""
    return [one.strip() for one in value.split(",") if one.strip()]


def passes(test: Filter, values: Sequence[str], *, is_cased: bool = True) -> bool:
    """Whether values of the property pass a filter that is not about the hierarchy.

    Codes are compared as their system compares them (`is_cased`), all else as it is written.
    """
    if not is_cased and test.property in _ON_CODES and test.op in ("=", "in", "not-in"):
        test, values = replace(test, value=test.value.lower()), [value.lower() for value in values]
    if test.op == "=":
        return test.value in values
    if test.op == "exists":
        return bool(values) == (test.value == "true")
    if test.op == "regex":
        fits = pattern(test.value).fullmatch
        return any(fits(value) is not None for value in values)
    return any(value in listed(test.value) for value in values) == (test.op == "in")


def is_of_active(test: Filter) -> bool:
    """Whether a filter asks for the concepts that are not inactive, most of which have no property that says so."""
    return test == Filter("inactive", "=", "false")


def values_of(concept: Concept, property: str) -> list[str]:
    """The values of a property as filters write them, all but relatives; some things every concept has."""
    own = {"concept": concept.code, "code": concept.code, "display": concept.display, "definition": concept.definition}
    if property in own:
        return [own[property]] if own[property] else []
    found = [one.text for one in concept.properties if one.code == property]
    return ["true"] if property == "inactive" and concept.is_inactive else found


@lru_cache(maxsize=256)
def pattern(text: str) -> Any:
    """A regular expression that takes time linear in the text. Raises BadDefinition."""
    options = re2.Options()
    options.dot_nl = True
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    try:
        if len(text) > _MAX_PATTERN:
            raise BadDefinition(f"A pattern has at most {_MAX_PATTERN} characters.")
        return re2.compile(text, options=options)
    except re2.error:
        raise BadDefinition("A pattern is no regular expression, or uses look-around or back references.") from None
