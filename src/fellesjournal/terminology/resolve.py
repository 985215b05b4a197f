"""From what a value set says to which codes it has: a set for each code system, and what could not be looked into.

Nothing is listed for it: "all of a system" stays that, also of one that is not installed. Filters are answered by the
system. Imported value sets are followed once each; one that leads back to itself is refused.
Source: https://hl7.org/fhir/R4/valueset.html#compositions
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_
from typing import Final, NamedTuple, Protocol

from fellesjournal.terminology.codes import ALL, NONE, Codes, some
from fellesjournal.terminology.errors import BadDefinition, NotInstalled, TooCostly
from fellesjournal.terminology.filters import HIERARCHY
from fellesjournal.terminology.held import Held
from fellesjournal.terminology.system import System
from fellesjournal.terminology.value_set import Definition, Include, Named, implicit, whole

MAX_DEPTH: Final = 20
MAX_CODES: Final = 200_000
"""Codes that one value set may name, after its filters were looked at."""
MAX_WORK: Final = 3_000_000
"""Codes that may be looked at for one value set, each as often as it is; looked at by a filter each counts as five."""
_FILTERED: Final = 5
_BREATH: Final = 100_000
ANY_SYSTEM: Final = "*"


class Library(Protocol):
    """Where value sets and code systems are found."""

    async def value_set(self, canonical: str) -> Definition | None:
        """A value set; None when it is not here."""

    async def system(self, url: str, version: str) -> System | None:
        """A code system, in a version or ('') the one that is preferred; None when it is not here."""

    async def system_of(self, value_set: str) -> str | None:
        """The code system that names a value set as the one of all its codes."""


class Key(NamedTuple):
    """A code system in a version; '' when nobody knows which."""

    url: str
    version: str


class Missing(NamedTuple):
    """What could not be looked into: codes of `system` (`*`: of any) may be in, or out when it was excluded."""

    canonical: str
    system: str
    is_excluded: bool = False
    is_partly: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """What a value set has of one code system; `named` are codes with texts of the value set's own."""

    key: Key
    system: System | None
    codes: Codes
    named: dict[str, Named]
    lowered: frozenset[str] | None = None
    """The codes in lower case, of a system for which case is nothing."""

    def has(self, code: str) -> bool:
        """Whether a code is in the set, as far as the set tells: of "all of the system" any code is."""
        if self.lowered is None:
            return code in self.codes
        return (code.lower() in self.lowered) != self.codes.is_rest


@dataclass(frozen=True, slots=True)
class Resolved:
    """The codes of a value set."""

    definition: Definition
    parts: tuple[Part, ...]
    missing: tuple[Missing, ...] = ()
    shelves: dict[Key, Held] = field(default_factory=dict, compare=False)
    """What is kept of it to be listed: `expansion` fills it in."""

    @property
    def weight(self) -> int:
        """How many codes are named in it."""
        return sum(len(part.codes.named) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions of code systems that whoever asks prefers, or demands."""

    preferred: tuple[Key, ...] = ()
    forced: tuple[Key, ...] = ()
    excluded: frozenset[str] = frozenset()

    def of(self, url: str, version: str) -> str:
        """The version to use."""
        forced = next((key.version for key in self.forced if key.url == url), "")
        return forced or version or next((key.version for key in self.preferred if key.url == url), "")


PLAIN: Final = Versions()


async def find(library: Library, canonical: str) -> Definition:
    """The value set of a canonical, one that a code system implies too.

    Raises NotInstalled, BadDefinition, TooCostly.
    """
    found = await library.value_set(canonical)
    if found is not None:
        return found
    url, _, version = canonical.partition("|")
    implied = implicit(url)
    if implied is not None:
        return whole(implied[0], url=url, version=version, tests=implied[1])
    system = await library.system_of(url)
    if system is not None:
        return whole(system, url=url, version=version)
    raise NotInstalled(f"The value set {canonical} is not installed.")


async def resolve(library: Library, definition: Definition, *, versions: Versions = PLAIN) -> Resolved:
    """The codes of a value set. Raises BadDefinition, TooCostly."""
    work = _Work(library, versions)
    found = await work.whole(definition, (f"{definition.url}|{definition.version}",))
    parts = tuple(
        _part(key, work.systems.get(key), codes, found.named.get(key, {}))
        for key, codes in found.sets.items() if codes and key.url not in versions.excluded
    )  # fmt: skip
    return Resolved(definition, parts, tuple(dict.fromkeys(found.missing)))


def _part(key: Key, system: System | None, codes: Codes, named: dict[str, Named]) -> Part:
    is_cased = system is None or system.head.is_case_sensitive
    return Part(key, system, codes, named, None if is_cased else frozenset(code.lower() for code in codes.named))


@dataclass
class _Found:
    """Sets by code system, on their way."""

    sets: dict[Key, Codes] = field(default_factory=dict)
    named: dict[Key, dict[str, Named]] = field(default_factory=dict)
    missing: list[Missing] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many codes are named in it."""
        return sum(len(codes.named) for codes in self.sets.values())

    def add(self, other: _Found) -> None:
        """Take in what another has."""
        for key, codes in other.sets.items():
            self.sets[key] = self._together(key, codes)
        for key, named in other.named.items():
            own = self.named.setdefault(key, {})
            own.update((code, one) for code, one in named.items() if code not in own)
        self.missing += other.missing
        if self.size > MAX_CODES:
            raise TooCostly(f"A value set has at most {MAX_CODES} codes that are named one by one.")

    def _together(self, key: Key, codes: Codes) -> Codes:
        own = self.sets.get(key)
        if own is None:
            return Codes(dict(codes.named), is_rest=codes.is_rest)
        if own.is_rest or codes.is_rest:
            return own | codes
        # It is nobody else's: a union made anew for each of a thousand includes would be slow.
        own.named.update(codes.named)
        return own

    def keep(self, other: _Found) -> None:
        """Keep what another has too; of a system in any version."""
        self.sets = {key: codes & other.of(key.url) for key, codes in self.sets.items()}
        for key, named in other.named.items():
            for own in self.sets:
                if own.url == key.url:
                    self.named[own] = {**named, **self.named.get(own, {})}
        self.missing += other.missing

    def drop(self, other: _Found) -> None:
        """Leave out what another has."""
        self.sets = {key: codes - other.of(key.url) for key, codes in self.sets.items()}
        self.missing += [one._replace(is_excluded=True) for one in other.missing]

    def of(self, url: str) -> Codes:
        """What is there of a system, in any version."""
        found = [codes for key, codes in self.sets.items() if key.url == url]
        return reduce(or_, found) if found else NONE


class _Work:
    """One value set being resolved."""

    def __init__(self, library: Library, versions: Versions) -> None:
        self._library, self._versions = library, versions
        self._left = MAX_WORK
        self._imported: dict[str, _Found] = {}
        self.systems: dict[Key, System] = {}

    async def whole(self, definition: Definition, way: tuple[str, ...]) -> _Found:
        """All of a value set; its own expansion where the rest is not here."""
        if len(way) > MAX_DEPTH:
            raise TooCostly(f"Value sets import each other deeper than {MAX_DEPTH} times.")
        found = await self._composed(definition, way)
        if definition.expanded is None or not any(not one.is_partly for one in found.missing):
            return found
        return await self._composed(replace(definition, includes=definition.expanded, excludes=()), way)

    async def _composed(self, definition: Definition, way: tuple[str, ...]) -> _Found:
        found = _Found()
        for include in definition.includes:
            more = await self._included(include, way)
            await self._spend(more.size)
            found.add(more)
        for exclude in definition.excludes:
            less = await self._included(exclude, way)
            await self._spend(found.size + less.size)
            found.drop(less)
        return found

    async def _included(self, include: Include, way: tuple[str, ...]) -> _Found:
        found = await self._own(include) if include.system else None
        for canonical in include.value_sets:
            other = await self._import(canonical, way)
            await self._spend(other.size + (found.size if found else 0))
            if found is None:
                found = _Found(dict(other.sets), {key: dict(one) for key, one in other.named.items()}, [*other.missing])
            else:
                found.keep(other)
        return found or _Found()

    async def _own(self, include: Include) -> _Found:
        """What an include has of its own system, before value sets are looked at."""
        key, system = await self._system(include.system, include.version)
        if include.named:
            listed = await _spelled(include.named, system)
            named = {one.code: one for one in listed if one.display or one.designations}
            return _Found({key: some(one.code for one in listed)}, {key: named})
        found = _Found({key: ALL})
        missing = Missing(_canonical(include), include.system, is_partly=system is not None and system.is_listed)
        if include.tests:
            if system is None or not system.is_listed:
                return _Found({key: NONE}, missing=[missing])
            for test in include.tests:
                await self._spend(0 if test.op in HIERARCHY else _FILTERED * system.head.count)
                found.sets[key] &= await system.pick(test)
                await self._spend(found.size)
        if system is None or not system.head.is_whole:
            found.missing.append(missing)
        return found

    async def _spend(self, codes: int) -> None:
        """Count work before it is done, and let others have their turn. Raises TooCostly."""
        before, self._left = self._left, self._left - codes - 1
        if self._left < 0:
            raise TooCostly("The value set takes too much work to be put together.")
        if before // _BREATH != self._left // _BREATH:
            await asyncio.sleep(0)

    async def _import(self, canonical: str, way: tuple[str, ...]) -> _Found:
        if canonical in self._imported:
            return self._imported[canonical]
        try:
            definition = await find(self._library, canonical)
        except NotInstalled:
            return _Found(missing=[Missing(canonical, ANY_SYSTEM)])
        name = f"{definition.url}|{definition.version}"
        if name in way:
            raise BadDefinition("The value set imports itself.")
        found = await self.whole(definition, (*way, name))
        self._imported[canonical] = found
        return found

    async def _system(self, url: str, version: str) -> tuple[Key, System | None]:
        wanted = self._versions.of(url, version)
        system = await self._library.system(url, wanted)
        key = Key(url, system.head.version if system else wanted)
        if system is not None:
            self.systems[key] = system
        return key, system


async def _spelled(named: Sequence[Named], system: System | None) -> Sequence[Named]:
    """The same codes as their system spells them, where upper and lower case are one."""
    if system is None or system.head.is_case_sensitive:
        return named
    known = await system.concepts([one.code for one in named])
    return [replace(one, code=known[one.code].code) if one.code in known else one for one in named]


def _canonical(include: Include) -> str:
    return f"{include.system}|{include.version}" if include.version else include.system
