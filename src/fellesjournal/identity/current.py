"""Who is at the other end of this request, found once and kept in the request's scope.

Pages by the cookie, `/fhir` by the bearer token: never the other way.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlencode

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from fellesjournal.identity.cookies import Cookies, secret_of
from fellesjournal.identity.flow import local_path
from fellesjournal.identity.model import ROLE_NAMES, NotSignedIn, Reader
from fellesjournal.identity.sessions import Sessions
from fellesjournal.web import Visitor, set_visitor

READER_KEY = "fellesjournal.reader"
ENDED_KEY = "fellesjournal.session_ended"
_SESSIONS_KEY = "fellesjournal.sessions"
_WITHOUT_COOKIE = ("/fhir", "/static", "/health", "/metrics")

VisitorFor = Callable[[Reader], Visitor]


def plain_visitor(reader: Reader) -> Visitor:
    """The reader as the layout shows them; the application adds home page and links with `replace`."""
    return Visitor(
        name=reader.name,
        csrf_secret=hmac.digest(reader.secret, b"fellesjournal csrf", hashlib.sha256),
        role=ROLE_NAMES.get(reader.role, reader.role) if reader.kind == "staff" else "",
        unit=reader.unit_name,
        switch_url="/kontekst" if reader.kind == "staff" else None,
        sign_out_url="/logg-ut",
    )


class CurrentReader:
    """Finds the reader of the session cookie before anything else needs them.

    Stands outside of `web.CsrfProtection`, whose tokens are bound to the session.
    """

    def __init__(
        self, app: ASGIApp, *, sessions: Sessions, cookies: Cookies, visitor_for: VisitorFor = plain_visitor
    ) -> None:
        """Wrap the application."""
        self._app = app
        self._sessions = sessions
        self._cookies = cookies
        self._visitor_for = visitor_for

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Put the reader and the visitor in the scope and pass on."""
        if scope["type"] in ("http", "websocket"):
            scope[_SESSIONS_KEY] = self._sessions
            if not _is_without_cookie(scope):
                await self._find(scope)
        await self._app(scope, receive, send)

    async def _find(self, scope: Scope) -> None:
        connection = HTTPConnection(scope)
        secret = self._cookies.secret(connection)
        reader = None if secret is None else await self._sessions.who(secret)
        if reader is None:
            scope[ENDED_KEY] = secret is not None
            return
        scope[READER_KEY] = reader
        set_visitor(scope, self._visitor(reader, scope))

    def _visitor(self, reader: Reader, scope: Scope) -> Visitor:
        # The layout's own clock: when to warn, and where to sign in again.
        visitor = self._visitor_for(reader)
        left = int((reader.expires_at - self._sessions.clock.now()).total_seconds())
        return replace(visitor, expires_in_s=max(1, min(reader.idle_s, left)), sign_in_url=timed_out_url(scope))


def current_reader(connection: HTTPConnection) -> Reader | None:
    """The reader of the page's session, or None. Always None below `/fhir`."""
    reader = connection.scope.get(READER_KEY)
    return reader if isinstance(reader, Reader) else None


def require_reader(connection: HTTPConnection) -> Reader:
    """The reader of the page's session. Raises NotSignedIn."""
    reader = current_reader(connection)
    if reader is None:
        raise NotSignedIn
    return reader


async def bearer_reader(connection: HTTPConnection) -> Reader | None:
    """The reader of the request's bearer token, or None; a cookie counts for nothing here."""
    scheme, _sep, text = connection.headers.get("authorization", "").partition(" ")
    secret = secret_of(text.strip()) if scheme.lower() == "bearer" else None
    sessions: Sessions = connection.scope[_SESSIONS_KEY]
    return None if secret is None else await sessions.who(secret)


def context_tag(reader: Reader) -> str:
    """An opaque sign of this session, for forms and other tabs to notice that the context was switched."""
    return hmac.digest(reader.secret, b"fellesjournal context", hashlib.sha256).hex()[:16]


def timed_out_url(scope: Scope) -> str:
    """Where to go when the session has ended on this page: the way back is kept when it is a page to read."""
    path = local_path(_address(scope)) if scope.get("method") == "GET" else ""
    return "/tidsavbrudd" + (f"?{urlencode({'til': path})}" if path and path != "/" else "")


def _address(scope: Scope) -> str:
    query = scope.get("query_string", b"").decode("latin-1")
    return str(scope["path"]) + (f"?{query}" if query else "")


def _is_without_cookie(scope: Scope) -> bool:
    path = scope["path"]
    # Asking how long is left must not make it longer.
    is_peek = path == "/okt" and scope.get("method") == "GET"
    return is_peek or any(path == top or path.startswith(top + "/") for top in _WITHOUT_COOKIE)
