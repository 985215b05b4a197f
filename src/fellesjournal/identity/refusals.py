"""What is answered to those who are not let in: a page that says what happened, or the way to sign in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import Scope

from fellesjournal.identity.flow import local_path
from fellesjournal.identity.model import IdentityRefusal, NotSignedIn, PostEnded
from fellesjournal.kit.log import get_logger
from fellesjournal.web import _, error_page

SIGN_IN = "/logg-inn"
TIMED_OUT = "/tidsavbrudd"
ACTING_OVER = "/representasjon-avsluttet"
"""Where somebody goes on as themselves who may no longer act for another."""
ENDED_KEY = "fellesjournal.session_ended"
OVER_KEY = "fellesjournal.acting_over"
_log = get_logger("identity")


def refusal_handlers() -> Mapping[type[Exception], Callable[[Request, Exception], Awaitable[Response]]]:
    """What the application gives to Starlette besides `web.exception_handlers()`."""
    return {IdentityRefusal: _answer}


def refused(request: Request, refusal: IdentityRefusal) -> Response:
    """The answer to one who is not let in.

    Somebody who opens a page without a session is led to sign in; forms, parts of pages and scripts are told.
    """
    if _wants_json(request):
        return JSONResponse({"error": type(refusal).__name__}, refusal.status)
    if isinstance(refusal, NotSignedIn) and _is_acting_over(request) and "hx-request" not in request.headers:
        return RedirectResponse(ACTING_OVER, 303)
    if isinstance(refusal, NotSignedIn) and _is_page(request):
        ended = bool(request.scope.get(ENDED_KEY))
        return RedirectResponse(timed_out_url(request.scope) if ended else sign_in_url(request), 303)
    return error_page(
        request,
        refusal.status,
        refusal.title,
        refusal.happened,
        refusal.kept,
        refusal.todo,
        actions=(_way_on(request, refusal),),
    )


def sign_in_url(request: Request) -> str:
    """Where to sign in, and the page to come back to when there is one to read."""
    return SIGN_IN + _back_to(_page_of(request))


def timed_out_url(scope: Scope) -> str:
    """Where to go when the session has ended on this page."""
    return TIMED_OUT + (_back_to(_address(scope)) if scope.get("method") == "GET" else "")


async def _answer(request: Request, error: Exception) -> Response:
    assert isinstance(error, IdentityRefusal)  # noqa: S101 - Starlette's handlers are typed loosely
    if not isinstance(error, NotSignedIn):
        _log.warning("sign-in refused", reason=type(error).__name__, detail=str(error))
    return refused(request, error)


def _way_on(request: Request, refusal: IdentityRefusal) -> tuple[str, str]:
    if isinstance(refusal, PostEnded):
        return _("Velg rolle"), "/kontekst"
    if _is_acting_over(request):
        return _("Gå videre i din egen journal"), ACTING_OVER
    return _("Logg inn"), sign_in_url(request)


def _is_acting_over(request: Request) -> bool:
    return bool(request.scope.get(OVER_KEY))


def _page_of(request: Request) -> str:
    """The page that the person looks at: this one, or the one that asked for a part."""
    if "hx-current-url" in request.headers:
        parts = urlsplit(request.headers["hx-current-url"])
        return parts.path + (f"?{parts.query}" if parts.query else "")
    return _address(request.scope) if request.method == "GET" else ""


def _back_to(address: str) -> str:
    path = local_path(address)
    return f"?{urlencode({'til': path})}" if path and path != "/" else ""


def _address(scope: Scope) -> str:
    query = scope.get("query_string", b"").decode("latin-1")
    return str(scope["path"]) + (f"?{query}" if query else "")


def _is_page(request: Request) -> bool:
    return request.method in ("GET", "HEAD") and "hx-request" not in request.headers


def _wants_json(request: Request) -> bool:
    return request.url.path.startswith("/okt") or request.headers.get("accept", "").startswith(
        "application/json"
    )
