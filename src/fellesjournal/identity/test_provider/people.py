"""The demo people who can be chosen, each behind a key that tells nothing of the number."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

from fellesjournal.kit.keys import Keys

PersonKind = Literal["staff", "citizen"]
MOST_HITS = 20
SHORTEST_SEARCH = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPerson:
    """Somebody who does not exist. Those with a group stand on the page; the others are found by searching.

    `number` is a synthetic national id; it goes into the signed token and nowhere else.
    """

    name: str
    number: str = field(repr=False)
    kind: PersonKind
    group: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A person as the page shows them."""

    key: str
    name: str
    description: str


class People:
    """All who can be chosen, read when they are first asked for, since most starts need none of them."""

    def __init__(self, read: Callable[[], Awaitable[Sequence[DemoPerson]]], *, keys: Keys) -> None:
        self._read = read
        self._keys = keys
        self._by_kind: dict[PersonKind, dict[str, DemoPerson]] = {}

    async def find(self, kind: PersonKind, key: str) -> DemoPerson | None:
        """The person behind a key."""
        return (await self._all(kind)).get(key)

    async def groups(self, kind: PersonKind) -> list[tuple[str, list[Choice]]]:
        """Those who stand on the page, in the order given, by group."""
        shown = [(key, person) for key, person in (await self._all(kind)).items() if person.group]
        return [
            (group, [_choice(key, person) for key, person in some])
            for group, some in groupby(shown, key=lambda pair: pair[1].group)
        ]

    async def search(self, kind: PersonKind, text: str) -> list[Choice]:
        """At most twenty whose name holds every word of the text; none for a text of one letter."""
        words = text.casefold().split()
        if sum(map(len, words)) < SHORTEST_SEARCH:
            return []
        everyone = (await self._all(kind)).items()
        hits = (
            (key, person) for key, person in everyone if all(word in person.name.casefold() for word in words)
        )
        return [_choice(key, person) for _index, (key, person) in zip(range(MOST_HITS), hits, strict=False)]

    async def _all(self, kind: PersonKind) -> dict[str, DemoPerson]:
        if not self._by_kind:
            people = await self._read()
            if not people:
                # The demo is still being made: ask again at the next page.
                return {}
            self._by_kind = {each: {self._key(p): p for p in people if p.kind == each} for each in _KINDS}
        return self._by_kind[kind]

    def _key(self, person: DemoPerson) -> str:
        label = f"fellesjournal demo person {person.kind} {person.number}".encode()
        return hmac.digest(self._keys.current("token"), label, hashlib.sha256).hex()[:24]


_KINDS: tuple[PersonKind, ...] = ("staff", "citizen")


def _choice(key: str, person: DemoPerson) -> Choice:
    return Choice(key, person.name, person.description)
