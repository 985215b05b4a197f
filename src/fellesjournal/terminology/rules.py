"""Code systems that are a grammar: their codes can be checked, never listed.

UCUM (https://ucum.org/ucum), language tags (RFC 5646), media types (RFC 6838).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Final

from fellesjournal.fhir import is_unit
from fellesjournal.terminology.concept import Concept, Head
from fellesjournal.terminology.errors import UnknownCode
from fellesjournal.terminology.held import Held
from fellesjournal.terminology.system import Relation

UCUM: Final = "http://unitsofmeasure.org"
LANGUAGES: Final = "urn:ietf:bcp:47"
MEDIA_TYPES: Final = "urn:ietf:bcp:13"

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


class Ruled(Held):
    """A code system whose codes follow a rule. What the rule knows is the whole of it, though none of it is listed."""

    def __init__(self, url: str, name: str, is_code: Callable[[str], bool]) -> None:
        super().__init__(Head(url, name=name, title=name), ())
        self._is_code = is_code

    @property
    def is_listed(self) -> bool:
        """Its codes have no end."""
        return False

    async def concepts(self, codes: Collection[str]) -> dict[str, Concept]:
        """Those of these codes that follow the rule; they have no text."""
        return {code: Concept(0, code) for code in codes if len(code) <= _MAX_LENGTH and self._is_code(code)}

    async def relation(self, one: str, other: str) -> Relation:
        """Equal, or unrelated. Raises UnknownCode."""
        if len(await self.concepts({one, other})) < len({one, other}):
            raise UnknownCode("The code system has no such code.")
        return "equivalent" if one == other else "not-subsumed"


RULED: Final = {
    system.head.url: system
    for system in (
        Ruled(UCUM, "UCUM", is_unit),
        Ruled(LANGUAGES, "BCP 47", lambda code: _language(code) is not None),
        Ruled(MEDIA_TYPES, "BCP 13", lambda code: _media(code) is not None),
    )
}
