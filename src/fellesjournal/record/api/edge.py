"""What no interaction answers: unknown addresses, wrong methods and the unforeseen, as OperationOutcomes."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import wraps
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route

from fellesjournal import fhir
from fellesjournal.access.gate import public
from fellesjournal.access.model import AccessError
from fellesjournal.kit.db import ConnectionLost
from fellesjournal.record.api.http import Unavailable, error_response, json_response
from fellesjournal.record.api.representation import represented_anyway
from fellesjournal.record.errors import RecordError

METHODS: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_TEXTS: Final = {
    404: ("not-found", "There is nothing at this address; see /fhir/metadata for what there is."),
    405: ("not-supported", "This address does not take that method."),
    500: ("exception", "Something unforeseen went wrong on the server; what was saved before is safe."),
}
_OTHER: Final = ("processing", "The request cannot be carried out.")

Handler = Callable[[Request, Exception], Awaitable[Response]]


def outcome(status: int, *, headers: Mapping[str, str] | None = None) -> Response:
    """The OperationOutcome of a status alone."""
    code, text = _TEXTS.get(status, _OTHER)
    body = fhir.outcome([fhir.Issue("error", code, "", text)])
    return json_response(fhir.encode(body), status=status, headers=dict(headers or {}))


def elsewhere(routes: Sequence[BaseRoute]) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint for what none of the routes takes: 405 with what they take, else 404."""

    @public("says that there is nothing at the address, or which methods it takes; nothing about anyone")
    async def answer(request: Request) -> Response:
        methods: set[str] = set()
        named = False
        for route in routes:
            if isinstance(route, Route) and route.matches(request.scope)[0] == Match.PARTIAL:
                methods |= route.methods or set()
                named = named or "$" in route.path
        allow = {"Allow": ", ".join(sorted(methods))}
        # `$` begins the name of an operation: an address that none of ours has is nowhere, whatever the method.
        is_known = bool(methods) and (named or "/$" not in request.scope["path"])
        said = outcome(405, headers=allow) if is_known else outcome(404)
        return await represented_anyway(request, said)

    return answer


def as_outcomes(handlers: Mapping[Any, Callable[[Request, Exception], Any]]) -> dict[Any, Handler]:
    """The application's exception handlers, which answer below `/fhir` with an OperationOutcome."""
    return {kind: _fhir_first(handler) for kind, handler in handlers.items()}


def _fhir_first(handler: Callable[[Request, Exception], Any]) -> Handler:
    @wraps(handler)
    async def answer(request: Request, error: Exception) -> Response:
        path = request.url.path
        if path != "/fhir" and not path.startswith("/fhir/"):
            page: Response = await handler(request, error)
            return page
        return await represented_anyway(request, _outcome_of(error))

    return answer


def _outcome_of(error: Exception) -> Response:
    if isinstance(error, AccessError | RecordError):
        return error_response(error)
    if isinstance(error, ConnectionLost):
        return error_response(Unavailable())
    if isinstance(error, HTTPException):
        return outcome(error.status_code, headers=error.headers)
    return outcome(500)
