"""Who is at the other end of this request, found once and kept in the request's scope.

Pages by the cookie, `/fhir` by the bearer token: never the other way.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace

from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from fellesjournal.identity.apps import discovery, dpop
from fellesjournal.identity.cookies import secret_of
from fellesjournal.identity.model import RELATION_NAMES, ROLE_NAMES, NotSignedIn, Reader
from fellesjournal.identity.refusals import ENDED_KEY, OVER_KEY, refused, timed_out_url
from fellesjournal.identity.sessions import Sessions
from fellesjournal.web import Visitor, set_visitor
from fellesjournal.web.paths import below

READER_KEY = "fellesjournal.reader"
_takes_no_cookie = below("/fhir", "/scim", "/static", "/health", "/metrics", "/.well-known", *discovery.BACK_CHANNEL)
_is_open_form = below("/logg-inn", "/logg-ut", "/kontekst", "/test-idp", "/sprak", "/farge")
"""Where somebody without a session may send a form."""

VisitorFor = Callable[[Reader], Visitor]


def plain_visitor(reader: Reader) -> Visitor:
    """The reader as the layout shows them; the application adds home page and links with `replace`."""
    return Visitor(
        name=reader.name,
        csrf_secret=hmac.digest(reader.secret, b"fellesjournal csrf", hashlib.sha256),
        person=f"{reader.kind} {reader.person}".encode(),
        role=ROLE_NAMES.get(reader.role, reader.role) if reader.kind == "staff" else "",
        unit=reader.unit_name,
        switch_url="/kontekst" if reader.kind == "staff" else None,
        sign_out_url="/logg-ut",
        acting_for=reader.acting.name if reader.acting else "",
        acting_as=RELATION_NAMES.get(reader.acting.relation, "") if reader.acting else "",
        context=context_tag(reader.secret) if reader.kind == "citizen" else "",
    )


class CurrentReader:
    """Finds the reader of the session cookie before anything else needs them; needs `app.state.sessions`.

    Stands outside of `web.CsrfProtection`, whose tokens are bound to the session. A form that comes after the session
    has ended is answered here: its token can't be right any more, and the person should be told to sign in.
    """

    def __init__(self, app: ASGIApp, *, visitor_for: VisitorFor = plain_visitor) -> None:
        """Wrap the application."""
        self._app = app
        self._visitor_for = visitor_for

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Put the reader and the visitor in the scope and pass on."""
        if scope["type"] in ("http", "websocket") and not _is_without_cookie(scope):
            await self._find(scope)
        if _is_late_form(scope):
            await refused(Request(scope, receive), NotSignedIn())(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _find(self, scope: Scope) -> None:
        connection = HTTPConnection(scope)
        sessions = sessions_of(connection)
        secret = sessions.cookies.secret(connection)
        reader = None if secret is None else await sessions.who(secret)
        # An app's token is no session of the pages.
        if reader is None or reader.app is not None:
            scope[ENDED_KEY] = secret is not None
            scope[OVER_KEY] = secret is not None and await sessions.acting_over(secret) is not None
            return
        scope[READER_KEY] = reader
        left_s, again = sessions.shown_left_s(reader), timed_out_url(scope)
        visitor = replace(self._visitor_for(reader), expires_in_s=left_s, sign_in_url=again)
        set_visitor(scope, visitor)


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
    """The reader of the request's token, or None; a cookie counts for nothing here.

    A token that is bound to a key opens nothing without a proof of that key, made for this very request (RFC 9449).
    """
    scheme, _sep, text = connection.headers.get("authorization", "").partition(" ")
    kind = scheme.lower()
    secret = secret_of(text.strip()) if kind in ("bearer", "dpop") else None
    reader = None if secret is None else await sessions_of(connection).who(secret)
    jkt = reader.app.jkt if reader is not None and reader.app is not None else ""
    if reader is None or (kind == "bearer" and not jkt):
        return reader
    is_proved = kind == "dpop" and bool(jkt) and await dpop.proves(connection, token=text.strip(), jkt=jkt)
    return reader if is_proved else None


def sessions_of(connection: HTTPConnection) -> Sessions:
    """The application's sessions."""
    found: Sessions = connection.scope["app"].state.sessions
    return found


def is_ended(connection: HTTPConnection) -> bool:
    """Whether the browser came with a session that has ended, rather than with none."""
    return bool(connection.scope.get(ENDED_KEY))


def context_tag(secret: bytes) -> str:
    """An opaque sign of this session, for forms and other tabs to notice that the context was switched."""
    return hmac.digest(secret, b"fellesjournal context", hashlib.sha256).hex()[:16]


def _is_without_cookie(scope: Scope) -> bool:
    # Asking how long is left must not make it longer.
    is_peek = scope["path"] == "/okt" and scope.get("method") == "GET"
    return is_peek or _takes_no_cookie(scope["path"])


def _is_late_form(scope: Scope) -> bool:
    is_form = scope["type"] == "http" and scope["method"] not in ("GET", "HEAD", "OPTIONS")
    return is_form and bool(scope.get(ENDED_KEY)) and not _is_open_form(scope["path"])
