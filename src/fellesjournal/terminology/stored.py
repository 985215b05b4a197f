"""A code system whose concepts are in the database: that of an installed package."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import get_args

from fellesjournal.kit.db import Database
from fellesjournal.terminology import store
from fellesjournal.terminology.codes import ALL, Codes, some
from fellesjournal.terminology.concept import Concept, Head
from fellesjournal.terminology.errors import BadDefinition, UnknownCode
from fellesjournal.terminology.filters import ALWAYS, HIERARCHY, INACTIVE_ONES, check, is_of_active, listed, predicate
from fellesjournal.terminology.store import ABSTRACT, INACTIVE, Place
from fellesjournal.terminology.system import Hit, Kin, Relation, Wish
from fellesjournal.terminology.value_set import Filter
from fellesjournal.terminology.words import Typed


class Stored:
    """A code system in the database."""

    def __init__(self, db: Database, id: int, head: Head) -> None:
        self.db = db
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
        found = await store.concepts(self.db, system=self.id, plains=set(plains.values())) if plains else {}
        return {code: found[plain] for code, plain in plains.items() if plain in found}

    async def pick(self, test: Filter) -> Codes:
        """The codes that a filter picks. Raises BadDefinition."""
        check(test)
        if is_of_active(test):
            return ~await self.pick(INACTIVE_ONES)
        if test.op in HIERARCHY:
            return await self._related(test)
        if test.property in ALWAYS:
            values = await store.every(self.db, system=self.id, what=ALWAYS[test.property])
            passes = predicate(test, is_cased=self.head.is_case_sensitive)
            return some(code for code, value in values if passes([value] if value else []))
        return await self._by_property(test)

    async def page(self, wish: Wish, *, offset: int, limit: int) -> list[Concept]:
        """Some of the wished concepts, in the order of the system."""
        place = self.place(wish.among)
        return await store.page(self.db, place=place, hidden=hidden(wish), offset=offset, limit=limit)

    async def count(self, wish: Wish) -> int:
        """How many concepts are wished."""
        has_hidden = (wish.is_active_only and self.head.inactive) or (wish.is_selectable_only and self.head.abstract)
        if wish.among == ALL and not has_hidden:
            return self.head.count
        return await store.count(self.db, place=self.place(wish.among), hidden=hidden(wish))

    async def search(self, wish: Wish, asked: Typed, *, limit: int) -> list[Hit]:
        """The wished concepts that a filter finds, best first."""
        return [hit for _, hit in await search_stored([(self, wish)], asked, limit=limit)]

    async def described(self, concepts: Sequence[Concept]) -> list[Concept]:
        """The same concepts with their designations."""
        found = await store.designations(self.db, system=self.id, places=[one.n for one in concepts])
        return [replace(one, designations=found.get(one.n, ())) for one in concepts]

    async def kin(self, code: str) -> Kin:
        """The concepts right above and right below one."""
        rows = await store.kin(self.db, system=self.id, plain=self.plain(code))
        named = [(row["is_up"], (row["code"], row["display"])) for row in rows]
        return Kin([one for is_up, one in named if is_up], [one for is_up, one in named if not is_up])

    async def relation(self, one: str, other: str) -> Relation:
        """How `one` stands to `other`. Raises UnknownCode."""
        found = await store.relation(self.db, system=self.id, one=self.plain(one), other=self.plain(other))
        for relation in get_args(Relation):
            if relation == found:
                return relation  # type: ignore[no-any-return]
        raise UnknownCode("The code system has no such code.")

    async def _related(self, test: Filter) -> Codes:
        codes = await store.related(self.db, system=self.id, plain=self.plain(test.value), op=test.op)
        if not codes:
            raise BadDefinition("A filter names a code that the code system does not have.")
        own = (await self.concepts([test.value]))[test.value].code if test.op == "descendent-of" else None
        picked = some(code for code in codes if code != own)
        return ~picked if test.op == "is-not-a" else picked

    async def _by_property(self, test: Filter) -> Codes:
        if test.op == "exists":
            owners = some(
                code for code, _ in await store.with_property(self.db, system=self.id, code=test.property, values=None)
            )
            return owners if test.value == "true" else ~owners
        if test.op == "regex":
            pairs = await store.with_property(self.db, system=self.id, code=test.property, values=None)
            passes = predicate(test)
            return some(code for code, value in pairs if passes([value]))
        values = [test.value] if test.op == "=" else listed(test.value)
        pairs = await store.with_property(self.db, system=self.id, code=test.property, values=values)
        picked = some(code for code, _ in pairs)
        return ~picked if test.op == "not-in" else picked


async def search_stored(wishes: Sequence[tuple[Stored, Wish]], asked: Typed, *, limit: int) -> list[tuple[int, Hit]]:
    """What a filter finds in several systems, in one call: (place in `wishes`, hit), best first.

    What is hidden is hidden in all of them.
    """
    if not wishes:
        return []
    order = {system.id: place for place, (system, _) in enumerate(wishes)}
    first, wish = wishes[0]
    rows = await store.search(
        first.db, places=[system.place(one.among) for system, one in wishes], hidden=hidden(wish), asked=asked,
        limit=limit,
    )  # fmt: skip
    return [(order[system], Hit(rank, key, concept)) for system, rank, key, concept in rows]


def hidden(wish: Wish) -> int:
    """The flags of what is not shown."""
    return wish.is_active_only * INACTIVE + wish.is_selectable_only * ABSTRACT
