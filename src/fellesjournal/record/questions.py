"""Conditions of writes and of references: searches that must match one resource (FHIR http, conditional interactions).

They are run as the reader's own searches, so that what is hidden never changes an answer.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl

from fellesjournal import fhir
from fellesjournal.record.errors import Malformed, Unselective
from fellesjournal.record.lookup import Stored
from fellesjournal.record.search import SearchQuery, parse_search

_TWO: Final = 2
"""As many matches as tell one from several."""


def read_question(
    rtype: str, text: str, *, base: str, registry: fhir.Registry = fhir.OFFICIAL
) -> SearchQuery:
    """The search behind a condition: `identifier=a|b`, also written `?identifier=a|b` or `Type?identifier=a|b`.

    Parameters that are not known are refused whatever the client prefers: left out, they would match more.
    Raises Unselective when nothing is asked for, Malformed, SearchError.
    """
    question = text.removeprefix(f"{base}/").removeprefix(rtype).removeprefix("?")
    try:
        pairs = parse_qsl(question, keep_blank_values=True, max_num_fields=50, errors="strict")
    except ValueError:
        raise Malformed("The condition can't be read: at most 50 parameters, in UTF-8.") from None
    query = parse_search(rtype, pairs, base=base, registry=registry)
    if not query.clauses:
        raise Unselective("The condition names nothing that a resource must match.")
    return replace(
        query, count=_TWO, total="none", sort=(), includes=(), revincludes=(), summary="", elements=()
    )


def question_text(query: SearchQuery, *, unit: int) -> str:
    """The same for the same question of one unit, in whichever order its parameters stand."""
    pairs = sorted(f"{name}\x1f{value}" for name, value in query.params)
    return "\x1e".join(["question", str(unit), query.rtype, *pairs])


def at_most_one(found: Sequence[Stored]) -> Stored | None:
    """What was matched, or None. Raises Unselective for several."""
    if len(found) > 1:
        raise Unselective
    return found[0] if found else None
