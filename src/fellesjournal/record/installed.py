"""Installed definitions as resources: read by their number and found by their url, by anyone who is signed in.

They are about nobody and stand outside the vault (`packages`): nothing here can lead to what is about somebody.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import msgspec

from fellesjournal import fhir
from fellesjournal.packages import Held, Library
from fellesjournal.record.lookup import Page, Stored
from fellesjournal.record.names import installed_number
from fellesjournal.record.rows import stamp
from fellesjournal.record.search import SearchQuery
from fellesjournal.record.search.model import unescape

_BESIDE: Final = frozenset({"_count", "_total", "_summary", "_elements", "_sort"})
"""What may be asked along: it says nothing of which resources are meant."""


async def read_installed(library: Library, rtype: str, id: str, *, version: int) -> Stored | None:
    """The definition that stands under an id; None for what is none, or not installed (any longer)."""
    number = installed_number(rtype, id)
    held = await library.read(number) if number and version in (0, 1) else None
    return _stored(held) if held and held.rtype == rtype else None


async def with_installed(library: Library, query: SearchQuery, page: Page) -> Page:
    """The page with the installed definitions after all others, when a url alone is asked for, or with a version."""
    pairs = [(name, unescape(value)) for name, value in query.params if name not in _BESIDE]
    asked = dict(pairs)
    if page.next or set(asked) not in ({"url"}, {"url", "version"}) or len(asked) != len(pairs):
        return page
    held = await library.versions(query.rtype, asked["url"], version=asked.get("version"))
    room = max(0, query.count - len(page.matches)) if query.summary != "count" else 0
    total = page.total + len(held) if page.total is not None else None
    return replace(page, matches=[*page.matches, *map(_stored, held[:room])], total=total)


def _stored(held: Held) -> Stored:
    """As it goes out: under our id, with the instant of its installation, the rest as its publisher wrote it."""
    # Only the first level is taken apart: a code system may be megabytes.
    members = msgspec.json.decode(held.body, type=dict[str, msgspec.Raw])
    meta = fhir.parse(bytes(members.get("meta", b"{}"))) | {"versionId": "1", "lastUpdated": stamp(held.installed_at)}
    id = f"pkg-{held.artifact}"  # noqa: A001 - FHIR's word
    body: dict[str, Any] = {"resourceType": held.rtype, "id": id, "meta": meta}
    body |= {key: value for key, value in members.items() if key not in body}
    return Stored(held.rtype, id, 1, held.installed_at, fhir.encode(body).decode())
