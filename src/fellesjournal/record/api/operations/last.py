"""Observation/$lastn: the newest of each code in one chart.

Source: https://hl7.org/fhir/R4/operation-observation-lastn.html
"""

from dataclasses import replace
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.record.api.http import fhir_errors, journal_of, json_response, preference
from fellesjournal.record.api.operations.asked import Asked, asked
from fellesjournal.record.api.search import bundle_of
from fellesjournal.record.errors import TooCostly
from fellesjournal.record.search import SearchQuery, ask_patients, parse_search
from fellesjournal.record.search.error import refusal

_MOST: Final = 1000
_OF_THE_ORDER: Final = ("_sort", "_count", "_total", "_totalMethod")
_NO_ERRORS: Final = ("status:not", "entered-in-error")


@fhir_errors
@fhir_interaction("operation")
async def last(request: Request, decision: Decision) -> Response:
    """The `max` newest observations of each code that fulfil the search parameters; one if not said."""
    wanted = await asked(request)
    journal = journal_of(request, decision)
    base = f"{request.app.state.settings.base_url}/fhir"
    is_strict = preference(request, "handling") != "lenient"
    query = _query(wanted, base, await journal.vault.definitions.current(), is_strict=is_strict)
    _check_chart(query, is_citizen=decision.reader.kind == "citizen")
    page = await journal.run(query)
    if page.next is not None:
        raise TooCostly(f"There are more than {_MOST}: ask for fewer by max, code, category or date.")
    return json_response(bundle_of(base, query, page, wanted.looks).encode())


def _query(wanted: Asked, base: str, registry: fhir.Registry, *, is_strict: bool) -> SearchQuery:
    given = wanted.texts()
    for name, _ in given:
        if name in _OF_THE_ORDER:
            raise refusal(name, "the order is by code, then newest first, and all of it is given", code="not-supported")
    pairs = [pair for pair in given if pair[0] != "max"]
    # What was written by mistake must not stand where the last right one does.
    kept = [] if any(name.partition(":")[0] == "status" for name, _ in pairs) else [_NO_ERRORS]
    query = parse_search("Observation", [*pairs, *kept], strict=is_strict, base=base, registry=registry)
    newest = wanted.number("max", otherwise=1, at_most=_MOST)
    return replace(query, newest=newest, count=_MOST, params=tuple(given), path="Observation/$lastn")


def _check_chart(query: SearchQuery, *, is_citizen: bool) -> None:
    charts = ask_patients(query)
    if charts is None and not is_citizen:
        raise refusal("patient", "is needed, or subject: the last of whom?", code="required")
    if charts is not None and len(charts) > 1:
        raise refusal("patient", "one at a time", code="too-costly")
