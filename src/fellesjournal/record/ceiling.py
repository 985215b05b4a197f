"""A search as an app may ask it: the question rewritten so that its scopes bound every type it touches. Pure.

Scopes with search parameters become conditions of the search itself, on what is found and on whatever a chain or `_has`
looks at; what no scope names is refused, or left out where a question goes by several types.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from fellesjournal import fhir
from fellesjournal.access.model import BeyondScopes
from fellesjournal.identity.apps.scopes import Pairs, Scope, is_whole, limits
from fellesjournal.record.ownership import DIRECTORY_TYPES
from fellesjournal.record.search import ANY_TYPE, SearchQuery, parse_search
from fellesjournal.record.search.model import Chain, Clause, Condition, Group, Has, Include

SEARCH: Final = "s"
SHOW: Final = "rs"
"""What comes along with a search may be shown to whoever may read it or search for it."""
Bounds: TypeAlias = tuple[Pairs, ...]


@dataclass(frozen=True)
class Ceiling:
    """The scopes of one question: in the record that the app was launched for, or not."""

    scopes: tuple[Scope, ...]
    in_chart: bool
    registry: fhir.Registry = fhir.OFFICIAL

    def bounds(self, rtype: str, actions: str) -> Bounds:
        """How far any of the actions goes on a type; empty: not at all."""
        return limits(self.scopes, rtype, actions, in_chart=self.in_chart or rtype in DIRECTORY_TYPES)

    def whole_types(self, actions: str) -> tuple[str, ...]:
        """The types that are not bounded."""
        return tuple(rtype for rtype in fhir.RESOURCE_TYPES if is_whole(self.bounds(rtype, actions)))

    def open_types(self, actions: str) -> tuple[str, ...]:
        """The types that there is a scope for."""
        return tuple(rtype for rtype in fhir.RESOURCE_TYPES if self.bounds(rtype, actions))

    def condition(self, rtype: str, bounds: Bounds) -> Condition | None:
        """What a resource fulfils that one of the scopes holds; None when they set no bound. Raises SearchError."""
        if is_whole(bounds):
            return None
        parts = [Group(rtype, "and", self._clauses(rtype, pairs)) for pairs in bounds]
        return parts[0] if len(parts) == 1 else Group(rtype, "or", tuple(parts))

    def _clauses(self, rtype: str, pairs: Pairs) -> tuple[Condition, ...]:
        return parse_search(rtype, pairs, registry=self.registry).clauses

    def search(self, query: SearchQuery) -> SearchQuery:
        """The same search under the ceiling. Raises BeyondScopes, SearchError."""
        if query.parts:
            return self._together(query)
        bounds = self.bounds(query.rtype, SEARCH)
        if not bounds:
            raise BeyondScopes
        clauses = [self._inside(clause) for clause in query.clauses]
        own = self.condition(query.rtype, bounds)
        return replace(
            query, clauses=(*clauses, own) if own else tuple(clauses),
            includes=self._along(query.includes, query), revincludes=self._along(query.revincludes, query),
        )  # fmt: skip

    def _together(self, query: SearchQuery) -> SearchQuery:
        """Over all types of a compartment those that a scope names; over types that were asked for each of them."""
        parts = query.parts
        if query.path.endswith(f"/{ANY_TYPE}"):
            parts = tuple(part for part in parts if self.bounds(part.rtype, SEARCH))
        if not parts:
            raise BeyondScopes
        return replace(query, parts=tuple(self.search(part) for part in parts))

    def _inside(self, condition: Condition) -> Condition:
        if isinstance(condition, Clause):
            return condition
        if isinstance(condition, Group):
            return replace(condition, parts=tuple(map(self._inside, condition.parts)))
        if isinstance(condition, Has):
            return replace(condition, link=self._looked_at(condition.link, condition.rtype))
        return self._chain(condition)

    def _chain(self, chain: Chain) -> Chain:
        open_ = [link for link in chain.links if self.bounds(link.rtype, SEARCH)]
        if not open_:
            raise BeyondScopes
        return replace(chain, links=tuple(self._looked_at(link, link.rtype) for link in open_))

    def _looked_at(self, link: Condition, rtype: str) -> Condition:
        bounds = self.bounds(rtype, SEARCH)
        if not bounds:
            raise BeyondScopes
        own = self.condition(rtype, bounds)
        inner = self._inside(link)
        return Group(rtype, "and", (inner, own)) if own else inner

    def _along(self, includes: Sequence[Include], query: SearchQuery) -> tuple[Include, ...]:
        """What may come along. What is bounded is looked at afterwards, so that nothing is reached through it."""
        goes_on = any(include.iterate for include in (*query.includes, *query.revincludes))
        among = self.whole_types(SHOW) if goes_on else self.open_types(SHOW)
        return tuple(replace(include, among=among) for include in includes) if among else ()


def check_scopes(scopes: Sequence[Scope], *, registry: fhir.Registry = fhir.OFFICIAL) -> None:
    """Whether every scope names a type of R4 and parameters that it is searched by. Raises SearchError."""
    for scope in scopes:
        if scope.rtype != "*":
            parse_search(scope.rtype, scope.params, registry=registry)
