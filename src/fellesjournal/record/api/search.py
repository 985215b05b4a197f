"""search (FHIR search.html): GET and POST _search on a type."""

from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.record.api import representation
from fellesjournal.record.api.http import TooLarge, fhir_errors, journal_of, json_response, preference
from fellesjournal.record.api.representation import UnsupportedMediaType
from fellesjournal.record.binary import listed
from fellesjournal.record.errors import Malformed, NotFound
from fellesjournal.record.journal import Journal
from fellesjournal.record.lookup import Page, Stored
from fellesjournal.record.search import NOTICE_INCLUDES, SearchQuery, parse_search

CURSOR = "_cursor"
_FORM = "application/x-www-form-urlencoded"
_FORM_LIMIT = 1_000_000
_LOOKS = frozenset({"_format", "_pretty"})
_EDGE = _LOOKS | {CURSOR}


@fhir_errors
@fhir_interaction("search")
async def search_get(request: Request, decision: Decision) -> Response:
    """Search by the address."""
    return await _answer(request, decision, query_pairs(request.url.query))


@fhir_errors
@fhir_interaction("search")
async def search_post(request: Request, decision: Decision) -> Response:
    """Search by a form: nothing of the question stands in the address."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != _FORM:
        raise UnsupportedMediaType("Search by POST takes application/x-www-form-urlencoded.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _FORM_LIMIT:
            raise TooLarge
    pairs = query_pairs(request.url.query) + query_pairs(_text(bytes(body)))
    representation.ask_with(request, pairs)
    return await _answer(request, decision, pairs)


def query_pairs(text: str) -> list[tuple[str, str]]:
    """The parameters in order. Raises Malformed for what can't be one."""
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=200, errors="strict")
    except ValueError:
        raise Malformed("The query can't be read: at most 200 parameters, in UTF-8.") from None


async def run(request: Request, journal: Journal, rtype: str, pairs: list[tuple[str, str]]) -> str:
    """The searchset Bundle of one page, as text. Raises SearchError, TooCostly, NoNeed, SessionOver, NotFound."""
    if rtype not in fhir.TYPE_NUMBER:
        raise NotFound("There is no such resource type in FHIR R4.")
    base = f"{request.app.state.settings.base_url}/fhir"
    strict = preference(request, "handling") != "lenient"
    wanted = [(name, value) for name, value in pairs if name not in _EDGE]
    query = parse_search(rtype, wanted, strict=strict, base=base)
    cursor = next((value for name, value in pairs if name == CURSOR), None)
    if query.summary == "text" and (query.includes or query.revincludes):
        raise Malformed("_include and _revinclude can't be mixed with _summary=text.")
    page = await journal.run(query, after=cursor)
    return _bundle(base, query, page, [pair for pair in pairs if pair[0] in _LOOKS])


async def _answer(request: Request, decision: Decision, pairs: list[tuple[str, str]]) -> Response:
    journal = journal_of(request, decision)
    body = await run(request, journal, request.path_params["rtype"], pairs)
    return json_response(body.encode())


def _bundle(base: str, query: SearchQuery, page: Page, looks: list[tuple[str, str]]) -> str:
    pairs = [*query.params, *looks]
    links = [_link("self", f"{base}/{query.rtype}", pairs)]
    if page.next:
        links.append(_link("next", f"{base}/{query.rtype}", [*pairs, (CURSOR, page.next)]))
    entries = [_entry(base, stored, "match") for stored in page.matches]
    entries += [_entry(base, stored, "include") for stored in page.included]
    entries += [_outcome(text) for text in _warnings(query, page)]
    total = f'"total":{page.total},' if page.total is not None else ""
    listed = f',"entry":[{",".join(entries)}]' if entries else ""
    return f'{{"resourceType":"Bundle","type":"searchset",{total}"link":[{",".join(links)}]{listed}}}'


def _link(relation: str, url: str, pairs: list[tuple[str, str]]) -> str:
    text = f"{url}?{urlencode(pairs)}" if pairs else url
    return f'{{"relation":"{relation}","url":{fhir.encode({"u": text})[5:-1].decode()}}}'


def _entry(base: str, stored: Stored, mode: str) -> str:
    url = f"{base}/{stored.rtype}/{stored.id}"
    return f'{{"fullUrl":"{url}","resource":{listed(stored.rtype, stored.body)},"search":{{"mode":"{mode}"}}}}'


def _warnings(query: SearchQuery, page: Page) -> list[str]:
    texts = [f"The parameter {name} is not known and was left out." for name in query.ignored]
    if NOTICE_INCLUDES in page.notices:
        texts.append("There was more to include than an answer holds; the rest was left out.")
    return texts


def _outcome(text: str) -> str:
    issue: dict[str, Any] = {"severity": "warning", "code": "informational", "diagnostics": text}
    body = fhir.encode({"resourceType": "OperationOutcome", "issue": [issue]}).decode()
    return f'{{"resource":{body},"search":{{"mode":"outcome"}}}}'


def _text(body: bytes) -> str:
    try:
        return body.decode("ascii")
    except UnicodeDecodeError:
        raise Malformed("The form can't be read.") from None
