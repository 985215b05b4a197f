"""Terminology as a process knows it: where value sets and code systems are found, and what is kept of them.

What was made of installed definitions holds until the number of their last change is another one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fellesjournal import packages
from fellesjournal.kit.db import Database
from fellesjournal.terminology import base, store
from fellesjournal.terminology.answers import Question, answers
from fellesjournal.terminology.concept import Head
from fellesjournal.terminology.errors import NotInstalled, TerminologyError
from fellesjournal.terminology.resolve import PLAIN, Resolved, Versions, find, resolve
from fellesjournal.terminology.stored import Stored
from fellesjournal.terminology.system import System
from fellesjournal.terminology.value_set import Definition, read_value_set

Json = dict[str, Any]

MAX_KEPT_CODES: Final = 300_000
"""Codes named in the value sets that a process keeps."""
MAX_KEPT: Final = 2_000
MAX_NAME: Final = 2_000
"""Characters of a canonical: nothing longer is looked for, or kept as the name of what is not here."""


@dataclass
class _Kept:
    """What was made at one number of the last change."""

    version: int
    systems: dict[tuple[str, str], System | None] = field(default_factory=dict)
    resolved: OrderedDict[str, Resolved | TerminologyError] = field(default_factory=OrderedDict)
    weight: int = 0

    def keep(self, name: str, found: Resolved | TerminologyError) -> None:
        """Keep a value set, and let go of those that were used longest ago."""
        if name not in self.resolved:
            self.weight += _weight(found)
        self.resolved[name] = found
        while len(self.resolved) > MAX_KEPT or self.weight > MAX_KEPT_CODES:
            _, gone = self.resolved.popitem(last=False)
            self.weight -= _weight(gone)


class Terminology:
    """The door to terminology: a `resolve.Library` over what is installed and what is part of the product."""

    def __init__(self, db: Database, *, library: packages.Library) -> None:
        self.db = db
        self._library = library
        self._kept = _Kept(-1)

    async def version(self) -> int:
        """The number of the last change of what is installed."""
        return await self._library.version()

    async def resource(self, kind: str, canonical: str) -> Json | None:
        """An installed ValueSet, CodeSystem or ConceptMap, or R4's own; None when it is not here."""
        if len(canonical) > MAX_NAME:
            return None
        return await self._library.find(canonical, kind) or base.resource(kind, canonical)

    async def value_set(self, canonical: str) -> Definition | None:
        """A value set; None when it is not here. Raises BadDefinition, TooCostly."""
        if len(canonical) > MAX_NAME:
            return None
        found = await self._library.find(canonical, "ValueSet")
        return read_value_set(found) if found else base.value_set(canonical)

    async def system(self, url: str, version: str) -> System | None:
        """A code system; one that is installed without its codes comes after what the product has."""
        if len(url) + len(version) > MAX_NAME:
            return None
        kept = await self._current()
        name = (url, version)
        if name not in kept.systems:
            if len(kept.systems) >= MAX_KEPT:
                kept.systems.clear()
            kept.systems[name] = await self._system(url, version)
        return kept.systems[name]

    async def system_at(self, artifact: int) -> System | None:
        """The code system that was installed as an artifact, when its codes were too."""
        heads = await store.heads(self.db, systems=[artifact])
        found = Stored(self.db, artifact, heads[artifact]) if artifact in heads else None
        return found if found and found.is_listed else None

    async def system_of(self, value_set: str) -> str | None:
        """The code system that names a value set as the one of all its codes."""
        return await store.system_of(self.db, value_set=value_set) or base.system_of(value_set)

    async def systems(self) -> list[Head]:
        """Every code system that is here, by address."""
        installed = await store.systems(self.db)
        known = {one.url for one in installed}
        own = [one for one in base.heads() if one.url not in known]
        return sorted([*installed, *own], key=lambda one: (one.url, one.version))

    async def maps(self, *, source: str, target: str) -> list[str]:
        """Canonicals of the concept maps from one system to another ('': any)."""
        found = await store.maps(self.db, source=source, target=target)
        return [*found, *(one for one in base.maps_from(source, target) if one not in found)]

    async def resolved(self, canonical: str, *, versions: Versions = PLAIN) -> Resolved:
        """An installed value set, resolved; with no versions of one's own kept. Raises NotInstalled, BadDefinition,
        TooCostly.
        """
        if len(canonical) > MAX_NAME:
            raise NotInstalled(f"A canonical has at most {MAX_NAME} characters.")
        if versions != PLAIN:
            return await resolve(self, await find(self, canonical), versions=versions)
        kept = await self._current()
        found = kept.resolved.get(canonical)
        if found is None:
            try:
                found = await resolve(self, await find(self, canonical))
            except TerminologyError as error:
                # Whoever asks for what is not here asks again with each write.
                found = error
            kept.keep(canonical, found)
        kept.resolved.move_to_end(canonical)
        if isinstance(found, TerminologyError):
            raise type(found)(found.english)
        return found

    async def answer(self, questions: Sequence[Question]) -> list[bool | None]:
        """For each question whether one of its codes is in the value set; None where it can't be told.

        When the value sets are known already, one call to the database at most, and none for those of a few codes.
        """
        found: list[Resolved | None] = []
        for canonical, _ in questions:
            try:
                found.append(await self.resolved(canonical))
            except TerminologyError:
                found.append(None)
        return await answers(self.db, questions, found)

    async def _system(self, url: str, version: str) -> System | None:
        artifact = await self._library.artifact(f"{url}|{version}" if version else url, "CodeSystem")
        heads = await store.heads(self.db, systems=[artifact]) if artifact is not None else {}
        installed = Stored(self.db, artifact, heads[artifact]) if artifact in heads else None
        return installed if installed and installed.is_listed else base.system(url, version) or installed

    async def _current(self) -> _Kept:
        version = await self.version()
        if self._kept.version != version:
            self._kept = _Kept(version)
        return self._kept


def _weight(found: Resolved | TerminologyError) -> int:
    return found.weight if isinstance(found, Resolved) else 0
