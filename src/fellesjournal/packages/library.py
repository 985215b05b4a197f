"""How a running process finds an installed definition by its canonical, without a restart after a change.

It asks for the number of the last change at most once a second. Bodies are fetched when they are needed, several in one
query, and kept as bytes within a bound, those used last; an artifact never changes, so what is kept is never stale.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from fellesjournal import fhir
from fellesjournal.kit.db import Database
from fellesjournal.packages import store

FRESH_S: Final = 1.0
MAX_CLOSURE: Final = 2_000
_KEPT_BYTES: Final = 24 << 20
_KEPT_NAMES: Final = 20_000


class Source:
    """StructureDefinitions that were fetched together: what some profiles reach. Pure."""

    def __init__(self, bodies: Mapping[str, bytes], *, version: int) -> None:
        self._bodies = bodies
        self.version = version
        """The change that it was made after: compare with `Library.version` to know whether it still holds."""

    def find(self, canonical: str) -> dict[str, Any] | None:
        """The StructureDefinition, parsed anew; None for what is not installed or not reached."""
        body = self._bodies.get(canonical.partition("#")[0])
        return None if body is None else fhir.parse(body)

    def __len__(self) -> int:
        return len(self._bodies)


class Library:
    """The installed definitions as this process knows them."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._asked_at = float("-inf")
        self._version = -1
        self._names: dict[tuple[str, str | None], int | None] = {}
        self._closures: dict[frozenset[str], dict[str, int]] = {}
        self._bodies = _Bodies()

    async def version(self) -> int:
        """The number of the last change, as it was a second ago or later: whoever keeps what was made of a definition
        makes it anew when this is another one.
        """
        if time.monotonic() - self._asked_at >= FRESH_S:
            asked_at = time.monotonic()
            version = await store.version(self._db)
            if version != self._version:
                self._version, self._names, self._closures = version, {}, {}
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
        bodies = await self._fetch(one for one in named.values() if one is not None)
        return {
            one: fhir.parse(bodies[artifact]) if (artifact := named[one]) in bodies else None for one in wanted
        }

    async def source_for(self, canonicals: Iterable[str]) -> Source:
        """The profiles and extensions that these canonicals mean, and all that they stand on: base definitions, the
        profiles of their elements' types, and the profiles that references are to fit (R4's own types apart).
        """
        version = await self.version()
        wanted = frozenset(one.partition("#")[0] for one in canonicals)
        named = self._closures.get(wanted)
        if named is None:
            named = await store.closure(self._db, canonicals=sorted(wanted), limit=MAX_CLOSURE) if wanted else {}
            if len(self._closures) >= 256:
                self._closures.clear()
            self._closures[wanted] = named
        bodies = await self._fetch(named.values())
        return Source(
            {one: bodies[artifact] for one, artifact in named.items() if artifact in bodies}, version=version
        )

    async def _resolve(self, canonicals: list[str], rtype: str | None) -> dict[str, int | None]:
        await self.version()
        names = self._names
        known = {one: names[one, rtype] for one in canonicals if (one, rtype) in names}
        unknown = [one for one in canonicals if one not in known]
        if not unknown:
            return known
        found = await store.find(self._db, canonicals=unknown, rtype=rtype)
        if len(names) + len(found) > _KEPT_NAMES:
            names.clear()
        names.update({(one, rtype): artifact for one, artifact in found.items()})
        return known | found

    async def _fetch(self, artifacts: Iterable[int]) -> dict[int, bytes]:
        wanted = set(artifacts)
        found = self._bodies.take(wanted)
        missing = wanted - found.keys()
        if missing:
            fetched = await store.bodies(self._db, artifacts=sorted(missing))
            self._bodies.keep(fetched)
            found |= fetched
        return found


class _Bodies:
    """Bodies by artifact, those used last, within a bound of bytes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._size = 0

    def take(self, wanted: Iterable[int]) -> dict[int, bytes]:
        found = {}
        for one in wanted:
            if one in self._kept:
                self._kept.move_to_end(one)
                found[one] = self._kept[one]
        return found

    def keep(self, fetched: Mapping[int, bytes]) -> None:
        for one, body in fetched.items():
            if one not in self._kept:
                self._kept[one] = body
                self._size += len(body)
        while self._size > _KEPT_BYTES:
            _, body = self._kept.popitem(last=False)
            self._size -= len(body)
