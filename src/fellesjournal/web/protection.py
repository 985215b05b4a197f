"""Forms are accepted only from our own pages: two checks, each enough against most attacks.

Where the browser says that the request comes from, and a token that is bound to the session. A form of the same
person's other context is told apart: nothing is done, and what was typed in it is given back.
"""

from __future__ import annotations

from urllib.parse import unquote_plus

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fellesjournal.web.csrf import FIELD, HEADER, Standing, standing_of
from fellesjournal.web.errors import Trouble, error_page, kept_page, status_page
from fellesjournal.web.forms import read_form
from fellesjournal.web.i18n import _
from fellesjournal.web.kept import kept_of
from fellesjournal.web.paths import below

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
OTHER_CONTEXT = Trouble(
    _("Du har byttet rolle eller enhet"),
    _("Siden ble åpnet før du byttet rolle eller enhet, kanskje i en annen fane. Den hører ikke til der du er nå."),
    _("Ingenting er lagret eller endret. Det du skrev, står under, og kladder ligger i nettleseren."),
    _("Sjekk at du er i riktig rolle. Åpne siden på nytt i den, eller bytt tilbake, og send derfra."),
)


class CsrfProtection:
    """Refuses unsafe requests that do not come from our own pages.

    Stands inside whatever sets the `Visitor`, since the token is bound to the session. `exempt` are the paths
    that take no cookie and therefore cannot be forged this way. The body is read once and handed on; more
    than `max_body_bytes` is 413.
    """

    def __init__(
        self, app: ASGIApp, *, exempt: tuple[str, ...] = ("/fhir",), max_body_bytes: int = 8 * 1024 * 1024
    ) -> None:
        """Wrap the application."""
        self._app = app
        self._is_exempt = below(*exempt)
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on when it is safe or proves where it comes from."""
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS or self._is_exempt(scope["path"]):
            await self._app(scope, receive, send)
            return
        if not _comes_from_us(HTTPConnection(scope)):
            await _refusal(scope, receive, send)
            return
        body = await _read(receive, self._max_body_bytes)
        if body is None:
            await _too_large(scope, receive, send)
            return
        answer = {"genuine": self._app, "other context": _other_context, "forged": _refusal}[await _token(scope, body)]
        await answer(scope, _replay(body, receive), send)


def _comes_from_us(connection: HTTPConnection) -> bool:
    """Whether the browser says so, or says nothing: our own no-referrer makes Origin `null` in older ones."""
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = connection.headers.get("origin")
    if origin is None or origin == "null":
        return True
    return origin == f"{connection.url.scheme}://{connection.url.netloc}"


def _says_ours(connection: HTTPConnection) -> bool:
    """Whether the browser says that the page is ours; one that says nothing doesn't."""
    is_said = any(connection.headers.get(name, "null") != "null" for name in ("sec-fetch-site", "origin"))
    return is_said and _comes_from_us(connection)


async def _read(receive: Receive, limit: int) -> bytes | None:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            return None
        chunks.append(chunk)
        if message["type"] != "http.request" or not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body once more, then what the connection says next (that the browser has gone)."""
    waiting = [body]

    async def again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return again


async def _token(scope: Scope, body: bytes) -> Standing:
    """How the request's token stands. Only a browser that says itself that the page is ours is told of a context."""
    connection = HTTPConnection(scope)
    try:
        given = connection.headers.get(HEADER) or await _token_in(scope, connection, body)
    except HTTPException:
        # A body that can't be read holds no token.
        return "forged"
    standing = "forged" if given is None else standing_of(connection, given)
    return "forged" if standing == "other context" and not _says_ours(connection) else standing


async def _token_in(scope: Scope, connection: HTTPConnection, body: bytes) -> str | None:
    media_type = connection.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded":
        start = FIELD.encode() + b"="
        found = next((pair for pair in body.split(b"&") if pair.startswith(start)), None)
        return None if found is None else unquote_plus(found[len(start) :].decode("latin-1"))
    if media_type == "multipart/form-data":
        return await _token_in_multipart(scope, body)
    return None


async def _token_in_multipart(scope: Scope, body: bytes) -> str | None:
    async def once() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async with Request(dict(scope), once).form() as form:
        given = form.get(FIELD)
    return given if isinstance(given, str) else None


async def _refusal(scope: Scope, receive: Receive, send: Send) -> None:
    page = error_page(
        Request(scope, receive),
        403,
        _("Skjemaet ble ikke godtatt"),
        _("Skjemaet ble sendt fra en side som ikke lenger hører til innloggingen din."),
        _("Ingenting er lagret eller endret. Kladder ligger fortsatt i nettleseren."),
        _("Gå tilbake, last siden på nytt og send skjemaet en gang til."),
    )
    await page(scope, receive, send)


async def _other_context(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive)
    try:
        page = kept_page(request, 409, OTHER_CONTEXT, kept_of(await read_form(request)))
    except HTTPException as error:
        page = status_page(request, error.status_code)
    await page(scope, receive, send)


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    await status_page(Request(scope, receive), 413)(scope, receive, send)
