"""$expand: the codes of a value set that are to be shown, page by page or as somebody types.

Without a filter codes stand in the order of the value set and its systems, with one in the order of how well they
answer. Source: https://hl7.org/fhir/R4/valueset-operation-expand.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from fellesjournal.terminology.codes import ALL
from fellesjournal.terminology.concept import Concept, Designation, Head
from fellesjournal.terminology.errors import NotEnumerable, TooCostly
from fellesjournal.terminology.held import Held
from fellesjournal.terminology.language import Languages, display
from fellesjournal.terminology.resolve import Key, Part, Resolved
from fellesjournal.terminology.stored import Stored, search_stored
from fellesjournal.terminology.system import Hit, System, Wish
from fellesjournal.terminology.value_set import Named
from fellesjournal.terminology.words import Typed, typed

Json = dict[str, Any]

MAX_PAGE: Final = 10_000
"""Codes that one answer holds."""
MAX_SHELF: Final = 2_000
"""Up to so many codes that a value set names of a system are kept in memory, and searched there."""
MAX_COUNTED: Final = 1_000
"""Matches of a filter that are counted; of more nobody is told how many there are."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What of a value set is to be shown, and how. `count` None: all of it."""

    filter: str = ""
    offset: int = 0
    count: int | None = None
    languages: Languages = ()
    is_active_only: bool = False
    is_selectable_only: bool = False
    has_designations: bool = False
    is_nested: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """One code of an expansion. `place` tells its parents within one system."""

    system: str
    version: str
    display: str
    concept: Concept
    part: int


@dataclass(frozen=True, slots=True)
class Expansion:
    """A page of codes. `total` None: there are more than were counted."""

    shown: list[Shown]
    total: int | None
    partly: list[str] = field(default_factory=list)
    """Canonicals of systems of which only a part is known."""


async def expand(resolved: Resolved, ask: Ask) -> Expansion:
    """A page of a value set. Raises NotEnumerable, TooCostly."""
    _check(resolved)
    asked = typed(ask.filter) if ask.filter else None
    if ask.filter and asked is None:
        return Expansion([], 0)
    parts = [await _open(n, part, resolved, ask) for n, part in enumerate(resolved.parts)]
    found, total = await (_searched(parts, asked, ask) if asked else _listed(parts, ask))
    partly = [one.canonical for one in resolved.missing if one.is_partly and not one.is_excluded]
    return Expansion(await _shown(parts, found, ask), total, partly)


@dataclass(frozen=True, slots=True)
class _Open:
    """A part of a value set, with where its concepts are to be had, and which of them."""

    n: int
    key: Key
    system: System
    wish: Wish


def _check(resolved: Resolved) -> None:
    """Refuse what nobody here could list."""
    lacking = [one.canonical for one in resolved.missing if not one.is_partly]
    endless = [part for part in resolved.parts if part.codes.is_rest and not (part.system and part.system.is_listed)]
    lacking += [part.key.url for part in endless]
    if lacking:
        names = ", ".join(dict.fromkeys(lacking))
        raise NotEnumerable(f"The value set can't be listed; not installed, without codes, or without end: {names}.")


async def _open(n: int, part: Part, resolved: Resolved, ask: Ask) -> _Open:
    """Where a part's concepts are: few that are named stand in memory, with the value set's own texts."""
    system, among = part.system, part.codes
    if system is None or not (among.is_rest or (len(among.named) > MAX_SHELF and not part.named)):
        system, among = resolved.shelves.get(part.key), ALL
        if system is None:
            system = resolved.shelves[part.key] = await _shelf(part)
    is_active_only = ask.is_active_only or resolved.definition.is_active_only
    return _Open(n, part.key, system, Wish(among, is_active_only, ask.is_selectable_only))


async def _shelf(part: Part) -> Held:
    known = await part.system.concepts(part.codes.named) if part.system else {}
    head = part.system.head if part.system else Head(part.key.url, part.key.version)
    # Places of what the system doesn't know come after all that it has.
    unknown = head.count + max((one.n for one in known.values()), default=0) + 1
    concepts = [
        _with_texts(known.get(code) or Concept(unknown + n, code), part.named.get(code), head)
        for n, code in enumerate(part.codes.named)
    ]
    return Held(head, concepts)


def _with_texts(concept: Concept, named: Named | None, head: Head) -> Concept:
    """A concept with the texts that a value set has for it; the system's own display becomes a designation."""
    if named is None:
        return concept
    own = named.display or concept.display
    moved = (Designation(concept.display, head.language),) if concept.display not in ("", own) else ()
    return replace(concept, display=own, designations=(*named.designations, *moved, *concept.designations))


async def _listed(parts: Sequence[_Open], ask: Ask) -> tuple[list[tuple[int, Concept]], int]:
    counts = [await one.system.count(one.wish) for one in parts]
    total = sum(counts)
    limit = min(ask.count if ask.count is not None else total, MAX_PAGE)
    if ask.count is None and total - ask.offset > MAX_PAGE:
        raise TooCostly(f"The value set has {total} codes; ask with a filter, or for at most {MAX_PAGE} by count.")
    found: list[tuple[int, Concept]] = []
    start = 0
    for one, size in zip(parts, counts, strict=True):
        offset = max(ask.offset - start, 0)
        wanted = limit - len(found)
        if wanted > 0 and offset < size:
            found += [(one.n, concept) for concept in await one.system.page(one.wish, offset=offset, limit=wanted)]
        start += size
    return found, total


async def _searched(parts: Sequence[_Open], asked: Typed, ask: Ask) -> tuple[list[tuple[int, Concept]], int | None]:
    limit = min(ask.offset + (ask.count if ask.count is not None else MAX_PAGE), MAX_PAGE)
    if ask.offset > limit:
        raise TooCostly(f"A filter finds at most {MAX_PAGE} codes; type more letters.")
    wanted = max(limit, MAX_COUNTED if ask.count == 0 else 0) + 1
    hits = await _hits(parts, asked, wanted)
    total = len(hits) if len(hits) < wanted else None
    return [(n, hit.concept) for n, hit in hits[ask.offset : limit]], total


async def _hits(parts: Sequence[_Open], asked: Typed, limit: int) -> list[tuple[int, Hit]]:
    """The best of all parts; those in the database are asked in one call."""
    stored = [(one, one.system) for one in parts if isinstance(one.system, Stored)]
    places = [(system, one.wish) for one, system in stored]
    hits = [(stored[place][0].n, hit) for place, hit in await search_stored(places, asked, limit=limit)]
    for one in parts:
        if not isinstance(one.system, Stored):
            hits += [(one.n, hit) for hit in await one.system.search(one.wish, asked, limit=limit)]
    hits.sort(key=lambda one: (one[1].rank, one[1].key, one[0], one[1].concept.n))
    return hits[:limit]


async def _shown(parts: Sequence[_Open], found: list[tuple[int, Concept]], ask: Ask) -> list[Shown]:
    by_part: dict[int, list[Concept]] = {}
    for n, concept in found:
        by_part.setdefault(n, []).append(concept)
    texts: dict[tuple[int, int], Concept] = {}
    for n, concepts in by_part.items():
        if ask.has_designations or not _speaks(parts[n].system.head, ask.languages):
            concepts = await parts[n].system.described(concepts)
        texts.update(((n, one.n), one) for one in concepts)
    return [_one(parts[n], texts[n, concept.n], ask) for n, concept in found]


def _speaks(head: Head, languages: Languages) -> bool:
    """Whether a system's own displays are what is wished for."""
    return not languages or head.language.lower() == languages[0]


def _one(part: _Open, concept: Concept, ask: Ask) -> Shown:
    head = part.system.head
    text = display(concept.display, concept.designations, own=head.language, languages=ask.languages)
    return Shown(part.key.url, part.key.version, text, concept, part.n)
