"""One address for one installation: others on the same machine are led to it, unknown ones refused.

A page that a hostile site has bound to our address by its own name (DNS rebinding) comes with that name in `Host`, and
gets nothing.
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from fellesjournal.kit.settings import Settings

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
WILDCARDS = ("0.0.0.0", "::", "")  # noqa: S104 - recognised here so that nobody is sent to them
EXEMPT = ("/health/live", "/health/ready")
_REFUSAL = "Denne adressen hører ikke til Fellesjournal. Bruk adressen som er oppgitt av kommunen.\n"
_MISDIRECTED = "Skjemaet ble sendt til en annen adresse enn den som brukes her. Ingenting er lagret.\n"


def canonical_url(settings: Settings) -> str:
    """The address that people are led to, without a slash at the end."""
    if settings.public_url or settings.host not in WILDCARDS:
        return settings.base_url
    scheme = "https" if settings.tls_cert else "http"
    return f"{scheme}://127.0.0.1:{settings.port}"


class CanonicalHost:
    """Lets requests to the canonical host through, redirects its aliases, refuses all others."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        """Wrap the application."""
        self._app = app
        self._base = canonical_url(settings)
        self._host = _normal(urlsplit(self._base).netloc, self._base)
        names = {*LOOPBACK, settings.host} - set(WILDCARDS)
        self._aliases = {_normal(f"{name}:{settings.port}", self._base) for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        if scope["type"] not in ("http", "websocket") or scope.get("path") in EXEMPT:
            await self._app(scope, receive, send)
            return
        hosts = Headers(scope=scope).getlist("host")
        host = _normal(hosts[0], self._base) if len(hosts) == 1 else ""
        if host == self._host:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._answer(scope, host)(scope, receive, send)

    def _answer(self, scope: Scope, host: str) -> Response:
        if not host:
            return PlainTextResponse(_REFUSAL, 400)
        if host not in self._aliases:
            return PlainTextResponse(_REFUSAL, 421)
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse(_MISDIRECTED, 421)
        return RedirectResponse(self._base + _target(scope), 308)


def _target(scope: Scope) -> str:
    path = scope.get("raw_path") or quote(scope["path"]).encode()
    query = scope.get("query_string", b"")
    whole = path.split(b"?")[0] + (b"?" + query if query else b"")
    return "/" + str(whole.decode("latin-1")).lstrip("/")


def _normal(host: str, base: str) -> str:
    """Lower case, without the scheme's own port."""
    own = ":443" if base.startswith("https://") else ":80"
    return host.strip().lower().removesuffix(own)
