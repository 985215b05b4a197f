"""search (FHIR search.html): GET and POST _search on a type, on several, and in a compartment."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus, urlencode

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.access.gate import fhir_interaction
from fellesjournal.packages import DEFINITIONS
from fellesjournal.record.api import representation
from fellesjournal.record.api.http import (
    TooLarge,
    content_type,
    fhir_errors,
    journal_of,
    json_response,
    preference,
    query_text,
)
from fellesjournal.record.api.representation import UnsupportedMediaType
from fellesjournal.record.binary import listed
from fellesjournal.record.errors import Malformed, NotFound
from fellesjournal.record.installed import with_installed
from fellesjournal.record.journal import Journal
from fellesjournal.record.lookup import Page, Stored
from fellesjournal.record.search import (
    ANY_TYPE,
    COMPARTMENTS,
    NOTICE_INCLUDES,
    SearchQuery,
    parse_compartment_search,
    parse_search,
    parse_system_search,
)

CURSOR = "_cursor"
FORM = "application/x-www-form-urlencoded"
_FORM_LIMIT = 1_000_000
LOOKS = frozenset({"_format", "_pretty"})
MORE_INCLUDES = "There was more to include than an answer holds; the rest was left out."
_EDGE = LOOKS | {CURSOR}
_MOST_PARAMETERS = 200
_SHORT = 200
_UNREADABLE = "The query can't be read: at most 200 parameters, in UTF-8."


@fhir_errors
@fhir_interaction("search")
async def search_get(request: Request, decision: Decision) -> Response:
    """Search by the address."""
    return await _answer(request, decision, query_pairs(query_text(request)))


@fhir_errors
@fhir_interaction("search")
async def search_post(request: Request, decision: Decision) -> Response:
    """Search by a form: nothing of the question stands in the address."""
    return await _answer(request, decision, await form_pairs(request))


def query_pairs(text: str) -> list[tuple[str, str]]:
    """The parameters in order. Raises Malformed for what can't be one."""
    pieces = [piece for piece in text.split("&") if piece]
    if len(pieces) > _MOST_PARAMETERS:
        raise Malformed(_UNREADABLE)
    split = [piece.partition("=") for piece in pieces]
    return [(_decoded(name), _decoded(value)) for name, _, value in split]


def _decoded(text: str) -> str:
    # As `urllib.parse.parse_qsl` has it, which is five times as slow for what needs no decoding.
    try:
        return unquote_plus(text, errors="strict") if "%" in text or "+" in text else text
    except UnicodeDecodeError:
        raise Malformed(_UNREADABLE) from None


def read_query(request: Request, pairs: list[tuple[str, str]], registry: fhir.Registry) -> SearchQuery:
    """The question of a request: on a type, in a compartment, or on the types that it names."""
    place = request.path_params
    asked: dict[str, Any] = {
        "strict": preference(request, "handling") != "lenient",
        "base": f"{request.app.state.settings.base_url}/fhir",
        "registry": registry,
    }
    if "rtype" not in place:
        return parse_system_search(pairs, **asked)
    if place["rtype"] not in fhir.TYPE_NUMBER:
        raise NotFound("There is no such resource type in FHIR R4.")
    if "within" not in place:
        return parse_search(place["rtype"], pairs, **asked)
    if place["rtype"] not in COMPARTMENTS or place["within"] not in (*fhir.TYPE_NUMBER, ANY_TYPE):
        raise NotFound("There is nothing at this address; see /fhir/metadata for what there is.")
    return parse_compartment_search((place["rtype"], place["id"]), place["within"], pairs, **asked)


async def run(request: Request, journal: Journal, pairs: list[tuple[str, str]]) -> str:
    """The searchset Bundle of one page, as text. Raises SearchError, TooCostly, NoNeed, SessionOver, NotFound."""
    registry = await journal.vault.definitions.current()
    query = read_query(request, [(name, value) for name, value in pairs if name not in _EDGE], registry)
    cursor = next((value for name, value in pairs if name == CURSOR), None)
    if query.summary == "text" and (query.includes or query.revincludes):
        raise Malformed("_include and _revinclude can't be mixed with _summary=text.")
    page = await journal.run(query, after=cursor)
    if query.rtype in DEFINITIONS and not query.path:
        page = await with_installed(journal.vault.library, query, page)
    base = f"{request.app.state.settings.base_url}/fhir"
    return bundle_of(base, query, page, [pair for pair in pairs if pair[0] in LOOKS], at=cursor)


async def form_pairs(request: Request) -> list[tuple[str, str]]:
    """The parameters of a search by form, those of its address first.

    Raises UnsupportedMediaType, TooLarge, Malformed.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _FORM_LIMIT:
            raise TooLarge
    if content_type(request) != FORM and (body or "content-type" in request.headers):
        raise UnsupportedMediaType("Search by POST takes application/x-www-form-urlencoded.")
    pairs = query_pairs(query_text(request)) + query_pairs(_text(bytes(body)))
    representation.ask_with(request, pairs)
    return pairs


async def _answer(request: Request, decision: Decision, pairs: list[tuple[str, str]]) -> Response:
    return json_response((await run(request, journal_of(request, decision), pairs)).encode())


def bundle_of(
    base: str, query: SearchQuery, page: Page, looks: list[tuple[str, str]], *, at: str | None = None
) -> str:  # fmt: skip
    """The answer to a search; `looks` say how it is to look, `at` which further page it is."""
    address = f"{base}/{query.address}".removesuffix("/")
    return searchset(base, address, page, pairs=[*query.params], looks=looks, notices=_warnings(query, page), at=at)


def searchset(
    base: str, address: str, page: Page, *, pairs: list[tuple[str, str]], looks: list[tuple[str, str]],
    notices: Sequence[str] = (), at: str | None = None,
) -> str:  # fmt: skip
    """A page as a Bundle: what was understood at `address`, how it looks, what there is to say of it.

    `at` is the cursor of a further page: its own address has it too, and it tells which the first one is.
    """
    links = links_of(address, [*pairs, *looks], at=at, following=page.next)
    entries = [_entry(base, stored, "match") for stored in page.matches]
    entries += [_entry(base, stored, "include") for stored in page.included]
    entries += [_outcome(text) for text in notices]
    total = f'"total":{page.total},' if page.total is not None else ""
    listed = f',"entry":[{",".join(entries)}]' if entries else ""
    return f'{{"resourceType":"Bundle","type":"searchset",{total}"link":[{links}]{listed}}}'


def links_of(address: str, pairs: list[tuple[str, str]], *, at: str | None, following: str | None) -> str:
    """The links of a page to itself, from a further one (`at`) to the first, and to the next (FHIR http, paging)."""
    links = [_link("self", address, [*pairs, (CURSOR, at)] if at else pairs)]
    if at:
        links.append(_link("first", address, pairs))
    if following:
        links.append(_link("next", address, [*pairs, (CURSOR, following)]))
    return ",".join(links)


def _link(relation: str, url: str, pairs: list[tuple[str, str]]) -> str:
    text = f"{url}?{'&'.join(_encoded(name, value) for name, value in pairs)}" if pairs else url
    return f'{{"relation":"{relation}","url":{fhir.encode({"u": text})[5:-1].decode()}}}'


def _encoded(name: str, value: str) -> str:
    # It is slow, and most are codes; what is long would fill the memory.
    return _short(name, value) if len(name) + len(value) < _SHORT else urlencode([(name, value)])


@lru_cache(maxsize=4096)
def _short(name: str, value: str) -> str:
    return urlencode([(name, value)])


def _entry(base: str, stored: Stored, mode: str) -> str:
    url = f"{base}/{stored.rtype}/{stored.id}"
    return f'{{"fullUrl":"{url}","resource":{listed(stored.rtype, stored.body)},"search":{{"mode":"{mode}"}}}}'


def _warnings(query: SearchQuery, page: Page) -> list[str]:
    texts = [f"The parameter {name} is not known and was left out." for name in query.ignored]
    return texts + ([MORE_INCLUDES] if NOTICE_INCLUDES in page.notices else [])


def _outcome(text: str) -> str:
    issue: dict[str, Any] = {"severity": "warning", "code": "informational", "diagnostics": text}
    body = fhir.encode({"resourceType": "OperationOutcome", "issue": [issue]}).decode()
    return f'{{"resource":{body},"search":{{"mode":"outcome"}}}}'


def _text(body: bytes) -> str:
    try:
        return body.decode("ascii")
    except UnicodeDecodeError:
        raise Malformed("The form can't be read.") from None
