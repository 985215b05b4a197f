"""A document: a Composition, and all that it refers to, near and far, as far as the reader may see it.

Source: https://hl7.org/fhir/R4/documents.html, composition-operation-document.html
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fellesjournal import fhir
from fellesjournal.record.errors import TooCostly
from fellesjournal.record.journal import Journal
from fellesjournal.record.lookup import Stored

MAX_RESOURCES: Final = 1000

Version = tuple[str, str, int]

_REFERENCE: Final = re.compile(
    r'"reference":"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/([0-9]{1,9}))?["#]'
)
"""References in compact JSON: a quote inside a text has a backslash before it."""


@dataclass(frozen=True, slots=True)
class Document:
    """A Composition and what it refers to, nearest first, each once. Not whole: something was hidden or absent."""

    resources: list[Stored]
    is_whole: bool


async def document_of(journal: Journal, id: str) -> Document:
    """The document of a Composition, as far as the reader may see it.

    Raises NotFound, Gone, SessionOver, and TooCostly for more than MAX_RESOURCES.
    """
    composition = await journal.read("Composition", id)
    seen: set[Version] = {("Composition", composition.id, 0), ("Composition", composition.own_id, 0)}
    found, last, is_whole = [composition], [composition], True
    shown = {(composition.key, composition.version)}
    while last:
        wanted = [one for one in dict.fromkeys(_named(last)) if one not in seen]
        seen.update(wanted)
        if len(seen) > MAX_RESOURCES:
            raise TooCostly(f"The document refers to more than {MAX_RESOURCES} resources.")
        last, near = [], await journal.read_all(wanted)
        is_whole = is_whole and len(near) == len(wanted)
        for stored in near:
            # By its own id, by a chosen one and by its version's number the same resource is there once.
            if (stored.key, stored.version) not in shown:
                shown.add((stored.key, stored.version))
                last.append(stored)
        found += last
    return Document(found, is_whole)


def _named(resources: list[Stored]) -> Iterator[Version]:
    for stored in resources:
        for rtype, id_, version in _REFERENCE.findall(stored.body):
            if rtype in fhir.TYPE_NUMBER:
                yield rtype, id_, int(version or 0)
