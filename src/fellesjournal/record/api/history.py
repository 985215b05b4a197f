"""history of one resource, of a type, and of everything (FHIR http §2.21.0.9)."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.record.api.http import fhir_errors, journal_of, json_response, preference, query_text
from fellesjournal.record.api.representation import PARAMETERS
from fellesjournal.record.api.search import CURSOR, links_of, query_pairs
from fellesjournal.record.api.write import known_type
from fellesjournal.record.binary import listed
from fellesjournal.record.history import HistoryPage, Version, parse_history
from fellesjournal.record.rows import stamp

_EDGE: Final = PARAMETERS | {CURSOR}
_METHODS: Final = {"C": "POST", "U": "PUT", "D": "DELETE"}
_STATUS: Final = {"C": "201", "U": "200", "D": "204"}


@fhir_errors
@fhir_interaction("history")
async def history(request: Request, decision: Decision) -> Response:
    """All versions of one resource, newest first, deletions too."""
    return await _answer(request, decision, known_type(request), request.path_params["id"])


@fhir_errors
@fhir_interaction("history")
async def type_history(request: Request, decision: Decision) -> Response:
    """All versions of a type in a chart (`patient`), else of the rows that the acting unit controls."""
    return await _answer(request, decision, known_type(request), "")


@fhir_errors
@fhir_interaction("history")
async def system_history(request: Request, decision: Decision) -> Response:
    """The same over every type."""
    return await _answer(request, decision, "", "")


async def _answer(request: Request, decision: Decision, rtype: str, id: str) -> Response:
    pairs = query_pairs(query_text(request))
    wanted = [(name, value) for name, value in pairs if name not in _EDGE]
    query = parse_history(rtype, id, wanted, strict=preference(request, "handling") != "lenient")
    cursor = next((value for name, value in pairs if name == CURSOR), None)
    journal = journal_of(request, decision)
    page = await journal.past(query, after=cursor)
    base = f"{request.app.state.settings.base_url}/fhir"
    url = "/".join(part for part in (base, query.rtype, query.id, "_history") if part)
    shown = [*query.params, *(pair for pair in pairs if pair[0] in PARAMETERS)]
    return json_response(_bundle(base, page, links_of(url, shown, at=cursor, following=page.next)).encode())


def _bundle(base: str, page: HistoryPage, links: str) -> str:
    entries = ",".join(_entry(base, version) for version in page.versions)
    listed = f',"entry":[{entries}]' if entries else ""
    return f'{{"resourceType":"Bundle","type":"history","link":[{links}]{listed}}}'


def _entry(base: str, version: Version) -> str:
    path = f"{version.rtype}/{version.id}"
    resource = f'"resource":{listed(version.rtype, version.body)},' if version.body else ""
    request = f'"request":{{"method":"{_METHODS[version.op]}","url":"{version.rtype if version.op == "C" else path}"}}'
    response = (
        f'"response":{{"status":"{_STATUS[version.op]}","etag":"W/\\"{version.version}\\"",'
        f'"lastModified":"{stamp(version.updated)}"}}'
    )
    return f'{{"fullUrl":"{base}/{path}",{resource}{request},{response}}}'
