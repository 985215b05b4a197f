"""The pages of sign-in: choose how, come back, choose role, sign out, and what the time-out says."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fellesjournal.identity import context, upkeep
from fellesjournal.identity.cookies import FLOW, LAST, SESSION, SIGNED
from fellesjournal.identity.current import current_reader
from fellesjournal.identity.entry import SignIn, enter, find, same_text
from fellesjournal.identity.flow import FLOW_S, Flow, Last, local_path
from fellesjournal.identity.model import FlowLost, NoPost, Person, SecurityLevel
from fellesjournal.identity.oidc import Begun
from fellesjournal.web import add_templates, read_form, render

PUBLIC = "sign-in itself; shows nothing about anyone but the one who signs in"
_PROVIDERS = {"helsepersonell": "helseid", "innbygger": "idporten"}

add_templates("identity", "fellesjournal.identity")


def routes(sign_in: SignIn) -> list[Route]:
    """The room's addresses; all are public in the sense of the gate, for the reason in `PUBLIC`."""
    handlers = [
        ("/logg-inn", "GET", choose),
        ("/logg-inn", "POST", begin),
        ("/logg-inn/svar", "GET", finish),
        ("/logg-ut", "POST", sign_out),
        ("/logget-ut", "GET", signed_out),
        ("/kontekst", "GET", context.choose),
        ("/kontekst", "POST", context.act),
        ("/tidsavbrudd", "GET", upkeep.timed_out),
        ("/okt", "GET", upkeep.left),
        ("/okt/forleng", "POST", upkeep.extend),
    ]
    return [Route(path, partial(handler, sign_in), methods=[method]) for path, method, handler in handlers]


async def choose(sign_in: SignIn, request: Request) -> Response:
    """Staff or citizen."""
    return render(
        request,
        "identity/sign_in.html",
        back_to=local_path(request.query_params.get("til", "")),
        ways=[way for way, name in _PROVIDERS.items() if name in sign_in.clients],
    )


async def begin(sign_in: SignIn, request: Request) -> Response:
    """Send the browser to the sign-in service."""
    form = await read_form(request)
    name = _PROVIDERS.get(form.text("hvem"))
    client = next((client for key, client in sign_in.clients.items() if key == name), None)
    if client is None:
        return RedirectResponse("/logg-inn", 303)
    begun = await client.begin()
    flow = Flow(
        provider=client.provider.name,
        state=begun.state,
        nonce=begun.nonce,
        verifier=begun.verifier,
        return_to=local_path(form.text("til")),
    )
    response = RedirectResponse(begun.url, 303)
    sign_in.cookies.put(response, FLOW, sign_in.sealer.seal(flow, ttl_s=FLOW_S), max_age_s=FLOW_S)
    return response


async def finish(sign_in: SignIn, request: Request) -> Response:
    """The way back from the sign-in service. Raises the refusals of `model`."""
    flow = await _flow(sign_in, request)
    client = sign_in.clients[flow.provider]
    begun = Begun("", flow.state, flow.nonce, flow.verifier)
    answer = dict(request.query_params)
    signed_in = await client.finish(answer, begun=begun)
    person = await find(sign_in, signed_in.national_id)
    if flow.provider == "helseid":
        response = await _receive_staff(sign_in, request, person, signed_in.level, flow.return_to)
    else:
        secret = await sign_in.sessions.start_citizen(
            person=person.id, level=signed_in.level, device=request.headers.get("user-agent", "")
        )
        response = await enter(sign_in, request, secret, return_to=flow.return_to)
    sign_in.cookies.drop(response, FLOW)
    return response


async def sign_out(sign_in: SignIn, request: Request) -> Response:
    """End the session here, then at the sign-in service."""
    reader = current_reader(request)
    url = None
    if reader is not None:
        await sign_in.sessions.end(reader.secret)
        client = sign_in.clients.get("helseid" if reader.kind == "staff" else "idporten")
        url = None if client is None else await client.sign_out_url()
    response = RedirectResponse(url or "/logget-ut", 303)
    sign_in.cookies.drop(response, SESSION, FLOW, SIGNED, LAST)
    return response


async def signed_out(_sign_in: SignIn, request: Request) -> Response:
    """Says that the session has ended."""
    return render(request, "identity/signed_out.html")


async def _flow(sign_in: SignIn, request: Request) -> Flow:
    """The sign-in that this browser began and this answer belongs to; the first time only. Raises FlowLost."""
    flow = sign_in.sealer.open(sign_in.cookies.get(request, FLOW), Flow)
    if flow is None or flow.provider not in sign_in.clients:
        raise FlowLost
    if not same_text(request.query_params.get("state", ""), flow.state):
        raise FlowLost
    if not await sign_in.sessions.use_once("state " + flow.state, ttl_s=FLOW_S):
        raise FlowLost
    return flow


async def _receive_staff(
    sign_in: SignIn, request: Request, person: Person, level: SecurityLevel, return_to: str
) -> Response:
    posts = await sign_in.sessions.posts_of(person.id)
    if not posts:
        raise NoPost
    last = sign_in.sealer.open(sign_in.cookies.get(request, LAST), Last)
    known = [post for post in posts if last == Last(kind="staff", person=person.id, post=post.id)]
    # Back to where the session ended, in the role that it had; else one who has several chooses.
    fitting = known if known and return_to else posts
    if len(fitting) > 1:
        return await context.ask(sign_in, request, person, level, return_to)
    secret = await sign_in.sessions.start_staff(
        person=person.id, post=fitting[0].id, level=level, device=request.headers.get("user-agent", "")
    )
    return await enter(sign_in, request, secret, return_to=return_to)
