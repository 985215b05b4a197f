"""A code system in memory: that of a resource that is not installed, or the few concepts of a small value set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from typing import Any

from fellesjournal.terminology.codes import Codes, some
from fellesjournal.terminology.concept import Concept, Head, read_concepts, read_head
from fellesjournal.terminology.errors import BadDefinition, UnknownCode
from fellesjournal.terminology.filters import HIERARCHY, INACTIVE_ONES, check, is_of_active, predicate, values_of
from fellesjournal.terminology.system import Hit, Kin, Relation, Wish
from fellesjournal.terminology.value_set import Filter
from fellesjournal.terminology.words import Spoken, Typed, code_key, found, spoken


class Held:
    """A code system whose concepts are all here."""

    def __init__(self, head: Head, concepts: Iterable[Concept]) -> None:
        self.head = head
        self._concepts = {concept.n: concept for concept in concepts}
        self._places = {self._written(concept.code): concept.n for concept in self._concepts.values()}

    @classmethod
    def read(cls, resource: dict[str, Any]) -> Held:
        """The system of a CodeSystem resource."""
        concepts = read_concepts(resource)
        return cls(read_head(resource, concepts=concepts), concepts)

    @property
    def is_listed(self) -> bool:
        """Whether its concepts can be listed."""
        return self.head.content != "not-present"

    async def concepts(self, codes: Collection[str]) -> dict[str, Concept]:
        """Those of these codes that there are, by the code as it was asked for."""
        places = {code: self._places.get(self._written(code)) for code in codes}
        return {code: self._concepts[n] for code, n in places.items() if n is not None}

    async def pick(self, test: Filter) -> Codes:
        """The codes that a filter picks. Raises BadDefinition."""
        check(test)
        if is_of_active(test):
            return ~await self.pick(INACTIVE_ONES)
        if test.op in HIERARCHY:
            return self._related(test)
        passes = predicate(test, is_cased=self.head.is_case_sensitive)
        return some(one.code for one in self._concepts.values() if passes(self._values(one, test.property)))

    async def page(self, wish: Wish, *, offset: int, limit: int) -> list[Concept]:
        """Some of the wished concepts, in the order of the system."""
        return self._wished(wish)[offset : offset + limit]

    async def count(self, wish: Wish) -> int:
        """How many concepts are wished."""
        return len(self._wished(wish))

    async def search(self, wish: Wish, asked: Typed, *, limit: int) -> list[Hit]:
        """The wished concepts that a filter finds, best first."""
        hits = []
        for concept in self._wished(wish):
            key, texts = self._spoken[concept.n]
            rank = found(asked, key=key, texts=texts)
            if rank is not None:
                hits.append(Hit(rank, key, concept))
        return sorted(hits, key=lambda hit: (hit.rank, hit.key, hit.concept.n))[:limit]

    async def described(self, concepts: Sequence[Concept]) -> list[Concept]:
        """The same concepts with their designations: they have them."""
        return list(concepts)

    async def kin(self, code: str) -> Kin:
        """The concepts right above and right below one."""
        n = self._places.get(self._written(code))
        if n is None:
            return Kin()
        return Kin(
            [self._named(up) for up in sorted(self._concepts[n].parents)],
            [self._named(down) for down in sorted(self._children[n])],
        )

    async def relation(self, one: str, other: str) -> Relation:
        """How `one` stands to `other`. Raises UnknownCode."""
        a, b = self._place(one), self._place(other)
        if a == b:
            return "equivalent"
        if a in self._above(b):
            return "subsumes"
        return "subsumed-by" if b in self._above(a) else "not-subsumed"

    @cached_property
    def _children(self) -> defaultdict[int, list[int]]:
        found: defaultdict[int, list[int]] = defaultdict(list)
        for concept in self._concepts.values():
            for parent in concept.parents:
                found[parent].append(concept.n)
        return found

    @cached_property
    def _spoken(self) -> dict[int, tuple[str, list[Spoken]]]:
        keys = {concept.n: code_key(concept.code) for concept in self._concepts.values()}
        return {n: (key, texts_of(self._concepts[n], key)) for n, key in keys.items()}

    def _written(self, code: str) -> str:
        return code if self.head.is_case_sensitive else code.lower()

    def _place(self, code: str) -> int:
        n = self._places.get(self._written(code))
        if n is None:
            raise UnknownCode("The code system has no such code.")
        return n

    def _named(self, n: int) -> tuple[str, str]:
        return self._concepts[n].code, self._concepts[n].display

    def _wished(self, wish: Wish) -> list[Concept]:
        among = {self._written(code) for code in wish.among.named}
        return [
            one
            for one in self._concepts.values()
            if (self._written(one.code) in among) != wish.among.is_rest
            and not (wish.is_active_only and one.is_inactive)
            and not (wish.is_selectable_only and one.is_abstract)
        ]

    def _values(self, concept: Concept, property: str) -> list[str]:
        found = values_of(concept, property)
        if property == "parent":
            found += [self._concepts[n].code for n in concept.parents]
        elif property == "child":
            found += [self._concepts[n].code for n in self._children[concept.n]]
        return found

    def _related(self, test: Filter) -> Codes:
        n = self._places.get(self._written(test.value))
        if n is None:
            raise BadDefinition("A filter names a code that the code system does not have.")
        if test.op == "generalizes":
            places = self._above(n) | {n}
        else:
            places = self._below(n) | (set() if test.op == "descendent-of" else {n})
        picked = some(self._concepts[place].code for place in sorted(places))
        return ~picked if test.op == "is-not-a" else picked

    def _above(self, n: int) -> set[int]:
        seen: set[int] = set()
        todo = list(self._concepts[n].parents)
        while todo:
            up = todo.pop()
            if up not in seen:
                seen.add(up)
                todo += self._concepts[up].parents
        return seen

    def _below(self, n: int) -> set[int]:
        seen: set[int] = set()
        todo = list(self._children[n])
        while todo:
            down = todo.pop()
            if down not in seen:
                seen.add(down)
                todo += self._children[down]
        return seen


def texts_of(concept: Concept, key: str) -> list[Spoken]:
    """Every text that a concept is found by; one without any is found by its code."""
    texts = dict.fromkeys([concept.display, *(one.value for one in concept.designations)])
    return [spoken(text, key=key) for text in texts if text] or [spoken("", key=key)]
