"""The filters of a value set that look at a property: one value or several, a pattern, whether there is one.

A property without a value passes `not-in`, and `exists` of `false`; a pattern must match the whole value.
Source: https://hl7.org/fhir/R4/valueset-filter-operator.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

import re2

from fellesjournal.terminology.concept import Concept
from fellesjournal.terminology.errors import BadDefinition
from fellesjournal.terminology.value_set import Filter

HIERARCHY: Final = frozenset({"is-a", "descendent-of", "is-not-a", "generalizes"})
INACTIVE_ONES: Final = Filter("inactive", "=", "true")
ALWAYS: Final = {"concept": "code", "code": "code", "display": "display", "definition": "definition"}
"""Properties that every concept has, and what each is in a `Concept` and in its table."""
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


def predicate(test: Filter, *, is_cased: bool = True) -> Callable[[Sequence[str]], bool]:
    """Whether values of the property pass a filter that is not about the hierarchy.

    Codes are compared as their system compares them (`is_cased`), all else as it is written.
    """
    if test.op == "exists":
        wanted = test.value == "true"
        return lambda values: bool(values) == wanted
    if test.op == "regex":
        fits = pattern(test.value).fullmatch
        return lambda values: any(fits(value) is not None for value in values)
    named, is_in = {test.value} if test.op == "=" else set(listed(test.value)), test.op != "not-in"
    if not is_cased and test.property in _ON_CODES:
        lowered = {value.lower() for value in named}
        return lambda values: any(value.lower() in lowered for value in values) == is_in
    return lambda values: any(value in named for value in values) == is_in


def is_of_active(test: Filter) -> bool:
    """Whether a filter asks for the concepts that are not inactive, most of which have no property that says so."""
    return test == Filter("inactive", "=", "false")


def values_of(concept: Concept, property: str) -> list[str]:
    """The values of a property as filters write them, all but relatives; some things every concept has."""
    if property in ALWAYS:
        own: str = getattr(concept, ALWAYS[property])
        return [own] if own else []
    if property == "inactive" and concept.is_inactive:
        return ["true"]
    return [one.text for one in concept.properties if one.code == property]


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
