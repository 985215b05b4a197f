"""What the pages of sign-in share: what they hold, and the step over the threshold."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fellesjournal.identity.cookies import FLOW, LAST, SESSION, SIGNED, Cookies, secret_text
from fellesjournal.identity.current import VisitorFor, plain_visitor
from fellesjournal.identity.flow import LAST_S, Last
from fellesjournal.identity.model import NotSignedIn, Person, ProviderName, Reader, UnknownPerson
from fellesjournal.identity.oidc import OidcClient
from fellesjournal.identity.oidc.provider import TEST_PATH
from fellesjournal.identity.sealed import Sealer
from fellesjournal.identity.sessions import Sessions
from fellesjournal.kit.log import get_logger

_log = get_logger("identity")


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """What the pages hold. `visitor_for` tells each reader's home page, as the layout gets it."""

    sessions: Sessions
    clients: Mapping[ProviderName, OidcClient]
    visitor_for: VisitorFor = plain_visitor

    @property
    def cookies(self) -> Cookies:
        """How cookies are named here."""
        return self.sessions.cookies

    @property
    def form_targets(self) -> tuple[str, ...]:
        """Origins that a form may lead to, for `web.SecurityHeaders`; empty when all are our own."""
        issuers = (urlsplit(client.provider.issuer) for client in self.clients.values())
        return tuple({f"{parts.scheme}://{parts.netloc}" for parts in issuers if TEST_PATH not in parts.path})

    @property
    def sealer(self) -> Sealer:
        """Seals what the browser keeps between pages."""
        return Sealer(keys=self.sessions.keys, clock=self.sessions.clock)


async def find(sign_in: SignIn, national_id: str) -> Person:
    """The person here whom the sign-in service vouched for. Raises UnknownPerson."""
    person = await sign_in.sessions.recognise(national_id)
    if person is None:
        raise UnknownPerson
    return person


async def enter(sign_in: SignIn, request: Request, secret: bytes, *, return_to: str) -> Response:
    """Give the browser its new session, and lead to the page it came from or home.

    Whatever session it had before ends. Somebody else's page, or a page in another role, is not returned to.
    """
    former = sign_in.cookies.secret(request)
    if former is not None:
        await sign_in.sessions.end(former)
    reader = await sign_in.sessions.who(secret)
    if reader is None:
        raise NotSignedIn
    _log.info("signed in", kind=reader.kind, role=reader.role)
    response = RedirectResponse(_way_back(sign_in, request, reader, return_to), 303)
    sign_in.cookies.put(response, SESSION, secret_text(secret))
    last = sign_in.sealer.seal(_last(reader), ttl_s=LAST_S)
    sign_in.cookies.put(response, LAST, last)
    sign_in.cookies.drop(response, FLOW, SIGNED)
    return response


def same_text(one: str, other: str) -> bool:
    """Compare without telling by the time how much is right."""
    return hmac.compare_digest(one.encode(), other.encode())


def _way_back(sign_in: SignIn, request: Request, reader: Reader, return_to: str) -> str:
    last = sign_in.sealer.open(sign_in.cookies.get(request, LAST), Last)
    if return_to and last in (None, _last(reader)):
        return return_to
    return sign_in.visitor_for(reader).home_url


def _last(reader: Reader) -> Last:
    return Last(kind=reader.kind, person=reader.person, post=reader.post)
