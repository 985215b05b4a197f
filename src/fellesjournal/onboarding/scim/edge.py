"""What no SCIM request answers by itself: no token, unknown addresses and the unforeseen, as SCIM's errors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from fellesjournal.access.model import SessionOver
from fellesjournal.kit.db import ConnectionLost
from fellesjournal.onboarding.scim.model import ScimError, error_answer

Handler = Callable[[Request, Exception], Awaitable[Response]]
_TEXTS: Final = {
    404: "there is nothing at this address",
    405: "this address does not take that method",
    500: "something unforeseen went wrong on the server; nothing was changed",
}
_CHALLENGE: Final = {"www-authenticate": "Bearer"}


def as_scim(handlers: Mapping[Any, Handler]) -> dict[Any, Handler]:
    """The application's exception handlers, which answer below `/scim` with SCIM's error; and one for ScimError."""
    made = {kind: _scim_first(handler) for kind, handler in handlers.items()}
    return {**made, ScimError: _answer}


def _scim_first(handler: Handler) -> Handler:
    @wraps(handler)
    async def answer(request: Request, error: Exception) -> Response:
        path = request.url.path
        if path != "/scim" and not path.startswith("/scim/"):
            return await handler(request, error)
        return await _answer(request, error)

    return answer


async def _answer(_: Request, error: Exception) -> Response:
    if isinstance(error, ScimError):
        return error_answer(error)
    if isinstance(error, SessionOver):
        return error_answer(ScimError(401, "a bearer token with the purpose SCIM is needed"), headers=_CHALLENGE)
    if isinstance(error, ConnectionLost):
        return error_answer(ScimError(503, "the database does not answer; try again"), headers={"retry-after": "5"})
    status = error.status_code if isinstance(error, HTTPException) else 500
    return error_answer(ScimError(status, _TEXTS.get(status, "the request can not be carried out")))
