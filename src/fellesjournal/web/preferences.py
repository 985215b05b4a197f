"""Language and colours, chosen on any page and kept in a cookie; and the route of the static files."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal.web.assets import PREFIX, serve
from fellesjournal.web.i18n import COOKIE as LANGUAGE_COOKIE
from fellesjournal.web.i18n import LANGUAGES

SCHEME_COOKIE = "farge"
SCHEMES = ("auto", "light", "dark")
_YEAR_S = 365 * 24 * 3600


def routes() -> list[Route]:
    """The room's own addresses; all are public, and none shows anything about anyone."""
    return [
        Route(PREFIX + "{name}", serve, name="static"),
        Route("/sprak", choose_language, methods=["POST"], name="language"),
        Route("/farge", choose_scheme, methods=["POST"], name="scheme"),
    ]


async def choose_language(request: Request) -> Response:
    """Keep the chosen language and go back to the page."""
    return await _keep(request, cookie=LANGUAGE_COOKIE, allowed=tuple(LANGUAGES))


async def choose_scheme(request: Request) -> Response:
    """Keep the chosen colours and go back to the page."""
    return await _keep(request, cookie=SCHEME_COOKIE, allowed=SCHEMES)


def scheme_of(request: Request) -> str:
    """Light, dark, or as the machine is set."""
    chosen = request.cookies.get(SCHEME_COOKIE, "auto")
    return chosen if chosen in SCHEMES else "auto"


async def _keep(request: Request, *, cookie: str, allowed: tuple[str, ...]) -> Response:
    form = await request.form()
    chosen = str(form.get("valg", ""))
    response = RedirectResponse(local_path(str(form.get("tilbake", "/"))), status_code=303)
    if chosen in allowed:
        secure = request.url.scheme == "https"
        response.set_cookie(cookie, chosen, max_age=_YEAR_S, samesite="lax", httponly=True, secure=secure)
    return response


def local_path(path: str) -> str:
    """The path when it stays on this site, or else the front page."""
    is_local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_local and "\\" not in path else "/"
