"""Codes that terminology knows: `:in`, `:not-in`, `:above` and `:below` become plain codes before a search is compiled.

What can't be told as a whole (a value set that is not here or too large, a code system of which a part is known) is
refused: no answer would be complete. Whoever may not see a value set of the record is told that there is none.
Source: https://hl7.org/fhir/R4/search.html#modifiers
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol

from fellesjournal import fhir
from fellesjournal.fhir.keys import ESCAPED_BAR, split_token
from fellesjournal.record.search.error import SearchError, refusal
from fellesjournal.record.search.model import NOTHING, Clause, SearchQuery, TextValue, changed, clauses_in
from fellesjournal.terminology import TerminologyError, Token

BY_TERMINOLOGY: Final = {"in": "", "not-in": "not", "above": "", "below": ""}
"""Modifiers of tokens, and what is left of each when the codes are known."""
MAX_CODES: Final = 5_000
"""Codes that the modifiers of one search stand for together."""


class CodeSets(Protocol):
    """Where the codes come from, for one reader. Each raises TerminologyError and RecordError."""

    async def tokens_in(self, canonical: str, *, at_most: int) -> Sequence[Token]:
        """The codes of a value set."""

    async def every_code(self, url: str, *, at_most: int) -> Sequence[str]:
        """All codes of a code system."""

    async def relatives(self, url: str, code: str, *, is_above: bool, at_most: int) -> Sequence[str]:
        """A code and those below it, or above it."""


def by_terminology(clause: Clause) -> bool:
    """Whether a clause's codes are still to be asked for."""
    return clause.type == "token" and clause.modifier in BY_TERMINOLOGY


async def with_codes(query: SearchQuery, sets: CodeSets) -> SearchQuery:
    """The search with its codes; itself when it has no such modifier. Raises SearchError, and what `sets` raises."""
    parts = tuple([await with_codes(part, sets) for part in query.parts])
    wanted = dict.fromkeys(clause for clause in clauses_in(query.clauses) if by_terminology(clause))
    if not wanted:
        return replace(query, parts=parts) if any(map(_is_other, parts, query.parts)) else query
    known: dict[Clause, Clause] = {}
    room = MAX_CODES
    for clause in wanted:
        values = await _values(clause, sets, room) or (NOTHING,)
        room -= len(values)
        known[clause] = replace(clause, modifier=BY_TERMINOLOGY[clause.modifier], values=values)
    clauses = tuple(changed(condition, lambda clause: known.get(clause, clause)) for condition in query.clauses)
    return replace(query, clauses=clauses, parts=parts)


def _is_other(one: SearchQuery, other: SearchQuery) -> bool:
    return one is not other


async def _values(clause: Clause, sets: CodeSets, at_most: int) -> tuple[TextValue, ...]:
    name = f"{clause.code}:{clause.modifier}"
    implied = fhir.implied_systems(clause.rtype, clause.code)
    found: dict[Token, None] = {}
    for value in clause.values:
        text = value.text if isinstance(value, TextValue) else ""
        try:
            if clause.modifier in ("in", "not-in"):
                found.update(dict.fromkeys(await sets.tokens_in(text, at_most=at_most)))
            else:
                found.update(dict.fromkeys(await _related(name, clause.modifier, text, implied, sets, at_most)))
        except TerminologyError as error:
            raise _refused(name, error) from None
        if len(found) > at_most:
            raise refusal(name, f"more than {MAX_CODES} codes", code="too-costly")
    tokens = list(found) if implied is None else await _plain(name, found, implied, sets, at_most)
    return tuple(TextValue("|".join(part.replace("|", ESCAPED_BAR) for part in token)) for token in tokens)


async def _related(
    name: str, modifier: str, text: str, implied: frozenset[str] | None, sets: CodeSets, at_most: int
) -> list[Token]:
    system, _, code = split_token(text)
    if not system and implied is not None and len(implied) == 1:
        (system,) = implied
    if not system or not code:
        raise refusal(name, "is system|code")
    codes = await sets.relatives(system, code, is_above=modifier == "above", at_most=at_most)
    return [(system, one) for one in codes]


async def _plain(
    name: str, tokens: dict[Token, None], implied: frozenset[str], sets: CodeSets, at_most: int
) -> list[Token]:
    """The same for a parameter over plain codes, which have no system of their own to be found by."""
    found: list[Token] = []
    for system, code in tokens:
        if system not in implied:
            continue
        try:
            codes = [code] if code else await sets.every_code(system, at_most=at_most)
        except TerminologyError as error:
            raise _refused(name, error) from None
        found += [(system, one) for one in codes]
    return found


def _refused(name: str, error: TerminologyError) -> SearchError:
    return refusal(name, error.english, code=error.code)
