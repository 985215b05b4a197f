"""The search parameters of one installation: R4's own, and those that its operator has added.

A registry is a value: whoever holds one holds one state of it. `OFFICIAL` has none added.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

from fellesjournal.fhir.fhirpath import Expression
from fellesjournal.fhir.keys import canonical_param
from fellesjournal.fhir.resource_types import RESOURCE_TYPES
from fellesjournal.fhir.search_params import SearchParam, search_params


@dataclass(frozen=True)
class AddedParam:
    """A search parameter that was added for one resource type.

    `edition` is another one each time that a parameter of the same name is added. Until it `is_ready`, resources
    from before it have no rows yet, and nothing may be searched by it.
    """

    rtype: str
    param: SearchParam
    url: str
    expression: Expression
    edition: int
    is_ready: bool

    @property
    def numbers(self) -> tuple[int, ...]:
        """Every number that its rows stand under."""
        return numbers_of(self.param.type, self.param.id)


@dataclass(frozen=True, eq=False)
class Registry:
    """One state of the search parameters. `version` is another one for each state, 0 for R4's own alone.

    Each is like itself alone, so that what was understood with it can be kept under it.
    """

    version: int = 0
    added: tuple[AddedParam, ...] = ()

    def params(self, rtype: str) -> dict[str, SearchParam]:
        """All parameters of a type by code, those that are not ready too. Raises KeyError for an unknown type."""
        official = search_params(rtype)
        mine = self._by_type.get(rtype)
        return official | {one.param.code: one.param for one in mine} if mine else official

    def of(self, rtype: str) -> tuple[AddedParam, ...]:
        """What was added for a type."""
        return self._by_type.get(rtype, ())

    def find(self, number: int) -> AddedParam | None:
        """The added parameter with this number; None for R4's own."""
        return self._by_number.get(number)

    @cached_property
    def _by_type(self) -> dict[str, tuple[AddedParam, ...]]:
        types = {one.rtype for one in self.added}
        return {rtype: tuple(one for one in self.added if one.rtype == rtype) for rtype in types}

    @cached_property
    def _by_number(self) -> dict[int, AddedParam]:
        return {one.param.id: one for one in self.added}


OFFICIAL: Final = Registry()


def numbers_of(kind: str, param: int) -> tuple[int, ...]:
    """Every number that rows of an added parameter of a kind stand under."""
    return (param, canonical_param(param)) if kind == "quantity" else (param,)


@cache
def official_numbers() -> frozenset[int]:
    """Every number that rows of R4's own parameters stand under."""
    every = [param for rtype in RESOURCE_TYPES for param in search_params(rtype).values()]
    return frozenset(number for param in every for number in (param.id, canonical_param(param.id)))
