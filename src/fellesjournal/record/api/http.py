"""Bodies, formats and errors of the FHIR edge."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from email.utils import format_datetime
from functools import wraps

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal import fhir
from fellesjournal.access.model import AccessError
from fellesjournal.kit.db import ConnectionLost, StatementTimeout
from fellesjournal.record.errors import Malformed, RecordError, TooCostly
from fellesjournal.record.lookup import Stored

MEDIA_TYPE = "application/fhir+json"
_JSON = ("application/fhir+json", "application/json", "*/*", "application/*", "text/json")
_FORMATS = ("json", "application/json", "application/fhir+json", "text/json")


class Unavailable(RecordError):
    """The database is away; nothing was done, or nobody knows."""

    status = 503
    code = "transient"
    text = "Journalen er ikke tilgjengelig akkurat nå. Prøv igjen om litt."
    english = "The record is not available at the moment; try again shortly."


class NotAcceptable(RecordError):
    """Another format than JSON is wished."""

    status = 406
    code = "not-supported"
    text = "Bare FHIR JSON leveres."
    english = "Only application/fhir+json is offered."


class UnsupportedMediaType(RecordError):
    """Another format than JSON was sent."""

    status = 415
    code = "not-supported"
    text = "Bare FHIR JSON tas imot."
    english = "Only application/fhir+json is accepted."


class TooLarge(RecordError):
    """The body is over the limit."""

    status = 413
    code = "too-long"
    text = "Innholdet er for stort."
    english = "The body is larger than this server accepts."


def fhir_errors(
    endpoint: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """Turn expected refusals into OperationOutcomes. The gate's mark stays on the handler."""

    @wraps(endpoint)
    async def guarded(request: Request) -> Response:
        try:
            check_format(request)
            return await endpoint(request)
        except (AccessError, RecordError) as error:
            return error_response(error)
        except StatementTimeout:
            return error_response(TooCostly())
        except ConnectionLost:
            return error_response(Unavailable())

    return guarded


def error_response(error: AccessError | RecordError) -> Response:
    """The OperationOutcome of a refusal."""
    issues = getattr(error, "issues", None)
    if not issues:
        english = getattr(error, "english", None) or type(error).__doc__ or ""
        issues = [fhir.Issue(severity="error", code=error.code, expression="", diagnostics=english)]
    body = fhir.outcome(issues)
    body["issue"][0].setdefault("details", {"text": error.text})
    headers = {"WWW-Authenticate": 'Bearer realm="fellesjournal"'} if error.status == 401 else {}
    return json_response(fhir.encode(body), status=error.status, headers=headers)


def json_response(
    body: bytes, *, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """A FHIR JSON answer."""
    return Response(body, status, {"Cache-Control": "no-store", **(headers or {})}, MEDIA_TYPE)


def stored_response(stored: Stored, *, status: int = 200) -> Response:
    """A stored version: its bytes as they are, with ETag and Last-Modified."""
    return json_response(
        stored.body.encode(), status=status, headers=version_headers(stored.version, stored.updated)
    )


def version_headers(version: int, updated: datetime) -> dict[str, str]:
    """ETag and Last-Modified of a version (FHIR http, "Managing Resource Contention")."""
    return {"ETag": f'W/"{version}"', "Last-Modified": format_datetime(updated, usegmt=True)}


def check_format(request: Request) -> None:
    """Raise NotAcceptable unless JSON is accepted."""
    wished = request.query_params.get("_format")
    if wished is not None and wished not in _FORMATS:
        raise NotAcceptable
    accept = request.headers.get("accept", "*/*")
    if wished is None and not any(name in accept for name in _JSON):
        raise NotAcceptable


async def read_body(request: Request) -> bytes:
    """The body, up to the limit. Raises TooLarge, UnsupportedMediaType."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind not in ("application/fhir+json", "application/json", "text/json"):
        raise UnsupportedMediaType
    limit = request.app.state.settings.max_body_mb * 1_000_000
    if int(request.headers.get("content-length") or 0) > limit:
        raise TooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLarge
    return bytes(body)


async def read_resource(request: Request, *, rtype: str) -> dict[str, object]:
    """The resource in the body. Raises Malformed when it isn't JSON or is of another type."""
    resource = parse_resource(await read_body(request))
    if resource.get("resourceType") != rtype:
        raise Malformed(f"The body is not a {rtype}.")
    return resource


def parse_resource(body: bytes) -> dict[str, object]:
    """A resource from bytes. Raises Malformed."""
    try:
        return fhir.parse(body)
    except fhir.BadJson as error:
        raise Malformed(str(error)) from None


def if_match(request: Request) -> int:
    """The version named in If-Match, -1 without one. Raises Malformed for what is no ETag of ours."""
    value = request.headers.get("if-match")
    if value is None:
        return -1
    digits = value.strip().removeprefix("W/").strip('"')
    if not digits.isdigit() or len(digits) > 9:
        raise Malformed('If-Match must be an ETag like W/"3".')
    return int(digits)
