"""Terminology as one reader sees it: what is installed, then the value sets and code systems of the record.

Those of the record are read through the journal: whoever may not see one has no such value set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fellesjournal.kit.ids import decode, encode
from fellesjournal.record.errors import Gone, NotFound, RecordError
from fellesjournal.record.installed import read_installed
from fellesjournal.record.names import Key, installed_number
from fellesjournal.record.search import Member, members_of
from fellesjournal.terminology import (
    PLAIN,
    Definition,
    Held,
    NotInstalled,
    Resolved,
    System,
    Terminology,
    TerminologyError,
    Token,
    Versions,
    every_code,
    find,
    read_value_set,
    relatives,
    resolve,
    tokens_of,
)

if TYPE_CHECKING:
    from fellesjournal.record.journal import Journal

Json = dict[str, Any]

_LOCAL = "ValueSet/"


class TerminologyRefusal(RecordError):
    """A question of terminology that has no answer, as `fellesjournal.terminology` says why."""

    def __init__(self, error: TerminologyError) -> None:
        super().__init__(error.english)
        self.status, self.code, self.text, self.english = error.status, error.code, error.text, error.english


@contextmanager
def refusals() -> Iterator[None]:
    """Turn the refusals of terminology into the record's, which every edge knows."""
    try:
        yield
    except TerminologyError as error:
        raise TerminologyRefusal(error) from None


@dataclass(frozen=True)
class Visible:
    """A `terminology.Library` for one request: resources that it brings, what is installed, what the reader may see."""

    journal: Journal
    brought: Sequence[Json] = ()

    @property
    def terminology(self) -> Terminology:
        """What is installed, and what is part of the product."""
        return self.journal.vault.terminology

    async def stored(self, kind: str, id: str) -> Json:
        """A resource of the record, or an installed one, by its id. Raises NotFound (hidden too), Gone."""
        installed = await read_installed(self.journal.vault.library, kind, id, version=0)
        return (installed or await self.journal.read(kind, id)).resource()

    async def members(self, lists: Sequence[Key]) -> dict[Key, list[Member]]:
        """What each of the Lists that may be seen names, by ids of our own form; each is read as any resource is."""
        journal = self.journal
        found = await journal.read_all([("List", encode(*key), 0) for key in lists])
        named = {one.key: members_of(one.resource()) for one in found}
        await journal.know(name for members in named.values() for name in members if decode(name[1]) is None)
        return {
            key: [(name[0], encode(*own)) for name in members if (own := journal.knows(*name))]
            for key, members in named.items()
        }

    async def stored_system(self, id: str) -> System:
        """A code system by the id of its resource. Raises NotFound (hidden too), Gone."""
        number = installed_number("CodeSystem", id)
        installed = await self.terminology.system_at(number) if number else None
        return installed or Held.read(await self.stored("CodeSystem", id))

    async def value_set(self, canonical: str) -> Definition | None:
        """A value set, by canonical or as `ValueSet/id` of the record."""
        if canonical.startswith(_LOCAL):
            return read_value_set(await self.stored("ValueSet", canonical.removeprefix(_LOCAL)))
        own = self._brought("ValueSet", canonical)
        installed = None if own else await self.terminology.value_set(canonical)
        if installed:
            return installed
        found = own or await self._recorded("ValueSet", canonical)
        return read_value_set(found) if found else None

    async def system(self, url: str, version: str) -> System | None:
        """A code system."""
        canonical = f"{url}|{version}" if version else url
        own = self._brought("CodeSystem", canonical)
        installed = None if own else await self.terminology.system(url, version)
        if installed and (installed.head.content != "not-present"):
            return installed
        found = own or await self._recorded("CodeSystem", canonical)
        return Held.read(found) if found else installed

    async def system_of(self, value_set: str) -> str | None:
        """The code system that names a value set as the one of all its codes."""
        return await self.terminology.system_of(value_set)

    async def concept_map(self, canonical: str) -> Json | None:
        """A concept map, as its resource."""
        return await self.terminology.resource("ConceptMap", canonical) or await self._recorded("ConceptMap", canonical)

    async def resolved(self, canonical: str, *, versions: Versions = PLAIN) -> Resolved:
        """A value set with its codes. Raises NotFound, and TerminologyError: NotInstalled, BadDefinition, TooCostly."""
        if not self.brought and not canonical.startswith(_LOCAL):
            try:
                found = await self.terminology.resolved(canonical, versions=versions)
            except TerminologyError:
                found = None
            if found is not None and not found.missing:
                return found
        return await resolve(self, await find(self, canonical), versions=versions)

    async def tokens_in(self, canonical: str, *, at_most: int) -> list[Token]:
        """The codes of a value set, as `terminology.tokens_of`; a hidden one is not here."""
        try:
            return await tokens_of(await self.resolved(canonical), at_most=at_most)
        except (NotFound, Gone):
            raise NotInstalled("There is no such value set.") from None

    async def every_code(self, url: str, *, at_most: int) -> list[str]:
        """All codes of a code system, as `terminology.every_code`."""
        return await every_code(self, url, at_most=at_most)

    async def relatives(self, url: str, code: str, *, is_above: bool, at_most: int) -> list[str]:
        """A code and those below it, or above it, as `terminology.relatives`."""
        return await relatives(self, url, code, is_above=is_above, at_most=at_most)

    def _brought(self, kind: str, canonical: str) -> Json | None:
        return next((one for one in self.brought if one["resourceType"] == kind and _is(one, canonical)), None)

    async def _recorded(self, kind: str, canonical: str) -> Json | None:
        url, _, version = canonical.partition("|")
        asked = [("url", url), *((("version", version),) if version else ()), ("_count", "1")]
        matches = (await self.journal.search(kind, [(name, _escaped(value)) for name, value in asked])).matches
        return matches[0].resource() if matches else None


@dataclass(frozen=True)
class InstalledCodes:
    """The codes of searches that are carried out later: by what is installed alone, the same whoever has asked."""

    terminology: Terminology

    async def tokens_in(self, canonical: str, *, at_most: int) -> list[Token]:
        """The codes of a value set, as `terminology.tokens_of`."""
        return await tokens_of(await self.terminology.resolved(canonical), at_most=at_most)

    async def every_code(self, url: str, *, at_most: int) -> list[str]:
        """All codes of a code system, as `terminology.every_code`."""
        return await every_code(self.terminology, url, at_most=at_most)

    async def relatives(self, url: str, code: str, *, is_above: bool, at_most: int) -> list[str]:
        """A code and those below it, or above it, as `terminology.relatives`."""
        return await relatives(self.terminology, url, code, is_above=is_above, at_most=at_most)


def _is(resource: Json, canonical: str) -> bool:
    url, _, version = canonical.partition("|")
    return resource.get("url") == url and version in ("", resource.get("version", ""))


def _escaped(value: str) -> str:
    for sign in ("\\", ",", "|", "$"):
        value = value.replace(sign, f"\\{sign}")
    return value
