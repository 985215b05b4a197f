"""How long the session lives, asking for more, and the page that says that it has ended."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from fellesjournal.identity.cookies import LAST, SESSION
from fellesjournal.identity.current import context_tag, current_reader, require_reader
from fellesjournal.identity.entry import SignIn
from fellesjournal.identity.flow import Last, local_path
from fellesjournal.identity.model import NotSignedIn
from fellesjournal.identity.refusals import ACTING_OVER, OVER_KEY
from fellesjournal.web import render


async def left(sign_in: SignIn, request: Request) -> Response:
    """Seconds until the session ends, as JSON. Does not count as activity. Raises NotSignedIn."""
    secret = sign_in.cookies.secret(request)
    seconds = None if secret is None else await sign_in.sessions.seconds_left(secret)
    if secret is None or seconds is None:
        raise NotSignedIn
    return JSONResponse({"seconds": seconds, "context": context_tag(secret)})


async def extend(sign_in: SignIn, request: Request) -> Response:
    """Start the idle time anew. Raises NotSignedIn."""
    reader = require_reader(request)
    if not await sign_in.sessions.extend(reader.secret):
        raise NotSignedIn
    seconds = await sign_in.sessions.seconds_left(reader.secret)
    return JSONResponse({"seconds": seconds, "context": context_tag(reader.secret)})


async def timed_out(sign_in: SignIn, request: Request) -> Response:
    """Says that the session has ended, that drafts are kept, and leads back to the page after a new sign-in."""
    back_to = local_path(request.query_params.get("til", ""))
    reader = current_reader(request)
    if reader is not None:
        return RedirectResponse(back_to or sign_in.visitor_for(reader).home_url, 303)
    if request.scope.get(OVER_KEY):
        return RedirectResponse(ACTING_OVER, 303)
    last = sign_in.sealer.open(sign_in.cookies.get(request, LAST), Last)
    way = {"staff": "helsepersonell", "citizen": "innbygger"}.get(last.kind if last else "", "")
    response = render(request, "identity/timed_out.html", back_to=back_to, way=way)
    sign_in.cookies.drop(response, SESSION)
    return response
