"""Codes that follow a rule instead of standing in a list: media types (RFC 6838), language tags (RFC 5646), currencies.

R4 requires them by value sets that nobody could spell out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Final

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
