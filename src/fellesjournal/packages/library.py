"""How a running process finds an installed definition by its canonical, without a restart after a change.

It asks for the number of the last change at most once a second. Bodies are fetched when they are needed, several in one
query, and kept as bytes within a bound, those used last, until something is installed or removed.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, Final

from fellesjournal import fhir
from fellesjournal.kit.db import Database
from fellesjournal.packages import store
from fellesjournal.packages.store import Held

FRESH_S: Final = 1.0
MAX_CLOSURE: Final = 2_000
_KEPT_BYTES: Final = 24 << 20
_KEPT_NAMES: Final = 20_000
_MAX_CANONICAL: Final = 4_000


class NotLoaded(Exception):
    """A source was asked for what it has not looked for yet: `await source.load([canonical])`, and ask again."""

    def __init__(self, canonical: str) -> None:
        super().__init__(canonical)
        self.canonical = canonical


class Source:
    """Definitions for code that can't wait: `find` answers from memory, and `load` fetches beforehand.

    It holds for one version of the library: when `Library.version` is another one, make a new source. What is loaded is
    kept as bytes within a bound; beyond it all is forgotten, and asked for anew.
    """

    def __init__(self, library: Library, *, version: int) -> None:
        self._library = library
        self._bodies: dict[str, bytes | None] = {}
        self._size = 0
        self.version = version

    def find(self, canonical: str) -> dict[str, Any] | None:
        """The definition, parsed anew; None for what is not installed. Raises NotLoaded."""
        key = _without_place(canonical)
        if key not in self._bodies:
            raise NotLoaded(key)
        body = self._bodies[key]
        return None if body is None else fhir.parse(body)

    def has(self, canonical: str) -> bool:
        """Whether a definition is installed. Raises NotLoaded."""
        key = _without_place(canonical)
        if key not in self._bodies:
            raise NotLoaded(key)
        return self._bodies[key] is not None

    async def load(self, canonicals: Iterable[str]) -> None:
        """Fetch what these canonicals mean, and all that the StructureDefinitions among them stand on: base
        definitions, the profiles of elements' types, and those that references are to fit (R4's own types apart).
        """
        wanted = {_without_place(one) for one in canonicals} - self._bodies.keys()
        if not wanted:
            return
        bodies = await self._library.closure(wanted)
        self._size += sum(len(body) for body in bodies.values() if body)
        if self._size > _KEPT_BYTES or len(self._bodies) + len(bodies) > _KEPT_NAMES:
            self._bodies, self._size = {}, sum(len(body) for body in bodies.values() if body)
        self._bodies.update(bodies)


class Library:
    """The installed definitions as this process knows them."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._asked_at = float("-inf")
        self._version = -1
        self._names: dict[tuple[str, str | None], int | None] = {}
        self._held = _Held()

    async def version(self) -> int:
        """The number of the last change, as it was a second ago or later: whoever keeps what was made of a definition
        makes it anew when this is another one.
        """
        if time.monotonic() - self._asked_at >= FRESH_S:
            asked_at = time.monotonic()
            version = await store.version(self._db)
            if version != self._version:
                self._version, self._names, self._held = version, {}, _Held()
            self._asked_at = asked_at
        return self._version

    async def find(self, canonical: str, rtype: str | None = None) -> dict[str, Any] | None:
        """The definition that a canonical (`url`, `url|version`) means, parsed anew; None when it is not installed.

        Without a version: active before draft before retired, and of these the newest by semantic version; a CodeSystem
        or ValueSet also answers to the URIs among its identifiers, after one that has it for its url.
        """
        return (await self.find_many([canonical], rtype))[canonical]

    async def find_many(self, canonicals: Iterable[str], rtype: str | None = None) -> dict[str, dict[str, Any] | None]:
        """As `find`, for several in two queries at most."""
        wanted = list(dict.fromkeys(canonicals))
        named = await self._resolve(wanted, rtype)
        held = await self._fetch(one for one in named.values() if one is not None)
        return {one: fhir.parse(held[artifact].body) if (artifact := named[one]) in held else None for one in wanted}

    async def read(self, artifact: int) -> Held | None:
        """An artifact by its number; None when it is not installed."""
        await self.version()
        return (await self._fetch([artifact])).get(artifact)

    async def versions(self, rtype: str, url: str, *, version: str | None = None) -> list[Held]:
        """Every installed definition of a type with this url (and version), best first, as `find` chooses."""
        await self.version()
        if not _is_askable(url) or not _is_askable(version or ""):
            return []
        numbers = await store.versions(self._db, rtype=rtype, url=url, version=version)
        held = await self._fetch(numbers)
        return [held[number] for number in numbers if number in held]

    async def artifact(self, canonical: str, rtype: str) -> int | None:
        """The artifact that a canonical means, without its body; None when it is not installed."""
        return (await self._resolve([canonical], rtype))[canonical]

    async def source_for(self, canonicals: Iterable[str] = ()) -> Source:
        """A source of its own in which these canonicals are loaded; others can be loaded when they are asked for."""
        source = Source(self, version=await self.version())
        await source.load(canonicals)
        return source

    async def closure(self, canonicals: Iterable[str]) -> dict[str, bytes | None]:
        """The bodies of what these canonicals mean and of what the StructureDefinitions among them stand on; None for
        what is not installed.
        """
        named: dict[str, int | None] = dict.fromkeys(canonicals)
        named |= await store.closure(self._db, canonicals=sorted(filter(_is_askable, named)), limit=MAX_CLOSURE)
        others = [one for one, artifact in named.items() if artifact is None and _is_askable(one)]
        named |= await store.find(self._db, canonicals=others, rtype=None) if others else {}
        held = await self._fetch(artifact for artifact in named.values() if artifact is not None)
        return {one: held[artifact].body if artifact in held else None for one, artifact in named.items()}

    async def _resolve(self, canonicals: list[str], rtype: str | None) -> dict[str, int | None]:
        await self.version()
        names = self._names
        known = {one: names.get((one, rtype)) for one in canonicals if (one, rtype) in names or not _is_askable(one)}
        unknown = [one for one in canonicals if one not in known]
        if not unknown:
            return known
        found = await store.find(self._db, canonicals=unknown, rtype=rtype)
        if len(names) + len(found) > _KEPT_NAMES:
            names.clear()
        names.update({(one, rtype): artifact for one, artifact in found.items()})
        return known | found

    async def _fetch(self, artifacts: Iterable[int]) -> dict[int, Held]:
        wanted, kept = set(artifacts), self._held
        found = kept.take(wanted)
        missing = wanted - found.keys()
        if missing:
            fetched = await store.bodies(self._db, artifacts=sorted(missing))
            kept.keep(fetched)
            found |= {one.artifact: one for one in fetched}
        return found


class _Held:
    """Definitions by artifact, those used last, within a bound of bytes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, Held] = OrderedDict()
        self.size = 0

    def take(self, wanted: Iterable[int]) -> dict[int, Held]:
        found = {}
        for one in wanted:
            if one in self._kept:
                self._kept.move_to_end(one)
                found[one] = self._kept[one]
        return found

    def keep(self, fetched: Iterable[Held]) -> None:
        for one in fetched:
            if one.artifact not in self._kept:
                self._kept[one.artifact] = one
                self.size += len(one.body)
        while self.size > _KEPT_BYTES:
            _, oldest = self._kept.popitem(last=False)
            self.size -= len(oldest.body)


def _without_place(canonical: str) -> str:
    return canonical.partition("#")[0]


def _is_askable(text: str) -> bool:
    """Whether the database can be asked for it at all: resources name their profiles in any characters they like."""
    try:
        return "\0" not in text and len(text.encode()) <= _MAX_CANONICAL
    except UnicodeEncodeError:
        return False
