"""The formats of R4's primitive types, as tests that are linear in the length of the value.

Every test takes any value and may raise TypeError for one that is no string; callers treat that as a refusal.
The official expressions are kept where they are safe; those that backtrack are rewritten.
Control characters are refused everywhere: R4 forbids them, and the database cannot hold NUL.
Source: https://hl7.org/fhir/R4/datatypes.html#primitive
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from fellesjournal.fhir.narrative import is_narrative

Check = Callable[[Any], object]

_MAX_INT: Final = 2**31 - 1
_MAX_DECIMAL: Final = 10**100
_YEAR = r"(?!0000)[0-9]{4}"
_LEAP_YEAR = r"(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?!0000)(?:[02468][048]|[13579][26])00)"
_DAY = (
    rf"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    rf"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|{_LEAP_YEAR}-02-29)"
)
_MONTH = rf"{_YEAR}-(?:0[1-9]|1[0-2])"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]{1,18})?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_MOMENT = rf"{_DAY}T{_CLOCK}{_ZONE}"

_text = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f]+").fullmatch


def is_text(value: Any) -> object:
    """Test a string: not empty, no control characters but tab and line breaks."""
    return type(value) is str and value and (value.isprintable() or _text(value))


def is_boolean(value: Any) -> bool:
    """Test a JSON boolean."""
    return value is True or value is False


def is_integer(value: Any) -> bool:
    """Test a 32-bit integer."""
    return type(value) is int and -_MAX_INT - 1 <= value <= _MAX_INT


def is_unsigned(value: Any) -> bool:
    """Test an integer from 0."""
    return type(value) is int and 0 <= value <= _MAX_INT


def is_positive(value: Any) -> bool:
    """Test an integer from 1."""
    return type(value) is int and 1 <= value <= _MAX_INT


def is_decimal(value: Any) -> bool:
    """Test a number: int or Decimal (a float has already lost its precision), of a size that can be
    computed with.
    """
    if type(value) is int:
        return -_MAX_DECIMAL < value < _MAX_DECIMAL
    return isinstance(value, Decimal) and value.is_finite() and _is_sane(value)


def is_base64(value: Any) -> bool:
    """Test base64, with or without white space in it."""
    try:
        return bool(value) and (_decodes(value) or _decodes("".join(value.split())))
    except (TypeError, AttributeError):
        return False


def _is_sane(value: Decimal) -> bool:
    exponent = value.as_tuple().exponent
    return -100 <= value.adjusted() <= 100 and isinstance(exponent, int) and exponent >= -200


def _decodes(value: str) -> bool:
    try:
        return binascii.a2b_base64(value, strict_mode=True) is not None and len(value) % 4 == 0
    except ValueError:
        return False


CHECKS: Final[dict[str, Check]] = {
    "string": is_text,
    "markdown": is_text,
    "xhtml": is_narrative,
    "boolean": is_boolean,
    "integer": is_integer,
    "unsignedInt": is_unsigned,
    "positiveInt": is_positive,
    "decimal": is_decimal,
    "base64Binary": is_base64,
    "code": re.compile(r"[^\s\x00-\x1f]+(?:[ \t\r\n][^\s\x00-\x1f]+)*").fullmatch,
    "id": re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch,
    "uri": re.compile(r"[^\s\x00-\x1f]+").fullmatch,
    "url": re.compile(r"[^\s\x00-\x1f]+").fullmatch,
    "canonical": re.compile(r"[^\s\x00-\x1f]+").fullmatch,
    "oid": re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+").fullmatch,
    "uuid": re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch,
    "date": re.compile(rf"{_DAY}|{_MONTH}|{_YEAR}").fullmatch,
    "dateTime": re.compile(rf"{_MOMENT}|{_DAY}|{_MONTH}|{_YEAR}").fullmatch,
    "instant": re.compile(_MOMENT).fullmatch,
    "time": re.compile(_CLOCK).fullmatch,
}

EXPECTED: Final[dict[str, str]] = {
    "string": "a string that is not empty and has no control characters",
    "markdown": "a string that is not empty and has no control characters",
    "xhtml": (
        "one XHTML <div> that is not empty, with formatting only: no scripts, events or own entities (txt-1, txt-2)"
    ),
    "boolean": "true or false",
    "integer": "a whole number of 32 bits",
    "unsignedInt": "a whole number from 0 to 2147483647",
    "positiveInt": "a whole number from 1 to 2147483647",
    "decimal": "a decimal number",
    "base64Binary": "base64 text",
    "code": "a code: no leading, trailing or double white space",
    "id": "1 to 64 of the characters A-Z, a-z, 0-9, '-' and '.'",
    "uri": "a URI: not empty, no white space",
    "url": "a URL: not empty, no white space",
    "canonical": "a canonical URL: not empty, no white space",
    "oid": "an OID as urn:oid:…",
    "uuid": "a UUID as urn:uuid:…, in lower case",
    "date": "a real date as YYYY, YYYY-MM or YYYY-MM-DD",
    "dateTime": "a real date as YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with a zone",
    "instant": "a real moment as YYYY-MM-DDThh:mm:ss with a zone",
    "time": "a time of day as hh:mm:ss",
}
