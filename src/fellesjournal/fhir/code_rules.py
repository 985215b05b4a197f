"""Codes that follow a rule instead of standing in a list: media types (RFC 6838), language tags (RFC 5646), currencies,
units (UCUM).

R4 requires them by value sets that nobody could spell out, or lets what it recommends go no further (maxValueSet).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, Final

from babel import Locale

_MAX_LENGTH: Final = 200
_language = re.compile(
    r"(?:[A-Za-z]{2,3}(?:-[A-Za-z]{3}){0,3}|[A-Za-z]{4,8})"  # the language, with extended subtags
    r"(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|\d{3}))?"  # script, region
    r"(?:-(?:[A-Za-z0-9]{5,8}|\d[A-Za-z0-9]{3}))*"  # variants
    r"(?:-[0-9A-WY-Za-wy-z](?:-[A-Za-z0-9]{2,8})+)*"  # extensions
    r"(?:-[xX](?:-[A-Za-z0-9]{1,8})+)?"
    r"|[xX](?:-[A-Za-z0-9]{1,8})+"
).fullmatch
_media = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
    r"(?:\s*;\s*[A-Za-z0-9!#$&^_.+-]+=(?:[^\s;\"]+|\"[^\"]*\"))*"
).fullmatch


def is_language(code: str) -> bool:
    """Tell whether a text is a language tag."""
    return len(code) <= _MAX_LENGTH and _language(code) is not None


def is_media_type(code: str) -> bool:
    """Tell whether a text is a media type, with parameters or without."""
    return len(code) <= _MAX_LENGTH and _media(code) is not None


def is_currency(code: str) -> bool:
    """Tell whether a text is a code of ISO 4217, of today or of old: what was paid stays in the record."""
    return code in _currencies()


@cache
def _currencies() -> frozenset[str]:
    return frozenset(Locale("en").currencies)


RULES: Final[dict[str, Callable[[str], bool]]] = {
    "http://hl7.org/fhir/ValueSet/mimetypes": is_media_type,
    "http://www.rfc-editor.org/bcp/bcp13.txt": is_media_type,
    "http://hl7.org/fhir/ValueSet/all-languages": is_language,
    "http://hl7.org/fhir/ValueSet/currencies": is_currency,
}
"""Value sets whose codes follow a rule."""

_LANGUAGE: Final = "urn:ietf:bcp:47"
_UCUM: Final = "http://unitsofmeasure.org"
_LANGUAGES: Final = "http://hl7.org/fhir/ValueSet/all-languages"
_UNITS: Final = "http://hl7.org/fhir/ValueSet/ucum-units"
_TIMES: Final = "http://hl7.org/fhir/ValueSet/all-time-units"
_DISTANCES: Final = "http://hl7.org/fhir/ValueSet/all-distance-units"
_IN_LANGUAGES: Final = frozenset({
    "ClaimResponse.processNote.language", "ExplanationOfBenefit.processNote.language",
    "HealthcareService.communication", "Patient.communication.language", "Practitioner.communication",
    "RelatedPerson.communication.language",
})  # fmt: skip
_OF_TYPE: Final = {"Age": _TIMES, "Duration": _TIMES, "Distance": _DISTANCES}


def limit_of(path: str, *, type_name: str, binding: str | None) -> str | None:
    """Return the value set that a concept or a quantity at a path may not go beyond; None where there is none."""
    if type_name == "CodeableConcept":
        return _LANGUAGES if path in _IN_LANGUAGES else _UNITS if binding == _UNITS else None
    return _OF_TYPE.get(type_name)


def _is_in_language(value: Any) -> bool:
    codings = value.get("coding")
    return not codings or any(c.get("system") == _LANGUAGE and is_language(c.get("code", "")) for c in codings)


def _is_in_units(value: Any) -> bool:
    return any(c.get("system") == _UCUM and _dimensions(c.get("code", "")) is not None for c in value.get("coding", ()))


def _is_of(dimension: str) -> Callable[[Any], bool]:
    def holds(value: Any) -> bool:
        return "code" not in value or _dimensions(value["code"]) == ((dimension, 1),)

    return holds


@lru_cache(maxsize=2048)
def _dimensions(code: str) -> tuple[tuple[str, int], ...] | None:
    # The grammar of units stands on the structures, which stand on these rules.
    from fellesjournal.fhir.fhirpath.ucum import is_unit, unit

    return unit(code).dimensions if is_unit(code) else None


LIMITS: Final[dict[str, Callable[[Any], bool]]] = {
    _LANGUAGES: _is_in_language, _UNITS: _is_in_units, _TIMES: _is_of("s"), _DISTANCES: _is_of("m"),
}  # fmt: skip
"""What a concept or a quantity, whose structure is sound, must fulfil to be within a value set."""
