"""The context: one role at one unit. Chosen after sign-in, and switched with one key and no new sign-in."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fellesjournal.identity.cookies import SIGNED
from fellesjournal.identity.current import current_reader
from fellesjournal.identity.entry import SignIn, enter
from fellesjournal.identity.flow import CHOICE_S, Signed
from fellesjournal.identity.model import (
    ROLE_NAMES,
    FlowLost,
    NotSignedIn,
    Person,
    PostEnded,
    Reader,
    SecurityLevel,
)
from fellesjournal.web import read_form, render


async def ask(
    sign_in: SignIn, request: Request, person: Person, level: SecurityLevel, return_to: str
) -> Response:
    """Lead somebody who has just signed in, and has several roles, to the choice. The former session ends."""
    signed = Signed(
        ticket=secrets.token_urlsafe(16), person=person.id, name=person.name, level=level, return_to=return_to
    )
    former = sign_in.cookies.secret(request)
    if former is not None:
        await sign_in.sessions.end(former)
    response = RedirectResponse("/kontekst", 303)
    sign_in.cookies.put(response, SIGNED, sign_in.sealer.seal(signed, ttl_s=CHOICE_S), max_age_s=CHOICE_S)
    return response


async def choose(sign_in: SignIn, request: Request) -> Response:
    """The roles to choose from. Raises NotSignedIn."""
    reader, signed = _who(sign_in, request)
    person = reader.person if reader else signed.person if signed else 0
    return render(
        request,
        "identity/context.html",
        posts=await sign_in.sessions.posts_of(person),
        current=reader.post if reader else None,
        name=reader.name if reader else signed.name if signed else "",
        role_names=ROLE_NAMES,
    )


async def act(sign_in: SignIn, request: Request) -> Response:
    """Act in the chosen role from now on. Raises NotSignedIn, PostEnded, FlowLost."""
    reader, signed = _who(sign_in, request)
    post = _number((await read_form(request)).text("rolle"))
    device = request.headers.get("user-agent", "")
    if reader is not None:
        secret = await sign_in.sessions.switch_staff(reader.secret, post=post, device=device)
        return await enter(sign_in, request, secret, return_to="")
    if signed is None or not await sign_in.sessions.use_once("ticket " + signed.ticket, ttl_s=CHOICE_S):
        raise FlowLost
    secret = await sign_in.sessions.start_staff(
        person=signed.person, post=post, level=signed.level, device=device
    )
    return await enter(sign_in, request, secret, return_to=signed.return_to)


def _who(sign_in: SignIn, request: Request) -> tuple[Reader | None, Signed | None]:
    """A live staff session, or else a sign-in that waits for its choice."""
    reader = current_reader(request)
    if reader is not None and reader.kind == "staff":
        return reader, None
    signed = sign_in.sealer.open(sign_in.cookies.get(request, SIGNED), Signed)
    if signed is None:
        raise NotSignedIn
    return None, signed


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise PostEnded
    return int(text)
