"""Scripts of other origins may ask what looks at no cookie (Fetch standard, CORS): without credentials, so that nothing
of a signed-in person goes along.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fellesjournal.web.paths import below

_ALLOWED = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
    "access-control-allow-headers": (
        "Accept, Authorization, Content-Type, DPoP, Idempotency-Key, If-Match, If-Modified-Since, If-None-Exist, "
        "If-None-Match, Prefer, X-Security-Context"
    ),
    "access-control-max-age": "600",
}
_EXPOSED = "Content-Location, ETag, Last-Modified, Location, WWW-Authenticate"


class CrossOrigin:
    """Lets scripts of any origin read the answers below `paths`, and answers the questions that browsers ask before."""

    def __init__(self, app: ASGIApp, *, paths: tuple[str, ...]) -> None:
        """Wrap the application."""
        self._app = app
        self._is_open = below(*paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer what a browser asks before one."""
        if scope["type"] != "http" or not self._is_open(scope["path"]) or not _has(scope, b"origin"):
            await self._app(scope, receive, send)
        elif scope["method"] == "OPTIONS" and _has(scope, b"access-control-request-method"):
            await Response(status_code=204, headers=_ALLOWED)(scope, receive, send)
        else:
            await self._app(scope, receive, _opening(send))


def _has(scope: Scope, name: bytes) -> bool:
    return any(key == name for key, _ in scope["headers"])


def _opening(send: Send) -> Send:
    async def opened(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["access-control-allow-origin"] = "*"
            headers["access-control-expose-headers"] = _EXPOSED
            headers["cross-origin-resource-policy"] = "cross-origin"
        await send(message)

    return opened
