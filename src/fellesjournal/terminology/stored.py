"""A code system whose concepts are in the database: that of an installed package."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, get_args

from fellesjournal.kit.db import Database
from fellesjournal.terminology import store
from fellesjournal.terminology.codes import Codes, some
from fellesjournal.terminology.concept import Concept, Head
from fellesjournal.terminology.errors import BadDefinition, UnknownCode
from fellesjournal.terminology.filters import HIERARCHY, INACTIVE_ONES, check, is_of_active, listed, passes
from fellesjournal.terminology.store import ABSTRACT, INACTIVE, Place
from fellesjournal.terminology.system import Hit, Kin, Relation, Wish
from fellesjournal.terminology.value_set import Test
from fellesjournal.terminology.words import Typed

_ALWAYS: Final = {"concept": "code", "code": "code", "display": "display", "definition": "definition"}
"""Properties that every concept has, and the column that each stands in."""


class Stored:
    """A code system in the database."""

    def __init__(self, db: Database, id: int, head: Head) -> None:
        self._db = db
        self.id, self.head = id, head

    @property
    def is_listed(self) -> bool:
        """Whether its concepts can be listed."""
        return self.head.content != "not-present"

    def place(self, codes: Codes) -> Place:
        """Some of its codes, to ask the database for."""
        return Place(self.id, self.head.is_case_sensitive, codes)

    def plain(self, code: str) -> str:
        """A code as it is compared."""
        return store.plain(code, is_cased=self.head.is_case_sensitive)

    async def concepts(self, codes: Collection[str]) -> dict[str, Concept]:
        """Those of these codes that there are, by the code as it was asked for."""
        plains = {code: self.plain(code) for code in codes}
        found = await store.concepts(self._db, system=self.id, plains=set(plains.values())) if plains else {}
        return {code: found[plain] for code, plain in plains.items() if plain in found}

    async def pick(self, test: Test) -> Codes:
        """The codes that a filter picks. Raises BadDefinition."""
        check(test)
        if is_of_active(test):
            return ~await self.pick(INACTIVE_ONES)
        if test.op in HIERARCHY:
            return await self._related(test)
        if test.property in _ALWAYS:
            values = await store.every(self._db, system=self.id, what=_ALWAYS[test.property])
            return some(code for code, value in values if passes(test, [value] if value else []))
        return await self._by_property(test)

    async def page(self, wish: Wish, *, offset: int, limit: int) -> list[Concept]:
        """Some of the wished concepts, in the order of the system."""
        place = self.place(wish.among)
        return await store.page(self._db, place=place, hidden=hidden(wish), offset=offset, limit=limit)

    async def count(self, wish: Wish) -> int:
        """How many concepts are wished."""
        if wish.among == Codes(is_rest=True) and not hidden(wish):
            return self.head.count
        return await store.count(self._db, place=self.place(wish.among), hidden=hidden(wish))

    async def search(self, wish: Wish, asked: Typed, *, limit: int) -> list[Hit]:
        """The wished concepts that a filter finds, best first."""
        rows = await store.search(
            self._db, places=[self.place(wish.among)], hidden=hidden(wish), asked=asked, limit=limit
        )
        return [Hit(rank, key, concept) for _, rank, key, concept in rows]

    async def kin(self, code: str) -> Kin:
        """The concepts right above and right below one."""
        rows = await store.kin(self._db, system=self.id, plain=self.plain(code))
        named = [(row["is_up"], (row["code"], row["display"])) for row in rows]
        return Kin([one for is_up, one in named if is_up], [one for is_up, one in named if not is_up])

    async def relation(self, one: str, other: str) -> Relation:
        """How `one` stands to `other`. Raises UnknownCode."""
        found = await store.relation(self._db, system=self.id, one=self.plain(one), other=self.plain(other))
        for relation in get_args(Relation):
            if relation == found:
                return relation  # type: ignore[no-any-return]
        raise UnknownCode("The code system has no such code.")

    async def _related(self, test: Test) -> Codes:
        codes = await store.related(self._db, system=self.id, plain=self.plain(test.value), op=test.op)
        if not codes:
            raise BadDefinition("A filter names a code that the code system does not have.")
        own = (await self.concepts([test.value]))[test.value].code if test.op == "descendent-of" else None
        picked = some(code for code in codes if code != own)
        return ~picked if test.op == "is-not-a" else picked

    async def _by_property(self, test: Test) -> Codes:
        if test.op == "exists":
            owners = some(
                code for code, _ in await store.with_property(self._db, system=self.id, code=test.property, values=None)
            )
            return owners if test.value == "true" else ~owners
        if test.op == "regex":
            pairs = await store.with_property(self._db, system=self.id, code=test.property, values=None)
            return some(code for code, value in pairs if passes(test, [value]))
        values = [test.value] if test.op == "=" else listed(test.value)
        pairs = await store.with_property(self._db, system=self.id, code=test.property, values=values)
        picked = some(code for code, _ in pairs)
        return ~picked if test.op == "not-in" else picked


def hidden(wish: Wish) -> int:
    """The flags of what is not shown."""
    return wish.is_active_only * INACTIVE + wish.is_selectable_only * ABSTRACT
