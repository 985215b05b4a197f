"""Code systems that are a grammar: their codes can be checked, never listed.

UCUM (https://ucum.org/ucum), language tags (RFC 5646), media types (RFC 6838).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from fellesjournal.fhir import is_language, is_media_type, is_unit
from fellesjournal.terminology.concept import Concept, Head
from fellesjournal.terminology.errors import UnknownCode
from fellesjournal.terminology.held import Held
from fellesjournal.terminology.system import Relation

UCUM: Final = "http://unitsofmeasure.org"
LANGUAGES: Final = "urn:ietf:bcp:47"
MEDIA_TYPES: Final = "urn:ietf:bcp:13"


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
        return {code: Concept(0, code) for code in codes if self._is_code(code)}

    async def relation(self, one: str, other: str) -> Relation:
        """Equal, or unrelated. Raises UnknownCode."""
        if len(await self.concepts({one, other})) < len({one, other}):
            raise UnknownCode("The code system has no such code.")
        return "equivalent" if one == other else "not-subsumed"


RULED: Final = {
    system.head.url: system
    for system in (
        Ruled(UCUM, "UCUM", is_unit),
        Ruled(LANGUAGES, "BCP 47", is_language),
        Ruled(MEDIA_TYPES, "BCP 13", is_media_type),
    )
}
