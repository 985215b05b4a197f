"""Where apps ask without a person: discovery, keys, tokens, introspection and revocation.

Source: RFC 6749 § 5, RFC 7662, RFC 7009; SMART App Launch 2.2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fellesjournal.identity.apps import discovery, dpop, ledger
from fellesjournal.identity.apps.clients import Clients
from fellesjournal.identity.apps.model import OAuthError
from fellesjournal.identity.apps.signing import Signer
from fellesjournal.identity.apps.tokens import Tokens, context_of, fhir_user, subject
from fellesjournal.identity.oidc import Http
from fellesjournal.identity.sealed import Sealer
from fellesjournal.identity.sessions import Sessions
from fellesjournal.kit.db import Database
from fellesjournal.kit.settings import Settings

PUBLIC: Final = "what apps ask without a person; a token is given to an approved app that proves who it is"
_NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_FORM: Final = "application/x-www-form-urlencoded"
_MOST_BYTES: Final = 50_000


@dataclass(frozen=True, kw_only=True)
class AppServer:
    """What apps are served with: the pools, their authentication, their tokens."""

    settings: Settings
    sessions: Sessions
    signin: Database
    web: Database
    clients: Clients
    tokens: Tokens

    @property
    def sealer(self) -> Sealer:
        """Seals what a browser keeps between pages."""
        return Sealer(keys=self.sessions.keys, clock=self.sessions.clock)

    @property
    def base(self) -> str:
        """The server's own address."""
        return self.settings.base_url


def app_server(
    *, settings: Settings, sessions: Sessions, signin: Database, web: Database, http: Callable[[], Http]
) -> AppServer:
    """Put together what apps are served with; `http` makes the client that an app's published keys are fetched by."""
    base = settings.base_url
    sealer = Sealer(keys=sessions.keys, clock=sessions.clock)
    tokens = Tokens(
        signin=signin, signer=Signer(signin, sealer=sealer), keys=sessions.keys, clock=sessions.clock, base=base,
        token_s=settings.app_token_minutes * 60,
    )  # fmt: skip
    clients = Clients(
        signin, sessions=sessions, http=http, key_hosts=settings.app_key_hosts,
        audiences=(base + discovery.TOKEN, base),
    )  # fmt: skip
    return AppServer(settings=settings, sessions=sessions, signin=signin, web=web, clients=clients, tokens=tokens)


def routes(server: AppServer) -> list[Route]:
    """The addresses; all are public in the sense of the gate, for the reason in `PUBLIC`."""
    smart, openid = discovery.smart_configuration(server.base), discovery.openid_configuration(server.base)
    handlers: list[tuple[str, str, Any]] = [
        *((place + discovery.SMART, "GET", partial(_published, smart)) for place in ("", "/fhir")),
        *((place + discovery.OPENID, "GET", partial(_published, openid)) for place in ("", "/fhir")),
        (discovery.JWKS, "GET", partial(jwks, server)),
        (discovery.TOKEN, "POST", partial(_answered, token, server)),
        (discovery.INTROSPECT, "POST", partial(_answered, introspect, server)),
        (discovery.REVOKE, "POST", partial(_answered, revoke, server)),
    ]
    return [Route(path, handler, methods=[method]) for path, method, handler in handlers]


async def jwks(server: AppServer, _request: Request) -> Response:
    """The public keys that id tokens are signed by."""
    return JSONResponse(await server.tokens.signer.published(), headers={"Cache-Control": "max-age=300"})


async def token(server: AppServer, request: Request) -> dict[str, Any]:
    """An access token. Raises OAuthError."""
    form = await _form(request)
    app = await server.clients.authenticate(request, form)
    return await server.tokens.issue(app, form, jkt=await dpop.proof_key(request))


async def introspect(server: AppServer, request: Request) -> dict[str, Any]:
    """What a token of the asking app is worth; nothing of another's. Raises OAuthError."""
    form = await _form(request)
    app = await server.clients.authenticate(request, form)
    if app.registration.kind == "public":
        raise OAuthError("invalid_client", "only an app that proves who it is may ask", status=401)
    found = await ledger.inspect(server.signin, form.get("token", ""))
    grant = None if found is None else await ledger.grant_of(server.signin, found.grant)
    if found is None or grant is None or found.app != app.id:
        return {"active": False}
    answer = {
        "active": True, "scope": str(found.scopes), "client_id": app.client_id, "iss": server.base,
        "sub": subject(server.sessions.keys, grant), "exp": int(found.until_at.timestamp()),
        "token_type": ("DPoP" if grant.jkt else "Bearer") if found.is_access else "refresh_token", **context_of(grant),
    }  # fmt: skip
    answer |= {"iat": int(found.made_at.timestamp())} if found.made_at else {}
    answer |= {"cnf": {"jkt": grant.jkt}} if grant.jkt else {}
    user = fhir_user(grant)
    return answer | ({"fhirUser": f"{server.base}/fhir/{user}"} if user else {})


async def revoke(server: AppServer, request: Request) -> dict[str, Any]:
    """End a token; the same answer whether there was one or not. Raises OAuthError."""
    form = await _form(request)
    app = await server.clients.authenticate(request, form)
    await ledger.revoke(server.signin, app=app, token=form.get("token", ""))
    return {}


async def _published(content: dict[str, Any], _request: Request) -> Response:
    return JSONResponse(content, headers={"Cache-Control": "max-age=300"})


async def _answered(handler: Any, server: AppServer, request: Request) -> Response:
    try:
        return JSONResponse(await handler(server, request), headers=_NO_STORE)
    except OAuthError as error:
        said = {"error": error.code, "error_description": error.description}
        headers = dict(_NO_STORE)
        if error.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="fellesjournal"'
        return JSONResponse(said, error.status, headers)


async def _form(request: Request) -> dict[str, str]:
    """The fields of the form, each at most once (RFC 6749 § 3.2). Raises OAuthError."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise OAuthError("invalid_request", f"the request is sent as {_FORM}")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise OAuthError("invalid_request", "the request is too large", status=413)
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=50, errors="strict")
    except ValueError:
        raise OAuthError("invalid_request", "the form can't be read") from None
    if len(dict(pairs)) != len(pairs) or any("\x00" in value for _, value in pairs):
        raise OAuthError("invalid_request", "every field is sent once, as text")
    return dict(pairs)
