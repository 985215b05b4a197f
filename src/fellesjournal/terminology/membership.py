"""The codes of a value set for whoever compares codes without asking again: named one by one, or all of a system."""

from __future__ import annotations

from fellesjournal.terminology.codes import ALL
from fellesjournal.terminology.errors import NotEnumerable, NotInstalled, TooCostly
from fellesjournal.terminology.resolve import Library, Part, Resolved
from fellesjournal.terminology.system import System, Wish
from fellesjournal.terminology.value_set import Filter

Token = tuple[str, str]
"""(code system, code); '' for its code is every code of the system."""


async def tokens_of(resolved: Resolved, *, at_most: int) -> list[Token]:
    """The codes of a value set, none twice. "All of a system" stays that, of one that is not installed too.

    Raises NotInstalled when nobody here could tell all of them, TooCostly for more than `at_most`, NotEnumerable.
    """
    whole = {part.key.url for part in resolved.parts if _is_whole(part, resolved)}
    lacking = [one.canonical for one in resolved.missing if one.is_excluded or one.system not in whole]
    if lacking:
        names = ", ".join(dict.fromkeys(lacking))
        raise NotInstalled(f"The value set can't be told as a whole; not installed, or only in part: {names}.")
    found = dict.fromkeys((url, "") for url in whole)
    for part in resolved.parts:
        if part.key.url not in whole:
            codes = await _codes(part, at_most, is_active_only=resolved.definition.is_active_only)
            found.update(dict.fromkeys((part.key.url, code) for code in codes))
        if len(found) > at_most:
            raise _too_many(at_most)
    return list(found)


async def every_code(library: Library, url: str, *, at_most: int) -> list[str]:
    """Every code of a system. Raises NotInstalled, NotEnumerable, TooCostly."""
    system = await library.system(url, "")
    if system is None:
        raise NotInstalled(f"The code system {url} is not installed.")
    return await _listed(system, Wish(ALL), at_most)


async def relatives(library: Library, url: str, code: str, *, is_above: bool, at_most: int) -> list[str]:
    """A code and all below it, or all above it. Raises NotInstalled, BadDefinition (no such code), TooCostly."""
    system = await library.system(url, "")
    if system is None or not system.is_listed or not system.head.is_whole:
        raise NotInstalled(f"The code system {url} is not installed, or only in part.")
    found = await system.pick(Filter("concept", "generalizes" if is_above else "is-a", code))
    if len(found.named) > at_most:
        raise _too_many(at_most)
    return list(found.named)


def _is_whole(part: Part, resolved: Resolved) -> bool:
    """Whether a part is every code of its system; of one whose inactive codes are left out it is not."""
    head = part.system.head if part.system else None
    has_hidden = resolved.definition.is_active_only and head is not None and head.inactive > 0
    return part.codes == ALL and not has_hidden


async def _codes(part: Part, at_most: int, *, is_active_only: bool) -> list[str]:
    if part.codes.is_rest:
        if part.system is None:
            raise NotInstalled(f"The code system {part.key.url} is not installed.")
        return await _listed(part.system, Wish(part.codes, is_active_only), at_most)
    named = list(part.codes.named)
    if len(named) > at_most:
        raise _too_many(at_most)
    if not (is_active_only and part.system and part.system.head.inactive):
        return named
    known = await part.system.concepts(named)
    return [code for code in named if not (code in known and known[code].is_inactive)]


async def _listed(system: System, wish: Wish, at_most: int) -> list[str]:
    if not system.is_listed:
        raise NotEnumerable(f"The codes of {system.head.url} have no end, or are not here.")
    found = await system.page(wish, offset=0, limit=at_most + 1)
    if len(found) > at_most:
        raise _too_many(at_most)
    return [concept.code for concept in found]


def _too_many(at_most: int) -> TooCostly:
    return TooCostly(f"There are more than {at_most} codes in it.")
