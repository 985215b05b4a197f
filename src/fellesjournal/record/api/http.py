"""Bodies, formats and errors of the FHIR edge."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import wraps
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import AccessError, BeyondScopes
from fellesjournal.kit.db import ConnectionLost, StatementTimeout
from fellesjournal.record import names
from fellesjournal.record.api import representation
from fellesjournal.record.errors import Malformed, RecordError, TooCostly
from fellesjournal.record.journal import Journal
from fellesjournal.record.lookup import Stored
from fellesjournal.record.rehearsal import issues_of

MEDIA_TYPE = "application/fhir+json"
_HEADERS = {"Cache-Control": "no-store", "Vary": "Accept, Accept-Encoding"}
MAX_REPEATS = 10_000
"""Items in one list of what is sent; the largest groups and bundles have fewer."""
MAX_CODES = 100_000
_OF_CODES = ("CodeSystem", "ValueSet", "ConceptMap")
"""What has a list of codes."""
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_PREFERENCE = re.compile(r"(?:^|[,;])\s*([A-Za-z-]+)\s*=\s*\"?([A-Za-z-]+)")
_ETAG = re.compile(r'(?:W/)?"?([0-9]{1,9})"?')


class Unavailable(RecordError):
    """The database is away; nothing was done, or nobody knows."""

    status = 503
    code = "transient"
    text = "Journalen er ikke tilgjengelig akkurat nå. Prøv igjen om litt."
    english = "The record is not available at the moment; try again shortly."


class TooLarge(RecordError):
    """The body is over the limit."""

    status = 413
    code = "too-long"
    text = "Innholdet er for stort."
    english = "The body is larger than this server accepts."


def fhir_errors(
    endpoint: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """Turn expected refusals into OperationOutcomes, and every answer into the form that was asked for.

    The gate's mark stays on the handler.
    """

    @wraps(endpoint)
    async def guarded(request: Request) -> Response:
        try:
            representation.ask(request)
            response = await endpoint(request)
        except (AccessError, RecordError) as error:
            response = error_response(error)
        except StatementTimeout:
            response = error_response(TooCostly())
        except ConnectionLost:
            response = error_response(Unavailable())
        return await representation.represented(request, response)

    return guarded


def error_response(error: AccessError | RecordError) -> Response:
    """The OperationOutcome of a refusal."""
    body = fhir.outcome(issues_of(error))
    body["issue"][0].setdefault("details", {"text": error.text})
    headers = {"WWW-Authenticate": 'Bearer realm="fellesjournal"'} if error.status == 401 else {}
    if isinstance(error, BeyondScopes):
        headers = {"WWW-Authenticate": 'Bearer realm="fellesjournal", error="insufficient_scope"'}
    return json_response(fhir.encode(body), status=error.status, headers=headers)


def json_response(body: bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A FHIR JSON answer."""
    return Response(body, status, {**_HEADERS, **(headers or {})}, MEDIA_TYPE)


def stored_response(stored: Stored, *, status: int = 200) -> Response:
    """A stored version: its bytes as they are, with ETag and Last-Modified."""
    return json_response(stored.body.encode(), status=status, headers=version_headers(stored.version, stored.updated))


def version_headers(version: int, updated: datetime) -> dict[str, str]:
    """ETag and Last-Modified of a version (FHIR http, "Managing Resource Contention")."""
    return {"ETag": f'W/"{version}"', "Last-Modified": http_date(updated)}


def http_date(instant: datetime) -> str:
    """An instant in UTC as HTTP writes it (RFC 9110, 5.6.7)."""
    # A tenth of the time of `email.utils.format_datetime`.
    day, month = _DAYS[instant.weekday()], _MONTHS[instant.month - 1]
    return f"{day}, {instant.day:02d} {month} {instant.year:04d} {instant:%H:%M:%S} GMT"


def query_text(request: Request) -> str:
    """What stands after the question mark (`request.url` would be put together and taken apart for it).

    Raises Malformed when it isn't UTF-8.
    """
    text: bytes = request.scope["query_string"]
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise Malformed("The query can't be read: it is not UTF-8.") from None


def content_type(request: Request) -> str:
    """The media type of the body, without its parameters; "" when none is said."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_body(request: Request) -> bytes:
    """The body as JSON, up to the limit. Raises TooLarge, UnsupportedMediaType, and Malformed for XML that is none."""
    representation.check_body(request)
    content = await representation.read_form(request, await read_bytes(request))
    return names.relative(content, base=f"{request.app.state.settings.base_url}/fhir/")


async def read_bytes(request: Request) -> bytes:
    """The body as it is, up to the limit. Raises TooLarge."""
    limit = request.app.state.settings.max_body_mb * 1_000_000
    if int(request.headers.get("content-length") or 0) > limit:
        raise TooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLarge
    return bytes(body)


def journal_of(request: Request, decision: Decision) -> Journal:
    """The journal of this request: of the bundle that it is an entry of, or a new one."""
    shared = getattr(request.state, "journal", None)
    opened: Journal = shared or request.app.state.vault.open(decision)
    return opened


def preference(request: Request, name: str) -> str:
    """The value of a preference (`return`, `handling`) in the Prefer header, "" without one."""
    said = request.headers.getlist("prefer")
    # What comes first counts, and names are read without regard to case (RFC 7240, 2).
    return next((value for key, value in _PREFERENCE.findall(",".join(said)) if key.lower() == name), "")


def whole_number(text: str) -> int | None:
    """The positive whole number that a text is, below 2^31; None for anything else."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= 10
    return int(text) if is_number and 0 < int(text) < 2**31 else None


def parse_typed(body: bytes, *, rtype: str) -> dict[str, Any]:
    """The resource in the body. Raises Malformed when it isn't JSON or is of another type."""
    resource = parse_resource(body)
    if resource.get("resourceType") != rtype:
        raise Malformed(f"The body is not a {rtype}.")
    return resource


def parse_resource(body: bytes) -> dict[str, Any]:
    """A resource from bytes. Raises Malformed, also for a list that is longer than any that means something."""
    try:
        resource = fhir.parse(body)
    except fhir.BadJson as error:
        raise Malformed(str(error)) from None
    most = MAX_CODES if resource.get("resourceType") in _OF_CODES else MAX_REPEATS
    # A list of so many items has commas between them.
    if len(body) > most and (place := _overlong(resource, most)):
        what = f"more than {most} items in one list"
        raise Malformed(issues=[fhir.Issue("error", "too-costly", place, what)])
    return resource


def _overlong(resource: dict[str, Any], most: int) -> str:
    """The place of a list with more items than that; "" for none."""
    waiting: list[tuple[str, Any]] = [(str(resource.get("resourceType", "")), resource)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{place}.{key}", part) for key, part in value.items() if isinstance(part, (dict, list))]
        elif len(value) > most:
            return place
        else:
            waiting += [(f"{place}[{n}]", part) for n, part in enumerate(value) if isinstance(part, (dict, list))]
    return ""


def if_match(request: Request) -> int:
    """The version named in If-Match, -1 without one. Raises Malformed for what is no ETag of ours."""
    return version_in(request.headers.get("if-match"), "If-Match")


def expected(request: Request) -> int:
    """The version to go on top of: If-Match's; 0, none, for `If-None-Match: *`; -1, any. Raises Malformed."""
    tags = request.headers.get("if-none-match")
    if tags is None:
        return if_match(request)
    if tags.strip() != "*" or "if-match" in request.headers:
        raise Malformed("If-None-Match of an update is *, for what is not there yet, and stands without If-Match.")
    return 0


def version_in(value: str | None, where: str) -> int:
    """The version that an ETag names, -1 for none or `*`. Raises Malformed."""
    if value is None or value.strip() == "*":
        return -1
    match = _ETAG.fullmatch(value.strip())
    if match is None:
        raise Malformed(f'{where} must be an ETag like W/"3".')
    return int(match[1])
